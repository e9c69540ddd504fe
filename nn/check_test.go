package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The test checks the gradient in float64 for every combination of activation, loss, reduction and kind of layer
// (bias, norm, dropout). Each activation is in two hidden layers and, with every loss that accepts it, at the output.
func TestGradientTable(t *testing.T) {
	losses := []Loss{HalfSquared, Squared, Absolute, Huber(1), Huber(0.3), BinaryCrossEntropy, CrossEntropy, Poisson,
		Quantile(0.3), LogCosh, Tweedie(1.3), Gamma, Focal(2), Focal(0.5), BinaryFocal(2), BinaryFocal(0), Hinge,
		WithBounds(Squared, 0.8), WithBounds(Poisson, 0.5)}
	var hidden []Activation
	for _, name := range Activations() {
		f, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		if f != Softmax {
			hidden = append(hidden, f)
		}
	}
	outputs := append([]Activation{Softmax}, hidden...)
	nets, cases, inputs, seen := 0, 0, 0, map[string]bool{}
	for _, loss := range losses {
		for _, out := range outputs {
			if Compatible(loss, out, 3) != nil {
				continue
			}
			for _, f := range hidden {
				nets++
				for i, kind := range []Dense{
					{}, {NoBias: true}, {Norm: BatchNorm}, {Norm: LayerNorm}, {Dropout: 0.3},
					{Norm: BatchNorm, NoBias: true, Dropout: 0.3}, {Norm: LayerNorm, NoBias: true, Dropout: 0.3},
				} {
					if testing.Short() && (nets%11 != 0 || i != nets/11%7) {
						continue // every eleventh network, with one kind of layer in turn
					}
					for _, r := range []Reduction{Mean, Sum} {
						if r == Sum && (kind.Norm != NoNorm || kind.Dropout > 0) {
							continue // the reduction only scales the output's delta
						}
						cases++
						seen[loss.String()] = true
						name := fmt.Sprintf("%s/%s-%s/nobias=%v/norm=%s/dropout=%v/%s", loss, f, out, kind.NoBias, kind.Norm, kind.Dropout, r)
						c := checkCase(t, f, out, loss, kind, r)
						inputs += c.inputs
						if c.inputWorst.Error > CheckThreshold {
							t.Errorf("%s: input %d: gradient %v, numeric %v, error %.2g", name, c.inputWorst.Index, c.inputWorst.Gradient, c.inputWorst.Numeric, c.inputWorst.Error)
						}
						if !(c.from <= 1e-9) {
							t.Errorf("%s: BackpropFrom is %.2g of the largest gradient away from Backprop", name, c.from)
						}
						if !c.OK() {
							t.Errorf("%s: parameter %d: gradient %v, numeric %v, error %.2g > %.0e",
								name, c.Worst.Index, c.Worst.Gradient, c.Worst.Numeric, c.Worst.Error, CheckThreshold)
						}
						if c.Checked < c.Parameters*3/4 {
							t.Errorf("%s: only %d of %d parameters could be compared (%d at kinks)", name, c.Checked, c.Parameters, c.Kinks)
						}
					}
				}
			}
		}
	}
	if len(seen) != len(losses) {
		t.Errorf("only the losses %v were checked, want all of them", seen)
	}
	if inputs < cases*15*3/4 {
		t.Errorf("only %d of %d inputs could be compared, want at least three quarters", inputs, cases*15)
	}
	t.Logf("%d combinations, %d inputs", cases, inputs)
}

// caseCheck is the result of one combination.
type caseCheck struct {
	Check
	inputs     int        // the number whose gradients were compared
	inputWorst Comparison // of InputGradient with a central difference
	from       float64    // how far BackpropFrom is from Backprop, as a share of the largest gradient
}

