package kernel

import (
	"math"
	"unsafe"
)

// reduced writes exp(x) as 2^k·(1 + e) with |x - k·ln 2| <= ln 2 / 2, where e keeps its
// relative accuracy near 0. The polynomial is Taylor's: 13 terms in float64 and 7 in
// float32 leave less than an ulp.
func reduced[T Float](x T) (e T, k int) {
	const log2e = 1.44269504088896338700
	var r, q T
	if unsafe.Sizeof(x) == 8 {
		const ln2hi, ln2lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
		n := math.RoundToEven(float64(x) * log2e)
		k = int(n)
		r = FMA(T(-n), T(ln2lo), FMA(T(-n), T(ln2hi), x))
		q = T(1.0 / 6227020800)
		for _, c := range [...]float64{
			1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
			1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
		} {
			q = FMA(q, r, T(c))
		}
	} else {
		const ln2hi, ln2lo = 0.693359375, -2.12194440e-4
		n := math.RoundToEven(float64(T(x * T(log2e))))
		k = int(n)
		r = FMA(T(-n), T(ln2lo), FMA(T(-n), T(ln2hi), x))
		q = T(1.0 / 5040)
		for _, c := range [...]float32{1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2} {
			q = FMA(q, r, T(c))
		}
	}
	return FMA(T(r*r), q, r), k
}

// pow2 returns 2^k for a k in the normal range of T.
func pow2[T Float](k int) T {
	if unsafe.Sizeof(T(0)) == 8 {
		return T(math.Float64frombits(uint64(k+1023) << 52))
	}
	return T(math.Float32frombits(uint32(k+127) << 23))
}

// limits returns the largest x whose exp is finite and the x below which exp is 0.
func limits[T Float]() (hi, lo T) {
	if unsafe.Sizeof(hi) == 8 {
		x, y := 709.782712893384, -745.1332191019412
		return T(x), T(y)
	}
	x, y := float32(88.72283), float32(-103.97208)
	return T(x), T(y)
}

// Exp returns e^x, within an ulp; 0 and +Inf where it leaves the range of T.
func Exp[T Float](x T) T {
	hi, lo := limits[T]()
	switch {
	case x > hi:
		return T(math.Inf(1))
	case x < lo:
		return 0
	case x != x:
		return x
	}
	e, k := reduced(x)
	half := k >> 1 // in two factors, so that 2^1024 and subnormal results come out right
	return T(T((1+e)*pow2[T](half)) * pow2[T](k-half))
}

// Expm1 returns e^x - 1, accurate near 0 too.
func Expm1[T Float](x T) T {
	big := T(38)
	if unsafe.Sizeof(x) == 4 {
		big = 18
	}
	switch {
	case x > big:
		return Exp(x)
	case x < -big:
		return -1
	case x != x:
		return x
	}
	e, k := reduced(x)
	two := pow2[T](k)
	return FMA(two, e, two-1)
}

// Sigmoid returns 1 / (1 + e^-x), written as e^x / (1 + e^x) for a negative x, where it
// stays accurate down to the smallest numbers.
func Sigmoid[T Float](x T) T {
	e := Exp(-Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Tanh returns (e^2x - 1) / (e^2x + 1).
func Tanh[T Float](x T) T {
	a := Abs(x)
	if a > 20 {
		a = 1
	} else {
		e := Expm1(2 * a)
		a = e / (e + 2)
	}
	if x < 0 {
		return -a
	}
	return a
}

// Softplus returns log(1 + e^x) without overflow: max(x, 0) + log1p(e^-|x|).
func Softplus[T Float](x T) T {
	return max(x, 0) + Log1p(Exp(-Abs(x)))
}

// Abs returns |x|.
func Abs[T Float](x T) T { return T(math.Abs(float64(x))) }

// Sqrt returns the square root, rounded once.
func Sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }

// Powi returns x^n for n >= 0 by squaring.
func Powi(x float64, n int) float64 {
	r := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			r *= x
		}
		x *= x
	}
	return r
}
