package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// shapeFile holds the contents of testdata/shape.json, which testdata/shape.py wrote.
type shapeFile struct {
	X, Y, W1, W2 [][]float64
	B1, B2       []float64
	Classes      []int
	Cases        []struct {
		Name           string
		LR, Momentum   float64
		L1, L2, EMA    float64
		ClipValue      float64 `json:"clip_value"`
		ClipNorm       float64 `json:"clip_norm"`
		WeightDecay    float64 `json:"weight_decay"`
		MaxNorm        float64 `json:"max_norm"`
		LabelSmoothing float64 `json:"label_smoothing"`
		Classify       bool
		Params         []float64
	}
	Minimum struct{ L2, LBFGS, CG float64 }
}

func readShapes(t *testing.T) (file shapeFile) {
	t.Helper()
	raw, err := os.ReadFile("testdata/shape.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 10 {
		t.Fatalf("the file has %d cases, want at least 10", len(file.Cases))
	}
	return file
}

// start returns the file's network with the given activation of the output.
func (file *shapeFile) start(t *testing.T, out nn.Activation) *nn.Network[float64] {
	t.Helper()
	n, err := nn.New[float64](3, nn.Seed(1), nn.Dense{Units: 5, Activation: nn.Tanh}, nn.Dense{Units: 3, Activation: out})
	if err != nil {
		t.Fatal(err)
	}
	copy(n.Weights(0).Data, nn.FromRows(file.W1).Data)
	copy(n.Weights(1).Data, nn.FromRows(file.W2).Data)
	copy(n.Bias(0), file.B1)
	copy(n.Bias(1), file.B2)
	return n
}

func TestShapeAgainstTorch(t *testing.T) {
	file := readShapes(t)
	for _, c := range file.Cases {
		out, loss, y := nn.Identity, nn.Squared, nn.FromRows(file.Y)
		if c.Classify {
			out, loss, y = nn.Softmax, nn.CrossEntropy, nn.NewMatrix[float64](len(file.X), 3)
			for i, class := range file.Classes {
				y.Row(i)[class] = 1
			}
		}
		n := file.start(t, out)
		mustRun(t, n, Config{
			Method: Batch, Epochs: 10, Loss: loss, Optimizer: optim.Momentum{Momentum: c.Momentum}, LearningRate: c.LR,
			Penalty: nn.Penalty{L1: c.L1, L2: c.L2}, ClipValue: c.ClipValue, ClipNorm: c.ClipNorm, WeightDecay: c.WeightDecay,
			MaxNorm: c.MaxNorm, EMA: c.EMA, LabelSmoothing: c.LabelSmoothing,
		}, Data[float64]{Train: Set[float64]{X: nn.FromRows(file.X), Y: y}})
		for i, want := range c.Params {
			if got := n.Params()[i]; !(math.Abs(got-want) <= 1e-12) {
				t.Errorf("%s: parameter %d is %v, want %v", c.Name, i, got, want)
			}
		}
	}
}

// If the gradient's length must be known, the update is not made part by part. That changes
// no bit, for any optimizer.
func TestUpdateInPartsOrWhole(t *testing.T) {
	for _, name := range optim.Optimizers() {
		rule, err := optim.ParseOptimizer(name, optim.Hyper{})
		if err != nil {
			t.Fatal(err)
		}
		c := Config{
			Optimizer: rule, Epochs: 5, BatchSize: 10, LearningRate: 0.01,
			Penalty: nn.Penalty{L1: 0.001, L2: 0.01}, ClipValue: 0.05, WeightDecay: 0.1, MaxNorm: 1.2, EMA: 0.9,
		}
		parts, whole := network[float32](t, nn.Identity), network[float32](t, nn.Identity)
		mustRun(t, parts, c, Data[float32]{Train: problem[float32](37)})
		c.ClipNorm = 1e30
		mustRun(t, whole, c, Data[float32]{Train: problem[float32](37)})
		if !slices.Equal(parts.Params(), whole.Params()) {
			t.Errorf("%s: the weights differ", name)
		}
	}
}

