package model

import (
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/nn"
)

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
