package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// ErrMemory is wrapped by the error for a run that does not fit in memory.
var ErrMemory = errors.New("not enough memory")

// Tables are the inputs of a run. Validation and Test, if given, replace the parts that
// Options would hold out of Train.
type Tables struct {
	Train, Validation, Test *data.Table

	// Spill stores encoded rows that do not fit in memory; nil: such a run is refused. Cache, if not "", is a folder
	// that keeps these rows, so that the next run on the same rows with the same encoding can read them.
	Spill *data.Spill
	Cache string

	Memory *SharedMemory // shared with other runs at the same time; nil: the run can use all memory

	fold    *fold                    // of a cross-validation: which rows of Train are used for what
	sources func() map[string]Source // of the folds together; see Fit
}

// Fit is a training run on a table. Prepare prepares it, Steps advances it, and at any
// time it can be turned into a Model.
type Fit struct {
	Options  Options // with the defaults filled in
	Schema   *data.Schema
	Encoding *data.Encoding
	Notes    []data.Note // decisions that the caller may not expect, one sentence each
	Rows     Rows

	wide    *data.Encoding // Encoding with the targets of the network's outputs: with bounds, each target three times
	tables  Tables
	parts   parts
	recipe  recipe
	runner  runner
	imputed data.Counts

	ownEpochs bool // no number of epochs was given
	ownRate   bool // no learning rate was given
	adopted   bool // the encoding comes from the model that the run starts from

	sources func() map[string]Source // the tables; their fingerprints are computed once
	summing bool                     // they have been computed in the background since the run was prepared
	bag     *bag                     // the members of an ensemble; nil for one network
	spilled bool                     // the encoded training rows are in a file
	file    io.Closer                // that file
	disk    *data.Spill              // of this run alone; nil: there is none, or it is that of the tables
	ahead   *linearAhead             // nil: see StartLinear
	need    float64                  // bytes taken from the shared memory
	kept    float64                  // the part of need that a model keeps
}

// runner hides the precision of a run.
type runner interface {
	steps(ctx context.Context) iter.Seq2[train.Step, error]
	strides(ctx context.Context) iter.Seq2[train.Step, error]
	result() train.Result
	diagnose() []diagnosis.Finding
	engine() engine
	epoch() int
	retreats() []train.Retreat
	history() train.History
	elapsed() time.Duration
	checkpoint(w io.Writer) error
	restore(c *train.Checkpoint) error
	agreed() bool
	// crossFitted returns predictions for the validation rows at epochs that the rows did not choose. m is the model of the
	// run, or of its bounds. It returns nil if there are no such predictions.
	crossFitted(m *Model) []float64
	encoded(what string) any // the training, validation or test rows, a train.Set[T]; without rows if they were not kept
}

type runnerOf[T nn.Float] struct {
	trainer *train.Trainer[T]
	watcher *diagnosis.Watcher[T]
	data    train.Data[T]
	test    train.Set[T] // see keepsTest
}

func (r runnerOf[T]) encoded(what string) any {
	switch what {
	case "validation":
		return r.data.Validation
	case "test":
		return r.test
	}
	return r.data.Train
}

func (r runnerOf[T]) steps(ctx context.Context) iter.Seq2[train.Step, error] {
	return r.trainer.Steps(ctx)
}
func (r runnerOf[T]) strides(ctx context.Context) iter.Seq2[train.Step, error] {
	return r.trainer.Strides(ctx)
}
func (r runnerOf[T]) result() train.Result          { return r.trainer.Result() }
func (r runnerOf[T]) diagnose() []diagnosis.Finding { return r.watcher.Diagnose() }
func (r runnerOf[T]) engine() engine                { return newEngine(r.trainer.BestNetwork()) }

func (r runnerOf[T]) agreed() bool { return r.trainer.Agreed() }

func (r runnerOf[T]) retreats() []train.Retreat         { return r.trainer.Retreats() }
func (r runnerOf[T]) epoch() int                        { return r.trainer.Epoch() }
func (r runnerOf[T]) history() train.History            { return r.trainer.History() }
func (r runnerOf[T]) elapsed() time.Duration            { return r.trainer.Elapsed() }
func (r runnerOf[T]) checkpoint(w io.Writer) error      { return r.trainer.Checkpoint(w) }
func (r runnerOf[T]) restore(c *train.Checkpoint) error { return r.trainer.Restore(c) }

