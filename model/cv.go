package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/train"
)

// fold lists the rows that a fold trains on and the rows that test it, as indexes into the schema's rows. For a member
// of an ensemble, validation lists the rows that choose the epoch. nil leaves that to the options, as in any run.
type fold struct {
	train, validation, test []int

	schema     *data.Schema // of the table, if it is known
	weightless int          // rows left out of it because their weight is 0
}

// CV is the result of a cross-validation.
type CV struct {
	Folds []*Model    `json:"-"`               // one for each fold; the test rows in its scores are the fold's
	Notes []data.Note `json:"notes,omitempty"` // notes of the first fold's run

	// Rows are the rows of the table that were in a fold, in order. Fold has the fold of each, from 0.
	// Predictions has the prediction of that fold's model for each row, Outputs numbers per row.
	Rows        []int     `json:"rows"`
	Fold        []int     `json:"fold"`
	Predictions []float64 `json:"predictions"`

	Mean     metrics.Scores `json:"mean"`              // of the folds' test scores
	SD       metrics.Scores `json:"sd"`                // their sample standard deviation
	Lacking  []Lacking      `json:"lacking,omitempty"` // scores without a mean, because not all folds have them
	Baseline metrics.Scores `json:"baseline"`          // mean of a guess that ignores the inputs
	Linear   *Linear        `json:"linear,omitempty"`  // mean of a linear model in each fold, see CompareLinear; nil if the networks are linear models
	Pooled   metrics.Report `json:"out_of_fold"`       // of all predictions together, without the loss
}

// MarshalJSON writes null for a number that is not finite.
func (c CV) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *CV) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// Lacking is a score that some folds do not have, such as the AUC of rows of a single class.
type Lacking struct {
	Score string `json:"score"`
	Folds []int  `json:"folds"` // the folds that do not have it, starting at 1
}

// crossed divides the labeled rows of the training table into k folds, and returns the fold of each row in of.
func (o *Options) crossed(tables Tables, k int) (s *data.Schema, folds []fold, of []int, err error) {
	defer spill.Guard(&err)()
	switch {
	case o.Test != nil && *o.Test > 0 || tables.Test != nil:
		return nil, nil, nil, refuse("Test", nil, "every row is a test row once in a cross-validation: leave it out")
	case tables.Validation != nil:
		return nil, nil, nil, refuse("Validation", nil, "each fold takes its validation rows from its own training rows: give a part of them, or none")
	case tables.Train == nil:
		return nil, nil, nil, fmt.Errorf("%w: there is no table to train on", ErrOptions)
	}
	if s, _, err = o.infer(tables.Train); err != nil {
		return nil, nil, nil, err
	}
	folds, of, err = o.folds(s, tables.Train, k)
	return s, folds, of, err
}

// CrossValidate trains k models, each without one part of the training table's rows, and scores each on the part it has not
// seen. Classes are spread evenly over the folds, and groups stay whole. With Options.Split time:COL, each
// fold trains on the rows before its own. Validation rows, which choose the epoch as in training, are taken
// from the fold's training rows. So nothing is chosen by the rows that a fold is scored on.
//
// Folds run at the same time, each on one core: Options.Threads of them, or as many as fit in memory. The
// result does not depend on it. If one fold alone does not fit in memory, its rows go to Tables.Spill, as in Prepare. If the
// table is in Tables.Spill, the lists of the result are there too. done, if not nil, is called when a fold ends, one call at a time. If ctx
// ends there is no result, and the error wraps train.ErrInterrupted and what ended ctx.
func CrossValidate(ctx context.Context, tables Tables, o Options, k int, done func(fold int, m *Model)) (c *CV, err error) {
	defer spill.Guard(&err)()
	s, folds, of, err := o.crossed(tables, k)
	if err != nil {
		return nil, err
	}
	if tables.Memory == nil {
		tables.Memory = new(SharedMemory)
	}
	tables.sources = sync.OnceValue(func() map[string]Source { return sourcesOf(tables) })
	workers := min(k, cmp.Or(o.Threads, runtime.GOMAXPROCS(0)))
	run := func(ctx context.Context, i int) (*FoldRun, error) {
		own, o := tables, o
		own.fold = &folds[i]
		if step := o.Step; step != nil {
			o.Step = func(_ int, f *Fit, s train.Step) { step(i, f, s) }
		}
		return trainFold(ctx, own, o)
	}
	if o.Elsewhere != nil {
		workers, run = k, o.Elsewhere
	}
	runs, predictions := make([]*FoldRun, k), make([][]float64, k)
	one := func(ctx context.Context, i int) (err error) {
		defer spill.Guard(&err)()
		if runs[i], err = run(ctx, i); err == nil {
			predictions[i], err = runs[i].Model.predictPlaces(tables.Train, s, folds[i].test)
		}
		return err
	}
	if err := eachFold(ctx, k, workers, one, func(i int) {
		if done != nil {
			done(i, runs[i].Model)
		}
	}); err != nil {
		return nil, err
	}
	c = &CV{Notes: runs[0].Notes}
	for _, r := range runs {
		c.Folds = append(c.Folds, r.Model)
	}
	c.gather(tables.Train, s.Rows, of, predictions)
	c.summarize()
	return c, c.pool(tables.Train)
}

