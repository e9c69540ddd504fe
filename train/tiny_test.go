package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// tinyCase draws a run that qualifies for the path for tiny nets.
func tinyCase[T nn.Float](r *rand.Rand) (inputs int, layers []nn.Dense, c Config, d Data[T]) {
	fs := []nn.Activation{nn.Identity, nn.ReLU, nn.Sigmoid, nn.Tanh}
	set := func(rows, outputs int) Set[T] {
		s := Set[T]{X: nn.NewMatrix[T](rows, inputs), Y: nn.NewMatrix[T](rows, outputs)}
		for i := range s.X.Data {
			s.X.Data[i] = T(r.NormFloat64())
		}
		for i := range s.Y.Data {
			s.Y.Data[i] = T(r.Float64())
		}
		return s
	}
	inputs = 1 + r.IntN(8)
	layers = []nn.Dense{
		{Units: 1 + r.IntN(4), Activation: fs[r.IntN(4)], NoBias: r.IntN(2) == 0},
		{Units: 1 + r.IntN(4), Activation: fs[r.IntN(4)], NoBias: r.IntN(2) == 0},
	}
	d.Train = set(1+r.IntN(4), layers[1].Units)
	c = Config{
		Loss: []nn.Loss{nn.HalfSquared, nn.Squared}[r.IntN(2)], Reduction: nn.Reduction(r.IntN(2)), Optimizer: optim.SGD{},
		LearningRate: math.Exp(-4 * r.Float64()), Method: Batch, Epochs: 1 + r.IntN(400), Threads: 1,
	}
	switch r.IntN(8) {
	case 0:
		c.LearningRate = math.Exp(30 * r.Float64()) // many of these diverge
	case 1:
		c.LearningRate = 1e30
	}
	if r.IntN(6) == 0 {
		c.Epochs = 500 + r.IntN(3000)
	}
	tolerance, target := Tolerance{math.Exp(1 - 4*r.Float64())}, TargetLoss{math.Exp(-6 * r.Float64())}
	c.Stop = []Stop{
		nil, nil, tolerance, target, Any{tolerance, target}, Any{Tolerance{1e-9}, Any{target}}, All{tolerance, target},
		TargetLoss{-1}, Any{}, Any{Patience{3}, target}, Tolerance{1e-300},
	}[r.IntN(11)]
	switch r.IntN(8) {
	case 0:
		d.Validation = set(1+r.IntN(6), layers[1].Units)
		c.KeepBest = r.IntN(2) == 0
	case 1:
		c.Schedule = optim.Cosine{}
	case 2:
		c.Method, c.NoShuffle, c.BatchSize = MiniBatch, true, d.Train.Rows()+r.IntN(3)
	}
	return inputs, layers, c, d
}

func TestTinyHasTheSameBits(t *testing.T) {
	t.Run("float32", testTinyBits[float32])
	t.Run("float64", testTinyBits[float64])
}

// testTinyBits compares runs on the path for tiny nets, in one piece and in several, with the
// same runs step by step.
func testTinyBits[T nn.Float](t *testing.T) {
	was := kernel.ISA()
	defer func() {
		kernel.SelectISA(was)
		useTiny = true
	}()
	cases := 400
	if testing.Short() {
		cases = 40
	}
	for _, isa := range kernel.ISAs() {
		t.Run(isa, func(t *testing.T) {
			kernel.SelectISA(isa)
			r := rand.New(rand.NewPCG(10, 11))
			reasons := map[string]int{}
			for i := range cases {
				inputs, layers, c, d := tinyCase[T](r)
				what := fmt.Sprintf("case %d: %d inputs, %+v, %+v", i, inputs, layers, c)
				start := func(tiny bool) (*Trainer[T], *nn.Network[T]) {
					n, err := nn.New[T](inputs, nn.Seed(uint64(i)), layers...)
					if err != nil {
						t.Fatal(err)
					}
					useTiny = tiny
					tr, err := New(n, c, d)
					if err != nil {
						t.Fatal(err)
					}
					if tiny != (tr.tiny != nil) {
						t.Fatalf("%s: the path for tiny nets: %v, want %v", what, tr.tiny != nil, tiny)
					}
					return tr, n
				}
				slow, slowNet := start(false)
				var steps []Step
				var failed error
				for s, err := range slow.Steps(context.Background()) {
					steps = append(steps, s)
					failed = err
				}
				reasons[slow.result.Reason]++

				whole, wholeNet := start(true)
				_, err := whole.Run(context.Background())
				sameRun(t, what+": Run", whole, slow, wholeNet, slowNet, err, failed)

				parts, partsNet := start(true)
				err = nil
				for at := 0; at < len(steps); { // in pieces of 1, 2, 3, ... steps
					n := 0
					for s, e := range parts.Steps(context.Background()) {
						if want := steps[at]; !sameStep(s, want) {
							t.Fatalf("%s: step %+v, want %+v", what, s, want)
						}
						err = e
						at++
						if n++; n == at%7+1 {
							break
						}
					}
				}
				sameRun(t, what+": Steps", parts, slow, partsNet, slowNet, err, failed)

				strides, stridesNet := start(true)
				err = nil
				at := 0
				for s, e := range strides.Strides(context.Background()) {
					at += s.Updates
					want := steps[at-1]
					want.Updates = s.Updates
					if !sameStep(s, want) {
						t.Fatalf("%s: stride %+v, want %+v", what, s, want)
					}
					err = e
				}
				if at != len(steps) {
					t.Fatalf("%s: the strides have %d updates of %d", what, at, len(steps))
				}
				sameRun(t, what+": Strides", strides, slow, stridesNet, slowNet, err, failed)

				mixed, mixedNet := start(true)
				for _, e := range mixed.Steps(context.Background()) {
					err = e
					if r.IntN(9) == 0 {
						break
					}
				}
				if _, e := mixed.Run(context.Background()); e != nil {
					err = e
				}
				sameRun(t, what+": Steps, then Run", mixed, slow, mixedNet, slowNet, err, failed)
			}
			for _, reason := range []string{ReasonEpochs, ReasonDiverged, "tolerance", "target-loss"} {
				if reasons[reason] < cases/40 && !testing.Short() { // with few cases some reasons are rare
					t.Errorf("only %d of the runs ended by %q", reasons[reason], reason)
				}
			}
		})
	}
}

