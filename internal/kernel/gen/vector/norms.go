package main

// norms are the passes of batch and layer normalization over one row, and dropout's.
var norms = []*loop{
	{name: "batchNorm", streams: []string{"z", "hat", "mean", "rstd", "gamma", "beta"},
		is: "hat[i] = (hat[i] - mean[i]) * rstd[i]; z[i] = FMA(hat[i], gamma[i], beta[i])", unroll: 2, body: func(b *lines) {
			hat := b.mul(b.sub(b.read("hat"), b.read("mean")), b.read("rstd"))
			b.write("hat", hat)
			b.write("z", b.fma(hat, b.read("gamma"), b.read("beta")))
		}},
	{name: "batchNormBack", streams: []string{"grad", "hat", "k", "a", "c"},
		is: "grad[i] = k[i] * FMA(-hat[i], c[i], grad[i]-a[i])", unroll: 2, body: func(b *lines) {
			b.write("grad", b.mul(b.read("k"), b.fnma(b.read("hat"), b.read("c"), b.sub(b.read("grad"), b.read("a")))))
		}},
	{name: "addSquares", streams: []string{"sum", "x", "mean"},
		is: "d := x[i] - mean[i]; sum[i] = FMA(d, d, sum[i])", unroll: 4, body: func(b *lines) {
			d := b.sub(b.read("x"), b.read("mean"))
			b.write("sum", b.fma(d, d, b.read("sum")))
		}},
	{name: "addProducts", streams: []string{"sum", "x", "y"},
		is: "sum[i] = FMA(x[i], y[i], sum[i])", unroll: 4, body: func(b *lines) {
			b.write("sum", b.fma(b.read("x"), b.read("y"), b.read("sum")))
		}},
	{name: "center", streams: []string{"square", "x"}, scalars: []string{"mean"},
		is: "x[i] -= mean; square[i] = x[i] * x[i]", unroll: 4, body: func(b *lines) {
			x := b.sub(b.read("x"), b.scalar["mean"])
			b.write("x", x)
			b.write("square", b.mul(x, x))
		}},
	{name: "layerNorm", streams: []string{"z", "hat", "gamma", "beta"}, scalars: []string{"rstd"},
		is: "hat[i] *= rstd; z[i] = FMA(hat[i], gamma[i], beta[i])", unroll: 4, body: func(b *lines) {
			hat := b.mul(b.read("hat"), b.scalar["rstd"])
			b.write("hat", hat)
			b.write("z", b.fma(hat, b.read("gamma"), b.read("beta")))
		}},
	{name: "products", streams: []string{"product", "grad", "hat", "gamma"},
		is: "grad[i] *= gamma[i]; product[i] = grad[i] * hat[i]", unroll: 4, body: func(b *lines) {
			g := b.mul(b.read("grad"), b.read("gamma"))
			b.write("grad", g)
			b.write("product", b.mul(g, b.read("hat")))
		}},
	{name: "layerNormBack", streams: []string{"grad", "hat"}, scalars: []string{"rstd", "a", "c"},
		is: "grad[i] = rstd * FMA(-hat[i], c, grad[i]-a)", unroll: 4, body: func(b *lines) {
			s := b.scalar
			b.write("grad", b.mul(s["rstd"], b.fnma(b.read("hat"), s["c"], b.sub(b.read("grad"), s["a"]))))
		}},
	{name: "drop", streams: []string{"dst", "src", "keep"}, scalars: []string{"s"},
		is: "if keep[i] > 0 { dst[i] = src[i] * s } else { dst[i] = 0 }", unroll: 4, body: func(b *lines) {
			b.write("dst", b.only(b.greater(b.read("keep"), b.zero()), b.mul(b.read("src"), b.scalar["s"])))
		}},
}
