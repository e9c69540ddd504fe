package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Norm says how a layer normalizes s = x·W + b before its activation. epsilon is 1e-5. gamma
// and beta are parameters, one per unit, and start at 1 and 0.
//
//	hat = (s - mean) / √(variance + epsilon)    z = gamma·hat + beta    a = f(z)
//
// BatchNorm uses the mean and the variance of each unit over the rows of the batch (Ioffe and
// Szegedy 2015). So a row's outputs depend on the other rows. The statistics are those of the
// whole batch, however many cores work on it and however many shards it has: see Shards. A batch of
// one row is refused because its variance is 0. For inference the network keeps running means and
// variances, which UpdateState moves. A bias has no effect under it; beta replaces it.
//
// LayerNorm uses those of each row over the layer's units (Ba, Kiros, Hinton 2016), in training
// and inference alike.
//
// The variance divides by n, the number of values it sums. As in PyTorch, the running variance
// averages the unbiased variances, which divide by n-1, and a running value moves by 0.1 of the
// difference. Keras moves it by 0.01, averages the biased variances, and has an epsilon of 1e-3.
type Norm uint8

// The norms.
const (
	NoNorm Norm = iota
	BatchNorm
	LayerNorm
)

const (
	// NormEpsilon is added to every variance, so nothing is divided by 0.
	NormEpsilon = 1e-5

	normMomentum = 0.1 // the fraction of the difference by which a running value moves
)

var normNames = [...]string{"none", "batch", "layer"}

func (n Norm) String() string {
	if int(n) < len(normNames) {
		return normNames[n]
	}
	return fmt.Sprintf("norm %d", uint8(n))
}

// Norms lists the names ParseNorm knows.
func Norms() []string { return slices.Clone(normNames[:]) }

// ParseNorm returns the norm of that name.
func ParseNorm(name string) (Norm, error) {
	for i, s := range normNames {
		if s == name {
			return Norm(i), nil
		}
	}
	return NoNorm, fmt.Errorf("norm %q is not known; choose one of %s", name, strings.Join(Norms(), ", "))
}

// chunkRows is the number of rows that are summed in order. The sums of a shard's chunks are
// then added in float64, in order. Without shards, the batch is one.
const chunkRows = 128

// normTape is a tape's memory for one layer's norm.
type normTape[T Float] struct {
	mean, rstd []T // for BatchNorm one per unit; LayerNorm has only rstd, one per row. rstd is 1/√(variance + epsilon)

	// The rest is only for training.
	hat      Matrix[T] // s, then the normalized s
	variance []T       // only for BatchNorm
	grad     []T       // for each shard dL/dgamma, then dL/dbeta
	sums     []T       // of chunks of rows, two for each unit and chunk
	own      []float64 // of shards, see shardSums
	k, a, c  []T       // only for BatchNorm, see normBack
	product  Matrix[T] // only for LayerNorm
}

func newNormTape[T Float](l layer, maxRows int) normTape[T] {
	if l.Norm == LayerNorm {
		return normTape[T]{rstd: make([]T, maxRows)}
	}
	return normTape[T]{mean: make([]T, l.Units), rstd: make([]T, l.Units)}
}

func (t *normTape[T]) forTraining(l layer, maxRows int) {
	t.hat = NewMatrix[T](maxRows, l.Units)
	t.grad, t.own = make([]T, 2*l.Units), make([]float64, 2*l.Units)
	t.sums = make([]T, (maxRows+chunkRows-1)/chunkRows*2*l.Units)
	if l.Norm == LayerNorm {
		t.product = NewMatrix[T](maxRows, l.Units)
		return
	}
	t.variance, t.k, t.a, t.c = make([]T, l.Units), make([]T, l.Units), make([]T, l.Units), make([]T, l.Units)
}

// sum returns the matrix that holds x·W + b of layer l. Without a norm it is z. With a norm it
// is hat in training, where the normalized value will replace it, and a in inference.
func (t *Tape[T]) sum(l int) Matrix[T] {
	switch {
	case t.norms == nil || t.norms[l].rstd == nil:
		return t.z[l]
	case t.training:
		return t.norms[l].hat
	}
	return t.a[l]
}