// eachFold calls run for all k folds on some workers, and ended after each that succeeds, one call at a time. The error is that
// of the first fold that failed.
func eachFold(ctx context.Context, k, workers int, run func(ctx context.Context, i int) error, ended func(i int)) error {
	failures := make([]error, k)
	within, stops := make([]context.Context, k), make([]context.CancelFunc, k)
	for i := range k {
		within[i], stops[i] = context.WithCancel(ctx)
		defer stops[i]()
	}
	var mutex sync.Mutex
	team.Each(k, workers, func() func(int) error {
		return func(i int) error {
			if failures[i] = run(within[i], i); failures[i] != nil { // the first failure is reported, so later folds would be wasted
				for _, stop := range stops[i+1:] {
					stop()
				}
				return failures[i]
			}
			mutex.Lock()
			defer mutex.Unlock()
			ended(i)
			return nil
		}
	})
	for i, err := range failures { // a fold that failed is reported before one that was only stopped
		if err != nil && !errors.Is(err, train.ErrInterrupted) {
			return fmt.Errorf("fold %d of %d: %w", i+1, k, err)
		}
	}
	for i, err := range failures {
		if err != nil {
			return fmt.Errorf("fold %d of %d: %w", i+1, k, err)
		}
	}
	return nil
}

// gather sets the predictions in the order of the table's rows. of has the fold of each of the rows, or -1.
func (c *CV) gather(t *data.Table, rows, of []int, predictions [][]float64) {
	n, width := 0, c.Folds[0].Outputs()
	for _, p := range predictions {
		n += len(p) / width
	}
	c.Rows, c.Fold, c.Predictions = spill.Must[int](t.Spilled(), n)[:0], spill.Must[int](t.Spilled(), n)[:0], spill.Must[float64](t.Spilled(), n*width)[:0]
	at := make([]int, len(predictions)) // the number of a fold's predictions used so far
	for place, f := range of {
		if f < 0 {
			continue
		}
		c.Rows = append(c.Rows, rows[place])
		c.Fold = append(c.Fold, f)
		c.Predictions = append(c.Predictions, predictions[f][at[f]*width:][:width]...)
		at[f]++
	}
}

// predictPlaces predicts the rows at the given indexes into a schema's rows.
func (m *Model) predictPlaces(t *data.Table, s *data.Schema, places []int) ([]float64, error) {
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	p, _, err := m.predictRows(b, pickIn(t, s.Rows, places), nil)
	return p, err
}

// folds divides the schema's rows into k folds. of has the fold of each row, or -1 for rows in no fold.
func (o *Options) folds(s *data.Schema, t *data.Table, k int) (folds []fold, of []int, err error) {
	n := len(s.Rows)
	if k < 2 {
		return nil, nil, refuse("Folds", k, "give a whole number of at least 2")
	}
	if k > n {
		return nil, nil, refuse("Folds", nil, "%d folds need as many rows, and %d have a target", k, n)
	}
	places := spill.Must[int](t.Spilled(), n)
	for i := range places {
		places[i] = i
	}
	byTime := o.timeColumn() != ""
	if byTime {
		var times []float64
		if times, err = data.Times(t, o.timeColumn(), s.Rows); err == nil {
			of, err = data.TimeFolds(times, k)
		}
	} else {
		var groups int
		if of, groups, err = o.deal(s, t, places, k, o.Seed); err == nil && of == nil {
			return nil, nil, refuse("Folds", nil, "%d folds need as many groups, and the column %q has %d", k, o.Group, groups)
		}
	}
	if err != nil {
		return nil, nil, asOption(err)
	}
	size, before := make([]int, k), 0 // of each fold; rows before a fold in time
	for _, f := range of {
		if f < 0 {
			before++
			continue
		}
		size[f]++
	}
	folds = make([]fold, k)
	for i := range folds {
		room := n - size[i]
		if byTime {
			room = before
		}
		folds[i].test, folds[i].train = spill.Must[int](t.Spilled(), size[i])[:0], spill.Must[int](t.Spilled(), room)[:0]
		before += size[i]
	}
	for place, f := range of {
		for i := range folds {
			switch {
			case f == i:
				folds[i].test = append(folds[i].test, place)
			case f < i || !byTime:
				folds[i].train = append(folds[i].train, place)
			}
		}
	}
	for i := range folds {
		if len(folds[i].test) == 0 || len(folds[i].train) == 0 {
			return nil, nil, refuse("Folds", nil, "fold %d of %d would have no rows: too many rows have the same time; take fewer folds", i+1, k)
		}
	}
	return folds, of, nil
}

