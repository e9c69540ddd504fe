package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

type goldenRun struct {
	Name            string
	X, Y, W1, W2    [][]float64
	Hidden          int
	Rate            float64 `json:"learning_rate"`
	Batch           int     `json:"batch_size"`
	Method          string
	Tolerance       float64 `json:"tolerance_rtol"`
	MaxEpochs       int     `json:"max_epochs"`
	MaxEpochsPer    int     `json:"max_epochs_per_sample"`
	Converged       *int    `json:"converged_epoch"`
	ConvergedWithin float64 `json:"converged_epoch_within"`
	First           struct {
		Output [][]float64
		GradW1 [][]float64 `json:"grad_w1"`
		GradW2 [][]float64 `json:"grad_w2"`
	} `json:"first_step"`
	Trajectory []goldenPoint
	Samples    []struct {
		Row, Epochs int
		W1, W2      [][]float64
	}
	Final goldenPoint
}

type goldenPoint struct {
	Epoch          int
	Loss           float64
	W1, W2, Output [][]float64
}

// golden reads numpy's float64 trajectories of the notebook's experiments.
func golden(t *testing.T) []goldenRun {
	t.Helper()
	raw, err := os.ReadFile("../cmd/gradus/internal/lesson/testdata/notebook.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Runs []goldenRun }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Runs) < 14 {
		t.Fatalf("the golden file has %d runs, want at least 14", len(file.Runs))
	}
	return file.Runs
}

func (g goldenRun) network(t *testing.T) *nn.Network[float64] {
	t.Helper()
	n, err := nn.New[float64](len(g.X[0]), nn.Seed(1),
		nn.Dense{Units: g.Hidden, Activation: nn.Sigmoid, NoBias: true},
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
	if err != nil {
		t.Fatal(err)
	}
	copy(n.Weights(0).Data, nn.FromRows(g.W1).Data)
	copy(n.Weights(1).Data, nn.FromRows(g.W2).Data)
	return n
}

func (g goldenRun) trainer(t *testing.T, n *nn.Network[float64]) *Trainer[float64] {
	t.Helper()
	c := Config{
		Loss: nn.HalfSquared, Reduction: nn.Sum, Optimizer: optim.SGD{}, LearningRate: g.Rate,
		Method: MiniBatch, BatchSize: g.Batch, Epochs: g.MaxEpochs, NoShuffle: true,
		Stop: Tolerance{g.Tolerance},
	}
	if g.Method == "per-sample" {
		c.Method, c.Epochs, c.Tolerance, c.Stop = PerSample, g.MaxEpochsPer, g.Tolerance, nil
	}
	tr, err := New(n, c, Data[float64]{Train: Set[float64]{X: nn.FromRows(g.X), Y: nn.FromRows(g.Y)}})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// farthest returns the largest difference, relative to the wanted value.
func farthest(got nn.Matrix[float64], want [][]float64) float64 {
	worst := 0.0
	for i := range want {
		for j, w := range want[i] {
			worst = max(worst, math.Abs(got.At(i, j)-w)/math.Abs(w))
		}
	}
	return worst
}

func TestGoldenTrajectories(t *testing.T) {
	for _, g := range golden(t) {
		if g.Method == "per-sample" {
			continue
		}
		t.Run(g.Name, func(t *testing.T) {
			n := g.network(t)
			tr := g.trainer(t, n)

			// The first step's outputs and gradients, on its batch.
			batch := min(g.Batch, len(g.X))
			tape, grad := n.NewTape(len(g.X)), make([]float64, len(n.Params()))
			x, y := nn.FromRows(g.X), nn.FromRows(g.Y)
			out := n.Forward(tape, x.Slice(0, batch))
			n.Backprop(tape, nn.HalfSquared, y.Slice(0, batch), 1, grad)
			g1, g2 := nn.FromRows(g.First.GradW1), nn.FromRows(g.First.GradW2)
			for i, want := range append(append([]float64(nil), g1.Data...), g2.Data...) {
				if math.Abs(grad[i]-want) > 1e-13*math.Abs(want) {
					t.Errorf("first gradient %d = %v, want %v", i, grad[i], want)
				}
			}
			if d := farthest(out, g.First.Output[:batch]); d > 1e-13 {
				t.Errorf("first outputs differ by %.2g", d)
			}

			// The weights during the run.
			points := map[int]goldenPoint{}
			for _, p := range g.Trajectory {
				points[p.Epoch] = p
			}
			for step, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				p, has := points[step.Epoch]
				if !step.EpochEnd || !has || p.Epoch > 100 || g.Rate == 50 && p.Epoch > 10 {
					continue
				}
				for l, want := range [][][]float64{p.W1, p.W2} {
					if d := farthest(n.Weights(l), want); d > 1e-9 {
						t.Errorf("epoch %d: weights of layer %d differ by %.2g", p.Epoch, l, d)
					}
				}
			}
			r := tr.Result()
			switch {
			case g.Converged == nil:
				if r.Converged || r.Reason != ReasonEpochs {
					t.Errorf("converged (%s) after %d epochs, want no convergence as in numpy", r.Reason, r.Epochs)
				}
			case !r.Converged || math.Abs(float64(r.Epochs-*g.Converged)) > g.ConvergedWithin*float64(*g.Converged):
				t.Errorf("converged: %v after %d epochs, want convergence after about %d as in numpy", r.Converged, r.Epochs, *g.Converged)
			default:
				t.Logf("converged after %d epochs, numpy after %d (within %v)", r.Epochs, *g.Converged, g.ConvergedWithin)
			}
		})
	}
}

func TestGoldenPerSample(t *testing.T) {
	runs := 0
	for _, g := range golden(t) {
		if g.Method != "per-sample" {
			continue
		}
		runs++
		n := g.network(t)
		tr := g.trainer(t, n)
		done, total := 0, 0
		for step, err := range tr.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if len(tr.Result().Samples) == done {
				continue
			}
			want := g.Samples[done]
			got := tr.Result().Samples[done]
			if got.Row != want.Row || step.Row != want.Row || got.Epochs != want.Epochs || !got.Converged {
				t.Errorf("%s: sample %d: row %d took %d epochs, converged: %v; want row %d and %d epochs as in numpy",
					g.Name, done, got.Row, got.Epochs, got.Converged, want.Row, want.Epochs)
			}
			for l, w := range [][][]float64{want.W1, want.W2} {
				if d := farthest(n.Weights(l), w); d > 1e-9 {
					t.Errorf("%s: after sample %d, weights of layer %d differ by %.2g", g.Name, done, l, d)
				}
			}
			done++
			total += got.Epochs
		}
		if r := tr.Result(); done != len(g.Samples) || !r.Converged || r.Reason != "tolerance" || r.Epochs != total {
			t.Errorf("%s: %d samples, %d epochs in all, ended by %q with %d", g.Name, done, total, r.Reason, r.Epochs)
		}
	}
	if runs < 2 {
		t.Errorf("the golden file has %d per-sample runs, want at least 2", runs)
	}
}
