package optim

import (
	"cmp"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// Adam rescales each gradient by running averages of itself and of its square (Kingma and
// Ba 2014). At update n:
//
//	m = beta1·m + (1-beta1)·g
//	v = beta2·v + (1-beta2)·g²
//	w = w - rate/(1-beta1ⁿ) · m / (√v/√(1-beta2ⁿ) + epsilon)
//
// Epsilon is outside the corrected root, as in PyTorch. TensorFlow's "epsilon hat" is inside.
type Adam struct {
	Beta1   float64 // 0.9
	Beta2   float64 // 0.999
	Epsilon float64 // 1e-8
}

// NewAdam returns Adam with the paper's defaults.
func NewAdam() Adam { return Adam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8} }

func (Adam) String() string { return "adam" }
func (Adam) Slots() int     { return 2 }

func (a Adam) Validate() error {
	return cmp.Or(fraction("beta1", a.Beta1), fraction("beta2", a.Beta2), positive("epsilon", a.Epsilon))
}

func (a Adam) Update32(s Step, w, g []float32, slots [][]float32) { adam(a, 1, s, w, g, slots) }
func (a Adam) Update64(s Step, w, g []float64, slots [][]float64) { adam(a, 1, s, w, g, slots) }

// adam is Adam's update after the parameters have been multiplied by keep.
func adam[T Float](a Adam, keep float64, s Step, w, g []T, slots [][]T) {
	kernel.Adam(w, g, slots[0], slots[1], kernel.AdamStep[T]{
		Rate: T(-s.LearningRate / (1 - kernel.Powi(a.Beta1, s.N))),
		Root: T(1 / kernel.Sqrt(1-kernel.Powi(a.Beta2, s.N))),
		B1:   T(a.Beta1), C1: T(1 - a.Beta1),
		B2: T(a.Beta2), C2: T(1 - a.Beta2),
		Epsilon: T(a.Epsilon),
		Keep:    T(keep),
	})
}
