package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// TestNetworkPicture checks that the picture shows the sample's values and the phases of its pass. A click or a key chooses a weight.
func TestNetworkPicture(t *testing.T) {
	p := openTab(t, Options{})
	f := exampleRun(t, "notebook")
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	explain := func(row int) *lesson.Explanation {
		e, err := lesson.Explain(f.Network(), lesson.ExplainOptions{Loss: f.Config().Loss}, training.X.Row(row), training.Y.Row(row))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	shown := func() string { return p.text("#picture svg") }
	check := func(row int) {
		t.Helper()
		e, text := explain(row), shown()
		for l, layer := range e.Layers {
			for j := range layer.A {
				for _, want := range []string{fmt.Sprintf("unit %d of layer %d: z = %s, a = %s, δ = %s", j, l, short(layer.Z[j]), short(layer.A[j]), short(layer.Delta[j]))} {
					if !strings.Contains(text, want) {
						t.Errorf("row %d: the picture lacks %q", row, want)
					}
				}
			}
		}
		same(t, "the sample's loss", p.value("#sample-loss"), e.Loss)
	}
	check(0)
	p.click("[data-row='1']")
	check(1)
	if n := js[int](p, "document.querySelectorAll('.edge').length"); n != 16 {
		t.Errorf("the picture has %d weights to click, want 16", n)
	}
	deltas := func() int { return strings.Count(shown(), "δ") - 5 } // five are in tooltips
	if deltas() != 5 {
		t.Errorf("%d deltas are shown after the whole pass, want 5", deltas())
	}
	p.click("[data-do=phase][data-by='1']") // starts over, with the inputs
	if !strings.Contains(p.text("#phase"), "the inputs") || deltas() != 0 {
		t.Errorf("the pass begins with %q and %d deltas, want the inputs and 0", p.text("#phase"), deltas())
	}
	for _, want := range []struct {
		phase  string
		deltas int
	}{{"forward: layer 0", 0}, {"forward: layer 1", 0}, {"back: layer 1", 1}, {"forward and back", 5}} {
		p.click("[data-do=phase][data-by='1']")
		if !strings.Contains(p.text("#phase"), want.phase) || deltas() != want.deltas {
			t.Errorf("the next phase is %q with %d deltas, want %q with %d", p.text("#phase"), deltas(), want.phase, want.deltas)
		}
		if want.phase == "back: layer 1" {
			p.screen("network")
		}
	}
	// A click in the middle of a line chooses that weight.
	middle := js[[]float64](p, "(() => { const b = document.getElementById('edge-1-3-0').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()")
	p.do(chromedp.MouseClickXY(middle[0], middle[1]))
	p.until("document.getElementById('weight').value === '1.3.0'")
	// So does the keyboard.
	js[any](p, "document.getElementById('edge-0-1-2').focus(); null")
	p.do(chromedp.KeyEvent("\r"))
	p.until("document.getElementById('weight').value === '0.1.2'")
	if on := js[string](p, "document.activeElement.id"); on != "edge-0-1-2" {
		t.Errorf("after Enter the focus is on %q, want edge-0-1-2", on)
	}
	// A network that is too dense for numbers at its units lists the numbers of the chosen unit.
	p.choose("example", "spirals")
	js[any](p, "document.getElementById('unit-1-3').focus(); null")
	p.do(chromedp.KeyEvent("\r"))
	p.until("document.getElementById('unit-numbers') && document.getElementById('unit').value === '1.3'")
	f = exampleRun(t, "spirals")
	if training, _, _, err = f.Parts(); err != nil {
		t.Fatal(err)
	}
	e := explain(1)
	numbers := js[[]string](p, `[...document.querySelectorAll('#unit-numbers [data-value]')].map((d) => d.dataset.value)`)
	if want := []string{full(e.Layers[1].Z[3]), full(e.Layers[1].A[3]), full(e.Layers[1].Delta[3])}; !slices.Equal(numbers, want) {
		t.Errorf("unit 1.3 has %v on the page and %v in the library", numbers, want)
	}
	neighbors := js[[]string](p, `[...document.querySelectorAll('#unit-in tbody tr')].map((r) => r.children[1].dataset.value)`)
	for i, a := range e.Layers[0].A {
		if neighbors[i] != full(a) {
			t.Errorf("unit 0.%d has a = %s on the page and %v in the library", i, neighbors[i], a)
		}
	}
	p.screen("unit")
	p.click("#unit-in [data-weight='1.2.3']")
	p.until("document.getElementById('weight').value === '1.2.3'")
}
