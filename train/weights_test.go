package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// A row of weight 2 counts as two rows, and one of weight 0 as none. Where nothing is rounded, the bits are the same.
func TestWeightsAreCopies(t *testing.T) {
	x := nn.FromRows([][]float64{{1, 0}, {-1, 2}, {3, 1}, {50, 60}})
	y := nn.FromRows([][]float64{{1}, {2}, {-1}, {70}})
	weighted := Set[float64]{X: x, Y: y, W: []float64{2, 1, 1, 0}}
	copied := Set[float64]{
		X: nn.FromRows([][]float64{{1, 0}, {1, 0}, {-1, 2}, {3, 1}}),
		Y: nn.FromRows([][]float64{{1}, {1}, {2}, {-1}}),
	}
	for _, r := range []nn.Reduction{nn.Mean, nn.Sum} {
		run := func(s Set[float64]) (*nn.Network[float64], Result) {
			n, err := nn.New[float64](2, nn.Seed(1), nn.Dense{Units: 1, Init: nn.Zeros})
			if err != nil {
				t.Fatal(err)
			}
			return n, mustRun(t, n, Config{
				Loss: nn.Squared, Optimizer: optim.SGD{}, LearningRate: 0.125, Method: Batch, Epochs: 4, Reduction: r,
			}, Data[float64]{Train: s, Validation: s})
		}
		a, ra := run(weighted)
		b, rb := run(copied)
		if !slices.Equal(a.Params(), b.Params()) || a.Params()[0] == 0 {
			t.Errorf("%s: weighted %v, copied %v", r, a.Params(), b.Params())
		}
		if ra.Loss != rb.Loss || ra.BestScore != rb.BestScore {
			t.Errorf("%s: weighted loss %v, score %v; copied %v, %v", r, ra.Loss, ra.BestScore, rb.Loss, rb.BestScore)
		}
		for i, p := range ra.History {
			// The weighted run has four rows of total weight 4, and the other run has four rows.
			if q := rb.History[i]; p.Loss != q.Loss || p.Validation != q.Validation {
				t.Errorf("%s: epoch %d: weighted %v, %v; copied %v, %v", r, p.Epoch, p.Loss, p.Validation, q.Loss, q.Validation)
			}
		}
	}
}

// With any method, row weights of 1 give the same bits as no row weights.
func TestWeightsOfOneChangeNothing(t *testing.T) {
	for _, method := range []Method{Batch, MiniBatch, Stochastic, PerSample} {
		for _, shards := range []int{0, 3} {
			plain := problem[float32](37)
			ones := plain
			ones.W = slices.Repeat([]float64{1}, 37)
			c := Config{Method: method, BatchSize: 10, Shards: shards, Epochs: 5, Seed: 4}
			a, b := network[float32](t, nn.Identity), network[float32](t, nn.Identity)
			mustRun(t, a, c, Data[float32]{Train: plain})
			mustRun(t, b, c, Data[float32]{Train: ones})
			if !slices.Equal(a.Params(), b.Params()) {
				t.Errorf("%s, %d shards: the weights of the net differ", method, shards)
			}
		}
	}
}

// A mini-batch of weight 0 makes no step.
func TestBatchWithoutWeight(t *testing.T) {
	s := problem[float64](6)
	s.W = []float64{0, 0, 1, 2, 0, 0}
	n := network[float64](t, nn.Identity)
	before := slices.Clone(n.Params())
	tr, err := New(n, Config{Optimizer: optim.SGD{}, BatchSize: 2, NoShuffle: true, Epochs: 1}, Data[float64]{Train: s})
	if err != nil {
		t.Fatal(err)
	}
	for step, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		moved := !slices.Equal(before, n.Params())
		if want := step.N >= 2; moved != want || step.N != 2 && step.Loss != 0 || step.N == 2 && !(step.Loss > 0) {
			t.Errorf("update %d has the wrong loss %v, or the weights moved wrongly: %v", step.N, step.Loss, moved)
		}
	}
}

