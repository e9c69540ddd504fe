package lab

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/nn"
)

// The page explains networks with norms. The picture shows the deltas, and the formula shows the engine's numbers.
// They equal those of gradus explain. The page announces the gradient of the next update.
func TestNormsOnThePage(t *testing.T) {
	program := buildGradus(t)
	for _, norm := range []string{"layer", "batch"} {
		p := openTab(t, Options{})
		p.tab("build")
		for _, field := range []string{"f-norm " + norm, "f-method batch", "f-activation tanh"} {
			id, v, _ := strings.Cut(field, " ")
			p.choose(id, v)
		}
		p.tab("weight")
		p.click("#digits")
		p.click("[data-do=batch]")
		p.click("[data-row='1']")
		p.click("[data-row='2']")
		f := p.session().Frame()
		if f.Net.Layer(0).Norm.String() != norm || f.Training.X.Rows != 4 {
			t.Fatalf("the net is %v on %d rows", f.Net.Layers(), f.Training.X.Rows)
		}
		dir := t.TempDir()
		model, table := filepath.Join(dir, "lab.safetensors"), filepath.Join(dir, "notebook.csv")
		for file, from := range map[string]string{model: "/model.safetensors", table: "/data.csv"} {
			if err := os.WriteFile(file, p.get(from), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, weight := range []string{"0.1.2", "0.gamma.1", "0.beta.0", "1.2.0"} {
			p.write("weight", weight)
			out, err := exec.Command(program, "explain", model, table, "--row", "2", "--weight", weight, "--json").Output()
			if err != nil {
				t.Fatal(err)
			}
			var e lesson.Explanation
			if err := json.Unmarshal(out, &e); err != nil {
				t.Fatal(err)
			}
			same(t, norm+" "+weight+": the gradient", p.value("#gradient"), e.Gradient)
			same(t, norm+" "+weight+": the numeric derivative", p.value("#numeric"), e.Numeric)
			same(t, norm+" "+weight+": the sum", p.value("#sum"), e.Sum)
			if math.Abs(e.Sum-e.Gradient) > 1e-12*math.Abs(e.Gradient) || math.Abs(e.Numeric-e.Gradient) > 1e-7*math.Abs(e.Gradient) {
				t.Errorf("%s %s: the sum is %v, the engine's gradient %v, the numeric derivative %v", norm, weight, e.Sum, e.Gradient, e.Numeric)
			}
			panel := js[string](p, "document.getElementById('panel').innerHTML")
			has := func(what string, v float64) {
				t.Helper()
				if !strings.Contains(panel, full(math.Abs(v))) {
					t.Errorf("%s %s: the page lacks %s, %v", norm, weight, what, v)
				}
			}
			for _, path := range e.Paths {
				for _, factor := range path.Factors {
					has(factor.Symbol, factor.Value)
				}
				has("a path's product", path.Product)
			}
			if norm == "batch" {
				if e.Batch != 4 || len(e.Recursion.Rows.Terms) != 4 {
					t.Fatalf("the batch has %d rows, want 4", e.Batch)
				}
				has("delta", e.Recursion.Delta)
				for _, row := range e.Recursion.Rows.Terms {
					has("a row's delta", row.Delta)
					has("a row's part", row.Product)
				}
				if s := e.Recursion.Norm; s != nil {
					has("g", s.G)
					has("the mean of g", s.MeanG)
					has("the mean of g·hat", s.MeanGHat)
				}
				// The notebook sums over the batch, so the sum over the four rows is the gradient of the update.
				if next := p.value("#batch-gradient"); fmt.Sprint(next) != fmt.Sprint(p.value("#gradient")) {
					t.Errorf("%s: the batch's gradient is %v, the chain rule's %v", weight, next, p.value("#gradient"))
				}
			}
			picture := p.text("#picture svg")
			for l, layer := range e.Layers {
				for j := range layer.A {
					if want := fmt.Sprintf("unit %d of layer %d: z = %s, a = %s, δ = %s", j, l, short(layer.Z[j]), short(layer.A[j]), short(layer.Delta[j])); !strings.Contains(picture, want) {
						t.Errorf("%s: the picture lacks %q", norm, want)
					}
				}
			}
		}
		p.write("weight", "0.1.2")
		p.click("#digits")
		p.screen("norm-" + norm)
		p.click("#digits")
		js[any](p, "document.getElementById('unit-0-1').focus(); null")
		p.click("#unit-0-1")
		p.until("document.getElementById('unit-norm')")
		e, err := p.session().Frame().Explain()
		if err != nil {
			t.Fatal(err)
		}
		m := e.Layers[0].Norm
		numbers := js[[]string](p, `[...document.querySelectorAll('#unit-norm [data-value]')].map((d) => d.dataset.value)`)
		for i, want := range []float64{m.S[1], m.Mean[1], m.Rstd[1], m.Hat[1], m.Gamma[1], m.Beta[1], m.DeltaZ[1]} {
			if numbers[i] != full(want) {
				t.Errorf("%s: number %d of the norm is %s, want %v", norm, i, numbers[i], want)
			}
		}
		p.screen("norm-unit-" + norm)
		p.click("#unit-norm [data-weight='0.gamma.1']")
		p.until("document.getElementById('weight').value === '0.gamma.1'")
		p.tab("verify")
		p.click("#verify")
		p.until("document.getElementById('worst')")
	}
}

// Batch normalization is explained for every batch of a run. The chosen row may be outside the batch,
// and there may be no update left.
func TestBesideRows(t *testing.T) {
	s := newSession(t, "circles")
	if err := s.Change(map[string]string{"norm": "batch", "batch-size": "16", "epochs": "2"}); err != nil {
		t.Fatal(err)
	}
	if (s.Frame().View.Weight == lesson.Address{}) && nn.StateCount(s.Frame().Net.Layers()...) == 0 {
		t.Error("no weight is chosen")
	}
	for f := s.Frame(); ; f = s.Frame() {
		for _, row := range []int{0, 7, f.Training.X.Rows - 1} {
			s.Look(func(v *View) { v.Row = row })
			f = s.Frame()
			e, err := f.Explain()
			if err != nil {
				t.Fatalf("after %d updates, row %d: %v", f.At, row, err)
			}
			rows := f.Beside()
			if e.Batch != len(rows) || rows[e.Row] != row {
				t.Errorf("row %d is %d of %v", row, e.Row, rows)
			}
			if broken := regexp.MustCompile(`<mtext>\d+ (more|rows|paths)`).FindString(Render(f)["panel"]); broken != "" {
				t.Errorf("the text %q may break across lines at its space", broken)
			}
			if text := Render(f)["panel"]; !strings.Contains(text, "rows") || strings.Contains(text, "class=\"bad\"") {
				t.Errorf("the panel says %s", text)
			}
		}
		if f.Ended != "" {
			break
		}
		s.Batch()
	}
}

// The work for a frame is bounded for any network and batch.
func TestBesideIsBounded(t *testing.T) {
	s := newSession(t, "circles")
	for hidden, most := range map[string]int{"8": 400, "300,300": 60} {
		if err := s.Change(map[string]string{"norm": "batch", "hidden": hidden, "method": "batch"}); err != nil {
			t.Fatal(err)
		}
		s.Look(func(v *View) { v.Row = s.training.X.Rows - 1 })
		f := s.Frame()
		rows := f.Beside()
		if len(rows) > most || len(rows) < 2 || len(rows)*len(f.Net.Params()) > mostBesideWork+2*len(f.Net.Params()) {
			t.Errorf("%s: %d rows with %d parameters", hidden, len(rows), len(f.Net.Params()))
		}
		if _, err := f.Explain(); err != nil {
			t.Error(err)
		}
		if text := Render(f)["panel"]; (hidden == "8") != strings.Contains(text, "of the next update,") {
			t.Errorf("%s: the panel names other rows: %s", hidden, text)
		}
	}
}
