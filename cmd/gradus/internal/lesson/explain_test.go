package lesson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

func network(t *testing.T, inputs int, seed uint64, layers ...nn.Dense) *nn.Network[float64] {
	t.Helper()
	n, err := nn.New[float64](inputs, nn.Seed(seed), layers...)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 7))
	for l := range n.Depth() { // biases start at 0; here they should count
		for j := range n.Bias(l) {
			n.Bias(l)[j] = r.Float64() - 0.5
		}
	}
	return n
}

func explain(t *testing.T, n *nn.Network[float64], o ExplainOptions, x, y []float64) *Explanation {
	t.Helper()
	e, err := Explain(n, o, x, y)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// consistent checks what holds for every explanation: products, sums and the engine agree.
func consistent(t *testing.T, e *Explanation) {
	t.Helper()
	size := math.Abs(e.Gradient) // rounding is relative to this; it is larger if paths cancel
	if e.Recursion == nil {
		if len(e.Paths) != e.PathCount {
			t.Errorf("%s: %d paths of %d", e.Weight, len(e.Paths), e.PathCount)
		}
		sum, sizes := 0.0, 0.0
		for _, p := range e.Paths {
			product := 1.0
			for _, f := range p.Factors {
				product *= f.Value
				if f.Symbol == "" || f.Meaning == "" {
					t.Errorf("%s: factor without a name: %+v", e.Weight, f)
				}
			}
			if product != p.Product {
				t.Errorf("%s: product %v, factors give %v", e.Weight, p.Product, product)
			}
			if p.Units[0] != (Unit{e.Weight.Layer, e.Weight.Unit}) || p.Units[len(p.Units)-1].Layer != len(e.Layers)-1 {
				t.Errorf("%s: path through %v", e.Weight, p.Units)
			}
			sum += product
			sizes += math.Abs(product)
		}
		if sum != e.Sum {
			t.Errorf("%s: sum %v, the products give %v", e.Weight, e.Sum, sum)
		}
		size = max(size, 1e-3*sizes)
	} else {
		r := e.Recursion
		sum, sizes := 0.0, math.Abs(r.Rest)
		for _, term := range r.Terms {
			if term.Product != term.Weight*term.Delta {
				t.Errorf("%s: term %+v", e.Weight, term)
			}
			sum += term.Product
			sizes += math.Abs(term.Product)
		}
		if sum+r.Rest != r.Sum || r.Slope.Value*r.Sum != r.Delta || r.Delta*r.Input.Value != e.Sum {
			t.Errorf("%s: the terms and the rest give %v, want %v; delta %v, sum %v", e.Weight, sum+r.Rest, r.Sum, r.Delta, e.Sum)
		}
		delta := e.Layers[e.Weight.Layer].Delta[e.Weight.Unit]
		if math.Abs(r.Delta-delta) > 1e-13*sizes {
			t.Errorf("%s: delta %v, the engine's is %v", e.Weight, r.Delta, delta)
		}
		size = max(size, 1e-3*sizes*math.Abs(r.Slope.Value*r.Input.Value))
	}
	if math.Abs(e.Sum-e.Gradient) > 1e-12*size {
		t.Errorf("%s: the chain rule gives %v, the engine %v: %.2g relative", e.Weight, e.Sum, e.Gradient, math.Abs(e.Sum-e.Gradient)/size)
	}
}

// everyWeight explains every parameter of a net.
func everyWeight(t *testing.T, n *nn.Network[float64], o ExplainOptions, x, y []float64, smooth bool) {
	t.Helper()
	for i := range n.Params() {
		l, in, unit := n.Locate(i)
		o.Weight = &Address{l, in, unit}
		e := explain(t, n, o, x, y)
		consistent(t, e)
		if e.Index != i || e.Value != n.Params()[i] {
			t.Errorf("%s: index %d value %v", e.Weight, e.Index, e.Value)
		}
		if smooth && (e.Kink || !(e.Error <= nn.CheckThreshold)) {
			t.Errorf("%s: numeric %v, backprop %v: error %.2g, kink %v", e.Weight, e.Numeric, e.Gradient, e.Error, e.Kink)
		}
		if want := math.FMA(-e.Update.Rate, e.Gradient, e.Value); e.Update.After != want || e.Update.Before != e.Value {
			t.Errorf("%s: update %+v, want %v", e.Weight, e.Update, want)
		}
	}
}

func TestPathsSumToTheGradient(t *testing.T) {
	x := []float64{0.7, -0.4, 0.9}
	hidden := []nn.Activation{nn.Identity, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU(0.1), nn.ELU(1),
		nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Exp}
	outputs := []struct {
		f    nn.Activation
		loss nn.Loss
		y    []float64
	}{
		{nn.Identity, nn.HalfSquared, []float64{1.3, -0.2}},
		{nn.Tanh, nn.Squared, []float64{0.3, -0.2}},
		{nn.Sigmoid, nn.HalfSquared, []float64{0.9, 0.2}},
		{nn.Identity, nn.Absolute, []float64{9, -9}},
		{nn.Identity, nn.Huber(1), []float64{9, 0.1}},
		{nn.Sigmoid, nn.BinaryCrossEntropy, []float64{1, 0}},
		{nn.Exp, nn.Poisson, []float64{3, 0}},
		{nn.Softplus, nn.Poisson, []float64{2, 1}},
		{nn.Softmax, nn.CrossEntropy, []float64{0, 1}},
		{nn.Softmax, nn.HalfSquared, []float64{0, 1}},
	}
	for _, f := range hidden {
		for _, out := range outputs {
			for _, noBias := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s,%s,%s,noBias=%v", f, out.f, out.loss, noBias), func(t *testing.T) {
					n := network(t, 3, 5,
						nn.Dense{Units: 3, Activation: f, NoBias: noBias, Init: nn.Glorot},
						nn.Dense{Units: 4, Activation: f, NoBias: noBias, Init: nn.Glorot},
						nn.Dense{Units: 2, Activation: out.f, NoBias: noBias, Init: nn.Glorot})
					everyWeight(t, n, ExplainOptions{Loss: out.loss}, x, out.y, true)
					// The recursion gives the same.
					everyWeight(t, n, ExplainOptions{Loss: out.loss, MaxPaths: 1}, x, out.y, true)
				})
			}
		}
	}
}