func checkCase(t *testing.T, f, out Activation, loss Loss, kind Dense, r Reduction) caseCheck {
	t.Helper()
	const rows, inputs, units = 5, 3, 3
	rand := rand.New(rand.NewPCG(11, 7))
	std := 0.5
	if f == Exp {
		std = 0.2 // e to the e to the x grows too fast for a central difference
	}
	more, wide, outNorm, seed := 0, std, kind.Norm, uint64(3)
	if kind.Norm == LayerNorm {
		// With few units or small sums, the norm curves too strongly for a central difference. The size of the
		// weights changes nothing else.
		more, wide, outNorm, seed = 5, 2, NoNorm, 4
	}
	n, err := New[float64](inputs, Seed(seed),
		Dense{Units: 4 + more, Activation: f, NoBias: kind.NoBias, Init: Normal(wide), Norm: kind.Norm, Dropout: kind.Dropout},
		Dense{Units: 3 + more, Activation: f, NoBias: kind.NoBias, Init: Normal(wide), Norm: kind.Norm, Dropout: kind.Dropout},
		Dense{Units: units, Activation: out, NoBias: kind.NoBias, Init: Normal(std), Norm: outNorm, Dropout: kind.Dropout})
	if err != nil {
		t.Fatal(err)
	}
	for l := range n.Depth() {
		for j := range n.Bias(l) {
			n.Bias(l)[j] = rand.NormFloat64() / 4
		}
	}
	for i := range n.Params() { // gamma and beta, where there are any
		switch _, in, _ := n.Locate(i); in {
		case OfGamma:
			n.Params()[i] = std + rand.Float64()/4
		case OfBeta:
			n.Params()[i] = rand.NormFloat64() / 4
		}
	}
	x, y := NewMatrix[float64](rows, inputs), NewMatrix[float64](rows, units)
	for i := range x.Data {
		x.Data[i] = rand.NormFloat64()
	}
	for i := range rows {
		for j := range units {
			switch LossOf(loss, 0).(type) {
			case crossEntropy, focal:
				y.Row(i)[j] = float64(step((i+j)%3 == 0))
			case binaryCrossEntropy, binaryFocal, hinge:
				y.Row(i)[j] = float64((i + j) % 2)
			case poisson, tweedie:
				y.Row(i)[j] = float64((i + 2*j) % 4)
			case gamma:
				y.Row(i)[j] = float64((i+2*j)%4 + 1)
			default:
				y.Row(i)[j] = rand.NormFloat64()
			}
		}
	}
	result := caseCheck{Check: CheckGradient(n, loss, x, y, CheckOptions{Reduction: r})}
	c := newChecker(n, loss, x, y, CheckOptions{Reduction: r})
	dx := NewMatrix[float64](rows, inputs)
	n.InputGradient(c.tape, dx)
	dA, grad := NewMatrix[float64](rows, units), make([]float64, len(n.params))
	for i := range dA.Data {
		dA.Data[i] = c.scale * LossOf(loss, i%units).D(y.Data[i], c.tape.a[2].Data[i])
	}
	n.BackpropFrom(c.tape, dA, grad)
	again := NewMatrix[float64](rows, inputs)
	n.InputGradient(c.tape, again)
	for i, g := range grad {
		result.from = max(result.from, math.Abs(g-c.grad[i])/(100*c.floor))
	}
	for i, g := range dx.Data {
		if math.Abs(again.Data[i]-g) > 1e-9*(1+math.Abs(g)) {
			t.Errorf("input %d: gradient %v after Backprop, %v after BackpropFrom", i, g, again.Data[i])
		}
		cmp, kink := c.compareAt(i, &x.Data[i], g, false)
		if !kink {
			result.inputs++
			result.inputWorst = worse(result.inputWorst, cmp)
		}
	}
	return result
}

// broken is an activation whose derivative is wrong by one part in a thousand.
type broken struct{ Activation }

func (b broken) D(z, a float64) float64 { return b.Activation.D(z, a) * 1.001 }

type brokenLoss struct{ Loss }

func (b brokenLoss) D(y, yhat float64) float64 { return b.Loss.D(y, yhat) * 1.001 }

// The check must fail when any one derivative is wrong.
func TestGradientCheckFindsBrokenDerivatives(t *testing.T) {
	for _, name := range Activations() {
		f, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		if f == Softmax {
			continue
		}
		if c := checkCase(t, broken{f}, Identity, HalfSquared, Dense{}, Mean); c.OK() {
			t.Errorf("a wrong derivative of %s passed the check: the worst error is %.2g", name, c.Worst.Error)
		}
	}
	for _, loss := range []Loss{HalfSquared, Squared, Absolute, Huber(1), Quantile(0.3), LogCosh, WithBounds(Squared, 0.8)} {
		if c := checkCase(t, Tanh, Identity, brokenLoss{loss}, Dense{}, Mean); c.OK() {
			t.Errorf("a wrong derivative of %s passed the check: the worst error is %.2g", loss, c.Worst.Error)
		}
	}
}

