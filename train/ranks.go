package train

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/nn"
)

// Ranks are the processes that train one network together. Each computes the gradient of its own
// shards of a batch, and all of them make the same update; see Config.Ranks. Every rank calls the same
// methods in the same order. Each call returns when all ranks have made it.
type Ranks interface {
	Rank() int // the number of this process, from 0
	Size() int // how many processes there are

	// Gather gives every rank the parts of all ranks. The part of rank r has counts[r] bytes. The
	// parts are in all in the order of the ranks. Before the call, a rank has written its own part there.
	Gather(all []byte, counts []int) error

	// Exchange sends part q of out, with outCounts[q] bytes, to rank q. It sets part r of in to the
	// inCounts[r] bytes that rank r has sent here.
	Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error
}

// ErrRanks is wrapped by the error of a run whose ranks could not reach each other, or did not
// have the same configuration, data or weights. The run cannot continue, and writes no checkpoint.
var ErrRanks = errors.New("training on several ranks")

// together is what a run on several ranks needs. nil is a run of one process.
type together[T nn.Float] struct {
	Ranks
	rank, size int
	params     int           // in a gradient
	plans      map[int]*plan // by the number of shards
	own        [][]T         // the sums of this rank's subtrees
	nodes      []node[T]     // the sums of all ranks' subtrees
	sums       []float64     // of batch normalization: see shardSums
	counts     []int         // for complete
	spent      time.Duration // time in exchanges, including waiting
	before     time.Duration // time spent in the loop by processes before this one
	err        error         // why the run cannot continue

	asked   bool          // this rank was asked to end
	stop    bool          // some rank was asked to end, and all know it
	elapsed time.Duration // of rank 0, at the last update
	check   bool          // rank 0 wants the weights compared after this update
	checked time.Time     // when the weights were last compared
	agreed  int           // number of updates at that time; -1: never compared
}

// compareUpdates and compareEvery say how often the ranks compare their weights: after every
// compareUpdates updates, and when the time compareEvery has passed.
const (
	compareUpdates = 64
	compareEvery   = time.Second
)

// segmentBytes is the size of a gradient, in bytes, from which three or more ranks add it by segments: each
// rank adds one segment of all sums and sends the result to the others. A rank then sends and receives about
// two gradients, however many ranks there are, but needs two exchanges. It is a variable for the tests.
var segmentBytes = 1 << 16

func newTogether[T nn.Float](r Ranks, params int) *together[T] {
	if r == nil || r.Size() == 1 {
		return nil
	}
	return &together[T]{Ranks: r, rank: r.Rank(), size: r.Size(), params: params, plans: map[int]*plan{}, agreed: -1, counts: make([]int, r.Size())}
}

// checkRanks refuses what cannot be trained on that many processes with batches of that many rows.
func (c *Config) checkRanks(rows, size int) error {
	if size < 2 {
		return nil
	}
	if c.Method.OneRow() {
		return fmt.Errorf("%s descent looks at one row at a time, so there is nothing for %d ranks to share; use mini-batch, or train in one process", c.Method, size)
	}
	if shards := c.shards(rows); shards < size {
		return fmt.Errorf("the gradient of a batch of %s is summed in %s, so %d ranks have nothing to share; set shards to %d or more, which is then part of the configuration and of the bits, or start fewer ranks",
			plural.Of(rows, "row"), plural.Of(shards, "shard"), size, size)
	}
	return nil
}

// A root is the sum of the shards in an aligned subtree of the tree over all shards. The
// subtree starts at first and has 1<<height shards, or fewer at the right edge.
type root struct{ first, end, height int }

// plan says which rank adds what, for a batch with a given number of shards.
type plan struct {
	from  []int    // the first shard of each rank, then the number of shards
	roots [][]root // for each rank, the largest aligned subtrees of its shards

	message []byte // of all ranks to this one: see the layout in newPlan
	counts  []int  // bytes of each rank's message

	segments  bool
	out       []byte // with segments: the messages of this rank to all
	outCounts []int
	sums      []int // bytes of each rank's segment of the whole sum
}

// header is the size in bytes of what precedes the losses in a rank's message: flags, and the
// time spent so far.
const header = 16

const (
	flagStop  = 1 << iota // the rank was asked to end
	flagCheck             // the rank wants the weights compared
)

// ownShards returns the shards of a rank, or its parts of any other work: first to end-1.
func ownShards(rank, size, shards int) (first, end int) {
	return rank * shards / size, (rank + 1) * shards / size
}

// ownRows returns the rows of a batch of that size which this process uses.
func (t *Trainer[T]) ownRows(rows int) (from, to int) {
	g := t.together
	if g == nil {
		return 0, rows
	}
	shards := t.cfg.shards(rows)
	first, end := ownShards(g.rank, g.size, shards)
	return first * rows / shards, end * rows / shards
}

