package model

import (
	"github.com/gradus-ml/gradus/data"
)

// Judged are rows of a run with their targets and what a model says of them.
type Judged struct {
	What  string      // what the rows were for: test, out-of-fold, validation or training
	Table *data.Table // which they are rows of
	Rows  []int
	Truth []float64 // the class's place in Classes of each row, or the targets (of labels 0 or 1), row by row
	Says  []float64 // as Predict has them, Outputs numbers a row
	W     []float64 // what each row weighs in scores; nil: all the same

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
	j := &Judged{What: "training", Table: f.tables.Train, Rows: f.parts.train}
	switch own := f.tables; {
	case len(f.parts.test) > 0:
		j.What, j.Table, j.Rows = "test", own.Test, f.parts.test
	case len(f.parts.validation) > 0:
		j.What, j.Table, j.Rows = "validation", own.Validation, f.parts.validation
	}
	if j.Table == nil {
		j.Table = f.tables.Train
	}
	b, err := m.Encoding.Bind(j.Table)
	if err != nil {
		return nil, err
	}
	if j.Says, _, err = m.predictRows(b, j.Rows, nil); err != nil {
		return nil, err
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
