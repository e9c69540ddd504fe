package kernel

import (
	"math"
	"unsafe"
)

// FMA returns x*y + z rounded once.
//
// float32(math.FMA(...)) would round twice. The product of two float32 is exact in float64, so
// only the sum can be wrong, and only if suspect says so. Those few cases go to fma32. The
// inner loops of Gemm write this function out, since it is too large for the compiler to inline.
func FMA[T Float](x, y, z T) T {
	if unsafe.Sizeof(x) == 8 {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	p := float64(x) * float64(y)
	s := p + float64(z)
	if suspect(s) {
		s = fma32(p, float64(z), s)
	}
	return T(s)
}

// suspect reports whether rounding the float64 sum s to float32 could differ from
// rounding the exact sum: s is the midpoint of two float32, or below their normal range.
func suspect(s float64) bool {
	b := math.Float64bits(s)
	return b&0x1fffffff == 0x10000000 || b<<1 < 0x381<<53
}

// fma32 turns s = p + z, rounded to nearest, into p + z rounded to odd. One more rounding of
// that gives the float32 nearest to the exact sum.
//
//go:noinline
func fma32(p, z, s float64) float64 {
	if s == 0 {
		return s
	}
	back := s - p
	lost := (p - (s - back)) + (z - back) // TwoSum: p + z = s + lost exactly
	if b := math.Float64bits(s); lost != 0 && b&1 == 0 {
		if (lost > 0) == (s > 0) {
			b++
		} else {
			b--
		}
		s = math.Float64frombits(b)
	}
	return s
}
