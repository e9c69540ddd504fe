package kernel

//go:generate go -C gen run ./vector ..

// SGD is w[i] = FMA(rate, g[i], w[i]). The rate is negative. w is as long as g.
func SGD[T Float](w, g []T, rate T) {
	w = w[:len(g)]
	if !vectors() {
		for i, gi := range g {
			w[i] = FMA(rate, gi, w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		sgdVector(&w[0], &g[0], n, rate)
		w, g = w[n:], g[n:]
	}
}

// Momentum is v[i] = FMA(mu, v[i], g[i]); w[i] = FMA(rate, v[i], w[i]).
func Momentum[T Float](w, g, v []T, rate, mu T) {
	w, v = w[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(mu, v[i], gi)
			w[i] = FMA(rate, v[i], w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		momentumVector(&w[0], &g[0], &v[0], n, rate, mu)
		w, g, v = w[n:], g[n:], v[n:]
	}
}

// Nesterov is v[i] = FMA(mu, v[i], g[i]); w[i] = FMA(rate, FMA(mu, v[i], g[i]), w[i]).
func Nesterov[T Float](w, g, v []T, rate, mu T) {
	w, v = w[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(mu, v[i], gi)
			w[i] = FMA(rate, FMA(mu, v[i], gi), w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		nesterovVector(&w[0], &g[0], &v[0], n, rate, mu)
		w, g, v = w[n:], g[n:], v[n:]
	}
}

// AdamStep holds the parameters of an update by Adam besides its vectors.
type AdamStep[T Float] struct {
	Rate           T // negative, with the correction of m: -rate/(1-beta1ⁿ)
	Root           T // the correction of √v: 1/√(1-beta2ⁿ)
	B1, C1, B2, C2 T // beta1, 1-beta1, beta2, 1-beta2
	Epsilon        T
	Keep           T // w is multiplied by it first: 1, or less for a decay
}

// Adam is
//
//	m[i] = FMA(B1, m[i], C1*g[i])
//	v[i] = FMA(B2, v[i], C2*(g[i]*g[i]))
//	w[i] = FMA(Rate, m[i]/FMA(√v[i], Root, Epsilon), Keep*w[i])
func Adam[T Float](w, g, m, v []T, s AdamStep[T]) {
	w, m, v = w[:len(g)], m[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			m[i] = FMA(s.B1, m[i], s.C1*gi)
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			w[i] = FMA(s.Rate, m[i]/FMA(Sqrt(v[i]), s.Root, s.Epsilon), s.Keep*w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		adamVector(&w[0], &g[0], &m[0], &v[0], n, s.Rate, s.Root, s.B1, s.C1, s.B2, s.C2, s.Epsilon, s.Keep)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
}

// Scale is x[i] *= s.
func Scale[T Float](x []T, s T) {
	if !vectors() || len(x) <= few {
		for i := range x {
			x[i] *= s
		}
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		scaleVector(&x[0], n, s)
		x = x[n:]
	}
}

// Add is dst[i] += src[i]; dst is as long as src.
func Add[T Float](dst, src []T) {
	dst = dst[:len(src)]
	if !vectors() || len(src) <= few {
		for i, v := range src {
			dst[i] += v
		}
		return
	}
	for len(src) > 0 {
		n := min(len(src), chunk)
		addVector(&dst[0], &src[0], n)
		dst, src = dst[n:], src[n:]
	}
}
