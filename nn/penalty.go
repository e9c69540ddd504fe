package nn

import (
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Penalty is the cost of large weights, which is added to the loss:
//
//	½·L2·Σw² + L1·Σ|w|     dw: L2·w + L1·sign(w), 0 at 0
//
// over the weights of every layer. Biases cost nothing, as in scikit-learn. L2 is PyTorch's
// weight_decay (which includes the biases), twice Keras's l2 and, for batches of B rows,
// scikit-learn's alpha/B. The penalty is added to the reduced gradient, whatever the reduction.
type Penalty struct{ L1, L2 float64 }

// Penalty returns the penalty of the network's weights.
func (n *Network[T]) Penalty(p Penalty) float64 {
	if p == (Penalty{}) {
		return 0
	}
	squares, sizes := 0.0, 0.0
	for l := range n.layers {
		w := n.Weights(l).Data
		squares += kernel.SumSquares(w)
		if p.L1 != 0 {
			for _, v := range w {
				sizes += math.Abs(float64(v))
			}
		}
	}
	return float64(p.L2*squares)/2 + float64(p.L1*sizes)
}

// AddPenalty adds the penalty's gradient to grad. grad belongs to the parameters that start at
// index from.
func (n *Network[T]) AddPenalty(p Penalty, from int, grad []T) {
	if p == (Penalty{}) {
		return
	}
	for l := range n.layers {
		a, b := max(from, n.layers[l].weight), min(from+len(grad), n.layers[l].bias)
		if a >= b {
			continue
		}
		w, g := n.params[a:b], grad[a-from:b-from]
		if p.L2 != 0 {
			kernel.AddScaled(g, w, T(p.L2))
		}
		if p.L1 != 0 {
			kernel.AddSign(g, w, T(p.L1))
		}
	}
}
