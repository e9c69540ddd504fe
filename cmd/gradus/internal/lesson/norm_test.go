package lesson

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// normed returns a network whose gammas and betas differ from their first values, and a batch of rows.
func normed(t *testing.T, layers ...nn.Dense) (*nn.Network[float64], *Batch) {
	t.Helper()
	n := network(t, 3, 4, layers...)
	r := rand.New(rand.NewPCG(3, 9))
	for i := range n.Params() {
		if _, in, _ := n.Locate(i); in == nn.OfGamma || in == nn.OfBeta {
			n.Params()[i] += r.Float64() - 0.5
		}
	}
	b := &Batch{X: nn.NewMatrix[float64](14, 3), Y: nn.NewMatrix[float64](14, n.Outputs()), Row: 5}
	for i := range b.X.Data {
		b.X.Data[i] = 2*r.Float64() - 1
	}
	for i := range b.Y.Rows {
		b.Y.Row(i)[i%n.Outputs()] = 1
	}
	return n, b
}

var normNets = map[string][]nn.Dense{
	"hidden":    {{Units: 4, Activation: nn.Tanh, Norm: nn.LayerNorm}, {Units: 2}},
	"two":       {{Units: 3, Activation: nn.GELU, Norm: nn.LayerNorm, Dropout: 0.5}, {Units: 3, Activation: nn.Tanh, Norm: nn.LayerNorm}, {Units: 1}},
	"first":     {{Units: 3, Activation: nn.Tanh, Norm: nn.LayerNorm, NoBias: true}, {Units: 3, Activation: nn.Tanh}, {Units: 2, Activation: nn.Softmax}},
	"output":    {{Units: 3, Activation: nn.Tanh}, {Units: 3, Activation: nn.Sigmoid, Norm: nn.LayerNorm}},
	"wide":      {{Units: 30, Activation: nn.Tanh, Norm: nn.LayerNorm}, {Units: 20, Activation: nn.Tanh}, {Units: 2}},
	"batch":     {{Units: 4, Activation: nn.Tanh, Norm: nn.BatchNorm, NoBias: true}, {Units: 2}},
	"deep":      {{Units: 12, Activation: nn.GELU, Norm: nn.BatchNorm, Dropout: 0.5}, {Units: 13, Activation: nn.Tanh, Norm: nn.BatchNorm}, {Units: 2, Activation: nn.Softmax}},
	"both":      {{Units: 4, Activation: nn.Tanh, Norm: nn.LayerNorm}, {Units: 3, Activation: nn.Sigmoid, Norm: nn.BatchNorm}, {Units: 1, Activation: nn.Sigmoid}},
	"batch out": {{Units: 3, Activation: nn.Tanh}, {Units: 2, Activation: nn.Softmax, Norm: nn.BatchNorm}},
}

// For every weight, bias, gamma and beta of a network with norms, the sum over paths or over the recursion is the
// engine's gradient and the numeric derivative. Every step of the recursion is the product that
// it shows.
func TestNormsExplained(t *testing.T) {
	for name, layers := range normNets {
		for _, most := range []int{64, 1} {
			n, b := normed(t, layers...)
			o := ExplainOptions{MaxPaths: most, Batch: b}
			if f := layers[len(layers)-1].Activation; f == nn.Softmax {
				o.Loss = nn.CrossEntropy
			} else if f == nn.Sigmoid && n.Outputs() == 1 {
				o.Loss = nn.BinaryCrossEntropy
			}
			before := append([]float64(nil), n.Params()...)
			for i := range n.Params() {
				l, in, unit := n.Locate(i)
				o.Weight = &Address{l, in, unit}
				e := explain(t, n, o, b.X.Row(5), b.Y.Row(5))
				if e.Batch > 0 != strings.Contains("batch deep both batch out", name) {
					t.Fatalf("%s: the batch has %d rows", name, e.Batch)
				}
				if e.Kink || e.Error > nn.CheckThreshold {
					t.Errorf("%s %s: the engine's gradient is %v, the numeric derivative %v", name, e.Weight, e.Gradient, e.Numeric)
				}
				size := normSteps(t, name, e)
				if math.Abs(e.Sum-e.Gradient) > 1e-12*max(math.Abs(e.Gradient), 1e-3*size) {
					t.Errorf("%s %s: the sum is %v, the engine's gradient %v", name, e.Weight, e.Sum, e.Gradient)
				}
			}
			for i, w := range n.Params() {
				if w != before[i] {
					t.Fatalf("%s: parameter %d has changed", name, i)
				}
			}
		}
	}
}

