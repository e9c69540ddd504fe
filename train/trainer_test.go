package train

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// problem is a small regression with some structure. It has 37 rows, a number that no batch size divides.
func problem[T nn.Float](rows int) Set[T] {
	s := Set[T]{X: nn.NewMatrix[T](rows, 3), Y: nn.NewMatrix[T](rows, 2)}
	for i := range rows {
		for j := range 3 {
			s.X.Row(i)[j] = T(math.Sin(float64(3*i + j)))
		}
		s.Y.Row(i)[0] = s.X.At(i, 0) * s.X.At(i, 1)
		s.Y.Row(i)[1] = s.X.At(i, 2) / 2
	}
	return s
}

func network[T nn.Float](t testing.TB, out nn.Activation) *nn.Network[T] {
	t.Helper()
	n, err := nn.New[T](3, nn.Seed(5), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: 2, Activation: out})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustRun[T nn.Float](t *testing.T, n *nn.Network[T], c Config, d Data[T]) Result {
	t.Helper()
	tr, err := New(n, c, d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMethodsCountUpdates(t *testing.T) {
	for _, c := range []struct {
		method Method
		size   int
		steps  int // in 3 epochs of 37 rows
	}{{Batch, 0, 3}, {MiniBatch, 10, 12}, {MiniBatch, 1000, 3}, {Stochastic, 0, 111}, {PerSample, 0, 37 * 3}} {
		r := mustRun(t, network[float64](t, nn.Identity), Config{Method: c.method, BatchSize: c.size, Epochs: 3, Tolerance: 1e-15},
			Data[float64]{Train: problem[float64](37)})
		if r.Steps != c.steps || r.Reason != ReasonEpochs || r.Converged {
			t.Errorf("%s: %d updates, ended by %q, converged %v; want %d updates by epochs", c.method, r.Steps, r.Reason, r.Converged, c.steps)
		}
	}
}

// An epoch uses every row once. The order changes from epoch to epoch, but not with NoShuffle.
func TestShuffling(t *testing.T) {
	for _, still := range []bool{false, true} {
		tr, err := New(network[float64](t, nn.Identity), Config{Method: Stochastic, Epochs: 3, NoShuffle: still},
			Data[float64]{Train: problem[float64](37)})
		if err != nil {
			t.Fatal(err)
		}
		orders := make([][]int, 4)
		for s, err := range tr.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			orders[s.Epoch] = append(orders[s.Epoch], s.Row)
		}
		for e := 1; e <= 3; e++ {
			sorted := slices.Sorted(slices.Values(orders[e]))
			for i, r := range sorted {
				if i != r || len(sorted) != 37 {
					t.Fatalf("epoch %d used the rows %v, want each of 37 rows once", e, orders[e])
				}
			}
		}
		if same := slices.Equal(orders[1], orders[2]); same != still {
			t.Errorf("NoShuffle %v: two epochs had the same order: %v, want the opposite", still, same)
		}
	}
}

// Leaving the loop anywhere and entering it again changes nothing.
func TestBreakContinues(t *testing.T) {
	for _, method := range []Method{Batch, MiniBatch, Stochastic, PerSample} {
		for _, rule := range []optim.Optimizer{optim.SGD{}, optim.NewAdam()} {
			c := Config{Method: method, Optimizer: rule, Epochs: 7, BatchSize: 10, Seed: 3, Schedule: optim.Cosine{}}
			d := Data[float32]{Train: problem[float32](37), Validation: problem[float32](5)}
			whole := network[float32](t, nn.Identity)
			want := mustRun(t, whole, c, d)

			parts := network[float32](t, nn.Identity)
			tr, err := New(parts, c, d)
			if err != nil {
				t.Fatal(err)
			}
			for tr.Result().Reason == "" {
				n := 0
				for _, err := range tr.Steps(context.Background()) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n == 5 {
						break
					}
				}
			}
			if got := tr.Result(); got.Steps != want.Steps || got.Loss != want.Loss || got.Epochs != want.Epochs {
				t.Errorf("%s, %s: in parts: %d steps and the loss %v, want %d and %v as in one piece", method, rule, got.Steps, got.Loss, want.Steps, want.Loss)
			}
			if !slices.Equal(parts.Params(), whole.Params()) {
				t.Errorf("%s, %s: the weights differ", method, rule)
			}
		}
	}
}

