package main

import "math"

// The elementary functions, operation for operation as the Go code of package kernel has
// them (exp.go, log.go, erf.go).

// poly evaluates a polynomial, constant term first, as kernel's estrin functions do: pairs,
// then pairs of pairs. x2 is x². The high pairs come first, so that no sum of low pairs has to wait in a register: AVX2 has
// few.
func (b *body) poly(x *value, x2 *value, c ...float64) *value {
	pair := func(i int) *value { return b.fma(b.k(c[i+1]), x, b.k(c[i])) }
	switch len(c) {
	case 5:
		return b.fma(b.fma(b.k(c[4]), x2, pair(2)), x2, pair(0))
	case 10:
		x4 := b.mul(x2, x2)
		high := b.fma(pair(8), x4, b.fma(pair(6), x2, pair(4)))
		return b.fma(high, x4, b.fma(pair(2), x2, pair(0)))
	case 11:
		x4 := b.mul(x2, x2)
		high := b.fma(b.fma(b.k(c[10]), x2, pair(8)), x4, b.fma(pair(6), x2, pair(4)))
		return b.fma(high, x4, b.fma(pair(2), x2, pair(0)))
	}
	panic("no polynomial of that length")
}

// reduced is kernel's reduced: e^x = 2^n·(1 + e).
func (b *body) reduced(x *value) (e, n *value) {
	const log2e = 1.44269504088896338700
	n = b.round(b.mul(x, b.k(log2e)))
	if b.size == 8 {
		r := b.fnma(n, b.k(6.93147180369123816490e-01), x)
		r = b.fnma(n, b.k(1.90821492927058770002e-10), r)
		r2 := b.mul(r, r)
		return b.fma(r2, b.poly(r, r2,
			5.0000000000000010152e-1, 1.6666666666666643937e-1, 4.1666666666624312604e-2,
			8.3333333333561926685e-3, 1.3888888917136652734e-3, 1.9841269784683746551e-4,
			2.4801521398597240998e-5, 2.7557355492487153636e-6, 2.762004575960307316e-7,
			2.5068172844581430441e-8), r), n
	}
	high := b.fnma(n, b.k(0.693359375), x)
	low := b.mul(n, b.k(2.12194440e-4))
	r := b.add(high, low)
	r2 := b.mul(r, r)
	return b.add(high, b.fma(r2, b.poly(r, r2, 4.9999999553002396018e-1, 1.6666577298212731726e-1,
		4.166685319915267976e-2, 8.3631455988543343392e-3, 1.3901304498084941247e-3), low)), n
}

// pick returns the constant of the precision.
func (b *body) pick(f32, f64 float64) *value {
	if b.size == 8 {
		return b.k(f64)
	}
	return b.k(f32)
}

func (b *body) exp(x *value) *value {
	return b.expBelow(b.min(x, b.pick(89, 710)))
}

// expBelow is exp of an x that is not above its range.
func (b *body) expBelow(x *value) *value {
	e, n := b.reduced(b.max(x, b.pick(-105, -746)))
	return b.scale(b.add(e, b.k(1)), n)
}

// expm1 is kernel's expm1, for x in the range of its result 2^n.
func (b *body) expm1(x *value) *value {
	e, n := b.reduced(x)
	two := b.pow2(n)
	return b.fma(two, e, b.sub(two, b.k(1)))
}

func (b *body) sigmoid(x *value) *value {
	e := b.expBelow(b.negAbs(x))
	return b.div(b.choose(b.negative(x), e, b.k(1)), b.add(e, b.k(1)))
}

func (b *body) tanh(x *value) *value {
	a := b.max(b.negAbs(x), b.k(-20))
	e, n := b.reduced(b.add(a, a))
	two := b.pow2(n)
	ratio := b.div(b.fnma(two, e, b.sub(b.k(1), two)), b.fma(two, e, b.add(two, b.k(1))))
	return b.or(ratio, b.signOf(x))
}

// log1pUnit is log(1 + f) for 0 <= f <= 1.
func (b *body) log1pUnit(f *value) *value {
	s := b.div(f, b.add(f, b.k(2)))
	z := b.mul(s, s)
	z2 := b.mul(z, z)
	var r *value
	if b.size == 8 {
		r = b.poly(z, z2, 6.666666666666666689e-1, 3.999999999999951462e-1, 2.8571428571602455356e-1,
			2.2222222197963996734e-1, 1.8181819913987626554e-1, 1.5384543424461899584e-1,
			1.3335189720035782554e-1, 1.173413829771082381e-1, 1.0846257876294775408e-1,
			7.487561897603944812e-2, 1.5638841339301539783e-1)
	} else {
		r = b.poly(z, z2, 6.6666667331129500756e-1, 3.999970322990636781e-1, 2.859249893624792192e-1,
			2.1704533077341556009e-1, 2.3233564152107270863e-1)
	}
	return b.fnma(s, b.fnma(z, r, f), f)
}

func (b *body) softplus(x *value) *value {
	// The 0 of max(x, 0) has no sign that matters: log1p is never -0.
	return b.add(b.max(x, b.k(0)), b.log1pUnit(b.expBelow(b.negAbs(x))))
}

