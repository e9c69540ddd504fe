package data

import (
	"slices"
	"strings"
	"testing"
)

// Weights, groups and times are read from columns, and what is none of them is refused.
func TestColumnsAboutRows(t *testing.T) {
	table, err := NewTable("t", []string{"w", "g", "d", "n", "bad"}, [][]string{
		{"1", "a", "2024-02-01", "3", "1"}, {"0", "b", "2023-12-31", "-1", "-2"}, {"2.5", " a", "2024-01-01 12:00", "1e3", ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := []int{0, 1, 2}
	if w, err := Weights(table, "w", all); err != nil || !slices.Equal(w, []float64{1, 0, 2.5}) {
		t.Errorf("w = %v, %v, want %v and no error", w, err, []float64{1, 0, 2.5})
	}
	if g, err := Groups(table, "g", all); err != nil || !slices.Equal(g, []int{0, 1, 0}) {
		t.Errorf("g = %v, %v, want %v and no error", g, err, []int{0, 1, 0})
	}
	if d, err := Times(table, "d", all); err != nil || !slices.Equal(d, []float64{19754, 19722, 19723.5}) {
		t.Errorf("d = %v, %v, want %v and no error", d, err, []float64{19754, 19722, 19723.5})
	}
	if d, err := Times(table, "n", all); err != nil || !slices.Equal(d, []float64{3, -1, 1000}) {
		t.Errorf("d = %v, %v, want %v and no error", d, err, []float64{3, -1, 1000})
	}
	for want, err := range map[string]error{
		`t: row 1: column "bad": the cell "-2" is not a weight: give every row a finite number of at least 0, 0 to leave it out`: second(Weights(table, "bad", all)),
		`t: row 2: column "bad": the cell "" is not a weight`:                                                                    second(Weights(table, "bad", []int{0, 2})),
		`there is no column "ww" which weighs the rows: did you mean "w"`:                                                        second(Weights(table, "ww", all)),
		`t: row 2: column "bad": the cell "" is missing: every row needs a group`:                                                second(Groups(table, "bad", all)),
		`t: row 0: column "g": the cell "a" is not a place in time: every row need`:                                              second(Times(table, "g", all)),
		`t: row 2: column "bad": the cell "" is not a place in time`:                                                             second(Times(table, "bad", all)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// second returns the error of a function of two results.
func second[T any](_ T, err error) error { return err }
