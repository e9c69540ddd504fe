package kernel

import (
	"slices"
	"testing"
)

// An activation without assembly is computed in Go, for any number of values.
func TestActivationWithoutAssembly(t *testing.T) {
	const made = Mish + 1 // whose F and D are those of the identity
	z := make([]float32, 3*chunk+5)
	for i := range z {
		z[i] = float32(i) - 7
	}
	for _, isa := range ISAs() {
		was := ISA()
		SelectISA(isa)
		a, g := make([]float32, len(z)), slices.Clone(z)
		Apply(made, a, z, 0)
		TimesSlope(made, g, z, a, 0)
		SelectISA(was)
		if !slices.Equal(a, z) || !slices.Equal(g, z) {
			t.Errorf("%s: an activation without assembly is not computed", isa)
		}
	}
}
