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

// regular returns a net with a norm and dropout of inputs and hidden units.
func regular[T nn.Float](t testing.TB, norm nn.Norm, dropout float64) *nn.Network[T] {
	t.Helper()
	n, err := nn.New[T](3, nn.Seed(5),
		nn.Dense{Units: 80, Activation: nn.Tanh, Norm: norm, Dropout: dropout / 2},
		nn.Dense{Units: 70, Activation: nn.ReLU, Norm: norm, Dropout: dropout},
		nn.Dense{Units: 2, Dropout: dropout})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Threads, fusing the update, and leaving the loop after every update change no bit.
func TestNormedRunsHaveTheSameBits(t *testing.T) {
	for _, norm := range []nn.Norm{nn.NoNorm, nn.BatchNorm, nn.LayerNorm} {
		for _, c := range []Config{{BatchSize: 128}, {Method: Batch}, {BatchSize: 128, Shards: 3}, {Method: Batch, Shards: 400}} {
			c.Epochs, c.LearningRate, c.Seed = 2, 0.01, 7
			d := Data[float32]{Train: problem[float32](385), Validation: problem[float32](60)}
			var want []float32
			for _, threads := range []int{1, 2, 3} {
				for _, rule := range []optim.Optimizer{optim.NewAdamW(), whole{optim.NewAdamW()}} {
					c.Threads, c.Optimizer = threads, rule
					n := regular[float32](t, norm, 0.3)
					tr, err := New(n, c, d)
					if err != nil {
						t.Fatal(err)
					}
					steps := 0
					for more := true; more; {
						more = false
						for _, err := range tr.Steps(context.Background()) {
							if err != nil {
								t.Fatal(err)
							}
							steps++
							if more = threads == 2; more {
								break
							}
						}
					}
					if want == nil {
						want = slices.Clone(n.Values())
					}
					if !slices.Equal(n.Values(), want) {
						t.Errorf("%s norm, %s, %d shards, %d threads, fused %v: different bits", norm, c.Method, c.Shards, threads, optim.Separable(rule))
					}
					if most := 2 * tr.stepsPerEpoch(); steps != most {
						t.Errorf("%s norm, %s: %d updates, want %d", norm, c.Method, steps, most)
					}
				}
			}
		}
	}
}

// Shards change the order in which a gradient is summed, and so its rounding. They change no mask and no statistic.
func TestShardsHaveTheSameMasks(t *testing.T) {
	for _, norm := range []nn.Norm{nn.LayerNorm, nn.BatchNorm} {
		var want []float64
		for _, shards := range []int{1, 2, 7, 100} {
			n := regular[float64](t, norm, 0.5)
			mustRun(t, n, Config{Method: Batch, Shards: shards, Epochs: 1, LearningRate: 1, Optimizer: optim.SGD{}}, Data[float64]{Train: problem[float64](100)})
			if want == nil {
				want = slices.Clone(n.Values())
			}
			for i, w := range n.Values() {
				if math.Abs(w-want[i]) > 1e-13 {
					t.Fatalf("%s norm, %d shards: value %d is %v, want %v as with one shard", norm, shards, i, w, want[i])
				}
			}
		}
	}
}

// With batch normalization, and only then, a last batch of one row joins the batch before it.
func TestLonelyRow(t *testing.T) {
	for _, c := range []struct {
		norm       nn.Norm
		rows, size int
		want       []int
	}{
		{nn.BatchNorm, 25, 8, []int{8, 8, 9}}, {nn.LayerNorm, 25, 8, []int{8, 8, 8, 1}}, {nn.BatchNorm, 26, 8, []int{8, 8, 8, 2}},
		{nn.BatchNorm, 9, 8, []int{9}}, {nn.BatchNorm, 3, 2, []int{3}}, {nn.BatchNorm, 5, 100, []int{5}},
	} {
		for _, shuffle := range []bool{true, false} {
			tr, err := New(regular[float32](t, c.norm, 0), Config{BatchSize: c.size, Epochs: 1, NoShuffle: !shuffle}, Data[float32]{Train: problem[float32](c.rows)})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for s, err := range tr.Steps(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, s.Rows)
			}
			if !slices.Equal(got, c.want) || tr.stepsPerEpoch() != len(got) {
				t.Errorf("%s norm, %d rows by %d: batches of %v rows in %d steps, want %v", c.norm, c.rows, c.size, got, tr.stepsPerEpoch(), c.want)
			}
		}
	}
}

