package lab

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// TestHealth checks that the page shows problems by layer and unit, and that it judges guesses about faults.
func TestHealth(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("health")
	f := exampleRun(t, "notebook")
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	h := examine(f.Network(), f.Config().Loss, nn.Sum, training)
	gradients := js[[]string](p, `[...document.querySelectorAll('#layers td[data-value]')].map((c) => c.dataset.value)`)
	for l, layer := range h.Layers {
		if gradients[l] != full(layer.Gradient) {
			t.Errorf("the gradient of layer %d is %s on the page and %v in the library", l, gradients[l], layer.Gradient)
		}
	}
	p.choose("example", "notebook-rate-50")
	p.choose("speed", "full")
	p.click("#run")
	p.until("document.getElementById('diagnosis')") // the run has ended
	p.settled()
	findings := p.session().Frame().Findings
	if len(findings) == 0 {
		t.Error("the notebook's stalled run has no diagnosis")
	}
	for _, f := range findings {
		if text := p.text("#diagnosis"); !strings.Contains(text, f.Code) || !strings.Contains(text, signed(f.Evidence)) {
			t.Errorf("the page does not say %s: %s", f.Code, f.Evidence)
		}
	}
	p.screen("health")
	p.choose("example", "notebook-one-2000")
	p.click("[data-do=epoch]")
	p.click("[data-do=epoch]")
	frame := p.session().Frame()
	for l := range frame.Net.Depth() {
		for j, sign := range frame.signs(l) {
			says := p.text(fmt.Sprintf("#unit-%d-%d", l, j))
			if word := []string{"layer", "saturated", "dead"}[sign]; !strings.Contains(says, word) {
				t.Errorf("the picture's text for unit %d.%d lacks its state: %s", l, j, says)
			}
		}
	}

	p.tab("faults")
	for _, fault := range Faults() {
		p.click("#fault-" + fault.Name)
		for _, guess := range []int{fault.Right, (fault.Right + 1) % 3} {
			p.click("#fault-" + fault.Name)
			p.click(fmt.Sprintf("#guess-%d", guess))
			p.until("document.getElementById('revealed')")
			text := p.text("#revealed")
			if right := strings.HasPrefix(text, "Just so."); right != (guess == fault.Right) {
				t.Errorf("%s: the page answers guess %d with %q", fault.Name, guess, text)
			}
			if got := p.text("#update"); got != strconv.Itoa(fault.updates) {
				t.Errorf("%s: the run has made %s updates, want fault.updates", fault.Name, got)
			}
		}
		if fault.Name == "derivative" {
			p.screen("faults")
		}
	}
}
