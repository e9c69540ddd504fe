package lab

import (
	"math"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/diagnosis"
)

// Every panel can be drawn for every network.
func TestPanelsOfAnyNet(t *testing.T) {
	for _, c := range []struct {
		example string
		change  map[string]string
	}{
		{"notebook", nil}, {"sine", nil}, {"circles", map[string]string{"hidden": "0"}}, {"circles", map[string]string{"norm": "batch"}},
		{"circles", map[string]string{"norm": "layer", "dropout": "0.5"}}, {"spirals", map[string]string{"optimizer": "lbfgs", "lr": "", "method": "auto"}},
		{"xor", map[string]string{"loss": "hinge", "output-activation": "auto"}}, {"circles", map[string]string{"bias": "off", "class-weight": "balanced", "l1": "0.1"}},
	} {
		s := newSession(t, c.example)
		if err := s.Change(c.change); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, tab := range tabs {
				s.Look(func(v *View) { v.Tab = tab.Name })
				if tab.Name == "verify" {
					if _, err := verify(ctx, s.Frame()); err != nil {
						t.Error(err)
					}
				}
				for name, html := range Render(s.Frame()) {
					if strings.Contains(html, "template:") || strings.Contains(html, "ZgotmplZ") || strings.Contains(html, `class="bad"`) {
						t.Errorf("%v: %s of the tab %s: %s", c, name, tab.Name, html)
					}
				}
			}
			s.Epoch(ctx)
		}
	}
}