// If its context ends, a run returns an error and keeps its progress. It can continue, and ends with the bits of a run
// that was never interrupted.
func TestInterruption(t *testing.T) {
	reason := errors.New("the machine is needed")
	start := func() *Trainer[float64] {
		tr, err := New(network[float64](t, nn.Identity), Config{Epochs: 20}, Data[float64]{Train: problem[float64](37)})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	whole := start()
	if _, err := whole.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	for name, loop := range map[string]func(*Trainer[float64], context.Context) iter.Seq2[Step, error]{
		"Steps": (*Trainer[float64]).Steps, "Strides": (*Trainer[float64]).Strides,
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		tr := start()
		var last error
		for s, err := range loop(tr, ctx) {
			if last != nil {
				t.Fatalf("%s: the loop continues after the error %v", name, last)
			}
			if last = err; err != nil && (s.N != 10 || s.Loss == s.Loss) {
				t.Errorf("%s: the step that comes with the error is %+v, want step 10 with a NaN as its loss", name, s)
			}
			if s.N == 10 {
				cancel(reason)
			}
		}
		if !errors.Is(last, ErrInterrupted) || !errors.Is(last, context.Canceled) || !errors.Is(last, reason) {
			t.Errorf("%s: got the error %v, want one that wraps ErrInterrupted, context.Canceled and the cause", name, last)
		}
		if r := tr.Result(); r.Reason != ReasonInterrupted || r.Steps != 10 || r.Loss-r.Loss != 0 {
			t.Errorf("%s: ended by %q after %d updates with the loss %v, want an interruption after 10 with a finite loss", name, r.Reason, r.Steps, r.Loss)
		}
		if r, err := tr.Run(ctx); !errors.Is(err, ErrInterrupted) || r.Steps != 10 {
			t.Errorf("%s: Run returns %v after %d updates, want ErrInterrupted after 10", name, err, r.Steps)
		}
		if r, err := tr.Run(context.Background()); err != nil || r.Reason != ReasonEpochs || !slices.Equal(tr.Network().Params(), whole.Network().Params()) {
			t.Errorf("%s: the continued run ends with different weights, or by %q with the error %v", name, r.Reason, err)
		}
		if _, err := tr.Run(ctx); err != nil { // the run has ended already
			t.Errorf("%s: a run that has ended returns %v, want no error", name, err)
		}
	}
	over, cancel := context.WithTimeout(context.Background(), -1)
	defer cancel()
	if r, err := start().Run(over); !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.DeadlineExceeded) || r.Steps != 0 {
		t.Errorf("a deadline: got %v after %d updates, want ErrInterrupted after none", err, r.Steps)
	}
}

func TestStopCriteria(t *testing.T) {
	d := Data[float64]{Train: problem[float64](37), Validation: problem[float64](12)}
	for _, c := range []struct {
		stop      Stop
		reason    string
		converged bool
	}{
		{TargetLoss{0.05}, "target-loss", true},
		{MaxTime{1}, "max-time", false},
		{Any{Tolerance{1e-12}, TargetLoss{0.05}}, "target-loss", true},
		{Any{TargetLoss{0.05}, MaxTime{1}}, "max-time", false},
		{All{TargetLoss{0.05}, MaxTime{1}}, "target-loss and max-time", false},
		{All{}, "epochs", false},
		{Any{}, "epochs", false},
		{Tolerance{1e-12}, "epochs", false},
	} {
		r := mustRun(t, network[float64](t, nn.Identity), Config{Epochs: 200, Stop: c.stop, LearningRate: 0.01}, d)
		if r.Reason != c.reason || r.Converged != c.converged {
			t.Errorf("%v: ended by %q, converged %v; want %q, %v", c.stop, r.Reason, r.Converged, c.reason, c.converged)
		}
		if strings.Contains(r.Reason, "target-loss") && r.Loss > 0.05 {
			t.Errorf("%v: ended with the loss %v, want at most 0.05", c.stop, r.Loss)
		}
	}
}

