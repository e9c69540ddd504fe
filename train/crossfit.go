package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/nn"
)

// crossFit keeps outputs for validation rows, each from an epoch that the row did not choose: see CrossFitted. Its zero
// value keeps nothing.
type crossFit struct {
	weights []float64 // of each part: the weight of all rows of other parts
	best    []float64 // of each part: the lowest mean loss of the rows of other parts so far
	kept    []float64 // of each part: the loss of its own rows after that epoch
	outputs []float64 // for the rows, from those epochs

	// Of the epoch that is judged.
	losses []float64 // of each row, times its weight
	sums   []float64 // of each part: the loss of its rows
	others []float64 // of each part: the mean loss of the rows of other parts
}

// checkParts refuses parts that no row can be judged with.
func checkParts[T nn.Float](what string, s Set[T]) error {
	if s.Parts == nil {
		return nil
	}
	if len(s.Parts) != s.Rows() {
		return fmt.Errorf("%w: there are %d %s rows and %d parts", ErrConfig, s.Rows(), what, len(s.Parts))
	}
	first, several := -1, false
	for i, part := range s.Parts {
		switch {
		case part < 0 || part >= s.Rows():
			return fmt.Errorf("%w: %s row %d is in part %d; parts are numbered from 0 and there are at most as many as rows, %d", ErrConfig, what, i, part, s.Rows())
		case s.W != nil && s.W[i] == 0:
		case first < 0:
			first = part
		default:
			several = several || part != first
		}
	}
	if !several {
		return fmt.Errorf("%w: the %s rows with a weight above 0 are all in one part, so there are no other rows to choose an epoch for it; make two parts or more, or leave Parts out", ErrConfig, what)
	}
	return nil
}

// newCrossFit makes the memory for the validation rows, if they have parts.
func newCrossFit[T nn.Float](s Set[T], outputs int) (c crossFit) {
	if s.Parts == nil {
		return c
	}
	parts := 0
	for _, part := range s.Parts {
		parts = max(parts, part+1)
	}
	c = crossFit{
		weights: make([]float64, parts), best: make([]float64, parts), kept: make([]float64, parts), outputs: make([]float64, s.Rows()*outputs),
		losses: make([]float64, s.Rows()), sums: make([]float64, parts), others: make([]float64, parts),
	}
	for i, part := range s.Parts {
		w := 1.0
		if s.W != nil {
			w = s.W[i]
		}
		c.weights[part] += w
	}
	all := 0.0
	for _, w := range c.weights {
		all += w
	}
	for part := range parts {
		c.weights[part] = all - c.weights[part]
		c.best[part] = math.Inf(1)
	}
	return c
}

// judge takes over the outputs of the epoch whose losses were computed, for the rows of the parts for which it is the best.
func (c *crossFit) judge(parts []int, outputs []float64) {
	if c.outputs == nil {
		return
	}
	clear(c.sums)
	for i, part := range parts {
		c.sums[part] += c.losses[i]
	}
	all := 0.0
	for _, sum := range c.sums {
		all += sum
	}
	for part, sum := range c.sums {
		c.others[part] = (all - sum) / c.weights[part]
	}
	width := len(outputs) / len(parts)
	for i, part := range parts {
		if c.others[part] < c.best[part] {
			copy(c.outputs[i*width:][:width], outputs[i*width:])
		}
	}
	for part, loss := range c.others {
		if loss < c.best[part] {
			c.best[part], c.kept[part] = loss, c.sums[part]
		}
	}
}

// CrossFitted returns the network's outputs for the validation rows, row by row, each as it was after the epoch with the
// lowest validation loss of the rows in other parts: see Set.Parts. A run that keeps its best epoch chooses it by the
// validation rows, so the network's errors on them are lower than on new rows. This is the larger the fewer rows there are. The
// errors of these outputs do not have this bias, since a row has no influence on the epoch. Config.Score and MinDelta are not
// used for it. It is nil without Parts and before the first epoch. The caller may change it.
func (t *Trainer[T]) CrossFitted() []float64 {
	if t.epoch == 0 || t.cross.outputs == nil {
		return nil
	}
	return slices.Clone(t.cross.outputs)
}

// crossFittedScore returns the validation score of the outputs that CrossFitted returns.
func (t *Trainer[T]) crossFittedScore() float64 {
	if t.epoch == 0 || t.cross.outputs == nil {
		return t.bestScore
	}
	if t.cfg.Score != nil {
		return t.cfg.Score(t.cross.outputs)
	}
	loss := 0.0
	for _, own := range t.cross.kept {
		loss += own
	}
	return loss / t.data.Validation.Weight()
}