func TestWeightsRefused(t *testing.T) {
	for _, c := range []struct {
		w    []float64
		want string
	}{
		{[]float64{1, 2}, "training configuration: there are 3 training rows and 2 weights"},
		{[]float64{1, -2, 1}, "training configuration: training row 1: the weight is -2; it must be finite and at least 0"},
		{[]float64{1, 1, math.NaN()}, "training configuration: training row 2: the weight is NaN; it must be finite and at least 0"},
		{[]float64{0, 0, 0}, "training configuration: the weights of all 3 training rows are 0"},
	} {
		s := problem[float64](3)
		s.W = c.w
		if _, err := New(network[float64](t, nn.Identity), Config{}, Data[float64]{Train: s}); err == nil || err.Error() != c.want {
			t.Errorf("%v:\n got %v\nwant %s", c.w, err, c.want)
		}
	}
}

// Config.Score chooses the epoch with the highest or the lowest score. If scores are equal, it chooses the epoch with the
// lower loss. Its argument is the network's outputs.
func TestScoreChoosesTheEpoch(t *testing.T) {
	for _, higher := range []bool{false, true} {
		d := Data[float64]{Train: problem[float64](37), Validation: problem[float64](300).slice(100, 300)}
		scores := []float64{5, 3, 4, 9, 9, 3, 7}
		n := network[float64](t, nn.Identity)
		calls := 0
		c := Config{Epochs: len(scores), KeepBest: true, Higher: higher}
		c.Score = func(out []float64) float64 {
			want := n.Predict(d.Validation.X)
			if !slices.Equal(out, want.Data) {
				t.Errorf("the outputs are not the network's")
			}
			calls++
			return scores[calls-1]
		}
		tr, err := New(n, c, d)
		if err != nil {
			t.Fatal(err)
		}
		var then []float64
		best, losses := 0, map[int]float64{}
		for step, err := range tr.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if !step.EpochEnd {
				continue
			}
			losses[step.Epoch] = step.Validation
			if candidates := map[bool][]int{false: {2, 6}, true: {4, 5}}[higher]; slices.Contains(candidates, step.Epoch) {
				if best == 0 || step.Validation < losses[best] {
					best, then = step.Epoch, slices.Clone(n.Params())
				}
				if !step.Best && step.Epoch == best {
					t.Errorf("epoch %d is not reported as the best", step.Epoch)
				}
			}
			if step.Score != scores[step.Epoch-1] || step.Validation == step.Score {
				t.Errorf("epoch %d has the score %v and the validation loss %v", step.Epoch, step.Score, step.Validation)
			}
		}
		r := tr.Result()
		if r.BestEpoch != best || r.BestScore != scores[best-1] || !slices.Equal(n.Params(), then) {
			t.Errorf("higher %v: best epoch %d with %v, want %d", higher, r.BestEpoch, r.BestScore, best)
		}
	}
}

// A solver minimizes the weighted loss.
func TestSolverWeighs(t *testing.T) {
	plain := problem[float64](20)
	weighted, copied := plain, Set[float64]{X: nn.NewMatrix[float64](30, 3), Y: nn.NewMatrix[float64](30, 2)}
	weighted.W = slices.Concat(slices.Repeat([]float64{2}, 10), slices.Repeat([]float64{1}, 10))
	for i := range 30 {
		copy(copied.X.Row(i), plain.X.Row(i%20))
		copy(copied.Y.Row(i), plain.Y.Row(i%20))
	}
	var nets [3]*nn.Network[float64]
	for i, s := range []Set[float64]{weighted, copied, plain} {
		n, err := nn.New[float64](3, nn.Seed(5), nn.Dense{Units: 2})
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, n, Config{Solver: optim.NewLBFGS(), Epochs: 50}, Data[float64]{Train: s})
		nets[i] = n
	}
	for i, w := range nets[0].Params() {
		if c := nets[1].Params()[i]; math.Abs(w-c) > 1e-6 {
			t.Errorf("parameter %d: weighted %v, copied %v", i, w, c)
		}
	}
	if math.Abs(nets[0].Params()[0]-nets[2].Params()[0]) < 1e-4 {
		t.Error("the weights have no effect")
	}
}
