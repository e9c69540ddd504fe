package nn

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/team"
)

// shardedPass takes a batch through the network in shards that end at the given rows. It returns the gradient of each
// shard, the outputs, and the loss.
func shardedPass[T Float](n *Network[T], t *Tape[T], x, y Matrix[T], w []float64, noise Noise, s Shards) (grads [][]T, out []T, loss float64) {
	out = slices.Clone(n.ForwardShards(t, x, noise, s).flat())
	t.UseWeights(w)
	sum := n.Deltas(t, Squared, y, 0.25)
	for i := range s.Ends {
		grad := make([]T, len(n.params))
		loss += n.ShardGradient(t, i, grad)
		grads = append(grads, grad)
	}
	if loss != sum {
		panic(fmt.Sprintf("the shards' losses add up to %v, Deltas says %v", loss, sum))
	}
	return grads, out, loss
}

// totalOf adds the gradients of all shards.
func totalOf[T Float](grads [][]T) []T {
	sum := make([]T, len(grads[0]))
	for _, g := range grads {
		kernel.Add(sum, g)
	}
	return sum
}

// mostlyZeros returns a matrix in which one number in eight is not 0.
func mostlyZeros[T Float](rows, cols int) Matrix[T] {
	x := waves[T](rows, cols)
	for i := range x.Data {
		if i%8 != 0 {
			x.Data[i] = 0
		}
	}
	return x
}

// Shards change the order in which a batch is summed, and so the rounding. They change no statistic and no mask.
func TestShardsHaveTheBatchsStatistics(t *testing.T) {
	const rows = 300 // more than one chunk in a shard
	n := normed[float64](t)
	x, y := waves[float64](rows, 7), waves[float64](rows, 2)
	w := make([]float64, rows)
	for i := range w {
		w[i] = float64(i % 3)
	}
	tape := n.NewTape(rows)
	run := func(ends ...int) (grad, out, state []float64, loss float64) {
		m := n.Clone()
		grads, out, loss := shardedPass(m, tape, x, y, w, Noise{Seed: 5, Step: 9}, Shards{Rows: rows, Ends: ends})
		m.UpdateState(tape)
		return totalOf(grads), out, m.State(), loss
	}
	grad, out, state, loss := run(rows)
	whole := make([]float64, len(grad))
	n.ForwardTraining(tape, x, Noise{Seed: 5, Step: 9})
	if l := n.Backprop(tape, Squared, y, 0.25, whole); l != loss || !slices.Equal(whole, grad) || !slices.Equal(tape.A(2).flat(), out) {
		t.Error("the pass in one shard differs from the pass without shards")
	}
	for _, ends := range [][]int{{1, rows}, {150, 300}, {7, 8, 270, 300}, {100, 200, 299, 300}} {
		g, o, s, l := run(ends...)
		for _, c := range []struct {
			what      string
			got, want []float64
		}{{"gradient", g, grad}, {"output", o, out}, {"state", s, state}, {"loss", []float64{l}, []float64{loss}}} {
			for i := range c.want {
				if !near(c.got[i], c.want[i], 1e-11, 1e-12) {
					t.Fatalf("shards that end at %v: %s %d is %v, want %v as in one shard", ends, c.what, i, c.got[i], c.want[i])
				}
			}
		}
	}
}

// The sum of the shards' gradients is the derivative of the loss, as central differences give it.
func TestShardGradientIsTheDerivative(t *testing.T) {
	const rows = 20
	shards := Shards{Rows: rows, Ends: []int{1, 5, 13, 20}}
	n := mustNew[float64](t, 4, 3, Dense{Units: 6, Activation: Tanh, NoBias: true, Norm: BatchNorm}, Dense{Units: 5, Activation: Sigmoid, Norm: BatchNorm, Dropout: 0.3}, Dense{Units: 2, Norm: LayerNorm})
	for i := range n.Params() {
		n.Params()[i] += 0.3 * math.Sin(float64(i))
	}
	x, y, tape := waves[float64](rows, 4), waves[float64](rows, 2), n.NewTape(rows)
	grads, _, _ := shardedPass(n, tape, x, y, nil, Noise{Seed: 5}, shards)
	grad, most := totalOf(grads), 0.0
	for i, w := range n.Params() {
		loss := func(w float64) float64 {
			n.Params()[i] = w
			_, _, l := shardedPass(n, tape, x, y, nil, Noise{Seed: 5}, shards)
			return 0.25 * l
		}
		const h = 1e-5
		numeric := (loss(w+h) - loss(w-h)) / (2 * h)
		n.Params()[i] = w
		if math.Abs(grad[i]-numeric) > 1e-8 {
			t.Errorf("parameter %d: the gradient is %v, want the derivative %v", i, grad[i], numeric)
		}
		most = max(most, math.Abs(grad[i]))
	}
	if most < 0.01 {
		t.Errorf("the largest gradient is %v, want at least 0.01, or the test shows nothing", most)
	}
}