// Units that let no gradient through are marked in the picture and explained beside it, and no other
// units are.
func TestPictureMarksDeadAndSaturated(t *testing.T) {
	s := newSession(t, "circles")
	if err := s.Change(map[string]string{"activation": "relu", "lr": "20", "optimizer": "sgd"}); err != nil {
		t.Fatal(err)
	}
	check := func() (saturated, dead int) {
		t.Helper()
		f := s.Frame()
		parts := Render(f)
		for _, u := range f.examine().Units {
			title := "unit " + exact(float64(u.Unit)) + " of layer " + exact(float64(u.Layer)) + ":"
			_, text, _ := strings.Cut(parts["picture"], title)
			text, _, _ = strings.Cut(text, "<")
			if strings.Contains(text, "dead") != u.Dead || strings.Contains(text, "saturated") != u.Saturated {
				t.Errorf("%s is dead %v, saturated %v; the picture says %q", title, u.Dead, u.Saturated, text)
			}
			if u.Dead {
				dead++
			}
			if u.Saturated {
				saturated++
			}
		}
		if strings.Contains(parts["signs"], "dead") != (dead > 0) || strings.Contains(parts["signs"], "saturated") != (saturated > 0) {
			t.Errorf("%d dead and %d saturated units are explained with %q", dead, saturated, parts["signs"])
		}
		bare := f.Picture(0, 0)
		for l := range bare.Layers {
			bare.Layers[l].Signs = nil
		}
		if same := svg(bare) == svg(f.Picture(0, 0)); same != (dead+saturated == 0) {
			t.Errorf("%d dead and %d saturated units; the picture without marks is the same: %v", dead, saturated, same)
		}
		return saturated, dead
	}
	if saturated, dead := check(); saturated+dead != 0 {
		t.Fatalf("got %d saturated and %d dead units at the start, want none", saturated, dead)
	}
	for range 3 {
		if err := s.Epoch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, dead := check(); dead == 0 {
		t.Error("no unit has died at rate 20")
	}
	if err := s.LoadExample("notebook-rate-50"); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(map[string]string{"lr": "5000"}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s.Batch()
	}
	check()
}

// The numbers of a unit and its neighbors are those of the explanation, also in a net that is too dense to
// show them in the picture.
func TestUnitNumbers(t *testing.T) {
	s := newSession(t, "spirals")
	for range 3 {
		s.Batch()
	}
	for column, units := range []int{2, 16, 16, 1} {
		for j := range units {
			s.Look(func(v *View) { v.Unit, v.Tab = Unit{column, j}, "unit" })
			f := s.Frame()
			n, err := f.UnitNumbers()
			if err != nil {
				t.Fatal(err)
			}
			e, err := f.Explain()
			if err != nil {
				t.Fatal(err)
			}
			text := Render(f)["panel"]
			has := func(what string, x float64) {
				t.Helper()
				if !strings.Contains(text, `data-value="`+full(x)+`"`) {
					t.Errorf("unit %v: the page lacks %s, %v", n.Unit, what, x)
				}
			}
			if column > 0 {
				layer := e.Layers[column-1]
				has("z", layer.Z[j])
				has("a", layer.A[j])
				has("δ", layer.Delta[j])
				sum := 0.0
				for _, c := range n.In {
					has("a weight", c.Value)
					has("a neighbor's a", c.A)
					sum += c.Product
				}
				if math.Abs(sum-layer.Z[j]) > 1e-12 {
					t.Errorf("unit %v: the incoming products add up to %v, want z = %v", n.Unit, sum, layer.Z[j])
				}
			}
			if column < 3 {
				sum := 0.0
				for k, c := range n.Out {
					has("a neighbor's δ", e.Layers[column].Delta[k])
					sum += c.Product
				}
				if column > 0 {
					if d := e.Layers[column-1]; math.Abs(sum*d.Derivative[j]-d.Delta[j]) > 1e-12 {
						t.Errorf("unit %v: the outgoing products add up to %v, which does not give δ = %v", n.Unit, sum, d.Delta[j])
					}
				}
			}
		}
	}
	s.Look(func(v *View) { v.Unit = Unit{1, 99} })
	if f := s.Frame(); !strings.Contains(f.Note, "no unit 0.99") || f.View.Unit.Unit == 99 {
		t.Errorf("a unit that does not exist: got the note %q", f.Note)
	}
	for _, text := range []string{"", "x", "x.", "1.2.3", "-1.0", "a.0", "0.-1"} {
		if u, err := parseUnit(text); err == nil {
			t.Errorf("%q is parsed as %v, want an error", text, u)
		}
	}
}

// A run that goes on is not called stuck or unfinished.
func TestHealthOfARunThatGoesOn(t *testing.T) {
	s := newSession(t, "notebook")
	s.Look(func(v *View) { v.Tab = "health" })
	for range 3 {
		s.Batch()
		f := s.Frame()
		for _, found := range f.Findings {
			if found.Code == diagnosis.Plateau || found.Code == diagnosis.Unfinished {
				t.Errorf("after update %d of %d the page says %s: %s", f.At, f.Fit.Config().Epochs, found.Code, found.Evidence)
			}
		}
	}
	if err := s.Change(map[string]string{"epochs": "3", "lr": "0.0001"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Goto(ctx, 1<<30); err != nil {
		t.Fatal(err)
	}
	if f := s.Frame(); f.Ended == "" || !strings.Contains(Render(f)["panel"], `id="diagnosis"`) {
		t.Errorf("a run that ended at once (%q) has no diagnosis", f.Ended)
	}
}

// Sentences about a number or a flag are written as a person would write them.
func TestWordsOfNumbersAndFlags(t *testing.T) {
	for got, want := range map[string]string{
		power(0): "0", power(-0.045): "−4.5e−02", (panelData{&Frame{}}).D(math.Copysign(0, -1)): "0",
		string(flags("train --no-bias <x> --l2=1")): `train <span class="num">--no-bias</span> &lt;x&gt; <span class="num">--l2</span>=1`,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The shapes can be learned. Their runs end with every row classified correctly, or close to the curve.
func TestShapesAreLearnt(t *testing.T) {
	for _, e := range Examples() {
		if e.Group != "Shapes" {
			continue
		}
		f := exampleRun(t, e.Name)
		for _, err := range f.Steps(ctx) {
			if err != nil {
				t.Fatal(err)
			}
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Training.Metrics.Train.Scores {
			if s.Name == "accuracy" && s.Value < 1 || s.Name == "r2" && s.Value < 0.95 {
				t.Errorf("%s ends with %s %v, want an accuracy of 1 or an r2 of at least 0.95", e.Name, s.Name, s.Value)
			}
		}
	}
}