// rootsOf divides the shards from first to end into the largest aligned subtrees of the tree over
// shards.
func rootsOf(first, end, shards int) (all []root) {
	for first < end {
		h := bits.Len(uint(shards))
		if first > 0 {
			h = min(h, bits.TrailingZeros(uint(first)))
		}
		for first+1<<h > end && (end < shards || first+1<<h>>1 >= shards) {
			h--
		}
		all = append(all, root{first, min(first+1<<h, shards), h})
		first += 1 << h
	}
	return all
}

func (g *together[T]) plan(shards int) *plan {
	p := g.plans[shards]
	if p == nil {
		p = g.newPlan(shards)
		g.plans[shards] = p
	}
	return p
}

// newPlan lays out the messages. A rank's message is its header, the loss of each of its shards, and then the sum of
// each of its subtrees: the same for all ranks, or with segments only the receiver's segment. The vectors begin at multiples of
// 8 bytes.
func (g *together[T]) newPlan(shards int) *plan {
	p := &plan{from: make([]int, g.size+1), roots: make([][]root, g.size), counts: make([]int, g.size)}
	p.segments = g.size > 2 && g.vector(g.params) >= segmentBytes
	from, to := 0, g.params
	if p.segments {
		from, to = g.segment(g.rank)
		p.outCounts, p.sums = make([]int, g.size), make([]int, g.size)
	}
	in, out := 0, 0
	for r := range g.size {
		first, end := ownShards(r, g.size, shards)
		p.from[r+1] = end
		p.roots[r] = rootsOf(first, end, shards)
		p.counts[r] = header + 8*(end-first) + len(p.roots[r])*g.vector(to-from)
		in += p.counts[r]
	}
	p.message = aligned(in)
	if p.segments {
		mine := len(p.roots[g.rank])
		for r := range g.size {
			from, to := g.segment(r)
			p.outCounts[r] = p.vectors(g.rank) + mine*g.vector(to-from)
			p.sums[r] = (to - from) * int(unsafe.Sizeof(T(0)))
			out += p.outCounts[r]
		}
		p.out = aligned(out)
	}
	return p
}

// vectors returns where the vectors begin in a message of a rank.
func (p *plan) vectors(rank int) int { return header + 8*(p.from[rank+1]-p.from[rank]) }

// segment returns the parameters that a rank adds, with segments.
func (g *together[T]) segment(rank int) (from, to int) {
	return rank * g.params / g.size, (rank + 1) * g.params / g.size
}

// vector returns the number of bytes that n numbers take in a message.
func (g *together[T]) vector(n int) int {
	var zero T
	return (n*int(unsafe.Sizeof(zero)) + 7) &^ 7
}

// aligned returns n bytes that begin at a multiple of 8.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// numbers returns the first n numbers of b, which must be aligned, as a view.
func numbers[T nn.Float](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	_ = b[n*int(unsafe.Sizeof(T(0)))-1]
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

// raw returns the bytes of numbers, as a view.
func raw[T nn.Float](v []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(T(0))))
}

// part returns the bytes of rank r in a buffer of all ranks.
func part(all []byte, counts []int, r int) []byte {
	from := 0
	for _, n := range counts[:r] {
		from += n
	}
	return all[from : from+counts[r]]
}

// sharedGradient is gradient on several ranks: the same sum, but each rank computes only its own
// subtrees. If the ranks cannot reach each other, it sets g.err and returns NaN.
func (t *Trainer[T]) sharedGradient(b Set[T], scale float64) float64 {
	g := t.together
	p := g.plan(t.cfg.shards(b.Rows()))
	shards := p.from[g.size]
	first, end := p.from[g.rank], p.from[g.rank+1]
	mine := part(p.message, p.counts, g.rank)
	roots := p.roots[g.rank]
	for len(g.own) < len(roots) {
		g.own = append(g.own, nil)
	}
	t.losses = t.losses[:0]
	if t.tied {
		t.tiedPass(b, scale, shards, first, end, func(own []float64, each int) []float64 { return g.shardSums(p, own, each) })
	}
	for i, r := range roots {
		if !p.segments {
			g.own[i] = numbers[T](mine[p.vectors(g.rank)+i*g.vector(g.params):], g.params)
		} else if len(g.own[i]) == 0 {
			g.own[i] = make([]T, g.params)
		}
		t.sumShards(b, scale, shards, r.first, r.end, g.own[i])
	}
	if p.segments {
		t.addSegments(p)
	} else {
		g.write(mine, t.losses, t.Elapsed())
		if g.gather(p.message, p.counts) {
			t.grad = t.top(p, g.params) // in the message: to copy it would take longer than to add it
		}
	}
	if g.err != nil {
		return math.NaN()
	}
	return g.read(p)
}

