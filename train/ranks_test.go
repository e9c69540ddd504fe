package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// A room lets goroutines meet as ranks. Every rank can read what the others bring.
type room struct {
	mu     sync.Mutex
	come   *sync.Cond
	size   int
	here   int
	round  int
	brings [][]byte
	counts [][]int
	broken error
}

// A seat is one goroutine's place in a room. It is a Ranks.
type seat struct {
	*room
	rank  int
	calls int
	fails int // the call that fails; 0: none
}

func newRoom(size int) (seats []*seat) {
	r := &room{size: size, brings: make([][]byte, size), counts: make([][]int, size)}
	r.come = sync.NewCond(&r.mu)
	for i := range size {
		seats = append(seats, &seat{room: r, rank: i})
	}
	return seats
}

func (s *seat) Rank() int { return s.rank }
func (s *seat) Size() int { return s.size }

// wait returns when all ranks have come.
func (s *seat) wait() {
	s.here++
	if s.here == s.size {
		s.here = 0
		s.round++
		s.come.Broadcast()
		return
	}
	for round := s.round; round == s.round; {
		s.come.Wait()
	}
}

// meet gives every rank what all ranks bring.
func (s *seat) meet(bring []byte, counts []int, see func(brings [][]byte, counts [][]int)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls == s.fails {
		s.broken = errors.New("the cable is out")
	}
	s.brings[s.rank], s.counts[s.rank] = bytes.Clone(bring), counts
	s.wait()
	err := s.broken
	if err == nil {
		see(s.brings, s.counts)
	}
	s.wait()
	return err
}

func (s *seat) Gather(all []byte, counts []int) error {
	return s.meet(part(all, counts, s.rank), counts, func(brings [][]byte, theirs [][]int) {
		for r, b := range brings {
			if !slices.Equal(theirs[r], counts) {
				panic(fmt.Sprintf("rank %d counts %v, rank %d %v", s.rank, counts, r, theirs[r]))
			}
			copy(part(all, counts, r), b)
		}
	})
}

func (s *seat) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	for r := range outCounts {
		if told := part(out, outCounts, r)[:header]; !bytes.Equal(told, out[:header]) {
			panic(fmt.Sprintf("rank %d tells rank %d another time or other flags than rank 0: % x, % x", s.rank, r, told, out[:header]))
		}
	}
	return s.meet(out, outCounts, func(brings [][]byte, counts [][]int) {
		for r, b := range brings {
			if counts[r][s.rank] != inCounts[r] {
				panic(fmt.Sprintf("rank %d sends %d bytes to rank %d, which waits for %d", r, counts[r][s.rank], s.rank, inCounts[r]))
			}
			copy(part(in, inCounts, r), part(b, counts[r], s.rank))
		}
	})
}

// onRanks runs do on that many ranks and returns the result of each.
func onRanks[R any](size int, do func(s *seat) R) []R {
	all := make([]R, size)
	var team sync.WaitGroup
	for i, s := range newRoom(size) {
		team.Go(func() { all[i] = do(s) })
	}
	team.Wait()
	return all
}

// endedRun is the outcome of a run.
type endedRun[T nn.Float] struct {
	values  []T
	crossed []float64 // CrossFitted
	result  Result
	err     error
	found   string // the findings of the diagnosis
}

// runOn trains on that many ranks.
func runOn[T nn.Float](t *testing.T, size int, c Config, d Data[T], layers ...nn.Dense) []endedRun[T] {
	t.Helper()
	return onRanks(size, func(s *seat) endedRun[T] {
		n, err := nn.New[T](d.Train.X.Cols, nn.Seed(5), layers...)
		if err != nil {
			return endedRun[T]{err: err}
		}
		own := c
		own.Ranks = s
		tr, err := New(n, own, d)
		if err != nil {
			return endedRun[T]{err: err}
		}
		found := Watch(tr)
		r, err := tr.Run(context.Background())
		return endedRun[T]{slices.Clone(n.Values()), tr.CrossFitted(), r, err, found()}
	})
}

