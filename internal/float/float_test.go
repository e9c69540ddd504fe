package float

import (
	"math"
	"testing"
)

func TestFinite(t *testing.T) {
	for x, want := range map[float64]bool{
		0: true, math.Copysign(0, -1): true, 1: true, math.MaxFloat64: true, -math.MaxFloat64: true, math.SmallestNonzeroFloat64: true,
		math.Inf(1): false, math.Inf(-1): false, math.NaN(): false,
	} {
		if got := Finite(x); got != want {
			t.Errorf("Finite(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float32]bool{math.MaxFloat32: true, float32(math.Inf(1)): false, float32(math.NaN()): false} {
		if got := Finite(x); got != want {
			t.Errorf("Finite(%v) = %v in 32 bits, want %v", x, got, want)
		}
	}
}

// All 65,536 numbers of 16 bits equal what their sign, exponent and fraction say.
func TestFromHalf(t *testing.T) {
	for bits := range 1 << 16 {
		exponent, fraction := bits>>10&31, float64(bits&0x3ff)
		want := math.Ldexp(1024+fraction, exponent-25)
		switch exponent {
		case 0:
			want = math.Ldexp(fraction, -24)
		case 31:
			want = math.Inf(1)
			if fraction != 0 {
				want = math.NaN()
			}
		}
		if bits>>15 != 0 {
			want = -want
		}
		got := float64(FromHalf(uint16(bits)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (bits>>15 != 0) && !math.IsNaN(got) {
			t.Fatalf("FromHalf(%#04x) = %v, want %v", bits, got, want)
		}
	}
}
