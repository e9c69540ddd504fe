package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// Scaling holds how much several processes gained by training one network together, and what a cost model
// fitted to these measurements predicts for more processes.
type Scaling struct {
	CPU       string    `json:"cpu"`
	ISA       string    `json:"isa"`
	Threads   int       `json:"threads"` // of each rank
	Exchanges []Message `json:"exchanges"`
	Nets      []Net     `json:"workloads"`
}

// Message is the time of an exchange by itself.
type Message struct {
	Call    string  `json:"call"`  // gather or exchange
	Bytes   int     `json:"bytes"` // that a rank gets from others
	Seconds float64 `json:"seconds"`
	Model   float64 `json:"model_seconds"`

	turns float64
}

// Net holds the results for one network.
type Net struct {
	Name       string  `json:"name"`
	Parameters int     `json:"parameters"`
	Cost       Cost    `json:"cost"`
	Shares     []Share `json:"shares"`
	Measured   []Pair  `json:"measured"`
	Same       []Point `json:"same_batch"`    // the model's predictions for a batch of 1,024, whatever the number of ranks
	Growing    []Point `json:"growing_batch"` // the model's predictions for 1,024 rows of a batch on each rank
}

// Share is the time of one process for a share of a batch.
type Share struct {
	Rows    int     `json:"rows"`
	Shards  int     `json:"shards"`
	Seconds float64 `json:"seconds"`
	Model   float64 `json:"model_seconds"`
}

// Pair is a step as measured and as predicted by the model.
type Pair struct {
	Measured Point `json:"measured"`
	Model    Point `json:"model"`
}

const (
	scalingBatch  = 1024 // rows in the batch of a step
	scalingShards = 8    // shards in such a batch
	windows       = 15   // how many windows are timed; the fastest counts, because other programs disturb it the least
)

// ScalingRanks are the numbers of ranks that the model makes predictions for.
var ScalingRanks = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}

// sameBatch returns a batch of 1,024 and the number of shards that the ranks need.
func sameBatch(ranks int) (batch, shards int) { return scalingBatch, max(scalingShards, ranks) }

// growingBatch returns a batch with 1,024 rows for each rank, and its number of shards.
func growingBatch(ranks int) (batch, shards int) { return scalingBatch * ranks, scalingShards * ranks }

// Scale measures exchanges, the work of mnist and of tabular in steps of 1,024 rows, and steps on the existing ranks. All
// ranks call it with the same options, and each gets the same report.
func Scale(ctx context.Context, ranks train.Ranks, o Options) (Scaling, error) {
	if o.Each == 0 {
		o.Each = time.Second
	}
	s := Scaling{CPU: cpuName(), ISA: kernel.ISA(), Threads: o.Threads[0]}
	var gather, exchange Link
	var err error
	if s.Exchanges, gather, exchange, err = exchanges(ranks, o.Each); err != nil {
		return s, err
	}
	links := Cost{Gather: gather, Exchange: exchange}
	for _, name := range o.Workloads {
		var n Net
		switch name {
		case "mnist":
			n, err = scaleNet(ctx, ranks, mnist(name, optim.Momentum{Momentum: 0.9}), links, s.Threads, o.Each)
		case "tabular":
			n, err = scaleNet(ctx, ranks, tabular(), links, s.Threads, o.Each)
		default:
			err = fmt.Errorf("there is no workload %q for several ranks; there are mnist and tabular", name)
		}
		if err != nil {
			return s, err
		}
		s.Nets = append(s.Nets, n)
	}
	return s, nil
}

// exchanges measures both kinds of exchange in several sizes.
func exchanges(ranks train.Ranks, each time.Duration) (all []Message, gather, exchange Link, err error) {
	size := ranks.Size()
	for _, call := range []string{"gather", "exchange"} {
		var x [][]float64
		var y []float64
		for _, part := range []int{64, 1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 21} {
			counts := make([]int, size)
			for r := range counts {
				counts[r] = part
			}
			in, out := make([]byte, part*size), make([]byte, part*size)
			m := Message{Call: call, Bytes: part * (size - 1)}
			once := func() error { return ranks.Gather(in, counts) }
			m.turns = gatherTurns(size, m.Bytes)
			if call == "exchange" {
				once = func() error { return ranks.Exchange(in, counts, out, counts) }
				m.turns = exchangeTurns(size)
			}
			if m.Seconds, err = timeCalls(ranks, each, once); err != nil {
				return all, gather, exchange, err
			}
			x, y = append(x, []float64{m.turns, float64(m.Bytes)}), append(y, m.Seconds)
			all = append(all, m)
		}
		cost := fit(x, y)
		l := Link{Turn: cost[0], Byte: cost[1]}
		if call == "gather" {
			gather = l
		} else {
			exchange = l
		}
		for i := range all {
			if m := &all[i]; m.Call == call {
				m.Model = l.seconds(m.turns, m.Bytes)
			}
		}
	}
	return all, gather, exchange, nil
}