// shardSums gathers the sums that batch normalization needs of all shards; see nn.Shards. If the ranks cannot reach
// each other, it sets g.err and returns numbers without a meaning.
func (g *together[T]) shardSums(p *plan, own []float64, each int) []float64 {
	n := p.from[g.size] * each
	g.sums = slices.Grow(g.sums[:0], n)[:n]
	copy(g.sums[p.from[g.rank]*each:], own)
	g.complete(g.sums, p.from[g.size], each)
	return g.sums
}

// ownParts returns the parts of some work that this process does: first to end-1.
func (g *together[T]) ownParts(parts int) (first, end int) {
	if g == nil {
		return 0, parts
	}
	return ownShards(g.rank, g.size, parts)
}

// complete fills in the numbers that the other ranks have computed. A part has each numbers, the last one perhaps fewer.
// Before the call, a rank has computed those of its own parts. If the ranks cannot reach each other, it sets g.err.
func (g *together[T]) complete(all []float64, parts, each int) {
	if g == nil || len(all) == 0 {
		return
	}
	for r := range g.size {
		first, end := ownShards(r, g.size, parts)
		g.counts[r] = 8 * (min(end*each, len(all)) - min(first*each, len(all)))
	}
	g.gather(raw(all), g.counts)
}

// addSegments sets t.grad to the whole sum, of which each rank adds a segment.
func (t *Trainer[T]) addSegments(p *plan) {
	g := t.together
	head := p.out[:p.vectors(g.rank)] // the same for all, so that they decide alike
	g.write(head, t.losses, t.Elapsed())
	for r := range g.size {
		from, to := g.segment(r)
		b := part(p.out, p.outCounts, r)
		copy(b, head)
		for i := range p.roots[g.rank] {
			copy(numbers[T](b[p.vectors(g.rank)+i*g.vector(to-from):], to-from), g.own[i][from:to])
		}
	}
	start := time.Now()
	err := g.Exchange(p.message, p.counts, p.out, p.outCounts)
	g.spent += time.Since(start)
	if err != nil {
		g.fail(err)
		return
	}
	from, to := g.segment(g.rank)
	copy(t.grad[from:to], t.top(p, to-from))
	g.gather(raw(t.grad), p.sums)
}

// top adds the roots in the messages of all ranks, of n numbers each, in the order of the tree. It stores the sum in the first
// and returns it.
func (t *Trainer[T]) top(p *plan, n int) []T {
	g := t.together
	g.nodes = g.nodes[:0]
	for r, roots := range p.roots {
		for i, root := range roots {
			b := part(p.message, p.counts, r)
			g.nodes = append(g.nodes, node[T]{root.first, root.height, numbers[T](b[p.vectors(r)+i*g.vector(n):], n)})
		}
	}
	return t.fold.add(g.nodes, t.crew)
}

// write fills the header and the losses of a message.
func (g *together[T]) write(mine []byte, losses []float64, elapsed time.Duration) {
	flags := uint64(0)
	if g.asked {
		flags |= flagStop
	}
	if time.Since(g.checked) >= compareEvery {
		flags |= flagCheck
	}
	binary.LittleEndian.PutUint64(mine, flags)
	binary.LittleEndian.PutUint64(mine[8:], uint64(elapsed))
	copy(numbers[float64](mine[header:], len(losses)), losses)
}

// read takes in what the messages say and returns the loss, summed over the shards in their order.
func (g *together[T]) read(p *plan) (loss float64) {
	for r := range g.size {
		b := part(p.message, p.counts, r)
		flags := binary.LittleEndian.Uint64(b)
		g.stop = g.stop || flags&flagStop != 0
		if r == 0 {
			g.check = flags&flagCheck != 0
			g.elapsed = time.Duration(binary.LittleEndian.Uint64(b[8:]))
		}
		for _, l := range numbers[float64](b[header:], p.from[r+1]-p.from[r]) {
			loss += l
		}
	}
	return loss
}

// gather is Ranks.Gather with the time counted. It reports whether it succeeded.
func (g *together[T]) gather(all []byte, counts []int) bool {
	if g.err != nil {
		return false
	}
	start := time.Now()
	err := g.Gather(all, counts)
	g.spent += time.Since(start)
	if err != nil {
		g.fail(err)
	}
	return err == nil
}

func (g *together[T]) fail(err error) {
	if g.err == nil {
		g.err = fmt.Errorf("%w: rank %d of %d: %w", ErrRanks, g.rank, g.size, err)
	}
}

// failed returns why the run cannot continue, or nil if it can.
func (g *together[T]) failed() error {
	if g == nil {
		return nil
	}
	return g.err
}

// ended reports whether the context ends the run. On several ranks it is true once all ranks know.
func (g *together[T]) ended(ctx context.Context) bool {
	if g == nil {
		return ctx.Err() != nil
	}
	g.asked = ctx.Err() != nil
	return g.stop
}

