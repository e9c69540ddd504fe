package train

import (
	"cmp"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// ReasonMinimum is the Reason of a run that ends because its solver finds no lower point: the gradient is 0, or
// the loss changes by less than the precision can show.
const ReasonMinimum = "minimum"

// Slots returns how many vectors as long as the parameters the run's optimizer keeps.
func (c *Config) Slots() int {
	if c.Solver != nil {
		return c.Solver.Slots()
	}
	return c.optimizer().Slots()
}

// OptimizerName returns the name of the run's optimizer or solver.
func (c *Config) OptimizerName() string {
	if c.Solver != nil {
		return c.Solver.String()
	}
	return c.optimizer().String()
}

// optimizer returns the run's optimizer, unless it has a solver.
func (c *Config) optimizer() optim.Optimizer {
	return cmp.Or[optim.Optimizer](c.Optimizer, optim.NewAdam())
}

// solving is the course of a solver: each epoch is one update, an iteration of the solver over all rows.
// The rows count once for every evaluation.
type solving[T nn.Float] struct{ passes[T] }

func (solving[T]) step(t *Trainer[T]) (Step, error) {
	t.keepGood()
	restore := func() {}
	if t.stream != nil { // which may fail between two evaluations
		restore = t.keep()
	}
	s := t.iterate()
	if err := cmp.Or(t.together.failed(), t.stream.failed()); err != nil {
		restore()
		return s, err
	}
	if !float.Finite(s.Loss) {
		return s, &DivergedError{Epoch: s.Epoch, Step: s.N, Loss: s.Loss, LearningRate: s.LearningRate}
	}
	t.result.Steps++
	t.result.Rows += s.evaluations * t.rows
	t.takeAverage(s.N)
	t.lossSum = float64(s.Loss * s.weight)
	err := t.endPass(&s)
	if err == nil && !t.finished && s.LearningRate == 0 {
		err = t.finish(ReasonMinimum, s)
	}
	return s, err
}

// iterate makes one iteration of the solver on the network's parameters.
func (t *Trainer[T]) iterate() Step {
	if t.objective == nil {
		t.objective = t.evaluate
	}
	penalty := t.net.Penalty(t.cfg.Penalty)
	m := optim.Iterate(t.cfg.Solver, t.objective, t.baseRate(), t.net.Params(), t.slots, t.numbers)
	return Step{
		N: t.result.Steps + 1, Updates: 1, Epoch: t.epoch + 1, Rows: t.rows, weight: t.weight, evaluations: m.Evaluations,
		Loss: m.Loss - penalty, LearningRate: m.Step, Validation: math.NaN(), Score: math.NaN(),
	}
}

// evaluate is the function that a solver minimizes: the loss over all training rows plus the
// penalty. It sets grad to the gradient.
func (t *Trainer[T]) evaluate(grad []T) float64 {
	all := t.all()
	scale := t.cfg.Reduction.Scale(all.Rows(), all.W)
	loss := t.gradient(all, scale) * scale
	copy(grad, t.grad)
	t.net.AddPenalty(t.cfg.Penalty, 0, grad)
	return loss + t.net.Penalty(t.cfg.Penalty)
}
