package optim

import (
	"cmp"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// RMSProp divides each gradient by the root of a running average of its square (Tieleman and
// Hinton 2012). With a momentum the steps build up a velocity m:
//
//	v = beta2·v + (1-beta2)·g²
//	w = w - rate·g / (√v + epsilon)                  without momentum
//	m = momentum·m + g / (√v + epsilon),  w = w - rate·m
//
// Beta2 is PyTorch's alpha and Keras's rho. It has Adam's name because it is the same average.
// The defaults are PyTorch's. Keras has 0.9 and, inside the root, 1e-7.
type RMSProp struct {
	Beta2    float64 // 0.99
	Momentum float64 // 0
	Epsilon  float64 // 1e-8
}

// NewRMSProp returns RMSProp with PyTorch's defaults.
func NewRMSProp() RMSProp { return RMSProp{Beta2: 0.99, Epsilon: 1e-8} }

func (RMSProp) String() string { return "rmsprop" }
func (r RMSProp) Slots() int {
	if r.Momentum == 0 {
		return 1
	}
	return 2
}
func (r RMSProp) Validate() error {
	return cmp.Or(fraction("beta2", r.Beta2), fraction("momentum", r.Momentum), positive("epsilon", r.Epsilon))
}

func (r RMSProp) Update32(s Step, w, g []float32, slots [][]float32) { rmsprop(r, s, w, g, slots) }
func (r RMSProp) Update64(s Step, w, g []float64, slots [][]float64) { rmsprop(r, s, w, g, slots) }

func rmsprop[T Float](r RMSProp, s Step, w, g []T, slots [][]T) {
	k := kernel.RuleStep[T]{
		Rate: T(-s.LearningRate), Mu: T(r.Momentum), B2: T(r.Beta2), C2: T(1 - r.Beta2), Epsilon: T(r.Epsilon),
	}
	if r.Momentum == 0 {
		kernel.RMSProp(w, g, slots[0], k)
	} else {
		kernel.RMSPropMomentum(w, g, slots[0], slots[1], k)
	}
}
