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
	return n.BackpropUpdate(t, loss, y, scale, grad, nil)
}

// BackpropUpdate is Backprop that calls update, if it is not nil, for each part of the
// parameters as soon as that part's gradient is there: while it is in the cache, and with a
// team from several goroutines. update may change the parameters from (inclusive) to to
// (exclusive). Every parameter belongs to just one part; the parts are numbered below Parts.
func (n *Network[T]) BackpropUpdate(t *Tape[T], loss Loss, y Matrix[T], scale float64, grad []T, update func(part, from, to int)) float64 {
	n.checkTargets(t, y)
	if len(grad) != len(n.params) {
		panic(fmt.Sprintf("nn: the gradient has %d elements, the network %d parameters", len(grad), len(n.params)))
	}
	if y.Rows == 0 {
		clear(grad)
		if update != nil {
			update(0, 0, len(grad))
		}
		return 0
	}
	last := len(n.layers) - 1
	sum := batchLoss(loss, n.layers[last].Activation, y, t.Z(last), t.A(last), t.Delta(last), T(scale))
	t.pass = pass[T]{n: n, grad: grad, update: update}
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
// layer's first panel, and has it applied.
func (n *Network[T]) gradientPanel(t *Tape[T], i int) {
	p := &n.panels[i]
	x, delta := t.input(p.layer), t.Delta(p.layer)
	dW := n.weightsIn(t.pass.grad, p.layer).Slice(p.from, p.to)
	columns := Matrix[T]{Rows: x.Rows, Cols: p.to - p.from, Stride: x.Stride, Data: x.Data[p.from:]}
	kernel.Gemm(dW.Rows, dW.Cols, x.Rows, columns.view().T(), delta.view(), dW.view(), false)
	d := &n.layers[p.layer]
	if t.pass.update != nil {
		t.pass.update(2*i, d.weight+p.from*d.Units, d.weight+p.to*d.Units)
	}
	if db := n.biasIn(t.pass.grad, p.layer); db != nil && p.from == 0 {
		kernel.ColumnSums(db, delta.Data, delta.Rows, delta.Stride)
		if t.pass.update != nil {
			t.pass.update(2*i+1, d.bias, d.bias+d.Units)
		}
	}
}

// checkTargets panics unless there is a target for each output of the last Forward.
func (n *Network[T]) checkTargets(t *Tape[T], y Matrix[T]) {
	if y.Rows != t.Rows() || y.Cols != n.Outputs() {
		panic(fmt.Sprintf("nn: the targets are %d x %d, the outputs %d x %d", y.Rows, y.Cols, t.Rows(), n.Outputs()))
	}
}
