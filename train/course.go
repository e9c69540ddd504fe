package train

import (
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// course is how the updates of a run go through its rows. A course has no state: what it needs is in
// the Trainer, and so in the run's checkpoints.
type course[T nn.Float] interface {
	// step makes the next update. If that is an epoch's last, it ends the epoch, and if it is the run's
	// last, the run.
	step(t *Trainer[T]) (Step, error)

	// coming returns the rows of the next update: positions from (inclusive) to to (exclusive) of the
	// order that is drawn for that epoch.
	coming(t *Trainer[T]) (epoch, from, to int)

	// until returns the Config.Epochs of a run that continues for that many more epochs.
	until(t *Trainer[T], more int) int

	// reaches reports whether a run can be between two updates at that position with that many samples done.
	reaches(t *Trainer[T], position, samples int) bool
}

// newCourse returns the course that a configuration asks for.
func newCourse[T nn.Float](c *Config) course[T] {
	switch {
	case c.Solver != nil:
		return solving[T]{}
	case c.Method == PerSample:
		return perSample[T]{}
	}
	return passes[T]{}
}

// passes is the course of batch, stochastic and mini-batch descent: each epoch is one pass over all rows.
type passes[T nn.Float] struct{}

func (passes[T]) step(t *Trainer[T]) (Step, error) {
	if t.prefetch != nil && !t.prefetch.follows(t.number()) { // the run has gone back
		t.stopPrefetch()
	}
	if t.position == 0 {
		t.keepGood()
		t.lossSum = 0
		t.drawOrder()
	}
	_, from, to := t.course.coming(t)
	b, err := t.batch(from, to)
	if err != nil {
		return Step{}, err
	}
	s, err := t.update(b, t.place())
	s.Epoch = t.epoch + 1
	if t.cfg.BatchSize == 1 {
		s.Row = t.rowAt(from)
	}
	if err != nil {
		return s, err
	}
	t.lossSum += float64(s.Loss * s.weight)
	t.position = to
	if to == t.rows {
		err = t.endPass(&s)
	}
	return s, err
}

func (passes[T]) coming(t *Trainer[T]) (epoch, from, to int) {
	return t.epoch, t.position, t.batchEnd(t.position)
}

func (passes[T]) until(t *Trainer[T], more int) int { return t.epoch + more }

func (passes[T]) reaches(t *Trainer[T], position, samples int) bool {
	return position < t.rows && position%t.cfg.BatchSize == 0 && samples == 0
}

// drawOrder draws the order of the rows in which the next update finds its own.
func (t *Trainer[T]) drawOrder() {
	if t.order == nil {
		return
	}
	epoch, _, _ := t.course.coming(t)
	if t.prefetch != nil {
		t.order = t.prefetch.order(epoch)
		return
	}
	rng.Perm(t.order, t.cfg.Seed, rng.Shuffle, uint64(epoch))
}

// endPass ends an epoch over all rows, and the run if that was its last epoch.
func (t *Trainer[T]) endPass(s *Step) error {
	t.position = 0
	t.epochLoss = t.lossSum / t.weight
	if err := t.closeEpoch(s); err != nil || t.finished || t.epoch < t.cfg.Epochs {
		return err
	}
	return t.finish(ReasonEpochs, *s)
}

// batchEnd returns the end of the batch that begins at position from of the epoch. With batch
// normalization, the last batch takes in a row that would otherwise be a batch of one.
func (t *Trainer[T]) batchEnd(from int) int {
	if to := from + t.cfg.BatchSize; to < t.rows-t.lonely {
		return to
	}
	return t.rows
}

func (t *Trainer[T]) stepsPerEpoch() int {
	rows := t.rows - t.lonely
	return max(1, (rows+t.cfg.BatchSize-1)/t.cfg.BatchSize)
}

// place returns the position of the next update in the run, for the schedule.
func (t *Trainer[T]) place() optim.Position {
	return optim.Position{Step: t.result.Steps, StepsPerEpoch: t.stepsPerEpoch(), Epochs: t.cfg.Epochs}
}
