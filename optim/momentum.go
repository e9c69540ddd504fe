package optim

import "github.com/gradus-ml/gradus/internal/kernel"

// Momentum is gradient descent with a velocity v (Polyak 1964). With Nesterov it looks one step
// ahead (Nesterov 1983, in the form of Sutskever et al. 2013):
//
//	v = momentum·v + g
//	w = w - rate·v                      momentum
//	w = w - rate·(g + momentum·v)       nesterov
//
// The rate is outside the velocity, as in PyTorch. Keras has it inside
// (v = momentum·v - rate·g), which differs only when the rate changes.
type Momentum struct {
	Momentum float64 // in [0, 1); 0.9 is usual
	Nesterov bool
}

func (m Momentum) String() string {
	if m.Nesterov {
		return "nesterov"
	}
	return "momentum"
}
func (m Momentum) Slots() int      { return 1 }
func (m Momentum) Validate() error { return fraction("momentum", m.Momentum) }

func (m Momentum) Update32(s Step, w, g []float32, slots [][]float32) { momentum(m, s, w, g, slots[0]) }
func (m Momentum) Update64(s Step, w, g []float64, slots [][]float64) { momentum(m, s, w, g, slots[0]) }

func momentum[T Float](m Momentum, s Step, w, g, v []T) {
	rate, mu := T(-s.LearningRate), T(m.Momentum)
	if m.Nesterov {
		kernel.Nesterov(w, g, v, rate, mu)
	} else {
		kernel.Momentum(w, g, v, rate, mu)
	}
}
