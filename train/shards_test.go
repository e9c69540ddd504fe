package train

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// plainTree is the sum that tree and fold compute: the largest power of 2 of the vectors, plus the rest.
func plainTree(g [][]float32) []float32 {
	sum := slices.Clone(g[0])
	if len(g) > 1 {
		half := 1 << (bits.Len(uint(len(g)-1)) - 1)
		sum = plainTree(g[:half])
		for i, v := range plainTree(g[half:]) {
			sum[i] += v
		}
	}
	return sum
}

// Whatever the order in which the gradients of shards come, and the number of goroutines, the sum has the bits of the plain one.
func TestTree(t *testing.T) {
	was := leastWork
	defer func() { leastWork = was }()
	leastWork = 0
	const params = 3*foldBlock + 5
	for size := 1; size <= 4; size++ {
		workers := team.New(size)
		c := newCrew(func() hand[float32] { return hand[float32]{tape: new(nn.Tape[float32])} })
		c.use(workers, size)
		tr, f := &tree[float32]{params: params}, newFold[float32]()
		for shards := 1; shards <= 37; shards++ {
			gradients := make([][]float32, shards)
			for i := range gradients {
				gradients[i] = make([]float32, params)
				for j := range gradients[i] {
					gradients[i][j] = float32(rng.Uint64(1, rng.Init, uint64(i), uint64(j))>>40) / 1000
				}
			}
			want, order, into := plainTree(gradients), make([]int32, shards), make([]float32, params)
			for draw := range 4 {
				for i := range order {
					order[i] = int32(i)
				}
				if draw > 0 {
					rng.Perm(order, 1, rng.Shuffle, uint64(draw))
				}
				tr.begin(shards, into)
				c.each(shards, true, func(_ *hand[float32], i int) {
					shard := int(order[i])
					v := tr.vector(shard)
					copy(v, gradients[shard])
					tr.add(shard, v)
				})
				left := tr.finish()
				if len(left) > lastNodes {
					t.Fatalf("%d shards: %d sums are left, want at most %d", shards, len(left), lastNodes)
				}
				if sum := f.add(left, c); &sum[0] != &into[0] || !slices.Equal(sum, want) {
					t.Fatalf("%d goroutines, %d shards, order %v: the sum differs from the plain one, or is at the wrong place", size, shards, order)
				}
			}
		}
		workers.Close()
	}
}

// One goroutine needs few vectors for many shards in their order.
func TestTreeNeedsFewVectors(t *testing.T) {
	tr, into := &tree[float64]{params: 1}, make([]float64, 1)
	const shards = 1 << 12
	tr.begin(shards, into)
	for i := range shards {
		v := tr.vector(i)
		v[0] = 1
		tr.add(i, v)
	}
	f := newFold[float64]()
	if sum := f.add(tr.finish(), &crew[float64]{size: 1})[0]; sum != shards {
		t.Errorf("the sum of %d ones is %v", shards, sum)
	}
	if len(tr.free) > 13 {
		t.Errorf("%d vectors were needed besides the sum, want at most 13", len(tr.free))
	}
}

// A divergence names the layer in which the last shard has it, whichever goroutine had that shard.
func TestDivergenceOnThreads(t *testing.T) {
	const rows = 6000
	s := Set[float32]{X: nn.NewMatrix[float32](rows, 30), Y: nn.NewMatrix[float32](rows, 1)}
	for i := range s.X.Data {
		s.X.Data[i] = float32(i%7) / 7
	}
	for j := range 30 {
		s.X.Row(rows - 1)[j] = 3e38 // only in the last shard
	}
	for _, threads := range []int{1, 2, 3} {
		for _, shards := range []int{6, 7} {
			n, err := nn.New[float32](30, nn.Seed(1), nn.Dense{Units: 8, Activation: nn.Identity}, nn.Dense{Units: 1, Activation: nn.Identity})
			if err != nil {
				t.Fatal(err)
			}
			for i := range n.Params() {
				n.Params()[i] = 1
			}
			tr, err := New(n, Config{Method: Batch, Shards: shards, Threads: threads}, Data[float32]{Train: s})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tr.Run(context.Background())
			var failed *DivergedError
			if !errors.As(err, &failed) || failed.Step != 1 || failed.Layer != 0 {
				t.Errorf("%d threads, %d shards: got the error %v, want one of layer 0 after update 1", threads, shards, err)
			}
		}
	}
}

// With threads that take whole shards, a step allocates nothing.
func TestStepOnThreadsAllocatesNothing(t *testing.T) {
	n, d := wide[float32](t)
	tr, err := New(n, Config{BatchSize: 166, Shards: 8, Epochs: 1 << 30}, d)
	if err != nil {
		t.Fatal(err)
	}
	workers := team.New(2)
	defer workers.Close()
	tr.crew.use(workers, 2)
	step := func() {
		if _, err := tr.course.step(tr); err != nil {
			t.Fatal(err)
		}
	}
	for range 600 * 3 { // more epochs than the history keeps one by one
		step()
	}
	tr.result.History = slices.Grow(tr.result.History, 1000)
	if a := testing.AllocsPerRun(200, step); a != 0 {
		t.Errorf("%v allocations in a step, want none", a)
	}
}

// Where goroutines had to wait for one that was held up, each does not divide the parts for a while. It does every part once.
func TestCrewShunsWaiting(t *testing.T) {
	workers := team.New(2)
	defer workers.Close()
	c := newCrew(func() hand[float32] { return hand[float32]{tape: new(nn.Tape[float32])} })
	c.use(workers, 2)
	var counts [8]atomic.Int32
	divided := 0
	for call := range shunned + 2 {
		var others atomic.Bool
		c.each(len(counts), true, func(h *hand[float32], part int) {
			counts[part].Add(1)
			if part == 0 && call == 0 {
				time.Sleep(50 * time.Millisecond)
			}
			if h != &c.hand[0] {
				others.Store(true)
				time.Sleep(time.Millisecond)
			} else if c.shun == 0 {
				time.Sleep(time.Millisecond)
			}
		})
		if call == 0 && c.shun != shunned {
			t.Fatalf("after one goroutine was held up, the parts of %d calls will not be divided, want %d", c.shun, shunned)
		}
		if others.Load() {
			divided++
			if call != 0 && call <= shunned {
				t.Errorf("call %d divides its parts, and should not yet", call)
			}
		}
	}
	if divided < 2 {
		t.Errorf("%d calls divided their parts, want the first and the last", divided)
	}
	for i := range counts {
		if n := counts[i].Load(); n != shunned+2 {
			t.Errorf("part %d was done %d times, want %d", i, n, shunned+2)
		}
	}
}