func TestBatchNormRefuses(t *testing.T) {
	for _, c := range []struct {
		config Config
		rows   int
		want   string
	}{
		{Config{}, 1, "training configuration: batch normalization needs at least 2 rows to train on, and there is 1; use layer normalization, which looks at one row at a time"},
		{Config{Method: Stochastic}, 9, "training configuration: batch normalization needs at least 2 rows in a batch, and stochastic descent has 1; use mini-batch, or use layer normalization, which looks at one row at a time"},
		{Config{Method: PerSample}, 9, "training configuration: batch normalization needs at least 2 rows in a batch, and per-sample descent has 1; use mini-batch, or use layer normalization, which looks at one row at a time"},
		{Config{BatchSize: 1}, 9, "training configuration: batch normalization needs at least 2 rows in a batch, and the batch size is 1; make it larger, or use layer normalization, which looks at one row at a time"},
	} {
		_, err := New(regular[float32](t, nn.BatchNorm, 0), c.config, Data[float32]{Train: problem[float32](c.rows)})
		if err == nil || err.Error() != c.want || !errors.Is(err, ErrConfig) {
			t.Errorf("%+v:\n got %v\nwant %s", c.config, err, c.want)
		}
		if _, err := New(regular[float32](t, nn.LayerNorm, 0.5), c.config, Data[float32]{Train: problem[float32](c.rows)}); err != nil {
			t.Errorf("layer norm, %+v: %v", c.config, err)
		}
	}
}

// The running statistics of the best epoch are restored with its weights.
func TestBestHasItsState(t *testing.T) {
	n := regular[float64](t, nn.BatchNorm, 0.2)
	tr, err := New(n, Config{BatchSize: 16, Epochs: 30, LearningRate: 0.05, KeepBest: true}, Data[float64]{Train: problem[float64](64), Validation: problem[float64](20)})
	if err != nil {
		t.Fatal(err)
	}
	var best, last []float64
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Best {
			best = slices.Clone(n.Values())
		}
		if s.EpochEnd && s.Epoch == 29 {
			last = slices.Clone(n.State())
		}
	}
	if tr.Result().BestEpoch >= 29 {
		t.Fatalf("the best epoch is %d, want one before 29, or the test shows nothing", tr.Result().BestEpoch)
	}
	if !slices.Equal(n.Values(), best) || !slices.Equal(tr.BestNetwork().Values(), best) {
		t.Error("the run did not end with the values of its best epoch")
	}
	if slices.Equal(n.State(), last) {
		t.Error("the running statistics are those of the end")
	}
}

// A run that diverges leaves finite statistics too.
func TestDivergenceWithNorm(t *testing.T) {
	n := regular[float32](t, nn.BatchNorm, 0)
	tr, err := New(n, Config{BatchSize: 16, Epochs: 100, LearningRate: 1e30, Optimizer: optim.SGD{}}, Data[float32]{Train: problem[float32](64)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tr.Run(context.Background())
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("the run did not diverge: got the error %v", err)
	}
	for i, v := range n.Values() {
		if v-v != 0 {
			t.Fatalf("value %d is %v, want a finite number", i, v)
		}
	}
}

// FullLoss and the validation score are computed as in inference, and the loss of a step as in training.
func TestLossesOfTrainingAndInference(t *testing.T) {
	d := Data[float64]{Train: problem[float64](40), Validation: problem[float64](40)}
	for _, norm := range []nn.Norm{nn.NoNorm, nn.BatchNorm} {
		n := regular[float64](t, norm, 0.5)
		tr, err := New(n, Config{Method: Batch, Epochs: 1, Loss: nn.Squared}, d)
		if err != nil {
			t.Fatal(err)
		}
		tape := n.NewTape(40)
		n.ForwardTraining(tape, d.Train.X, nn.Noise{})
		training := n.Loss(tape, nn.Squared, d.Train.Y) / 40
		for s, err := range tr.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(s.Loss-training) > 1e-12 {
				t.Errorf("%s norm: the step's loss is %v, want %v as in training", norm, s.Loss, training)
			}
			out, sum := n.Predict(d.Train.X), 0.0
			for i, y := range d.Train.Y.Data {
				sum += (out.Data[i] - y) * (out.Data[i] - y)
			}
			if full := tr.FullLoss(); math.Abs(full-sum/40) > 1e-12 || math.Abs(s.Validation-full) > 1e-12 {
				t.Errorf("%s norm: the full loss is %v and the validation score %v, want %v as Predict gives", norm, full, s.Validation, sum/40)
			}
		}
	}
}

func TestNormedStepAllocatesNothing(t *testing.T) {
	for i, norm := range []nn.Norm{nn.NoNorm, nn.BatchNorm, nn.LayerNorm, nn.BatchNorm} {
		tr, err := New(regular[float32](t, norm, 0.3), Config{BatchSize: 8, Epochs: 1 << 30, Shards: i}, Data[float32]{Train: problem[float32](37), Validation: problem[float32](5)})
		if err != nil {
			t.Fatal(err)
		}
		tr.result.History = slices.Grow(tr.result.History, 1000)
		if a := testing.AllocsPerRun(50, func() {
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s norm, %d shards: %v allocations in a step, want none", norm, i, a)
		}
	}
}
