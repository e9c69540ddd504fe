package optim

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// LBFGS moves along -H·g, where H approximates the inverse Hessian from the last Memory
// iterations (Nocedal 1980; Liu and Nocedal 1989). With s the change of the parameters in an
// iteration, y the change of the gradient, and rho = 1/(s·y),
//
//	q = g;          from the newest to the oldest:  alpha = rho·(s·q),  q = q - alpha·y
//	q = q·(s·y)/(y·y) of the newest
//	from the oldest to the newest:                  q = q + s·(alpha - rho·(y·q))
//	w = w - a·q
//
// a is found by a line search for the strong Wolfe conditions, which starts with the rate, 1.
// Memory is 10, as in SciPy. PyTorch has 100 and by default no line search.
type LBFGS struct {
	Memory int
}

// NewLBFGS returns L-BFGS with SciPy's memory.
func NewLBFGS() LBFGS { return LBFGS{Memory: 10} }

func (LBFGS) String() string { return "lbfgs" }
func (s LBFGS) Slots() int   { return solverSlots + 2*s.Memory }

// Numbers counts, besides the numbers of every solver, the number of pairs so far, and rho and
// alpha of each pair.
func (s LBFGS) Numbers() int { return solverNumbers + 1 + 2*s.Memory }

func (s LBFGS) Validate() error {
	if s.Memory < 1 {
		return fmt.Errorf("the memory of L-BFGS is %d pairs; it must be at least 1, and NewLBFGS takes 10", s.Memory)
	}
	return nil
}

// Iterate32 makes one iteration in float32.
func (s LBFGS) Iterate32(f func([]float32) float64, rate float64, w []float32, slots [][]float32, numbers []float64) Move {
	return lbfgs(s, f, rate, w, slots, numbers)
}

// Iterate64 makes one iteration in float64.
func (s LBFGS) Iterate64(f func([]float64) float64, rate float64, w []float64, slots [][]float64, numbers []float64) Move {
	return lbfgs(s, f, rate, w, slots, numbers)
}

func lbfgs[T Float](s LBFGS, f func([]T) float64, rate float64, w []T, slots [][]T, numbers []float64) Move {
	l := begin(f, w, slots, numbers)
	l.flatter = 0.9
	m := Move{Loss: l.start.f}
	p := pairs[T]{slots[solverSlots:], s.Memory, &numbers[solverNumbers], numbers[solverNumbers+1:]}
	for largest(l.g) > flat {
		p.direction(l.d, l.g)
		l.start.slope = kernel.Dot(l.g, l.d)
		first := rate
		if *p.count == 0 {
			first = firstStep(l.g, rate)
		}
		if l.start.slope < 0 {
			if at, ok := l.search(first); ok {
				numbers[numberLoss], m.Step = at.f, at.a
				p.remember(w, l.x, l.g, slots[slotGradientBefore])
				break
			}
			copy(l.g, slots[slotGradientBefore])
		}
		if *p.count == 0 {
			break // not even straight down
		}
		*p.count = 0 // again, without what was learned
	}
	m.Evaluations = l.evaluations
	return m
}

// pairs are the last changes s of the parameters and y of the gradient. Pair k is in place k
// modulo memory, s before y.
type pairs[T Float] struct {
	slots   [][]T
	memory  int
	count   *float64  // pairs made so far
	numbers []float64 // rho of each place, then alpha
}

func (p *pairs[T]) at(k int) (s, y []T, rho, alpha *float64) {
	k %= p.memory
	return p.slots[2*k], p.slots[2*k+1], &p.numbers[k], &p.numbers[p.memory+k]
}

// direction sets d = -H·g.
func (p *pairs[T]) direction(d, g []T) {
	copy(d, g)
	kernel.Scale(d, -1)
	newest, oldest := int(*p.count)-1, max(0, int(*p.count)-p.memory)
	for k := newest; k >= oldest; k-- {
		s, y, rho, alpha := p.at(k)
		*alpha = *rho * kernel.Dot(s, d)
		kernel.AddScaled(d, y, T(-*alpha))
	}
	if newest >= 0 {
		_, y, rho, _ := p.at(newest)
		kernel.Scale(d, T(1/float64(*rho*kernel.SumSquares(y))))
	}
	for k := oldest; k <= newest; k++ {
		s, y, rho, alpha := p.at(k)
		kernel.AddScaled(d, s, T(*alpha-float64(*rho*kernel.Dot(y, d))))
	}
}

// remember stores the changes of the parameters and the gradient in place of the oldest pair.
// Rounding can produce a pair without upward curvature. Such a pair would spoil H, so it is left out.
func (p *pairs[T]) remember(w, before, g, gBefore []T) {
	const epsilon = 0x1p-52 // SciPy's condition
	s, y, rho, _ := p.at(int(*p.count))
	for i := range s {
		s[i], y[i] = w[i]-before[i], g[i]-gBefore[i]
	}
	if sy := kernel.Dot(s, y); sy > float64(epsilon*kernel.SumSquares(y)) {
		*rho = 1 / sy
		*p.count++
	}
}
