package optim

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// AdaGrad divides each gradient by the root of the sum of all its squares so far (Duchi et al.
// 2011), so a weight that has moved a lot moves less from then on:
//
//	v = v + g²
//	w = w - rate·g / (√v + epsilon)
//
// This is PyTorch's form. In Keras the sum starts at 0.1, and epsilon, 1e-7, is inside the root.
type AdaGrad struct {
	Epsilon float64 // 1e-10
}

// NewAdaGrad returns AdaGrad with PyTorch's default.
func NewAdaGrad() AdaGrad { return AdaGrad{Epsilon: 1e-10} }

func (AdaGrad) String() string    { return "adagrad" }
func (AdaGrad) Slots() int        { return 1 }
func (a AdaGrad) Validate() error { return positive("epsilon", a.Epsilon) }

func (a AdaGrad) Update32(s Step, w, g []float32, slots [][]float32) { adagrad(a, s, w, g, slots) }
func (a AdaGrad) Update64(s Step, w, g []float64, slots [][]float64) { adagrad(a, s, w, g, slots) }

func adagrad[T Float](a AdaGrad, s Step, w, g []T, slots [][]T) {
	kernel.AdaGrad(w, g, slots[0], kernel.RuleStep[T]{Rate: T(-s.LearningRate), Epsilon: T(a.Epsilon)})
}

// positive reports a hyper-parameter that is not greater than 0.
func positive(name string, x float64) error {
	if !(x > 0) {
		return fmt.Errorf("%s is %v; it must be greater than 0", name, x)
	}
	return nil
}
