package data

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rowsOf returns the text of a table, made of a header and of rows that a function writes.
func rowsOf(header string, n int, row func(r int) string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for r := range n {
		b.WriteString(row(r) + "\n")
	}
	return b.String()
}

func TestInferKinds(t *testing.T) {
	for _, test := range []struct {
		cells string
		want  Kind
	}{
		{"1 2.5 -3", KindNumber},
		{"1 NA 3", KindNumber},
		{"0 1 0", KindNumber},
		{"yes no yes", KindBoolean},
		{"True FALSE true", KindBoolean},
		{"t f ?", KindBoolean},
		{"yes true no", KindCategory},
		{"a b a", KindCategory},
		{"1 b 3", KindCategory},
		{"inf a b", KindCategory},
		{"1999-12-31 2000-01-01 1999/01/01", KindDate},
		{"31.12.1999 01.02.2000 NA", KindDate},
		{"01.02.1999 02.02.2000 03.03.2001", KindCategory}, // the day or the month first?
		{"1999-12-31 2000-01-01 soon", KindCategory},
	} {
		cells := strings.Fields(test.cells)
		table := readText(t, rowsOf("x,y", 3, func(r int) string { return fmt.Sprintf("%s,%d.5", cells[r], r) }))
		s, err := Infer(table, SchemaOptions{})
		if err != nil {
			t.Errorf("%s: %v", test.cells, err)
		} else if s.Columns[0].Kind != test.want {
			t.Errorf("%s: got %s, want %s", test.cells, s.Columns[0].Kind, test.want)
		}
	}
}

// Text is id-like if it has more than 50 levels and more than three levels for every four cells. It is also id-like if
// all of at least 10 cells differ.
func TestTooManyLevels(t *testing.T) {
	for _, c := range []struct {
		levels, cells int
		want          bool
	}{{50, 51, false}, {51, 52, true}, {75, 100, false}, {76, 100, true}, {929, 1309, false}, {9, 9, false}, {10, 10, true}, {10, 11, false}} {
		if got := tooManyLevels(c.levels, c.cells); got != c.want {
			t.Errorf("tooManyLevels(%d, %d) = %v, want %v", c.levels, c.cells, got, c.want)
		}
	}
}