// startNorm sets gamma and the running variances of layer l to 1.
func (n *Network[T]) startNorm(l int) {
	d := &n.layers[l]
	ones := n.params[d.gamma:d.beta]
	if d.Norm == BatchNorm {
		kernel.FillRows(n.state[d.variance:][:d.Units], []T{1})
	}
	kernel.FillRows(ones, []T{1})
}

// normRows normalizes some rows of x·W + b of layer l.
func (n *Network[T]) normRows(t *Tape[T], l, from, to int) {
	d, nt := &n.layers[l], &t.norms[l]
	gamma, beta := n.params[d.gamma:d.beta], n.params[d.beta:d.end]
	hat, z := t.sum(l), t.z[l]
	for i := from; i < to; i++ {
		if d.Norm == BatchNorm {
			kernel.BatchNorm(z.Row(i), hat.Row(i), nt.mean, nt.rstd, gamma, beta)
		} else {
			nt.rstd[i] = kernel.LayerNorm(z.Row(i), hat.Row(i), gamma, beta, NormEpsilon)
		}
	}
}

// useState makes batch normalization in layer l use the running statistics.
func (n *Network[T]) useState(t *Tape[T], l int) {
	d := &n.layers[l]
	if d.Norm == BatchNorm {
		copy(t.norms[l].mean, n.state[d.mean:])
		setRstd(t.norms[l].rstd, n.state[d.variance:])
	}
}

func setRstd[T Float](rstd, variance []T) {
	for j := range rstd {
		rstd[j] = 1 / kernel.Sqrt(variance[j]+NormEpsilon)
	}
}

// statistics sets the mean and variance of each unit of layer l over the batch.
func (n *Network[T]) statistics(t *Tape[T], l int) {
	if t.shards.Rows < 2 {
		panic("nn: batch normalization needs at least 2 rows in a batch of training")
	}
	nt, units := &t.norms[l], n.layers[l].Units
	n.columns(t, columnMeans, l)
	mean(nt.mean, t.shards.total(nt.shardSums(t, units), units), t.shards.Rows)
	n.columns(t, columnSquares, l)
	mean(nt.variance, t.shards.total(nt.shardSums(t, units), units), t.shards.Rows)
	setRstd(nt.rstd, nt.variance)
}

// UpdateState moves the running statistics of batch normalization toward those of the batch of
// the tape's last ForwardTraining: mean <- 0.9·mean + 0.1·m. The variance moves the same way
// toward the unbiased variance, which divides by rows-1.
func (n *Network[T]) UpdateState(t *Tape[T]) {
	for l := range n.layers {
		n.UpdateLayerState(t, l)
	}
}

// UpdateLayerState is UpdateState for layer l only.
func (n *Network[T]) UpdateLayerState(t *Tape[T], l int) {
	d := &n.layers[l]
	if d.Norm != BatchNorm || !t.training {
		return
	}
	unbiased := T(float64(t.shards.Rows) / float64(t.shards.Rows-1))
	mean, variance := n.state[d.mean:][:d.Units], n.state[d.variance:][:d.Units]
	for j, v := range t.norms[l].variance {
		mean[j] = kernel.FMA(normMomentum, t.norms[l].mean[j], (1-normMomentum)*mean[j])
		variance[j] = kernel.FMA(normMomentum, v*unbiased, (1-normMomentum)*variance[j])
	}
}

