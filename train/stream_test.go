package train

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// chunked streams the rows of a set in chunks of the given sizes, always in the same memory. The rows are in the order
// that the trainer would draw, or in their own.
type chunked struct {
	set          Set[float64]
	sizes        []int
	seed         uint64
	shuffle      bool
	opened, left int
}

func (c *chunked) open(epoch int) iter.Seq2[Set[float64], error] {
	return func(yield func(Set[float64], error) bool) {
		c.opened++
		defer func() { c.left++ }()
		order := make([]int32, c.set.Rows())
		for i := range order {
			order[i] = int32(i)
		}
		if c.shuffle {
			rng.Perm(order, c.seed, rng.Shuffle, uint64(epoch))
		}
		most := slices.Max(c.sizes)
		g := newGather(most, c.set, &crew[float64]{})
		for i := 0; len(order) > 0; i++ {
			n := min(c.sizes[i%len(c.sizes)], len(order))
			if !yield(g.take(c.set, order[:n], 0, n), nil) {
				return
			}
			for j := range g.batch.X.Data {
				g.batch.X.Data[j] = math.NaN() // the memory belongs to the stream again
			}
			order = order[n:]
		}
	}
}

func streamed(t *testing.T, c Config, s *chunked, validation Set[float64]) (*nn.Network[float64], *Trainer[float64]) {
	t.Helper()
	n := deepNetwork(t)
	tr, err := NewStream(n, c, Stream[float64]{Rows: s.set.Rows(), Open: s.open}, validation)
	if err != nil {
		t.Fatal(err)
	}
	return n, tr
}

