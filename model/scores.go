package model

import (
	"context"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
)

// Metrics are the scores of a model on each part of the rows, and those of a guess that
// ignores the inputs. A part without rows is nil.
type Metrics struct {
	Train *metrics.Report `json:"train,omitempty"`
	// OutOfFold is for an ensemble: each row is predicted by the members that were not trained on it.
	OutOfFold  *metrics.Report `json:"out_of_fold,omitempty"`
	Validation *metrics.Report `json:"validation,omitempty"`
	Test       *metrics.Report `json:"test,omitempty"`
	// Baseline always guesses the training mean or the most frequent training class, on the
	// rows of the last part that is present.
	Baseline metrics.Scores `json:"baseline,omitempty"`
	// Linear is a linear model on the rows that Best returns; nil unless CompareLinear was called.
	Linear *Linear `json:"linear,omitempty"`
}

// Best returns the most honest scores available, and the rows they are for: the test
// rows, or else the out-of-fold rows, the validation rows, or the training rows.
func (m Metrics) Best() (r *metrics.Report, rows string) {
	switch {
	case m.Test != nil:
		return m.Test, "test"
	case m.OutOfFold != nil:
		return m.OutOfFold, "out-of-fold"
	case m.Validation != nil:
		return m.Validation, "validation"
	}
	return m.Train, "training"
}

// score sets the model's metrics on the rows of the run.
func (f *Fit) score(ctx context.Context, m *Model) error {
	if f.bag != nil {
		if err := f.scoreOutOfFold(m); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		into  **metrics.Report
		table *data.Table
		rows  []int
		x     any // encoded
	}{
		{&m.Training.Metrics.Train, f.tables.Train, f.parts.train, f.runner.encoded("training")},
		{&m.Training.Metrics.Validation, f.tables.Validation, f.parts.validation, f.runner.encoded("validation")},
		{&m.Training.Metrics.Test, f.tables.Test, f.parts.test, f.runner.encoded("test")},
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
		report, y, _, err := m.evaluate(b, p.rows, p.x, w, f.Options.Metrics)
		if err != nil {
			return err
		}
		*p.into = &report
		if m.Training.Guess == nil {
			m.Training.Guess = m.learnGuess(y, w)
		}
		if m.Training.Metrics.Baseline, err = m.scoreGuess(y, w, m.Options.Metrics); err != nil {
			return err
		}
		if p.into == &m.Training.Metrics.Test {
			m.findWorse("test", &report, y, w)
		}
	}
	return nil
}

// findWorse adds a finding to the diagnosis if the model predicts rows worse than a guess,
// unless there is already such a finding for other rows.
func (m *Model) findWorse(what string, report *metrics.Report, y, w []float64) {
	d := &m.Training.Diagnosis
	worse := func(f diagnosis.Finding) bool { return f.Code == diagnosis.WorseThanGuessing }
	loss, _ := report.Get("loss")
	guess, least, rows := m.guessLoss(y, w)
	f, found := diagnosis.WorseThanGuess(what, rows, loss, guess, least)
	if !found || slices.ContainsFunc(*d, worse) || m.Loss == nn.Hinge {
		return
	}
	f.Epoch = m.Training.BestEpoch
	*d = append(slices.Clone(*d), f)
	diagnosis.Sort(*d)
}

// guessLoss returns the loss per row, in the trained units, of the model's guess, and the loss of
// predicting every target exactly. The targets are in the form that the metrics take.
func (m *Model) guessLoss(y, w []float64) (guess, least float64, rows int) {
	add := func(row int, y, says float64) {
		weight := 1.0
		if w != nil {
			weight = w[row]
		}
		own := m.Loss.L(y, y)
		if !float.Finite(own) { // NaN, as in 0·log 0
			own = 0
		}
		least += float64(weight * own)
		guess += float64(weight * m.Loss.L(y, says))
	}
	width := m.Encoding.Outputs()
	if m.Task() == data.Multiclass {
		width = 1
	}
	for i, v := range y {
		row, j := i/width, i%width
		says := m.Training.Guess
		switch m.Task() {
		case data.Regression:
			t := &m.Encoding.Targets[j]
			add(row, (v-t.Center)/t.Scale, (says[j]-t.Center)/t.Scale)
		case data.Multiclass:
			for k, share := range says {
				is := 0.0
				if k == int(v) {
					is = 1
				}
				add(row, is, share)
			}
		case data.Binary:
			add(row, v, says[1])
		default:
			add(row, v, says[j])
		}
	}
	rows = len(y) / width
	all := setWeight(w, rows)
	return guess / all, least / all, rows
}

// evaluate scores rows and returns their targets in the form that the metrics take. x
// are the rows if they are already encoded.
func (m *Model) evaluate(b *data.Binding, rows []int, x any, w []float64, names []string) (report metrics.Report, y []float64, counts data.Counts, err error) {
	// The loss is the one the model was trained with, the mean over the rows by their weights.
	// Class weights are used only in training.
	loss := rowsLoss{loss: m.Loss, weights: w, encoded: x}
	var p []float64
	if m.ensemble == nil {
		if p, counts, err = m.outputRows(b, rows, &loss); err == nil {
			y, err = m.truthOf(b, rows)
		}
		if err == nil {
			report, err = m.scoreOutputs(p, y, w, names)
		}
	} else if p, counts, err = m.predictRows(b, rows, nil); err == nil {
		targets := spill.Must[float64](b.Spilled(), len(rows)*m.Encoding.Outputs())
		if err = data.Targets(b, rows, targets); err == nil {
			y, loss.sum = m.truth(b.Spilled(), targets), m.meanLoss(p, targets, w)
			report, err = m.scores(b.Spilled(), p, y, w, names)
		}
	}
	if err != nil {
		return report, nil, nil, err
	}
	report.Set("loss", loss.sum/setWeight(w, len(rows)))
	return report, y, counts, nil
}

