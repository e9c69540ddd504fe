package model

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
)

// noise returns a table whose inputs say nothing about its target.
func noise(t *testing.T, rows, columns int, target func(r *rand.Rand) string) *data.Table {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var names []string
	for j := range columns {
		names = append(names, fmt.Sprint("x", j))
	}
	cells := make([][]string, rows)
	for i := range cells {
		for range columns {
			cells[i] = append(cells[i], fmt.Sprintf("%.3f", r.NormFloat64()))
		}
		cells[i] = append(cells[i], target(r))
	}
	table, err := data.NewTable("noise", append(names, "y"), cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A model that is worse than the guess on rows that it was not trained on is shrunk toward the guess. It is then no
// worse than the guess on these rows, and predicts new rows better than before. Its weights do not change, and the file
// keeps the shrinkage.
func TestShrink(t *testing.T) {
	class := func(names string) func(r *rand.Rand) string {
		return func(r *rand.Rand) string { return string(names[r.IntN(len(names))]) }
	}
	for name, c := range map[string]struct {
		target  func(r *rand.Rand) string
		members int
		score   string
	}{
		"binary, ensemble":     {class("aab"), 4, "log_loss"},
		"multiclass, ensemble": {class("aabc"), 3, "log_loss"},
		"regression, ensemble": {func(r *rand.Rand) string { return fmt.Sprintf("%.4f", 100+r.NormFloat64()) }, 3, "rmse"},
		"binary, one":          {class("aab"), 1, "log_loss"},
		"regression, one":      {func(r *rand.Rand) string { return fmt.Sprintf("%.4f", 100+r.NormFloat64()) }, 1, "rmse"},
	} {
		t.Run(name, func(t *testing.T) {
			table, none := noise(t, 240, 60, c.target), 0
			part := 0.4
			o := Options{Members: c.members, Epochs: 40, Patience: &none, Test: &part, Seed: 1}
			plain, _, err := Train(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Shrink = true
			m, _, err := Train(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			s := m.Shrinkage
			if s == nil || !(s.Before > s.Guess && s.After <= s.Guess && s.Share < 1) || plain.Shrinkage != nil {
				t.Fatalf("the shrinkage is %+v, want one that makes the model no worse than the guess", s)
			}
			before, _ := plain.Training.Metrics.Test.Get(c.score)
			after, _ := m.Training.Metrics.Test.Get(c.score)
			if !(after < before) || m.WeightsSHA256() != plain.WeightsSHA256() {
				t.Errorf("test %s %v, before %v; weights %s and %s", c.score, after, before, m.WeightsSHA256(), plain.WeightsSHA256())
			}
			report := m.Training.Metrics.OutOfFold
			if report == nil {
				report = m.Training.Metrics.Validation
			}
			if loss, _ := report.Get("log_loss"); c.score == "log_loss" && math.Abs(loss-s.After) > 1e-5 {
				t.Errorf("the report has a log loss of %v, want the %v of the shrinkage", loss, s.After)
			}
			var b bytes.Buffer
			if err := m.Write(&b); err != nil {
				t.Fatal(err)
			}
			again, err := Read(&b)
			if err != nil {
				t.Fatal(err)
			}
			want, _, err := m.Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := again.Predict(table)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || again.Shrinkage == nil || again.WeightsSHA256() != m.WeightsSHA256() {
				t.Error("the loaded model predicts otherwise", err)
			}
		})
	}
}

// A model that is better than the guess stays as it is, bit for bit.
func TestShrinkLeavesGoodModels(t *testing.T) {
	o := Options{Epochs: 20, Members: 2, Shrink: true}
	m, _, err := Train(context.Background(), readExample(t, "iris"), o)
	if err != nil || m.Shrinkage != nil {
		t.Errorf("got %v %v, want no error and m.Shrinkage = nil", err, m.Shrinkage)
	}
}

// TestShrinkTowardTrainingRows: the guess that a model is compared with, and moved toward, comes from the training rows, not from the
// later rows that judge it. A target with a trend has a finding that says so.
func TestShrinkTowardTrainingRows(t *testing.T) {
	cells := make([][]string, 200)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range cells {
		cells[i] = []string{fmt.Sprint(i), fmt.Sprintf("%.3f", r.NormFloat64()), fmt.Sprintf("%.3f", float64(i)+r.NormFloat64())}
	}
	table, err := data.NewTable("trend", []string{"day", "x", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	for _, members := range []int{1, 2} {
		m, _, err := Train(context.Background(), table, Options{Split: "time:day", Ignore: []string{"day"}, Members: members, Epochs: 10, Shrink: true, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if s := m.Shrinkage; s != nil && !(s.Toward[0] > 80 && s.Toward[0] < 90) {
			t.Errorf("%d members: the model is moved toward %v, want the mean of the training rows, some 84.5", members, s.Toward[0])
		}
		if rmse, _ := m.Training.Metrics.Validation.Get("rmse"); rmse < 50 {
			t.Errorf("%d members: the rmse of the validation rows is %v, want more than 50: their own mean is not known before they are", members, rmse)
		}
		if d := m.Training.Diagnosis; len(d) == 0 || d[0].Code != diagnosis.TargetShift {
			t.Errorf("%d members: the diagnosis is %v, want %s first", members, d, diagnosis.TargetShift)
		}
	}
}

// TestShrunkModelHasAFinding: a model that was worse than a guess before it was moved toward it says so.
func TestShrunkModelHasAFinding(t *testing.T) {
	table := noise(t, 240, 60, func(r *rand.Rand) string { return string("aab"[r.IntN(3)]) })
	m, _, err := Train(context.Background(), table, Options{Members: 4, Epochs: 40, Shrink: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if m.Shrinkage == nil {
		t.Fatal("the model was not moved toward the guess, want that it was")
	}
	for _, f := range m.Training.Diagnosis {
		if f.Code == diagnosis.WorseThanGuessing {
			return
		}
	}
	t.Errorf("the diagnosis is %v, want %s", m.Training.Diagnosis, diagnosis.WorseThanGuessing)
}