var plainLayers = []nn.Dense{{Units: 8, Activation: nn.Tanh}, {Units: 2, Activation: nn.Identity}}

var batchNormed = []nn.Dense{{Units: 8, Activation: nn.Tanh, NoBias: true, Norm: nn.BatchNorm}, {Units: 9, Activation: nn.ReLU, Norm: nn.BatchNorm, Dropout: 0.2}, {Units: 2, Activation: nn.Identity}}

// holdRanks compares runs on several ranks, and on several threads, with the run in one process on one thread.
func holdRanks[T nn.Float](t *testing.T, name string, c Config, d Data[T], layers ...nn.Dense) {
	t.Helper()
	c.Threads = 1
	want := runOn(t, 1, c, d, layers...)[0]
	if want.err != nil && !errors.As(want.err, new(*DivergedError)) {
		t.Fatalf("%s: %v", name, want.err)
	}
	was := leastWork
	defer func() { leastWork = was }()
	leastWork = 0 // so small a step is not divided among threads otherwise
	for _, threads := range []int{2, 3, 5} {
		c.Threads = threads
		got := runOn(t, 1, c, d, layers...)[0]
		if fmt.Sprint(got.err) != fmt.Sprint(want.err) {
			t.Errorf("%s: %d threads: got the error %v, want %v as with one thread", name, threads, got.err, want.err)
		}
		if !slices.Equal(got.values, want.values) {
			t.Errorf("%s: %d threads: different weights than with one thread", name, threads)
		}
		if a, b := fmt.Sprintf("%+v", untimed(got.result)), fmt.Sprintf("%+v", untimed(want.result)); a != b || got.found != want.found {
			t.Errorf("%s: %d threads: the result is\n%s\nwant, as with one thread,\n%s", name, threads, a, b)
		}
	}
	for _, size := range []int{2, 3, 4, 5, 8} {
		c.Threads = 1 + size%2
		for rank, got := range runOn(t, size, c, d, layers...) {
			where := fmt.Sprintf("%s: rank %d of %d", name, rank, size)
			if fmt.Sprint(got.err) != fmt.Sprint(want.err) {
				t.Errorf("%s: got the error %v, want %v as in one process", where, got.err, want.err)
			}
			if !slices.Equal(got.values, want.values) {
				t.Errorf("%s: different weights than in one process", where)
			}
			if !slices.Equal(got.crossed, want.crossed) {
				t.Errorf("%s: different cross-fitted outputs than in one process", where)
			}
			a, b := got.result, want.result
			if a.Reason != b.Reason || a.Steps != b.Steps || math.Float64bits(a.Loss) != math.Float64bits(b.Loss) || a.BestEpoch != b.BestEpoch || math.Float64bits(a.BestScore) != math.Float64bits(b.BestScore) || len(a.History) != len(b.History) || got.found != want.found {
				t.Errorf("%s: %s after %d updates with the loss %v, want %s after %d with %v as in one process", where, a.Reason, a.Steps, a.Loss, b.Reason, b.Steps, b.Loss)
			}
			for i := range min(len(a.History), len(b.History)) {
				p, q := a.History[i], b.History[i]
				if p.Loss != q.Loss || p.LearningRate != q.LearningRate || p.Validation != q.Validation && q.Validation == q.Validation {
					t.Errorf("%s: epoch %d is %+v, want %+v as in one process", where, p.Epoch, p, q)
				}
			}
			if a.Exchange <= 0 || b.Exchange != 0 {
				t.Errorf("%s: the exchanges take %v s, and %v s in one process, want more than 0 and 0", where, a.Exchange, b.Exchange)
			}
		}
	}
}

// untimed returns a result without what depends on the clock.
func untimed(r Result) Result {
	r.Seconds, r.History = 0, slices.Clone(r.History)
	for i := range r.History {
		r.History[i].Seconds = 0
	}
	return r
}

