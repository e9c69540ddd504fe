package model

import (
	"context"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
)

// Metrics are the scores of a model by rows, each beside that of a guess which never looks
// at the inputs. A part without rows is nil.
type Metrics struct {
	Train      *metrics.Report `json:"train,omitempty"`
	Validation *metrics.Report `json:"validation,omitempty"`
	Test       *metrics.Report `json:"test,omitempty"`
	// Baseline is always guessing the training mean or the commonest training class, on the
	// rows of the last part that is there.
	Baseline metrics.Scores `json:"baseline,omitempty"`
}

// Best returns the most honest scores there are and which rows they are of: those of test
// rows, else of validation rows, else of training rows.
func (m Metrics) Best() (r *metrics.Report, rows string) {
	switch {
	case m.Test != nil:
		return m.Test, "test"
	case m.Validation != nil:
		return m.Validation, "validation"
	}
	return m.Train, "training"
}

// score sets the model's metrics on the rows of the run.
func (f *Fit) score(ctx context.Context, m *Model) error {
	var guess guesser
	for _, p := range []struct {
		into  **metrics.Report
		table *data.Table
		rows  []int
	}{
		{&m.Training.Metrics.Train, f.tables.Train, f.parts.train},
		{&m.Training.Metrics.Validation, f.tables.Validation, f.parts.validation},
		{&m.Training.Metrics.Test, f.tables.Test, f.parts.test},
	} {
		if len(p.rows) == 0 {
			continue
		}
		if ctx.Err() != nil {
			return ended(ctx)
		}
		t := p.table
		if t == nil {
			t = f.tables.Train
		}
		b, err := m.Encoding.Bind(t)
		if err != nil {
			return err
		}
		w, err := f.sampleWeights(t, p.rows)
		if err != nil {
			return err
		}
		report, y, err := m.evaluate(b, p.rows, w, f.Options.Metrics)
		if err != nil {
			return err
		}
		*p.into = &report
		if guess == nil {
			guess = m.learnGuess(y, w)
		}
		if m.Training.Metrics.Baseline, err = guess(y, w); err != nil {
			return err
		}
	}
	return nil
}

// EvaluateOptions say how Evaluate scores; the zero value is its default.
type EvaluateOptions struct {
	Metrics      []string // which; default: those of the training report
	SampleWeight string   // a column of weights; default: every row counts the same
	Threshold    float64  // of two classes; default: the model's
}

// Evaluate compares predictions for the labelled rows of a table with their targets. Rows
// without a target are left out; rows counts the others.
func (m *Model) Evaluate(t *data.Table, with ...EvaluateOptions) (report metrics.Report, rows int, err error) {
	var o EvaluateOptions
	if len(with) > 0 {
		o = with[0]
	}
	b, labelled, w, err := m.labelled(t, &o)
	if err != nil {
		return report, 0, err
	}
	judge := *m
	judge.Threshold = o.Threshold
	report, _, err = judge.evaluate(b, labelled, w, o.Metrics)
	return report, len(labelled), err
}

// labelled finds the rows of a table that can be scored and their weights, and fills in the
// options.
func (m *Model) labelled(t *data.Table, o *EvaluateOptions) (b *data.Binding, rows []int, w []float64, err error) {
	o.Threshold = or(o.Threshold, m.Threshold)
	if o.Metrics == nil {
		o.Metrics = m.Options.Metrics
	} else if o.Metrics, err = kindOf(m.Task()).ParseNames(o.Metrics); err != nil {
		return nil, nil, nil, refuse("metric", "%w", err)
	}
	switch {
	case !(o.Threshold > 0 && o.Threshold < 1):
		return nil, nil, nil, refuse("threshold", "%v is not a probability between 0 and 1", o.Threshold)
	case o.Threshold != m.Threshold && m.Task() != data.Binary:
		return nil, nil, nil, refuse("threshold", "it is for two classes, and the task is %s", m.Task())
	}
	if b, err = m.Encoding.Bind(t); err != nil {
		return nil, nil, nil, err
	}
	if err := b.CheckTargets(); err != nil {
		return nil, nil, nil, err
	}
	if rows = b.Labelled(); len(rows) == 0 {
		return nil, nil, nil, fmt.Errorf("%s: no row has a target, so there is nothing to evaluate", t.Name())
	}
	if o.SampleWeight != "" {
		w, err = data.Weights(t, o.SampleWeight, rows)
		err = asOption(err)
	}
	return b, rows, w, err
}

// evaluate scores rows, and returns their targets as the metrics take them.
func (m *Model) evaluate(b *data.Binding, rows []int, w []float64, names []string) (report metrics.Report, y []float64, err error) {
	// The loss is the one the model was trained with, the mean over the rows by their weights.
	// Class weights are of training alone.
	loss := rowsLoss{loss: m.Loss, weights: w}
	p, _, err := m.predictRows(b, rows, &loss)
	if err != nil {
		return report, nil, err
	}
	targets := make([]float64, len(rows)*m.Encoding.Outputs())
	if err := data.Targets(b, rows, targets); err != nil {
		return report, nil, err
	}
	if report, y, err = m.compare(p, targets, w, names); err != nil {
		return report, nil, err
	}
	report.Set("loss", loss.sum/setWeight(w, len(rows)))
	return report, y, nil
}

