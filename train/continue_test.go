package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// A run in parts over the same rows ends with the bits of the whole run.
func TestMoreOfTheSame(t *testing.T) {
	d := Data[float32]{Train: problem[float32](37)}
	for _, method := range []Method{Batch, MiniBatch, Stochastic} {
		for _, rule := range rules(t) {
			c := Config{Method: method, Optimizer: rule, Epochs: 9, BatchSize: 10, Seed: 4, LearningRate: 0.01}
			whole := network[float32](t, nn.Identity)
			want := mustRun(t, whole, c, d)

			c.Epochs = 2
			parts := network[float32](t, nn.Identity)
			tr, err := New(parts, c, d)
			if err != nil {
				t.Fatal(err)
			}
			tr.Run(context.Background())
			for _, epochs := range []int{3, 4} {
				if err := tr.More(d, epochs); err != nil {
					t.Fatal(err)
				}
				if _, err := tr.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			got := tr.Result()
			if !slices.Equal(parts.Params(), whole.Params()) || got.Epochs != 9 || got.Steps != want.Steps || got.Loss != want.Loss || len(got.History) != 9 {
				t.Errorf("%s, %s: the run in parts ends differently from the whole run", method, rule)
			}
		}
	}
}

// A run that ended with its running average continues from its last weights. In parts it ends with the
// bits of the whole run, even if a checkpoint was written and read in between.
func TestMoreBehindAnAverage(t *testing.T) {
	d := Data[float32]{Train: problem[float32](37)}
	c := Config{Epochs: 9, BatchSize: 10, Seed: 4, LearningRate: 0.01, EMA: 0.9}
	whole := network[float32](t, nn.Identity)
	want := mustRun(t, whole, c, d)

	c.Epochs = 4
	parts := network[float32](t, nn.Identity)
	tr, err := New(parts, c, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(parts.Params(), tr.BestNetwork().Params()) || slices.Equal(parts.Values(), tr.good) {
		t.Error("the run did not end with its average")
	}
	var file bytes.Buffer
	if err := tr.Checkpoint(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadCheckpoint(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	other := network[float32](t, nn.Identity)
	again, err := New(other, c, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(read); err != nil {
		t.Fatal(err)
	}
	for what, tr := range map[string]*Trainer[float32]{"at once": tr, "read again": again} {
		if err := tr.More(d, 5); err != nil {
			t.Fatal(err)
		}
		got, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tr.Network().Params(), whole.Params()) || got.Steps != want.Steps || got.Loss != want.Loss {
			t.Errorf("%s: the run in parts ends differently from the whole run", what)
		}
	}
}

// A run that diverged continues from the weights it kept. So does its average, which is then finite.
func TestMoreBehindADivergence(t *testing.T) {
	n := linear(t)
	c := Config{Optimizer: optim.SGD{}, Schedule: bump{3}, LearningRate: 0.01, Epochs: 6, BatchSize: 37, NoShuffle: true, EMA: 0.9}
	d := Data[float32]{Train: problem[float32](37)}
	tr, err := New(n, c, d)
	if err != nil {
		t.Fatal(err)
	}
	var diverged *DivergedError
	if _, err := tr.Run(context.Background()); !errors.As(err, &diverged) {
		t.Fatalf("the run ended with %v, want a DivergedError", err)
	}
	if err := tr.More(d, 3); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tr.average.Values(), n.Values()) {
		t.Error("the average does not begin with the weights that were kept")
	}
}

// The optimizer keeps its state when the run continues with other rows, of which there are more.
func TestMoreRows(t *testing.T) {
	for _, method := range []Method{Batch, MiniBatch, Stochastic, PerSample} {
		c := Config{Method: method, Optimizer: optim.NewAdam(), Epochs: 3, BatchSize: 32, KeepBest: true}
		tr, err := New(network[float64](t, nn.Identity), c, Data[float64]{problem[float64](10), problem[float64](4)})
		if err != nil {
			t.Fatal(err)
		}
		before, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		slots := fmt.Sprint(tr.slots)
		if err := tr.More(Data[float64]{problem[float64](70), problem[float64](9)}, 2); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(tr.slots) != slots || tr.result.Steps != before.Steps {
			t.Errorf("%s: the optimizer lost its state", method)
		}
		after, err := tr.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		epochs, steps := 2, map[Method]int{Batch: 2, MiniBatch: 2 * 3, Stochastic: 140, PerSample: 140}[method]
		if method == PerSample {
			epochs = 140
			seen := map[int]bool{}
			for _, s := range after.Samples {
				seen[s.Row] = true
			}
			if len(seen) != 70 {
				t.Errorf("%d of 70 samples were seen, want all", len(seen))
			}
		}
		if after.Epochs != before.Epochs+epochs || after.Steps != before.Steps+steps || after.BestEpoch <= before.Epochs {
			t.Errorf("%s: the run has the wrong totals: %d epochs and %d updates after %d and %d before, and the best epoch %d", method, after.Epochs, after.Steps, before.Epochs, before.Steps, after.BestEpoch)
		}
	}
}

func TestMoreRefuses(t *testing.T) {
	tr, err := New(network[float64](t, nn.Identity), Config{Epochs: 2}, Data[float64]{Train: problem[float64](10)})
	if err != nil {
		t.Fatal(err)
	}
	tr.Run(context.Background())
	before := fmt.Sprint(tr.net.Params(), tr.Result())
	for what, err := range map[string]error{
		"no epochs":  tr.More(Data[float64]{Train: problem[float64](10)}, 0),
		"no rows":    tr.More(Data[float64]{Train: problem[float64](10).slice(0, 0)}, 1),
		"other rows": tr.More(Data[float64]{Train: Set[float64]{X: nn.NewMatrix[float64](2, 4), Y: nn.NewMatrix[float64](2, 2)}}, 1),
	} {
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want an error that wraps ErrConfig", what, err)
		}
	}
	if after := fmt.Sprint(tr.net.Params(), tr.Result()); after != before {
		t.Error("a refused call changed the run")
	}
}

// The best epoch so far was chosen on the old rows, so More starts over with it.
func TestMoreForgetsTheBestEpoch(t *testing.T) {
	data := Data[float64]{Train: problem[float64](40), Validation: problem[float64](20)}
	tr, err := New(network[float64](t, nn.Identity), Config{Epochs: 3, KeepBest: true}, data)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := tr.Run(t.Context()); err != nil || r.BestEpoch == 0 {
		t.Fatalf("got %+v and the error %v, want a best epoch", r, err)
	}
	if err := tr.More(data, 2); err != nil {
		t.Fatal(err)
	}
	if r := tr.Result(); r.BestEpoch != 0 {
		t.Errorf("before the further epochs the best one is %d, want none", r.BestEpoch)
	}
}