// The notebook's 3-1-1 net by hand, with the weights of the golden file's first run:
//
//	h_in = 0.2·0.023643 + 0.4·0.900927 + 0.6·(-0.711681)    h = sigmoid(h_in)
//	y_in = h·0.897299                                       y = sigmoid(y_in)
//	dL/dw2 = -(0.8 - y) · y(1 - y) · h
//	dL/dw1 = -(0.8 - y) · y(1 - y) · w2 · h(1 - h) · x
func TestNotebookStepByHand(t *testing.T) {
	g := golden(t)[0]
	n := g.network(t)
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	h := sigmoid(0.2*0.023643 + 0.4*0.900927 + 0.6*-0.711681)
	y := sigmoid(h * 0.897299)
	o := ExplainOptions{Rate: 80}
	for in := range 3 {
		o.Weight = &Address{0, in, 0}
		e := explain(t, n, o, g.X[0], g.Y[0])
		want := []struct {
			kind  Kind
			name  string
			value float64
		}{
			{LossByOutput, "dL/da[1.0]", -(0.8 - y)},
			{Slope, "f'(z[1.0])", y * (1 - y)},
			{WeightOf, "w[1.0.0]", 0.897299},
			{Slope, "f'(z[0.0])", h * (1 - h)},
			{InputOf, fmt.Sprintf("x[%d]", in), g.X[0][in]},
		}
		if len(e.Paths) != 1 || len(e.Paths[0].Factors) != len(want) {
			t.Fatalf("got the paths %+v, want one of five factors", e.Paths)
		}
		for i, f := range e.Paths[0].Factors {
			if f.Kind != want[i].kind || f.Symbol != want[i].name || math.Abs(f.Value-want[i].value) > 1e-14 {
				t.Errorf("factor %d is %+v, want %+v", i, f, want[i])
			}
		}
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-13*math.Abs(want) {
				t.Errorf("%s = %v, numpy has %v", what, got, want)
			}
		}
		near("output", e.Outputs[0].Output, g.First.Output[0][0])
		near("gradient", e.Gradient, g.First.GradW1[in][0])
		near("sum", e.Sum, g.First.GradW1[in][0])
		near("updated weight", e.Update.After, g.Trajectory[0].W1[in][0])
		if e.RuleUpdate != nil {
			t.Error("gradient descent needs no second update")
		}
	}
	o.Weight = &Address{1, 0, 0}
	e := explain(t, n, o, g.X[0], g.Y[0])
	last := e.Paths[0].Factors[2]
	if last.Kind != ActivationOf || last.Symbol != "a[0.0]" || math.Abs(last.Value-h) > 1e-15 {
		t.Errorf("last factor of w2: %+v", last)
	}
	if math.Abs(e.Sum-g.First.GradW2[0][0]) > 1e-14 || math.Abs(e.Update.After-g.Trajectory[0].W2[0][0]) > 1e-12 {
		t.Errorf("w2: gradient %v, after %v", e.Sum, e.Update.After)
	}
	// Without a choice, Explain takes the first layer's weight with the largest gradient. Here it belongs to the largest input.
	o.Weight = nil
	if e := explain(t, n, o, g.X[0], g.Y[0]); e.Weight != (Address{0, 2, 0}) {
		t.Errorf("Explain chose the weight %v, want 0.2.0", e.Weight)
	}
}