// Early stopping ends the run Patience epochs after the best epoch and restores that epoch's weights.
func TestPatienceRestoresTheBest(t *testing.T) {
	train := problem[float64](20)
	noisy := problem[float64](20)
	for i := range noisy.Rows() {
		noisy.Y.Row(i)[0] += 0.4 * math.Cos(float64(7*i)) // validation rows that cannot be fitted
	}
	n := network[float64](t, nn.Identity)
	tr, err := New(n, Config{Epochs: 5000, LearningRate: 0.02, Stop: Patience{15}, KeepBest: true}, Data[float64]{train, noisy})
	if err != nil {
		t.Fatal(err)
	}
	best, at := math.Inf(1), 0
	var weights []float64
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.EpochEnd && s.Validation < best {
			best, at, weights = s.Validation, s.Epoch, nil
			// At the last step the weights may already be the restored ones. Then the step is not the best.
			weights = append(weights, n.Params()...)
		}
	}
	r := tr.Result()
	if r.Reason != "patience" || r.Epochs != at+15 || r.BestEpoch != at || r.BestScore != best {
		t.Errorf("ended by %q after %d epochs, with the best score %v in epoch %d; want the best score %v in epoch %d and an end 15 epochs later", r.Reason, r.Epochs, r.BestScore, r.BestEpoch, best, at)
	}
	if !slices.Equal(n.Params(), weights) {
		t.Error("the weights are not those of the best epoch")
	}
}

