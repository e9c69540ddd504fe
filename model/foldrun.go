package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/train"
)

// The folds of a cross-validation and the members of an ensemble do not depend on each other, so they
// can be trained on other machines. Options.Elsewhere requests one there, where TrainFold or TrainMember makes it.

// FoldRun is the result of one fold of a cross-validation, or of one member of an ensemble.
type FoldRun struct {
	Model *Model              // its test rows are the fold's
	Notes []data.Note         // decisions of its run
	Of    train.Result        // of a member
	Found []diagnosis.Finding // of a member: the diagnosis of its run
	Rows  []int               // of a member: the rows that chose its epoch; it has not seen them

	// Predictions of a member for Rows, and of its bounds, at epochs that the row did not choose. They are empty without such
	// epochs: see Fit's OutOfFold.
	Predictions, Bounds []float64
}

// foldRunJSON is a FoldRun as JSON has it.
type foldRunJSON struct {
	Model []byte              `json:"model"` // the bytes of the model's file
	Notes []data.Note         `json:"notes"`
	Of    train.Result        `json:"of"`
	Found []diagnosis.Finding `json:"found"`
	Rows  []int               `json:"rows"`

	Predictions []float64 `json:"predictions,omitempty"`
	Bounds      []float64 `json:"bounds,omitempty"`
}

// MarshalJSON writes the model as the bytes of its file, so that another process has the same bits.
func (r FoldRun) MarshalJSON() ([]byte, error) {
	var file bytes.Buffer
	if err := r.Model.Write(&file); err != nil {
		return nil, err
	}
	return json.Marshal(foldRunJSON{file.Bytes(), r.Notes, r.Of, r.Found, r.Rows, r.Predictions, r.Bounds})
}

// UnmarshalJSON reads what MarshalJSON wrote. The model must have no custom parts.
func (r *FoldRun) UnmarshalJSON(text []byte) error { return r.unmarshal(text) }

func (r *FoldRun) unmarshal(text []byte, custom ...Custom) error {
	var came foldRunJSON
	if err := json.Unmarshal(text, &came); err != nil {
		return err
	}
	m, err := Read(bytes.NewReader(came.Model), custom...)
	*r = FoldRun{Model: m, Notes: came.Notes, Of: came.Of, Found: came.Found, Rows: came.Rows, Predictions: came.Predictions, Bounds: came.Bounds}
	return err
}

// TrainFold trains and scores fold i, from 0, of k on the training table, as CrossValidate does.
func TrainFold(ctx context.Context, tables Tables, o Options, k, i int) (r *FoldRun, err error) {
	defer spill.Guard(&err)()
	_, folds, _, err := o.crossed(tables, k)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= k {
		return nil, refuse("Folds", nil, "there is no fold %d of %d", i, k)
	}
	tables.fold = &folds[i]
	return trainFold(ctx, tables, o)
}

// trainFold trains and scores one fold, on one core.
func trainFold(ctx context.Context, tables Tables, o Options) (*FoldRun, error) {
	// Options are filled in by a run, so each has a copy.
	o.Metrics, o.Targets = slices.Clone(o.Metrics), slices.Clone(o.Targets)
	o.Threads, o.Elsewhere = 1, nil
	f, err := trained(ctx, tables, o)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	m, err := f.Model()
	if err != nil {
		return nil, err
	}
	if err := f.CompareLinear(ctx, m); err != nil {
		return nil, fmt.Errorf("%w: %w", train.ErrInterrupted, err)
	}
	return &FoldRun{Model: m, Notes: f.Notes}, nil
}

// trained runs a training to its end.
func trained(ctx context.Context, tables Tables, o Options) (*Fit, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", train.ErrInterrupted, ended(ctx))
	}
	f, err := Prepare(tables, o, nil)
	if err != nil {
		return nil, err
	}
	for s, err := range f.Strides(ctx) {
		if err != nil {
			f.Release()
			return nil, err
		}
		if o.Step != nil {
			o.Step(0, f, s)
		}
	}
	return f, nil
}

