package data

import (
	"slices"
	"testing"
)

// If a number is among the words for missing, every cell with that number is missing. The cell may be text, text in
// another notation, a value of a typed column, or a number of a row.
func TestNumbersThatAreMissing(t *testing.T) {
	opt := SchemaOptions{Targets: []string{"y"}, Missing: []string{"-999", "7.5"}, Types: map[string]Kind{"c": KindCategory}}
	text := readText(t, "x,c,y\n1,a,1\n-999,b,2\n3,-999,3\n-999.0,a,4\n2.5,b,5\n7.50,a,6\n4,-999.0,7\n")
	x, c, y := NewSeries("x"), NewSeries("c"), NewSeries("y")
	for i, v := range []float64{1, -999, 3, -999, 2.5, 7.5, 4} {
		x.Float(v)
		c.Text([]string{"a", "b", "-999", "a", "b", "a", "-999"}[i])
		y.Float(float64(i + 1))
	}
	typed, err := TableOf("typed", x, c, y)
	if err != nil {
		t.Fatal(err)
	}
	var first []float64
	for _, table := range []*Table{text, typed} {
		e, s := fit(t, table, opt, ScaleAuto)
		if s.Columns[0].Missing != 3 || s.Columns[1].Missing != 2 || s.Columns[0].Kind != KindNumber {
			t.Errorf("%s: %d numbers and %d categories are missing, want 3 and 2", table.Name(), s.Columns[0].Missing, s.Columns[1].Missing)
		}
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		encoded := make([]float64, 7*e.Width())
		if _, err := Inputs(b, nil, encoded); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = encoded
		}
		if !slices.Equal(first, encoded) {
			t.Errorf("%s: the encoded rows differ from those of the text", table.Name())
		}
		want, got := make([]float64, e.Width()), make([]float64, e.Width())
		if err := EncodeRow(e, []Value{Missing(), Missing()}, want); err != nil {
			t.Fatal(err)
		}
		for _, row := range [][]Value{
			{Number(-999), Number(-999)}, {Text("-999"), Text("-999")}, {Text("-999.0"), Text("-999.0")}, {Number(7.5), Number(7.5)},
		} {
			if err := EncodeRow(e, row, got); err != nil {
				t.Fatal(err)
			}
			missing, unseen := make([]int64, 2), make([]int64, 2)
			e.Tally(row, missing, unseen)
			if !slices.Equal(got, want) || !slices.Equal(missing, []int64{1, 1}) || !slices.Equal(unseen, []int64{0, 0}) || !e.Lacks(0, row[0]) || !e.Knows(1, row[1]) {
				t.Errorf("%s: the row %v is encoded as %v, want %v; missing %v, unseen %v", table.Name(), row, got, want, missing, unseen)
			}
		}
		number, _ := fit(t, table, SchemaOptions{Targets: []string{"y"}, Missing: opt.Missing, Ignore: []string{"c"}}, ScaleAuto)
		want, got = make([]float64, number.Width()), make([]float64, number.Width())
		if err := EncodeRow(number, []Value{Missing()}, want); err != nil {
			t.Fatal(err)
		}
		if _, err := EncodeNumbers(number, []float64{-999}, got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: EncodeNumbers gives %v, %v, want %v", table.Name(), got, err, want)
		}
	}
	if text.Cell(3, 0) != "-999.0" {
		t.Errorf("the cell is %q after it was taken for missing, want -999.0", text.Cell(3, 0))
	}
}

// The numbers that mean missing are read in the column's own spelling.
func TestNumbersThatAreMissingSpelled(t *testing.T) {
	sp := &Spelling{Missing: []string{"-999,5", "1.000"}, Decimal: ",", Group: "."}
	if !slices.Equal(sp.missingNumbers(), []float64{-999.5, 1000}) || !sp.lacks(1000) || sp.lacks(1) || !sp.missing("1000") || sp.missing("1") {
		t.Errorf("the numbers that mean missing are %v, want -999.5 and 1000", sp.missingNumbers())
	}
}
