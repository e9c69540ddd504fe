package optim

import (
	"fmt"
	"math"
	"strings"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// Solver is an optimizer for the whole batch that evaluates the loss itself, several times per
// iteration. It searches along a direction for a point that is low enough. Its state between
// iterations is in slots and numbers that the trainer owns, saves and restores. All start at 0,
// and the parameters must not change between iterations. A custom solver implements both
// precisions.
type Solver interface {
	// String returns the name under which the solver is stored and chosen.
	String() string
	// Slots returns how many vectors as long as the parameters the solver keeps.
	Slots() int
	// Numbers returns how many other numbers it keeps.
	Numbers() int
	// Iterate32 makes one iteration on w. f returns the loss at the current value of w and sets
	// g to its gradient there.
	Iterate32(f func(g []float32) float64, rate float64, w []float32, slots [][]float32, numbers []float64) Move
	Iterate64(f func(g []float64) float64, rate float64, w []float64, slots [][]float64, numbers []float64) Move
	// Validate reports the first hyper-parameter that makes no sense, by name.
	Validate() error
}

// Move is the outcome of an iteration.
type Move struct {
	Loss        float64 `json:"loss"`        // before the iteration
	Step        float64 `json:"step"`        // how far it went along its direction; 0: nowhere, because the precision shows no lower point
	Evaluations int     `json:"evaluations"` // number of evaluations of the loss and its gradient
}

// MarshalJSON writes null for a number that is not finite.
func (m Move) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(m) }

// UnmarshalJSON reads null as NaN.
func (m *Move) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, m) }

// Iterate calls the method of s for the precision of w.
func Iterate[T Float](s Solver, f func(g []T) float64, rate float64, w []T, slots [][]T, numbers []float64) Move {
	switch w := any(w).(type) {
	case []float32:
		return s.Iterate32(any(f).(func([]float32) float64), rate, w, any(slots).([][]float32), numbers)
	case []float64:
		return s.Iterate64(any(f).(func([]float64) float64), rate, w, any(slots).([][]float64), numbers)
	}
	panic("optim: Iterate: the parameters are neither float32 nor float64")
}

// solvers is the one table of the solvers.
var solvers = []struct {
	name string
	make func() Solver
}{
	{"lbfgs", func() Solver { return NewLBFGS() }},
	{"cg", func() Solver { return NewCG() }},
}

// Solvers lists the names ParseSolver knows.
func Solvers() []string {
	names := make([]string, len(solvers))
	for i, s := range solvers {
		names[i] = s.name
	}
	return names
}

// ParseSolver returns the solver of that name. There are no hyper-parameters to set: the line
// search finds the rate, and the others hardly matter.
func ParseSolver(name string) (Solver, error) {
	for _, s := range solvers {
		if s.name == name {
			return s.make(), nil
		}
	}
	return nil, fmt.Errorf("solver %q is not known; choose one of %s", name, strings.Join(Solvers(), ", "))
}

// These are the slots and the numbers of both solvers. The slots are the gradient at w, the direction, and the parameters and
// the gradient from before the iteration. The numbers are whether the solver has begun, and the loss at w.
const (
	slotGradient = iota
	slotDirection
	slotBefore
	slotGradientBefore
	solverSlots
)
const (
	numberBegun = iota
	numberLoss
	solverNumbers
)

// flat is the largest element of a gradient at which there is nothing left to do. It is
// PyTorch's tolerance_grad.
const flat = 1e-7

// begin evaluates the loss at w, if that has not been done, and prepares a search along a
// direction that the caller sets.
func begin[T Float](f func(g []T) float64, w []T, slots [][]T, numbers []float64) line[T] {
	l := line[T]{f: f, w: w, x: slots[slotBefore], d: slots[slotDirection], g: slots[slotGradient]}
	if numbers[numberBegun] == 0 {
		numbers[numberLoss] = f(l.g)
		numbers[numberBegun] = 1
		l.evaluations++
	}
	l.start.f = numbers[numberLoss]
	if !kernel.AllFinite(l.g) {
		l.start.f = math.NaN() // the trainer reports it
	}
	copy(l.x, w)
	copy(slots[slotGradientBefore], l.g)
	return l
}

// largest returns the largest |x|, or NaN if x has one.
func largest[T Float](x []T) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, float64(kernel.Abs(v)))
	}
	return top
}

// firstStep returns a cautious step for when nothing is known about the curvature, as in PyTorch.
func firstStep[T Float](g []T, rate float64) float64 {
	sum := 0.0
	for _, v := range g {
		sum += float64(kernel.Abs(v))
	}
	return rate * min(1, 1/sum)
}
