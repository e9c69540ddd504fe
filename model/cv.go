package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/train"
)

// fold says which rows a fold trains on and is tested on, as indexes into the schema's rows. For a
// member of an ensemble it also says which of them choose the epoch, unless they are nil.
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

// crossed divides the labeled rows of a table into k folds, and returns the fold of each row in of.
func (o *Options) crossed(table *data.Table, k int) (s *data.Schema, folds []fold, of []int, err error) {
	if o.Test != nil && *o.Test > 0 {
		return nil, nil, nil, refuse("Test", nil, "every row is a test row once in a cross-validation: leave it out")
	}
	if table == nil {
		return nil, nil, nil, fmt.Errorf("%w: there is no table to train on", ErrOptions)
	}
	if s, _, err = o.infer(table); err != nil {
		return nil, nil, nil, err
	}
	folds, of, err = o.folds(s, table, k)
	return s, folds, of, err
}

// CrossValidate trains k models, each without one part of the rows, and scores each on the part it has not
// seen. Classes are spread evenly over the folds, and groups stay whole. With Options.Split time:COL, each
// fold trains on the rows before its own. Validation rows, which choose the epoch as in training, are taken
// from the fold's training rows. So nothing is chosen by the rows that a fold is scored on.
//
// Folds run at the same time, each on one core: Options.Threads of them, or as many as fit in memory. The
// result does not depend on it. done, if not nil, is called when a fold ends, one call at a time. If ctx
// ends there is no result, and the error wraps train.ErrInterrupted and what ended ctx.
func CrossValidate(ctx context.Context, table *data.Table, o Options, k int, done func(fold int, m *Model)) (*CV, error) {
	s, folds, of, err := o.crossed(table, k)
	if err != nil {
		return nil, err
	}
	workers, room := min(k, or(o.Threads, runtime.GOMAXPROCS(0))), new(Room)
	run := func(ctx context.Context, i int) (*FoldRun, error) {
		return trainFold(ctx, Tables{Train: table, fold: &folds[i], Room: room}, o)
	}
	if o.Elsewhere != nil {
		workers, run = k, o.Elsewhere
	}
	runs, failures := make([]*FoldRun, k), make([]error, k)
	predictions := make([][]float64, k)
	within, stops := make([]context.Context, k), make([]context.CancelFunc, k)
	for i := range k {
		within[i], stops[i] = context.WithCancel(ctx)
		defer stops[i]()
	}
	var next int
	var mutex sync.Mutex
	take := func() int {
		mutex.Lock()
		defer mutex.Unlock()
		next++
		return next - 1
	}
	var team sync.WaitGroup
	for range workers {
		team.Go(func() {
			for i := take(); i < k; i = take() {
				if runs[i], failures[i] = run(within[i], i); failures[i] == nil {
					predictions[i], failures[i] = runs[i].Model.predictPlaces(table, s, folds[i].test)
				}
				if failures[i] != nil { // the first failure is reported, so later folds would be wasted
					for _, stop := range stops[i+1:] {
						stop()
					}
					continue
				}
				if done != nil {
					mutex.Lock()
					done(i, runs[i].Model)
					mutex.Unlock()
				}
			}
		})
	}
	team.Wait()
	for i, err := range failures { // a fold that failed is reported before one that was only stopped
		if err != nil && !errors.Is(err, train.ErrInterrupted) {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, k, err)
		}
	}
	for i, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", i+1, k, err)
		}
	}
	c := &CV{Notes: runs[0].Notes}
	for _, r := range runs {
		c.Folds = append(c.Folds, r.Model)
	}
	width := c.Folds[0].Outputs()
	at := make([]int, k) // the number of a fold's predictions used so far
	for place, f := range of {
		if f < 0 {
			continue
		}
		c.Rows = append(c.Rows, s.Rows[place])
		c.Fold = append(c.Fold, f)
		c.Predictions = append(c.Predictions, predictions[f][at[f]*width:][:width]...)
		at[f]++
	}
	c.summarize()
	return c, c.pool(table)
}

// predictPlaces predicts the rows at the given indexes into a schema's rows.
func (m *Model) predictPlaces(t *data.Table, s *data.Schema, places []int) ([]float64, error) {
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	p, _, err := m.predictRows(b, pick(s.Rows, places), nil)
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
	places := make([]int, n)
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
	folds = make([]fold, k)
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
			strata = pick(strata, places)
		}
		of, err = data.Folds(len(places), strata, k, seed)
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
			return v, ok && v-v == 0
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

// pool scores all predictions together. Each fold has its own threshold, so for two classes
// the pooled guesses are those at 0.5, unless the threshold was given as a number.
func (c *CV) pool(t *data.Table) error {
	m := *c.Folds[0]
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return err
	}
	targets := make([]float64, len(c.Rows)*m.Encoding.Outputs())
	if err := data.Targets(b, c.Rows, targets); err != nil {
		return err
	}
	var w []float64
	if m.Options.SampleWeight != "" {
		if w, err = data.Weights(t, m.Options.SampleWeight, c.Rows); err != nil {
			return err
		}
	}
	for _, f := range c.Folds {
		if f.Threshold != m.Threshold {
			m.Threshold = 0.5
		}
	}
	c.Pooled, _, err = m.compare(c.Predictions, targets, w, slices.DeleteFunc(slices.Clone(m.Options.Metrics), func(name string) bool { return name == "loss" }))
	return err
}