func testRanks[T nn.Float](t *testing.T) {
	d := Data[T]{problem[T](203), problem[T](21)}
	for _, rule := range rules(t) {
		holdRanks(t, rule.String(), Config{Optimizer: rule, Shards: 8, BatchSize: 64, Epochs: 3, LearningRate: 0.01}, d, plainLayers...)
	}
	for _, s := range optim.Solvers() {
		solver, err := optim.ParseSolver(s)
		if err != nil {
			t.Fatal(err)
		}
		holdRanks(t, s, Config{Solver: solver, Shards: 9, Epochs: 12, Penalty: nn.Penalty{L2: 1e-3}}, d, plainLayers...)
	}
	for _, shards := range []int{8, 11, 13, 64} { // the last batch has 11 rows and so 11 shards at most
		holdRanks(t, fmt.Sprint(shards, " shards"), Config{Shards: shards, BatchSize: 64, Epochs: 2}, d, plainLayers...)
	}
	holdRanks(t, "batch", Config{Method: Batch, Shards: 8, Epochs: 5}, d, plainLayers...)
	holdRanks(t, "everything", Config{Shards: 8, BatchSize: 32, Epochs: 6, GradientNorm: true, ClipNorm: 0.5, ClipValue: 0.2, WeightDecay: 0.1, MaxNorm: 1, EMA: 0.9, Penalty: nn.Penalty{L1: 1e-4},
		KeepBest: true, Stop: Any{Patience{2}, TargetLoss{1e-9}}, LayerRates: []float64{0.5, 1}, Schedule: optim.Cosine{}, Warmup: 1}, d, plainLayers...)
	holdRanks(t, "dropout and layer norm", Config{Shards: 8, BatchSize: 50, Epochs: 3}, d,
		nn.Dense{Units: 9, Activation: nn.ReLU, Norm: nn.LayerNorm}, nn.Dense{Units: 2, Activation: nn.Identity, Dropout: 0.3})
	holdRanks(t, "batch norm", Config{Shards: 8, BatchSize: 64, Epochs: 3}, d, batchNormed...)
	holdRanks(t, "batch norm with fewer rows in the last batch than ranks", Config{Shards: 13, BatchSize: 67, Epochs: 3, EMA: 0.9, KeepBest: true, LayerRates: []float64{0, 1, 1}}, d, batchNormed...)
	holdRanks(t, "batch norm over all rows, with clipping", Config{Method: Batch, Shards: 9, Epochs: 3, ClipNorm: 0.5}, d, batchNormed...)
	holdRanks(t, "divergence with batch norm", Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Shards: 8, BatchSize: 64, Epochs: 9}, d, batchNormed...)
	weighted := d
	for i := range weighted.Train.Rows() {
		weighted.Train.W = append(weighted.Train.W, float64(i%3))
	}
	holdRanks(t, "weights", Config{Shards: 8, BatchSize: 64, Epochs: 3}, weighted, plainLayers...)
	holdRanks(t, "weights and batch norm", Config{Shards: 8, BatchSize: 64, Epochs: 3}, weighted, batchNormed...)
	scored := Data[T]{problem[T](700), inParts(problem[T](601), 100)} // three parts of rows each
	score := func(out []float64) (sum float64) {
		for i, v := range out {
			sum += float64(v * float64(i+1))
		}
		return sum
	}
	holdRanks(t, "a score", Config{Shards: 8, BatchSize: 350, Epochs: 7, Score: score, Higher: true, KeepBest: true, Stop: TargetLoss{1e-9}}, scored, plainLayers...)
	holdRanks(t, "divergence", Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Shards: 8, BatchSize: 64, Epochs: 3}, d, plainLayers...)
	holdRanks(t, "halved rates", Config{Optimizer: optim.SGD{}, LearningRate: 1e12, Halvings: 60, Shards: 8, BatchSize: 64, Epochs: 3}, d, plainLayers...)
	was := segmentBytes
	defer func() { segmentBytes = was }()
	segmentBytes = 0
	for _, shards := range []int{8, 13} {
		holdRanks(t, fmt.Sprint("segments of ", shards, " shards"), Config{Shards: shards, BatchSize: 64, Epochs: 2}, d, plainLayers...)
		holdRanks(t, fmt.Sprint("segments of ", shards, " shards with batch norm"), Config{Shards: shards, BatchSize: 64, Epochs: 2}, d, batchNormed...)
	}
}

