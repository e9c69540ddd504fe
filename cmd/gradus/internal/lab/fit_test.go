package lab

import (
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// The page's scores and confusion matrix count the rows as the library's do: by the column of
// weights, and not by those of classes; and the page says so.
func TestScoresOfWeightedRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,w,level,y\n")
	for i := range 40 {
		text.WriteString(exact(float64(i*i%13)) + "," + exact(0.25+float64(i%3)) + "," + exact(float64(i%7)/2) + "," + []string{"no", "yes", "perhaps"}[i*i%5%3] + "\n")
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change map[string]string
		says   string
	}{
		{map[string]string{"sample-weight": "w"}, "Here, as in the loss, a row counts as w says."},
		{map[string]string{"sample-weight": "w", "target": "level", "task": "regression"}, "Here, as in the loss, a row counts as w says."},
		{map[string]string{"sample-weight": "w", "class-weight": "balanced"}, "the class weights count in the loss alone"},
		{map[string]string{"class-weight": "balanced"}, "Here every row counts once"},
		{nil, ""},
	} {
		s := newSession(t, "notebook")
		if err := s.Load(ownSetup(), table); err != nil {
			t.Fatal(err)
		}
		change := map[string]string{"precision": "float64", "epochs": "3"}
		for k, v := range c.change {
			change[k] = v
		}
		if err := s.Change(change); err != nil {
			t.Fatal(err)
		}
		if err := s.Goto(ctx, 1<<30); err != nil {
			t.Fatal(err)
		}
		m, err := s.Model(ctx)
		if err != nil {
			t.Fatal(err)
		}
		fitted, err := s.Frame().Fitted()
		if err != nil {
			t.Fatal(err)
		}
		want := m.Training.Metrics.Train
		for _, score := range fitted.Report.Scores {
			if v, ok := want.Get(score.Name); !ok || v != score.Value {
				t.Errorf("%v: %s is %v on the page and %v in the library", c.change, score.Name, score.Value, v)
			}
		}
		if !slices.Equal(slices.Concat(fitted.Report.Confusion...), slices.Concat(want.Confusion...)) {
			t.Errorf("%v: the confusion matrix is %v on the page and %v in the library", c.change, fitted.Report.Confusion, want.Confusion)
		}
		s.Look(func(v *View) { v.Tab = "fit" })
		panel := Render(s.Frame())["panel"]
		if c.says == "" && strings.Contains(panel, "id=\"counted\"") || !strings.Contains(panel, c.says) {
			t.Errorf("%v: the page lacks %q", c.change, c.says)
		}
	}
}
