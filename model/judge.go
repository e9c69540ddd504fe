package model

import (
	"github.com/gradus-ml/gradus/data"
)

// Judged are rows of a run with their targets and what a model says of them.
type Judged struct {
	What  string      `json:"what"` // what the rows were for: test, out-of-fold, validation or training
	Table *data.Table `json:"-"`    // which they are rows of
	Rows  []int       `json:"rows"`
	Truth []float64   `json:"truth"`             // the class's place in Classes of each row, or the targets (of labels 0 or 1), row by row
	Says  []float64   `json:"says"`              // as Predict has them, Outputs numbers a row
	Raw   []float64   `json:"raw,omitempty"`     // as Says, without the model's temperature; nil where it has none
	W     []float64   `json:"weights,omitempty"` // what each row weighs in scores; nil: all the same

	targets []float64 // as the network is trained on them
}

// Judge returns what a model says of the most honest rows that the run has: the test rows, else, of an
// ensemble, the out-of-fold rows, else the validation rows, else the training rows.
func (f *Fit) Judge(m *Model) (*Judged, error) {
	if f.bag != nil && len(f.parts.test) == 0 {
		if j, err := f.OutOfFold(m); j != nil || err != nil {
			return j, err
		}
	}
	what, table, rows := "training", f.tables.Train, f.parts.train
	switch own := f.tables; {
	case len(f.parts.test) > 0:
		what, table, rows = "test", own.Test, f.parts.test
	case len(f.parts.validation) > 0:
		what, table, rows = "validation", own.Validation, f.parts.validation
	}
	if table == nil {
		table = f.tables.Train
	}
	return f.judge(m, what, table, rows)
}

func (f *Fit) judge(m *Model, what string, table *data.Table, rows []int) (*Judged, error) {
	j := &Judged{What: what, Table: table, Rows: rows}
	b, err := m.Encoding.Bind(j.Table)
	if err != nil {
		return nil, err
	}
	if j.Says, _, err = m.predictRows(b, j.Rows, nil); err != nil {
		return nil, err
	}
	if m.trained != nil {
		if j.Raw, _, err = m.AsTrained().predictRows(b, j.Rows, nil); err != nil {
			return nil, err
		}
	}
	targets := make([]float64, len(j.Rows)*m.Encoding.Outputs())
	if err := data.Targets(b, j.Rows, targets); err != nil {
		return nil, err
	}
	if j.W, err = f.sampleWeights(j.Table, j.Rows); err != nil {
		return nil, err
	}
	_, j.Truth, err = m.compare(j.Says, targets, j.W, nil)
	return j, err
}