// The number of ranks changes no bit of the weights or of what is reported.
func TestRanksChangeNoBit(t *testing.T) {
	t.Run("float32", testRanks[float32])
	t.Run("float64", testRanks[float64])
}

// Together, the roots of all ranks cover the tree over all shards, each part once.
func TestRootsCoverTheTree(t *testing.T) {
	for shards := 1; shards <= 70; shards++ {
		for size := 1; size <= min(shards, 17); size++ {
			next := 0
			for rank := range size {
				first, end := ownShards(rank, size, shards)
				for _, r := range rootsOf(first, end, shards) {
					if r.first != next || r.first%(1<<r.height) != 0 || r.end != min(r.first+1<<r.height, shards) || r.end > end {
						t.Fatalf("%d shards on %d ranks: rank %d, with the shards %d to %d, has the wrong root %+v after %d", shards, size, rank, first, end, r, next)
					}
					next = r.end
				}
			}
			if next != shards {
				t.Fatalf("%d shards on %d ranks: the roots end at %d, want the number of shards", shards, size, next)
			}
		}
	}
}

// A run can continue with a different number of ranks, and its bits stay the same.
func TestRanksResume(t *testing.T) {
	d := Data[float32]{problem[float32](203), problem[float32](21)}
	c := Config{Optimizer: optim.NewAdam(), Shards: 8, BatchSize: 64, Epochs: 4, KeepBest: true, Threads: 1}
	want := runOn(t, 1, c, d, plainLayers...)[0].values
	start := func(s *seat) *Trainer[float32] {
		own := c
		own.Ranks = s
		tr, err := New(network[float32](t, nn.Identity), own, d)
		if err != nil {
			t.Error(err)
		}
		return tr
	}
	sizes := []int{1, 3, 2, 4}
	for i, size := range sizes {
		files := onRanks(size, func(s *seat) []byte {
			tr := start(s)
			for step := range tr.Steps(context.Background()) {
				if step.N == 6 {
					break
				}
			}
			var file bytes.Buffer
			if err := tr.Checkpoint(&file); err != nil {
				t.Error(err)
			}
			return file.Bytes()
		})
		for rank, got := range onRanks(sizes[(i+1)%len(sizes)], func(s *seat) []float32 {
			tr := start(s)
			k, err := ReadCheckpoint(bytes.NewReader(files[0]))
			if err == nil {
				err = tr.Restore(k)
			}
			if err == nil {
				_, err = tr.Run(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
			return tr.Network().Values()
		}) {
			if !slices.Equal(got, want) {
				t.Errorf("a run begun by %d ranks: rank %d of %d ends with different weights", size, rank, sizes[(i+1)%len(sizes)])
			}
		}
	}
}

// If one rank is asked to end, all end after the same update, with the same weights.
func TestRanksEndTogether(t *testing.T) {
	d := Data[float32]{Train: problem[float32](203)}
	for asked := range 3 {
		steps := onRanks(3, func(s *seat) int {
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			tr, err := New(network[float32](t, nn.Identity), Config{Shards: 8, BatchSize: 64, Epochs: 1000, Ranks: s}, d)
			if err != nil {
				t.Error(err)
				return 0
			}
			var ended error
			for step, err := range tr.Steps(ctx) {
				if ended = err; step.N == 5 && s.rank == asked {
					stop()
				}
			}
			if !errors.Is(ended, ErrInterrupted) || tr.Result().Reason != ReasonInterrupted || !tr.Agreed() {
				t.Errorf("rank %d: got the error %v (agreed: %v), want an interruption on which the ranks agree", s.rank, ended, tr.Agreed())
			}
			return tr.Result().Steps
		})
		if steps[0] != 6 || steps[1] != 6 || steps[2] != 6 {
			t.Errorf("rank %d was asked after update 5, and the ranks ended after %v, want 6 each", asked, steps)
		}
	}
}

// MaxTime counts the time of rank 0.
func TestRanksShareTheClock(t *testing.T) {
	d := Data[float32]{Train: problem[float32](203)}
	steps := onRanks(3, func(s *seat) int {
		tr, err := New(network[float32](t, nn.Identity), Config{Shards: 8, BatchSize: 64, Epochs: 1 << 20, Ranks: s, Stop: MaxTime{30 * time.Millisecond}}, d)
		if err != nil {
			t.Error(err)
			return 0
		}
		if s.rank == 1 {
			tr.elapsed = time.Hour
		}
		r, err := tr.Run(context.Background())
		if err != nil || r.Reason != "max-time" {
			t.Errorf("r.Reason = %q, %v, want %q and no error", r.Reason, err, "max-time")
		}
		return r.Steps
	})
	if steps[0] < 8 || steps[0] != steps[1] || steps[0] != steps[2] {
		t.Errorf("the ranks ended after %v updates, want the same number for all, at least 8", steps)
	}
}

// Everything that must be equal on all ranks is compared, and the error names the rank that differs.
func TestRanksThatDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		size, rank int
		config     func(*Config)
		rows       int
		flip       func(*Trainer[float32])
		want       string
	}{
		"another rate":       {3, 2, func(c *Config) { c.LearningRate = 0.02 }, 203, nil, "the configuration of rank 2 differs from that of rank 0"},
		"another table":      {3, 0, nil, 204, nil, "the data of rank 0 differs from that of rank 1"},
		"another start":      {2, 1, nil, 203, func(tr *Trainer[float32]) { tr.net.Params()[0]++ }, "the state after update 0 of rank 1 differs from that of rank 0"},
		"a flipped bit":      {4, 3, nil, 203, nil, "the state after update 64 of rank 3 differs from that of rank 0"},
		"a flip on rank 0":   {3, 0, nil, 203, nil, "the state after update 64 of rank 0 differs from that of rank 1"},
		"a flip near an end": {3, 1, func(c *Config) { c.Epochs = 5 }, 203, nil, "the state after update 20 of rank 1 differs from that of rank 0"},
	} {
		flips := strings.Contains(name, "flip")
		errs := onRanks(c.size, func(s *seat) error {
			cfg, rows := Config{Shards: 8, BatchSize: 64, Epochs: 100, LearningRate: 0.01, Ranks: s}, 203
			if c.config != nil && (s.rank == c.rank || flips) {
				c.config(&cfg)
			}
			if s.rank == c.rank {
				rows = c.rows
			}
			tr, err := New(network[float32](t, nn.Identity), cfg, Data[float32]{Train: problem[float32](rows)})
			if err != nil {
				return err
			}
			if s.rank == c.rank && c.flip != nil {
				c.flip(tr)
			}
			for step, err := range tr.Steps(context.Background()) {
				if err != nil {
					var file bytes.Buffer
					if tr.Checkpoint(&file) == nil || tr.Agreed() {
						t.Errorf("%s: rank %d writes a checkpoint of a run that cannot continue", name, s.rank)
					}
					return err
				}
				if flips && step.N == 17 && s.rank == c.rank {
					w := tr.net.Params()
					w[3] = math.Float32frombits(math.Float32bits(w[3]) ^ 1)
				}
			}
			return nil
		})
		for rank, err := range errs {
			if !errors.Is(err, ErrRanks) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: rank %d returns %v, want %s", name, rank, err, c.want)
			}
		}
	}
}

