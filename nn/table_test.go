package nn

import (
	"math"
	"slices"
	"testing"
)

// Activations behave as the package's table says.
func TestActivationsAreAsTheTableSays(t *testing.T) {
	for _, name := range Activations() {
		f, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := Compatible(DefaultLoss(f), f, 2); err != nil {
			t.Errorf("the default loss of %s is not compatible with it: %v", f, err)
		}
		if again, err := ParseActivation(f.String()); err != nil || again.String() != f.String() || !line(f).takes && again != f {
			t.Errorf("%s is read as %v, %v, want itself and no error", f, again, err)
		}
		if f == Softmax { // of a row
			continue
		}
		low, high := OutputRange(f)
		steepest, least, most := 0.0, math.Inf(1), math.Inf(-1)
		for z := -8.0; z <= 8; z += 1.0 / 64 {
			a := f.F(z)
			if !(a >= low && a <= high) {
				t.Errorf("%s(%v) is %v, want a value between %v and %v", f, z, a, low, high)
			}
			steepest, least, most = max(steepest, math.Abs(f.D(z, a))), min(least, a), max(most, a)
		}
		least, most = min(least, f.F(-1e4)), max(most, f.F(1e4))
		if least < low || most > high {
			t.Errorf("%s takes values between %v and %v, want %v and %v as in the table", f, least, most, low, high)
		}
		if !math.IsInf(low, 0) && least > low+0.001 || !math.IsInf(high, 0) && most < high-0.001 {
			t.Errorf("%s takes values between %v and %v, want %v and %v as in the table", f, least, most, low, high)
		}
		if ratio := steepest / LargestSlope(f); f != Exp && !(ratio > 0.999 && ratio < 1.8) {
			t.Errorf("%s has the slope %v, want about %v as in the table", f, steepest, LargestSlope(f))
		}
		if start := line(f).start; start != nil {
			for _, y := range []float64{0.01, 1, 300} {
				if got := f.F(start(y)); math.Abs(got-y) > 1e-12*y {
					t.Errorf("%s starts at %v, want %v", f, got, y)
				}
			}
		}
	}
}

// Losses behave as their Facts say.
func TestLossesAreAsTheirFactsSay(t *testing.T) {
	for _, loss := range allLosses(t) {
		facts := Facts(loss)
		for _, out := range facts.Outputs {
			if err := Compatible(loss, out, 2); err != nil {
				t.Error(err)
			}
			// Where the activation is flat, an output that is far off has a gradient only if it is computed from z.
			if out == Identity {
				continue
			}
			z, y := []float64{-50, 0}, []float64{1, 0}
			a, delta := make([]float64, 2), make([]float64, 2)
			activateRow(out, z, a)
			m := func(v []float64) Matrix[float64] { return Matrix[float64]{Rows: 1, Cols: 2, Stride: 2, Data: v} }
			batchLoss(loss, out, m(y), m(z), m(a), m(delta), 1)
			if got := math.Abs(delta[0]) > 0.5; got != facts.FromZ {
				t.Errorf("%s after %s: at z = -50 the gradient is %v, and FromZ is %v", loss, out, delta[0], facts.FromZ)
			}
		}
		if facts.Outputs == nil {
			growth := loss.L(0, 2e6) / loss.L(0, 1e6)
			if got := growth < 2.001; got != facts.Robust {
				t.Errorf("%s grows by a factor of %v over twice the distance, and Robust is %v", loss, growth, facts.Robust)
			}
		}
		if facts.Shares && (CheckTarget(loss, 0) != nil || CheckTarget(loss, 1) != nil || CheckTarget(loss, 1.1) == nil) {
			t.Errorf("Facts says that targets of %s are shares, and CheckTarget disagrees", loss)
		}
		if facts.Shares && !slices.Contains(facts.Outputs, Sigmoid) && !slices.Contains(facts.Outputs, Softmax) {
			t.Errorf("targets of %s are shares, and its outputs are not", loss)
		}
	}
	if f := Facts(unknown{}); f.Outputs != nil || f.FromZ || f.Robust || f.Shares || f.Amounts {
		t.Errorf("a loss without facts has the facts %+v, want none", f)
	}
}

// unknown is a loss without facts.
type unknown struct{ Loss }
