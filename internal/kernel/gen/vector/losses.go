package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
)

const rodata = attr.RODATA | attr.NOPTR

var negInf = math.Inf(-1)

// losses are the kernels of the last layer. factor multiplies the gradient.
var losses = []*rows{
	{name: "softmax", streams: []string{"dst", "src"}, is: "\teach row of dst = softmax of that row of src", row: func(r *rowOf) {
		top := held(r.greatest("src"))
		sum := r.vectors(0)
		r.pass(func() {
			e := r.within(r.expBelow(r.sub(r.read("src"), top)), r.zero())
			r.write("dst", e)
			s := sum[r.part]
			r.into(s, r.add(held(s), e))
		})
		total := held(r.fold(sum, "ADD"))
		r.pass(func() { r.write("dst", r.div(r.read("dst"), total)) })
	}},
	{name: "crossEntropy", sum: true, streams: []string{"y", "z", "a"}, is: "\tsum[j%16] += y[j] * (lse - (z[j] - top)), row by row", row: func(r *rowOf) {
		crossEntropy(r, false)
	}},
	{name: "crossEntropyDelta", sum: true, streams: []string{"y", "z", "a", "delta"}, scalars: []string{"factor"},
		is: "\tsum[j%16] += y[j] * (lse - (z[j] - top)); delta[j] = FMA(a[j], Σy, -y[j]) * factor, row by row", row: func(r *rowOf) {
			crossEntropy(r, true)
		}},
	{name: "binaryCrossEntropy", flat: true, sum: true, streams: []string{"y", "z"}, is: "\tsum[i%16] += FMA(-z[i], y[i], max(z[i], 0)) + log1p(Exp(-|z[i]|))", row: func(r *rowOf) {
		r.pass(func() { binaryCrossEntropy(r) })
	}},
	{name: "binaryCrossEntropyDelta", flat: true, sum: true, streams: []string{"y", "z", "a", "delta"}, scalars: []string{"factor"},
		is: "\tsum[i%16] += FMA(-z[i], y[i], max(z[i], 0)) + log1p(Exp(-|z[i]|)); delta[i] = (a[i] - y[i]) * factor", row: func(r *rowOf) {
			r.pass(func() {
				binaryCrossEntropy(r)
				r.write("delta", r.mul(r.sub(r.read("a"), r.read("y")), r.scalar["factor"]))
			})
		}},
	{name: "squared", flat: true, sum: true, streams: []string{"y", "a"}, is: "\td := a[i] - y[i]; sum[i%16] += d²", row: func(r *rowOf) {
		r.pass(func() { r.addToSums(r.sub(r.read("a"), r.read("y")), true) })
	}},
	{name: "squaredDelta", flat: true, sum: true, streams: []string{"y", "a", "delta"}, scalars: []string{"factor"},
		is: "\td := a[i] - y[i]; sum[i%16] += d²; delta[i] = d * factor", row: func(r *rowOf) {
			r.pass(func() {
				d := r.sub(r.read("a"), r.read("y"))
				r.addToSums(d, true)
				r.write("delta", r.mul(d, r.scalar["factor"]))
			})
		}},
}

// crossEntropy generates the passes over one row. e^(z-top) is 1 for the largest z, so the largest a is 1/Σ e^(z-top), and
// minus its logarithm is the lse of z - top.
func crossEntropy(r *rowOf, delta bool) {
	top := held(r.greatest("z"))
	largest := held(r.greatest("a"))
	lse := r.vec()
	r.into(lse, r.neg(r.logNormal(largest)))
	r.body.emit()
	var total *value
	if delta {
		sum := r.vectors(0)
		r.pass(func() {
			s := sum[r.part]
			r.into(s, r.add(held(s), r.read("y")))
		})
		total = held(r.fold(sum, "ADD"))
	}
	r.pass(func() {
		y := r.read("y")
		term := r.mul(y, r.sub(held(lse), r.sub(r.read("z"), top)))
		r.addToSums(r.only(r.notEqual0(y), term), false)
		if delta {
			r.write("delta", r.mul(r.fma(r.read("a"), total, r.neg(y)), r.scalar["factor"]))
		}
	})
}

func binaryCrossEntropy(r *rowOf) {
	z := r.read("z")
	linear := r.fnma(z, r.read("y"), r.max(z, r.k(0)))
	r.addToSums(r.within(r.add(linear, r.log1pUnit(r.expBelow(r.negAbs(z)))), r.zero()), false)
}