func (b *body) zero() *value { return b.k(0) }

// notAtMost0 is the mask of !(x <= 0): x > 0 or NaN.
func (b *body) notAtMost0(x *value) *value {
	v := b.do("compare", x, b.zero())
	v.imm = 0x16
	return v
}

// notEqual0 is the mask of x != 0, NaN included.
func (b *body) notEqual0(x *value) *value {
	v := b.do("compare", x, b.zero())
	v.imm = 4
	return v
}

// logNormal is kernel's Log for a positive normal number, or NaN.
func (b *body) logNormal(x *value) *value {
	n, m := b.exponent(x), b.mantissa(x)
	above := b.greater(m, b.pick(math.Float64frombits(0x3ff6a09e60000000), math.Sqrt2)) // √2 rounded down
	n = b.choose(above, b.add(n, b.k(1)), n)
	m = b.choose(above, b.mul(m, b.k(0.5)), m)
	f := b.sub(m, b.k(1))
	s := b.div(f, b.add(f, b.k(2)))
	z := b.mul(s, s)
	var c []float64
	var hi, lo float64
	if b.size == 8 {
		hi, lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
		c = []float64{2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
			2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3}
	} else {
		hi, lo = 0.693359375, -2.12194440e-4
		c = []float64{2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3}
	}
	r := b.k(c[0])
	for _, ci := range c[1:] {
		r = b.fma(r, z, b.k(ci))
	}
	r = b.mul(r, z)
	half := b.mul(b.mul(f, f), b.k(0.5))
	inner := b.fma(s, b.add(half, r), b.mul(n, b.k(lo)))
	log := b.fma(n, b.k(hi), b.sub(f, b.sub(half, inner)))
	return b.choose(b.unordered(x), x, log)
}

func (b *body) horner(x *value, c ...float64) *value {
	s := b.k(c[0])
	for _, ci := range c[1:] {
		s = b.fma(s, x, b.k(ci))
	}
	return s
}

// erfc computes both branches of kernel's Erfc and chooses one: 1 - erf x up to |x| = 1, the tail beyond.
func (b *body) erfc(x *value) *value {
	z := b.mul(x, x)
	var center *value
	if b.size == 8 {
		center = b.horner(z, -7.7794677510917091322e-10,
			1.371098020264571568e-8, -1.6206313769690032775e-7, 1.6447131581436621327e-6,
			-1.4924712303625600555e-5, 1.2055293577027264417e-4, -8.5483259293199410198e-4,
			5.2239776061185980535e-3, -2.6866170643111479871e-2, 1.1283791670944184751e-1,
			-3.761263890318351954e-1, 1.283791670955125657e-1)
	} else {
		center = b.horner(z, 7.8538656316040099485e-5,
			-8.010193776723859864e-4, 5.1883275436176762218e-3, -2.6853811758475680391e-2,
			1.1283585141531381438e-1, -3.7612625823432830365e-1, 1.283791657269896527e-1)
	}
	near := b.sub(b.k(1), b.fma(x, center, x))
	a := b.abs(x)
	tail := b.erfcTail(b.min(a, b.pick(10.5, 28))) // which is 0 from there on
	far := b.choose(b.negative(x), b.sub(b.k(2), tail), tail)
	return b.choose(b.greater(a, b.k(1)), far, near)
}

// erfcTail is kernel's erfcTail.
func (b *body) erfcTail(x *value) *value {
	c := b.pick(2.328125, 3.59375)
	t := b.div(b.sub(x, c), b.add(x, c))
	var s *value
	if b.size == 8 {
		s = b.horner(t, -1.659371445455957805e-7,
			4.0823039792084409887e-7, 8.8745744218061301045e-7, -3.6254950742049300128e-6,
			-3.1125487526391342601e-6, 2.8907815786830044106e-5, -1.4642531838901617039e-5,
			-2.0027925223072467984e-4, 5.4200502095253210539e-4, 3.1720829356790973431e-4,
			-6.1434577745782004556e-3, 2.2583669134615276551e-2, -5.2778622471755236955e-2,
			8.9983037406760806197e-2, -1.129582213506804715e-1, 9.1693908942477441424e-2,
			-4.9523787538552695040e-3, -1.4021364042684713398e-1, 1.2404972812787782341)
	} else {
		s = b.horner(t, -3.4863795094630074035e-3,
			6.2360090928493332475e-3, 1.8145379927189985199e-2, -9.0271874066726952804e-2,
			1.6361714987484801814e-1, -1.2043947896976538028e-1, -1.1454293734627600324e-1,
			1.2690611633184922548)
	}
	h := b.neg(b.mul(x, x))
	l := b.fma(x, x, h) // x² = l - h exactly
	e := b.expBelow(h)
	return b.div(b.mul(b.fnma(e, l, e), s), b.fma(b.k(2), x, b.k(1)))
}

// normalCDF is kernel's normalCDF.
func (b *body) normalCDF(z *value) *value {
	return b.mul(b.erfc(b.div(b.neg(z), b.k(math.Sqrt2))), b.k(0.5))
}