// compare scores predictions by encoded targets, and returns the targets as the metrics take
// them. Where names are given, the report has those alone.
func (m *Model) compare(p, targets, w []float64, names []string) (report metrics.Report, y []float64, err error) {
	width := m.Encoding.Outputs()
	switch m.Task() {
	case data.Regression:
		y = make([]float64, len(targets))
		for i, v := range targets {
			t := &m.Encoding.Targets[i%width]
			y[i] = float64(v*t.Scale) + t.Center
		}
		report, err = metrics.Regression(y, p, width, w, names...)
	case data.Binary:
		y = targets
		report, err = metrics.BinaryAt(m.Threshold, y, second(p), w, names...)
	case data.Multiclass:
		y = metrics.ClassIndices(targets, width)
		report, err = metrics.Multiclass(y, p, width, w, names...)
	case data.Multilabel:
		y = targets
		report, err = metrics.Multilabel(y, p, width, w, names...)
	}
	if err != nil {
		return report, nil, err
	}
	if len(names) > 0 {
		report.Scores = report.Only(names)
	}
	if m.Loss == nn.Hinge {
		report.Scores = slices.DeleteFunc(report.Scores, func(s metrics.Score) bool { return metrics.NeedsProbabilities(s.Name) })
	}
	return report, y, nil
}

// guesser scores a guess that never looks at the inputs.
type guesser func(y, w []float64) (metrics.Scores, error)

// learnGuess learns that guess from the training targets and their weights.
func (m *Model) learnGuess(y, w []float64) guesser {
	width := m.Encoding.Outputs()
	if m.Classes() != nil {
		width = 1
	}
	rows := len(y) / width
	weight := func(row int) float64 {
		if w == nil {
			return 1
		}
		return w[row]
	}
	total := setWeight(w, rows)
	only := func(s metrics.Scores, err error) (metrics.Scores, error) {
		if len(m.Options.Metrics) > 0 {
			s = s.Only(m.Options.Metrics)
		}
		return s, err
	}
	more := m.Options.Metrics
	if m.Classes() != nil {
		share := make([]float64, len(m.Classes()))
		for i, v := range y {
			share[int(v)] += weight(i)
		}
		for c := range share {
			share[c] /= total
		}
		return func(y, w []float64) (metrics.Scores, error) {
			return only(metrics.MajorityBaseline(y, share, w, more...))
		}
	}
	mean := make([]float64, width)
	for i, v := range y {
		mean[i%width] += float64(weight(i/width) * v)
	}
	for j := range mean {
		mean[j] /= total
	}
	if m.Task() == data.Multilabel {
		return func(y, w []float64) (metrics.Scores, error) {
			return only(metrics.LabelBaseline(y, mean, w, more...))
		}
	}
	return func(y, w []float64) (metrics.Scores, error) {
		return only(metrics.MeanBaseline(y, mean, w, more...))
	}
}

// Row returns one row of a table as the network sees it: its encoded inputs and targets.
func (m *Model) Row(t *data.Table, row int) (x, y []float64, err error) {
	if row < 0 || row >= t.Rows() {
		return nil, nil, fmt.Errorf("%w: %s has no row %d; it has rows 0 to %d", ErrRow, t.Name(), row, t.Rows()-1)
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, nil, err
	}
	x, y = make([]float64, m.Encoding.Width()), make([]float64, m.Encoding.Outputs())
	if _, err := data.Inputs(b, []int{row}, x); err != nil {
		return nil, nil, err
	}
	return x, y, data.Targets(b, []int{row}, y)
}

// mostBatch is up to how many rows Batch returns.
const mostBatch = 4096

// Batch is the batch that a row is in when the table's labelled rows are taken in their order, as
// many at once as the model was trained on: rows are their numbers, at is where the row stands
// among them. A last batch of one row joins the one before.
func (m *Model) Batch(t *data.Table, row int) (x, y nn.Matrix[float64], rows []int, at int, err error) {
	b, rows, _, err := m.labelled(t, &EvaluateOptions{})
	if err != nil {
		return x, y, nil, 0, err
	}
	at = slices.Index(rows, row)
	if at < 0 {
		return x, y, nil, 0, fmt.Errorf("%w: row %d of %s has no target", ErrRow, row, t.Name())
	}
	size := m.Options.BatchSize
	if size < 2 || size > mostBatch {
		size = mostBatch
	}
	from := at / size * size
	if from > 0 && from == len(rows)-1 {
		from -= size
	}
	to := from + size
	if to >= len(rows)-1 {
		to = len(rows)
	}
	rows, at = rows[from:to], at-from
	x, y = nn.NewMatrix[float64](len(rows), m.Encoding.Width()), nn.NewMatrix[float64](len(rows), m.Encoding.Outputs())
	if _, err := data.Inputs(b, rows, x.Data); err != nil {
		return x, y, nil, 0, err
	}
	return x, y, rows, at, data.Targets(b, rows, y.Data)
}
