package kernel

import (
	"math"
	"unsafe"
)

// reduced writes exp(x) as 2^n·(1 + e) with |x - n·ln 2| <= ln 2 / 2, where e keeps its
// relative accuracy near 0: with r = x - n·ln 2, e = r + r²·Q(r). testdata/fit_exp.py made Q.
func reduced[T Float](x T) (e, n T) {
	if unsafe.Sizeof(x) == 8 {
		e, n := reduced64(float64(x))
		return T(e), T(n)
	}
	e32, n32 := reduced32(float32(x))
	return T(e32), T(n32)
}

const log2e = 1.44269504088896338700

func reduced64(x float64) (e, n float64) {
	const ln2hi, ln2lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	n = math.RoundToEven(x * log2e)
	r := math.FMA(-n, ln2lo, math.FMA(-n, ln2hi, x))
	r2 := r * r
	return math.FMA(r2, estrin10(r, r2,
		5.0000000000000010152e-1, 1.6666666666666643937e-1, 4.1666666666624312604e-2,
		8.3333333333561926685e-3, 1.3888888917136652734e-3, 1.9841269784683746551e-4,
		2.4801521398597240998e-5, 2.7557355492487153636e-6, 2.762004575960307316e-7,
		2.5068172844581430441e-8), r), n
}

func reduced32(x float32) (e, n float32) {
	const ln2hi, ln2lo = 0.693359375, -2.12194440e-4
	n = float32(math.RoundToEven(float64(x * log2e)))
	high := FMA(-n, ln2hi, x) // exact
	low := float32(n * -ln2lo)
	r := float32(high + low) // its rounding error affects only r²·Q
	r2 := r * r
	return high + FMA(r2, estrin5(r, r2, 4.9999999553002396018e-1, 1.6666577298212731726e-1,
		4.166685319915267976e-2, 8.3631455988543343392e-3, 1.3901304498084941247e-3), low), n
}

// The estrin functions evaluate polynomials, constant term first, by pairs and pairs of pairs:
// fewer sequential steps than Horner's rule. x2 is x².

func estrin5(x, x2, c0, c1, c2, c3, c4 float32) float32 {
	return FMA(FMA(c4, x2, FMA(c3, x, c2)), x2, FMA(c1, x, c0))
}

func estrin10(x, x2, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 float64) float64 {
	x4 := x2 * x2
	low := math.FMA(math.FMA(c3, x, c2), x2, math.FMA(c1, x, c0))
	middle := math.FMA(math.FMA(c7, x, c6), x2, math.FMA(c5, x, c4))
	return math.FMA(math.FMA(math.FMA(c9, x, c8), x4, middle), x4, low)
}

func estrin11(x, x2, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 float64) float64 {
	x4 := x2 * x2
	low := math.FMA(math.FMA(c3, x, c2), x2, math.FMA(c1, x, c0))
	middle := math.FMA(math.FMA(c7, x, c6), x2, math.FMA(c5, x, c4))
	high := math.FMA(c10, x2, math.FMA(c9, x, c8))
	return math.FMA(math.FMA(high, x4, middle), x4, low)
}

// pow2 returns 2^k for k in the normal range of T.
func pow2[T Float](k int) T {
	if unsafe.Sizeof(T(0)) == 8 {
		return T(math.Float64frombits(uint64(k+1023) << 52))
	}
	return T(math.Float32frombits(uint32(k+127) << 23))
}

// Exp returns e^x, within one ulp; 0 or +Inf outside the range of T.
func Exp[T Float](x T) T {
	if unsafe.Sizeof(x) == 8 {
		x = max(-746, min(x, 710)) // beyond these, the result is 0 or +Inf anyway
	} else {
		x = max(-105, min(x, 89))
	}
	e, n := reduced(x)
	k := int(n)
	half := k >> 1 // in two factors, so that 2^1024 and subnormal results are right
	return T(T((1+e)*pow2[T](half)) * pow2[T](k-half))
}

// Expm1 returns e^x - 1, accurate also near 0.
func Expm1[T Float](x T) T {
	big := T(38)
	if unsafe.Sizeof(x) == 4 {
		big = 18
	}
	if x > big {
		return Exp(x)
	}
	return expm1(max(x, -big)) // it is -1 from there on
}

// expm1 is Expm1 for an x whose n is in the range of pow2.
func expm1[T Float](x T) T {
	e, n := reduced(x)
	two := pow2[T](int(n))
	return FMA(two, e, two-1)
}

// Sigmoid returns 1 / (1 + e^-x). For negative x it is computed as e^x / (1 + e^x), which stays
// accurate down to the smallest numbers.
func Sigmoid[T Float](x T) T {
	e := Exp(-Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Tanh returns (1 - e^-2|x|) / (1 + e^-2|x|) with the sign of x.
func Tanh[T Float](x T) T {
	a := min(Abs(x), 20) // from about 20 on it is 1
	e, n := reduced(-(a + a))
	two := pow2[T](int(n))
	ratio := FMA(-two, e, 1-two) / FMA(two, e, 1+two)
	return T(math.Copysign(float64(ratio), float64(x)))
}

// Softplus returns log(1 + e^x) without overflow: max(x, 0) + log1p(e^-|x|).
func Softplus[T Float](x T) T {
	return max(x, 0) + log1pUnit(Exp(-Abs(x)))
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
