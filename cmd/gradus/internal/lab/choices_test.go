package lab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/plot"
)

// odd returns a session on a table with a line for each of n rows.
func odd(t *testing.T, header string, n int, line func(i int) string) *Session {
	t.Helper()
	text := header + "\n"
	for i := range n {
		text += line(i) + "\n"
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, "notebook")
	if err := s.loadOwn(table); err != nil {
		t.Fatal(err)
	}
	return s
}

// Every picture that the page offers exists, even if no column is a number.
func TestPicturesOffered(t *testing.T) {
	numbers := odd(t, "a,b,y", 20, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i*i%7, i%5) })
	words := odd(t, "a,b,y", 20, func(i int) string { return []string{"p,u,l", "q,v,m", "r,u,m"}[i%3] })
	for _, c := range []struct {
		s   *Session
		fit bool
	}{{numbers, true}, {words, false}} {
		f, fit := c.s.Frame(), false
		for _, p := range (panelData{f}).Pictures() {
			fit = fit || p.Name == "fit"
			if f.Figure(p.Name) == nil {
				t.Errorf("%s: the page offers the picture %s, which does not exist", f.Fit.Encoding.Columns(), p.Name)
			}
		}
		if fit != c.fit {
			t.Errorf("%s: the page offers a picture of the fit: got %v, want the opposite", f.Fit.Encoding.Columns(), fit)
		}
	}
}

// Over one column, the fit of two classes is the probability that the network predicts.
func TestCurveOfTwoClasses(t *testing.T) {
	s := odd(t, "a,y", 20, func(i int) string { return fmt.Sprintf("%d,%s", i, []string{"no", "yes"}[i*i%3]) })
	for range 5 {
		s.Batch()
	}
	f := s.Frame()
	fig, err := f.Plane(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	chart := fig.(plot.Chart)
	if chart.YLabel != "y = yes" {
		t.Errorf("the curve has the label %q, want \"y = yes\"", chart.YLabel)
	}
	m, err := s.Model(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 77, 199} {
		table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader("a\n" + exact(chart.Series[0].X[i]) + "\n")})
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := m.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		if want := p[1]; chart.Series[0].Y[i] != want {
			t.Errorf("at %v the curve is at %v, want the model's %v", chart.Series[0].X[i], chart.Series[0].Y[i], want)
		}
	}
}

// A long output name is cut beside its numbers, and the page says if targets are scaled.
func TestNamesBesideNumbers(t *testing.T) {
	s := odd(t, "a,"+strings.Repeat("y", 200), 20, func(i int) string { return fmt.Sprintf("%d,%d", i, i*i%13) })
	if text := Render(s.Frame())["sample"]; strings.Contains(text, strings.Repeat("y", 25)) || !strings.Contains(text, "scaled") {
		t.Errorf("got %s beside the row, want a short name and the word scaled", text)
	}
	if text := Render(newSession(t, "notebook").Frame())["sample"]; strings.Contains(text, "scaled") {
		t.Errorf("got %s for the notebook's targets, which are not scaled", text)
	}
}

// If the numeric derivative is not finite, the page says so in words.
func TestNumericNotFinite(t *testing.T) {
	s := odd(t, "a,b,y", 60, func(i int) string { return fmt.Sprintf("%d,%d,%s", i%17, i%4, []string{"no", "yes"}[i*i%7%2]) })
	if err := s.Change(map[string]string{"lr": "1e300"}); err != nil {
		t.Fatal(err)
	}
	said := false
	for range 6 {
		s.Batch()
		said = said || strings.Contains(Render(s.Frame())["panel"], "not finite")
		if text := Render(s.Frame())["panel"]; strings.Contains(text, ">NaN") || strings.Contains(text, "error NaN") || strings.Contains(text, ">+Inf") {
			t.Errorf("after update %d the panel shows NaN or +Inf: %s", s.Frame().At, text)
		}
	}
	if !said {
		t.Error("the derivative is always finite: this tests nothing")
	}
}

// A refusal names the option by its label on the form.
func TestRefusedByLabel(t *testing.T) {
	s := newSession(t, "circles")
	for field, label := range map[string]string{"lr": "Rate -1: ", "l1": "L1 penalty -1: ", "validation": "Validation -1: "} {
		s.tell(s.Change(map[string]string{field: "-1"}))
		if note := s.Frame().Note; !strings.HasPrefix(note, label) {
			t.Errorf("%s of -1: got the note %q, want one that begins with the label", field, note)
		}
	}
}

// The complaint about a refused choice stays until the next good one. Then the field has the value that
// is in use.
func TestRefusedChoices(t *testing.T) {
	p := openTab(t, Options{})
	field := func(id string) string { return js[string](p, "document.getElementById('"+id+"').value") }
	for _, c := range []struct{ tab, id, bad, says, good string }{
		{"weight", "row", "-5", "training row", "1"},
		{"weight", "row", "4", "from 0 to 3", "2"},
		{"weight", "weight", "9.9.9", "no weight 9.9.9", "0.1.1"},
		{"unit", "unit", "zz", "not a unit", "x.0"},
	} {
		p.tab(c.tab)
		p.write(c.id, c.bad)
		if note := p.text("#note"); !strings.Contains(note, c.says) {
			t.Errorf("%s %s is refused with %q", c.id, c.bad, note)
		}
		p.write(c.id, c.good)
		if note := p.text("#note"); note != "" || field(c.id) != c.good {
			t.Errorf("%s %s: the field has %q, the note %q", c.id, c.good, field(c.id), note)
		}
	}
	p.tab("weight")
	p.write("row", "77")
	js[any](p, "document.activeElement.blur(); null")
	p.click("[data-do=batch]")
	if note := p.text("#note"); note != "" || field("row") != "2" {
		t.Errorf("after an update the row is %q and the note %q, want row 2 and no note", field("row"), note)
	}
	p.tab("build")
	p.write("f-lr", "fast")
	js[any](p, "document.activeElement.blur(); null")
	p.click("[data-do=batch]")
	if field("f-lr") != "3" {
		t.Errorf("after an update the rate's field has %q, want 3", field("f-lr"))
	}
}
