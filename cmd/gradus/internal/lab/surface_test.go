package lab

import (
	"math"
	"testing"
)

// TestSurface checks the loss over a plane and every lane's path on it.
func TestSurface(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("race")
	p.click("#race")
	p.until("document.getElementById('lanes')")
	p.tab("surface")
	p.click("#surface")
	p.until("document.getElementById('surface-picture')")
	f := p.session().Frame()
	s := f.Jobs["surface"].result.(*Surface)
	if len(s.Field.Paths) != 3 {
		t.Errorf("got %d paths for three lanes", len(s.Field.Paths))
	}
	fig := s.Field
	fig.Width, fig.Height = sideWidth, 520
	p.drawn("#surface-picture", svg(fig))
	p.screen("surface")
	for _, plane := range []string{"random", "weights"} {
		p.click("#plane-" + plane)
		p.until("document.getElementById('surface-picture') && document.getElementById('plane-" + plane + "').getAttribute('aria-pressed') === 'true'")
	}
	p.write("second", "1.2.0")
	p.click("#surface")
	p.until("document.querySelector('#surface-picture svg') && document.querySelector('#surface-picture svg').textContent.includes('weight 1.2.0')")
	// On a plane of two weights, a point's height is the loss with only these two weights changed.
	f = p.session().Frame()
	s = f.Jobs["surface"].result.(*Surface)
	net := f.Start.Clone()
	a, _ := net.Index(f.View.Weight.Layer, f.View.Weight.In, f.View.Weight.Unit)
	b, _ := net.Index(1, 2, 0)
	net.Params()[a], net.Params()[b] = s.Field.X[7], s.Field.Y[31]
	if got, want := s.Field.Z[31][7], lossOf(net, f); math.Abs(got-want) > 1e-12 {
		t.Errorf("the surface is %v, want the loss %v", got, want)
	}
}
