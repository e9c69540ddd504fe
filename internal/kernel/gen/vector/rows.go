package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes16 is the number of lanes of every sum: element i goes to lane i%16, and the lanes
// are added in a tree, so that no vector's width changes the result.
const lanes16 = 16

// rows is a kernel that goes over rows of cols elements, each in several passes, a group of
// 16 elements at a time. Losses are summed in 16 lanes of float64. One call passes them to the next in sum.
type rows struct {
	name    string
	is      string
	streams []string
	scalars []string
	sum     bool
	flat    bool // there is one row and one pass, and no stream moves on
	row     func(r *rowOf)
}

// rowOf is what the passes of a row share.
type rowOf struct {
	*rows
	lines
	n    reg.Register // cols
	sums []reg.VecVirtual
	part int // the number of the vector in the group
	next int // a number for labels
}

func (k *rows) signature(t target) string {
	s := "func("
	if k.sum {
		s += "sum *float64, "
	}
	for i, p := range k.streams {
		if i > 0 {
			s += ", "
		}
		s += p
	}
	s += " *" + t.float()
	if !k.flat {
		s += ", rows"
	}
	s += ", cols int"
	for _, p := range k.scalars {
		s += ", " + p + " " + t.float()
	}
	return s + ")"
}

func (k *rows) emit(c *build.Context, p *pool, t target) {
	function(c, t, k.name, k.signature(t), k.is)
	r := &rowOf{rows: k}
	r.lines = lines{body: body{target: t, c: c, pool: p}, pointer: map[string]reg.Register{}, scalar: map[string]*value{}}
	for _, s := range k.streams {
		r.pointer[s] = c.Load(c.Param(s), c.GP64())
	}
	for _, s := range k.scalars {
		r.scalar[s] = &value{op: "scalar", pinned: true, reg: r.broadcast(s)}
	}
	r.n = c.Load(c.Param("cols"), c.GP64())
	var sum reg.Register
	if k.sum {
		sum = c.Load(c.Param("sum"), c.GP64())
		for i := 0; i < lanes16*8; i += t.bytes() {
			v := r.vec()
			c.VMOVUPD(operand.Mem{Base: sum, Disp: i}, v)
			r.sums = append(r.sums, v)
		}
	}
	if k.flat {
		k.row(r)
	} else {
		count := c.Load(c.Param("rows"), c.GP64())
		c.Label("row")
		k.row(r)
		for _, s := range k.streams {
			c.LEAQ(operand.Mem{Base: r.pointer[s], Index: r.n, Scale: uint8(t.size)}, r.pointer[s])
		}
		c.SUBQ(operand.Imm(1), count)
		c.JNE(operand.LabelRef("row"))
	}
	for i, v := range r.sums {
		c.VMOVUPD(v, operand.Mem{Base: sum, Disp: i * t.bytes()})
	}
	c.VZEROUPPER()
	c.RET()
}

// parts returns the number of vectors in a group.
func (r *rowOf) parts() int { return lanes16 / r.lanes() }

// pass emits body for every group of the row: for its vectors from part 0 to the last.
func (r *rowOf) pass(body func()) {
	c := r.c
	r.next++
	loop, tail, done := fmt.Sprintf("loop%d", r.next), fmt.Sprintf("tail%d", r.next), fmt.Sprintf("done%d", r.next)
	base := r.pointer
	r.pointer = map[string]reg.Register{}
	for _, s := range r.streams {
		r.pointer[s] = c.GP64()
		c.MOVQ(base[s], r.pointer[s])
	}
	n := c.GP64()
	c.MOVQ(r.n, n)
	c.CMPQ(n, operand.Imm(lanes16))
	c.JLT(operand.LabelRef(tail))
	c.Label(loop)
	for r.part = range r.parts() {
		r.at = r.part * r.bytes()
		body()
		r.body.emit()
	}
	for _, s := range r.streams {
		c.ADDQ(operand.U32(lanes16*r.size), r.pointer[s])
	}
	c.SUBQ(operand.Imm(lanes16), n)
	c.CMPQ(n, operand.Imm(lanes16))
	c.JGE(operand.LabelRef(loop))
	c.Label(tail)
	c.TESTQ(n, n)
	c.JEQ(operand.LabelRef(done))
	r.tail = true
	bits := c.GP64()
	if r.avx512 {
		c.MOVQ(operand.I32(-1), bits)
		c.BZHIQ(n, bits, bits)
	} else {
		c.LEAQ(r.pool.tails16(), bits)
		shift := uint64(2)
		if r.size == 8 {
			shift = 3
		}
		c.SHLQ(operand.Imm(shift), n)
		c.SUBQ(n, bits)
	}
	for r.part = range r.parts() {
		r.at = r.part * r.bytes()
		if r.avx512 {
			r.opmask = c.K()
			c.KMOVW(bits.As32(), r.opmask)
			c.SHRQ(operand.Imm(uint64(r.lanes())), bits)
		} else {
			r.mask = c.YMM()
			c.VMOVDQU(operand.Mem{Base: bits, Disp: 128 + r.at}, r.mask)
		}
		body()
		r.body.emit()
	}
	r.tail = false
	c.Label(done)
	r.pointer = base
}