// shared is a State that all ranks see alike.
type shared[T nn.Float] struct{ *Trainer[T] }

// Elapsed returns the time that rank 0 had spent in the loop at the last update.
func (s shared[T]) Elapsed() time.Duration { return s.together.elapsed }

// FullLoss is the trainer's, with the rows divided among the ranks.
func (s shared[T]) FullLoss() float64 { return s.fullLossOn(s.together) }

// seen returns the State that stop criteria see.
func (t *Trainer[T]) seen() State {
	if t.together == nil {
		return t
	}
	return shared[T]{t}
}

// Agreed reports whether all ranks were found to have the same weights after the last update. It is
// always true in a run of one process.
func (t *Trainer[T]) Agreed() bool {
	return t.together == nil || t.together.err == nil && t.together.agreed == t.result.Steps
}

// begin compares what must be the same on all ranks when the loop is entered.
func (t *Trainer[T]) begin() error {
	g := t.together
	if g == nil || g.err != nil {
		return g.failed()
	}
	g.stop, g.checked = false, time.Now()
	if g.agreed < 0 {
		g.before = t.elapsed
	}
	t.compare("configuration", "give every rank the same flags", func(w *bufio.Writer) {
		run := t.describe("")
		for _, name := range slices.Sorted(maps.Keys(run)) {
			fmt.Fprintf(w, "%s: %s\n", name, run[name])
		}
	})
	t.compare("data", "give every rank the same tables", t.writeData)
	return t.compareWeights()
}

// compareWeights finds a rank whose weights or optimizer state differ from the others'.
func (t *Trainer[T]) compareWeights() error {
	g := t.together
	if g == nil || g.err != nil {
		return g.failed()
	}
	const hint = "its memory or its processor may be faulty, or it may run another program; leave that machine out and resume from the last checkpoint"
	t.compare(fmt.Sprintf("state after update %d", t.result.Steps), hint, func(w *bufio.Writer) {
		fmt.Fprintln(w, t.result.Steps, t.epoch, t.position)
		for _, v := range append([][]T{t.net.Values(), t.averaged()}, t.slots...) {
			safetensors.WriteFloats(w, v)
		}
		safetensors.WriteFloats(w, t.numbers)
	})
	if g.err == nil {
		g.agreed, g.checked = t.result.Steps, time.Now()
	}
	return g.err
}

// compare gathers the CRC-32C of what each rank writes, and names the ranks that differ from the majority. One number that
// differs always changes a CRC-32C, and other differences change it but for one in 2^32.
func (t *Trainer[T]) compare(what, hint string, write func(*bufio.Writer)) {
	g := t.together
	if g.err != nil {
		return
	}
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	w := bufio.NewWriterSize(h, 1<<15)
	write(w)
	w.Flush()
	all, counts := make([]byte, g.size*crc32.Size), make([]int, g.size)
	for r := range counts {
		counts[r] = crc32.Size
	}
	binary.LittleEndian.PutUint32(part(all, counts, g.rank), h.Sum32())
	if !g.gather(all, counts) {
		return
	}
	if others := different(all, counts); others != "" {
		g.err = fmt.Errorf("%w: the %s of %s: %s", ErrRanks, what, others, hint)
	}
}

// different names the ranks whose part differs from the most frequent one. In a tie, the lowest
// rank's part counts.
func different(all []byte, counts []int) string {
	parts, times, most := make([]string, len(counts)), map[string]int{}, 0
	for r, n := range counts {
		parts[r], all = string(all[:n]), all[n:]
		times[parts[r]]++
	}
	for r, p := range parts {
		if times[p] > times[parts[most]] {
			most = r
		}
	}
	var others []string
	for r, p := range parts {
		if p != parts[most] {
			others = append(others, fmt.Sprint(r))
		}
	}
	switch len(others) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("rank %s differs from that of rank %d", others[0], most)
	}
	return fmt.Sprintf("ranks %s differ from that of rank %d", strings.Join(others, ", "), most)
}

// due reports whether the ranks compare their weights after the update that was just made.
func (t *Trainer[T]) due() bool {
	g := t.together
	return g != nil && (t.finished || g.check || t.result.Steps%compareUpdates == 0)
}

// lastRank returns the value of the rank with the last shards: the layer in which a divergence was seen,
// according to the tape of the last shard.
func (g *together[T]) lastRank(layer int) int {
	if g == nil {
		return layer
	}
	all, counts := make([]byte, 8*g.size), make([]int, g.size)
	for r := range counts {
		counts[r] = 8
	}
	binary.LittleEndian.PutUint64(part(all, counts, g.rank), uint64(layer))
	if !g.gather(all, counts) {
		return layer
	}
	return int(binary.LittleEndian.Uint64(part(all, counts, g.size-1)))
}
