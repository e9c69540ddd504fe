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

// ErrMemory is wrapped by the refusal of a run that would not fit.
var ErrMemory = errors.New("not enough memory")

// Tables are what a run reads. Validation and Test, where given, replace the parts that
// Options would hold out of Train.
type Tables struct {
	Train, Validation, Test *data.Table

	// Spill is where encoded rows go that do not fit in memory; nil: the run is refused then. Cache, if not "", is a
	// folder in which they stay, so that the next run on the same rows, encoded alike, reads them.
	Spill *data.Spill
	Cache string

	Room *Room // that the run shares with others at the same time; nil: it has all there is

	fold *fold // of a cross-validation: which rows of Train are for what
}

// Fit is a training run on a table: prepared by Prepare, moved by Steps, and at any moment
// a Model.
type Fit struct {
	Options  Options // with the defaults filled in
	Schema   *data.Schema
	Encoding *data.Encoding
	Notes    []data.Note // what was decided that the caller may not expect, a sentence each
	Rows     Rows

	tables  Tables
	parts   parts
	recipe  recipe
	runner  runner
	imputed data.Counts

	ownEpochs bool // nobody asked for a number of epochs
	ownRate   bool // nor for a learning rate
	adopted   bool // the encoding is that of a model the run starts from

	sources func() map[string]Source // the tables, whose fingerprints are made once
	bag     *bag                     // the members of an ensemble; nil of one network
	spilled bool                     // the encoded training rows are in a file
	file    io.Closer                // that one
	need    float64                  // bytes taken from the room
	kept    float64                  // of which a model has so many
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
	encoded(validation bool) any // rows, a train.Set[T]
}

type runnerOf[T nn.Float] struct {
	trainer *train.Trainer[T]
	watcher *diagnosis.Watcher[T]
	data    train.Data[T]
}

