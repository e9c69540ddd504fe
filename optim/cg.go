package optim

import "github.com/gradus-ml/gradus/internal/kernel"

// CG is the nonlinear conjugate gradient method of Polak and Ribière (1969). g' is the gradient
// before the last iteration:
//
//	beta = max(0, g·(g - g') / (g'·g'))
//	d = -g + beta·d
//	w = w + a·d
//
// With beta = 0 the direction is -g again. It is also -g if d leads up (Nocedal and Wright's PR+).
// A line search finds the step a. It satisfies the strong Wolfe conditions and leaves at most a tenth of
// the slope. The search starts with the a that promises the same change of the loss as the last one
// did. CG keeps little state, so it suits networks too large for L-BFGS, which needs fewer iterations.
type CG struct{}

// NewCG returns the conjugate gradient method.
func NewCG() CG { return CG{} }

func (CG) String() string  { return "cg" }
func (CG) Slots() int      { return solverSlots }
func (CG) Validate() error { return nil }

// Numbers counts the last step times its slope as an additional number.
func (CG) Numbers() int { return solverNumbers + 1 }

// Iterate32 makes one iteration in float32.
func (CG) Iterate32(f func([]float32) float64, rate float64, w []float32, slots [][]float32, numbers []float64) Move {
	return cg(f, rate, w, slots, numbers)
}

// Iterate64 makes one iteration in float64.
func (CG) Iterate64(f func([]float64) float64, rate float64, w []float64, slots [][]float64, numbers []float64) Move {
	return cg(f, rate, w, slots, numbers)
}

func cg[T Float](f func([]T) float64, rate float64, w []T, slots [][]T, numbers []float64) Move {
	before := slots[slotGradientBefore]
	promised := &numbers[solverNumbers] // 0: straight down
	beta := 0.0
	if *promised != 0 {
		g := slots[slotGradient]
		beta = max(0, (kernel.SumSquares(g)-kernel.Dot(g, before))/kernel.SumSquares(before))
	}
	l := begin(f, w, slots, numbers)
	l.flatter = 0.1
	m := Move{Loss: l.start.f}
	for largest(l.g) > flat {
		kernel.Scale(l.d, T(beta))
		kernel.AddScaled(l.d, l.g, -1)
		l.start.slope = kernel.Dot(l.g, l.d)
		if l.start.slope < 0 {
			first := *promised / l.start.slope
			if !(first > 0) {
				first = firstStep(l.g, rate)
			}
			if p, ok := l.search(first); ok {
				numbers[numberLoss], m.Step = p.f, p.a
				*promised = float64(p.a * l.start.slope)
				break
			}
			copy(l.g, before)
		}
		if *promised == 0 && beta == 0 {
			break // not even straight down
		}
		beta, *promised = 0, 0 // again, straight down
	}
	m.Evaluations = l.evaluations
	return m
}
