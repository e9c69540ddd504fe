package data

import (
	"fmt"
	"strings"
	"testing"
)

// One cell that is not written as the others are keeps a column from being read as numbers or dates. The reason to drop
// the column names that cell, however the others are written, and so does the error if a type is asked for.
func TestStraysAreNamed(t *testing.T) {
	for _, c := range []struct{ what, cell, stray string }{
		{"number", "%d.5", "TBD"},
		{"number", "$%d.50", "TBD"},
		{"number", "%d kg", "unknown weight"},
		{"number", "%d.1%%", "n.a.!"},
		{"number", "%d,25", "defekt"},
		{"number", "1,%d", "lots"},
		{"number", "€ %d", "free"},
		{"date", "20%d-01-01", "soon"},
		{"date", "13/02/2%d", "soon"},
		{"date", "13.02.2%d", "soon"},
		{"date", "4-Jan-2%d", "soon"},
	} {
		var b strings.Builder
		b.WriteString("x;y\n")
		for i := range 90 {
			cell := fmt.Sprintf(c.cell, i+100)
			if c.cell == "20%d-01-01" {
				cell = fmt.Sprintf(c.cell, i+10)
			}
			if i == 7 {
				cell = c.stray
			}
			fmt.Fprintf(&b, "%s;%d.5\n", cell, i*i)
		}
		table := readText(t, b.String())
		s, err := Infer(table, SchemaOptions{})
		if err != nil && !strings.Contains(err.Error(), "no column is left") {
			t.Fatal(err)
		}
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			said = s.Dropped[0].Reason.String()
		}
		_, err = Infer(table, SchemaOptions{Types: map[string]Kind{"x": KindNumber}})
		if c.what == "number" && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("standard input:9: column \"x\": the cell %q is not a number", c.stray))) {
			t.Errorf("%s, as a number: got %v, want an error on the cell %s", c.cell, err, c.stray)
		}
		want := fmt.Sprintf("1 of 90 cells is not a %s, at standard input:9: %q; correct it, or say Missing %s if it means", c.what, c.stray, c.stray)
		if !strings.Contains(said, want) {
			t.Errorf("%s: got %s, want %s", c.cell, said, want)
		}
	}
}