// Train fits a model to a table and reports on it: Prepare, all Steps, Model. If a run
// diverges, the error is a *train.DivergedError, and the model has the last finite weights. If
// ctx ends, the error wraps train.ErrInterrupted and what ended ctx. The model then has what
// was reached, and the Fit's Steps continue.
func Train(ctx context.Context, table *data.Table, o Options) (*Model, *Fit, error) {
	f, err := Prepare(Tables{Train: table}, o, nil)
	if err != nil {
		return nil, nil, err
	}
	var failed error
	for _, err := range f.Strides(ctx) {
		failed = err
	}
	m, err := f.Model()
	if failed != nil {
		err = failed
	}
	return m, f, err
}

// Release returns the run's memory to its SharedMemory, except the memory of a model that was
// made from the run. Without one it does nothing. The run must not be continued, and has no result any more.
func (f *Fit) Release() {
	f.ahead.end()
	for _, t := range []*data.Table{f.tables.Train, f.tables.Validation, f.tables.Test} {
		if t != nil && t.Spilled() != nil && f.summing {
			f.sum() // it may be reading what the caller is about to close
			break
		}
	}
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
	f.disk.Close()
	if f.bag != nil {
		f.bag.release()
		return
	}
	if f.tables.Memory != nil {
		if f.runner != nil { // its rows must be garbage before another run measures what is free
			f.runner = past{}
		}
		f.tables.Memory.give(f.need, f.kept)
		f.tables.Memory = nil
	}
}

// Steps is the training loop, as in train.Trainer's Steps: an iterator over updates that
// can be left and entered again.
// If the disk fails that holds rows, the error wraps data.ErrSpill, and the run cannot be continued or saved.
func (f *Fit) Steps(ctx context.Context) iter.Seq2[train.Step, error] {
	return guarded(f.runner.steps(ctx))
}

// Strides is Steps for a body that does not need to see every update, as in train.Trainer's Strides.
func (f *Fit) Strides(ctx context.Context) iter.Seq2[train.Step, error] {
	return guarded(f.runner.strides(ctx))
}

// guarded is a loop with a spill.Guard on what it does between two steps.
func guarded(steps iter.Seq2[train.Step, error]) iter.Seq2[train.Step, error] {
	return func(yield func(train.Step, error) bool) {
		inBody := false
		loop := func() (err error) {
			defer spill.Guard(&err)()
			steps(func(s train.Step, err error) bool {
				inBody = true
				next := yield(s, err)
				inBody = false
				return next
			})
			return nil
		}
		err := loop()
		if err != nil && inBody {
			panic(err) // for a Guard of the caller
		}
		if err != nil {
			yield(train.Step{}, err)
		}
	}
}

// Checkpoint writes the full state of the run, as train.Trainer's Checkpoint does. In an ensemble
// each member has its own: see OnMember and EachRunning.
func (f *Fit) Checkpoint(w io.Writer) error { return f.runner.checkpoint(w) }

// Restore continues from a checkpoint of a run with the same tables and options, as
// train.Trainer's Restore does.
func (f *Fit) Restore(c *train.Checkpoint) error { return f.runner.restore(c) }

// Agreed reports whether all ranks had the same weights after the last update, as
// train.Trainer's Agreed does.
func (f *Fit) Agreed() bool { return f.runner.agreed() }

// History returns the course of the run so far, without the pass over the rows that Result makes.
func (f *Fit) History() train.History { return f.runner.history() }

// Said returns the notes, including what the run itself has decided so far.
func (f *Fit) Said() []data.Note {
	said := slices.Clone(f.Notes)
	if f.bag != nil {
		said = append(said, f.bag.said()...)
	}
	for _, r := range f.Retreats() {
		said = append(said, data.Notef("%s", r))
	}
	return said
}

// Retreats returns the points where the run has gone back and halved the rate.
func (f *Fit) Retreats() []train.Retreat { return f.runner.retreats() }

// Epoch returns the number of epochs done.
func (f *Fit) Epoch() int { return f.runner.epoch() }

// Fingerprints returns the fingerprints of the tables "train", "validation" and "test", as data.Table's Fingerprint computes
// them.
func (f *Fit) Fingerprints() map[string]string {
	all := map[string]string{}
	for what, s := range f.sources() {
		all[what] = s.SHA256
	}
	return all
}

// sourcesOf computes the tables' fingerprints.
func sourcesOf(tables Tables) map[string]Source {
	all := map[string]Source{}
	for what, t := range map[string]*data.Table{"train": tables.Train, "validation": tables.Validation, "test": tables.Test} {
		if t != nil {
			all[what] = Source{filepath.Base(t.Name()), t.Rows(), t.Fingerprint()}
		}
	}
	return all
}

// sum computes the fingerprints. If the disk fails, whoever needs them gets the error.
func (f *Fit) sum() {
	var err error
	defer spill.Guard(&err)()
	f.sources()
}