// normGradient sets dL/dgamma = Σ_rows dL/dz·hat and dL/dbeta = Σ_rows dL/dz of each shard of
// layer l. For normBack it sets the means of both over the batch. The layer's delta must be dL/dz.
func (n *Network[T]) normGradient(t *Tape[T], l int) {
	d, nt := &n.layers[l], &t.norms[l]
	n.columns(t, columnGradients, l)
	own := nt.shardSums(t, 2*d.Units)
	nt.grad = atLeast(nt.grad, len(own))
	for i, sum := range own {
		nt.grad[i] = T(sum)
	}
	if d.Norm == BatchNorm {
		all := t.shards.total(own, 2*d.Units)
		mean(nt.c, all[:d.Units], t.shards.Rows)
		mean(nt.a, all[d.Units:], t.shards.Rows)
		for j, g := range n.params[d.gamma:d.beta] {
			nt.k[j] = g * nt.rstd[j]
		}
	}
}

// normBack turns some rows of delta = dL/dz of layer l into dL/ds. The mean and the variance
// depend on s too. n is the number of rows in the batch or of units in the row:
//
//	g = delta·gamma    dL/ds = (g - Σg/n - hat·Σ(g·hat)/n) / √(variance + epsilon)
//
// For BatchNorm, gamma is factored out of all three terms, so the sums are those of normGradient.
func (n *Network[T]) normBack(t *Tape[T], l, from, to int) {
	d, nt := &n.layers[l], &t.norms[l]
	delta := t.delta[l]
	for i := from; i < to; i++ {
		if d.Norm == BatchNorm {
			kernel.BatchNormBack(delta.Row(i), nt.hat.Row(i), nt.k, nt.a, nt.c)
		} else {
			kernel.LayerNormBack(delta.Row(i), nt.hat.Row(i), n.params[d.gamma:d.beta], nt.product.Row(i), nt.rstd[i])
		}
	}
}

// columns sums over all rows of layer l, chunk by chunk.
func (n *Network[T]) columns(t *Tape[T], kind passKind, l int) {
	t.pass.n, t.pass.kind, t.pass.first = n, kind, l
	chunks, nt := len(t.chunks), &t.norms[l]
	nt.sums = atLeast(nt.sums, chunks*2*n.layers[l].Units)
	if t.size > 1 && chunks > 1 && t.x.Rows*n.layers[l].Units >= alone/16 {
		t.team.Do(chunks, t.work)
		return
	}
	for i := range chunks {
		t.piece(i)
	}
}

// columnChunk sums over one chunk's rows.
func (n *Network[T]) columnChunk(t *Tape[T], chunk int) {
	l := t.pass.first
	units, nt := n.layers[l].Units, &t.norms[l]
	from, to := t.chunks[chunk].from, t.chunks[chunk].to
	sum, second := nt.sums[2*chunk*units:][:units], nt.sums[(2*chunk+1)*units:][:units]
	hat := nt.hat.Slice(from, to)
	switch t.pass.kind {
	case columnMeans:
		kernel.ColumnSums(sum, hat.Data, hat.Rows, hat.Stride)
	case columnSquares:
		clear(sum)
		for i := range hat.Rows {
			kernel.AddSquares(sum, hat.Row(i), nt.mean)
		}
	case columnGradients:
		delta := t.delta[l].Slice(from, to)
		clear(sum)
		for i := range hat.Rows {
			kernel.AddProducts(sum, delta.Row(i), hat.Row(i))
		}
		kernel.ColumnSums(second, delta.Data, delta.Rows, delta.Stride)
	}
}

// shardSums adds the sums of the chunks of each shard, in float64 and in order. It returns the first
// each of them, shard by shard.
func (nt *normTape[T]) shardSums(t *Tape[T], each int) []float64 {
	nt.own = atLeast(nt.own, len(t.shards.Ends)*each)
	own := nt.own[:len(t.shards.Ends)*each]
	clear(own)
	stride, shard := 2*nt.hat.Cols, 0
	for i, c := range t.chunks {
		for c.to > t.shards.Ends[shard] {
			shard++
		}
		sum := own[shard*each:][:each]
		for j, v := range nt.sums[i*stride:][:each] {
			sum[j] += float64(v)
		}
	}
	return own
}

// mean sets dst to sums divided by a number of rows.
func mean[T Float](dst []T, sums []float64, rows int) {
	for j, sum := range sums {
		dst[j] = T(sum) / T(rows)
	}
}