// tails16 is 128 bytes of ones and 128 of zeros.
func (p *pool) tails16() operand.Mem {
	m, ok := p.known["tails16"]
	if !ok {
		m = p.c.StaticGlobal("tails16")
		p.c.DataAttributes(rodata)
		for i := 0; i < 256; i += 8 {
			ones := ^uint64(0)
			if i >= 128 {
				ones = 0
			}
			p.c.AddDatum(i, operand.U64(ones))
		}
		p.known["tails16"] = m
	}
	return m
}

// within is x in the lanes that have an element, and other elsewhere.
func (r *rowOf) within(x, other *value) *value {
	if !r.tail {
		return x
	}
	m := &value{op: "mask", pinned: true, mask: r.opmask, reg: r.mask}
	if other.op == "const" && other.imm == 0 {
		return r.only(m, x)
	}
	return r.choose(m, x, other)
}

// vectors returns registers for the parts of a group, with x in every lane.
func (r *rowOf) vectors(x float64) []reg.VecVirtual {
	var v []reg.VecVirtual
	for range r.parts() {
		v = append(v, r.in(r.k(x)))
	}
	return v
}

// into puts x, the result of the body so far, into a register that outlives the pass.
func (r *rowOf) into(dst reg.VecVirtual, x *value) {
	r.do("store", x).access = func(v reg.VecVirtual) { r.c.VMOVAPS(v, dst) }
}

func held(v reg.VecVirtual) *value { return &value{op: "held", pinned: true, reg: v} }

// fold combines the lanes of v, a group, in a tree: lane l with l+8, then l+4, l+2, l+1. It
// returns the result in every lane of a register. In a row with a NaN, MAX returns its first operand (in the order written
// here).
func (r *rowOf) fold(v []reg.VecVirtual, stem string) reg.VecVirtual {
	c := r.c
	i := 0
	if r.size == 8 {
		i = 1
	}
	f := instructions(c)[stem][i]
	for len(v) > 1 {
		half := len(v) / 2
		for i := range half {
			f(v[i], v[i+half], v[i])
		}
		v = v[:half]
	}
	if r.avx512 {
		y := c.YMM()
		c.VEXTRACTF64X4(operand.U8(1), v[0], y)
		f(v[0].AsY(), y, y)
		v[0] = y
	}
	x := c.XMM()
	c.VEXTRACTF128(operand.U8(1), v[0].AsY(), x)
	f(v[0].AsX(), x, x)
	other := c.XMM()
	if r.size == 4 {
		c.VPERMILPS(operand.U8(0x0e), x, other)
		f(x, other, x)
		c.VPERMILPS(operand.U8(0x01), x, other)
		f(x, other, x)
	} else {
		c.VPERMILPD(operand.U8(0x01), x, other)
		f(x, other, x)
	}
	all := r.vec()
	if r.size == 4 {
		c.VBROADCASTSS(x, all)
	} else {
		c.VBROADCASTSD(x, all)
	}
	return all
}

// addToSums adds x, or x² if squared, to the lanes of float64.
func (r *rowOf) addToSums(x *value, squared bool) {
	part := r.part
	r.do("store", x).access = func(v reg.VecVirtual) {
		c := r.c
		add := func(sum, x reg.VecVirtual) {
			if squared {
				c.VFMADD231PD(x, x, sum)
			} else {
				c.VADDPD(x, sum, sum)
			}
		}
		if r.size == 8 {
			add(r.sums[part], v)
			return
		}
		low, high := r.vec(), r.vec()
		if r.avx512 {
			y := c.YMM()
			c.VEXTRACTF64X4(operand.U8(1), v, y)
			c.VCVTPS2PD(v.AsY(), low)
			c.VCVTPS2PD(y, high)
		} else {
			x := c.XMM()
			c.VEXTRACTF128(operand.U8(1), v, x)
			c.VCVTPS2PD(v.AsX(), low)
			c.VCVTPS2PD(x, high)
		}
		add(r.sums[2*part], low)
		add(r.sums[2*part+1], high)
	}
}

// greatest is the largest element of the stream's row, in every lane.
func (r *rowOf) greatest(stream string) reg.VecVirtual {
	top := r.vectors(negInf)
	r.pass(func() {
		t := top[r.part]
		x := r.within(r.read(stream), r.k(negInf))
		r.into(t, r.max(x, held(t)))
	})
	return r.fold(top, "MAX")
}