// compare is compareIn in memory.
func (m *Model) compare(p, targets, w []float64, names []string) (report metrics.Report, y []float64, err error) {
	return m.compareIn(nil, p, targets, w, names)
}

// compareIn scores predictions against encoded targets, and returns the targets in the form
// that the metrics take. If names are given, the report has only those metrics.
func (m *Model) compareIn(disk *data.Spill, p, targets, w []float64, names []string) (report metrics.Report, y []float64, err error) {
	y = m.truth(disk, targets)
	if report, err = m.scores(disk, p, y, w, names); err != nil {
		return report, nil, err
	}
	return report, y, nil
}

// truthOf returns the targets of rows in the form that the metrics take. It encodes them part by part, since a multiclass
// target takes a number for each class while it is encoded. A part has so many rows that few are looked up in a column.
func (m *Model) truthOf(b *data.Binding, rows []int) ([]float64, error) {
	width := m.Encoding.Outputs()
	per := width
	if m.Task() == data.Multiclass {
		per = 1
	}
	const part = 1 << 18
	y := spill.Must[float64](b.Spilled(), len(rows)*per)
	targets := make([]float64, min(part, len(rows))*width)
	for from := 0; from < len(rows); from += part {
		to := min(from+part, len(rows))
		if err := data.Targets(b, rows[from:to], targets[:(to-from)*width]); err != nil {
			return nil, err
		}
		copy(y[from*per:], m.truth(nil, targets[:(to-from)*width]))
	}
	return y, nil
}

// truth returns encoded targets in the form that the metrics take.
func (m *Model) truth(disk *data.Spill, targets []float64) (y []float64) {
	width := m.Encoding.Outputs()
	switch m.Task() {
	case data.Regression:
		y = spill.Must[float64](disk, len(targets))
		for i, v := range targets {
			t := &m.Encoding.Targets[i%width]
			y[i] = float64(v*t.Scale) + t.Center
		}
		return y
	case data.Multiclass:
		y = spill.Must[float64](disk, len(targets)/width)
		const part = 1024
		for at := 0; at < len(y); at += part {
			copy(y[at:], metrics.ClassIndices(targets[at*width:min(at+part, len(y))*width], width))
		}
		return y
	}
	return targets
}

// scores is compareIn with the targets in the form that the metrics take.
func (m *Model) scores(disk *data.Spill, p, y, w []float64, names []string) (report metrics.Report, err error) {
	if m.Task() == data.Binary {
		p = secondIn(disk, p)
		defer spill.Free(disk, p)
	}
	return m.scoreOutputs(p, y, w, names)
}

// scoreOutputs is scores for predictions as from outputRows.
func (m *Model) scoreOutputs(p, y, w []float64, names []string) (report metrics.Report, err error) {
	width := m.Encoding.Outputs()
	switch m.Task() {
	case data.Regression:
		report, err = metrics.Regression(y, p, width, w, names...)
	case data.Binary:
		report, err = metrics.BinaryAt(m.Threshold, y, p, w, names...)
	case data.Multiclass:
		report, err = metrics.Multiclass(y, p, width, w, names...)
	case data.Multilabel:
		report, err = metrics.Multilabel(y, p, width, w, names...)
	}
	if err != nil {
		return report, err
	}
	if len(names) > 0 {
		report.Scores = report.Only(names)
	}
	if m.Loss == nn.Hinge {
		report.Scores = slices.DeleteFunc(report.Scores, func(s metrics.Score) bool { return metrics.NeedsProbabilities(s.Name) })
	}
	return report, nil
}

// learnGuess learns a guess that ignores the inputs from the training targets and their weights:
// each class's share, or each output's mean.
func (m *Model) learnGuess(y, w []float64) []float64 {
	width, classes := m.Encoding.Outputs(), len(m.Classes())
	if classes > 0 {
		width = 1
	}
	rows := len(y) / width
	weight := func(row int) float64 {
		if w == nil {
			return 1
		}
		return w[row]
	}
	guess := make([]float64, max(width, classes))
	for i, v := range y {
		if classes > 0 {
			guess[int(v)] += weight(i)
		} else {
			guess[i%width] += float64(weight(i/width) * v)
		}
	}
	total := setWeight(w, rows)
	for j := range guess {
		guess[j] /= total
	}
	return guess
}

// scoreGuess scores the model's guess. If names are given, it uses only those metrics.
func (m *Model) scoreGuess(y, w []float64, names []string) (s metrics.Scores, err error) {
	guess := m.Training.Guess
	switch m.Task() {
	case data.Regression:
		s, err = metrics.MeanBaseline(y, guess, w, names...)
	case data.Multilabel:
		s, err = metrics.LabelBaseline(y, guess, w, names...)
	default:
		s, err = metrics.MajorityBaseline(y, guess, w, names...)
	}
	if len(names) > 0 {
		s = s.Only(names)
	}
	return s, err
}

// setWeight returns the total weight of the rows.
func setWeight(w []float64, rows int) float64 {
	if w == nil {
		return float64(rows)
	}
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	return sum
}
