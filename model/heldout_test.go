package model

import (
	"math"
	"testing"

	"github.com/gradus-ml/gradus/train"
)

// Held-out rows are encoded once. Test rows of the training table are scored, and validation rows judged, in the form that
// was kept: the scores are those of the table, and with other rows in their place they differ.
func TestHeldOutRowsAreEncodedOnce(t *testing.T) {
	table := letters(t, 700, 12)
	for name, least := range map[string]int{"a matrix": math.MaxInt, "packed": 1} {
		pack(t, least)
		f, err := Prepare(Tables{Train: table}, Options{Members: 1, Test: new(0.2), Seed: 3, Epochs: 4}, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, err := range f.Strides(t.Context()) {
			if err != nil {
				t.Fatal(name, err)
			}
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(name, err)
		}
		j, err := f.judge(m, "validation", table, f.parts.validation)
		if err != nil {
			t.Fatal(name, err)
		}
		predictions, err := m.predictOf(table, f.parts.validation)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, v := range predictions {
			if j.Says[i] != v {
				t.Fatalf("%s: validation row %d is judged by %v, and the table gives %v", name, i/2, j.Says[i], v)
			}
		}
		e, err := m.Evaluate(table, EvaluateOptions{Rows: f.parts.test})
		if err != nil {
			t.Fatal(name, err)
		}
		want, _ := e.Get("loss")
		if got, _ := m.Training.Metrics.Test.Get("loss"); got != want {
			t.Errorf("%s: the loss of the test rows is %v, and the table gives %v", name, got, want)
		}

		r := f.runner.(runnerOf[float32])
		if r.test.Rows() != f.Rows.Test || f.Rows.Test == 0 {
			t.Fatalf("%s: %d test rows are kept, want %d", name, r.test.Rows(), f.Rows.Test)
		}
		other := func(rows int) (s train.Set[float32]) {
			if s, _, err = encode[float32](f.wide, table, f.parts.train[:rows]); err != nil {
				t.Fatal(name, err)
			}
			return s
		}
		r.test, r.data.Validation = other(f.Rows.Test), other(f.Rows.Validation)
		f.runner = r
		if err := f.score(t.Context(), m); err != nil {
			t.Fatal(name, err)
		}
		if got, _ := m.Training.Metrics.Test.Get("loss"); got == want {
			t.Errorf("%s: the test rows are encoded again for the scores", name)
		}
		if j, err = f.judge(m, "validation", table, f.parts.validation); err != nil {
			t.Fatal(name, err)
		}
		if j.Says[0] == predictions[0] && j.Says[2] == predictions[2] {
			t.Errorf("%s: the validation rows are encoded again to be judged", name)
		}
	}
}

// The rows of a separate test table are not kept: there may be far more of them than training rows.
func TestSeparateTestRowsAreNotKept(t *testing.T) {
	f, err := Prepare(Tables{Train: letters(t, 300, 3), Test: letters(t, 200, 3)}, Options{Members: 1, Seed: 3, Epochs: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := f.runner.(runnerOf[float32]); r.test.Rows() != 0 || f.Rows.Test == 0 {
		t.Errorf("of %d test rows %d are kept, want none", f.Rows.Test, r.test.Rows())
	}
}
