package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestUnits: numbers with different units stay text, and the remark counts the cells of each unit.
func TestUnits(t *testing.T) {
	cells := func(of ...string) [][]string {
		rows := make([][]string, 60)
		for i := range rows {
			rows[i] = []string{strings.Replace(of[i%len(of)], "#", strconv.Itoa(i%7+1), 1), strconv.Itoa(i % 13)}
		}
		return rows
	}
	for _, c := range []struct {
		cells []string
		want  string
	}{
		{[]string{"# kg", "# kg", "# lb", ""}, `the cells are numbers of different units, "kg" in 30 cells, "lb" in 15 cells, so they stay text`},
		{[]string{"$#", "€#", "$#"}, `"$" in 40 cells, "€" in 20 cells`},
		{[]string{"#cm", "#.5 m", "#"}, `none in 20 cells, "cm" in 20 cells, "m" in 20 cells`},
		{[]string{"# kg", "# kg"}, "read as a number"},
		{[]string{"#A", "#B"}, ""},
		{[]string{"# kg", "x#"}, ""},
	} {
		table, err := NewTable("t", []string{"w", "y"}, cells(c.cells...))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Infer(table, SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if note := s.Columns[0].Note.String(); !strings.Contains(note, c.want) || c.want == "" && note != "" {
			t.Errorf("%v: the note is %q, want %q", c.cells, note, c.want)
		}
	}
	// For a target, the message says why there are no classes.
	var rows [][]string
	for i := range 60 {
		rows = append(rows, []string{strconv.Itoa(i % 11), fmt.Sprintf("%d %s", i, []string{"kg", "lb"}[i%2])})
	}
	table, err := NewTable("t", []string{"x", "w"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Infer(table, SchemaOptions{}); !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), `different units, "kg" in 30 cells, "lb" in 30 cells`) {
		t.Error(err)
	}
}
