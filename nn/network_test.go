package nn

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"testing"
)

func mustNew[T Float](t testing.TB, inputs int, seed uint64, layers ...Dense) *Network[T] {
	t.Helper()
	n, err := New[T](inputs, Seed(seed), layers...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waves returns a matrix of numbers in [-2, 2] that look random.
func waves[T Float](rows, cols int) Matrix[T] {
	m := NewMatrix[T](rows, cols)
	for i := range m.Data {
		m.Data[i] = T(2 * math.Sin(float64(7*i*i+3*i+1)))
	}
	return m
}

// targets returns targets that the loss accepts.
func targets[T Float](loss Loss, rows, cols int) Matrix[T] {
	y := waves[T](rows, cols)
	for i := range y.Data {
		switch loss {
		case CrossEntropy:
			y.Data[i] = T(step(i%cols == i/cols%cols))
		case BinaryCrossEntropy:
			y.Data[i] = T(i % 2)
		case Poisson:
			y.Data[i] = T(i % 4)
		}
	}
	return y
}

func allActivations(t testing.TB) []Activation {
	t.Helper()
	var all []Activation
	for _, name := range Activations() {
		f, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func allLosses(t testing.TB) []Loss {
	t.Helper()
	var all []Loss
	for _, name := range Losses() {
		l, err := ParseLoss(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func TestParamCount(t *testing.T) {
	for _, c := range []struct {
		inputs int
		layers []Dense
		want   int
	}{
		{1, []Dense{{Units: 1}}, 2},
		{1, []Dense{{Units: 1, NoBias: true}}, 1},
		{3, []Dense{{Units: 4, NoBias: true}, {Units: 1, NoBias: true}}, 16},
		{3, []Dense{{Units: 4, NoBias: true}, {Units: 2}}, 22},
		{20, []Dense{{Units: 64}, {Units: 64}, {Units: 1}}, 20*64 + 64 + 64*64 + 64 + 64 + 1},
		{3e4, []Dense{{Units: 3e4}, {Units: 3e4}, {Units: 1}}, 1.8e9 + 6e4 + 3e4 + 1},
		{math.MaxInt - 1, []Dense{{Units: 1}}, math.MaxInt},
	} {
		got, err := ParamCount(c.inputs, c.layers...)
		if err != nil || got != c.want {
			t.Errorf("%d inputs, %v: %d parameters, %v; want %d", c.inputs, c.layers, got, err, c.want)
		}
		if c.want < 1e6 {
			if n := mustNew[float32](t, c.inputs, 1, c.layers...); len(n.Params()) != c.want {
				t.Errorf("%d inputs, %v: the network has %d parameters, want %d", c.inputs, c.layers, len(n.Params()), c.want)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	const half = 1 << (bits.UintSize / 2) // half * half/2 is more than an int can count
	for _, c := range []struct {
		inputs int
		layers []Dense
		want   string
	}{
		{0, []Dense{{Units: 1}}, "network shape: a network needs at least one input, not 0"},
		{-2, []Dense{{Units: 1}}, "network shape: a network needs at least one input, not -2"},
		{3, nil, "network shape: a network needs at least one layer, its output"},
		{3, []Dense{{Units: 4}, {}}, "network shape: layer 1: a layer needs at least one unit, not 0"},
		{3, []Dense{{Units: -3}, {Units: 1}}, "network shape: layer 0: a layer needs at least one unit, not -3"},
		{3, []Dense{{Units: 4, Activation: Softmax}, {Units: 1}}, "network shape: layer 0: softmax belongs to the output layer"},
		{half, []Dense{{Units: half}}, fmt.Sprintf("network shape: layer 0: %d x %d weights are more than can be counted", half, half)},
		{1, []Dense{{Units: half}, {Units: half}}, fmt.Sprintf("network shape: layer 1: %d x %d weights are more than can be counted", half, half)},
		{math.MaxInt, []Dense{{Units: 1}}, fmt.Sprintf("network shape: layer 0: %d x 1 weights are more than can be counted", math.MaxInt)},
		{1, []Dense{{Units: math.MaxInt}}, fmt.Sprintf("network shape: layer 0: 1 x %d weights are more than can be counted", math.MaxInt)},
		// The weights of each layer can be counted, but not those of both together.
		{half, []Dense{{Units: half / 4}, {Units: half}}, fmt.Sprintf("network shape: layer 1: %d x %d weights are more than can be counted", half/4, half)},
	} {
		_, err := New[float64](c.inputs, Seed(1), c.layers...)
		_, counted := ParamCount(c.inputs, c.layers...)
		for _, err := range []error{err, counted} {
			if err == nil || err.Error() != c.want || !errors.Is(err, ErrShape) {
				t.Errorf("%d inputs, %v:\n got %v\nwant %s", c.inputs, c.layers, err, c.want)
			}
		}
	}
}

func TestLocateAndIndex(t *testing.T) {
	for _, layers := range [][]Dense{
		{{Units: 1}},
		{{Units: 1, NoBias: true}},
		{{Units: 4}, {Units: 3}, {Units: 2}},
		{{Units: 4, NoBias: true}, {Units: 3}, {Units: 2, NoBias: true}},
	} {
		n := mustNew[float64](t, 3, 1, layers...)
		for i := range n.Params() {
			n.Params()[i] = float64(i)
		}
		for i := range n.Params() {
			l, in, unit := n.Locate(i)
			if back, err := n.Index(l, in, unit); err != nil || back != i {
				t.Errorf("%v: parameter %d is (%d, %d, %d), which is parameter %d, %v", layers, i, l, in, unit, back, err)
			}
			at := 0.0
			if in < 0 {
				at = n.Bias(l)[unit]
			} else {
				at = n.Weights(l).At(in, unit)
			}
			if at != float64(i) {
				t.Errorf("%v: (%d, %d, %d) is parameter %v, want %d", layers, l, in, unit, at, i)
			}
		}
		mustPanic(t, fmt.Sprintf("nn: parameter %d of %d", len(n.Params()), len(n.Params())), func() { n.Locate(len(n.Params())) })
	}

	n := mustNew[float64](t, 3, 1, Dense{Units: 4, NoBias: true}, Dense{Units: 2})
	for _, c := range []struct {
		l, in, unit int
		want        string
	}{
		{-1, 0, 0, "there is no layer -1; the network has layers 0 to 1"},
		{2, 0, 0, "there is no layer 2; the network has layers 0 to 1"},
		{0, 0, 4, "layer 0 has no unit 4; it has units 0 to 3"},
		{0, 0, -1, "layer 0 has no unit -1; it has units 0 to 3"},
		{0, -1, 0, "layer 0 has no bias"},
		{0, 3, 0, "layer 0 has no input 3; it has inputs 0 to 2"},
		{1, -2, 0, "layer 1 has no input -2; it has inputs 0 to 3"},
	} {
		if _, err := n.Index(c.l, c.in, c.unit); err == nil || err.Error() != c.want {
			t.Errorf("(%d, %d, %d):\n got %v\nwant %s", c.l, c.in, c.unit, err, c.want)
		}
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panicked with %v, want %q", got, want)
		}
	}()
	f()
}

func TestWrongShapesPanic(t *testing.T) {
	n := mustNew[float64](t, 3, 1, Dense{Units: 2})
	tape, grad := n.NewTape(4), make([]float64, 8)
	n.Forward(tape, NewMatrix[float64](4, 3))
	for want, f := range map[string]func(){
		"nn: the input has 2 columns, the network 3 inputs":         func() { n.Forward(tape, NewMatrix[float64](4, 2)) },
		"nn: the input has 5 rows, the tape room for 4":             func() { n.Forward(tape, NewMatrix[float64](5, 3)) },
		"nn: the targets are 3 x 2, the outputs 4 x 2":              func() { n.Backprop(tape, Squared, NewMatrix[float64](3, 2), 1, grad) },
		"nn: the targets are 4 x 1, the outputs 4 x 2":              func() { n.Backprop(tape, Squared, NewMatrix[float64](4, 1), 1, grad) },
		"nn: the gradient has 7 elements, the network 8 parameters": func() { n.Backprop(tape, Squared, NewMatrix[float64](4, 2), 1, grad[:7]) },
		"nn: FromRows: row 1 has 1 values, row 0 has 2":             func() { FromRows([][]float64{{1, 2}, {3}}) },
	} {
		mustPanic(t, want, f)
	}
}

func TestClone(t *testing.T) {
	n := mustNew[float64](t, 3, 1, Dense{Units: 4, Activation: Tanh}, Dense{Units: 2})
	c, single := n.Clone(), ConvertNetwork[float32](n)
	for i, w := range n.Params() {
		if c.Params()[i] != w || single.Params()[i] != float32(w) {
			t.Fatalf("parameter %d is %v; cloned %v, in float32 %v", i, w, c.Params()[i], single.Params()[i])
		}
	}
	c.Params()[0]++
	if n.Params()[0] == c.Params()[0] {
		t.Error("the clone shares the parameters of the original")
	}
	if c.Inputs() != 3 || c.Outputs() != 2 || c.Depth() != 2 || !slices.Equal(c.Layers(), n.Layers()) {
		t.Errorf("the clone has %d inputs and the layers %v, want those of the original", c.Inputs(), c.Layers())
	}
}

func TestCompatible(t *testing.T) {
	needs := map[string][]Activation{
		"cross-entropy":        {Softmax},
		"binary-cross-entropy": {Sigmoid},
		"poisson":              {Exp, Softplus},
		"tweedie:1.5":          {Exp, Softplus},
		"gamma":                {Exp, Softplus},
		"focal:2":              {Softmax},
		"binary-focal:2":       {Sigmoid},
		"hinge":                {Identity},
	}
	for _, loss := range allLosses(t) {
		for _, out := range allActivations(t) {
			for _, units := range []int{1, 2, 10} {
				allowed, picky := needs[loss.String()]
				want := !picky || slices.Contains(allowed, out)
				if out == Softmax && units == 1 {
					want = false
				}
				if err := Compatible(loss, out, units); (err == nil) != want {
					t.Errorf("%s after %d %s: got the wrong result %v", loss, units, out, err)
				}
			}
		}
	}
	for _, c := range []struct {
		loss  Loss
		out   Activation
		units int
		want  string
	}{
		{Squared, Softmax, 1, "softmax over one output is always 1; use a sigmoid output, or one output per class"},
		{CrossEntropy, Sigmoid, 3, "cross-entropy needs a softmax output, whose probabilities sum to 1; the output is sigmoid: use softmax, or the loss binary-cross-entropy with sigmoid"},
		{BinaryCrossEntropy, Tanh, 1, "binary-cross-entropy needs a sigmoid output, a probability for each; the output is tanh: use sigmoid, or another loss"},
		{Focal(2), Sigmoid, 3, "focal:2 needs a softmax output, whose probabilities sum to 1; the output is sigmoid: use softmax, or the loss binary-focal:2 with sigmoid"},
		{Hinge, Sigmoid, 1, "hinge needs an identity output, a decision value of either sign; the output is sigmoid"},
		{Poisson, Identity, 1, "poisson needs an output that is always positive, exp or softplus; the output is identity"},
	} {
		if err := Compatible(c.loss, c.out, c.units); err == nil || err.Error() != c.want {
			t.Errorf("%s after %s:\n got %v\nwant %s", c.loss, c.out, err, c.want)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, loss := range allLosses(t) {
		for _, y := range []float64{-1e30, -1, -1e-300, 0, 0.5, 1, 1 + 1e-15, 3, 1e30, nan, inf, -inf} {
			want := y-y == 0
			switch loss {
			case Poisson, Tweedie(1.5):
				want = want && y >= 0
			case Gamma:
				want = want && y > 0
			case BinaryCrossEntropy, CrossEntropy, Focal(2), BinaryFocal(2), Hinge:
				want = want && y >= 0 && y <= 1
			}
			if err := CheckTarget(loss, y); (err == nil) != want {
				t.Errorf("%s, target %v: got the wrong result %v", loss, y, err)
			}
		}
	}
	for _, c := range []struct {
		loss Loss
		y    float64
		want string
	}{
		{Squared, nan, "the target NaN is not a finite number"},
		{Poisson, -inf, "the target -Inf is not a finite number"},
		{Poisson, -1, "poisson counts cannot be negative; the target is -1"},
		{BinaryCrossEntropy, 2, "the targets of binary-cross-entropy are probabilities in [0, 1]; the target is 2"},
		{Gamma, 0, "the amounts of gamma must be greater than 0; the target is 0: use tweedie:1.5 where some are 0"},
		{Tweedie(1.2), -1, "the amounts of tweedie:1.2 cannot be negative; the target is -1"},
		{Hinge, 2, "the targets of hinge are 0 for the one class and 1 for the other; the target is 2"},
		{CrossEntropy, -0.5, "the targets of cross-entropy are probabilities in [0, 1]; the target is -0.5"},
	} {
		if err := CheckTarget(c.loss, c.y); err == nil || err.Error() != c.want {
			t.Errorf("%s, target %v:\n got %v\nwant %s", c.loss, c.y, err, c.want)
		}
	}
}

// deep returns a net of two hidden layers. Their widths are not multiples of a vector's length.
func deep[T Float](t testing.TB, f, out Activation, units int) *Network[T] {
	t.Helper()
	n := mustNew[T](t, 7, 3, Dense{Units: 13, Activation: f}, Dense{Units: 9, Activation: f, NoBias: true}, Dense{Units: units, Activation: out})
	for i := range n.Bias(0) {
		n.Bias(0)[i] = T(math.Sin(float64(i)))
	}
	return n
}

// The outputs of a row have the same bits whichever rows are beside it: alone, in one batch, and in the parts of
// Predict.
func TestRowsAreIndependent(t *testing.T) {
	t.Run("float32", rowsAreIndependent[float32])
	t.Run("float64", rowsAreIndependent[float64])
}

func rowsAreIndependent[T Float](t *testing.T) {
	const rows = 1000
	for _, f := range allActivations(t) {
		hidden, out := f, f
		if f == Softmax {
			hidden = Tanh
		}
		if f == Exp {
			hidden = Tanh // e^e^z would mostly be infinite
		}
		n := deep[T](t, hidden, out, 5)
		x := waves[T](rows, 7)
		whole := n.Forward(n.NewTape(rows), x)
		predicted := n.Predict(x)
		single := n.NewTape(1)
		for i := range rows {
			alone := n.Forward(single, x.Slice(i, i+1))
			if !slices.Equal(alone.Row(0), whole.Row(i)) {
				t.Fatalf("%s: row %d gives %v alone and %v in a batch", f, i, alone.Row(0), whole.Row(i))
			}
			if !slices.Equal(predicted.Row(i), whole.Row(i)) {
				t.Fatalf("%s: row %d gives %v by Predict and %v by Forward", f, i, predicted.Row(i), whole.Row(i))
			}
		}
	}
	if out := deep[T](t, Tanh, Identity, 5).Predict(NewMatrix[T](0, 7)); out.Rows != 0 || out.Cols != 5 {
		t.Errorf("Predict of no rows gives %d x %d outputs, want 0 x 5", out.Rows, out.Cols)
	}
}

// A view with a larger stride gives the same bits as a matrix without one.
func TestStridedInput(t *testing.T) {
	n := deep[float32](t, Tanh, Identity, 3)
	wide := waves[float32](10, 11)
	view := Matrix[float32]{Rows: 10, Cols: 7, Stride: 11, Data: wide.Data[2:]}
	dense := Convert[float32](view)
	if !slices.Equal(n.Predict(view).Data, n.Predict(dense).Data) {
		t.Error("the outputs differ")
	}
	var grads [2][]float32
	for i, x := range []Matrix[float32]{view, dense} {
		tape := n.NewTape(10)
		grads[i] = make([]float32, len(n.Params()))
		n.Forward(tape, x)
		n.Backprop(tape, Squared, targets[float32](Squared, 10, 3), 0.1, grads[i])
	}
	if !slices.Equal(grads[0], grads[1]) {
		t.Error("the gradients differ")
	}
}

func TestManyGoroutines(t *testing.T) {
	n := deep[float32](t, Tanh, Softmax, 5)
	x, y := waves[float32](300, 7), targets[float32](CrossEntropy, 300, 5)
	pass := func() (out, grad []float32) {
		tape := n.NewTape(300)
		grad = make([]float32, len(n.Params()))
		n.Forward(tape, x)
		n.Backprop(tape, CrossEntropy, y, 1, grad)
		return n.Predict(x).Data, grad
	}
	wantOut, wantGrad := pass()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for range 4 {
				if out, grad := pass(); !slices.Equal(out, wantOut) || !slices.Equal(grad, wantGrad) {
					t.Errorf("goroutine %d got different bits", g)
				}
			}
		})
	}
	wg.Wait()
}

func TestPassesDoNotAllocate(t *testing.T) {
	t.Run("float32", passesDoNotAllocate[float32])
	t.Run("float64", passesDoNotAllocate[float64])
}

func passesDoNotAllocate[T Float](t *testing.T) {
	const rows = 6
	x := waves[T](rows, 7)
	for _, loss := range allLosses(t) {
		y := targets[T](loss, rows, 5)
		for _, f := range allActivations(t) {
			for _, out := range allActivations(t) {
				// Every loss is combined with every output, and every hidden activation with every output, but not all three.
				if f == Softmax || Compatible(loss, out, 5) != nil || loss != HalfSquared && f != Tanh {
					continue
				}
				n := deep[T](t, f, out, 5)
				tape, grad := n.NewTape(rows), make([]T, len(n.Params()))
				if allocs := testing.AllocsPerRun(5, func() {
					n.Forward(tape, x)
					n.Backprop(tape, loss, y, 0.5, grad)
					n.Loss(tape, loss, y)
				}); allocs != 0 {
					t.Errorf("%s, %s, %s: %v allocations in a step, want none", f, out, loss, allocs)
				}
			}
		}
	}
}

// softsign is a custom activation, z / (1 + |z|). Its type is not comparable, so the
// package must not compare it.
type softsign struct{ notes []string }

func (softsign) String() string      { return "softsign" }
func (softsign) F(z float64) float64 { return z / (1 + math.Abs(z)) }
func (softsign) D(z, _ float64) float64 {
	d := 1 + math.Abs(z)
	return 1 / (d * d)
}
func (softsign) Piece(z float64) int { return step(z >= 0) }

// bowl is a custom loss, log cosh(yhat - y).
type bowl struct{ notes []string }

func (bowl) String() string { return "bowl" }
func (bowl) L(y, yhat float64) float64 {
	r := math.Abs(yhat - y)
	return r + math.Log1p(math.Exp(-2*r)) - math.Ln2
}
func (bowl) D(y, yhat float64) float64 { return math.Tanh(yhat - y) }
func (bowl) Piece(_, _ float64) int    { return 0 }

func TestCustomActivationAndLoss(t *testing.T) {
	f, loss := softsign{[]string{"custom"}}, bowl{}
	for _, c := range []struct {
		hidden, out Activation
		loss        Loss
	}{{f, Identity, HalfSquared}, {Tanh, f, Squared}, {f, f, loss}, {f, Softmax, loss}, {f, Sigmoid, BinaryCrossEntropy}, {Sigmoid, Sigmoid, loss}} {
		if err := Compatible(c.loss, c.out, 3); err != nil {
			t.Error(err)
		}
		for _, r := range []Reduction{Mean, Sum} {
			n := deep[float64](t, c.hidden, c.out, 3)
			check := CheckGradient(n, c.loss, waves[float64](5, 7), targets[float64](c.loss, 5, 3), CheckOptions{Reduction: r})
			if !check.OK() || check.Checked < check.Parameters*9/10 {
				t.Errorf("%s, %s, %s, %s: worst error %.2g, %d of %d checked", c.hidden, c.out, c.loss, r, check.Worst.Error, check.Checked, check.Parameters)
			}
		}
	}
	if err := CheckTarget(loss, -3); err != nil {
		t.Error(err)
	}

	// In a float32 network they are called in float64, and their results are rounded.
	n := mustNew[float32](t, 1, 1, Dense{Units: 1, Activation: f, NoBias: true, Init: Zeros})
	n.Params()[0] = 1
	tape, grad := n.NewTape(1), make([]float32, 1)
	out := n.Forward(tape, FromRows([][]float32{{3}})).At(0, 0)
	n.Backprop(tape, loss, FromRows([][]float32{{0.5}}), 1, grad)
	if want := float32(math.Tanh(0.25)) * float32(1.0/16) * 3; out != 0.75 || grad[0] != want {
		t.Errorf("in float32: output %v, gradient %v; want 0.75 and %v", out, grad[0], want)
	}
	if i := n.Layer(0).Init; i != Zeros {
		t.Errorf("its init is %s, want zeros", i)
	}
}

// A loss near 0 keeps its digits. For a target of 1 it is log(1 + e^-z), and not the difference
// of two large numbers.
func TestSmallCrossEntropies(t *testing.T) {
	n, err := New[float32](1, Seed(1), Dense{Units: 1, Activation: Sigmoid, NoBias: true, Init: Zeros})
	if err != nil {
		t.Fatal(err)
	}
	n.Params()[0] = 1
	tape := n.NewTape(1)
	for z, want := range map[float32]float64{10: 4.5398899e-5, 15: 3.0590227e-7, 40: 4.2483543e-18} {
		n.Forward(tape, FromRows([][]float32{{z}}))
		if got := n.Loss(tape, BinaryCrossEntropy, FromRows([][]float32{{1}})); math.Abs(got-want) > 1e-6*want {
			t.Errorf("the loss at z = %v is %v, want %v", z, got, want)
		}
	}
}

// New refuses more parameters than memory can hold, and does not let make panic.
func TestTooManyParameters(t *testing.T) {
	if _, err := New[float32](math.MaxInt/2, Seed(1), Dense{Units: math.MaxInt / 2}); !errors.Is(err, ErrShape) {
		t.Errorf("more weights than can be counted: got %v, want an error that wraps ErrShape", err)
	}
}
