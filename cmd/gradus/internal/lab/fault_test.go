package lab

import (
	"testing"

	"github.com/gradus-ml/gradus/nn"
)

// Each fault has the effect that the fault lab calls right.
func TestFaultsHappenAsTheySay(t *testing.T) {
	end := func(name string) (*Frame, *Session) {
		s := newSession(t, "notebook")
		if err := s.TryFault(name); err != nil {
			t.Fatal(err)
		}
		first := s.Frame().Loss
		if err := s.Guess(ctx, "0"); err != nil {
			t.Fatal(err)
		}
		f := s.Frame()
		t.Logf("%s: loss %v to %v; %s", name, first, f.Loss, f.Revealed)
		if name != "rate" && !(f.Loss < first) {
			t.Errorf("%s: the loss went from %v to %v, want a lower one", name, first, f.Loss)
		}
		return f, s
	}
	f, _ := end("derivative")
	c := f.Fit.Config()
	if check := nn.CheckGradient(f.Start.Clone(), c.Loss, f.Training.X, f.Training.Y, nn.CheckOptions{Reduction: c.Reduction}); check.OK() {
		t.Error("the wrong derivative passes the check")
	}
	f, _ = end("zeros")
	w := f.Net.Weights(0)
	for i := range w.Rows {
		for j := range w.Cols {
			if w.At(i, j) != w.At(i, 0) || w.At(i, j) == 0 {
				t.Errorf("weight %d.%d is %v, want unit 0's %v, and not 0", i, j, w.At(i, j), w.At(i, 0))
			}
		}
	}
	f, _ = end("rate")
	if out := f.Net.Predict(f.Training.X).At(0, 0); out < 0.99 {
		t.Errorf("at rate 2000 the output is %v, want at least 0.99", out)
	}
}