func TestManyPathsBecomeARecursion(t *testing.T) {
	x, y := []float64{0.7, -0.4, 0.9}, []float64{0.3, 0.1}
	sizes := []struct {
		widths []int
		layer  int
		paths  int
		listed bool
	}{
		{[]int{5, 32, 2}, 0, 64, true},
		{[]int{5, 33, 2}, 0, 66, false},
		{[]int{5, 33, 2}, 1, 2, true},
		{[]int{5, 33, 2}, 2, 1, true},
		{[]int{4, 9, 9, 2}, 0, 162, false},
		{[]int{4, 8, 100, 2}, 1, 200, false},
	}
	for _, s := range sizes {
		var layers []nn.Dense
		for _, w := range s.widths {
			layers = append(layers, nn.Dense{Units: w, Activation: nn.Tanh})
		}
		n := network(t, 3, 3, layers...)
		e := explain(t, n, ExplainOptions{Weight: &Address{s.layer, 1, 1}}, x, y)
		consistent(t, e)
		if e.PathCount != s.paths || (e.Recursion == nil) != s.listed || (len(e.Paths) == s.paths) != s.listed {
			t.Errorf("%v layer %d: %d paths, %d listed", s.widths, s.layer, e.PathCount, len(e.Paths))
		}
		if r := e.Recursion; r != nil {
			next := s.widths[s.layer+1]
			if r.Count != next || len(r.Terms) != min(10, next) || next <= 10 && r.Rest != 0 {
				t.Errorf("%v layer %d: %d terms of %d, rest %v", s.widths, s.layer, len(r.Terms), r.Count, r.Rest)
			}
			// The terms are the largest ones, in order, and the rest is the sum of all others.
			rest, smallest := 0.0, math.Inf(1)
			listed := map[int]bool{}
			for _, term := range r.Terms {
				if math.Abs(term.Product) > smallest {
					t.Errorf("terms out of order: %+v", r.Terms)
				}
				smallest = math.Abs(term.Product)
				listed[term.Unit.Unit] = true
			}
			for k, d := range e.Layers[s.layer+1].Delta {
				p := n.Weights(s.layer+1).At(1, k) * d
				if !listed[k] {
					rest += p
					if math.Abs(p) > smallest {
						t.Errorf("unit %d with %v is not listed", k, p)
					}
				}
			}
			if math.Abs(rest-r.Rest) > 1e-15 {
				t.Errorf("rest %v, the others add to %v", r.Rest, rest)
			}
		}
	}
	// This network has too many paths to count.
	layers := []nn.Dense{{Units: 1}}
	for range 30 {
		layers = append(layers, nn.Dense{Units: 8, Activation: nn.Tanh})
	}
	n := network(t, 3, 3, append(layers, nn.Dense{Units: 2})...)
	e := explain(t, n, ExplainOptions{Weight: &Address{0, 0, 0}}, x, y)
	consistent(t, e)
	if e.PathCount != math.MaxInt || e.Recursion == nil {
		t.Errorf("counted %d paths, want MaxInt and a recursion", e.PathCount)
	}
}

