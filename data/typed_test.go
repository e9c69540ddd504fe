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

// asText returns the same table, read from text.
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

// A number of a typed column keeps its value, however the text of the training table was spelled.
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
		// The same holds for a target.
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

// The options that say how text is written change no number of a typed column.
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
		t.Errorf("the missing number -999 and the number 4.5 are read as %v, want 3.5 and 4.5", got)
	}
}

// A text that could be two different numbers is refused if its column has both numbers and text, because its spelling
// is not known.
func TestMixedNumbersAreNotGuessed(t *testing.T) {
	e, _ := fit(t, asText(t, "984,156", "6.630,289", "0,5", "6,92"), SchemaOptions{Targets: []string{"y"}, Task: Regression}, ScaleNone)
	joined := asText(t, "984.156", "6,92") // 984156 and 6.92
	if err := joined.append(typedColumn(t, 984.156, 6.5), nil); err != nil {
		t.Fatal(err)
	}
	joined.finish()
	for name, table := range map[string]*Table{"values": typedColumn(t, 984.156, "1.234"), "files": joined} {
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float64, table.Rows()*e.Width())
		if _, err := Inputs(b, nil, dst); err == nil || !strings.Contains(err.Error(), `"984.156"`) {
			t.Errorf("%s: 984.156, perhaps 984156, is read as %v, %v, want an error that names it", name, dst, err)
		}
		if _, err := Inputs(b, []int{table.Rows() - 1}, dst[:1]); name == "files" && (err != nil || dst[0] != 6.5) {
			t.Errorf("%s: 6.5 is read as %v, %v, want 6.5 and no error", name, dst[0], err)
		}
	}
}

// A whole number is the same level as 1, as 1.0 and as a typed number, unless the training table tells these apart.
func TestLevelsOfWholeNumbers(t *testing.T) {
	types := map[string]Kind{"x": KindCategory}
	for _, test := range []struct {
		levels, cells, want string // the place of each cell among the levels; - for none
	}{
		{"1|2|3", "1.0|2.0|3.0|4.0|01|1.00|1e0", "0|1|2|-|-|-|-"},
		{"1.0|2.0", "1|2|3|1.0", "0|1|-|0"},
		{"001|1", "001|1|1.0|001.0", "0|1|1|0"},
		{"1|1.0", "1.0|1", "1|0"},
		{"9007199254740992|9007199254740993", "9007199254740993|9007199254740992.0|9007199254740993.0|9007199254740994", "1|0|1|-"},
	} {
		levels := strings.Split(test.levels, "|")
		e, _ := fit(t, asText(t, append(levels, levels...)...), SchemaOptions{Types: types, Targets: []string{"y"}, Task: Regression}, ScaleNone)
		cells, want := strings.Split(test.cells, "|"), strings.Split(test.want, "|")
		all, _ := inputs(t, e, asText(t, cells...))
		for i, cell := range cells {
			row := make([]float64, e.Width())
			if err := EncodeRow(e, []Value{Text(cell)}, row); err != nil {
				t.Fatal(err)
			}
			for how, x := range map[string][]float64{"row": row, "table": all[i*e.Width():][:e.Width()]} {
				got := "-"
				if at := slices.Index(x, 1); at >= 0 && at < len(e.Inputs[0].Levels) {
					got = fmt.Sprint(slices.Index(levels, e.Inputs[0].Levels[at]))
				}
				if got != want[i] {
					t.Errorf("%s: the %s of the text %s has the level %s, want %s", test.levels, how, cell, got, want[i])
				}
			}
		}
	}
	// A typed cell of a table has the same level as its value in a row.
	for _, test := range []struct {
		levels string
		values []any
	}{
		{"1|2|3", []any{1.0, 2, 3.5, 4}},
		{"1.0|2.0", []any{1.0, 2, 3.5}},
		{"001|002", []any{1.0, 2, 3}},
		{"9007199254740992|9007199254740993", []any{9007199254740992.0, 9007199254740994.0}},
		{"9007199254740993|x", []any{9007199254740992.0, 1}},
		{"True|False|maybe", []any{true, false}},
	} {
		levels := strings.Split(test.levels, "|")
		e, _ := fit(t, asText(t, append(levels, levels...)...), SchemaOptions{Types: types, Targets: []string{"y"}, Task: Regression}, ScaleNone)
		all, counts := inputs(t, e, typedColumn(t, test.values...))
		for i, v := range test.values {
			value := Missing()
			switch v := v.(type) {
			case float64:
				value = Number(v)
			case int:
				value = Number(float64(v))
			case bool:
				value = Bool(v)
			}
			row := make([]float64, e.Width())
			if err := EncodeRow(e, []Value{value}, row); err != nil {
				t.Fatal(err)
			}
			if got := all[i*e.Width():][:e.Width()]; !slices.Equal(got, row) {
				t.Errorf("%s: %v is encoded as %v in a table and as %v in a row", test.levels, v, got, row)
			}
		}
		if unseen := counts.Unseen(); strings.HasPrefix(test.levels, "9007199254740993") && unseen != 2 || strings.HasPrefix(test.levels, "True") && unseen != 0 {
			t.Errorf("%s: %d of %v are unseen", test.levels, unseen, test.values)
		}
	}
	// The same holds for classes.
	e, _ := fit(t, asText(t, "1", "2", "1", "2"), SchemaOptions{Types: map[string]Kind{"x": KindCategory}, Targets: []string{"x"}}, ScaleNone)
	for _, table := range []*Table{asText(t, "2.0", "1.0"), typedColumn(t, 2.0, 1.0)} {
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		y := make([]float64, 2)
		if err := Targets(b, nil, y); err != nil || y[0] != 1 || y[1] != 0 {
			t.Errorf("the classes 2.0 and 1.0 are %v, %v, want [1 0] and no error", y, err)
		}
	}
}

