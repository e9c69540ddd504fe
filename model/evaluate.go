package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
)

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
		notes = append(notes, fmt.Sprintf("%s left out, their target is missing", plural.Of(l.Unlabeled, "row")))
	}
	if l.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, their class was not in the training rows: the first is %s", plural.Of(l.Unknown, "row"), l.Example))
	}
	if l.Weightless > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, their weight is 0", plural.Of(l.Weightless, "row")))
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
		return nil, refuse("Interval", nil, "%s has %s with a target, and it takes at least 5", t.Name(), plural.Of(len(l.rows), "row"))
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
	return refuse("SampleWeight", nil, "the weights of all %s of %s in the column %q are 0: there is no row left", plural.Of(rows, "row"), t.Name(), column)
}
