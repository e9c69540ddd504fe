package lab

import (
	"slices"
	"testing"
)

// TestFitOnThePage compares the page with the library: the decision regions and the confusion matrix, and for a
// regression the curve. The predictions against the targets and the residuals must be drawn.
func TestFitOnThePage(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "circles")
	p.tab("fit")
	p.choose("speed", "full")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('ended')")
	p.settled()
	f := exampleRun(t, "circles")
	forward(t, f, 1600)
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	scores := js[map[string]string](p, `Object.fromEntries([...document.querySelectorAll('#scores > div')].map((d) => [d.children[0].dataset.name, d.children[1].dataset.value]))`)
	for _, s := range m.Training.Metrics.Train.Scores {
		if s.Name == "loss" {
			continue // it is above
		}
		if scores[s.Name] != exact(s.Value) {
			t.Errorf("%s is %s on the page and %v in the library", s.Name, scores[s.Name], s.Value)
		}
	}
	cells := js[[]float64](p, `[...document.querySelectorAll('#confusion td')].map((c) => Number(c.textContent))`)
	if want := slices.Concat(m.Training.Metrics.Train.Confusion...); !slices.Equal(cells, want) {
		t.Errorf("the confusion matrix is %v on the page and %v in the library", cells, want)
	}
	fig, err := p.session().Frame().Plane(sideWidth, 440)
	if err != nil {
		t.Fatal(err)
	}
	p.drawn("#fit-plane", svg(fig))
	p.screen("regions")

	p.choose("example", "sine")
	p.click("#run")
	p.until("document.getElementById('note').textContent.includes('ended')")
	p.settled()
	fig, err = p.session().Frame().Plane(sideWidth, 440)
	if err != nil {
		t.Fatal(err)
	}
	p.drawn("#fit-plane", svg(fig))
	for _, id := range []string{"#fit-predicted svg", "#fit-residuals svg"} {
		if len(p.text(id)) == 0 {
			t.Errorf("%s is missing", id)
		}
	}
	p.screen("curve")
}