// A run over a stream ends with the bits of a run over the same rows in memory, for chunks of any size. That holds even
// if the loop is left and entered again in the middle of an epoch, or if the run is resumed from a checkpoint.
func TestStreamHasTheBitsOfRowsInMemory(t *testing.T) {
	data := rateData()
	data.Validation = problemOf(data.Train, 9)
	weighted := data
	weighted.Train.W = make([]float64, 40)
	for i := range weighted.Train.W {
		weighted.Train.W[i] = float64(i % 3)
	}
	for name, c := range map[string]struct {
		cfg  Config
		data Data[float64]
	}{
		"in order":   {Config{BatchSize: 7, NoShuffle: true}, data},
		"shuffled":   {Config{BatchSize: 7, Seed: 5}, data},
		"one lonely": {Config{BatchSize: 13, Seed: 5}, data},
		"weights":    {Config{BatchSize: 7, Seed: 5}, weighted},
		"shards":     {Config{BatchSize: 20, Shards: 1, Seed: 5, Schedule: optim.Cosine{}, Warmup: 1, EMA: 0.9, KeepBest: true}, data},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Epochs, c.cfg.LearningRate = 3, 0.01
			want := deepNetwork(t)
			memory, err := New(want, c.cfg, c.data)
			if err != nil {
				t.Fatal(err)
			}
			inMemory, err := memory.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, sizes := range [][]int{{1}, {40}, {3, 11, 2}, {7}} {
				s := &chunked{set: c.data.Train, sizes: sizes, seed: c.cfg.Seed, shuffle: !c.cfg.NoShuffle}
				n, tr := streamed(t, c.cfg, s, c.data.Validation)
				r, err := tr.Run(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(n.Values(), want.Values()) {
					t.Errorf("chunks of %v: different bits", sizes)
				}
				if r.Steps != inMemory.Steps || r.Rows != inMemory.Rows || r.Epochs != 3 || len(r.History) != 3 || r.History[2].Loss != inMemory.History[2].Loss || r.History[1].LearningRate != inMemory.History[1].LearningRate {
					t.Errorf("chunks of %v: got %+v, want %+v as in memory", sizes, r, inMemory)
				}
				if s.opened != 3 || s.left != 3 {
					t.Errorf("chunks of %v: the stream was opened %d times and left %d times in 3 epochs, want 3 each", sizes, s.opened, s.left)
				}
			}

			s := &chunked{set: c.data.Train, sizes: []int{5}, seed: c.cfg.Seed, shuffle: !c.cfg.NoShuffle}
			n, tr := streamed(t, c.cfg, s, c.data.Validation)
			var kept bytes.Buffer
			for tr.Result().Reason == "" {
				for _, err := range tr.Steps(context.Background()) {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if s.opened != s.left {
					t.Fatalf("the stream was opened %d times and left %d times, want the same number", s.opened, s.left)
				}
				if tr.Result().Steps == 3 {
					if err := tr.Checkpoint(&kept); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !slices.Equal(n.Values(), want.Values()) {
				t.Error("loop left and entered again: different bits")
			}
			n, tr = streamed(t, c.cfg, s, c.data.Validation)
			cp, err := ReadCheckpoint(bytes.NewReader(kept.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Restore(cp); err != nil {
				t.Fatal(err)
			}
			if _, err := tr.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(n.Values(), want.Values()) {
				t.Error("resumed: different bits")
			}
		})
	}
}

// Batch descent and solvers go over a stream for every gradient, with the bits of rows in memory, also if the loop is left after
// each update. A stream that fails within a pass ends the loop, and the run continues as if it had not failed.
func TestStreamOfAllRows(t *testing.T) {
	data := rateData()
	data.Validation = problemOf(data.Train, 9)
	weighted := data
	weighted.Train.W = make([]float64, 40)
	for i := range weighted.Train.W {
		weighted.Train.W[i] = float64(i%3) / 3
	}
	network := func() *nn.Network[float64] {
		n, err := nn.New[float64](data.Train.Cols(), nn.Seed(3), nn.Dense{Units: 5, Activation: nn.Tanh}, nn.Dense{Units: data.Train.Y.Cols, Activation: nn.Identity})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, c := range map[string]struct {
		cfg  Config
		data Data[float64]
	}{
		"batch":              {Config{Method: Batch}, data},
		"shards and weights": {Config{Method: Batch, Shards: 7, EMA: 0.9, KeepBest: true}, weighted},
		"lbfgs":              {Config{Solver: optim.NewLBFGS()}, data},
		"cg, weights":        {Config{Solver: optim.NewCG(), Shards: 3, Penalty: nn.Penalty{L2: 0.01}}, weighted},
		"a loss to reach":    {Config{Solver: optim.NewLBFGS(), Stop: TargetLoss{0.2}}, data},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Epochs = 5
			want := network()
			memory, err := New(want, c.cfg, c.data)
			if err != nil {
				t.Fatal(err)
			}
			inMemory, err := memory.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			s := &chunked{set: c.data.Train, sizes: []int{3, 11, 2}}
			passes, broken := 0, -1
			bad := errors.New("the connection is lost")
			open := func(epoch int) iter.Seq2[Set[float64], error] {
				passes++
				if passes == broken {
					return func(yield func(Set[float64], error) bool) {
						for set := range s.open(epoch) {
							if !yield(set, nil) || !yield(Set[float64]{}, bad) {
								return
							}
						}
					}
				}
				return s.open(epoch)
			}
			train := func(each func(*Trainer[float64])) *Trainer[float64] {
				t.Helper()
				n := network()
				tr, err := NewStream(n, c.cfg, Stream[float64]{Rows: 40, Open: open, W: c.data.Train.W}, c.data.Validation)
				if err != nil {
					t.Fatal(err)
				}
				each(tr)
				if !slices.Equal(n.Values(), want.Values()) {
					t.Error("the values have other bits than in memory")
				}
				if r := tr.Result(); r.Loss != inMemory.Loss || r.Steps != inMemory.Steps || r.Rows != inMemory.Rows || r.Reason != inMemory.Reason || r.BestEpoch != inMemory.BestEpoch {
					t.Errorf("got %+v, want %+v as in memory", r, inMemory)
				}
				if s.opened != s.left {
					t.Errorf("the stream was opened %d times and left %d times, want the same number", s.opened, s.left)
				}
				return tr
			}
			train(func(tr *Trainer[float64]) {
				if _, err := tr.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			})
			whole := passes
			train(func(tr *Trainer[float64]) {
				for tr.Result().Reason == "" {
					for _, err := range tr.Steps(context.Background()) {
						if err != nil {
							t.Fatal(err)
						}
						break
					}
				}
			})
			for at := 1; at < whole; at++ { // all passes but the last, which is that of Result
				passes, broken = 0, at
				failures := 0
				train(func(tr *Trainer[float64]) {
					_, err := tr.Run(context.Background())
					for ; err != nil; _, err = tr.Run(context.Background()) {
						if failures++; !errors.Is(err, bad) || failures > 1 {
							t.Fatalf("pass %d of %d: got %v, want the stream's error once", at, whole, err)
						}
					}
				})
			}
		})
	}
}

// problemOf returns the first rows of a set.
func problemOf(s Set[float64], n int) Set[float64] { return s.slice(0, n) }

// A stream that fails ends the loop with an error. When the stream works again, the run can continue.
func TestStreamFails(t *testing.T) {
	set := rateData().Train
	bad := errors.New("the connection is lost")
	for want, broken := range map[string]func(yield func(Set[float64], error) bool){
		"epoch 0, after 10 rows: the connection is lost": func(yield func(Set[float64], error) bool) {
			if yield(set.slice(0, 10), nil) {
				yield(Set[float64]{}, bad)
			}
		},
		"epoch 0 ended after 10 rows, and Stream.Rows says 40": func(yield func(Set[float64], error) bool) { yield(set.slice(0, 10), nil) },
		"the chunk after 10 rows: training configuration: stream's row 1: input 0 is NaN": func(yield func(Set[float64], error) bool) {
			if yield(set.slice(0, 10), nil) {
				yield(Set[float64]{X: nn.FromRows([][]float64{{1, 2}, {math.NaN(), 2}}), Y: nn.FromRows([][]float64{{1}, {1}})}, nil)
			}
		},
	} {
		whole := &chunked{set: set, sizes: []int{7}}
		fails := true
		n := deepNetwork(t)
		tr, err := NewStream(n, Config{BatchSize: 8, Epochs: 2}, Stream[float64]{Rows: 40, Open: func(epoch int) iter.Seq2[Set[float64], error] {
			if fails {
				return broken
			}
			return whole.open(epoch)
		}}, Set[float64]{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.Run(context.Background())
		if !errors.Is(err, ErrStream) || !strings.Contains(err.Error(), want) || r.Reason != "" || r.Steps != 1 {
			t.Errorf("got the error %v (reason %q, %d updates), want %q", err, r.Reason, r.Steps, want)
		}
		if strings.Contains(want, "lost") && !errors.Is(err, bad) {
			t.Errorf("%v does not wrap its cause", err)
		}
		fails = false
		if r, err = tr.Run(context.Background()); err != nil || r.Reason != ReasonEpochs || r.Steps != 10 {
			t.Errorf("the continued run: got %+v, %v, want 10 updates, ended by epochs", r, err)
		}
	}
	open := (&chunked{set: set, sizes: []int{7}}).open
	for _, c := range []struct {
		cfg    Config
		stream Stream[float64]
	}{
		{Config{}, Stream[float64]{Rows: 40}},
		{Config{}, Stream[float64]{Open: open}},
		{Config{Method: Batch}, Stream[float64]{Rows: 40, Open: open}},
		{Config{Solver: optim.NewLBFGS()}, Stream[float64]{Rows: 40, Open: open}},
		{Config{Stop: Any{MaxTime{1}, All{Tolerance{0.1}}}}, Stream[float64]{Rows: 40, Open: open}},
	} {
		if _, err := NewStream(deepNetwork(t), c.cfg, c.stream, Set[float64]{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: got %v, want an error that wraps ErrConfig", c.cfg, err)
		}
	}
}

func TestStreamStepAllocatesNothing(t *testing.T) {
	set := rateData().Train
	n := deepNetwork(t)
	tr, err := NewStream(n, Config{BatchSize: 8, Epochs: 1, Threads: 1}, Stream[float64]{Rows: 1 << 20, Open: func(int) iter.Seq2[Set[float64], error] {
		return func(yield func(Set[float64], error) bool) {
			for yield(set, nil) {
			}
		}
	}}, Set[float64]{})
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(tr.Steps(context.Background()))
	defer stop()
	if got := testing.AllocsPerRun(200, func() {
		if _, err, ok := next(); err != nil || !ok {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("a step allocates %v times, want 0", got)
	}
}
