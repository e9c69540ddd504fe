package nn

// Shards says which part of a batch the rows of a pass are: some of its shards, one after another. The other
// shards may be in other processes. Batch normalization takes its statistics over the whole batch, of n rows.
// Over the rows i of every shard and over the shards k, in order,
//
//	mean = Σ_k Σ_i s / n    variance = Σ_k Σ_i (s - mean)² / n
//
// and on the way back, for normBack, Σ_k Σ_i dL/dz·hat and Σ_k Σ_i dL/dz. This is synchronized batch
// normalization (Peng et al. 2018, arXiv 1711.07240). The sums of the shards are in float64. So the bits depend
// on where the shards end, but not on which process has them.
type Shards struct {
	Rows int   // in the batch
	Ends []int // for each shard of the pass, the row of the pass after its last

	// Gather returns the sums of all shards of the batch, in order. It gets those of the pass's shards. Each
	// shard has the same number of sums. All processes make the same calls. It may change the slice that it
	// returned before. If Gather is nil, the pass has all shards.
	Gather func(own []float64, each int) (all []float64)
}

// total returns the sums over all shards of the batch. It changes own.
func (s *Shards) total(own []float64, each int) []float64 {
	all := own
	if s.Gather != nil {
		all = s.Gather(own, each)
	}
	sum := all[:each]
	for ; len(all) >= 2*each; all = all[each:] {
		for j, v := range all[each:][:each] {
			sum[j] += v
		}
	}
	return sum
}

// span is some rows: from (inclusive) to to (exclusive).
type span struct{ from, to int }

// cut makes the rows of the pass some shards of a batch, and divides each shard into chunks.
func (t *Tape[T]) cut(s Shards) {
	t.shards, t.chunks = s, t.chunks[:0]
	from := 0
	for _, end := range s.Ends {
		for ; from < end; from = min(from+chunkRows, end) {
			t.chunks = append(t.chunks, span{from, min(from+chunkRows, end)})
		}
	}
}

// ForwardShards is ForwardTraining for rows that are some shards of a batch. Deltas and, for each shard,
// ShardGradient follow it.
func (n *Network[T]) ForwardShards(t *Tape[T], x Matrix[T], noise Noise, s Shards) Matrix[T] {
	t.start(n, x)
	t.cut(s)
	return n.forwardTraining(t, noise)
}

// ShardGradient sets grad = scale · dL/dparams for one shard of the last ForwardShards, and returns the shard's
// summed loss. Deltas must have come before. The gradients of all shards of the batch add up to that of the batch.
func (n *Network[T]) ShardGradient(t *Tape[T], shard int, grad []T) float64 {
	from, to := t.Shard(shard)
	t.pass = pass[T]{n: n, grad: grad, shard: shard, span: span{from, to}}
	if t.sparse(0) {
		t.in.take(t.x.Slice(from, to))
	}
	n.panelGradients(t)
	return t.losses[shard]
}

// Shards returns the number of shards of the last pass: 1 if it was not ForwardShards.
func (t *Tape[T]) Shards() int { return len(t.shards.Ends) }

// Shard returns the rows of a shard of the last pass: from (inclusive) to to (exclusive).
func (t *Tape[T]) Shard(i int) (from, to int) {
	if i > 0 {
		from = t.shards.Ends[i-1]
	}
	return from, t.shards.Ends[i]
}

// atLeast returns a slice of length n or more, with the numbers of s if s is long enough.
func atLeast[E any](s []E, n int) []E {
	if len(s) < n {
		return make([]E, n)
	}
	return s
}
