package lab

import (
	"context"
	"testing"
)

// A shape that is there to be learnt is learnt by the setup it comes with.
func TestShapesAreLearnt(t *testing.T) {
	for name, most := range map[string]float64{"xor": 0.05, "circles": 0.01, "spirals": 0.01, "sine": 0.03} {
		f := exampleRun(t, name)
		for _, err := range f.Strides(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		loss := f.Result().Loss
		t.Logf("%s: loss %.3g after %d epochs", name, loss, f.Epoch())
		if !(loss <= most) {
			t.Errorf("%s ends at a loss of %v; it should come below %v", name, loss, most)
		}
	}
}