// TrainMember trains member k of the run's ensemble from the start, on one core, and does not change
// the run. It may be called from several goroutines.
func (f *Fit) TrainMember(ctx context.Context, k int) (r *FoldRun, err error) {
	defer spill.Guard(&err)()
	t, o, err := f.alone(k)
	if err != nil {
		return nil, err
	}
	own, err := trained(ctx, t, o)
	if err != nil {
		return nil, err
	}
	defer own.Release()
	m := member{fit: own}
	if err := m.score(f.bag.inFolds); err != nil {
		return nil, err
	}
	run := m.run()
	run.Notes = own.Notes
	return run, nil
}

// PrepareMember prepares the run of member k of the run's ensemble as a separate run on one core, to be watched
// step by step. Its bits are the same as those of the member in the ensemble. The run is not changed.
func (f *Fit) PrepareMember(k int) (*Fit, error) {
	t, o, err := f.alone(k)
	if err != nil {
		return nil, err
	}
	t.Memory = nil // it waits for no other run
	return Prepare(t, o, nil)
}

// alone returns the data and the options that member k is trained with, on one core.
func (f *Fit) alone(k int) (Tables, Options, error) {
	if k < 0 || k >= f.Members() || f.bag == nil {
		return Tables{}, Options{}, refuse("Members", nil, "there is no member %d of %d", k, f.Members())
	}
	of := f.bag.members[k]
	o := of.options
	o.Metrics, o.Targets = slices.Clone(o.Metrics), slices.Clone(o.Targets)
	o.Threads = 1
	return of.tables, o, nil
}

// elsewhere makes another machine train member k.
func (b *bag) elsewhere(ctx context.Context, k int, over func() bool) error {
	if limit := b.fit.Options.MaxTime; limit > 0 {
		defer time.AfterFunc(limit-b.seconds(), func() { over() }).Stop()
	}
	run, err := b.fit.Options.Elsewhere(ctx, k)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	return b.take(k, run, true)
}

// take takes over the run of another process as that of member k. ended is false if the process was told to stop before the
// member ended.
func (b *bag) take(k int, run *FoldRun, ended bool) error {
	m := b.members[k]
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.fit != nil {
		m.fit.Release()
		m.fit = nil
	}
	m.model, m.result, m.found, m.rows, m.says, m.bounds = run.Model, run.Of, run.Found, run.Rows, run.Predictions, run.Bounds
	if m.crossFitted = len(m.says) > 0; b.inFolds && !m.crossFitted {
		if err := m.predict(m.tables.Train); err != nil {
			return err
		}
	}
	if !ended {
		return nil
	}
	f := *b.fit
	f.Options.Seed, f.runner, f.bag = m.options.Seed, past{m.result, m.found, m.model.network(), true}, nil
	if err := b.told(b.end, k, &f); err != nil {
		return err
	}
	m.ended = true
	return nil
}

// Distant reports whether the run is that of a member that another process has trained. It has no checkpoint here.
func (f *Fit) Distant() bool {
	p, is := f.runner.(past)
	return is && p.distant
}

// past is a run that has ended, without its rows: here, or in another process.
type past struct {
	came    train.Result
	found   []diagnosis.Finding
	net     engine
	distant bool // another process trained the network
}

var errPast = errors.New("the run has ended, and its state is gone: only a run in progress has a checkpoint")

func (p past) steps(ctx context.Context) iter.Seq2[train.Step, error] { return p.strides(ctx) }
func (p past) strides(context.Context) iter.Seq2[train.Step, error] {
	return func(func(train.Step, error) bool) {}
}
func (p past) result() train.Result            { return p.came }
func (p past) diagnose() []diagnosis.Finding   { return p.found }
func (p past) engine() engine                  { return p.net }
func (p past) epoch() int                      { return p.came.Epochs }
func (p past) retreats() []train.Retreat       { return p.came.Retreats }
func (p past) history() train.History          { return p.came.History }
func (p past) elapsed() time.Duration          { return time.Duration(p.came.Seconds * float64(time.Second)) }
func (p past) agreed() bool                    { return true }
func (p past) checkpoint(io.Writer) error      { return errPast }
func (p past) restore(*train.Checkpoint) error { return errPast }
func (p past) encoded(string) any              { return nil }
func (p past) crossFitted(*Model) []float64    { return nil }
