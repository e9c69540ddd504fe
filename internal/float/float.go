// Package float has what the standard library lacks for floating-point numbers.
package float

import "math"

// Finite reports whether x is neither NaN nor an infinity.
func Finite[T ~float32 | ~float64](x T) bool { return x-x == 0 }

// FromHalf converts a number of 16 bits, IEEE 754's binary16, without loss.
func FromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch {
	case exponent == 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	case exponent == 0:
		x := float32(fraction) / (1 << 24)
		if sign != 0 {
			x = -x
		}
		return x
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
