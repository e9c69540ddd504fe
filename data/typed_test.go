package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// typedColumn makes a table with a column x of values and a target y.
func typedColumn(t *testing.T, values ...any) *Table {
	t.Helper()
	x, y := NewSeries("x"), NewSeries("y")
	for i, v := range values {
		if err := x.Value(v); err != nil {
			t.Fatal(err)
		}
		y.Float(float64(i*i%7) + 0.5)
	}
	table, err := TableOf("typed", x, y)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// asText makes the same table of texts.
func asText(t *testing.T, cells ...string) *Table {
	t.Helper()
	var text strings.Builder
	text.WriteString("x;y\n")
	for i, cell := range cells {
		fmt.Fprintf(&text, "%s;%v\n", cell, float64(i*i%7)+0.5)
	}
	return readText(t, text.String())
}

func anys[E any](values []E) (out []any) {
	for _, v := range values {
		out = append(out, v)
	}
	return out
}

// A number that came as a number is itself, in whatever way the training table spelled its texts.
func TestTypedNumbersHaveNoSpelling(t *testing.T) {
	numbers := []float64{984.156, 6630.289, 1234, 0.5, 6.92, 12, -3, 1e6}
	for _, test := range []struct {
		name  string
		cells string
		opt   SchemaOptions
	}{
		{"decimal comma", "984,156|6.630,289|1.234|0,5|6,92|12|-3|1.000.000", SchemaOptions{}},
		{"percent", "984.156 %|6630.289 %|1234 %|0.5 %|6.92 %|12 %|-3 %|1000000 %", SchemaOptions{}},
		{"dollars", "$984.156|$6,630.289|$1,234|$0.5|$6.92|$12|$-3|$1,000,000", SchemaOptions{}},
		{"a word for missing", "984.156|6630.289|1234|0.5|6.92|12|-3|1e6", SchemaOptions{Missing: []string{"absent"}}},
	} {
		test.opt.Targets, test.opt.Task = []string{"y"}, Regression
		table := asText(t, strings.Split(test.cells, "|")...)
		e, _ := fit(t, table, test.opt, ScaleNone)
		if got, _ := inputs(t, e, table); !slices.Equal(got, numbers) {
			t.Fatalf("%s: the text is read as %v, want %v", test.name, got, numbers)
		}
		for _, name := range []string{"floats", "with a word for missing", "with a text"} {
			values, want := anys(numbers), numbers
			switch name {
			case "with a word for missing": // among numbers, as in a spreadsheet
				values, want = append(values, "?"), append(slices.Clone(want), e.Inputs[0].Median)
			case "with a text":
				values, want = append(values, strings.Split(test.cells, "|")[1]), append(slices.Clone(want), numbers[1])
			}
			table := typedColumn(t, values...)
			b, err := e.Bind(table)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float64, len(values)*e.Width())
			if _, err := Inputs(b, nil, got); err != nil {
				t.Errorf("%s, %s: %v", test.name, name, err)
				continue
			}
			if got = matrixColumn(got, e.Width(), 0); !slices.Equal(got, want) {
				t.Errorf("%s, %s: the numbers are read as %v, want %v", test.name, name, got, want)
			}
			for row, x := range numbers {
				if amount, ok := b.Amount(row, 0); !ok || amount != x {
					t.Errorf("%s, %s: the amount of row %d is %v, want %v", test.name, name, row, amount, x)
				}
			}
		}
		// The same of a target, and of a table that is trained on with the options of a text.
		table = asText(t, strings.Split(test.cells, "|")...)
		test.opt.Targets = []string{"x"}
		e, _ = fit(t, table, test.opt, ScaleNone)
		b, err := e.Bind(typedColumn(t, anys(numbers)...))
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]float64, len(numbers)), make([]float64, len(numbers))
		if err := Targets(b, nil, got); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		for i, x := range numbers {
			want[i] = (x - e.Targets[0].Center) / e.Targets[0].Scale
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the targets are read as %v, want %v", test.name, got, want)
		}
	}
}

// The options that say how texts are written change no number of a typed column.
func TestTypedNumbersInTraining(t *testing.T) {
	numbers := []float64{984.156, 630.289, 234.5, 123.125}
	for _, values := range [][]any{anys(numbers), append(anys(numbers), "n.d.")} {
		e, _ := fit(t, typedColumn(t, values...), SchemaOptions{Decimal: ",", Types: map[string]Kind{"x": KindNumber}, Targets: []string{"y"}, Task: Regression}, ScaleNone)
		got, _ := inputs(t, e, typedColumn(t, values...))
		if got = matrixColumn(got, e.Width(), 0)[:4]; !slices.Equal(got, numbers) {
			t.Errorf("the numbers of %v are read as %v with a decimal comma", values, got)
		}
	}
	e, _ := fit(t, typedColumn(t, 1.5, -999.0, 3.5, 4.5), SchemaOptions{Missing: []string{"-999"}, Targets: []string{"y"}, Task: Regression}, ScaleNone)
	if got, _ := inputs(t, e, typedColumn(t, -999.0, 4.5)); got[0] != 3.5 || got[2] != 4.5 {
		t.Errorf("the number -999 that is missing, and 4.5, are read as %v", got)
	}
}

// Where numbers and texts that could be numbers stand in one column, nobody knows which is which: what could be two
// numbers is refused.
func TestMixedNumbersAreNotGuessed(t *testing.T) {
	e, _ := fit(t, asText(t, "984,156", "6.630,289", "0,5", "6,92"), SchemaOptions{Targets: []string{"y"}, Task: Regression}, ScaleNone)
	joined := asText(t, "984.156", "6,92") // 984156 and 6.92
	if err := joined.append(typedColumn(t, 984.156, 6.5), nil); err != nil {
		t.Fatal(err)
	}
	joined.finish(&wordSet{})
	for name, table := range map[string]*Table{"values": typedColumn(t, 984.156, "1.234"), "files": joined} {
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float64, table.Rows()*e.Width())
		if _, err := Inputs(b, nil, dst); err == nil || !strings.Contains(err.Error(), `"984.156"`) {
			t.Errorf("%s: 984.156, perhaps 984156, is read as %v, %v", name, dst, err)
		}
		if _, err := Inputs(b, []int{table.Rows() - 1}, dst[:1]); name == "files" && (err != nil || dst[0] != 6.5) {
			t.Errorf("%s: 6.5 is read as %v, %v", name, dst[0], err)
		}
	}
}