func (r runnerOf[T]) encoded(validation bool) any {
	if validation {
		return r.data.Validation
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

// Train fits a model to a table and reports on it: Prepare, all Steps, Model. A run that
// diverges returns a *train.DivergedError; the model then has the last finite weights. When ctx
// ends the error wraps train.ErrInterrupted and what ended ctx; the model then has what was
// reached, and the Fit's Steps continue.
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

// Release gives the run's memory back to the Room it was taken from, apart from that of a
// model that was made of it. Without a Room there is nothing to do. The run must not be
// continued.
func (f *Fit) Release() {
	for _, t := range []*data.Table{f.tables.Train, f.tables.Validation, f.tables.Test} {
		if t != nil && t.Spilled() != nil && f.sources != nil {
			f.sources() // which may be reading what the caller is about to close
			break
		}
	}
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
	if f.bag != nil {
		f.bag.release()
		return
	}
	if f.tables.Room != nil {
		f.tables.Room.give(f.need, f.kept)
		f.tables.Room = nil
	}
}

// Steps is the training loop, train.Trainer's Steps: an iterator over updates that can be
// left and entered again.
func (f *Fit) Steps(ctx context.Context) iter.Seq2[train.Step, error] { return f.runner.steps(ctx) }

// Strides is Steps for a body that need not see every update, train.Trainer's Strides.
func (f *Fit) Strides(ctx context.Context) iter.Seq2[train.Step, error] {
	return f.runner.strides(ctx)
}

// Checkpoint writes all that the run has come to, train.Trainer's Checkpoint. Of an ensemble each
// member has its own: see OnMember and EachRunning.
func (f *Fit) Checkpoint(w io.Writer) error { return f.runner.checkpoint(w) }

// Restore continues from a checkpoint of a run with the same tables and options, train.Trainer's
// Restore.
func (f *Fit) Restore(c *train.Checkpoint) error { return f.runner.restore(c) }

// Agreed reports whether all ranks were found to have the same weights after the last update,
// train.Trainer's Agreed.
func (f *Fit) Agreed() bool { return f.runner.agreed() }

// History returns the course of the run so far, without the pass over the rows that Result makes.
func (f *Fit) History() train.History { return f.runner.history() }

// Said are the notes, and with them what the run itself has decided so far.
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

// Retreats returns where the run has gone back with half the rate.
func (f *Fit) Retreats() []train.Retreat { return f.runner.retreats() }

// Epoch returns the number of epochs done.
func (f *Fit) Epoch() int { return f.runner.epoch() }

// Fingerprints are those of the tables, as data.Table has them.
func (f *Fit) Fingerprints() map[string]string {
	all := map[string]string{}
	for what, s := range f.sources() {
		all[what] = s.SHA256
	}
	return all
}

// sourcesOf reads the tables' fingerprints.
func sourcesOf(tables Tables) map[string]Source {
	all := map[string]Source{}
	for what, t := range map[string]*data.Table{"train": tables.Train, "validation": tables.Validation, "test": tables.Test} {
		if t != nil {
			all[what] = Source{filepath.Base(t.Name()), t.Rows(), t.Fingerprint()}
		}
	}
	return all
}

// Result returns what the run has come to so far.
func (f *Fit) Result() train.Result { return f.runner.result() }

// Diagnose says why the run, as it stands, did not come to what it could have, as package diagnosis has it.
// Of an ensemble it is what was found of its members.
func (f *Fit) Diagnose() []diagnosis.Finding { return f.runner.diagnose() }

// Config returns the trainer's configuration.
func (f *Fit) Config() train.Config { return f.recipe.config }

// Table returns the table trained on.
func (f *Fit) Table() *data.Table { return f.tables.Train }

// Layers returns the network's layers.
func (f *Fit) Layers() []nn.Dense { return slices.Clone(f.recipe.layers) }

// Imputed returns which cells of the training rows were missing or too rare.
func (f *Fit) Imputed() data.Counts { return slices.Clone(f.imputed) }

// Model returns the model as it stands, with its scores on the rows. Of a run that early
// stopping may end, it has the best weights so far. The run itself is not changed. Of an ensemble it
// has the members that have ended, and if none has, those that are under way.
func (f *Fit) Model() (*Model, error) {
	m := f.Unscored()
	return m, f.Score(context.Background(), m)
}

// found is the diagnosis of a run that has ended; of one that goes on there is none yet.
func (f *Fit) found(r train.Result) []diagnosis.Finding {
	if r.Reason == "" || r.Reason == train.ReasonInterrupted {
		return nil
	}
	return f.runner.diagnose()
}

// Unscored is Model without the scores, and without a threshold that they choose.
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
	if f.tables.fold == nil {
		m.Training.Tables = f.sources()
	}
	if f.recipe.config.KeepBest {
		m.Training.BestEpoch = r.BestEpoch
	}
	f.kept = f.numberSize() * float64(m.Parameters())
	return m
}

// Score gives a model of Unscored its temperature, its threshold and its scores. It looks at no more of the run than
// its rows, so the run may go on meanwhile. When ctx ends it returns an error that wraps what
// ended ctx, before it comes to the training, the validation or the test rows.
func (f *Fit) Score(ctx context.Context, m *Model) (err error) {
	defer spill.Catch(&err)
	if err := f.hold(m); err != nil {
		return err
	}
	if err := f.chooseThreshold(m); err != nil {
		return err
	}
	return f.score(ctx, m)
}

// Describe says in words what the network is: "8 - 64 relu - 64 relu - 1 identity", or with
// norms and dropout "8 dropout 0.1 - 64 batch-norm relu dropout 0.5 - 1 identity".
func Describe(inputs int, layers []nn.Dense) string {
	parts := []string{fmt.Sprint(inputs)}
	for i, l := range layers {
		if l.Dropout > 0 { // of what stands before it
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

// Sample returns the run's network in float64 and up to that many of its training rows,
// encoded: what an explanation or a check of gradients looks at.
func (f *Fit) Sample(rows int) (net *nn.Network[float64], x, y nn.Matrix[float64], err error) {
	s, _, err := encodeTraining[float64](f, min(rows, len(f.parts.train)))
	return f.runner.engine().double(), s.X, s.Y, err
}

// SampleWeights returns what the rows of Sample weigh in training; nil where all weigh the
// same.
func (f *Fit) SampleWeights(rows int) ([]float64, error) {
	part := f.parts.train[:min(rows, len(f.parts.train))]
	s, _, err := encode[float64](f.Encoding, f.tables.Train, part)
	if err != nil {
		return nil, err
	}
	err = weigh(f, &s, f.tables.Train, part)
	return s.W, err
}
