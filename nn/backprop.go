package nn

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Backprop computes the gradient of the loss for the batch of the tape's last Forward
// against the targets y. It sets grad = scale · dL/dparams, laid out like Params, and
// returns L, the loss summed over the rows (not scaled). scale is 1 for a sum and 1/rows
// for a mean (Reduction.Scale).
//
// From the last layer to the first,
//
//	delta = scale · dL/da · f'(z)              at the output
//	dL/dW = xᵀ·delta     dL/db = Σ_rows delta  x being the layer's input
//	delta = (delta·Wᵀ) · f'(z)                 in the layer before
//
// Every element of grad is one chain over the rows, in order.
func (n *Network[T]) Backprop(t *Tape[T], loss Loss, y Matrix[T], scale float64, grad []T) float64 {
	if len(grad) != len(n.params) {
		panic(fmt.Sprintf("nn: the gradient has %d elements, the network %d parameters", len(grad), len(n.params)))
	}
	if y.Rows == 0 {
		n.checkTargets(t, y)
		clear(grad)
		return 0
	}
	return n.backprop(t, loss, y, scale, pass[T]{n: n, grad: grad})
}

// An Updater changes parameters by their gradient.
type Updater[T Float] interface {
	// Memory returns what Update will touch for the parameters from (inclusive) to to
	// (exclusive), themselves included.
	Memory(part, from, to int) [][]T
	// Update gets their gradient, which it may change.
	Update(part, from, to int, grad []T)
}

// BackpropUpdate is Backprop that keeps no gradient: it has u change each part of the
// parameters as soon as that part's gradient is there, while it is in the cache, and with a
// team from several goroutines. Every parameter belongs to just one part; the parts are
// numbered below Parts. The batch must have a row.
func (n *Network[T]) BackpropUpdate(t *Tape[T], loss Loss, y Matrix[T], scale float64, u Updater[T]) float64 {
	t.makeSpare(n)
	return n.backprop(t, loss, y, scale, pass[T]{n: n, update: u})
}

func (n *Network[T]) backprop(t *Tape[T], loss Loss, y Matrix[T], scale float64, p pass[T]) float64 {
	n.checkTargets(t, y)
	last := len(n.layers) - 1
	sum := batchLoss(loss, n.layers[last].Activation, y, t.Z(last), t.A(last), t.Delta(last), T(scale))
	t.pass = p
	work := y.Rows * len(n.params)
	t.byRows(deltaRows, work) // all deltas before the first weight changes
	t.pass.kind = gradientPanels
	if t.size > 1 && work >= alone {
		t.team.Do(len(n.panels), t.work)
	} else {
		for i := range n.panels {
			t.piece(i)
		}
	}
	return sum
}

// Parts returns how many parts BackpropUpdate has the parameters in, at most.
func (n *Network[T]) Parts() int { return 2 * len(n.panels) }

// deltaRows takes the deltas of some rows from the last layer back to the first.
func (n *Network[T]) deltaRows(t *Tape[T], from, to int) {
	for l := len(n.layers) - 1; l > 0; l-- {
		delta, before := t.delta[l].Slice(from, to), t.delta[l-1].Slice(from, to)
		kernel.Gemm(before.Rows, before.Cols, delta.Cols, delta.view(), n.Weights(l).view().T(), before.view(), false)
		timesSlope(n.layers[l-1].Activation, t.z[l-1].Slice(from, to), t.a[l-1].Slice(from, to), before)
	}
}

// gradientPanel computes the gradient of a panel of weights, and of the bias with the
// layer's first panel. Where there is an Updater, it is used at once and forgotten.
func (n *Network[T]) gradientPanel(t *Tape[T], i int) {
	p := &n.panels[i]
	d := &n.layers[p.layer]
	x, delta := t.input(p.layer), t.Delta(p.layer)
	columns := Matrix[T]{Rows: x.Rows, Cols: p.to - p.from, Stride: x.Stride, Data: x.Data[p.from:]}
	from, to := d.weight+p.from*d.Units, d.weight+p.to*d.Units
	hasBias := !d.NoBias && p.from == 0
	u := t.pass.update
	if u == nil {
		n.weightGradient(t.pass.grad[from:to], columns, delta, nil)
		if hasBias {
			kernel.ColumnSums(t.pass.grad[d.bias:][:d.Units], delta.Data, delta.Rows, delta.Stride)
		}
		return
	}
	spare := t.takeSpare()
	n.weightGradient(spare.grad[:to-from], columns, delta, u.Memory(2*i, from, to))
	u.Update(2*i, from, to, spare.grad[:to-from])
	if hasBias {
		kernel.ColumnSums(spare.grad[:d.Units], delta.Data, delta.Rows, delta.Stride)
		u.Update(2*i+1, d.bias, d.bias+d.Units, spare.grad[:d.Units])
	}
	spare.busy.Store(false)
}

// weightGradient is dW = xᵀ·delta, and meanwhile brings the slices in next into the cache.
func (n *Network[T]) weightGradient(dW []T, x, delta Matrix[T], next [][]T) {
	c := kernel.View[T]{Data: dW, Row: delta.Cols, Col: 1}
	kernel.GemmFetch(x.Cols, delta.Cols, x.Rows, x.view().T(), delta.view(), c, false, next)
}

// checkTargets panics unless there is a target for each output of the last Forward.
func (n *Network[T]) checkTargets(t *Tape[T], y Matrix[T]) {
	if y.Rows != t.Rows() || y.Cols != n.Outputs() {
		panic(fmt.Sprintf("nn: the targets are %d x %d, the outputs %d x %d", y.Rows, y.Cols, t.Rows(), n.Outputs()))
	}
}
