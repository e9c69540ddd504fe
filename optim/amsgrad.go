package optim

import "github.com/gradus-ml/gradus/internal/kernel"

// AMSGrad is Adam that divides by the largest v so far, so a decreasing v never makes a
// weight's step larger (Reddi et al. 2018):
//
//	m, v as in Adam,  top = max(top, v)
//	w = w - rate/(1-beta1ⁿ) · m / (√top/√(1-beta2ⁿ) + epsilon)
//
// The correction is outside the maximum, as in PyTorch and Keras. The paper has no correction;
// optax takes the maximum of the corrected v.
type AMSGrad struct{ Adam }

// NewAMSGrad returns AMSGrad with Adam's defaults.
func NewAMSGrad() AMSGrad { return AMSGrad{NewAdam()} }

func (AMSGrad) String() string { return "amsgrad" }
func (AMSGrad) Slots() int     { return 3 }

func (a AMSGrad) Update32(s Step, w, g []float32, slots [][]float32) { amsgrad(a, s, w, g, slots) }
func (a AMSGrad) Update64(s Step, w, g []float64, slots [][]float64) { amsgrad(a, s, w, g, slots) }

func amsgrad[T Float](a AMSGrad, s Step, w, g []T, slots [][]T) {
	k := adamStep[T](a.Adam, s)
	k.Rate = T(-s.LearningRate / (1 - kernel.Powi(a.Beta1, s.N)))
	kernel.AMSGrad(w, g, slots[0], slots[1], slots[2], k)
}

// adamStep returns what the optimizers of Adam's family have in common. Each sets the rate itself.
func adamStep[T Float](a Adam, s Step) kernel.RuleStep[T] {
	return kernel.RuleStep[T]{
		Root: T(1 / kernel.Sqrt(1-kernel.Powi(a.Beta2, s.N))),
		B1:   T(a.Beta1), C1: T(1 - a.Beta1),
		B2: T(a.Beta2), C2: T(1 - a.Beta2),
		Epsilon: T(a.Epsilon),
	}
}
