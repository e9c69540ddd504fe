package kernel

import (
	"math"
	"unsafe"
)

// Log returns the natural logarithm: -Inf at 0 and NaN below.
//
// x = 2^k·(1+f) with 1+f in [√½, √2); with s = f/(2+f),
// log(1+f) = f - f²/2 + s·(f²/2 + R), R = 2s²/3 + 2s⁴/5 + ...
func Log[T Float](x T) T {
	switch {
	case x != x || x < 0:
		return T(math.NaN())
	case x == 0:
		return T(math.Inf(-1))
	case math.IsInf(float64(x), 1):
		return x
	}
	k, f := split(x)
	s := f / (2 + f)
	z := T(s * s)
	var r T
	var ln2hi, ln2lo T
	if unsafe.Sizeof(x) == 8 {
		hi, lo := 6.93147180369123816490e-01, 1.90821492927058770002e-10
		ln2hi, ln2lo = T(hi), T(lo)
		for _, c := range [...]float64{
			2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
			2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3,
		} {
			r = FMA(r, z, T(c))
		}
	} else {
		hi, lo := float32(0.693359375), float32(-2.12194440e-4)
		ln2hi, ln2lo = T(hi), T(lo)
		for _, c := range [...]float32{2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3} {
			r = FMA(r, z, T(c))
		}
	}
	r = T(r * z)
	half := T(T(f*f) / 2)
	return FMA(k, ln2hi, f-(half-FMA(s, half+r, T(k*ln2lo))))
}

// split writes a positive, finite x as 2^k·(1+f) with 1+f in [√½, √2).
func split[T Float](x T) (k, f T) {
	v := float64(x) // exact, and makes a subnormal float32 normal
	e := 0
	if v < 0x1p-1022 {
		v *= 0x1p54
		e = -54
	}
	b := math.Float64bits(v)
	e += int(b>>52) - 1023
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	if m > math.Sqrt2 {
		m /= 2
		e++
	}
	return T(e), T(m - 1)
}

// Log1p returns log(1 + x), accurate also near 0.
func Log1p[T Float](x T) T {
	u := 1 + x
	if u == 1 || x != x || math.IsInf(float64(x), 1) {
		return x
	}
	return Log(u) + (x-(u-1))/u // the second term corrects the rounding of 1+x
}

// log1pUnit returns log(1+f) for 0 <= f <= 1 without splitting 1+f: with s = f/(2+f) and
// z = s², it is f - s·(f - z·R(z)). testdata/fit_exp.py made R.
func log1pUnit[T Float](f T) T {
	s := f / (2 + f)
	z := T(s * s)
	var r T
	if unsafe.Sizeof(f) == 8 {
		r = T(estrin11(float64(z), float64(z)*float64(z),
			6.666666666666666689e-1, 3.999999999999951462e-1, 2.8571428571602455356e-1,
			2.2222222197963996734e-1, 1.8181819913987626554e-1, 1.5384543424461899584e-1,
			1.3335189720035782554e-1, 1.173413829771082381e-1, 1.0846257876294775408e-1,
			7.487561897603944812e-2, 1.5638841339301539783e-1))
	} else {
		r = T(estrin5(float32(z), float32(z)*float32(z),
			6.6666667331129500756e-1, 3.999970322990636781e-1, 2.859249893624792192e-1,
			2.1704533077341556009e-1, 2.3233564152107270863e-1))
	}
	return FMA(-s, FMA(-z, r, f), f)
}
