package kernel

import (
	"math"
	"unsafe"
)

// Erf returns the error function, 2/√π times the integral of e^-t² from 0 to x.
//
// Up to |x| = 1 it is x + x·P(x²), beyond 1 - Erfc(|x|); testdata/fit_erf.py made both
// polynomials.
func Erf[T Float](x T) T {
	if a := Abs(x); a > 1 {
		y := 1 - erfcTail(a)
		if x < 0 {
			return -y
		}
		return y
	}
	return FMA(x, erfCentre(T(x*x)), x)
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

// erfCentre is P in erf(x) = x + x·P(x²) for x² <= 1.
func erfCentre[T Float](z T) T {
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

// erfcTail is e^-x²·Q(t) for x >= 1, with t = (x-c)/(x+c); 0 from where erfc leaves the
// range of T.
func erfcTail[T Float](x T) T {
	var s T
	if unsafe.Sizeof(x) == 8 {
		if x > 27.3 {
			return 0
		}
		t := (x - 3) / (x + 3)
		s = T(-1.6816836268889792824e-8)
		for _, c := range [...]float64{
			5.2135172885820563233e-8, 4.2101441881167197512e-8, -2.4538421311177228342e-7,
			-2.9681354313701517442e-7, 1.2577568437842390706e-6, 2.1195943582302401994e-6,
			-7.9793729839357056004e-6, -1.286020503162263438e-5, 6.4056713659030464797e-5,
			4.5255243810850725845e-5, -5.9706195933333824607e-4, 7.0774644388600979993e-4,
			4.2691363331887309316e-3, -2.4392499318896897174e-2, 7.1665837197974859115e-2,
			-1.5011593650077274884e-1, 2.4560380171233085326e-1, -3.2623356004303725382e-1,
			1.7900115118138995056e-1,
		} {
			s = FMA(s, t, T(c))
		}
	} else {
		if x > 10.1 {
			return 0
		}
		t := (x - 2.1640625) / (x + 2.1640625)
		s = T(3.6637469787259666906e-4)
		for _, c := range [...]float32{
			-5.1945836578173456463e-4, -2.3141329365847697585e-3, 5.1322962729198353241e-3,
			1.5373103371248337635e-2, -9.6805183518372396447e-2, 2.4771130421827621493e-1,
			-4.0787602333648010052e-1, 2.3893502701463412341e-1,
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
	return T(FMA(-e, l, e) * s)
}
