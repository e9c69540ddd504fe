package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// TestGoldenTrajectoriesFromTheCommandLine starts from the given weights (--from) without
// shuffling, and compares with numpy's float64 trajectories of the notebook's experiments.
func TestGoldenTrajectoriesFromTheCommandLine(t *testing.T) {
	raw, err := os.ReadFile("../lesson/testdata/notebook.json")
	if err != nil {
		t.Fatal(err)
	}
	type point struct {
		Epoch  int
		W1, W2 [][]float64
	}
	var golden struct {
		Runs []struct {
			Name         string
			X, Y, W1, W2 [][]float64
			Hidden       int
			Rate         float64 `json:"learning_rate"`
			Batch        int     `json:"batch_size"`
			Method       string
			Tolerance    float64 `json:"tolerance_rtol"`
			MaxEpochs    int     `json:"max_epochs"`
			PerSample    int     `json:"max_epochs_per_sample"`
			Converged    *int    `json:"converged_epoch"`
			Within       float64 `json:"converged_epoch_within"`
			Trajectory   []point
			Samples      []struct {
				Epochs int
				W1, W2 [][]float64
			}
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	for _, g := range golden.Runs {
		t.Run(g.Name, func(t *testing.T) {
			dir := t.TempDir()
			table, start, out := filepath.Join(dir, "rows.csv"), filepath.Join(dir, "start.safetensors"), filepath.Join(dir, "m.safetensors")
			text := "x0,x1,x2,y\n"
			for i, x := range g.X {
				text += fmt.Sprintf("%v,%v,%v,%v\n", x[0], x[1], x[2], g.Y[i][0])
			}
			if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			writeTensors(t, start,
				map[string][]float64{"layers.0.weight": nn.FromRows(g.W1).Data, "layers.1.weight": nn.FromRows(g.W2).Data},
				map[string][]uint64{"layers.0.weight": {3, uint64(g.Hidden)}, "layers.1.weight": {uint64(g.Hidden), 1}})

			train := func(more ...string) (r struct {
				Converged bool
				Epochs    int
			}, m *model.Model) {
				var stdout, stderr bytes.Buffer
				args := append([]string{
					"train", "--members", "1", table, "--hidden", fmt.Sprint(g.Hidden), "--activation", "sigmoid", "--output-activation", "sigmoid",
					"--no-bias", "--loss", "half-squared", "--reduction", "sum", "--optimizer", "sgd", "--lr", fmt.Sprint(g.Rate),
					"--no-shuffle", "--scale", "none", "--precision", "float64", "--validation", "none", "--task", "regression",
					"--from", start, "--out", out, "--json", "--quiet",
				}, more...)
				if code := run(context.Background(), args, Std{In: strings.NewReader(""), Out: &stdout, Err: &stderr}); code != 0 && code != 3 {
					t.Fatalf("got exit status %d, want 0 or 3: %s", code, stderr.String())
				}
				if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
					t.Fatal(err)
				}
				m, err := model.Load(out)
				if err != nil {
					t.Fatal(err)
				}
				return r, m
			}
			compare := func(what string, m *model.Model, want ...[][]float64) {
				t.Helper()
				for l, w := range want {
					for i := range w {
						for j := range w[i] {
							if got := m.Network64().Weights(l).At(i, j); math.Abs(got-w[i][j]) > 1e-9*math.Abs(w[i][j]) {
								t.Errorf("%s: layers.%d.weight[%d][%d] = %v, want %v", what, l, i, j, got, w[i][j])
							}
						}
					}
				}
			}
			tolerance := fmt.Sprint(g.Tolerance)
			if g.Method == "per-sample" {
				r, m := train("--method", "per-sample", "--epochs", fmt.Sprint(g.PerSample), "--tolerance", tolerance)
				total, last := 0, g.Samples[len(g.Samples)-1]
				for _, s := range g.Samples {
					total += s.Epochs
				}
				if !r.Converged || r.Epochs != total {
					t.Errorf("got convergence %v after %d epochs, want true after %d as with numpy", r.Converged, r.Epochs, total)
				}
				compare("at the end", m, last.W1, last.W2)
				return
			}
			method := []string{"--method", "mini-batch", "--batch-size", fmt.Sprint(g.Batch)}
			if g.Batch == len(g.X) {
				method = []string{"--method", "batch"}
			} else if g.Batch == 1 {
				method = []string{"--method", "stochastic"}
			}
			for _, p := range g.Trajectory {
				if p.Epoch > 100 || g.Rate == 50 && p.Epoch > 10 {
					continue // the run at rate 50 is chaotic
				}
				_, m := train(append(method, "--epochs", fmt.Sprint(p.Epoch))...)
				compare(fmt.Sprintf("epoch %d", p.Epoch), m, p.W1, p.W2)
			}
			r, _ := train(append(method, "--epochs", fmt.Sprint(g.MaxEpochs), "--tolerance", tolerance)...)
			switch {
			case g.Converged == nil:
				if r.Converged {
					t.Errorf("got convergence after %d epochs, want none as with numpy", r.Epochs)
				}
			case !r.Converged || math.Abs(float64(r.Epochs-*g.Converged)) > g.Within*float64(*g.Converged):
				t.Errorf("got convergence %v after %d epochs, want true after %d as with numpy (within a share of %v)", r.Converged, r.Epochs, *g.Converged, g.Within)
			}
		})
	}
}
