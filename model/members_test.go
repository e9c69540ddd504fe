package model

import (
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// AutoMembers depends on the number of input cells. It is one network if the options or too few rows rule out an
// ensemble.
func TestAutoMembers(t *testing.T) {
	schema := func(rows, columns int) *data.Schema {
		return &data.Schema{Rows: make([]int, rows), Columns: make([]data.Column, columns)}
	}
	half, tolerance := 0.5, 0.1
	for _, c := range []struct {
		o             Options
		rows, columns int
		want          int
		said          bool
	}{
		{Options{}, 50, 3, 8, false},
		{Options{BlockRows: 8}, 50, 3, 8, false},
		{Options{}, 49, 3, 1, true},
		{Options{Test: &half}, 60, 3, 1, true},
		{Options{}, 10_000, 10, 8, false},
		{Options{}, 10_001, 10, 5, false},
		{Options{}, 200_000, 10, 5, false},
		{Options{}, 200_001, 10, 1, false},
		{Options{Test: &half}, 200_001, 10, 5, false},
		{Options{Loss: "hinge"}, 100, 3, 1, true},
		{Options{Method: "per-sample"}, 100, 3, 1, true},
		{Options{Tolerance: &tolerance}, 100, 3, 1, true},
		{Options{TargetLoss: &tolerance}, 100, 3, 1, true},
	} {
		n, why := c.o.chooseMembers(Tables{}, nil, schema(c.rows, c.columns), nil)
		if n != c.want || (why != "") != c.said {
			t.Errorf("%d rows of %d columns, %+v: got %d networks, %q", c.rows, c.columns, c.o, n, why)
		}
	}
}