// An exchange that fails ends the run, with an error and without a checkpoint.
func TestRanksThatCannotBeReached(t *testing.T) {
	score := func(out []float64) float64 { return out[0] }
	for _, c := range []Config{{BatchSize: 64, Epochs: 100}, {BatchSize: 64, Epochs: 1, Score: score, KeepBest: true}, {Epochs: 100, Solver: optim.NewLBFGS()}, {Epochs: 100, Solver: optim.NewCG(), Stop: TargetLoss{1e-9}}} {
		for fails := 1; fails < 12; fails++ { // calls 8 and 9 of the second run gather the validation rows' losses and outputs, call 10 those of the training rows
			errs := onRanks(3, func(s *seat) error {
				own := c
				own.Shards, own.Ranks = 8, s
				if s.rank == 1 {
					s.fails = fails
				}
				tr, err := New(network[float32](t, nn.Identity), own, Data[float32]{problem[float32](203), problem[float32](21)})
				if err != nil {
					return err
				}
				_, err = tr.Run(context.Background())
				if tr.Checkpoint(new(bytes.Buffer)) == nil {
					t.Error("a checkpoint was written")
				}
				if _, again := tr.Run(context.Background()); !errors.Is(again, ErrRanks) {
					t.Errorf("the second Run: got %v, want an error that wraps ErrRanks", again)
				}
				return err
			})
			for rank, err := range errs {
				if !errors.Is(err, ErrRanks) || !strings.HasSuffix(err.Error(), fmt.Sprintf("rank %d of 3: the cable is out", rank)) {
					t.Errorf("call %d fails: rank %d returns %v, want an error that wraps ErrRanks", fails, rank, err)
				}
			}
		}
	}
}

