package bench

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The cost model's arithmetic is checked by hand. Costs are powers of ten, so each term can be seen in the sum.
func TestCostOfStep(t *testing.T) {
	c := Cost{Work: Work{Step: 1000, Shard: 10, Row: 1, Byte: 1e-3}, Gather: Link{Turn: 1e5, Byte: 1e-2}, Exchange: Link{Turn: 1e6, Byte: 1e-1}}
	for _, w := range []struct {
		name                 string
		ranks, batch, shards int
		traffic              Traffic
		exchange, seconds    float64
	}{
		{"one rank exchanges nothing", 1, 1024, 8, Traffic{}, 0, 1000 + 8*10 + 1024},
		{"two ranks halve the rows, and gather in a turn", 2, 1024, 8, Traffic{Gather: 500, Moved: 1000}, 1e5 + 5, 1000 + 4*10 + 512 + 1e5 + 5 + 1},
		{"of three ranks the slowest has three shards, and two turns to gather", 3, 1024, 8, Traffic{Gather: 500, Moved: 1000}, 2e5 + 5, 1000 + 3*10 + 384 + 2e5 + 5 + 1},
		{"much is gathered around a ring", 8, 1024, 8, Traffic{Gather: 100_000}, 7e5 + 1000, 1000 + 10 + 128 + 7e5 + 1000},
		{"segments are exchanged in pairs, then gathered", 4, 1024, 8, Traffic{Gather: 100, Exchange: 200}, 2e5 + 1 + 3e6 + 20, 1000 + 2*10 + 256 + 2e5 + 1 + 3e6 + 20},
	} {
		p := c.step(w.ranks, w.batch, w.shards, w.traffic)
		if math.Abs(p.Seconds-w.seconds) > 1e-6 || math.Abs(p.Exchange-w.exchange) > 1e-6 || p.Rate != float64(w.batch)/p.Seconds || p.Bytes != w.traffic.Gather+w.traffic.Exchange {
			t.Errorf("%s: %+v, want %v s, %v of them in exchanges", w.name, p, w.seconds, w.exchange)
		}
	}
}

// Each turn of a small gather doubles its reach.
func TestGatherTurns(t *testing.T) {
	for _, w := range []struct {
		ranks, bytes int
		turns        float64
	}{{2, 10, 1}, {3, 10, 2}, {4, 10, 2}, {5, 10, 3}, {1024, 10, 10}, {2, ringBytes, 1}, {16, ringBytes, 15}, {16, ringBytes - 1, 4}} {
		if got := gatherTurns(w.ranks, w.bytes); got != w.turns {
			t.Errorf("%d ranks, %d bytes: %v turns, want %v", w.ranks, w.bytes, got, w.turns)
		}
	}
}

// A fit to times that follow the model finds the model's costs. A cost below zero becomes zero.
func TestFit(t *testing.T) {
	x := [][]float64{{1, 8, 1024}, {1, 1, 1024}, {1, 4, 512}, {1, 1, 8}}
	for _, want := range [][]float64{{3e-4, 2e-5, 1e-6}, {0, 2e-5, 1e-6}} {
		y := make([]float64, len(x))
		for i, row := range x {
			for k := range row {
				y[i] += row[k] * want[k]
			}
		}
		for k, got := range fit(x, y) {
			if math.Abs(got-want[k]) > 1e-12 {
				t.Errorf("cost %d is %v, want %v", k, got, want[k])
			}
		}
	}
	if got := fit([][]float64{{1, 1}, {1, 2}}, []float64{1, 3}); got[0] != 0 || got[1] <= 1 || got[1] >= 1.5 {
		t.Errorf("for an intercept of -1 the fit finds %v, want 0 and a slope between 1 and 1.5", got)
	}
}