// A column of dates in a layout also takes ISO dates, and says how its dates are written.
func TestISODatesBesideALayout(t *testing.T) {
	days := []string{"2020-01-13", "2020-02-01", "2020-03-30", "2020-04-05"}
	for _, test := range []struct {
		layout, cells string
		dates         string // the examples that the column gives
		iso           bool
	}{
		{"%d/%m/%Y", "13/1/2020|1/2/2020|30/3/2020|5/4/2020", "1999-12-31 or 31/12/1999", true},
		{"%m/%d/%y", "1/13/20|2/1/20|3/30/20|4/5/20", "1999-12-31 or 12/31/99", true},
		{"%d %b %Y", "13 Jan 2020|1 Feb 2020|30 Mar 2020|5 Apr 2020", "1999-12-31 or 31 Dec 1999", true},
		{"%Y-%d-%m", "2020-13-01|2020-01-02|2020-30-03|2020-05-04", "1999-31-12", false},
		{"%H:%M", "10:30|11:45|23:15|00:00", "23:59", false},
	} {
		e, _ := fit(t, asText(t, strings.Split(test.cells, "|")...), SchemaOptions{DateFormat: map[string]string{"x": test.layout}, Targets: []string{"y"}, Task: Regression}, ScaleNone)
		in := &e.Inputs[0]
		if got := strings.Join(in.Dates(), " or "); got != test.dates && !in.Clock {
			t.Errorf("%s: the column takes %s, want %s", test.layout, got, test.dates)
		}
		for _, example := range in.Dates() {
			if err := EncodeRow(e, []Value{Text(example)}, make([]float64, e.Width())); err != nil {
				t.Errorf("%s: the column refuses its own example: %v", test.layout, err)
			}
		}
		want, _ := inputs(t, e, asText(t, strings.Split(test.cells, "|")...))
		err := EncodeRow(e, []Value{Text("13-Jan")}, make([]float64, e.Width()))
		if err == nil || !strings.Contains(err.Error(), test.layout) || !strings.Contains(err.Error(), in.Dates()[0]) {
			t.Errorf("%s: the error names neither the layout nor a date: %v", test.layout, err)
		}
		b, err := e.Bind(asText(t, days...))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(want))
		if _, err := Inputs(b, nil, got); (err == nil) != test.iso || test.iso && !slices.Equal(got, want) {
			t.Errorf("%s: ISO dates are read as %v, %v, want %v", test.layout, got, err, want)
		}
		row := make([]float64, e.Width())
		if err := EncodeRow(e, []Value{Text(days[0])}, row); (err == nil) != test.iso || test.iso && !slices.Equal(row, want[:e.Width()]) {
			t.Errorf("%s: an ISO date in a row is read as %v, %v, want %v", test.layout, row, err, want)
		}
	}
}

// A text that is not written as the training rows were is refused. The sentence says how to write it.
func TestTextForTypedColumns(t *testing.T) {
	x, day, y := NewSeries("x"), NewSeries("day"), NewSeries("y")
	for i := range 20 {
		x.Float(6630.289 + float64(i))
		day.Seconds(int64(i) * 86400 * 40)
		y.Int(int64(i))
	}
	typed, err := TableOf("typed", x, day, y)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := fit(t, typed, SchemaOptions{}, ScaleAuto)
	commas, _ := fit(t, readText(t, "x;day;y\n\"1.234,5\";2020-01-01;1\n\"2.234,5\";2020-01-02;2\n\"5,25\";2020-01-03;3\n"), SchemaOptions{}, ScaleAuto)
	for _, c := range []struct {
		e       *Encoding
		x, day  string
		problem string
	}{
		{e, "6630,289", "2020-01-13", `"6630,289" is not a number, as this column had in training: write it as 6630.289, with a point before the decimals and nothing else`},
		{e, "$6,630.25", "2020-01-13", `: write it as 6630.25, with a point`},
		{e, "6,630", "2020-01-13", `: write it as 6.63 or as 6630, with a point`},
		{e, "old", "2020-01-13", `"old" is not a number, as this column had in training`},
		{e, "1", "31/12/1999", `"31/12/1999" is not a date, as this column had in training: expected 1999-12-31, 1999-12-31 23:59:59 or the like; this one is written 1999-12-31`},
		{e, "1", "1/2/1999", `; this one may be 1999-02-01 or 1999-01-02`},
		{commas, "6630.289", "2020-01-13", `: there they are written like "1.234,5"`},
	} {
		err := EncodeRow(c.e, []Value{Text(c.x), Text(c.day)}, make([]float64, c.e.Width()))
		if err == nil || !strings.Contains(err.Error(), c.problem) || strings.HasSuffix(c.problem, "training") && !strings.HasSuffix(err.Error(), c.problem) {
			t.Errorf("%s, %s: got %v, want %q", c.x, c.day, err, c.problem)
		}
		b, err := c.e.Bind(readText(t, "x;day;y\n\""+c.x+"\";"+c.day+";1\n1;2020-01-01;2\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Inputs(b, nil, make([]float64, 2*c.e.Width())); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s, %s in a table: got %v, want %q", c.x, c.day, err, c.problem)
		}
	}
}
