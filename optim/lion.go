package optim

import (
	"cmp"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// Lion moves every weight by the rate, whatever the size of its gradient. The direction is the
// sign of a weighted mean of the gradient and its running average (Chen et al. 2023):
//
//	w = w - rate·sign(beta1·m + (1-beta1)·g)
//	m = beta2·m + (1-beta2)·g
//
// Its rate should be 3 to 10 times smaller than Adam's, and its weight decay 3 to 10 times
// larger. The paper's algorithm includes the decay. Here the decay is the trainer's, for any
// optimizer (train.Config.WeightDecay), and 0 by default, as in the paper's code. optax has 0.001.
type Lion struct {
	Beta1 float64 // 0.9
	Beta2 float64 // 0.99
}

// NewLion returns Lion with the paper's defaults.
func NewLion() Lion { return Lion{Beta1: 0.9, Beta2: 0.99} }

func (Lion) String() string { return "lion" }
func (Lion) Slots() int     { return 1 }
func (l Lion) Validate() error {
	return cmp.Or(fraction("beta1", l.Beta1), fraction("beta2", l.Beta2))
}

func (l Lion) Update32(s Step, w, g []float32, slots [][]float32) { lion(l, s, w, g, slots) }
func (l Lion) Update64(s Step, w, g []float64, slots [][]float64) { lion(l, s, w, g, slots) }

func lion[T Float](l Lion, s Step, w, g []T, slots [][]T) {
	kernel.Lion(w, g, slots[0], kernel.RuleStep[T]{
		Rate: T(-s.LearningRate), B1: T(l.Beta1), C1: T(1 - l.Beta1), B2: T(l.Beta2), C2: T(1 - l.Beta2),
	})
}
