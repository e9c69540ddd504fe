package lab

import (
	"math"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// TestVerify checks every weight and the curve of the error over the step size.
func TestVerify(t *testing.T) {
	p := openTab(t, Options{})
	p.click("[data-do=batch]")
	p.tab("verify")
	p.click("#verify")
	p.until("document.getElementById('worst')")
	f := exampleRun(t, "notebook")
	forward(t, f, 1)
	training, _, _, err := f.Parts()
	if err != nil {
		t.Fatal(err)
	}
	check := nn.CheckGradient(f.Network(), f.Config().Loss, training.X, training.Y, nn.CheckOptions{Reduction: nn.Sum})
	same(t, "the worst error", p.value("#worst"), check.Worst.Error)
	if text := p.text("#panel"); !strings.Contains(text, "16 of 16 parameters") {
		t.Errorf("the panel says %q, want 16 of 16 parameters", text)
	}
	p.drawn("#error-over-h", svg(p.session().Frame().Jobs["verify"].result.(*Verified).Curve(sideWidth, 300)))
	v := p.session().Frame().Jobs["verify"].result.(*Verified)
	best := math.Inf(1)
	for _, s := range v.Steps {
		best = math.Min(best, s.Error)
	}
	if first, last := v.Steps[0].Error, v.Steps[len(v.Steps)-1].Error; !(best < first/1e3 && best < last/1e3) {
		t.Errorf("the error over h is %v at first, %v at best and %v at last: the curve has no valley", first, best, last)
	}
	p.screen("verify")
	p.choose("example", "spirals")
	p.tab("build")
	p.write("f-hidden", "120,120")
	p.tab("verify")
	p.click("#verify")
	p.click("#cancel-verify")
	if js[bool](p, "!!document.getElementById('cancel-verify') || !!document.getElementById('verdict')") {
		t.Error("the check is not canceled")
	}
}
