package main

// rules are the passes of the optimizers that are not in updates, and of everything else that is done to weights and gradients
// element by element.
var rules = []*loop{
	{name: "adagrad", streams: []string{"w", "grad", "v"}, scalars: []string{"rate", "eps"},
		is: "v[i] = FMA(grad[i], grad[i], v[i]); w[i] = FMA(rate, grad[i]/(√v[i]+eps), w[i])", unroll: 2, body: func(b *lines) {
			g := b.read("grad")
			v := b.fma(g, g, b.read("v"))
			b.write("v", v)
			b.write("w", b.fma(b.scalar["rate"], b.div(g, b.add(b.sqrt(v), b.scalar["eps"])), b.read("w")))
		}},
	{name: "rmsprop", streams: []string{"w", "grad", "v"}, scalars: []string{"rate", "b2", "c2", "eps"},
		is: "v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); w[i] = FMA(rate, grad[i]/(√v[i]+eps), w[i])", unroll: 2, body: func(b *lines) {
			g := b.read("grad")
			v := b.squares(g)
			b.write("w", b.fma(b.scalar["rate"], b.div(g, b.add(b.sqrt(v), b.scalar["eps"])), b.read("w")))
		}},
	{name: "rmspropMomentum", streams: []string{"w", "grad", "v", "m"}, scalars: []string{"rate", "mu", "b2", "c2", "eps"},
		is: "v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); m[i] = FMA(mu, m[i], grad[i]/(√v[i]+eps)); w[i] = FMA(rate, m[i], w[i])", body: func(b *lines) {
			g := b.read("grad")
			v := b.squares(g)
			m := b.fma(b.scalar["mu"], b.read("m"), b.div(g, b.add(b.sqrt(v), b.scalar["eps"])))
			b.write("m", m)
			b.write("w", b.fma(b.scalar["rate"], m, b.read("w")))
		}},
	{name: "adadelta", streams: []string{"w", "grad", "v", "d"}, scalars: []string{"rate", "b2", "c2", "eps"},
		is: "v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); u := √(d[i]+eps)/√(v[i]+eps)*grad[i]; d[i] = FMA(b2, d[i], c2*(u*u)); w[i] = FMA(rate, u, w[i])", body: func(b *lines) {
			g, s := b.read("grad"), b.scalar
			v := b.squares(g)
			d := b.read("d")
			u := b.mul(b.div(b.sqrt(b.add(d, s["eps"])), b.sqrt(b.add(v, s["eps"]))), g)
			b.write("d", b.fma(s["b2"], d, b.mul(s["c2"], b.mul(u, u))))
			b.write("w", b.fma(s["rate"], u, b.read("w")))
		}},
	{name: "amsgrad", streams: []string{"w", "grad", "m", "v", "top"}, scalars: []string{"rate", "root", "b1", "c1", "b2", "c2", "eps"},
		is: "m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); if v[i] > top[i] { top[i] = v[i] }; " +
			"w[i] = FMA(rate, m[i]/FMA(√top[i], root, eps), w[i])", body: func(b *lines) {
			g, s := b.read("grad"), b.scalar
			v := b.squares(g)
			top := b.read("top")
			top = b.choose(b.greater(v, top), v, top)
			b.write("top", top)
			m := b.averaged(g)
			b.write("w", b.fma(s["rate"], b.div(m, b.fma(b.sqrt(top), s["root"], s["eps"])), b.read("w")))
		}},
	{name: "nadam", streams: []string{"w", "grad", "m", "v"}, scalars: []string{"rate", "ahead", "root", "b1", "c1", "b2", "c2", "eps"},
		is: "m[i] = FMA(b1, m[i], c1*grad[i]); v[i] = FMA(b2, v[i], c2*(grad[i]*grad[i])); d := FMA(√v[i], root, eps); " +
			"w[i] = FMA(rate, m[i]/d, FMA(ahead, grad[i]/d, w[i]))", body: func(b *lines) {
			g, s := b.read("grad"), b.scalar
			d := b.fma(b.sqrt(b.squares(g)), s["root"], s["eps"])
			m := b.averaged(g)
			b.write("w", b.fma(s["rate"], b.div(m, d), b.fma(s["ahead"], b.div(g, d), b.read("w"))))
		}},
	{name: "lion", streams: []string{"w", "grad", "m"}, scalars: []string{"rate", "b1", "c1", "b2", "c2"},
		is: "u := FMA(b1, m[i], c1*grad[i]); m[i] = FMA(b2, m[i], c2*grad[i]); w[i] += rate*sign(u)", body: func(b *lines) {
			g, m, s := b.read("grad"), b.read("m"), b.scalar
			u := b.fma(s["b1"], m, b.mul(s["c1"], g))
			b.write("m", b.fma(s["b2"], m, b.mul(s["c2"], g)))
			b.write("w", b.bySign(u, b.read("w"), s["rate"]))
		}},
	{name: "addSign", streams: []string{"grad", "w"}, scalars: []string{"s"}, is: "grad[i] += s*sign(w[i])", unroll: 2, body: func(b *lines) {
		b.write("grad", b.bySign(b.read("w"), b.read("grad"), b.scalar["s"]))
	}},
	{name: "clamp", streams: []string{"grad"}, scalars: []string{"s"},
		is: "if grad[i] > s { grad[i] = s } else if grad[i] < -s { grad[i] = -s }", unroll: 2, body: func(b *lines) {
			g, s := b.read("grad"), b.scalar["s"]
			b.write("grad", b.max(b.min(g, s), b.neg(s)))
		}},
	{name: "approach", streams: []string{"dst", "src"}, scalars: []string{"s"}, is: "dst[i] = FMA(s, src[i]-dst[i], dst[i])", unroll: 4, body: func(b *lines) {
		dst := b.read("dst")
		b.write("dst", b.fma(b.scalar["s"], b.sub(b.read("src"), dst), dst))
	}},
}

// squares updates v, the running average of the squared gradients. averaged updates m, that of the gradients.

func (b *lines) squares(g *value) *value {
	v := b.fma(b.scalar["b2"], b.read("v"), b.mul(b.scalar["c2"], b.mul(g, g)))
	b.write("v", v)
	return v
}

func (b *lines) averaged(g *value) *value {
	m := b.fma(b.scalar["b1"], b.read("m"), b.mul(b.scalar["c1"], g))
	b.write("m", m)
	return m
}

// bySign is x + s where u > 0, x - s where u < 0, else x.
func (b *lines) bySign(u, x, s *value) *value {
	low := b.choose(b.greater(b.zero(), u), b.sub(x, s), x)
	return b.choose(b.greater(u, b.zero()), b.add(x, s), low)
}
