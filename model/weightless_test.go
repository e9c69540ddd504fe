package model

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Rows of weight 0 change nothing. The scales, levels, splits, findings, guesses and scores are those of a table without
// them, bit for bit.
func TestWeightlessRowsAreNotThere(t *testing.T) {
	columns := []string{"x", "c", "y", "k", "w"}
	var with, without [][]string
	for i := range 120 {
		row := []string{fmt.Sprint(i * 37 % 101), string(rune('p' + i%3)), fmt.Sprint(i * 7 % 13), string(rune('a' + i%2)), fmt.Sprint(1 + i%2)}
		with, without = append(with, row), append(without, row)
		if i%4 == 0 { // far off, a level of its own, the other class, a broken balance
			with = append(with, []string{fmt.Sprint(1e6 * (i + 1)), "odd", "1e9", "a", "0"})
		}
	}
	table := func(rows [][]string) *data.Table {
		t.Helper()
		made, err := data.NewTable("t", columns, rows)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	test := 0.2
	for _, target := range []string{"y", "k"} {
		o := Options{Targets: []string{target}, SampleWeight: "w", Hidden: []int{4}, Epochs: 5, Test: &test}
		m, f := mustTrain(t, table(with), o)
		n, g := mustTrain(t, table(without), o)
		if m.WeightsSHA256() != n.WeightsSHA256() {
			t.Errorf("%s: rows of weight 0 give other weights", target)
		}
		if f.Rows.Weightless != 30 || g.Rows.Weightless != 0 || f.Rows.Train != g.Rows.Train || f.Rows.Test != g.Rows.Test {
			t.Errorf("%s: %+v with them, %+v without", target, f.Rows, g.Rows)
		}
		if got, want := fmt.Sprint(m.Training.Metrics.Test, m.Training.Metrics.Baseline, m.Training.Guess, m.Training.Diagnosis), fmt.Sprint(n.Training.Metrics.Test, n.Training.Metrics.Baseline, n.Training.Guess, n.Training.Diagnosis); got != want {
			t.Errorf("%s: with them\n%s, without\n%s", target, got, want)
		}
		e, err := m.Evaluate(table(with), EvaluateOptions{SampleWeight: "w"})
		if err != nil || e.Rows != 120 || e.Left.Weightless != 30 {
			t.Errorf("%s: evaluate scores %d rows and leaves %d out: %v", target, e.Rows, e.Left.Weightless, err)
		}
	}
	cv, err := CrossValidate(t.Context(), Tables{Train: table(with)}, Options{Targets: []string{"k"}, SampleWeight: "w", Epochs: 1}, 3, nil)
	if err != nil || len(cv.Rows) != 120 {
		t.Errorf("a cross-validation has %d rows, want 120: %v", len(cv.Rows), err)
	}
	// A class that weighs nothing is not trained on either.
	m, f := mustTrain(t, table(without), Options{Targets: []string{"c"}, Ignore: []string{"w"}, ClassWeight: []string{"q=0"}, Epochs: 2, Test: &test})
	if f.Rows.Weightless == 0 || m.Training.Guess[slices.Index(m.Classes(), "q")] != 0 {
		t.Errorf("a class of weight 0: %+v, guess %v", f.Rows, m.Training.Guess)
	}
}

// Nothing is learned from rows of weight 0, whatever their cells hold. The kinds and spellings of the columns, the
// classes and levels, and the rows that are held out are those of the table without them.
func TestOddRowsOfNoWeight(t *testing.T) {
	// The last two columns are the target in turn. The rows of weight 0 have the cells of odd.
	columns := []string{"number", "missing", "money", "day", "flag", "same", "id", "level", "code", "empty", "w", "amount", "class"}
	kept := func(i int) []string {
		return []string{
			fmt.Sprint(i * 37 % 101), []string{fmt.Sprint(i % 7), "n.d."}[min(i%9, 1)^1], fmt.Sprintf("$%d,%03d.50", 1+i%9, i), fmt.Sprintf("%d/%d/2020", 1+i%12, 1+i%28),
			[]string{"yes", "no"}[i%2], "5", fmt.Sprint(i + 1), string(rune('p' + i%3)), fmt.Sprintf("%d", 1+i%4), "", fmt.Sprint(1 + i%2), fmt.Sprint(i * 7 % 13), []string{"1", "2"}[i*5%7%2],
		}
	}
	odd := []string{"text", "oops", "1.2.3", "someday", "perhaps", "6", "1e300", "odd", "007", "here", "0", "1e12", "3"}
	table := func(rows [][]string) *data.Table {
		t.Helper()
		made, err := data.NewTable("t", columns, rows)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	var with, behind, without [][]string
	for i := range 120 {
		if i%6 == 0 {
			with = append(with, odd)
		}
		with, without = append(with, kept(i)), append(without, kept(i))
	}
	behind = append(slices.Clone(without), odd, odd, odd)
	test := 0.2
	for _, target := range []string{"amount", "class"} {
		o := Options{Targets: []string{target}, SampleWeight: "w", Hidden: []int{4}, Epochs: 5, Test: &test}
		m, f := mustTrain(t, table(without), o)
		for name, rows := range map[string][][]string{"between": with, "behind": behind} {
			n, g := mustTrain(t, table(rows), o)
			for _, same := range []struct {
				what      string
				got, want any
			}{
				{"columns", g.Schema.Columns, f.Schema.Columns},
				{"dropped", g.Schema.Dropped, f.Schema.Dropped},
				{"task", g.Schema.Task, f.Schema.Task},
				{"targets", g.Schema.Targets, f.Schema.Targets},
				{"description", g.Schema.Describe(5), f.Schema.Describe(5)},
				{"unlabeled", g.Schema.Unlabeled, f.Schema.Unlabeled},
				{"notes", g.Notes, f.Notes},
				{"inputs", n.Encoding.Inputs, m.Encoding.Inputs},
				{"outputs", n.Encoding.Targets, m.Encoding.Targets},
				{"weights", n.WeightsSHA256(), m.WeightsSHA256()},
				{"findings", n.Training.Diagnosis, m.Training.Diagnosis},
				{"scores", n.Training.Metrics, m.Training.Metrics},
				{"imputed", g.Imputed(), f.Imputed()},
			} {
				if !reflect.DeepEqual(same.got, same.want) {
					t.Errorf("%s, rows of weight 0 %s: %s\n%+v\n%+v without them", target, name, same.what, same.got, same.want)
				}
			}
			if g.Rows.Weightless != len(rows)-120 {
				t.Errorf("%s: %d rows of weight 0", target, g.Rows.Weightless)
			}
		}
	}
	// An evaluation leaves them out before it looks at their class.
	m, _ := mustTrain(t, table(without), Options{Targets: []string{"class"}, Ignore: []string{"w"}, Hidden: []int{2}, Epochs: 1, Test: &test})
	e, err := m.Evaluate(table([][]string{kept(1), kept(2), append(slices.Clone(kept(3)[:10]), "0", "1", "3")}), EvaluateOptions{SampleWeight: "w"})
	if err != nil || e.Rows != 2 || e.Left.Weightless != 1 || e.Left.Unknown != 0 {
		t.Errorf("%d rows scored, left %+v: %v", e.Rows, e.Left, err)
	}
}
