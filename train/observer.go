package train

import "github.com/gradus-ml/gradus/nn"

// Observer watches a run while it trains. Package diagnosis has one. It may use the trainer's Tape,
// and must not change anything else of the run.
type Observer[T nn.Float] interface {
	// Observe is called with an update before the loop yields it, or in Strides with the last of several.
	// If an epoch began with this update, before has the network's values before it; otherwise it is nil.
	Observe(s Step, before []T)

	// Alone reports whether the next update must be made separately from others.
	Alone() bool

	// Advise returns what may help after the run has diverged, for the DivergedError.
	Advise() []Remedy

	// State returns everything the observer remembers, for checkpoints. SetState restores it. An empty
	// state makes it start over. If state cannot be its state, SetState returns an error and changes nothing.
	State() []float64
	SetState(state []float64) error
}

// SetObserver makes o watch from now on, instead of any earlier observer. Call it before the run
// begins or is restored.
func (t *Trainer[T]) SetObserver(o Observer[T]) { t.observer = o }

// nobody is the observer of a run without one.
type nobody[T nn.Float] struct{}

// Observe sees nothing.
func (nobody[T]) Observe(Step, []T) {}

// Alone asks for nothing.
func (nobody[T]) Alone() bool { return false }

// Advise knows no remedy.
func (nobody[T]) Advise() []Remedy { return nil }

// State is empty but not nil, so that it has an entry in a checkpoint.
func (nobody[T]) State() []float64 { return []float64{} }

// SetState forgets what another observer remembered.
func (nobody[T]) SetState([]float64) error { return nil }

// Progress is how far a run has come. Asking for it costs nothing.
type Progress struct {
	Epochs  int // epochs done
	Updates int // updates made
	Rows    int // rows seen, over all updates

	// Reason says what ended the run, as in Result. Diverged is the run's error, if it diverged.
	Reason   string
	Diverged *DivergedError

	LearningRate float64 // the rate that the schedule starts from, halved each time the run has gone back
	BestEpoch    int     // the epoch with the best validation score so far; 0: none
	BestLoss     float64 // the validation loss of that epoch
	Fast         bool    // one call makes up to 64 epochs, since network and batch are tiny
}

// Progress returns how far the run has come.
func (t *Trainer[T]) Progress() Progress {
	return Progress{
		Epochs: t.epoch, Updates: t.result.Steps, Rows: t.result.Rows, Reason: t.result.Reason, Diverged: t.divergence,
		LearningRate: t.baseRate(), BestEpoch: t.bestEpoch, BestLoss: t.bestLoss, Fast: t.tiny != nil,
	}
}

// Data returns the rows of the run. The training targets are smoothed as LabelSmoothing says. The rows
// are the run's own and must not be written to. The rows of a Stream are not included.
func (t *Trainer[T]) Data() Data[T] { return t.data }

// Tape returns the tape with which the run evaluates its network. It has room for at least 256 rows, or for all rows if there
// are fewer. Between two updates anyone may use it.
func (t *Trainer[T]) Tape() *nn.Tape[T] { return t.tape }
