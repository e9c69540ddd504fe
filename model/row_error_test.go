package model_test

import (
	"errors"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// TestRowErrors: if a row is refused, every way to predict returns a RowError with its place.
func TestRowErrors(t *testing.T) {
	members, _ := fitMembers(t, memberOptions(data.Binary, 3))
	for _, m := range []*model.Model{fit(t, data.Binary, "float32"), members} {
		columns := m.Columns()
		good := map[string]any{"x": 1, "z": 2, "color": "red", "flag": true, "day": "2024-01-01"}
		values := func(n, bad int) (rows []data.Value) {
			for i := range n {
				for _, c := range columns {
					v, _ := data.ValueOf(good[c])
					if i == bad && c == "x" {
						v = data.Text("long")
					}
					rows = append(rows, v)
				}
			}
			return rows
		}
		table := func() *data.Table {
			cells := [][]string{{"1", "2", "red", "true", "2024-01-01"}, {"long", "2", "red", "true", "2024-01-01"}}
			table, err := data.NewTable("rows", []string{"x", "z", "color", "flag", "day"}, cells)
			if err != nil {
				t.Fatal(err)
			}
			return table
		}
		with := func(column string, v any) map[string]any {
			row := map[string]any{}
			for c, v := range good {
				row[c] = v
			}
			if row[column] = v; v == "none" {
				delete(row, column)
			}
			return row
		}
		of := func(_ any, err error) error { return err }
		for name, c := range map[string]struct {
			err    error
			row    int
			value  string
			column string
		}{
			"PredictRow":           {of(m.PredictRow(with("x", "long"))), 0, "long", "x"},
			"PredictRow, a type":   {of(m.PredictRow(with("x", []int{1}))), 0, "", "x"},
			"PredictRow, a column": {of(m.PredictRow(with("z", "none"))), 0, "", "z"},
			"PredictRow, a time":   {of(m.PredictRow(with("day", 7))), 0, "7", "day"},
			"PredictValues":        {m.PredictValues(values(1, 0), make([]float64, m.Outputs())), 0, "long", "x"},
			"PredictRows":          {m.PredictRows(values(200, 150), make([]float64, 200*m.Outputs())), 150, "long", "x"},
			"Predict": {func() error {
				_, _, err := m.Predict(table())
				return err
			}(), 1, "long", "x"},
		} {
			var e *model.RowError
			if !errors.As(c.err, &e) {
				t.Errorf("%s: got %v, want a RowError", name, c.err)
				continue
			}
			if e.Row != c.row || e.Value != c.value || e.Column != c.column || e.Reason == nil {
				t.Errorf("%s: got %+v, want e.Row = c.row and e.Value = c.value and e.Column = c.column and e.Reason != nil", name, *e)
			}
			if inRows := name != "Predict"; inRows != errors.Is(c.err, model.ErrRow) {
				t.Errorf("%s: whether the error wraps ErrRow is %v, want the opposite: %v", name, !inRows, c.err)
			}
		}
	}
}
