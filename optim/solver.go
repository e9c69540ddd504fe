package optim

import (
	"fmt"
	"math"
	"strings"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/kernel"
)

// Solver is an optimizer for the whole batch that evaluates the loss itself, several times an
// iteration: it looks along a direction for a point that is low enough. What it remembers
// between iterations lives in slots and numbers that the trainer owns, saves and restores; all
// start at 0, and the parameters must not change in between. A custom solver implements both
// precisions.
type Solver interface {
	// String is the name under which the solver is stored and chosen.
	String() string
	// Slots is how many vectors as long as the parameters the solver remembers.
	Slots() int
	// Numbers is how many numbers it remembers besides.
	Numbers() int
	// Iterate32 makes one iteration on w. f returns the loss at w, as it is at the call, and
	// sets g to its gradient there.
	Iterate32(f func(g []float32) float64, rate float64, w []float32, slots [][]float32, numbers []float64) Move
	Iterate64(f func(g []float64) float64, rate float64, w []float64, slots [][]float64, numbers []float64) Move
	// Validate reports a hyper-parameter that makes no sense, naming it.
	Validate() error
}

// Move is what an iteration did.
type Move struct {
	Loss        float64 `json:"loss"`        // before it
	Step        float64 `json:"step"`        // how far it went along its direction; 0: nowhere, for w is a minimum as far as the precision shows
	Evaluations int     `json:"evaluations"` // of the loss and its gradient
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
	panic("optim: a precision that is none")
}

// Solvers lists the names ParseSolver knows.
func Solvers() []string { return []string{"lbfgs", "cg"} }

// ParseSolver returns the solver of that name. It has no hyper-parameters to set: the line
// search finds the rate, and what is left hardly matters.
func ParseSolver(name string) (Solver, error) {
	switch name {
	case "lbfgs":
		return NewLBFGS(), nil
	case "cg":
		return NewCG(), nil
	}
	return nil, fmt.Errorf("solver %q is not known; choose one of %s", name, strings.Join(Solvers(), ", "))
}

// What both solvers keep: in the slots the gradient at w, the direction, and both from before
// the iteration; in the numbers whether they have begun, and the loss at w.
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

// flat is the largest element of a gradient at which there is nothing left to do, PyTorch's
// tolerance_grad.
const flat = 1e-7

// begin evaluates the loss at w, if that has not been done, and prepares a search along a
// direction that is still to be set.
func begin[T Float](f func(g []T) float64, w []T, slots [][]T, numbers []float64) line[T] {
	l := line[T]{f: f, w: w, x: slots[slotBefore], d: slots[slotDirection], g: slots[slotGradient]}
	if numbers[numberBegun] == 0 {
		numbers[numberLoss] = f(l.g)
		numbers[numberBegun] = 1
		l.evaluations++
	}
	l.start.f = numbers[numberLoss]
	if !kernel.AllFinite(l.g) {
		l.start.f = math.NaN() // the trainer will say so
	}
	copy(l.x, w)
	copy(slots[slotGradientBefore], l.g)
	return l
}

// largest returns the largest |x|, or NaN if there is one.
func largest[T Float](x []T) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, float64(kernel.Abs(v)))
	}
	return top
}

// firstStep is a cautious step where nothing is known of the curvature, as in PyTorch.
func firstStep[T Float](g []T, rate float64) float64 {
	sum := 0.0
	for _, v := range g {
		sum += float64(kernel.Abs(v))
	}
	return rate * min(1, 1/sum)
}