// Result returns the result of the run so far.
func (f *Fit) Result() train.Result { return f.runner.result() }

// Diagnose says why the run, as it is now, did not reach its potential: see package diagnosis. For an
// ensemble it is what was found in its members.
func (f *Fit) Diagnose() []diagnosis.Finding { return f.runner.diagnose() }

// Config returns the trainer's configuration.
func (f *Fit) Config() train.Config { return f.recipe.config }

// Table returns the table trained on.
func (f *Fit) Table() *data.Table { return f.tables.Train }

// Layers returns the network's layers.
func (f *Fit) Layers() []nn.Dense { return slices.Clone(f.recipe.layers) }

// Imputed returns which cells of the training rows were missing or too rare.
func (f *Fit) Imputed() data.Counts { return slices.Clone(f.imputed) }

// Model returns the model in its present state, with its scores on the rows. If early stopping may
// end the run, the model has the best weights so far. The run itself is not changed. An ensemble has
// the members that have ended, or if none has, those in progress.
func (f *Fit) Model() (m *Model, err error) {
	defer spill.Guard(&err)()
	m = f.Unscored()
	return m, f.Score(context.Background(), m)
}

// found returns the diagnosis of a run that has ended; a run in progress has none yet.
func (f *Fit) found(r train.Result) []diagnosis.Finding {
	if r.Reason == "" || r.Reason == train.ReasonInterrupted {
		return nil
	}
	return f.runner.diagnose()
}

// Unscored is Model without the scores, and without a threshold chosen by them.
func (f *Fit) Unscored() *Model {
	if f.bag != nil {
		return f.bag.model()
	}
	r := f.runner.result()
	m := &Model{
		Encoding: f.Encoding, Options: f.Options, Loss: f.recipe.loss, Threshold: f.recipe.threshold, Temperature: 1, engine: f.runner.engine(),
		Training: Training{
			Reason: r.Reason, Converged: r.Converged, Epochs: r.Epochs, Steps: r.Steps, Seconds: r.Seconds,
			Loss: r.Loss, Rows: f.Rows, Diagnosis: f.found(r), History: r.History,
		},
	}
	m.separateBounds()
	if f.tables.fold == nil {
		m.Training.Tables = f.sources()
	}
	if f.recipe.config.KeepBest {
		m.Training.BestEpoch = r.BestEpoch
	}
	f.kept = f.numberSize() * float64(m.Parameters())
	return m
}

// Score sets the temperature, the threshold and the scores of a model made by Unscored. It uses only the rows of the
// run, so the run may continue at the same time. If ctx ends, it returns an error that wraps what ended ctx. It
// checks ctx before the training, the validation and the test rows.
func (f *Fit) Score(ctx context.Context, m *Model) (err error) {
	defer spill.Guard(&err)()
	if err := f.hold(m); err != nil {
		return err
	}
	if err := f.chooseThreshold(m); err != nil {
		return err
	}
	return f.score(ctx, m)
}

// Describe describes the network in words: "8 - 64 relu - 64 relu - 1 identity", or with
// norms and dropout "8 dropout 0.1 - 64 batch-norm relu dropout 0.5 - 1 identity".
func Describe(inputs int, layers []nn.Dense) string {
	parts := []string{fmt.Sprint(inputs)}
	for i, l := range layers {
		if l.Dropout > 0 { // of the layer before
			parts[i] += fmt.Sprintf(" dropout %v", l.Dropout)
		}
		part := fmt.Sprint(l.Units)
		if l.Norm != nn.NoNorm {
			part += fmt.Sprintf(" %s-norm", l.Norm)
		}
		parts = append(parts, part+" "+l.Activation.String())
	}
	return strings.Join(parts, " - ")
}

// Sample returns the run's network in float64 and up to rows of its training rows,
// encoded. It is used to explain the network and to check gradients.
func (f *Fit) Sample(rows int) (net *nn.Network[float64], x, y nn.Matrix[float64], err error) {
	defer spill.Guard(&err)()
	s, _, err := encodeTraining[float64](f, min(rows, len(f.parts.train)))
	return f.runner.engine().double(), s.X, s.Y, err
}

// SampleWeights returns the training weights of the rows of Sample; nil if all have the same weight.
func (f *Fit) SampleWeights(rows int) (w []float64, err error) {
	defer spill.Guard(&err)()
	part := f.parts.train[:min(rows, len(f.parts.train))]
	s, _, err := encode[float64](f.wide, f.tables.Train, part)
	if err != nil {
		return nil, err
	}
	err = weigh(f, &s, f.tables.Train, part)
	return s.W, err
}

// ended returns the error for work that was ended by its context: ctx's own error, and its cause.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