// The statistics of shards equal those that plain loops compute from the equations.
func TestShardStatistics(t *testing.T) {
	const rows, units = 270, 3
	ends := []int{130, 131, 270}
	n := mustNew[float64](t, 2, 3, Dense{Units: units, NoBias: true, Norm: BatchNorm}, Dense{Units: 1})
	x, tape := waves[float64](rows, 2), n.NewTape(rows)
	n.ForwardShards(tape, x, Noise{}, Shards{Rows: rows, Ends: ends})
	_, mean, rstd := tape.Normalized(0)
	for j := range units {
		s := make([]float64, rows)
		for i := range s {
			s[i] = x.At(i, 0)*n.Weights(0).At(0, j) + x.At(i, 1)*n.Weights(0).At(1, j)
		}
		sumOver := func(term func(s float64) float64) (sum float64) {
			from := 0
			for _, end := range ends {
				own := 0.0
				for ; from < end; from++ {
					own += term(s[from])
				}
				sum += own
			}
			return sum
		}
		m := sumOver(func(s float64) float64 { return s }) / rows
		v := sumOver(func(s float64) float64 { return (s - m) * (s - m) }) / rows
		if !near(mean[j], m, 1e-13, 1e-15) || !near(rstd[j], 1/math.Sqrt(v+NormEpsilon), 1e-13, 0) {
			t.Errorf("unit %d: mean %v and 1/deviation %v, want %v and %v", j, mean[j], rstd[j], m, 1/math.Sqrt(v+NormEpsilon))
		}
	}
}

// A meeting lets goroutines exchange numbers, as processes do.
type meeting struct {
	sync.Mutex
	here  *sync.Cond
	round int
	came  int
	parts [][]float64
}

func newMeeting(size int) *meeting {
	m := &meeting{parts: make([][]float64, size)}
	m.here = sync.NewCond(m)
	return m
}

// gather returns the parts of all goroutines.
func (m *meeting) gather(who int, part []float64) (all []float64) {
	m.Lock()
	defer m.Unlock()
	m.parts[who] = slices.Clone(part)
	for range 2 { // all have brought theirs; all have taken them
		if m.came++; m.came == len(m.parts) {
			m.came = 0
			m.round++
			m.here.Broadcast()
		} else {
			for round := m.round; round == m.round; {
				m.here.Wait()
			}
		}
		if all == nil {
			all = slices.Concat(m.parts...)
		}
	}
	return all
}

// The bits depend neither on which process has which shards, nor on threads, nor on the instruction set.
func TestShardsAnywhereHaveTheSameBits(t *testing.T) {
	t.Run("float32", shardsAnywhere[float32])
	t.Run("float64", shardsAnywhere[float64])
}

func shardsAnywhere[T Float](t *testing.T) {
	was := kernel.ISA()
	defer kernel.SelectISA(was)
	workers := team.New(3)
	defer workers.Close()
	for _, x := range []Matrix[T]{waves[T](1300, 40), mostlyZeros[T](1300, 40)} {
		var want []T
		for _, isa := range kernel.ISAs() {
			if err := kernel.SelectISA(isa); err != nil {
				t.Fatal(err)
			}
			for _, first := range [][]int{{0}, {0, 2}, {0, 3, 4, 4}, {0, 1, 2, 3, 4, 5}} { // first shard of each process
				got := shardsOn(t, x, first, workers)
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, processes that begin with the shards %v: different bits", isa, first)
				}
			}
		}
	}
}

// shardsOn passes a batch of six shards through a network, in processes that begin with the given shards. It returns
// the shards' gradients, the outputs and the state. A single process uses the team.
func shardsOn[T Float](t *testing.T, x Matrix[T], first []int, workers *team.Team) []T {
	t.Helper()
	bounds := []int{0, 300, 600, 603, 604, 900, x.Rows}
	type part struct {
		grads [][]T
		out   []T
		state []T
	}
	parts, m, y := make([]part, len(first)), newMeeting(len(first)), waves[T](x.Rows, 2)
	var all sync.WaitGroup
	for p := range parts {
		all.Go(func() {
			n := mustNew[T](t, x.Cols, 3, Dense{Units: 70, Activation: ReLU, NoBias: true, Norm: BatchNorm},
				Dense{Units: 9, Activation: Tanh, Norm: BatchNorm, Dropout: 0.5}, Dense{Units: 2})
			own := bounds[first[p]:]
			if p+1 < len(first) {
				own = bounds[first[p] : first[p+1]+1]
			}
			from, to := own[0], own[len(own)-1]
			s := Shards{Rows: x.Rows}
			for _, end := range own[1:] {
				s.Ends = append(s.Ends, end-from)
			}
			tape := n.NewTape(x.Rows)
			if len(first) == 1 {
				tape.UseTeam(workers, 3)
			} else {
				s.Gather = func(own []float64, _ int) []float64 { return m.gather(p, own) }
			}
			grads, out, _ := shardedPass(n, tape, x.Slice(from, to), y.Slice(from, to), nil, Noise{Seed: 5, Row: from}, s)
			n.UpdateState(tape)
			parts[p] = part{grads, out, n.State()}
		})
	}
	all.Wait()
	var grads, out []T
	for _, p := range parts {
		grads, out = slices.Concat(append([][]T{grads}, p.grads...)...), append(out, p.out...)
		if !slices.Equal(p.state, parts[0].state) {
			t.Errorf("the processes that begin with the shards %v have different statistics", first)
		}
	}
	return slices.Concat(grads, out, parts[0].state)
}

// A pass in shards allocates nothing once the tape has its memory.
func TestShardsDoNotAllocate(t *testing.T) {
	n := normed[float32](t)
	x, y := waves[float32](40, 7), waves[float32](40, 2)
	tape, grad, s := n.NewTape(40), make([]float32, len(n.Params())), Shards{Rows: 40, Ends: []int{10, 39, 40}}
	if allocs := testing.AllocsPerRun(5, func() {
		n.ForwardShards(tape, x, Noise{}, s)
		n.Deltas(tape, Squared, y, 1)
		for i := range s.Ends {
			n.ShardGradient(tape, i, grad)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations in a pass, want none", allocs)
	}
	mustPanic(t, "nn: the last pass has 3 shards: use ShardGradient for each", func() {
		n.ForwardShards(tape, x, Noise{}, s)
		n.Backprop(tape, Squared, y, 1, grad)
	})
}