// With a running average, leaving the loop and entering it again changes nothing. The network
// has the weights of the last update inside the loop, and the average after the run. Scores use the average.
func TestAverage(t *testing.T) {
	c := Config{Epochs: 6, BatchSize: 10, EMA: 0.9, Schedule: optim.Plateau{Patience: 1, Factor: 0.5}, Warmup: 2, Stop: TargetLoss{1e-9}}
	d := Data[float64]{Train: problem[float64](37), Validation: problem[float64](5)}
	whole := network[float64](t, nn.Identity)
	want := mustRun(t, whole, c, d)

	n := network[float64](t, nn.Identity)
	tr, err := New(n, c, d)
	if err != nil {
		t.Fatal(err)
	}
	average := make([]float64, len(n.Params()))
	for tr.Result().Reason == "" {
		for s, err := range tr.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if tr.Result().Reason == "" {
				for i, w := range n.Params() {
					average[i] += (1 - 0.9) / (1 - math.Pow(0.9, float64(s.N))) * (w - average[i])
				}
				for i, w := range tr.BestNetwork().Params() {
					if math.Abs(w-average[i]) > 1e-14 {
						t.Fatalf("update %d: parameter %d of the average is %v, want %v", s.N, i, w, average[i])
					}
				}
			}
			break
		}
	}
	got := tr.Result()
	if !slices.Equal(n.Params(), whole.Params()) || got.Loss != want.Loss || got.Steps != want.Steps {
		t.Errorf("in parts: %d steps and the loss %v, want %d and %v as in one piece", got.Steps, got.Loss, want.Steps, want.Loss)
	}
	last := got.History[len(got.History)-1]
	score := 0.0
	out := n.Forward(n.NewTape(5), d.Validation.X)
	for i := range 5 {
		for j := range 2 {
			score += nn.Squared.L(d.Validation.Y.At(i, j), out.At(i, j)) / 5
		}
	}
	if math.Abs(last.Validation-score) > 1e-13 {
		t.Errorf("the last score is %v, want %v, the score of the final weights", last.Validation, score)
	}
}

// The statistics of batch normalization are averaged with the weights that they belong to.
func TestAverageOfStatistics(t *testing.T) {
	d := Data[float64]{Train: problem[float64](37), Validation: problem[float64](5)}
	n := regular[float64](t, nn.BatchNorm, 0)
	tr, err := New(n, Config{Epochs: 4, BatchSize: 10, EMA: 0.9}, d)
	if err != nil {
		t.Fatal(err)
	}
	average := slices.Clone(n.Values())
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if tr.Result().Reason != "" {
			break // the average is in the network
		}
		for i, v := range n.Values() {
			average[i] += (1 - 0.9) / (1 - math.Pow(0.9, float64(s.N))) * (v - average[i])
		}
		for i, v := range tr.BestNetwork().Values() {
			if math.Abs(v-average[i]) > 1e-14*max(1, math.Abs(v)) {
				t.Fatalf("update %d: value %d of %d (%d parameters) is %v, want %v", s.N, i, len(average), len(n.Params()), v, average[i])
			}
		}
	}
	if slices.Equal(n.State(), average[len(n.Params()):]) {
		t.Error("the last update changed no statistic")
	}
}

// The rate rises during the warm-up and falls when the score no longer improves.
func TestWarmupAndPlateau(t *testing.T) {
	d := Data[float64]{Train: problem[float64](20)}
	tr, err := New(network[float64](t, nn.Identity), Config{
		Method: Batch, Optimizer: optim.SGD{}, LearningRate: 1e-12, Epochs: 20, Warmup: 3, Schedule: optim.Plateau{Patience: 2, Factor: 0.5},
	}, d)
	if err != nil {
		t.Fatal(err)
	}
	var rates []float64
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		rates = append(rates, s.LearningRate/1e-12)
	}
	want := []float64{0.25, 0.5 * 1, 0.75, 1, 0.5, 0.5, 0.5, 0.25}
	for i, w := range want {
		if math.Abs(rates[i]-w) > 1e-12 {
			t.Errorf("the rates are %v, want %v", rates[:len(want)], want)
			break
		}
	}
}
