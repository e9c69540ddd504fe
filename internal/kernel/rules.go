package kernel

// The passes of the rules not in update.go, and of everything else that is done to weights and
// gradients element by element. All slices are as long as g.

// RuleStep holds the parameters of an update besides its vectors. Each rule uses what it needs.
type RuleStep[T Float] struct {
	Rate           T // negative
	Mu             T // the velocity's momentum
	B1, C1, B2, C2 T // beta1, 1-beta1, beta2, 1-beta2
	Root           T // the correction of √v: 1/√(1-beta2ⁿ)
	Ahead          T // for nadam: the negative factor on the gradient itself
	Epsilon        T
}

// AdaGrad is v[i] = FMA(g[i], g[i], v[i]); w[i] = FMA(Rate, g[i]/(√v[i]+Epsilon), w[i]).
func AdaGrad[T Float](w, g, v []T, s RuleStep[T]) {
	w, v = w[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(gi, gi, v[i])
			w[i] = FMA(s.Rate, gi/(Sqrt(v[i])+s.Epsilon), w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		adagradVector(&w[0], &g[0], &v[0], n, s.Rate, s.Epsilon)
		w, g, v = w[n:], g[n:], v[n:]
	}
}

// RMSProp is v[i] = FMA(B2, v[i], C2*(g[i]*g[i])); w[i] = FMA(Rate, g[i]/(√v[i]+Epsilon), w[i]).
func RMSProp[T Float](w, g, v []T, s RuleStep[T]) {
	w, v = w[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			w[i] = FMA(s.Rate, gi/(Sqrt(v[i])+s.Epsilon), w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		rmspropVector(&w[0], &g[0], &v[0], n, s.Rate, s.B2, s.C2, s.Epsilon)
		w, g, v = w[n:], g[n:], v[n:]
	}
}

// RMSPropMomentum is RMSProp with a velocity m between the step and the weight:
//
//	v[i] = FMA(B2, v[i], C2*(g[i]*g[i]))
//	m[i] = FMA(Mu, m[i], g[i]/(√v[i]+Epsilon))
//	w[i] = FMA(Rate, m[i], w[i])
func RMSPropMomentum[T Float](w, g, v, m []T, s RuleStep[T]) {
	w, v, m = w[:len(g)], v[:len(g)], m[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			m[i] = FMA(s.Mu, m[i], gi/(Sqrt(v[i])+s.Epsilon))
			w[i] = FMA(s.Rate, m[i], w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		rmspropMomentumVector(&w[0], &g[0], &v[0], &m[0], n, s.Rate, s.Mu, s.B2, s.C2, s.Epsilon)
		w, g, v, m = w[n:], g[n:], v[n:], m[n:]
	}
}

// AdaDelta is, with u for the step,
//
//	v[i] = FMA(B2, v[i], C2*(g[i]*g[i]))
//	u    = √(d[i]+Epsilon) / √(v[i]+Epsilon) * g[i]
//	d[i] = FMA(B2, d[i], C2*(u*u))
//	w[i] = FMA(Rate, u, w[i])
func AdaDelta[T Float](w, g, v, d []T, s RuleStep[T]) {
	w, v, d = w[:len(g)], v[:len(g)], d[:len(g)]
	if !vectors() {
		for i, gi := range g {
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			u := Sqrt(d[i]+s.Epsilon) / Sqrt(v[i]+s.Epsilon) * gi
			d[i] = FMA(s.B2, d[i], s.C2*(u*u))
			w[i] = FMA(s.Rate, u, w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		adadeltaVector(&w[0], &g[0], &v[0], &d[0], n, s.Rate, s.B2, s.C2, s.Epsilon)
		w, g, v, d = w[n:], g[n:], v[n:], d[n:]
	}
}

// AMSGrad is Adam in which the v of the step never falls. Rate includes the correction of m:
//
//	m[i] = FMA(B1, m[i], C1*g[i])
//	v[i] = FMA(B2, v[i], C2*(g[i]*g[i]))
//	top[i] = the larger of itself and v[i]
//	w[i] = FMA(Rate, m[i]/FMA(√top[i], Root, Epsilon), w[i])
func AMSGrad[T Float](w, g, m, v, top []T, s RuleStep[T]) {
	w, m, v, top = w[:len(g)], m[:len(g)], v[:len(g)], top[:len(g)]
	if !vectors() {
		for i, gi := range g {
			m[i] = FMA(s.B1, m[i], s.C1*gi)
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			if v[i] > top[i] {
				top[i] = v[i]
			}
			w[i] = FMA(s.Rate, m[i]/FMA(Sqrt(top[i]), s.Root, s.Epsilon), w[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		amsgradVector(&w[0], &g[0], &m[0], &v[0], &top[0], n, s.Rate, s.Root, s.B1, s.C1, s.B2, s.C2, s.Epsilon)
		w, g, m, v, top = w[n:], g[n:], m[n:], v[n:], top[n:]
	}
}

// NAdam is Adam that takes part of its step along the gradient itself:
//
//	m[i] = FMA(B1, m[i], C1*g[i])
//	v[i] = FMA(B2, v[i], C2*(g[i]*g[i]))
//	w[i] = FMA(Rate, m[i]/d, FMA(Ahead, g[i]/d, w[i]))     d = FMA(√v[i], Root, Epsilon)
func NAdam[T Float](w, g, m, v []T, s RuleStep[T]) {
	w, m, v = w[:len(g)], m[:len(g)], v[:len(g)]
	if !vectors() {
		for i, gi := range g {
			m[i] = FMA(s.B1, m[i], s.C1*gi)
			v[i] = FMA(s.B2, v[i], s.C2*(gi*gi))
			d := FMA(Sqrt(v[i]), s.Root, s.Epsilon)
			w[i] = FMA(s.Rate, m[i]/d, FMA(s.Ahead, gi/d, w[i]))
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		nadamVector(&w[0], &g[0], &m[0], &v[0], n, s.Rate, s.Ahead, s.Root, s.B1, s.C1, s.B2, s.C2, s.Epsilon)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
}

// Lion moves every weight by the rate, along the sign of u = FMA(B1, m[i], C1*g[i]). Then
// m[i] = FMA(B2, m[i], C2*g[i]). If u is 0 or NaN, the weight does not move.
func Lion[T Float](w, g, m []T, s RuleStep[T]) {
	w, m = w[:len(g)], m[:len(g)]
	if !vectors() {
		for i, gi := range g {
			u := FMA(s.B1, m[i], s.C1*gi)
			m[i] = FMA(s.B2, m[i], s.C2*gi)
			switch {
			case u > 0:
				w[i] += s.Rate
			case u < 0:
				w[i] -= s.Rate
			}
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		lionVector(&w[0], &g[0], &m[0], n, s.Rate, s.B1, s.C1, s.B2, s.C2)
		w, g, m = w[n:], g[n:], m[n:]
	}
}

// AddScaled is dst[i] = FMA(s, src[i], dst[i]), the arithmetic of SGD.
func AddScaled[T Float](dst, src []T, s T) { SGD(dst[:len(src)], src, s) }

// AddSign adds s to g[i] where w[i] > 0, and subtracts it where w[i] < 0: the gradient of s·|w[i]|.
func AddSign[T Float](g, w []T, s T) {
	w = w[:len(g)]
	if !vectors() {
		for i, wi := range w {
			switch {
			case wi > 0:
				g[i] += s
			case wi < 0:
				g[i] -= s
			}
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		addSignVector(&g[0], &w[0], n, s)
		g, w = g[n:], w[n:]
	}
}

// Clamp limits every g[i] to ±s. A NaN stays.
func Clamp[T Float](g []T, s T) {
	if !vectors() {
		for i, gi := range g {
			switch {
			case gi > s:
				g[i] = s
			case gi < -s:
				g[i] = -s
			}
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		clampVector(&g[0], n, s)
		g = g[n:]
	}
}

// Approach is dst[i] = FMA(s, src[i]-dst[i], dst[i]): a running average's step.
func Approach[T Float](dst, src []T, s T) {
	dst = dst[:len(src)]
	if !vectors() {
		for i, v := range src {
			dst[i] = FMA(s, v-dst[i], dst[i])
		}
		return
	}
	for len(src) > 0 {
		n := min(len(src), chunk)
		approachVector(&dst[0], &src[0], n, s)
		dst, src = dst[n:], src[n:]
	}
}

// Dot returns Σ x[i]·y[i] in float64. Term i is fused into lane i%16, and the lanes are added
// in a tree.
func Dot[T Float](x, y []T) float64 {
	var s LossSum
	y = y[:len(x)]
	for len(x) >= sumLanes {
		for l := range sumLanes {
			s[l] = FMA(float64(x[l]), float64(y[l]), s[l])
		}
		x, y = x[sumLanes:], y[sumLanes:]
	}
	for l := range x {
		s[l] = FMA(float64(x[l]), float64(y[l]), s[l])
	}
	return s.Total()
}

// SumSquares returns Σ x[i]², with the bits of Dot(x, x).
func SumSquares[T Float](x []T) float64 {
	var s LossSum
	var zero [512]T
	for at := 0; at < len(x); at += len(zero) {
		part := x[at:min(at+len(zero), len(x))]
		Squares(&s, at, zero[:len(part)], part, nil, 0)
	}
	return s.Total()
}
