package model

import (
	"fmt"

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
func (f *Fit) score(m *Model) error {
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
		t := p.table
		if t == nil {
			t = f.tables.Train
		}
		b, err := m.Encoding.Bind(t)
		if err != nil {
			return err
		}
		report, y, err := m.evaluate(b, p.rows)
		if err != nil {
			return err
		}
		*p.into = &report
		if guess == nil {
			guess = m.learnGuess(y)
		}
		if m.Training.Metrics.Baseline, err = guess(y); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate compares predictions for the labelled rows of a table with their targets. Rows
// without a target are left out; rows counts the others.
func (m *Model) Evaluate(t *data.Table) (report metrics.Report, rows int, err error) {
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return report, 0, err
	}
	if err := b.CheckTargets(); err != nil {
		return report, 0, err
	}
	labelled := b.Labelled()
	if len(labelled) == 0 {
		return report, 0, fmt.Errorf("%s: no row has a target, so there is nothing to evaluate", t.Name())
	}
	report, _, err = m.evaluate(b, labelled)
	return report, len(labelled), err
}

// evaluate scores rows, and returns their targets as the metrics take them.
func (m *Model) evaluate(b *data.Binding, rows []int) (report metrics.Report, y []float64, err error) {
	p, _, err := m.predictRows(b, rows)
	if err != nil {
		return report, nil, err
	}
	width := m.Encoding.Outputs()
	encoded := make([]float64, len(rows)*width)
	if err := data.Targets(b, rows, encoded); err != nil {
		return report, nil, err
	}
	switch m.Task() {
	case data.Regression:
		y = encoded
		for i := range y {
			t := &m.Encoding.Targets[i%width]
			y[i] = float64(y[i]*t.Scale) + t.Center
		}
		report, err = metrics.Regression(y, p, width, nil)
	case data.Binary:
		y = encoded
		positive := make([]float64, len(rows))
		for i := range positive {
			positive[i] = p[2*i+1]
		}
		report, err = metrics.Binary(y, positive, nil)
	case data.Multiclass:
		y = metrics.ClassIndices(encoded, width)
		report, err = metrics.Multiclass(y, p, width, nil)
	case data.Multilabel:
		y = encoded
		report, err = metrics.Multilabel(y, p, width, nil)
	}
	if err != nil {
		return report, nil, err
	}
	report.Set("loss", m.meanLoss(b, rows))
	return report, y, nil
}

// meanLoss is the loss the model was trained with, in the trained units, averaged over rows.
func (m *Model) meanLoss(b *data.Binding, rows []int) float64 {
	if net := m.Network32(); net != nil {
		return meanLossOf(net, m, b, rows)
	}
	return meanLossOf(m.Network64(), m, b, rows)
}

func meanLossOf[T nn.Float](net *nn.Network[T], m *Model, b *data.Binding, rows []int) float64 {
	const part = 512
	x := nn.NewMatrix[T](min(part, len(rows)), net.Inputs())
	y := nn.NewMatrix[T](min(part, len(rows)), net.Outputs())
	tape := net.NewTape(x.Rows)
	sum := 0.0
	for from := 0; from < len(rows); from += part {
		to := min(from+part, len(rows))
		x, y := x.Slice(0, to-from), y.Slice(0, to-from)
		// The same cells were read a moment ago, so they cannot fail here.
		_, _ = data.Inputs(b, rows[from:to], x.Data[:x.Rows*x.Cols])
		_ = data.Targets(b, rows[from:to], y.Data[:y.Rows*y.Cols])
		net.Forward(tape, x)
		sum += net.Loss(tape, m.Loss, y)
	}
	return sum / float64(len(rows))
}

// guesser scores a guess that never looks at the inputs.
type guesser func(y []float64) (metrics.Scores, error)

// learnGuess learns that guess from the training targets.
func (m *Model) learnGuess(y []float64) guesser {
	switch m.Task() {
	case data.Regression, data.Multilabel:
		width := m.Encoding.Outputs()
		mean := make([]float64, width)
		for i, v := range y {
			mean[i%width] += v
		}
		for j := range mean {
			mean[j] /= float64(len(y) / width)
		}
		if m.Task() == data.Multilabel {
			return func(y []float64) (metrics.Scores, error) { return metrics.LabelBaseline(y, mean, nil) }
		}
		return func(y []float64) (metrics.Scores, error) { return metrics.MeanBaseline(y, mean, nil) }
	}
	share := make([]float64, len(m.Classes()))
	for _, v := range y {
		share[int(v)] += 1 / float64(len(y))
	}
	return func(y []float64) (metrics.Scores, error) { return metrics.MajorityBaseline(y, share, nil) }
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
