package main

// forward are the activations, dst = f(src). p is their parameter; s is elu's factor for
// positive inputs (selu's lambda).
var forward = []*loop{
	{name: "relu", is: "if src[i] <= 0 { dst[i] = 0 } else { dst[i] = src[i] }", unroll: 4, body: func(b *lines) {
		z := b.read("src")
		b.write("dst", b.only(b.notAtMost0(z), z))
	}},
	{name: "leaky", scalars: []string{"p"}, is: "if src[i] > 0 { dst[i] = src[i] } else { dst[i] = p*src[i] }", unroll: 4, body: func(b *lines) {
		z := b.read("src")
		b.write("dst", b.choose(b.greater(z, b.zero()), z, b.mul(z, b.scalar["p"])))
	}},
	{name: "elu", scalars: []string{"p", "s"}, is: "if src[i] > 0 { dst[i] = s*src[i] } else { dst[i] = p*Expm1(src[i]) }", body: func(b *lines) {
		z := b.read("src")
		low := b.mul(b.expm1(b.max(b.min(z, b.zero()), b.pick(-18, -38))), b.scalar["p"])
		b.write("dst", b.choose(b.greater(z, b.zero()), b.mul(z, b.scalar["s"]), low))
	}},
	{name: "sigmoid", is: "dst[i] = Sigmoid(src[i])", body: func(b *lines) {
		b.write("dst", b.sigmoid(b.read("src")))
	}},
	{name: "tanh", is: "dst[i] = Tanh(src[i])", body: func(b *lines) {
		b.write("dst", b.tanh(b.read("src")))
	}},
	{name: "softplus", is: "dst[i] = Softplus(src[i])", body: func(b *lines) {
		b.write("dst", b.softplus(b.read("src")))
	}},
	{name: "exp", is: "dst[i] = Exp(src[i])", body: func(b *lines) {
		b.write("dst", b.exp(b.read("src")))
	}},
	{name: "silu", is: "dst[i] = src[i] * Sigmoid(src[i])", body: func(b *lines) {
		z := b.read("src")
		b.write("dst", b.mul(z, b.sigmoid(z)))
	}},
	{name: "gelu", is: "dst[i] = src[i] * normalCDF(src[i])", body: func(b *lines) {
		z := b.read("src")
		b.write("dst", b.mul(z, b.normalCDF(z)))
	}},
	{name: "mish", is: "dst[i] = mish(src[i])", body: func(b *lines) {
		z := b.read("src")
		_, n, m := b.mishParts(b.min(z, b.k(20)))
		b.write("dst", b.mul(z, b.div(n, m)))
	}},
}

// backward turn grad = dL/da into dL/dz = grad·f'(z), where a = f(z).
var backward = []*loop{
	{name: "reluBack", is: "if !(z[i] > 0) { grad[i] = 0 }", unroll: 4, body: func(b *lines) {
		b.write("grad", b.only(b.greater(b.read("z"), b.zero()), b.read("grad")))
	}},
	{name: "leakyBack", scalars: []string{"p"}, is: "if !(z[i] > 0) { grad[i] *= p }", unroll: 4, body: func(b *lines) {
		g := b.read("grad")
		b.write("grad", b.choose(b.greater(b.read("z"), b.zero()), g, b.mul(g, b.scalar["p"])))
	}},
	{name: "eluBack", scalars: []string{"p", "s"}, is: "if z[i] > 0 { grad[i] *= s } else { grad[i] *= a[i] + p }", unroll: 2, body: func(b *lines) {
		low := b.add(b.read("a"), b.scalar["p"])
		b.write("grad", b.mul(b.read("grad"), b.choose(b.greater(b.read("z"), b.zero()), b.scalar["s"], low)))
	}},
	{name: "sigmoidBack", is: "grad[i] *= a[i] * (1 - a[i])", unroll: 4, body: func(b *lines) {
		a := b.read("a")
		b.write("grad", b.mul(b.read("grad"), b.mul(a, b.sub(b.k(1), a))))
	}},
	{name: "tanhBack", is: "grad[i] *= (1 - a[i]) * (1 + a[i])", unroll: 4, body: func(b *lines) {
		a := b.read("a")
		b.write("grad", b.mul(b.read("grad"), b.mul(b.sub(b.k(1), a), b.add(a, b.k(1)))))
	}},
	{name: "softplusBack", is: "grad[i] *= Sigmoid(z[i])", body: func(b *lines) {
		b.write("grad", b.mul(b.read("grad"), b.sigmoid(b.read("z"))))
	}},
	{name: "expBack", is: "grad[i] *= a[i]", unroll: 4, body: func(b *lines) {
		b.write("grad", b.mul(b.read("grad"), b.read("a")))
	}},
	{name: "siluBack", is: "s := Sigmoid(z[i]); grad[i] *= FMA(a[i], 1-s, s)", body: func(b *lines) {
		s := b.sigmoid(b.read("z"))
		b.write("grad", b.mul(b.read("grad"), b.fma(b.read("a"), b.sub(b.k(1), s), s)))
	}},
	{name: "geluBack", is: "grad[i] *= geluSlope(z[i])", body: func(b *lines) {
		const density0 = 0.39894228040143267794
		z := b.read("z")
		cdf := b.normalCDF(z)
		e := b.expBelow(b.mul(b.neg(b.mul(z, z)), b.k(0.5)))
		b.write("grad", b.mul(b.read("grad"), b.fma(b.mul(z, b.k(density0)), e, cdf)))
	}},
	{name: "mishBack", is: "grad[i] *= mishSlope(z[i])", body: func(b *lines) {
		z := b.max(b.min(b.read("z"), b.k(20)), b.k(-746))
		e, n, m := b.mishParts(z)
		i := b.div(b.k(1), m)
		i2 := b.add(i, i)
		u, v := b.mul(i2, e), b.mul(i2, b.add(e, b.k(1)))
		b.write("grad", b.mul(b.read("grad"), b.fma(b.mul(z, u), v, b.mul(n, i))))
	}},
}

