package train

import "github.com/gradus-ml/gradus/nn"

// Observer looks on while a run trains; package diagnosis has one. It may use the trainer's Tape, and
// must change nothing else of the run.
type Observer[T nn.Float] interface {
	// Observe sees an update, or of Strides the last of several, before the loop yields it. Where an epoch
	// began with it, before has the network's values before it, else it is nil.
	Observe(s Step, before []T)

	// Alone reports whether the next update must not be made together with others.
	Alone() bool

	// Advise returns what may be tried now that the run has diverged, for the DivergedError.
	Advise() []Remedy

	// State returns all that it remembers, for checkpoints. SetState sets it to that; to nothing, it begins
	// anew. What cannot be its state it refuses, and stays as it was.
	State() []float64
	SetState(state []float64) error
}

// SetObserver has o look on from now on, instead of who did before. It is called before the run begins
// or is restored.
func (t *Trainer[T]) SetObserver(o Observer[T]) { t.observer = o }

// nobody observes a run that has no observer.
type nobody[T nn.Float] struct{}

// Observe sees nothing.
func (nobody[T]) Observe(Step, []T) {}

// Alone asks for nothing.
func (nobody[T]) Alone() bool { return false }

// Advise knows no remedy.
func (nobody[T]) Advise() []Remedy { return nil }

// State is empty, and not nil, so that it has its place in a checkpoint.
func (nobody[T]) State() []float64 { return []float64{} }

// SetState forgets what another observer remembered.
func (nobody[T]) SetState([]float64) error { return nil }

// Progress is how far a run has come: what it costs nothing to ask for.
type Progress struct {
	Epochs  int // done
	Updates int // made
	Rows    int // seen, over all updates

	// Reason is what ended the run, as in Result, and Diverged its error, if it diverged.
	Reason   string
	Diverged *DivergedError

	LearningRate float64 // that the schedule starts from, halved as often as the run has gone back
	BestEpoch    int     // with the best validation score so far; 0: none
	BestLoss     float64 // the validation loss of that epoch
	Fast         bool    // one call makes up to 64 epochs, since net and batch are tiny
}

// Progress returns how far the run has come.
func (t *Trainer[T]) Progress() Progress {
	return Progress{
		Epochs: t.epoch, Updates: t.result.Steps, Rows: t.result.Rows, Reason: t.result.Reason, Diverged: t.divergence,
		LearningRate: t.baseRate(), BestEpoch: t.bestEpoch, BestLoss: t.bestLoss, Fast: t.tiny != nil,
	}
}

// Data returns the rows of the run, the training targets smoothed as LabelSmoothing says. They are the
// run's own, and must not be written to. Those of a Stream are not at hand.
func (t *Trainer[T]) Data() Data[T] { return t.data }

// Tape returns the tape with which the run evaluates its network, with room for 128 rows or all there
// are. Between two updates anyone may use it.
func (t *Trainer[T]) Tape() *nn.Tape[T] { return t.tape }
