package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// An Explainer gives the same bits as Shapley on the table's row. A row's values do not depend on the rows
// that are explained with it.
func TestExplainer(t *testing.T) {
	table := readExample(t, "penguins")
	for _, members := range []int{0, 2} {
		m, _, err := Train(t.Context(), table, Options{Epochs: 4, Members: members})
		if err != nil {
			t.Fatal(err)
		}
		values := func(row int) (list []data.Value) {
			for _, name := range m.Columns() {
				list = append(list, data.Text(table.Cell(row, table.Index(name))))
			}
			return list
		}
		for _, method := range []string{"exact", "permutation"} {
			t.Run(fmt.Sprint(members, " members, ", method), func(t *testing.T) {
				o := ShapleyOptions{Method: method, BackgroundRows: 20, Seed: 1}
				x, err := m.Explainer(table, o)
				if err != nil {
					t.Fatal(err)
				}
				var rows []data.Value
				for row := range 5 {
					rows = append(rows, values(row)...)
				}
				all, err := x.Explain(t.Context(), rows)
				if err != nil {
					t.Fatal(err)
				}
				checkAdditive(t, all)
				for row := range 5 {
					own, err := x.Explain(t.Context(), values(row))
					if err != nil {
						t.Fatal(err)
					}
					same(t, fmt.Sprint("row ", row, " alone"), own.Rows[0], all.Rows[row])
					if method == "permutation" && row > 0 {
						continue // the orders are those of the table's row 0
					}
					o.Rows = []int{row}
					want, err := m.Shapley(t.Context(), table, o)
					if err != nil {
						t.Fatal(err)
					}
					same(t, fmt.Sprint("row ", row, " of the table"), want.Rows[0], all.Rows[row])
				}
				ctx, stop := context.WithCancel(t.Context())
				stop()
				if _, err := x.Explain(ctx, rows); !errors.Is(err, context.Canceled) {
					t.Errorf("with a canceled context: got %v, want context.Canceled", err)
				}
				if _, err := x.Explain(t.Context(), rows[1:]); !errors.Is(err, ErrRow) {
					t.Errorf("one value too few: got %v, want ErrRow", err)
				}
			})
		}
	}
}

// same compares two rows' predictions and values bit for bit.
func same(t *testing.T, what string, a, b ShapleyRow) {
	t.Helper()
	for k := range a.Values {
		for c, v := range append(a.Values[k], a.Prediction[k]) {
			if w := append(b.Values[k], b.Prediction[k])[c]; math.Float64bits(v) != math.Float64bits(w) {
				t.Fatalf("%s, output %d, column %d: %v and %v", what, k, c, v, w)
			}
		}
	}
}