// timeCalls returns the time in seconds of a call that all ranks make, on the slowest rank.
func timeCalls(ranks train.Ranks, each time.Duration, call func() error) (float64, error) {
	run := func(n int) (float64, error) {
		start := time.Now()
		for range n {
			if err := call(); err != nil {
				return 0, err
			}
		}
		return time.Since(start).Seconds() / float64(n), nil
	}
	if _, err := run(2); err != nil { // the first calls make connections
		return 0, err
	}
	first, err := run(3)
	if err != nil {
		return 0, err
	}
	if first, err = slowest(ranks, first); err != nil {
		return 0, err
	}
	n := perWindow(each, first)
	var times []float64
	for range windows {
		took, err := run(n)
		if err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	return slowest(ranks, slices.Min(times))
}

// perWindow returns how many calls of the given seconds a window makes. The windows share the time each.
func perWindow(each time.Duration, seconds float64) int {
	return int(min(max(1, each.Seconds()/windows/max(seconds, 1e-9)), 1e6))
}

// slowest returns the largest of all ranks' values.
func slowest(ranks train.Ranks, mine float64) (float64, error) {
	all, counts := make([]byte, 8*ranks.Size()), make([]int, ranks.Size())
	for r := range counts {
		counts[r] = 8
	}
	binary.LittleEndian.PutUint64(all[8*ranks.Rank():], math.Float64bits(mine))
	if err := ranks.Gather(all, counts); err != nil {
		return 0, err
	}
	for r := range counts {
		mine = max(mine, math.Float64frombits(binary.LittleEndian.Uint64(all[8*r:])))
	}
	return mine, nil
}

// scaleNet measures the cost of a step on one process, fits the model, and measures steps on all ranks.
func scaleNet[T nn.Float](ctx context.Context, ranks train.Ranks, j job[T], cost Cost, threads int, each time.Duration) (Net, error) {
	net, err := nn.New[T](j.inputs, nn.Seed(1), j.layers...)
	if err != nil {
		return Net{}, err
	}
	n := Net{Name: j.name, Parameters: len(net.Params())}
	var x [][]float64
	var y []float64
	for _, s := range []Share{{Rows: 1024, Shards: 1}, {Rows: 1024, Shards: 8}, {Rows: 1024, Shards: 64}, {Rows: 512, Shards: 4}, {Rows: 128, Shards: 1}, {Rows: 32, Shards: 1}, {Rows: 8, Shards: 1}} {
		part := j.batches(s.Rows, s.Shards)
		p, err := timeSteps(ctx, nil, part, threads, 1)
		if err == nil {
			p, err = timeSteps(ctx, nil, part, threads, perWindow(each, p.Seconds))
		}
		if err != nil {
			return n, err
		}
		if s.Seconds, err = slowest(ranks, p.Seconds); err != nil { // this also makes all ranks begin the next step together
			return n, err
		}
		x, y = append(x, []float64{1, float64(s.Shards), float64(s.Rows)}), append(y, s.Seconds)
		n.Shares = append(n.Shares, s)
	}
	c := fit(x, y)
	cost.Work = Work{Step: c[0], Shard: c[1], Row: c[2]}
	for i := range n.Shares {
		s := &n.Shares[i]
		s.Model = cost.step(1, s.Rows, s.Shards, Traffic{}).Seconds
	}
	if cost.Work.Byte, err = slowest(ranks, addSeconds[T](n.Parameters, each)); err != nil {
		return n, err
	}
	n.Cost = cost
	one := cost.step(1, scalingBatch, scalingShards, Traffic{})
	model := func(p int, sizes func(int) (int, int)) (Point, error) {
		batch, shards := sizes(p)
		t, err := traffic(j, p, shards)
		m := cost.step(p, batch, shards, t)
		m.SpeedUp = m.Rate / one.Rate
		return m, err
	}
	alone := n.Shares[1].Seconds
	n.Measured = []Pair{{Measured: Point{Ranks: 1, Batch: scalingBatch, Shards: scalingShards, Seconds: alone, Rate: scalingBatch / alone, SpeedUp: 1}, Model: one}}
	n.Measured[0].Model.SpeedUp = 1
	for _, sizes := range []func(int) (int, int){sameBatch, growingBatch} {
		m, err := model(ranks.Size(), sizes)
		if err != nil {
			return n, err
		}
		p, err := timeSteps(ctx, ranks, j.batches(m.Batch, m.Shards), threads, perWindow(each, m.Seconds))
		if err != nil {
			return n, err
		}
		if p.Seconds, err = slowest(ranks, p.Seconds); err != nil {
			return n, err
		}
		p.Rate = float64(p.Batch) / p.Seconds
		p.SpeedUp = p.Rate * alone / scalingBatch
		n.Measured = append(n.Measured, Pair{p, m})
	}
	for _, p := range ScalingRanks {
		same, err := model(p, sameBatch)
		if err != nil {
			return n, err
		}
		growing, err := model(p, growingBatch)
		if err != nil {
			return n, err
		}
		n.Same, n.Growing = append(n.Same, same), append(n.Growing, growing)
	}
	return n, nil
}

// batches returns the job with batches of the given numbers of rows and shards.
func (j job[T]) batches(rows, shards int) job[T] {
	j.config.BatchSize, j.config.Shards = rows, shards
	j.rows = max(j.rows, 2*rows)
	return j
}

// addSeconds returns the time in seconds per byte of adding one gradient to another.
func addSeconds[T nn.Float](params int, each time.Duration) float64 {
	a, b := make([]T, params), make([]T, params)
	start, n := time.Now(), 0
	for ; n < 8 || time.Since(start) < each/8; n++ {
		kernel.Add(a, b)
	}
	return time.Since(start).Seconds() / float64(n*params*sizeOf[T]())
}

func sizeOf[T nn.Float]() int {
	if _, ok := any(*new(T)).(float64); ok {
		return 8
	}
	return 4
}

// timeSteps times steps on all ranks, or only in this process if ranks is nil. Each window has the given number of steps.
func timeSteps[T nn.Float](ctx context.Context, ranks train.Ranks, j job[T], threads, steps int) (Point, error) {
	p := Point{Ranks: 1, Batch: j.config.BatchSize, Shards: j.config.Shards, Seconds: math.Inf(1)}
	w := &watched{Ranks: ranks}
	if ranks != nil {
		j.config.Ranks, p.Ranks = w, ranks.Size()
	}
	warm := j.stepsPerEpoch()
	t, err := j.trainer(threads, warm+windows*steps)
	if err != nil {
		return p, fmt.Errorf("%s: %w", j.name, err)
	}
	n, all := 0, 0
	var last time.Time
	for _, err := range t.Steps(ctx) {
		if err != nil {
			return p, fmt.Errorf("%s: %w", j.name, err)
		}
		n++
		if n < warm || (n-warm)%steps != 0 {
			continue
		}
		now := time.Now()
		if n > warm {
			if s := now.Sub(last).Seconds() / float64(steps); s < p.Seconds {
				p.Seconds, p.Exchange = s, w.spent.Seconds()/float64(steps)
			}
			all += w.bytes
		}
		last, w.spent, w.bytes = now, 0, 0
		if n == warm+windows*steps {
			break
		}
	}
	p.Bytes = all / (n - warm)
	p.Rate = float64(p.Batch) / p.Seconds
	return p, nil
}

// watched counts the time and the bytes of exchanges.
type watched struct {
	train.Ranks
	spent time.Duration
	bytes int
}

func (w *watched) Gather(all []byte, counts []int) error {
	defer w.count(counts, time.Now())
	return w.Ranks.Gather(all, counts)
}

func (w *watched) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	defer w.count(inCounts, time.Now())
	return w.Ranks.Exchange(in, inCounts, out, outCounts)
}

