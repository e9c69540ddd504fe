package data

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		name, text string
		opt        SchemaOptions
		task       Task
		want       []float64
	}{
		{"regression", "x,y\n1,1.5\n2,2.5\n3,\n", SchemaOptions{}, Regression, []float64{-1, 1}},
		{"delimiters at the ends of lines", "x,y,\n1,1.5,\n2,2.5,\n", SchemaOptions{}, Regression, []float64{-1, 1}},
		{"constant", "x,y\n1,7\n2,7\n", SchemaOptions{}, Regression, []float64{0, 0}},
		{"two numbers", "x,y\n1,5\n2,3\n", SchemaOptions{}, Binary, []float64{1, 0}},
		{"booleans in two spellings", "x,y\n1,Yes\n2,no\n3,YES\n", SchemaOptions{}, Binary, []float64{1, 0, 1}},
		{"two words", "x,y\n1,b\n2,a\n", SchemaOptions{}, Binary, []float64{1, 0}},
		{"numbers sort as numbers", "x,y\n1,10\n2,9\n3,9.0\n4,-1\n", SchemaOptions{Task: Multiclass}, Multiclass, []float64{0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0}},
		{"labels", "x,a,b,c\n1,0,yes,p\n2,1,no,q\n", SchemaOptions{Targets: []string{"a", "b", "c"}}, Multilabel, []float64{0, 1, 0, 1, 0, 1}},
		{"two outputs", "x,a,b\n1,0,10\n2,4,30\n", SchemaOptions{Targets: []string{"b", "a"}}, Regression, []float64{-1, -1, 1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := readText(t, test.text)
			e, s := fit(t, table, test.opt, ScaleAuto)
			if e.Task != test.task {
				t.Fatalf("task %s, want %s", e.Task, test.task)
			}
			b, err := e.Bind(table)
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float64, len(s.Rows)*e.Outputs())
			if err := Targets(b, b.Labeled(), y); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, y); diff != "" {
				t.Errorf("y mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// A target of numbers that cannot be read as numbers is not taken for classes. It is refused, and the
// message says what is wrong.
func TestNearlyNumericTargets(t *testing.T) {
	words := "x,y\n"
	for i := range 60 {
		if i%15 == 0 {
			words += fmt.Sprintf("%d,broken\n", i)
		} else {
			words += fmt.Sprintf("%d,%d.5\n", i, i)
		}
	}
	_, err := Infer(readText(t, words), SchemaOptions{})
	if want := `4 of 60 cells are not numbers, the first at standard input:2: "broken"`; !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), want) {
		t.Errorf("got the error %v, want %q", err, want)
	}
}
