package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

func deepNetwork(t *testing.T) *nn.Network[float64] {
	t.Helper()
	n, err := nn.New[float64](2, nn.Seed(3), nn.Dense{Units: 6, Activation: nn.Tanh, Norm: nn.BatchNorm},
		nn.Dense{Units: 5, Activation: nn.Tanh, Norm: nn.BatchNorm}, nn.Dense{Units: 1})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// layerValues are the parameters and running statistics of a layer.
func layerValues(n *nn.Network[float64], l int) []float64 {
	var out []float64
	for _, t := range n.Tensors() {
		if len(t.Name) > 7 && int(t.Name[7]-'0') == l {
			out = append(out, t.Data...)
		}
	}
	return out
}

func rateData() Data[float64] {
	s := Set[float64]{X: nn.NewMatrix[float64](40, 2), Y: nn.NewMatrix[float64](40, 1)}
	for i := range 40 {
		a, b := float64(i%7)/3-1, float64(i%11)/5-1
		copy(s.X.Row(i), []float64{a, b})
		s.Y.Row(i)[0] = a*b + a
	}
	return Data[float64]{Train: s}
}

func trained(t *testing.T, c Config) *nn.Network[float64] {
	t.Helper()
	n := deepNetwork(t)
	tr, err := New(n, c, rateData())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return n
}

// A frozen layer keeps its bits, whatever changes the weights and however the update is made. The other layers
// learn. Factors of 1 change no bit.
func TestLayerRates(t *testing.T) {
	start := deepNetwork(t)
	for _, rule := range []optim.Optimizer{optim.SGD{}, optim.Momentum{Momentum: 0.9}, optim.NewAdam()} {
		for name, c := range map[string]Config{
			"by parts": {},
			"shaped":   {Penalty: nn.Penalty{L1: 0.01, L2: 0.02}, WeightDecay: 0.1, MaxNorm: 0.5, ClipValue: 0.5},
			"whole":    {ClipNorm: 0.1, WeightDecay: 0.1, Penalty: nn.Penalty{L2: 0.02}, MaxNorm: 0.5},
		} {
			c.Optimizer, c.LearningRate, c.Epochs, c.BatchSize = rule, 0.01, 3, 8
			plain := trained(t, c)
			c.LayerRates = []float64{1, 1, 1}
			if !slices.Equal(trained(t, c).Values(), plain.Values()) {
				t.Errorf("%s, %s: factors of 1 change bits", rule, name)
			}
			c.LayerRates = []float64{0, 0.5, 1}
			n := trained(t, c)
			if !slices.Equal(layerValues(n, 0), layerValues(start, 0)) {
				t.Errorf("%s, %s: the frozen layer has changed", rule, name)
			}
			for l := 1; l < 3; l++ {
				if slices.Equal(layerValues(n, l), layerValues(start, l)) {
					t.Errorf("%s, %s: layer %d did not learn", rule, name, l)
				}
			}
		}
	}
}

// In plain descent, a layer's factor scales the update and the weight decay.
func TestLayerRatesAreFactors(t *testing.T) {
	start := deepNetwork(t)
	c := Config{Optimizer: optim.SGD{}, LearningRate: 0.01, Method: Batch, Epochs: 1, WeightDecay: 0.3}
	full := trained(t, c)
	c.LayerRates = []float64{0.25, 1, 4}
	part := trained(t, c)
	for i, w := range start.Params() {
		l, _, _ := start.Locate(i)
		want := c.LayerRates[l] * (full.Params()[i] - w)
		if got := part.Params()[i] - w; math.Abs(got-want) > 1e-12 {
			t.Fatalf("parameter %d of layer %d moved by %v, want %v", i, l, got, want)
		}
	}
}

func TestLayerRatesAreChecked(t *testing.T) {
	for _, c := range []Config{
		{LayerRates: []float64{1, 1}}, {LayerRates: []float64{}}, {LayerRates: []float64{0, 0, 0}}, {LayerRates: []float64{1, -1, 1}},
		{LayerRates: []float64{1, math.NaN(), 1}}, {LayerRates: []float64{1, math.Inf(1), 1}},
		{LayerRates: []float64{1, 1, 1}, Solver: optim.NewLBFGS()},
	} {
		if _, err := New(deepNetwork(t), c, rateData()); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: got %v, want an error that wraps ErrConfig", c.LayerRates, err)
		}
	}
}

// GradientNorm is the length of the gradient of the loss and the penalty. Asking for it
// changes no bit.
func TestGradientNorm(t *testing.T) {
	for _, c := range []Config{
		{Optimizer: optim.SGD{}, LearningRate: 0.01, Method: Batch, Epochs: 2, Penalty: nn.Penalty{L2: 0.1}, ClipNorm: 0.01},
		{Optimizer: optim.NewAdam(), LearningRate: 0.01, Epochs: 2, BatchSize: 8},
	} {
		plain := trained(t, c)
		c.GradientNorm = true
		n, d := deepNetwork(t), rateData()
		tr, err := New(n, c, d)
		if err != nil {
			t.Fatal(err)
		}
		for s, err := range tr.Steps(context.Background()) {
			if err != nil || !(s.GradientNorm > 0) {
				t.Fatalf("step %d: the gradient has the length %v, and the error is %v", s.N, s.GradientNorm, err)
			}
			if s.N == 1 && c.Method == Batch {
				start, grad := deepNetwork(t), make([]float64, len(n.Params()))
				tape := start.NewTape(40)
				start.ForwardTraining(tape, d.Train.X, nn.Noise{})
				start.Backprop(tape, nn.Squared, d.Train.Y, 1.0/40, grad)
				start.AddPenalty(c.Penalty, 0, grad)
				sum := 0.0
				for _, g := range grad {
					sum += g * g
				}
				if math.Abs(s.GradientNorm-math.Sqrt(sum)) > 1e-12 {
					t.Errorf("the length is %v, want %v", s.GradientNorm, math.Sqrt(sum))
				}
			}
		}
		if !slices.Equal(n.Values(), plain.Values()) {
			t.Error("asking for the length changes bits")
		}
	}
}
