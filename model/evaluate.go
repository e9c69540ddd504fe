package model

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
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
		if own-own != 0 { // NaN, as in 0·log 0
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

// EvaluateOptions say how Evaluate scores; the zero value is its default.
type EvaluateOptions struct {
	Metrics      []string // default: those of the training report
	SampleWeight string   // a column of weights; default: every row counts the same
	Threshold    float64  // of two classes; default: the model's
	Rows         []int    // of the table; default: all
	Interval     float64  // the level of a regression's intervals to compare with the targets; 0: none
}

// Evaluation is the result of Evaluate.
type Evaluation struct {
	metrics.Report
	Guess  metrics.Scores     // of always guessing the training mean or the most frequent training class; nil if the model's file does not have it
	Rows   int                // rows that were scored
	Left   Left               // rows that were not scored
	Counts data.Counts        // the cells that were missing, or hold a category that was not in the training rows
	Cover  []metrics.Coverage // of each target's intervals, if they were asked for
	Known  string             // which table of the training this is: "train", "validation" or "test"; "" for another
	// Compared says in a sentence how the model compares with the guess, and what the training found on rows that had no part in it; "" if the
	// model's file has neither.
	Compared string
}

// Left counts the rows that were left out, and why.
type Left struct {
	Unlabeled  int    `json:"unlabeled,omitempty"`     // their target is missing
	Unknown    int    `json:"unknown_class,omitempty"` // their class was not in the training rows
	Example    string `json:"example,omitempty"`       // the first such class, with its place
	Weightless int    `json:"weightless,omitempty"`    // their weight is 0
}

// Notes says in sentences what is worth knowing about the rows that were left out.
func (l Left) Notes() []string {
	var notes []string
	if l.Unlabeled > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, their target is missing", rowsText(l.Unlabeled)))
	}
	if l.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, their class was not in the training rows: the first is %s", rowsText(l.Unknown), l.Example))
	}
	if l.Weightless > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, their weight is 0", rowsText(l.Weightless)))
	}
	return notes
}

// evaluationJSON is an Evaluation as JSON.
type evaluationJSON struct {
	Rows    int                `json:"rows"`
	Left    Left               `json:"left_out"`
	Metrics metrics.Report     `json:"metrics"`
	Guess   metrics.Scores     `json:"guess,omitempty"`
	Counts  data.Counts        `json:"counts,omitempty"`
	Known   string             `json:"known,omitempty"`
	Cover   []metrics.Coverage `json:"intervals,omitempty"`
	Compare string             `json:"compared,omitempty"`
}

// MarshalJSON writes the Report as "metrics", next to the other fields.
func (e Evaluation) MarshalJSON() ([]byte, error) {
	return json.Marshal(evaluationJSON{e.Rows, e.Left, e.Report, e.Guess, e.Counts, e.Known, e.Cover, e.Compared})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Evaluation) UnmarshalJSON(text []byte) error {
	var from evaluationJSON
	err := json.Unmarshal(text, &from)
	*e = Evaluation{from.Metrics, from.Guess, from.Rows, from.Left, from.Counts, from.Cover, from.Known, from.Compare}
	return err
}

// Notes says in sentences what is worth knowing about the scored rows and the others.
func (e *Evaluation) Notes() []string {
	notes := append(e.Left.Notes(), CellNotes(e.Counts)...)
	switch e.Known {
	case "train":
		notes = append([]string{"this is the table that the model was trained on: its score says little about new rows"}, notes...)
	case "validation":
		notes = append([]string{"this is the table of the validation rows of the training, which may have chosen the epoch: its score may be too good for new rows"}, notes...)
	}
	return notes
}

// Evaluate compares predictions for the labeled rows of a table with their targets. Rows without a
// target, with a class that was not in the training rows, or with weight 0 are left out and
// counted.
func (m *Model) Evaluate(t *data.Table, with ...EvaluateOptions) (e *Evaluation, err error) {
	defer spill.Guard(&err)()
	o, err := atMostOne(with)
	if err != nil {
		return nil, err
	}
	l, err := m.labeled(t, &o)
	if err != nil {
		return nil, err
	}
	judge := *m
	judge.Threshold = o.Threshold
	e = &Evaluation{Rows: len(l.rows), Left: l.left, Known: m.Training.known(t)}
	var y []float64
	if e.Report, y, e.Counts, err = judge.evaluate(l.b, l.rows, nil, l.w, o.Metrics); err != nil {
		return nil, err
	}
	if m.Training.Guess != nil {
		if e.Guess, err = judge.scoreGuess(y, l.w, o.Metrics); err != nil {
			return nil, err
		}
	}
	e.Compared = judge.comparedWithTraining(e, o.Metrics)
	if o.Interval != 0 {
		e.Cover, err = m.cover(t, l, y, o.Interval)
	}
	return e, err
}

// comparedWithTraining says how the model's scores compare with those of the guess, and with those that it had at the end of its training.
func (m *Model) comparedWithTraining(e *Evaluation, names []string) string {
	if e.Guess == nil {
		return ""
	}
	name, text := m.compared(names, "%s of these rows", e.Scores, nil, e.Guess)
	best, rows := m.Training.Metrics.Best()
	if name == "" || best == nil || rows == "training" {
		return text
	}
	then, ok := best.Get(name)
	if !ok {
		return text
	}
	text += fmt.Sprintf(" At the end of training it was %.4g on the %s rows", then, rows)
	if l := m.Training.Metrics.Linear; l != nil {
		if score, ok := l.Scores.Get(name); ok {
			text += fmt.Sprintf(", and %.4g with a linear model", score)
		}
	}
	return text + "."
}

