package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// one writes an operation out.
func (b *body) one(v *value) {
	switch v.op {
	case "load":
		v.reg = b.vec()
		v.access(v.reg)
	case "store":
		v.access(b.in(v.args[0]))
	case "ADD", "MUL", "AND", "OR", "XOR", "SUB", "DIV", "MIN", "MAX":
		b.two(v)
	case "SQRT":
		f, x := b.instruction(v.op, v.args[0])
		v.reg = b.result(v)
		f(x, v.reg)
	case "FMADD", "FNMADD":
		b.fused(v)
	case "round":
		b.roundTo(v)
	case "scale":
		b.scaleBy(v)
	case "pow2":
		b.powerOf2(v)
	case "exponent":
		b.exponentOf(v)
	case "mantissa":
		b.mantissaOf(v)
	case "compare":
		b.compare(v)
	case "negative":
		b.signMask(v)
	case "choose":
		b.blend(v)
	case "only":
		b.masked(v)
	default:
		panic("no operation " + v.op)
	}
	for _, a := range v.args {
		a.uses--
	}
}

// times is how often a is an operand of v.
func (v *value) times(a *value) (n int) {
	for _, o := range v.args {
		if o == a {
			n++
		}
	}
	return n
}

// result returns a register for v: that of an operand that dies here, if there is one.
func (b *body) result(v *value) reg.VecVirtual {
	for _, a := range v.args {
		if a.reg != nil && a.dies(v.times(a)) {
			return a.reg
		}
	}
	return b.vec()
}

// two is an operation on two vectors. If their order does not matter, a constant comes second, since the second may be in
// memory.
func (b *body) two(v *value) {
	x, y := v.args[0], v.args[1]
	switch v.op {
	case "ADD", "MUL", "AND", "OR", "XOR":
		if x.op == "const" {
			x, y = y, x
		}
	}
	left := b.in(x)
	f, right := b.instruction(v.op, y)
	v.reg = b.result(v)
	f(right, left, v.reg)
}

// fused is a multiply-add, in the form that overwrites an operand that dies here.
func (b *body) fused(v *value) {
	x, y, z := v.args[0], v.args[1], v.args[2]
	if x.op == "const" {
		x, y = y, x
	}
	switch {
	case z.op == "const" && !(b.narrow && y.op == "const" && !x.dies(v.times(x))) || !z.dies(v.times(z)) && y.op != "const" && (x.dies(v.times(x)) || y.dies(v.times(y))):
		// x = x*y + z
		if !x.dies(v.times(x)) && y.op != "const" && y.dies(v.times(y)) {
			x, y = y, x
		}
		other := b.in(y)
		v.reg = b.own(x, v.times(x))
		f, m := b.instruction(v.op+"213", z)
		f(m, other, v.reg)
	case y.op == "const" && !z.dies(v.times(z)) && x.dies(v.times(x)):
		v.reg = x.reg
		f, m := b.instruction(v.op+"132", y)
		f(m, z.reg, v.reg)
	default:
		v.reg = b.own(z, v.times(z))
		f, m := b.instruction(v.op+"231", y)
		f(m, x.reg, v.reg)
	}
}

// roundTo rounds to the nearest whole number, halves to even.
func (b *body) roundTo(v *value) {
	c := b.c
	x := b.in(v.args[0])
	v.reg = b.result(v)
	switch {
	case b.avx512 && b.size == 4:
		c.VRNDSCALEPS(operand.U8(0), x, v.reg)
	case b.avx512:
		c.VRNDSCALEPD(operand.U8(0), x, v.reg)
	case b.size == 4:
		c.VROUNDPS(operand.U8(0), x, v.reg)
	default:
		c.VROUNDPD(operand.U8(0), x, v.reg)
	}
}

// powerOf2 is 2^n.
func (b *body) powerOf2(v *value) {
	c := b.c
	n := b.in(v.args[0])
	switch {
	case b.avx512 && b.size == 4:
		one := b.in(b.k(1))
		v.reg = b.result(v)
		c.VSCALEFPS(n, one, v.reg)
	case b.avx512:
		one := b.in(b.k(1))
		v.reg = b.result(v)
		c.VSCALEFPD(n, one, v.reg)
	default:
		k := b.integers(n)
		v.reg = b.fromExponent(k)
	}
}

// exponentOf is the exponent of a positive normal number, as a number.
func (b *body) exponentOf(v *value) {
	c := b.c
	x := b.in(v.args[0])
	v.reg = b.vec()
	switch {
	case b.avx512 && b.size == 4:
		c.VGETEXPPS(x, v.reg)
	case b.avx512:
		c.VGETEXPPD(x, v.reg)
	case b.size == 4:
		c.VPSRLD(operand.U8(23), x, v.reg)
		c.VCVTDQ2PS(v.reg, v.reg)
		c.VSUBPS(b.pool.get(4, uint64(math.Float32bits(127))), v.reg, v.reg)
	default:
		// The exponent's bits under those of 2^52 are a number: 2^52 + exponent.
		c.VPSRLQ(operand.U8(52), x, v.reg)
		c.VORPD(b.pool.get(8, math.Float64bits(1<<52)), v.reg, v.reg)
		c.VSUBPD(b.pool.get(8, math.Float64bits(1<<52+1023)), v.reg, v.reg)
	}
}