// normSteps compares an explanation with its factors and returns the size of the summands.
func normSteps(t *testing.T, name string, e *Explanation) (size float64) {
	t.Helper()
	near := func(what string, got, want, size float64) {
		if math.Abs(got-want) > 1e-12*max(math.Abs(want), size) {
			t.Errorf("%s %s: %s is %v, want %v", name, e.Weight, what, got, want)
		}
	}
	for _, layer := range e.Layers {
		m := layer.Norm
		if m == nil {
			continue
		}
		for j := range m.S {
			near("hat", m.Hat[j], (m.S[j]-m.Mean[j])*m.Rstd[j], 1)
			near("z", layer.Z[j], m.Gamma[j]*m.Hat[j]+m.Beta[j], 1)
			near("dL/ds", m.step(j, m.DeltaZ[j]).Delta, layer.Delta[j], math.Abs(m.Rstd[j]*m.Gamma[j]*m.DeltaZ[j]))
		}
	}
	if e.Recursion == nil {
		if len(e.Paths) != e.PathCount {
			t.Errorf("%s %s: %d paths of %d", name, e.Weight, len(e.Paths), e.PathCount)
		}
		sum := 0.0
		for _, p := range e.Paths {
			product := 1.0
			for _, f := range p.Factors {
				product *= f.Value
				if f.Symbol == "" || f.Meaning == "" {
					t.Errorf("%s %s: a factor without a name: %+v", name, e.Weight, f)
				}
			}
			if product != p.Product {
				t.Errorf("%s %s: the product is %v, the factors give %v", name, e.Weight, p.Product, product)
			}
			sum += p.Product
			size += math.Abs(p.Product)
		}
		if sum != e.Sum {
			t.Errorf("%s %s: the paths give %v, want %v", name, e.Weight, sum, e.Sum)
		}
		return size
	}
	r := e.Recursion
	if r.Start != nil {
		product := 1.0
		for _, f := range r.Start {
			product *= f.Value
		}
		if product != r.Delta {
			t.Errorf("%s %s: delta is %v, the factors give %v", name, e.Weight, r.Delta, product)
		}
	} else {
		sum := 0.0
		for _, term := range r.Terms {
			sum += term.Product
			size += math.Abs(term.Product * r.Slope.Value * r.Input.Value)
		}
		if sum+r.Rest != r.Sum || r.Delta != r.Slope.Value*r.Sum {
			t.Errorf("%s %s: delta is %v, the terms give %v", name, e.Weight, r.Delta, r.Slope.Value*(sum+r.Rest))
		}
	}
	if s := r.Norm; s != nil {
		if s.G != s.Gamma*r.Delta {
			t.Errorf("%s %s: g is %v, want %v", name, e.Weight, s.G, s.Gamma*r.Delta)
		}
		near("delta", s.Delta, e.Layers[e.Weight.Layer].Delta[e.Weight.Unit], math.Abs(s.Rstd*s.G))
		size += math.Abs(s.Rstd * s.G * r.Input.Value)
	}
	if rows := r.Rows; rows != nil {
		sum := 0.0
		for _, term := range rows.Terms {
			if term.Product != term.Delta*term.Input {
				t.Errorf("%s %s: the row's term is %+v", name, e.Weight, term)
			}
			if term.Row == e.Row {
				near("the sample's delta", term.Delta, r.last(), size)
			}
			sum += term.Product
			size += math.Abs(term.Product)
		}
		if sum+rows.Rest != e.Sum || rows.Count != e.Batch || len(rows.Terms) != min(10, e.Batch) {
			t.Errorf("%s %s: %d of %d rows give %v, want %v", name, e.Weight, len(rows.Terms), rows.Count, sum+rows.Rest, e.Sum)
		}
	}
	return size
}

// A layer norm multiplies the number of paths: there is one from s of a unit to z of each unit of its layer.
func TestPathsThroughALayerNorm(t *testing.T) {
	n, b := normed(t, normNets["first"]...)
	for w, paths := range map[Address]int{{0, 1, 2}: 3 * 3 * 2, {0, nn.OfGamma, 1}: 3 * 2, {0, nn.OfBeta, 1}: 3 * 2, {1, 0, 1}: 2, {2, 0, 1}: 1} {
		e := explain(t, n, ExplainOptions{Loss: nn.CrossEntropy, Weight: &w}, b.X.Row(0), b.Y.Row(0))
		if e.PathCount != paths || len(e.Paths) != paths {
			t.Errorf("%s: %d paths, want %d", w, e.PathCount, paths)
		}
	}
}

// The loss is that of the sample, and its outputs are computed with the batch's statistics.
func TestSampleOfABatch(t *testing.T) {
	n, b := normed(t, normNets["batch"]...)
	e := explain(t, n, ExplainOptions{Batch: b}, b.X.Row(5), b.Y.Row(5))
	tape := n.NewTape(14)
	out := n.ForwardTraining(tape, b.X, nn.Noise{}).Row(5)
	want := 0.0
	for k, y := range b.Y.Row(5) {
		want += (y - out[k]) * (y - out[k]) / 2
	}
	if math.Abs(e.Loss-want) > 1e-15 || e.Outputs[0].Output != out[0] {
		t.Errorf("loss %v and output %v, want %v and %v", e.Loss, e.Outputs[0].Output, want, out[0])
	}
	for _, c := range []struct {
		b   *Batch
		say string
	}{
		{nil, "give the rows"},
		{&Batch{X: b.X.Slice(5, 6), Y: b.Y.Slice(5, 6)}, "1 row"},
		{&Batch{X: b.X, Y: b.Y, Row: 4}, "row 4 of the batch is not the sample"},
		{&Batch{X: b.X, Y: b.Y, Row: 14}, "row 14 of the batch is not the sample"},
		{&Batch{X: b.X, Y: b.Y.Slice(0, 9), Row: 5}, "14 rows of 3 inputs and 9 rows"},
	} {
		if _, err := Explain(n, ExplainOptions{Batch: c.b}, b.X.Row(5), b.Y.Row(5)); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("got %v, want it to say %q", err, c.say)
		}
	}
}
