package model

import (
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
)

// Judged holds rows of a run with their targets and a model's predictions for them.
type Judged struct {
	What  string      `json:"what"` // the use of the rows: test, out-of-fold, validation or training
	Table *data.Table `json:"-"`    // the table of the rows
	Rows  []int       `json:"rows"`
	Truth []float64   `json:"truth"`             // the index in Classes of each row's class, or the targets (for labels 0 or 1), row by row
	Says  []float64   `json:"says"`              // as from Predict, Outputs numbers per row
	Raw   []float64   `json:"raw,omitempty"`     // like Says, without the model's temperature; nil if it has none
	W     []float64   `json:"weights,omitempty"` // the weight of each row in scores; nil: all equal

	CrossFitted bool `json:"cross_fitted,omitempty"` // the predictions are at epochs that the row did not choose: see OutOfFold

	targets []float64 // in the form that the network is trained on
	own     bool      // no one else has the lists
}

// free releases the disk space of lists that no one else has, before the table does.
func (j *Judged) free() {
	if !j.own {
		return
	}
	disk := j.Table.Spilled()
	spill.Free(disk, j.Rows)
	for _, list := range [][]float64{j.Says, j.Truth, j.targets} {
		spill.Free(disk, list)
	}
}

// Judge returns a model's predictions for the most honest rows that the run has. These are the test
// rows, or else the out-of-fold rows of an ensemble, the validation rows, or the training rows.
func (f *Fit) Judge(m *Model) (j *Judged, err error) {
	defer spill.Guard(&err)()
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
	var known rowsLoss
	if what != "training" { // those are encoded as training uses them, which may differ
		known.encoded = f.runner.encoded(what)
	}
	if j.Says, _, err = m.predictRows(b, j.Rows, &known); err != nil {
		return nil, err
	}
	if m.trained != nil {
		if j.Raw, _, err = m.AsTrained().predictRows(b, j.Rows, &known); err != nil {
			return nil, err
		}
	}
	if j.Truth, err = m.truthOf(b, j.Rows); err != nil {
		return nil, err
	}
	j.W, err = f.sampleWeights(j.Table, j.Rows)
	return j, err
}