func TestInferDrops(t *testing.T) {
	const n = 120
	text := rowsOf("id,name,few,code,missing,constant,half,year,typo,comma,x,y", n, func(r int) string {
		typo := fmt.Sprint(r * r)
		if r == 5 {
			typo = "12abc"
		}
		half := ""
		if r%2 == 0 {
			half = "7"
		}
		return fmt.Sprintf("%d,person %d,f%d,%d,?,same,%s,%d,%s,\"%d,5\",%d.5,%d.25", r+1, r, r%40, (r*7)%n, half, 1900+r, typo, r, r%10, r)
	})
	s, err := Infer(readText(t, text), SchemaOptions{Ignore: []string{"code"}})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{
		{"code", "ignored, as asked"},
		{"id", "counts the rows: whole numbers from 1 to 120; Types id=number keeps it"},
		{"name", `id-like text: 120 different values in 120 cells, such as "person 0"; Types name=category keeps it`},
		{"missing", "all cells are missing"},
		{"constant", `constant: every cell is "same"`},
		{"typo", `id-like text: 120 different values in 120 cells, such as "0"; Types typo=category keeps it; 1 of 120 cells is not a number, at standard input:7: "12abc"; correct it, or say Missing 12abc if it means that the value is missing`},
	}
	var dropped [][2]string
	for _, d := range s.Dropped {
		dropped = append(dropped, [2]string{d.Name, d.Reason.String()})
	}
	if diff := cmp.Diff(want, dropped); diff != "" {
		t.Errorf("dropped mismatch (-want +got):\n%s", diff)
	}
	var kept []string
	for _, c := range s.Columns {
		kept = append(kept, c.Name)
	}
	if diff := cmp.Diff([]string{"few", "half", "year", "comma", "x"}, kept); diff != "" {
		t.Errorf("kept mismatch (-want +got):\n%s", diff)
	}

	// A column with a given type is kept, whatever its cells.
	s, err = Infer(readText(t, text), SchemaOptions{Types: map[string]Kind{
		"id": KindNumber, "name": KindCategory, "missing": KindNumber, "constant": KindCategory, "x": KindIgnore,
	}})
	if err != nil {
		t.Fatal(err)
	}
	kept = nil
	for _, c := range s.Columns {
		kept = append(kept, c.Name+" "+string(c.Kind))
	}
	if diff := cmp.Diff([]string{"id number", "name category", "few category", "code number", "missing number", "constant category", "half number", "year number", "comma number"}, kept); diff != "" {
		t.Errorf("kept mismatch (-want +got):\n%s", diff)
	}
	e, err := s.Fit(s.table, nil, ScaleAuto, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAutoTask(t *testing.T) {
	for _, test := range []struct {
		name   string
		rows   int
		target func(r int) string
		want   Task
	}{
		{"digits", 100, func(r int) string { return fmt.Sprint(r % 10) }, Multiclass},
		{"grades from 3 to 8", 100, func(r int) string { return fmt.Sprint(3 + r%6) }, Multiclass},
		{"codes with a gap", 100, func(r int) string { return fmt.Sprint([]int{1, 2, 3, 5, 6, 7}[r%6]) }, Multiclass},
		{"too few rows to tell", 50, func(r int) string { return fmt.Sprint(r % 10) }, Regression},
		{"counts", 1000, func(r int) string { return fmt.Sprint(r % 28) }, Regression},
		{"sparse numbers", 100, func(r int) string { return fmt.Sprint(r % 5 * 100) }, Regression},
		{"fractions", 100, func(r int) string { return fmt.Sprint(float64(r%3) / 2) }, Regression},
		{"whole numbers with a point", 100, func(r int) string { return fmt.Sprintf("%d.0", r%3) }, Multiclass},
		{"zero and one", 4, func(r int) string { return fmt.Sprint(r % 2) }, Binary},
		{"one value", 4, func(r int) string { return "3" }, Regression},
		{"one row", 1, func(r int) string { return "3" }, Regression},
		{"two words", 4, func(r int) string { return string("ab"[r%2]) }, Binary},
		{"three words", 6, func(r int) string { return string("abc"[r%3]) }, Multiclass},
		{"booleans", 4, func(r int) string { return [...]string{"yes", "no"}[r%2] }, Binary},
	} {
		table := readText(t, rowsOf("x,y", test.rows, func(r int) string { return fmt.Sprintf("%d.5,%s", r*r, test.target(r)) }))
		opt := SchemaOptions{}
		if test.rows == 1 {
			opt.Types = map[string]Kind{"x": KindNumber}
		}
		s, err := Infer(table, opt)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if s.Task != test.want {
			t.Errorf("%s: got %s, want %s", test.name, s.Task, test.want)
		}
	}
}

func TestUnlabeledRows(t *testing.T) {
	s, err := Infer(readText(t, "x,y\n1,a\n2,?\n3,b\n4,\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 2}, s.Rows); diff != "" || s.Unlabeled != 2 || !s.DefaultTarget {
		t.Errorf("rows mismatch (-want +got): %s; %d unlabeled, default %v, want 2 and true", diff, s.Unlabeled, s.DefaultTarget)
	}
	if diff := cmp.Diff([]int{0, 1}, s.Strata()); diff != "" {
		t.Errorf("s.Strata() mismatch (-want +got):\n%s", diff)
	}
}

func TestInferRefuses(t *testing.T) {
	const plain = "age,sex,y\n1,a,0.5\n2,b,1.5\n"
	kinds := func(name string, kind Kind) SchemaOptions { return SchemaOptions{Types: map[string]Kind{name: kind}} }
	targets := func(task Task, names ...string) SchemaOptions { return SchemaOptions{Targets: names, Task: task} }
	for _, test := range []struct {
		name, text string
		opt        SchemaOptions
		kind       error
		want       string
	}{
		{"target with a near name", plain, targets("", "Sex"), ErrTarget, `standard input: there is no column "Sex" to take for the target: did you mean "sex"?`},
		{"target with no near name", plain, targets("", "income"), ErrTarget, `standard input: there is no column "income" to take for the target: the columns are "age", "sex", "y"`},
		{"target twice", plain, targets("", "y", "y"), ErrTarget, `standard input: the target "y" is named twice: name it once`},
		{"target ignored", plain, SchemaOptions{Targets: []string{"y"}, Ignore: []string{"y"}}, ErrTarget, `standard input: the target "y" is to be ignored as well: choose one`},
		{"all ignored", plain, SchemaOptions{Ignore: []string{"age", "sex", "y"}}, ErrTarget, "standard input: every column is to be ignored"},
		{"ignore unknown", plain, SchemaOptions{Ignore: []string{"agee"}}, ErrColumn, `standard input: there is no column "agee" to ignore: did you mean "age"?`},
		{"type of unknown", plain, kinds("sx", KindNumber), ErrColumn, `standard input: there is no column "sx" to give a type: did you mean "sex"?`},
		{"unknown type", plain, kinds("sex", "text"), ErrOption, `the type of column "sex": "text" is not one of number, category, boolean, date and ignore`},
		{"unknown task", plain, targets("ranking"), ErrOption, `the task "ranking" is not one of auto, regression, binary, multiclass and multilabel`},
		{"not a number", plain, kinds("sex", KindNumber), ErrType, `standard input:2: column "sex": the cell "a" is not a number`},
		{"not a boolean", plain, kinds("age", KindBoolean), ErrType, `standard input:3: column "age": the cell "2" is not a boolean`},
		{"not a date", plain, kinds("age", KindDate), ErrType, `standard input:2: column "age": the cell "1" is not a date`},
		{"infinity", "x,y\n1,2\n-inf,3\n", SchemaOptions{}, ErrNumber, `standard input:3: column "x": the cell "-inf" is not a finite decimal number: correct it, or say Missing -inf if it means that the value is missing`},
		{"overflow", "x,y\n1,2\n1e400,3\n", SchemaOptions{}, ErrNumber, `standard input:3: column "x": the cell "1e400" is not a finite decimal number`},
		{"hexadecimal", "x,y\n1,2\n0x10,3\n", SchemaOptions{}, ErrNumber, `standard input:3: column "x": the cell "0x10" is not a finite decimal number`},
		{"underscore", "x,y\n1,2\n1_000,3\n", SchemaOptions{}, ErrNumber, `standard input:3: column "x": the cell "1_000" is not a finite decimal number`},
		{"infinite target", "x,y\n1,2.5\n2,inf\n", SchemaOptions{}, ErrNumber, `standard input:3: column "y": the cell "inf" is not a finite decimal number`},
		{"no inputs", "y\n1\n2\n", SchemaOptions{}, ErrColumn, "standard input: no column is left to learn from (the table has no other column): add the columns to learn it from"},
		{"inputs ignored", "x,y\n1,2\n1,3\n", SchemaOptions{Ignore: []string{"x"}}, ErrColumn, `standard input: no column is left to learn from (x: ignored, as asked): ignore fewer`},
		{"no useful inputs", "x,y\n1,2\n1,3\n", SchemaOptions{}, ErrColumn, `standard input: no column is left to learn from (x: constant: every cell is "1"): keep a column by naming its type with Types`},
		{"a title in a cell above two columns", rowsOf("Sales,\nx,y", 60, func(r int) string { return fmt.Sprintf("%d.5,%d.5", r, r*r) }), SchemaOptions{}, ErrColumn,
			`standard input: no column is left to learn from (Sales: id-like text: 61 different values in 61 cells, such as "x"; Types Sales=category keeps it; 1 of 61 cells is not a number, at standard input:2: "x"; correct it, or say Missing x if it means that the value is missing): keep a column by naming its type with Types; line 1 has names for 1 of 2 columns; if it is a title, say SkipRows 1`},
		{"a class that is taken for missing", rowsOf("x,y", 60, func(r int) string { return fmt.Sprintf("%d.5,%s", r, []string{"NA", "EU"}[r%2]) }), SchemaOptions{}, ErrTarget,
			`standard input: the target "y" has a single class, "EU": it takes two or more to tell apart, so name another target; "NA" in 30 cells taken for missing; if that is a value like others, say Missing none`},
		{"no labeled row", "x,y\n1,\n2,?\n", SchemaOptions{}, ErrTarget, `standard input: no row has a target: the cells of "y" are missing`},
		{"single class", "x,y\n1,a\n2,a\n", SchemaOptions{}, ErrTarget, `standard input: the target "y" has a single class, "a": it takes two or more to tell apart`},
		{"names as classes", rowsOf("x,y", 60, func(r int) string { return fmt.Sprintf("%d,n%d", r*r, r) }), SchemaOptions{}, ErrTarget,
			`standard input: the target "y" has 60 different values in 60 rows, such as "n0", too many to be classes: name another target`},
		{"numbers that are not read", rowsOf("x,y", 60, func(r int) string { return fmt.Sprintf(`%d,"%d,43,898"`, r*r, r+10) }), SchemaOptions{}, ErrTarget,
			`standard input: the target "y" has 60 different values in 60 rows, such as "10,43,898", too many to be classes, and not numbers as they are written: write them as plain numbers, or name another target`},
		{"a title above", rowsOf("Sales,,\na,b,y", 60, func(r int) string { return fmt.Sprintf("%d,%d,%d.5", r, r%7, r) }), SchemaOptions{}, ErrTarget,
			`standard input: the target "c2" is text, but 1 of 61 cells is not a number, at standard input:2: "y"; correct it, or say Missing y if it means that the value is missing; with the type category its cells are classes; line 1 has names for 1 of 3 columns; if it is a title, say SkipRows 1`},
		{"none is missing, and a word", plain, SchemaOptions{Missing: []string{"-999", "none"}}, ErrOption, `none says that no word means missing, but "-999" is given as well: give words, or none alone`},
		{"dates as target", "x,y\n1,2020-01-01\n2,2020-01-02\n", SchemaOptions{}, ErrTarget, `standard input: the target "y" holds dates, which cannot be predicted`},
		{"regression on text", plain, targets(Regression, "sex"), ErrTask, `standard input: the target "sex" holds text ("a", "b"), regression takes numbers: take the task binary or multiclass`},
		{"binary with three", "x,y\n1,a\n2,b\n3,c\n", targets(Binary, "y"), ErrTask, `standard input: the target "y" has 3 classes ("a", "b", "c"), the task binary takes two`},
		{"binary with two targets", plain, targets(Binary, "sex", "y"), ErrTask, "standard input: the task binary takes one target, here are 2"},
		{"mixture", plain, targets("", "sex", "y"), ErrTask, `standard input: these targets cannot be learned together ("sex" holds 2 classes, "y" holds numbers)`},
		{"label with a single class", "x,a,b\n1,0,1\n2,0,0\n", targets("", "a", "b"), ErrTarget, `standard input: the target "a" has a single class, "0"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Infer(readText(t, test.text), test.opt)
			refuses(t, err, test.kind, test.want)
		})
	}
	// These numbers are so large that their statistics are not finite.
	s, err := Infer(readText(t, "x,y\n-1e308,0.5\n1e308,1\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Fit(s.table, nil, ScaleStandard, true)
	refuses(t, err, ErrNumber, `standard input: column "x" holds numbers too large to scale`)
}