// mantissaOf is the mantissa of a positive normal number, in [1, 2).
func (b *body) mantissaOf(v *value) {
	c := b.c
	x := b.in(v.args[0])
	v.reg = b.vec()
	switch {
	case b.avx512 && b.size == 4:
		c.VGETMANTPS(operand.U8(0), x, v.reg)
	case b.avx512:
		c.VGETMANTPD(operand.U8(0), x, v.reg)
	case b.size == 4:
		c.VANDPS(b.pool.get(4, 1<<23-1), x, v.reg)
		c.VORPS(b.pool.get(4, uint64(math.Float32bits(1))), v.reg, v.reg)
	default:
		c.VANDPD(b.pool.get(8, 1<<52-1), x, v.reg)
		c.VORPD(b.pool.get(8, math.Float64bits(1)), v.reg, v.reg)
	}
}

// signMask is the mask of the sign bits.
func (b *body) signMask(v *value) {
	c := b.c
	x := b.in(v.args[0])
	switch {
	case b.avx512 && b.size == 4:
		v.mask = c.K()
		c.VPMOVD2M(x, v.mask)
	case b.avx512:
		v.mask = c.K()
		c.VPMOVQ2M(x, v.mask)
	default:
		v.reg = b.result(v)
		if v.reg != x {
			c.VMOVAPS(x, v.reg) // VBLENDV uses only the sign bit
		}
	}
}

// blend takes the lanes of one vector where the mask is set, else of the other.
func (b *body) blend(v *value) {
	c := b.c
	mask, yes, no := v.args[0], b.in(v.args[1]), b.in(v.args[2])
	v.reg = b.result(v)
	switch {
	case b.avx512 && b.size == 4:
		c.VBLENDMPS(yes, no, mask.mask, v.reg)
	case b.avx512:
		c.VBLENDMPD(yes, no, mask.mask, v.reg)
	case b.size == 4:
		c.VBLENDVPS(mask.reg, yes, no, v.reg)
	default:
		c.VBLENDVPD(mask.reg, yes, no, v.reg)
	}
}

// masked is the vector where the mask is set, else 0.
func (b *body) masked(v *value) {
	c := b.c
	mask, yes := v.args[0], b.in(v.args[1])
	v.reg = b.result(v)
	switch {
	case b.avx512 && b.size == 4:
		c.VMOVAPS_Z(yes, mask.mask, v.reg)
	case b.avx512:
		c.VMOVAPD_Z(yes, mask.mask, v.reg)
	default:
		c.VANDPS(mask.reg, yes, v.reg)
	}
}

// compare is the mask of a comparison.
func (b *body) compare(v *value) {
	c := b.c
	x, y := b.in(v.args[0]), b.in(v.args[1])
	imm := operand.U8(v.imm)
	switch {
	case b.avx512 && b.size == 4:
		v.mask = c.K()
		c.VCMPPS(imm, y, x, v.mask)
	case b.avx512:
		v.mask = c.K()
		c.VCMPPD(imm, y, x, v.mask)
	case b.size == 4:
		v.reg = b.result(v)
		c.VCMPPS(imm, y, x, v.reg)
	default:
		v.reg = b.result(v)
		c.VCMPPD(imm, y, x, v.reg)
	}
}

// scaleBy is x·2^n, rounded once, for any n that exp needs. AVX2 multiplies by the two halves of
// 2^n; the first product is exact.
func (b *body) scaleBy(v *value) {
	c := b.c
	x, n := b.in(v.args[0]), b.in(v.args[1])
	switch {
	case b.avx512 && b.size == 4:
		v.reg = b.result(v)
		c.VSCALEFPS(n, x, v.reg)
	case b.avx512:
		v.reg = b.result(v)
		c.VSCALEFPD(n, x, v.reg)
	default:
		k := b.integers(n)
		half, rest := b.sameSize(k), b.sameSize(k)
		c.VPSRAD(operand.U8(1), k, half)
		c.VPSUBD(half, k, rest)
		h, r := b.fromExponent(half), b.fromExponent(rest)
		v.reg = b.result(v)
		if b.size == 4 {
			c.VMULPS(h, x, v.reg)
			c.VMULPS(r, v.reg, v.reg)
		} else {
			c.VMULPD(h, x, v.reg)
			c.VMULPD(r, v.reg, v.reg)
		}
	}
}

// integers converts whole numbers to int32 (AVX2): eight, or four in half a register.
func (b *body) integers(n reg.VecVirtual) reg.VecVirtual {
	if b.size == 4 {
		k := b.vec()
		b.c.VCVTPS2DQ(n, k)
		return k
	}
	k := b.c.XMM()
	b.c.VCVTPD2DQY(n, k)
	return k
}

func (b *body) sameSize(k reg.VecVirtual) reg.VecVirtual {
	if b.size == 4 {
		return b.vec()
	}
	return b.c.XMM()
}

// fromExponent turns the integers k into 2^k (AVX2), and overwrites them.
func (b *body) fromExponent(k reg.VecVirtual) reg.VecVirtual {
	if b.size == 4 {
		b.c.VPADDD(b.pool.get(4, 127), k, k)
		b.c.VPSLLD(operand.U8(23), k, k)
		return k
	}
	b.c.VPADDD(b.pool.get(4, 1023), k, k)
	y := b.c.YMM()
	b.c.VPMOVZXDQ(k, y)
	b.c.VPSLLQ(operand.U8(52), y, y)
	return y
}
