package optim

import (
	"cmp"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// AdaDelta is RMSProp that scales its steps u by a running average d of their squares. So a step
// has the unit of the weight and the rate is just a factor (Zeiler 2012):
//
//	v = beta2·v + (1-beta2)·g²
//	u = √(d + epsilon) / √(v + epsilon) · g
//	d = beta2·d + (1-beta2)·u²
//	w = w - rate·u
//
// Beta2 is the paper's rho. The defaults are PyTorch's, with a rate of 1. Keras has 0.95, 1e-7
// and a rate of 0.001, at which it hardly moves.
type AdaDelta struct {
	Beta2   float64 // 0.9
	Epsilon float64 // 1e-6
}

// NewAdaDelta returns AdaDelta with PyTorch's defaults.
func NewAdaDelta() AdaDelta { return AdaDelta{Beta2: 0.9, Epsilon: 1e-6} }

func (AdaDelta) String() string { return "adadelta" }
func (AdaDelta) Slots() int     { return 2 }
func (a AdaDelta) Validate() error {
	return cmp.Or(fraction("beta2", a.Beta2), positive("epsilon", a.Epsilon))
}

func (a AdaDelta) Update32(s Step, w, g []float32, slots [][]float32) { adadelta(a, s, w, g, slots) }
func (a AdaDelta) Update64(s Step, w, g []float64, slots [][]float64) { adadelta(a, s, w, g, slots) }

func adadelta[T Float](a AdaDelta, s Step, w, g []T, slots [][]T) {
	kernel.AdaDelta(w, g, slots[0], slots[1], kernel.RuleStep[T]{
		Rate: T(-s.LearningRate), B2: T(a.Beta2), C2: T(1 - a.Beta2), Epsilon: T(a.Epsilon),
	})
}
