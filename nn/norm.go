package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Norm is how a layer normalizes s = x·W + b before its activation. With epsilon 1e-5, and
// gamma and beta parameters of a length of the layer's units that start at 1 and 0,
//
//	hat = (s - mean) / √(variance + epsilon)    z = gamma·hat + beta    a = f(z)
//
// BatchNorm takes the mean and the variance of each unit over the rows of the batch (Ioffe and
// Szegedy 2015). A row's outputs then depend on the rows beside it. The whole batch counts,
// however many cores work on it; a batch of one row is refused, for its variance is 0. For
// inference the network keeps running means and variances, which UpdateState moves. A bias has
// no effect under it, beta does its work.
//
// LayerNorm takes those of each row over the layer's units (Ba, Kiros, Hinton 2016), the same in
// training and inference.
//
// The variance divides by the number it sums, n. As in PyTorch, the running variance is of the
// unbiased ones, of n-1, and a running value moves by 0.1 of the difference; Keras moves it by
// 0.01, of the biased ones, and has an epsilon of 1e-3.
type Norm uint8

// The norms.
const (
	NoNorm Norm = iota
	BatchNorm
	LayerNorm
)

const (
	// NormEpsilon is what norms add to a variance, so that none is divided by 0.
	NormEpsilon = 1e-5

	normMomentum = 0.1 // how far a running value moves
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

// chunkRows is how many rows are summed in order; the sums of a batch's chunks are added in
// float64, the first first.
const chunkRows = 128

// normTape is what a tape has of one layer's norm.
type normTape[T Float] struct {
	mean, rstd []T // of BatchNorm a unit's, of LayerNorm rstd a row's: 1/√(variance + epsilon)

	// For training alone.
	hat      Matrix[T] // s, then the normalized s
	variance []T       // of BatchNorm
	grad     []T       // dL/dgamma, then dL/dbeta
	sums     []T       // of chunks of rows, two for each unit and chunk
	k, a, c  []T       // of BatchNorm, see normBack
	product  Matrix[T] // of LayerNorm
}

func newNormTape[T Float](l layer, maxRows int) normTape[T] {
	if l.Norm == LayerNorm {
		return normTape[T]{rstd: make([]T, maxRows)}
	}
	return normTape[T]{mean: make([]T, l.Units), rstd: make([]T, l.Units)}
}

func (t *normTape[T]) forTraining(l layer, maxRows int) {
	t.hat = NewMatrix[T](maxRows, l.Units)
	t.grad = make([]T, 2*l.Units)
	t.sums = make([]T, (maxRows+chunkRows-1)/chunkRows*2*l.Units)
	if l.Norm == LayerNorm {
		t.product = NewMatrix[T](maxRows, l.Units)
		return
	}
	t.variance, t.k, t.a, t.c = make([]T, l.Units), make([]T, l.Units), make([]T, l.Units), make([]T, l.Units)
}

// sum returns where x·W + b of layer l stands: in z, but for a norm where its normalized value
// will: in hat, or in inference where nobody asks for it, in a.
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

// useState has batch normalization in layer l use the running statistics.
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
	if t.x.Rows < 2 {
		panic("nn: batch normalization needs at least 2 rows in a batch of training")
	}
	nt := &t.norms[l]
	n.columns(t, columnMeans, l)
	nt.total(nt.mean, 0, t.x.Rows)
	scale(nt.mean, t.x.Rows)
	n.columns(t, columnSquares, l)
	nt.total(nt.variance, 0, t.x.Rows)
	scale(nt.variance, t.x.Rows)
	setRstd(nt.rstd, nt.variance)
}

// UpdateState moves the running statistics of batch normalization towards those of the batch
// of the tape's last ForwardTraining: mean <- 0.9·mean + 0.1·m, and the variance alike towards
// the unbiased one, of rows-1.
func (n *Network[T]) UpdateState(t *Tape[T]) {
	for l := range n.layers {
		n.UpdateLayerState(t, l)
	}
}

// UpdateLayerState is UpdateState for layer l alone.
func (n *Network[T]) UpdateLayerState(t *Tape[T], l int) {
	d := &n.layers[l]
	if d.Norm != BatchNorm || !t.training {
		return
	}
	unbiased := T(float64(t.x.Rows) / float64(t.x.Rows-1))
	mean, variance := n.state[d.mean:][:d.Units], n.state[d.variance:][:d.Units]
	for j, v := range t.norms[l].variance {
		mean[j] = kernel.FMA(normMomentum, t.norms[l].mean[j], (1-normMomentum)*mean[j])
		variance[j] = kernel.FMA(normMomentum, v*unbiased, (1-normMomentum)*variance[j])
	}
}

// normGradient sets dL/dgamma = Σ_rows dL/dz·hat and dL/dbeta = Σ_rows dL/dz of layer l, whose
// delta is dL/dz, and what normBack needs of them.
func (n *Network[T]) normGradient(t *Tape[T], l int) {
	d, nt := &n.layers[l], &t.norms[l]
	n.columns(t, columnGradients, l)
	dGamma, dBeta := nt.grad[:d.Units], nt.grad[d.Units:]
	nt.total(dGamma, 0, t.x.Rows)
	nt.total(dBeta, 1, t.x.Rows)
	if d.Norm == BatchNorm {
		copy(nt.c, dGamma)
		scale(nt.c, t.x.Rows)
		copy(nt.a, dBeta)
		scale(nt.a, t.x.Rows)
		for j, g := range n.params[d.gamma:d.beta] {
			nt.k[j] = g * nt.rstd[j]
		}
	}
}

// normBack turns some rows of delta = dL/dz of layer l into dL/ds. The mean and the variance
// depend on s too; over the n rows of the batch, or the n units of the row,
//
//	g = delta·gamma    dL/ds = (g - Σg/n - hat·Σ(g·hat)/n) / √(variance + epsilon)
//
// Of BatchNorm gamma stands before all three, so that the sums are those of normGradient.
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
	chunks := (t.x.Rows + chunkRows - 1) / chunkRows
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
	from, to := chunk*chunkRows, min((chunk+1)*chunkRows, t.x.Rows)
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

// total adds the chunks' first or second sums.
func (t *normTape[T]) total(dst []T, which, rows int) {
	for j := range dst {
		sum := 0.0
		for at, left := which*len(dst)+j, rows; left > 0; at, left = at+2*len(dst), left-chunkRows {
			sum += float64(t.sums[at])
		}
		dst[j] = T(sum)
	}
}

// scale divides x by a number of rows.
func scale[T Float](x []T, rows int) {
	for j := range x {
		x[j] /= T(rows)
	}
}
