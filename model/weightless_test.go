package model

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Rows of weight 0 are as if they were not there: scales, levels, splits, findings, guesses and
// scores are those of a table without them, to the bit.
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
	cv, err := CrossValidate(t.Context(), table(with), Options{Targets: []string{"k"}, SampleWeight: "w", Epochs: 1}, 3, nil)
	if err != nil || len(cv.Rows) != 120 {
		t.Errorf("a cross-validation has %d rows: %v", len(cv.Rows), err)
	}
	// A class that weighs nothing is not trained on either.
	m, f := mustTrain(t, table(without), Options{Targets: []string{"c"}, Ignore: []string{"w"}, ClassWeight: []string{"q=0"}, Epochs: 2, Test: &test})
	if f.Rows.Weightless == 0 || m.Training.Guess[slices.Index(m.Classes(), "q")] != 0 {
		t.Errorf("a class of weight 0: %+v, guess %v", f.Rows, m.Training.Guess)
	}
}