func TestKinkIsFlagged(t *testing.T) {
	n := network(t, 2, 1, nn.Dense{Units: 1, Activation: nn.ReLU}, nn.Dense{Units: 1})
	copy(n.Params(), []float64{1, 1, 0, 2, 0.5})
	for _, c := range []struct {
		x    []float64
		kink bool
		want float64
	}{
		{[]float64{0.5, -0.5}, true, 0}, // z = 0: f'(0) = 0
		{[]float64{0.5, 0.25}, false, (2*0.75 + 0.5) * 2 * 0.5},
		{[]float64{-0.5, 0.25}, false, 0},
	} {
		e := explain(t, n, ExplainOptions{Weight: &Address{0, 0, 0}}, c.x, []float64{0})
		consistent(t, e)
		if e.Kink != c.kink || e.Gradient != c.want || !c.kink && e.Error > 1e-7 {
			t.Errorf("x %v: got kink %v, gradient %v, numeric %v", c.x, e.Kink, e.Gradient, e.Numeric)
		}
	}
}

// With a saturated output, the separate factors would be 0 and infinite.
func TestSaturatedOutputsStartAtZ(t *testing.T) {
	cases := []struct {
		f    nn.Activation
		loss nn.Loss
		z    float64
		y    float64
		want float64 // dL/dz
	}{
		{nn.Sigmoid, nn.BinaryCrossEntropy, 800, 0, 1},
		{nn.Sigmoid, nn.BinaryCrossEntropy, -800, 1, -1},
		{nn.Exp, nn.Poisson, -800, 3, -3},
		{nn.Softplus, nn.Poisson, -800, 3, -3},
	}
	for _, c := range cases {
		n := network(t, 1, 1, nn.Dense{Units: 1, Activation: c.f, NoBias: true})
		n.Params()[0] = c.z
		e := explain(t, n, ExplainOptions{Loss: c.loss}, []float64{1}, []float64{c.y})
		consistent(t, e)
		first := e.Paths[0].Factors[0]
		if !e.FromZ || first.Kind != LossByZ || first.Value != c.want || e.Gradient != c.want || !float.Finite(e.Loss) {
			t.Errorf("%s, %s: %+v, gradient %v, loss %v", c.f, c.loss, first, e.Gradient, e.Loss)
		}
		raw, err := json.Marshal(e)
		if err != nil || float.Finite(e.Outputs[0].Derivative) != !strings.Contains(string(raw), `"derivative":null`) {
			t.Errorf("%s: JSON: %v %s", c.f, err, raw)
		}
	}
	// Without saturation the factors are separate.
	n := network(t, 1, 1, nn.Dense{Units: 1, Activation: nn.Sigmoid})
	if e := explain(t, n, ExplainOptions{Loss: nn.BinaryCrossEntropy}, []float64{1}, []float64{1}); e.FromZ {
		t.Error("a logit near 0 needs no fused delta")
	}
}

