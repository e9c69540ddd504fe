package train

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
)

// node is the sum of the shards in an aligned subtree of the tree over some shards. The subtree starts at first and has
// 1<<height shards, or fewer at the right edge.
type node[T nn.Float] struct {
	first, height int
	sum           []T
}

// tree adds the gradients of shards. They may come in any order and from several goroutines. The sum is always that of
// the same binary tree, ((0+1)+(2+3))+..., so it has the same bits. Subtrees are added as soon as both are there, but for
// the last few sums, which go to fold.
type tree[T nn.Float] struct {
	params int   // in a gradient
	free   [][]T // vectors that are not in use

	lock   sync.Mutex
	shards int
	top    int       // the height of the subtrees that are left for fold
	into   []T       // where the sum will be
	open   []node[T] // sums that wait for others
}

// lastNodes is the most subtrees that are left for fold, a power of 2.
const lastNodes = 4

// begin prepares the sum of some shards.
func (t *tree[T]) begin(shards int, into []T) {
	t.shards, t.into, t.open = shards, into, t.open[:0]
	t.top = max(0, bits.Len(uint(shards-1))-bits.Len(lastNodes-1))
}

// vector returns memory for the gradient of a shard.
func (t *tree[T]) vector(shard int) (v []T) {
	if shard == 0 {
		return t.into // a sum replaces its left part
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	if n := len(t.free); n > 0 {
		v, t.free = t.free[n-1], t.free[:n-1]
		return v
	}
	return make([]T, t.params)
}

// add adds the gradient of a shard, in memory from vector.
func (t *tree[T]) add(shard int, gradient []T) {
	n := node[T]{shard, 0, gradient}
	t.lock.Lock()
	defer t.lock.Unlock()
	for n.height < t.top {
		sibling := n.first ^ 1<<n.height
		if sibling < t.shards {
			i := t.find(sibling, n.height)
			if i < 0 {
				break
			}
			left, right := n, t.open[i]
			t.open[i] = t.open[len(t.open)-1]
			t.open = t.open[:len(t.open)-1]
			if right.first < left.first {
				left, right = right, left
			}
			t.lock.Unlock() // nobody else knows the two
			kernel.Add(left.sum, right.sum)
			t.lock.Lock()
			t.free = append(t.free, right.sum)
			n = left
		}
		n.height++
	}
	t.open = append(t.open, n)
}

// find returns the place of an open subtree, or -1.
func (t *tree[T]) find(first, height int) int {
	for i, o := range t.open {
		if o.first == first && o.height == height {
			return i
		}
	}
	return -1
}

// finish returns the subtrees that are left, in order. They cover all shards.
func (t *tree[T]) finish() []node[T] {
	slices.SortFunc(t.open, func(a, b node[T]) int { return a.first - b.first })
	for _, n := range t.open[1:] {
		t.free = append(t.free, n.sum) // nobody takes it before fold has added it
	}
	return t.open
}

// fold adds subtrees that follow each other, block by block so that a sum is still in the cache when the next one needs it.
type fold[T nn.Float] struct {
	open  []node[T]
	pairs [][2][]T // what is added to what, in order
	size  int      // of a vector
	each  int      // numbers in a piece
	piece func(i int)
}

// addWork is about how many multiply-adds it takes as long as to add one number.
const addWork = 4

// foldBlock is how many numbers fold adds at a time. The blocks of some vectors fit in the L1 cache.
const foldBlock = 1 << 10

func newFold[T nn.Float]() *fold[T] {
	f := &fold[T]{}
	f.piece = func(i int) {
		from, end := i*f.each, min((i+1)*f.each, f.size)
		for ; from < end; from += foldBlock {
			to := min(from+foldBlock, end)
			for _, p := range f.pairs {
				kernel.Add(p[0][from:to], p[1][from:to])
			}
		}
	}
	return f
}

// add stores the sum of the nodes, in the order of the tree, in the first one's vector and returns that.
func (f *fold[T]) add(nodes []node[T], c *crew[T]) []T {
	f.open, f.pairs = f.open[:0], f.pairs[:0]
	merge := func() {
		left, right := &f.open[len(f.open)-2], f.open[len(f.open)-1]
		f.pairs = append(f.pairs, [2][]T{left.sum, right.sum})
		left.height++
		f.open = f.open[:len(f.open)-1]
	}
	for _, n := range nodes {
		f.open = append(f.open, n)
		for k := len(f.open); k > 1 && f.open[k-1].height == f.open[k-2].height; k = len(f.open) {
			merge()
		}
	}
	for len(f.open) > 1 {
		merge()
	}
	if len(f.pairs) == 0 {
		return nodes[0].sum
	}
	f.size = len(nodes[0].sum)
	pieces := 2 * c.size
	f.each = (f.size + pieces - 1) / pieces
	c.spread(pieces, addWork*f.size*len(f.pairs), f.piece)
	return nodes[0].sum
}

// gradient sets t.grad to the gradient of a batch and returns its summed loss. A batch of
// several shards is summed shard by shard, and the sums are added in a fixed binary tree:
// ((0+1)+(2+3))+... On several ranks, each computes a part of the tree; see sharedGradient.
func (t *Trainer[T]) gradient(b Set[T], scale float64) float64 {
	if t.together != nil {
		return t.sharedGradient(b, scale)
	}
	shards := t.cfg.shards(b.Rows())
	t.losses = t.losses[:0]
	if t.tied {
		t.tiedPass(b, scale, shards, 0, shards, nil)
	}
	t.sumShards(b, scale, shards, 0, shards, t.grad)
	loss := 0.0
	for _, l := range t.losses {
		loss += l
	}
	return loss
}

// sumShards sets into to the gradient of the shards first to end-1 of a batch. They must be the whole tree
// or an aligned subtree of it. It appends the loss of each shard to t.losses.
func (t *Trainer[T]) sumShards(b Set[T], scale float64, shards, first, end int, into []T) {
	n, done := end-first, len(t.losses)
	t.losses = slices.Grow(t.losses, n)[:done+n]
	t.summed = summed[T]{b, scale, shards, first, t.losses[done:]}
	t.tree.begin(n, into)
	if t.addShard == nil {
		t.addShard = t.sumShard
	}
	t.crew.each(n, !t.tied && t.apart(n*b.Rows()/shards), t.addShard) // tied shards share a tape
	t.fold.add(t.tree.finish(), t.crew)
}

// apart reports whether the goroutines should take parts of that many rows as wholes. There must be enough work, and the
// rows must not come from a stream, which gives them one after another.
func (t *Trainer[T]) apart(rows int) bool {
	return rows*len(t.grad) >= leastWork && (t.stream == nil || t.stream.all.Rows() == 0)
}

// summed is what sumShards is summing.
type summed[T nn.Float] struct {
	batch  Set[T]
	scale  float64
	shards int // of the batch
	first  int // the first shard of the sum
	losses []float64
}

// sumShard adds the gradient of a shard of t.summed, counted from its first, to t.tree.
func (t *Trainer[T]) sumShard(h *hand[T], i int) {
	s := &t.summed
	into := t.tree.vector(i)
	s.losses[i] = t.shardGradient(h, s, s.first+i, into)
	t.tree.add(i, into)
}

// shardGradient sets into to the gradient of a shard of a batch and returns the shard's loss.
func (t *Trainer[T]) shardGradient(h *hand[T], s *summed[T], shard int, into []T) float64 {
	if t.tied {
		return t.net.ShardGradient(h.tape, shard-t.first, into)
	}
	from, to := shard*s.batch.Rows()/s.shards, (shard+1)*s.batch.Rows()/s.shards
	part := t.slice(s.batch, from, to)
	if shard == s.shards-1 {
		t.latest = h.tape
	}
	t.net.ForwardTraining(h.tape, part.Feed(h.tape, 0, part.Rows(), h.room), t.noise(from))
	h.tape.UseWeights(part.W)
	return t.net.Backprop(h.tape, t.cfg.Loss, part.Y, s.scale, into)
}

// slice returns the rows from (inclusive) to to (exclusive) of a set as a view, or from the stream if the set is all its rows.
func (t *Trainer[T]) slice(s Set[T], from, to int) Set[T] {
	if t.stream != nil && s.X.Data == nil && s.Packed.parts == nil {
		return t.stream.slice(from, to)
	}
	return s.slice(from, to)
}

// tiedPass takes the shards first to end-1 of a batch forward and their deltas back, all at once: batch
// normalization needs sums over all rows of the batch. gather is that of nn.Shards.
func (t *Trainer[T]) tiedPass(b Set[T], scale float64, shards, first, end int, gather func(own []float64, each int) []float64) {
	from := first * b.Rows() / shards
	part := b.slice(from, end*b.Rows()/shards)
	t.first, t.ends = first, t.ends[:0]
	for i := first; i < end; i++ {
		t.ends = append(t.ends, (i+1)*b.Rows()/shards-from)
	}
	t.net.ForwardShards(t.tape, part.Inputs(0, part.Rows(), t.room), t.noise(from), nn.Shards{Rows: b.Rows(), Ends: t.ends, Gather: gather})
	t.tape.UseWeights(part.W)
	t.net.Deltas(t.tape, t.cfg.Loss, part.Y, scale)
}