func sameFloat(a, b float64) bool { return a == b || a != a && b != b }

func sameStep(a, b Step) bool {
	if !sameFloat(a.Loss, b.Loss) || !sameFloat(a.EpochLoss, b.EpochLoss) || !sameFloat(a.Validation, b.Validation) || !sameFloat(a.Score, b.Score) {
		return false
	}
	a.Loss, a.EpochLoss, a.Validation, a.Score = 0, 0, 0, 0
	b.Loss, b.EpochLoss, b.Validation, b.Score = 0, 0, 0, 0
	return a == b
}

func sameRun[T nn.Float](t *testing.T, what string, got, want *Trainer[T], gotNet, wantNet *nn.Network[T], err, failed error) {
	t.Helper()
	for i, w := range wantNet.Params() {
		if g := gotNet.Params()[i]; math.Float64bits(float64(g)) != math.Float64bits(float64(w)) {
			t.Fatalf("%s: parameter %d is %v, want %v", what, i, g, w)
		}
	}
	g, w := got.Result(), want.Result()
	if len(g.History) != len(w.History) {
		t.Fatalf("%s: the history has %d points, want %d", what, len(g.History), len(w.History))
	}
	for i, p := range w.History {
		q := g.History[i]
		if q.Epoch != p.Epoch || q.Steps != p.Steps || !sameFloat(q.Loss, p.Loss) || !sameFloat(q.Validation, p.Validation) ||
			q.LearningRate != p.LearningRate || i > 0 && q.Seconds < g.History[i-1].Seconds {
			t.Fatalf("%s: the history has %+v, want %+v", what, q, p)
		}
	}
	if g.Reason != w.Reason || g.Converged != w.Converged || g.Epochs != w.Epochs || g.Steps != w.Steps || g.Rows != w.Rows ||
		!sameFloat(g.Loss, w.Loss) || g.BestEpoch != w.BestEpoch || !slices.Equal(g.Retreats, w.Retreats) || !sameFloat(g.BestScore, w.BestScore) || !sameFloat(g.CrossFittedScore, w.CrossFittedScore) || !sameFloat(got.EpochLoss(), want.EpochLoss()) {
		t.Fatalf("%s: the result is %+v, want %+v", what, g, w)
	}
	if !slices.Equal(got.CrossFitted(), want.CrossFitted()) {
		t.Fatalf("%s: the cross-fitted outputs are %v, want %v", what, got.CrossFitted(), want.CrossFitted())
	}
	var d, e *DivergedError
	if errors.As(failed, &d) != errors.As(err, &e) || d != nil && fmt.Sprint(*d) != fmt.Sprint(*e) {
		t.Fatalf("%s: the error is %v, want %v", what, err, failed)
	}
}

// A run that does not qualify takes the usual path.
func TestTinyRefuses(t *testing.T) {
	for _, c := range []Config{
		{Optimizer: optim.NewAdam()}, {Optimizer: optim.Momentum{}}, {Loss: nn.Absolute}, {Method: Stochastic}, {Method: MiniBatch, BatchSize: 2},
		{Method: MiniBatch, BatchSize: 4}, {Method: PerSample}, {Shards: 2},
	} {
		if c.Optimizer == nil {
			c.Optimizer = optim.SGD{}
		}
		if c.Method == "" {
			c.Method = Batch
		}
		n, err := nn.New[float32](3, nn.Seed(1), nn.Dense{Units: 4, Activation: nn.Tanh}, nn.Dense{Units: 2})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := New(n, c, Data[float32]{Train: problem[float32](4)})
		if err != nil {
			t.Fatal(err)
		}
		if tr.tiny != nil {
			t.Errorf("%+v takes the path for tiny nets", c)
		}
	}
}

func TestNextKept(t *testing.T) {
	want := 0
	for e := 1 << 14; e > 0; e-- {
		if Keeps(e) {
			want = e
		}
		if got := nextKept(e); want > 0 && got != want {
			t.Fatalf("after %d the history keeps %d, want %d", e, got, want)
		}
	}
}
