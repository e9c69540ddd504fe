package model_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// encoded reads a shipped table. It returns the table, an encoding of it, and its rows as matrices.
func encoded(t *testing.T, file, target string) (*data.Table, *data.Encoding, train.Set[float64]) {
	t.Helper()
	table, err := data.Read("../examples/data/"+file, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Infer(table, data.SchemaOptions{Targets: []string{target}})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int, table.Rows())
	for i := range rows {
		rows[i] = i
	}
	e, err := s.Fit(table, rows, data.ScaleAuto, true)
	if err != nil {
		t.Fatal(err)
	}
	return table, e, rowsOf(t, e, table)
}

func rowsOf(t *testing.T, e *data.Encoding, table *data.Table) train.Set[float64] {
	t.Helper()
	b, err := e.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	rows := b.Labeled()
	set := train.Set[float64]{X: nn.NewMatrix[float64](len(rows), e.Width()), Y: nn.NewMatrix[float64](len(rows), e.Outputs())}
	if _, err := data.Inputs(b, rows, set.X.Data); err != nil {
		t.Fatal(err)
	}
	if err := data.Targets(b, rows, set.Y.Data); err != nil {
		t.Fatal(err)
	}
	return set
}

func trainOwn(t *testing.T, net *nn.Network[float64], c train.Config, set train.Set[float64]) train.Result {
	t.Helper()
	tr, err := train.New(net, c, train.Data[float64]{Train: set})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A network that was trained in a loop of one's own becomes a model. It saves, loads from anywhere, predicts and
// evaluates. The loaded model is fine-tuned and saved again.
func TestNew(t *testing.T) {
	for _, c := range []struct {
		file, target, score string
		out                 nn.Activation
		least               float64
	}{
		{"iris.csv", "species", "accuracy", nn.Softmax, 0.9},
		{"breast_cancer.csv", "diagnosis", "accuracy", nn.Sigmoid, 0.9},
		{"diabetes.csv", "progression", "r2", nn.Identity, 0.4},
	} {
		t.Run(c.file, func(t *testing.T) {
			table, e, set := encoded(t, c.file, c.target)
			net, err := nn.New[float64](e.Width(), nn.Seed(1), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: e.Outputs(), Activation: c.out})
			if err != nil {
				t.Fatal(err)
			}
			r := trainOwn(t, net, train.Config{Epochs: 30, LearningRate: 0.01}, set)
			made, err := model.New(e, net, model.NewOptions{Result: &r})
			if err != nil {
				t.Fatal(err)
			}
			if made.Training.Epochs != 30 || made.Training.Loss != r.Loss || made.Training.Reason != train.ReasonEpochs {
				t.Errorf("the training record is %+v, want that of the result", made.Training)
			}
			var file bytes.Buffer
			if err := made.Write(&file); err != nil {
				t.Fatal(err)
			}
			read, err := model.Read(bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			carried, err := model.LoadFS(fstest.MapFS{"models/m.safetensors": {Data: file.Bytes()}}, "models/m.safetensors")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*model.Model{made, read, carried} {
				if m.WeightsSHA256() != made.WeightsSHA256() {
					t.Error("the weights differ")
				}
				score, err := m.Evaluate(table)
				if err != nil {
					t.Fatal(err)
				}
				if got, ok := score.Get(c.score); !ok || !(got > c.least) {
					t.Errorf("%s is %v, want a better score", c.score, got)
				}
				p, _, err := m.Predict(table)
				if err != nil {
					t.Fatal(err)
				}
				if y := net.Predict(set.X); c.out == nn.Softmax && !slices.EqualFunc(p, y.Data, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
					t.Error("the predictions of the model differ from those of its network")
				}
			}
			if bare, err := nn.Read[float64](bytes.NewReader(file.Bytes())); err != nil || !slices.Equal(bare.Values(), net.Values()) {
				t.Errorf("nn.Read finds another network in the model file: %v", err)
			}

			// The model has a copy of the network: training the network further does not change the model.
			sum := made.WeightsSHA256()
			tuned := read.Network64().Clone()
			first := slices.Clone(tuned.Weights(0).Data)
			trainOwn(t, tuned, train.Config{Epochs: 5, LearningRate: 0.001, LayerRates: []float64{0, 1}}, rowsOf(t, read.Encoding, table))
			trainOwn(t, net, train.Config{Epochs: 1}, set)
			again, err := model.New(read.Encoding, tuned)
			if err != nil {
				t.Fatal(err)
			}
			if made.WeightsSHA256() != sum || again.WeightsSHA256() == sum {
				t.Error("fine-tuning changed the wrong model, or none")
			}
			if !slices.Equal(again.Network64().Weights(0).Data, first) {
				t.Error("the frozen layer has changed")
			}
			file.Reset()
			if err := again.Write(&file); err != nil {
				t.Fatal(err)
			}
			if back, err := model.Read(&file); err != nil || back.WeightsSHA256() != again.WeightsSHA256() {
				t.Errorf("the tuned model changed when it was written and read: %v", err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	_, e, _ := encoded(t, "iris.csv", "species")
	net := func(in, out int, f nn.Activation) *nn.Network[float64] {
		n, err := nn.New[float64](in, nn.Seed(1), nn.Dense{Units: out, Activation: f})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	nan := net(e.Width(), 3, nn.Softmax)
	nan.Params()[2] = math.NaN()
	good := net(e.Width(), 3, nn.Softmax)
	for want, make := range map[string]func() (*model.Model, error){
		"inputs, its columns make":      func() (*model.Model, error) { return model.New(e, net(e.Width()+1, 3, nn.Softmax)) },
		"2 outputs, its targets take 3": func() (*model.Model, error) { return model.New(e, net(e.Width(), 2, nn.Softmax)) },
		"are probabilities":             func() (*model.Model, error) { return model.New(e, net(e.Width(), 3, nn.Identity)) },
		"value 2 of the network is NaN": func() (*model.Model, error) { return model.New(e, nan) },
		"there is none":                 func() (*model.Model, error) { return model.New(nil, good) },
		"threshold is 0.3":              func() (*model.Model, error) { return model.New(e, good, model.NewOptions{Threshold: 0.3}) },
		"binary-cross-entropy":          func() (*model.Model, error) { return model.New(e, good, model.NewOptions{Loss: nn.BinaryCrossEntropy}) },
	} {
		if _, err := make(); !errors.Is(err, model.ErrOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	var bare bytes.Buffer
	if err := good.Write(&bare); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Read(&bare); !errors.Is(err, model.ErrFile) || !strings.Contains(err.Error(), "a network without columns") {
		t.Errorf("a network read as a model: %v", err)
	}
	if _, err := model.LoadFS(fstest.MapFS{}, "none.safetensors"); !errors.Is(err, model.ErrFile) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if _, err := model.Read(strings.NewReader("short")); !errors.Is(err, model.ErrFile) || strings.HasPrefix(err.Error(), ":") {
		t.Errorf("no model: %v", err)
	}
}

// A model needs a network.
func TestNewWithoutNetwork(t *testing.T) {
	_, e, _ := encoded(t, "iris.csv", "species")
	if _, err := model.New[float32](e, nil); !errors.Is(err, model.ErrOptions) {
		t.Errorf("without a network: %v", err)
	}
}
