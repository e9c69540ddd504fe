package kernel

import (
	"math"
	"unsafe"
)

// Erf returns the error function, 2/√π times the integral of e^-t² from 0 to x.
//
// Up to |x| = 1 it is x + x·P(x²), beyond that 1 - Erfc(|x|). testdata/fit_erf.py made both
// polynomials.
func Erf[T Float](x T) T {
	if a := Abs(x); a > 1 {
		y := 1 - erfcTail(a)
		if x < 0 {
			return -y
		}
		return y
	}
	return FMA(x, erfCenter(T(x*x)), x)
}

// Erfc returns 1 - Erf(x), accurate where Erf(x) is close to 1.
func Erfc[T Float](x T) T {
	switch {
	case x > 1:
		return erfcTail(x)
	case x < -1:
		return 2 - erfcTail(-x)
	}
	return 1 - Erf(x)
}

// erfCenter is P in erf(x) = x + x·P(x²) for x² <= 1.
func erfCenter[T Float](z T) T {
	if unsafe.Sizeof(z) == 8 {
		s := T(-7.7794677510917091322e-10)
		for _, c := range [...]float64{
			1.371098020264571568e-8, -1.6206313769690032775e-7, 1.6447131581436621327e-6,
			-1.4924712303625600555e-5, 1.2055293577027264417e-4, -8.5483259293199410198e-4,
			5.2239776061185980535e-3, -2.6866170643111479871e-2, 1.1283791670944184751e-1,
			-3.761263890318351954e-1, 1.283791670955125657e-1,
		} {
			s = FMA(s, z, T(c))
		}
		return s
	}
	s := T(7.8538656316040099485e-5)
	for _, c := range [...]float32{
		-8.010193776723859864e-4, 5.1883275436176761218e-3, -2.6853811758475680391e-2,
		1.1283585141531381438e-1, -3.7612625823432830365e-1, 1.283791657269896527e-1,
	} {
		s = FMA(s, z, T(c))
	}
	return s
}

// erfcTail is e^-x²·S(t) / (1 + 2x) for x >= 1, with t = (x-c)/(x+c). It is 0 from where erfc
// leaves the range of T.
func erfcTail[T Float](x T) T {
	var s T
	if unsafe.Sizeof(x) == 8 {
		if x > 27.3 {
			return 0
		}
		t := (x - 3.59375) / (x + 3.59375)
		s = T(-1.659371445455957805e-7)
		for _, c := range [...]float64{
			4.0823039792084409887e-7, 8.8745744218061301045e-7, -3.6254950742049300128e-6,
			-3.1125487526391342601e-6, 2.8907815786830044106e-5, -1.4642531838901617039e-5,
			-2.0027925223072467984e-4, 5.4200502095253210539e-4, 3.1720829356790973431e-4,
			-6.1434577745782004556e-3, 2.2583669134615276551e-2, -5.2778622471755236955e-2,
			8.9983037406760806197e-2, -1.129582213506804715e-1, 9.1693908942477441424e-2,
			-4.9523787538552695040e-3, -1.4021364042684713398e-1, 1.2404972812787782341,
		} {
			s = FMA(s, t, T(c))
		}
	} else {
		if x > 10.1 {
			return 0
		}
		t := (x - 2.328125) / (x + 2.328125)
		s = T(-3.4863795094630074035e-3)
		for _, c := range [...]float32{
			6.2360090928493332475e-3, 1.8145379927189985199e-2, -9.0271874066726952804e-2,
			1.6361714987484801814e-1, -1.2043947896976538028e-1, -1.1454293734627600324e-1,
			1.2690611633184922548,
		} {
			s = FMA(s, t, T(c))
		}
	}
	if x != x || math.IsInf(float64(x), 0) {
		return x
	}
	h := T(x * x)
	l := FMA(x, x, -h) // x² = h + l exactly
	e := Exp(-h)
	return T(FMA(-e, l, e)*s) / FMA(2, x, 1)
}