// deal divides some of the schema's rows, given by their indexes, into k folds and returns the fold
// of each. Classes are spread evenly, and groups stay whole. If there are fewer groups than folds, it
// returns no folds and the number of groups.
func (o *Options) deal(s *data.Schema, t *data.Table, places []int, k int, seed uint64) (of []int, groups int, err error) {
	if o.Group == "" {
		strata := s.Strata()
		if strata != nil {
			strata = pickIn(t, strata, places)
		}
		of, err = t.Folds(len(places), strata, k, seed)
		return of, 0, err
	}
	group, err := data.Groups(t, o.Group, pick(s.Rows, places))
	if err != nil {
		return nil, 0, err
	}
	if groups = slices.Max(group) + 1; groups < k {
		return nil, groups, nil
	}
	of, err = data.GroupFolds(group, k, seed)
	return of, groups, err
}

// summarize sets the mean and the standard deviation of the scores.
func (c *CV) summarize() {
	var all metrics.Scores // the scores that any fold has, in order
	for _, m := range c.Folds {
		for _, s := range m.Training.Metrics.Test.Scores {
			all.Set(s.Name, s.Value)
		}
	}
	for _, score := range all {
		of := func(m *Model) (float64, bool) {
			v, ok := m.Training.Metrics.Test.Get(score.Name)
			return v, ok && float.Finite(v)
		}
		if mean, sd, ok := spread(c.Folds, of); ok {
			c.Mean.Set(score.Name, mean)
			c.SD.Set(score.Name, sd)
		} else {
			lacking := Lacking{Score: score.Name}
			for i, m := range c.Folds {
				if _, ok := of(m); !ok {
					lacking.Folds = append(lacking.Folds, i+1)
				}
			}
			c.Lacking = append(c.Lacking, lacking)
		}
		if mean, _, ok := spread(c.Folds, func(m *Model) (float64, bool) { return m.Training.Metrics.Baseline.Get(score.Name) }); ok {
			c.Baseline.Set(score.Name, mean)
		}
	}
	c.summarizeLinear()
}

// summarizeLinear sets the mean scores of the linear models. If one fold has none, neither has the cross-validation.
func (c *CV) summarizeLinear() {
	first := c.Folds[0].Training.Metrics.Linear
	if first == nil {
		return
	}
	c.Linear = &Linear{Trained: first.Trained, Of: first.Of}
	for _, m := range c.Folds {
		if l := m.Training.Metrics.Linear; l != nil && l.Lacking != "" {
			c.Linear.Lacking = l.Lacking
			return
		}
	}
	for _, score := range first.Scores {
		if mean, _, ok := spread(c.Folds, func(m *Model) (float64, bool) {
			if m.Training.Metrics.Linear == nil {
				return 0, false
			}
			v, ok := m.Training.Metrics.Linear.Scores.Get(score.Name)
			return v, ok && float.Finite(v)
		}); ok {
			c.Linear.Scores.Set(score.Name, mean)
		}
	}
}

// Compared says in one sentence how the models of the folds compare with linear models and with a guess on the same rows. It returns "" if there is
// nothing to compare.
func (c *CV) Compared() string {
	m := c.Folds[0]
	_, text := m.compared(m.Options.Metrics, "mean %s of the folds", c.Mean, c.Linear, c.Baseline)
	return text
}

// spread returns the mean and the sample standard deviation of a value over all models. ok
// is false if one model does not have it.
func spread(models []*Model, value func(*Model) (float64, bool)) (mean, sd float64, ok bool) {
	values := make([]float64, len(models))
	for i, m := range models {
		if values[i], ok = value(m); !ok {
			return 0, 0, false
		}
	}
	mean, sd = meanSD(values)
	return mean, sd, true
}

// pool scores all predictions together. Of two classes, each fold decides by its own threshold.
func (c *CV) pool(t *data.Table) error {
	m := *c.Folds[0]
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return err
	}
	targets := spill.Must[float64](t.Spilled(), len(c.Rows)*m.Encoding.Outputs())
	if err := data.Targets(b, c.Rows, targets); err != nil {
		return err
	}
	var w []float64
	if m.Options.SampleWeight != "" {
		if w, err = data.Weights(t, m.Options.SampleWeight, c.Rows); err != nil {
			return err
		}
	}
	names := slices.DeleteFunc(slices.Clone(m.Options.Metrics), func(name string) bool { return name == "loss" })
	if c.Pooled, _, err = m.compareIn(t.Spilled(), c.Predictions, targets, w, names); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.Folds, func(f *Model) bool { return f.Threshold != m.Threshold }) {
		return nil
	}
	width := m.Outputs()
	decided := spill.Must[float64](t.Spilled(), len(c.Predictions)) // 1 for the class that the row's fold predicts
	for i, fold := range c.Fold {
		p, second := c.Predictions[i*width+1], 0.0
		switch {
		case p > c.Folds[fold].Threshold:
			second = 1
		case !float.Finite(p):
			second = p
		}
		decided[i*width], decided[i*width+1] = 1-second, second
	}
	m.Threshold = 0.5
	by, _, err := m.compareIn(t.Spilled(), decided, targets, w, names)
	if err != nil {
		return err
	}
	for _, s := range by.Scores {
		if metrics.OfDecisions(s.Name) {
			c.Pooled.Set(s.Name, s.Value)
		}
	}
	c.Pooled.Confusion = by.Confusion
	return nil
}