func (w *watched) count(counts []int, start time.Time) {
	w.spent += time.Since(start)
	w.bytes += others(counts, w.Rank())
}

// others returns how many bytes come from other ranks.
func others(counts []int, rank int) (sum int) {
	for r, n := range counts {
		if r != rank {
			sum += n
		}
	}
	return sum
}

// traffic returns the traffic of a step on the given number of ranks, for the rank that gets the most bytes. It makes a step
// on simulated ranks, because the sizes depend only on the numbers of ranks, shards and parameters.
func traffic[T nn.Float](j job[T], ranks, shards int) (most Traffic, err error) {
	if ranks == 1 {
		return most, nil
	}
	j.config.BatchSize, j.config.Shards, j.rows = shards, shards, shards
	alike := shards%ranks == 0 // then all ranks have the same number of shards
	for rank := range ranks {
		r := &rehearsal{rank: rank, size: ranks}
		j.config.Ranks = r
		t, err := j.trainer(1, 1)
		if err != nil {
			return most, err
		}
		for _, err := range t.Steps(context.Background()) {
			if err != nil {
				return most, err
			}
			break
		}
		if t := r.step; t.Gather+t.Exchange > most.Gather+most.Exchange {
			most = t
		}
		if alike {
			break
		}
	}
	return most, nil
}

// rehearsal simulates ranks of which only one exists. It records the exchanges with the most bytes. Those are the exchanges
// of a gradient; the others compare sums.
type rehearsal struct {
	rank, size int
	before     Traffic // of an Exchange whose Gather has yet to come
	step       Traffic
}

func (r *rehearsal) Rank() int { return r.rank }
func (r *rehearsal) Size() int { return r.size }

// Gather gives every other rank the data of this rank if all ranks contribute the same number of bytes. So no rank differs.
func (r *rehearsal) Gather(all []byte, counts []int) error {
	t := r.before
	r.before = Traffic{}
	t.Gather = others(counts, r.rank)
	if t.Exchange == 0 { // otherwise the sums are gathered where they are used
		t.Moved = t.Gather
	}
	if t.Moved > r.step.Moved {
		r.step = t
	}
	if slices.Min(counts) == slices.Max(counts) {
		n := counts[0]
		mine := all[r.rank*n : r.rank*n+n]
		for q := range counts {
			copy(all[q*n:], mine)
		}
	}
	return nil
}

// Exchange only counts bytes and transfers no data.
func (r *rehearsal) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	r.before = Traffic{Exchange: others(inCounts, r.rank)}
	for q := range inCounts {
		r.before.Moved += inCounts[q] + outCounts[q]
	}
	return nil
}