// The bytes are those that train exchanges, counted by hand from docs/cluster.md.
func TestTraffic(t *testing.T) {
	const vector = (4*(20*64+64+64*64+64+64+1) + 7) &^ 7 // of tabular, below 64 KiB
	for _, w := range []struct {
		ranks, shards int
		want          Traffic
	}{
		{1, 8, Traffic{}},
		{2, 8, Traffic{Gather: 16 + 4*8 + vector, Moved: 16 + 4*8 + vector}},
		{4, 8, Traffic{Gather: 3 * (16 + 2*8 + vector), Moved: 3 * (16 + 2*8 + vector)}},
		// Shards 0 and 1 are one subtree, 2 to 4 and 5 to 7 are two each: the first rank gets the most.
		{3, 8, Traffic{Gather: 2 * (16 + 3*8 + 2*vector), Moved: 2 * (16 + 3*8 + 2*vector)}},
		{1024, 1024, Traffic{Gather: 1023 * (16 + 8 + vector), Moved: 1023 * (16 + 8 + vector)}},
	} {
		got, err := traffic(tabular(), w.ranks, w.shards)
		if err != nil || got != w.want {
			t.Errorf("tabular, %d ranks: %+v, %v, want %+v", w.ranks, got, err, w.want)
		}
	}
	const params = 784*512 + 512 + 512*256 + 256 + 256*10 + 10 // of mnist, which is added by segments
	got, err := traffic(mnist("mnist", optim.SGD{}), 4, 8)
	if err != nil {
		t.Fatal(err)
	}
	whole := 4 * params // a segment is padded to a multiple of 8 bytes, and a message has a header
	for what, pair := range map[string][2]int{"gather": {got.Gather, whole * 3 / 4}, "exchange": {got.Exchange, whole * 3 / 4}, "moved": {got.Moved, 2 * whole}} {
		if math.Abs(float64(pair[0]-pair[1])) > 4*64 {
			t.Errorf("mnist, 4 ranks: %s %d bytes, want about %d", what, pair[0], pair[1])
		}
	}
}

// pairOfOne stands for two ranks in one process. The other rank sends zeros after a while.
type pairOfOne struct {
	rehearsal
	wait time.Duration
}

func (p *pairOfOne) Gather(all []byte, counts []int) error {
	time.Sleep(p.wait)
	return p.rehearsal.Gather(all, counts)
}

// A report has every part, and the fit finds the time of the exchanges.
func TestScale(t *testing.T) {
	ranks := &pairOfOne{rehearsal{rank: 0, size: 2}, 2 * time.Millisecond}
	var _ train.Ranks = ranks
	s, err := Scale(context.Background(), ranks, Options{Each: 10 * time.Millisecond, Workloads: []string{"tabular"}, Threads: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Nets) != 1 || len(s.Exchanges) != 12 {
		t.Fatalf("got %+v, want 1 network and 12 exchanges", s)
	}
	n := s.Nets[0]
	if n.Parameters != 5569 || len(n.Same) != len(ScalingRanks) || len(n.Growing) != len(ScalingRanks) || len(n.Shares) != 7 || len(n.Measured) != 3 {
		t.Errorf("got %+v, want n.Parameters = 5569 and len(n.Same) = len(ScalingRanks) and len(n.Growing) = len(ScalingRanks) and len(n.Shares) = 7 and len(n.Measured) = 3", n)
	}
	if turn := n.Cost.Gather.Turn; turn < 0.002 || turn > 0.02 {
		t.Errorf("a turn of 2 ms is found to take %v s", turn)
	}
	for _, p := range n.Measured[1:] {
		if p.Measured.Exchange < 0.002 || p.Measured.Exchange >= p.Measured.Seconds || p.Measured.Ranks != 2 {
			t.Errorf("with exchanges of 2 ms got %+v", p.Measured)
		}
		if math.Abs(float64(p.Measured.Bytes-p.Model.Bytes)) > 0.1*float64(p.Model.Bytes) { // the run also sends the compared sums
			t.Errorf("the model has %d bytes a step, the run %d", p.Model.Bytes, p.Measured.Bytes)
		}
	}
	for i, p := range n.Growing {
		if p.Batch != 1024*p.Ranks || p.Shards != 8*p.Ranks || n.Same[i].Batch != 1024 || n.Same[i].Shards != max(8, p.Ranks) {
			t.Errorf("got %+v, %+v, want p.Batch = 1024*p.Ranks and p.Shards = 8*p.Ranks and n.Same[i].Batch = 1024 and n.Same[i].Shards = max(8, p.Ranks)", p, n.Same[i])
		}
	}
	if _, err := Scale(context.Background(), ranks, Options{Each: time.Millisecond, Workloads: []string{"notebook"}, Threads: []int{1}}); err == nil {
		t.Error("a workload of four rows was accepted")
	}
}