// updates are the optimizers' passes over the parameters, and two similar loops.
var updates = []*loop{
	{name: "sgd", streams: []string{"w", "grad"}, scalars: []string{"rate"}, is: "w[i] = FMA(rate, grad[i], w[i])", unroll: 4, body: func(b *lines) {
		b.write("w", b.fma(b.scalar["rate"], b.read("grad"), b.read("w")))
	}},
	{name: "momentum", streams: []string{"w", "grad", "v"}, scalars: []string{"rate", "mu"},
		is: "v[i] = FMA(mu, v[i], grad[i]); w[i] = FMA(rate, v[i], w[i])", unroll: 2, body: func(b *lines) {
			v := b.fma(b.scalar["mu"], b.read("v"), b.read("grad"))
			b.write("v", v)
			b.write("w", b.fma(b.scalar["rate"], v, b.read("w")))
		}},
	{name: "nesterov", streams: []string{"w", "grad", "v"}, scalars: []string{"rate", "mu"},
		is: "v[i] = FMA(mu, v[i], grad[i]); w[i] = FMA(rate, FMA(mu, v[i], grad[i]), w[i])", unroll: 2, body: func(b *lines) {
			g := b.read("grad")
			v := b.fma(b.scalar["mu"], b.read("v"), g)
			b.write("v", v)
			b.write("w", b.fma(b.scalar["rate"], b.fma(b.scalar["mu"], v, g), b.read("w")))
		}},
	{name: "adam", streams: []string{"w", "grad", "m", "v"},
		scalars: []string{"rate", "root", "b1", "c1", "b2", "c2", "eps", "keep"},
		is: "m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); " +
			"w[i] = FMA(rate, m[i]/FMA(√v[i], root, eps), keep*w[i])", body: func(b *lines) {
			g, s := b.read("grad"), b.scalar
			v := b.fma(s["b2"], b.read("v"), b.mul(s["c2"], b.mul(g, g)))
			b.write("v", v)
			m := b.fma(s["b1"], b.read("m"), b.mul(s["c1"], g))
			b.write("m", m)
			step := b.div(m, b.fma(b.sqrt(v), s["root"], s["eps"]))
			b.write("w", b.fma(s["rate"], step, b.mul(b.read("w"), s["keep"])))
		}},
	{name: "scale", streams: []string{"x"}, scalars: []string{"s"}, is: "x[i] *= s", unroll: 4, body: func(b *lines) {
		b.write("x", b.mul(b.read("x"), b.scalar["s"]))
	}},
	{name: "add", streams: []string{"dst", "src"}, is: "dst[i] += src[i]", unroll: 4, body: func(b *lines) {
		b.write("dst", b.add(b.read("dst"), b.read("src")))
	}},
}

func init() {
	for _, l := range forward {
		l.streams = []string{"dst", "src"}
	}
	for _, l := range backward {
		l.streams = []string{"grad", "z", "a"}
	}
}

// mishParts is kernel's mishParts.
func (b *body) mishParts(z *value) (e, n, m *value) {
	e = b.expBelow(z)
	n = b.mul(e, b.add(e, b.k(2)))
	return e, n, b.add(n, b.k(2))
}