// A divergence is an error, and the network has the last finite weights.
func TestDivergence(t *testing.T) {
	n, err := nn.New[float32](3, nn.Seed(5), nn.Dense{Units: 8, Activation: nn.ReLU}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := New(n, Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Epochs: 50}, Data[float32]{Train: problem[float32](37)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tr.Run(context.Background())
	var diverged *DivergedError
	if !errors.As(err, &diverged) || r.Reason != ReasonDiverged {
		t.Fatalf("ended by %q with the error %v, want a DivergedError", r.Reason, err)
	}
	for i, w := range n.Params() {
		if w-w != 0 {
			t.Fatalf("parameter %d is %v, want a finite number", i, w)
		}
	}
}

// The number of shards changes the gradient only by rounding, and the tree of sums has
// the documented shape.
func TestShards(t *testing.T) {
	d := Data[float64]{Train: problem[float64](37)}
	var want []float64
	for _, shards := range []int{1, 2, 3, 5, 6, 7, 16, 37, 100} {
		n := network[float64](t, nn.Identity)
		mustRun(t, n, Config{Method: Batch, Optimizer: optim.SGD{}, LearningRate: 0.1, Epochs: 20, Shards: shards}, d)
		if want == nil {
			want = slices.Clone(n.Params())
			continue
		}
		for i, w := range n.Params() {
			if math.Abs(w-want[i]) > 1e-13 {
				t.Errorf("%d shards: parameter %d = %v, want %v as with one shard", shards, i, w, want[i])
			}
		}
	}

	tr, err := New(network[float64](t, nn.Identity), Config{Method: Batch, Shards: 7}, d)
	if err != nil {
		t.Fatal(err)
	}
	b := d.Train
	tr.gradient(b, 1)
	piece := func(i int) []float64 {
		from, to := i*37/7, (i+1)*37/7
		g := make([]float64, len(tr.grad))
		tr.net.Forward(tr.tape, b.X.Slice(from, to))
		tr.net.Backprop(tr.tape, tr.cfg.Loss, b.Y.Slice(from, to), 1, g)
		return g
	}
	p := [7][]float64{}
	for i := range p {
		p[i] = piece(i)
	}
	for i, got := range tr.grad {
		want := ((p[0][i] + p[1][i]) + (p[2][i] + p[3][i])) + ((p[4][i] + p[5][i]) + p[6][i])
		if got != want {
			t.Fatalf("element %d is %v, want %v as in the tree", i, got, want)
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, c := range []Config{
		{Method: MiniBatch, BatchSize: 8}, {Method: Stochastic}, {Method: Batch}, {Method: Batch, Shards: 5},
		{Method: MiniBatch, Penalty: nn.Penalty{L1: 0.01, L2: 0.01}, ClipValue: 1, ClipNorm: 1, WeightDecay: 0.1, MaxNorm: 1, EMA: 0.9,
			Schedule: optim.Plateau{Patience: 3, Factor: 0.5}, Warmup: 2},
	} {
		c.Epochs = 1 << 30
		tr, err := New(network[float32](t, nn.Identity), c, Data[float32]{Train: problem[float32](37)})
		if err != nil {
			t.Fatal(err)
		}
		for range 600 * 5 { // more epochs than the history keeps one by one
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}
		tr.result.History = slices.Grow(tr.result.History, 1000)
		if a := testing.AllocsPerRun(200, func() {
			if _, err := tr.course.step(tr); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations in a step, want none", c.Method, a)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	kept := 0
	for e := 1; e <= 1<<20; e++ {
		if Keeps(e) {
			kept++
		}
	}
	if want := 511 + 11*256 + 1; kept != want {
		t.Errorf("of 2^20 epochs %d are kept, want %d", kept, want)
	}
	odd := 0
	for e := 1 << 15; e < 1<<16; e++ {
		if Keeps(e) && e&1 == 1 {
			odd++
		}
	}
	if odd != 128 {
		t.Errorf("of the 256 epochs kept from 2^15 to 2^16, %d are odd, want half: a period of two would not show", odd)
	}
}

func TestConfigErrors(t *testing.T) {
	set := problem[float64](10)
	bad := problem[float64](10)
	bad.X.Row(3)[1] = math.NaN()
	negative := problem[float64](10)
	tooMany := math.MaxInt32
	tooMany++
	for _, c := range []struct {
		name string
		cfg  Config
		out  nn.Activation
		data Data[float64]
		want string
	}{
		{"rate", Config{LearningRate: -1}, nn.Identity, Data[float64]{Train: set}, "the learning rate is -1"},
		{"rate", Config{LearningRate: math.NaN()}, nn.Identity, Data[float64]{Train: set}, "the learning rate is NaN"},
		{"method", Config{Method: "best"}, nn.Identity, Data[float64]{Train: set}, `the method "best" is not known`},
		{"batch", Config{BatchSize: -2}, nn.Identity, Data[float64]{Train: set}, "the batch size is -2"},
		{"epochs", Config{Epochs: -2}, nn.Identity, Data[float64]{Train: set}, "the number of epochs is -2"},
		{"loss", Config{Loss: nn.CrossEntropy}, nn.Sigmoid, Data[float64]{Train: set}, "cross-entropy needs a softmax output"},
		{"warm-up", Config{Warmup: 100}, nn.Identity, Data[float64]{Train: set}, "a warm-up of 100 epochs leaves none of the 100"},
		{"average", Config{EMA: 1}, nn.Identity, Data[float64]{Train: set}, "the running average's factor is 1"},
		{"smoothing", Config{LabelSmoothing: 0.1}, nn.Identity, Data[float64]{Train: set}, "label smoothing is for the losses cross-entropy"},
		{"penalty", Config{Penalty: nn.Penalty{L1: -1}}, nn.Identity, Data[float64]{Train: set}, "l1 is -1"},
		{"clipping", Config{ClipNorm: math.Inf(1)}, nn.Identity, Data[float64]{Train: set}, "clip-norm is +Inf"},
		{"rule", Config{Optimizer: optim.Momentum{Momentum: 2}}, nn.Identity, Data[float64]{Train: set}, "momentum is 2"},
		{"input", Config{}, nn.Identity, Data[float64]{Train: bad}, "training row 3: input 1 is NaN"},
		{"validation", Config{}, nn.Identity, Data[float64]{set, bad}, "validation row 3: input 1 is NaN"},
		{"target", Config{}, nn.Exp, Data[float64]{Train: negative}, "poisson counts cannot be negative"},
		{"many", Config{}, nn.Identity, Data[float64]{Train: Set[float64]{X: nn.Matrix[float64]{Rows: tooMany, Cols: 3}}}, "there are 2147483648 training rows, and a run in memory has at most 2147483647"},
		{"empty", Config{}, nn.Identity, Data[float64]{Train: set.slice(0, 0)}, "no training rows"},
		{"columns", Config{}, nn.Identity, Data[float64]{Train: Set[float64]{X: nn.NewMatrix[float64](2, 4), Y: nn.NewMatrix[float64](2, 2)}}, "have 4 inputs, the network 3"},
	} {
		if strconv.IntSize == 32 && c.name == "many" {
			continue
		}
		_, err := New(network[float64](t, c.out), c.cfg, c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// A trainer needs a network.
func TestNoNetwork(t *testing.T) {
	if _, err := New[float32](nil, Config{Epochs: 1}, Data[float32]{}); !errors.Is(err, ErrConfig) {
		t.Errorf("without a network: got %v, want an error that wraps ErrConfig", err)
	}
}

// The methods of a Config use its defaults, as New does.
func TestMethodsOfTheZeroConfig(t *testing.T) {
	c := Config{}
	if name, slots := c.OptimizerName(), c.Slots(); name != "adam" || slots != 2 {
		t.Errorf("the zero Config has the optimizer %s with %d slots, want adam with 2", name, slots)
	}
	c.Solver = optim.NewLBFGS()
	if err := c.CheckSolver(nil); err != nil {
		t.Errorf("a Config with a solver and nothing else: %v", err)
	}
}