// cover compares the intervals of some rows with their targets y.
func (m *Model) cover(t *data.Table, l labeled, y []float64, level float64) ([]metrics.Coverage, error) {
	by := m.Bounds(level)
	if _, err := by.Intervals(nil, level); err != nil {
		return nil, err
	}
	if len(l.rows) < 5 {
		return nil, refuse("Interval", nil, "%s has %s with a target, and it takes at least 5", t.Name(), rowsText(len(l.rows)))
	}
	says, _, err := m.predictRows(l.b, l.rows, nil)
	if err != nil {
		return nil, err
	}
	bounds := says
	if by != m {
		if bounds, err = by.predictOf(t, l.rows); err != nil {
			return nil, err
		}
	}
	in, err := by.Intervals(bounds, level)
	if err != nil {
		return nil, err
	}
	var all []metrics.Coverage
	width := m.Outputs()
	for j := range width {
		var lower, upper, p, truth []float64
		for i := j; i < len(in); i += width {
			lower, upper = append(lower, in[i].Lower), append(upper, in[i].Upper)
			p, truth = append(p, says[i]), append(truth, y[i])
		}
		all = append(all, metrics.Cover(level, lower, upper, p, truth, l.w))
	}
	return all, nil
}

// labeled are the rows of a table that can be scored.
type labeled struct {
	b    *data.Binding
	rows []int
	w    []float64 // of the rows; nil: all count the same
	left Left
}

// labeled finds the rows of a table that can be scored and their weights, and fills in the
// options.
func (m *Model) labeled(t *data.Table, o *EvaluateOptions) (l labeled, err error) {
	if o.Threshold != 0 && m.Task() != data.Binary {
		return l, refuse("Threshold", nil, "it is for two classes, and the task is %s", m.Task())
	}
	if o.Threshold = cmp.Or(o.Threshold, m.Threshold); !(o.Threshold > 0 && o.Threshold < 1) {
		return l, refuse("Threshold", nil, "%v is not a probability between 0 and 1", o.Threshold)
	}
	if o.Metrics == nil {
		o.Metrics = m.Options.Metrics
	} else if o.Metrics, err = kindOf(m.Task()).ParseNames(o.Metrics); err != nil {
		return l, refuse("Metrics", nil, "%w", err)
	}
	if l.b, err = m.Encoding.Bind(t); err != nil {
		return l, err
	}
	if err := l.b.CheckTargets(); err != nil {
		return l, err
	}
	if l.rows = l.b.Labeled(); len(l.rows) == 0 {
		return l, fmt.Errorf("%s: no row has a target, so there is nothing to evaluate", t.Name())
	}
	if o.Rows != nil {
		asked := make(map[int]bool, len(o.Rows))
		for _, row := range o.Rows {
			asked[row] = true
		}
		l.rows = slices.DeleteFunc(l.rows, func(row int) bool { return !asked[row] })
		l.left.Unlabeled = len(asked) - len(l.rows)
	} else {
		l.left.Unlabeled = t.Rows() - len(l.rows)
	}
	if o.SampleWeight != "" {
		if l.rows, _, err = l.left.weighed(t, o.SampleWeight, l.rows); err != nil {
			return l, err
		}
	}
	if l.rows = l.left.known(l.b, l.rows); len(l.rows) == 0 {
		return l, fmt.Errorf("%s: no row has a class of the model (%s), so there is nothing to evaluate: the first is %s", t.Name(), quoteList(m.Encoding.Classes()), l.left.Example)
	}
	if o.SampleWeight != "" {
		l.w, err = data.Weights(t, o.SampleWeight, l.rows)
	}
	return l, asOption(err)
}

// known returns the rows whose classes the encoding knows, and counts the others.
func (l *Left) known(b *data.Binding, rows []int) []int {
	known, first := b.KnownClasses(rows)
	if left := len(rows) - len(known); left > 0 {
		if l.Unknown == 0 {
			l.Example = first
		}
		l.Unknown += left
	}
	return known
}

// weighed returns the rows whose weight is not 0, with their weights, and counts the others.
func (l *Left) weighed(t *data.Table, column string, rows []int) (heavy []int, w []float64, err error) {
	if w, err = data.Weights(t, column, rows); err != nil || !slices.Contains(w, 0) {
		return rows, w, asOption(err)
	}
	var heavyW []float64
	for i, row := range rows {
		if w[i] > 0 {
			heavy, heavyW = append(heavy, row), append(heavyW, w[i])
		}
	}
	l.Weightless = len(rows) - len(heavy)
	if len(heavy) == 0 {
		return nil, nil, allWeightless(t, column, len(rows))
	}
	return heavy, heavyW, nil
}

func allWeightless(t *data.Table, column string, rows int) error {
	return refuse("SampleWeight", nil, "the weights of all %s of %s in the column %q are 0: there is no row left", rowsText(rows), t.Name(), column)
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

// Row returns one row of a table as the network sees it: its encoded inputs and targets.
func (m *Model) Row(t *data.Table, row int) (x, y []float64, err error) {
	defer spill.Guard(&err)()
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

// mostBatch is the largest number of rows that Batch returns.
const mostBatch = 4096

// Batch returns the batch that contains a row. The table's labeled rows are taken in order, as
// many at once as the model was trained on. rows are the numbers of the batch's rows, and at is
// the position of the row among them. A last batch of one row is joined to the previous one.
func (m *Model) Batch(t *data.Table, row int) (x, y nn.Matrix[float64], rows []int, at int, err error) {
	defer spill.Guard(&err)()
	l, err := m.labeled(t, &EvaluateOptions{})
	if err != nil {
		return x, y, nil, 0, err
	}
	b, rows := l.b, l.rows
	at = slices.Index(rows, row)
	if at < 0 {
		return x, y, nil, 0, fmt.Errorf("%w %d of %s has no target", ErrRow, row, t.Name())
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
