package train

import (
	"context"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// whole hides that an optimizer is separable, so that the update is one pass after the gradient.
type whole struct{ optim.Optimizer }

// wide is a problem that is large enough for a team.
func wide[T nn.Float](t *testing.T) (*nn.Network[T], Data[T]) {
	t.Helper()
	n, err := nn.New[T](40, nn.Seed(5), nn.Dense{Units: 110, Activation: nn.Tanh}, nn.Dense{Units: 60, Activation: nn.ReLU}, nn.Dense{Units: 3, Activation: nn.Softmax})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 333
	s := Set[T]{X: nn.NewMatrix[T](rows, 40), Y: nn.NewMatrix[T](rows, 3)}
	for i := range s.X.Data {
		s.X.Data[i] = T((i*7919)%1000)/500 - 1
	}
	for i := range rows {
		s.Y.Row(i)[(i*31)%3] = 1
	}
	return n, Data[T]{Train: s, Validation: s.slice(0, 50)}
}

func testThreads[T nn.Float](t *testing.T) {
	rules := []optim.Optimizer{optim.NewAdamW(), optim.SGD{}, optim.Momentum{Momentum: 0.9}, optim.Momentum{Momentum: 0.9, Nesterov: true}, optim.NewAdam(), optim.NewAMSGrad(), optim.NewNAdam()}
	if testing.Short() {
		rules = rules[:1]
	}
	for _, rule := range rules {
		for _, c := range []Config{{BatchSize: 128}, {Method: Batch}, {Method: Batch, Shards: 5}, {BatchSize: 100, Shards: 3},
			{BatchSize: 128, Penalty: nn.Penalty{L1: 1e-4, L2: 1e-3}, ClipValue: 0.1, WeightDecay: 0.1, MaxNorm: 1, EMA: 0.9, LabelSmoothing: 0.1}} {
			c.Epochs, c.LearningRate, c.Seed = 2, 0.01, 7
			var want []T
			var loss float64
			for _, threads := range []int{1, 2, 3} {
				for _, r := range []optim.Optimizer{rule, whole{rule}} {
					c.Threads, c.Optimizer = threads, r
					n, d := wide[T](t)
					tr, err := New(n, c, d)
					if err != nil {
						t.Fatal(err)
					}
					got, err := tr.Run(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					if hands := len(tr.crew.hand); threads > 1 && c.Shards > 1 && hands != threads {
						t.Errorf("%d shards, %d threads: %d tapes, want one for each thread", c.Shards, threads, hands)
					}
					if want == nil {
						want, loss = slices.Clone(n.Params()), got.Loss
						continue
					}
					if !slices.Equal(n.Params(), want) || got.Loss != loss {
						t.Errorf("%s, %s, %d shards, %d threads, fused %v: different bits than with one thread", rule, c.Method, c.Shards, threads, optim.Separable(r))
					}
				}
			}
		}
	}
}

// The number of threads changes no bit, and fusing the update with the gradient changes none either.
func TestThreadsChangeNoBit(t *testing.T) {
	t.Run("float32", testThreads[float32])
	t.Run("float64", testThreads[float64])
}