func TestRuleUpdate(t *testing.T) {
	n := network(t, 3, 2, nn.Dense{Units: 2, Activation: nn.Tanh}, nn.Dense{Units: 1})
	before := append([]float64(nil), n.Params()...)
	x, y := []float64{0.7, -0.4, 0.9}, []float64{2}
	for _, c := range []struct {
		rule optim.Optimizer
		want func(w, g float64) float64 // at rate 0.1
	}{
		{optim.NewAdam(), func(w, g float64) float64 { return w - 0.1*g/(math.Abs(g)+1e-8) }},
		{optim.NewAdamW(), func(w, g float64) float64 { return w*(1-0.001) - 0.1*g/(math.Abs(g)+1e-8) }},
		{optim.Momentum{Momentum: 0.9}, func(w, g float64) float64 { return w - 0.1*g }},
		{optim.Momentum{Momentum: 0.9, Nesterov: true}, func(w, g float64) float64 { return w - 0.19*g }},
	} {
		e := explain(t, n, ExplainOptions{Rule: c.rule, Rate: 0.1}, x, y)
		u := e.RuleUpdate
		if u == nil || u.Rule != c.rule.String() || math.Abs(u.After-c.want(e.Value, e.Gradient)) > 1e-12 {
			t.Errorf("%s: %+v, want %v", c.rule, u, c.want(e.Value, e.Gradient))
		}
		if e.Update.Rule != "sgd" || math.Abs(e.Update.After-(e.Value-0.1*e.Gradient)) > 1e-15 {
			t.Errorf("%s: plain update %+v", c.rule, e.Update)
		}
	}
	for i, w := range n.Params() {
		if w != before[i] {
			t.Fatal("Explain changed the network")
		}
	}
}

func TestExplainRefuses(t *testing.T) {
	n := network(t, 2, 1, nn.Dense{Units: 2, Activation: nn.Tanh, NoBias: true}, nn.Dense{Units: 1})
	blown := n.Clone()
	blown.Params()[0], blown.Params()[4] = math.NaN(), 1
	x, y := []float64{1, 2}, []float64{1}
	for _, c := range []struct {
		n    *nn.Network[float64]
		o    ExplainOptions
		x, y []float64
		say  string
	}{
		{n, ExplainOptions{}, x[:1], y, "1 inputs, the network 2"},
		{n, ExplainOptions{}, x, x, "2 targets"},
		{n, ExplainOptions{}, []float64{1, math.Inf(1)}, y, "input 1 is +Inf"},
		{n, ExplainOptions{}, x, []float64{math.NaN()}, "not a finite number"},
		{n, ExplainOptions{Loss: nn.CrossEntropy}, x, y, "softmax"},
		{n, ExplainOptions{Rate: -1}, x, y, "learning rate is -1"},
		{n, ExplainOptions{Rate: math.NaN()}, x, y, "learning rate is NaN"},
		{n, ExplainOptions{Rule: optim.Momentum{Momentum: 2}}, x, y, "momentum is 2"},
		{n, ExplainOptions{MaxPaths: -1}, x, y, "-1 paths"},
		{n, ExplainOptions{Weight: &Address{3, 0, 0}}, x, y, "no layer 3"},
		{n, ExplainOptions{Weight: &Address{0, -1, 0}}, x, y, "weight 0.b.0: layer 0 has no bias"},
		{blown, ExplainOptions{}, x, y, "diverged"},
	} {
		_, err := Explain(c.n, c.o, c.x, c.y)
		if !errors.Is(err, ErrExplain) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("got %v, want it to say %q", err, c.say)
		}
	}
}

// goldenRun is one of numpy's float64 trajectories of the notebook's experiments.
type goldenRun struct {
	X, Y, W1, W2 [][]float64
	Hidden       int
	First        struct {
		Output [][]float64
		GradW1 [][]float64 `json:"grad_w1"`
		GradW2 [][]float64 `json:"grad_w2"`
	} `json:"first_step"`
	Trajectory []struct{ W1, W2 [][]float64 }
}

func golden(t *testing.T) []goldenRun {
	t.Helper()
	raw, err := os.ReadFile("testdata/notebook.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Runs []goldenRun }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Runs
}

func (g goldenRun) network(t *testing.T) *nn.Network[float64] {
	t.Helper()
	n := network(t, len(g.X[0]), 1,
		nn.Dense{Units: g.Hidden, Activation: nn.Sigmoid, NoBias: true},
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
	copy(n.Weights(0).Data, nn.FromRows(g.W1).Data)
	copy(n.Weights(1).Data, nn.FromRows(g.W2).Data)
	return n
}

// The first row of every golden run is explained for every weight.
func TestGoldenNetsExplained(t *testing.T) {
	for _, g := range golden(t) {
		everyWeight(t, g.network(t), ExplainOptions{}, g.X[0], g.Y[0], true)
	}
}
