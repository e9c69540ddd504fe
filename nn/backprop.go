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
	n.checkTargets(t, y)
	if len(grad) != len(n.params) {
		panic(fmt.Sprintf("nn: the gradient has %d elements, the network %d parameters", len(grad), len(n.params)))
	}
	if y.Rows == 0 {
		clear(grad)
		return 0
	}
	last := len(n.layers) - 1
	sum := 0.0
	for i := range y.Rows {
		delta := t.delta[last].Row(i)
		sum += sampleLoss(loss, n.layers[last].Activation, y.Row(i), t.z[last].Row(i), t.a[last].Row(i), delta)
		if scale != 1 {
			for j := range delta {
				delta[j] *= T(scale)
			}
		}
	}
	for l := last; l >= 0; l-- {
		x, delta, dW := t.input(l), t.Delta(l), n.weightsIn(grad, l)
		kernel.Gemm(dW.Rows, dW.Cols, x.Rows, x.view().T(), delta.view(), dW.view(), false)
		if db := n.biasIn(grad, l); db != nil {
			clear(db)
			for i := range delta.Rows {
				for j, d := range delta.Row(i) {
					db[j] += d
				}
			}
		}
		if l > 0 {
			before := t.Delta(l - 1)
			kernel.Gemm(before.Rows, before.Cols, delta.Cols, delta.view(), n.Weights(l).view().T(), before.view(), false)
			for i := range before.Rows {
				timesDerivative(n.layers[l-1].Activation, t.z[l-1].Row(i), t.a[l-1].Row(i), before.Row(i))
			}
		}
	}
	return sum
}

// checkTargets panics unless there is a target for each output of the last Forward.
func (n *Network[T]) checkTargets(t *Tape[T], y Matrix[T]) {
	if y.Rows != t.Rows() || y.Cols != n.Outputs() {
		panic(fmt.Sprintf("nn: the targets are %d x %d, the outputs %d x %d", y.Rows, y.Cols, t.Rows(), n.Outputs()))
	}
}