// A configuration that ranks cannot share is refused with a sentence.
func TestRanksRefused(t *testing.T) {
	for want, c := range map[string]struct {
		Config
		layers []nn.Dense
	}{
		"the gradient of a batch of 32 rows is summed in 1 shard, so 2 ranks have nothing to share; set shards to 2 or more":       {Config{}, plainLayers},
		"the gradient of a batch of 64 rows is summed in 1 shard, so 2 ranks have nothing to share; set shards to 2 or more, ":     {Config{BatchSize: 64}, batchNormed},
		"per-sample descent looks at one row at a time, so there is nothing for 2 ranks to share":                                  {Config{Method: PerSample}, plainLayers},
		"stochastic descent looks at one row at a time, so there is nothing for 2 ranks to share":                                  {Config{Method: Stochastic, Shards: 8}, plainLayers},
		"the gradient of a batch of 203 rows is summed in 1 shard, so 2 ranks have nothing to share; set shards to 2 or more, whi": {Config{Method: Batch}, plainLayers},
	} {
		for _, got := range runOn(t, 2, c.Config, Data[float32]{Train: problem[float32](203)}, c.layers...) {
			if !errors.Is(got.err, ErrConfig) || !strings.Contains(got.err.Error(), want) {
				t.Errorf("got the error %v, want %s", got.err, want)
			}
		}
	}
}

// Every rank reads the stream, and the bits are those of one process.
func TestRanksOverAStream(t *testing.T) {
	set := problem[float32](203)
	run := func(s *seat) []float32 {
		n := network[float32](t, nn.Identity)
		tr, err := NewStream(n, Config{Shards: 8, BatchSize: 64, Epochs: 3, Ranks: s}, Stream[float32]{Rows: 203, Open: func(int) iter.Seq2[Set[float32], error] {
			return func(yield func(Set[float32], error) bool) {
				for from := 0; from < 203 && yield(set.slice(from, min(from+50, 203)), nil); from += 50 {
				}
			}
		}}, Set[float32]{})
		if err == nil {
			_, err = tr.Run(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
		return n.Values()
	}
	want := onRanks(1, run)[0]
	for rank, got := range onRanks(3, run) {
		if !slices.Equal(got, want) {
			t.Errorf("rank %d has different weights than one process", rank)
		}
	}
}