func TestGradientCheckReportsKinks(t *testing.T) {
	// One ReLU unit whose pre-activation is exactly 0: moving its weight crosses the kink.
	n, err := New[float64](1, Seed(1), Dense{Units: 1, Activation: ReLU}, Dense{Units: 1})
	if err != nil {
		t.Fatal(err)
	}
	copy(n.Params(), []float64{0, 0, 2, 0.5}) // w, b, v, c
	x, y := FromRows([][]float64{{1}}), FromRows([][]float64{{3}})
	c := CheckGradient(n, HalfSquared, x, y, CheckOptions{})
	if c.Kinks != 2 || c.Checked != 2 || !c.OK() {
		t.Errorf("kinks %d, checked %d, ok %v; want 2, 2, true", c.Kinks, c.Checked, c.OK())
	}
}

func TestGradientCheckSamples(t *testing.T) {
	n, err := New[float64](20, Seed(1), Dense{Units: 30, Activation: Tanh}, Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	x, y := NewMatrix[float64](4, 20), NewMatrix[float64](4, 2)
	for i := range x.Data {
		x.Data[i] = math.Sin(float64(i))
	}
	before := append([]float64(nil), n.Params()...)
	c := CheckGradient(n, Squared, x, y, CheckOptions{Max: 50, Seed: 9})
	if c.Checked != 50 || c.Parameters != 20*30+30+30*2+2 || !c.OK() {
		t.Errorf("checked %d of %d parameters, want 50 of 692; the worst error is %.2g", c.Checked, c.Parameters, c.Worst.Error)
	}
	for i, w := range n.Params() {
		if w != before[i] {
			t.Fatalf("parameter %d was not restored", i)
		}
	}
	n.Params()[3] = math.NaN()
	if c := CheckGradient(n, Squared, x, y, CheckOptions{}); c.OK() {
		t.Error("a network with a NaN passed the check")
	}
}

// Below a layer normalization of nearly equal values the loss curves so strongly that a plain difference is
// off by more than the threshold. Extrapolation finds the derivative, and still finds a gradient that is wrong.
func TestGradientCheckWhereTheLossCurves(t *testing.T) {
	x := FromRows([][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}})
	y := FromRows([][]float64{{0}, {1}, {1}, {0}})
	extrapolated := 0
	for seed := range uint64(300) {
		n, err := New[float64](2, Seed(seed), Dense{Units: 4, Activation: Tanh, Norm: LayerNorm}, Dense{Units: 1, Activation: Sigmoid})
		if err != nil {
			t.Fatal(err)
		}
		if result := CheckGradient(n, BinaryCrossEntropy, x, y, CheckOptions{}); !result.OK() {
			t.Errorf("seed %d: parameter %d has the gradient %v and the numeric derivative %v, an error of %.2g",
				seed, result.Worst.Index, result.Worst.Gradient, result.Worst.Numeric, result.Worst.Error)
		}
		c := newChecker(n, BinaryCrossEntropy, x, y, CheckOptions{})
		for i, g := range c.grad {
			w := n.params[i]
			plain, _ := c.difference(&n.params[i], w, cbrtEpsilon*max(1, math.Abs(w)), true)
			n.params[i] = w
			if c.relativeError(g, plain) <= CheckThreshold {
				continue
			}
			extrapolated++
			c.grad[i] = g * (1 + 1e-5)
			if cmp, _ := c.compare(i); cmp.Error <= CheckThreshold {
				t.Errorf("seed %d: a gradient of parameter %d that is wrong by a part in 100,000 passed", seed, i)
			}
			c.grad[i] = g
		}
	}
	if extrapolated == 0 {
		t.Error("no plain difference was off by more than the threshold, so nothing was extrapolated")
	}
	t.Logf("%d derivatives were extrapolated", extrapolated)
}
