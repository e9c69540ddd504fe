package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The positions of the parts of Tiny.mem, in elements. kernel/tiny.go has the same list.
const (
	tinyX      = 0
	tinyY      = 32
	tinyW1     = 48
	tinyB1     = 80
	tinyW2     = 84
	tinyB2     = 100
	tinyMask   = 116
	tinyRate   = 120
	tinyFactor = 124
	tinyD2     = 128 // [4 outputs][4 rows] dL/dz of the output
	tinyA1T    = 144 // [4 units][4 rows]
	tinyFlat   = 160 // [16] a - y in the order of Squares: row by row
	tinyOne    = 176 // [4] a - y of an output
)

const tinySignature = "func(mem *%s, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int"

// tiny is Tiny.Run: epochs of a net with at most four hidden units, outputs and rows. Only the latency of operations
// counts here. So the values that the next epoch needs first stay in registers. The output of a net with one output does too.
type tiny struct {
	body
	mem, losses, epoch, within reg.Register
	arg                        func(name string) operand.Mem
	w1                         []reg.VecVirtual // the bias, then from the first inputs; AVX-512 only
	a1, a1T, d1                [4]reg.VecVirtual
	labels                     int
}

type tinyKernel struct{}

func (tinyKernel) emit(c *build.Context, p *pool, t target) {
	t.narrow = true
	function(c, t, "tiny", fmt.Sprintf(tinySignature, t.float()), "\tTiny.Run")
	k := &tiny{body: body{target: t, c: c, pool: p}}
	k.arg = func(name string) operand.Mem {
		a, err := c.Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		return a.Addr
	}
	k.mem, k.losses = c.Load(c.Param("mem"), c.GP64()), c.Load(c.Param("losses"), c.GP64())
	k.epoch, k.within = c.GP64(), c.GP64()
	c.XORQ(k.epoch, k.epoch)
	inRegisters := []int{tinyB1, tinyW1, tinyW1 + 4, tinyW1 + 8, tinyW1 + 12}
	if t.avx512 {
		for _, at := range inRegisters {
			k.w1 = append(k.w1, k.loaded(k.at(at)))
		}
	}
	for r := range k.d1 {
		k.d1[r] = k.vec()
	}

	c.Label("epoch")
	k.forward()
	c.MOVQ(operand.I32(-1), k.within)
	c.CMPQ(k.arg("outputs"), operand.Imm(1))
	c.JNE(operand.LabelRef("several"))
	k.one()
	c.JMP(operand.LabelRef("first"))
	c.Label("several")
	k.several()
	c.Label("first")
	k.timesSlope(k.arg("hiddenF"), k.d1[:], k.a1[:])
	k.firstLayer()
	c.ADDQ(operand.Imm(8), k.losses)
	c.INCQ(k.epoch)
	c.CMPQ(k.epoch, k.arg("epochs"))
	c.JLT(operand.LabelRef("epoch"))

	c.Label("done")
	for i, r := range k.w1 {
		c.VMOVUPS(r, k.at(inRegisters[i]))
	}
	c.Store(k.epoch, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}

// one is the output layer of a net with one output.
func (k *tiny) one() {
	d, delta := k.output(k.mem)
	k.loss([]reg.VecVirtual{d})
	k.stop()
	w := k.loaded(k.at(tinyW2))
	var all [4]reg.VecVirtual
	for r := range all {
		all[r] = k.vec()
		imm := operand.U8(r * 0x55)
		switch {
		case k.size == 4:
			k.c.VPERMILPS(imm, delta, all[r])
		case r == 0:
			k.c.VBROADCASTSD(delta.AsX(), all[r])
		default:
			k.c.VPERMPD(imm, delta, all[r])
		}
		k.op("XOR")(k.d1[r], k.d1[r], k.d1[r])
		k.op("FMADD231")(all[r], w, k.d1[r])
	}
	k.lastLayer(k.mem, w, func(r int) reg.VecVirtual { return all[r] })
}

// several is the output layer for any number of outputs.
func (k *tiny) several() {
	c := k.c
	o, to, step, left := c.GP64(), c.GP64(), c.GP64(), c.GP64()
	shift := operand.Imm(uint64(k.size/4 + 1)) // 4 or 8 bytes
	c.MOVQ(k.arg("outputs"), step)
	c.SHLQ(shift, step)
	c.MOVQ(k.mem, o)
	c.LEAQ(k.at(tinyFlat), to)
	c.MOVQ(k.arg("outputs"), left)
	c.Label("output")
	d, delta := k.output(o)
	c.VMOVUPS(delta, operand.Mem{Base: o, Disp: tinyD2 * k.size})
	c.VMOVUPS(d, k.at(tinyOne))
	at, tmp := c.GP64(), c.GP64()
	c.MOVQ(to, at)
	k.each("rows", 4, func(r int) {
		if k.size == 8 {
			c.MOVQ(k.at(tinyOne+r), tmp)
			c.MOVQ(tmp, operand.Mem{Base: at})
		} else {
			c.MOVL(k.at(tinyOne+r), tmp.(reg.GP).As32())
			c.MOVL(tmp.(reg.GP).As32(), operand.Mem{Base: at})
		}
		c.ADDQ(step, at)
	})
	c.ADDQ(operand.Imm(uint64(k.size)), to)
	c.ADDQ(operand.Imm(uint64(4*k.size)), o)
	c.DECQ(left)
	c.JNE(operand.LabelRef("output"))
	var flat []reg.VecVirtual
	for i := range 4 {
		flat = append(flat, k.loaded(k.at(tinyFlat+4*i)))
	}
	k.loss(flat)
	k.stop()
	for _, d := range k.d1 {
		k.op("XOR")(d, d, d)
	}
	c.MOVQ(k.mem, o)
	c.MOVQ(k.arg("outputs"), left)
	c.Label("back")
	w := k.loaded(operand.Mem{Base: o, Disp: tinyW2 * k.size})
	delta1 := func(r int) operand.Mem { return operand.Mem{Base: o, Disp: (tinyD2 + r) * k.size} }
	for r := range k.d1 {
		k.fmaElement(delta1(r), w, k.d1[r])
	}
	k.lastLayer(o, w, func(r int) reg.VecVirtual {
		all := k.vec()
		k.broadcast(delta1(r), all)
		return all
	})
	c.ADDQ(operand.Imm(uint64(4*k.size)), o)
	c.DECQ(left)
	c.JNE(operand.LabelRef("back"))
}

// output computes one output of all rows: a - y, and delta. What belongs to the output is at o in the same layout as at mem for
// the first output.
func (k *tiny) output(o reg.Register) (d, delta reg.VecVirtual) {
	at := func(element int) operand.Mem { return operand.Mem{Base: o, Disp: element * k.size} }
	a := k.loaded(at(tinyB2))
	k.each("hidden", 4, func(u int) { k.fmaElement(at(tinyW2+u), k.a1T[u], a) })
	k.activate(k.arg("outputF"), []reg.VecVirtual{a})
	d, delta = k.vec(), k.vec()
	k.op("SUB")(at(tinyY), a, d)
	k.op("AND")(k.at(tinyMask), d, d)
	k.c.VMOVAPS(d, delta)
	one := k.label("times1")
	k.c.TESTQ(operand.I32(16), k.arg("flags"))
	k.c.JNE(operand.LabelRef(one))
	k.op("MUL")(k.at(tinyFactor), delta, delta)
	k.c.Label(one)
	k.timesSlope(k.arg("outputF"), []reg.VecVirtual{delta}, []reg.VecVirtual{a})
	k.near(a, at(tinyY))
	return d, delta
}

// near removes from within the rows whose output is not close enough to its target.
func (k *tiny) near(a reg.VecVirtual, y operand.Mem) {
	c := k.c
	c.TESTQ(operand.I32(8), k.arg("flags"))
	skip := k.label("any")
	c.JEQ(operand.LabelRef(skip))
	d, allowed := c.YMM(), c.YMM()
	if k.size == 8 {
		c.VMOVAPS(a, allowed)
		c.VSUBPD(y, a, d)
	} else {
		c.VCVTPS2PD(y, d)
		c.VCVTPS2PD(a, allowed)
		c.VSUBPD(d, allowed, d)
	}
	abs := k.pool.get(8, 1<<63-1)
	c.VANDPD(abs, d, d)
	c.VANDPD(abs, allowed, allowed)
	tolerance := c.YMM()
	c.VBROADCASTSD(k.arg("tolerance"), tolerance)
	c.VMULPD(tolerance, allowed, allowed)
	c.VADDPD(k.pool.get(8, math.Float64bits(1e-8)), allowed, allowed)
	bits := c.GP64()
	if k.avx512 {
		m := c.K()
		c.VCMPPD(operand.U8(2), allowed, d, m)
		c.KMOVB(m, bits.As32())
	} else {
		c.VCMPPD(operand.U8(2), allowed, d, d)
		c.VMOVMSKPD(d, bits.As32())
	}
	c.ANDQ(bits, k.within)
	c.Label(skip)
}

// loss writes the epoch's loss from all a - y, as Squares sums them: 16 lanes, one for each.
func (k *tiny) loss(d []reg.VecVirtual) {
	c := k.c
	var squares []reg.VecVirtual
	for _, d := range d {
		s := c.YMM()
		if k.size == 8 {
			c.VMULPD(d, d, s)
		} else {
			c.VCVTPS2PD(d, s)
			c.VMULPD(s, s, s)
		}
		squares = append(squares, s)
	}
	for len(squares) > 1 {
		half := len(squares) / 2
		for i := range half {
			c.VADDPD(squares[i+half], squares[i], squares[i])
		}
		squares = squares[:half]
	}
	s, other := squares[0].AsX(), c.XMM()
	if k.avx512 {
		c.VEXTRACTF64X2(operand.U8(1), squares[0], other)
	} else {
		c.VEXTRACTF128(operand.U8(1), squares[0], other)
	}
	c.VADDPD(other, s, s)
	c.VPERMILPD(operand.U8(1), s, other)
	c.VADDSD(other, s, s)
	c.VMULSD(k.arg("half"), s, s)
	c.VMULSD(k.arg("scale"), s, s)
	c.VMOVSD(s, operand.Mem{Base: k.losses})
}

// stop ends the run if a criterion is met, but not before the first epoch.
func (k *tiny) stop() {
	c := k.c
	end := k.label("go")
	c.TESTQ(operand.I32(12), k.arg("flags"))
	c.JEQ(operand.LabelRef(end))
	c.TESTQ(k.epoch, k.epoch)
	c.JEQ(operand.LabelRef(end))
	x := c.XMM()
	c.VMOVSD(k.arg("target"), x)
	c.VUCOMISD(operand.Mem{Base: k.losses}, x)
	c.JCC(operand.LabelRef("done"))
	c.TESTQ(operand.I32(8), k.arg("flags"))
	c.JEQ(operand.LabelRef(end))
	all := c.GP64()
	c.MOVQ(k.arg("rowBits"), all)
	c.ANDQ(all, k.within)
	c.CMPQ(all, k.within)
	c.JEQ(operand.LabelRef("done"))
	c.Label(end)
}

// lastLayer updates the weights and the bias of the output at o.
func (k *tiny) lastLayer(o reg.Register, w reg.VecVirtual, delta func(r int) reg.VecVirtual) {
	c := k.c
	at := func(element int) operand.Mem { return operand.Mem{Base: o, Disp: element * k.size} }
	g := k.zeroed()
	k.each("rows", 4, func(r int) { k.op("FMADD231")(k.a1[r], delta(r), g) })
	k.op("FMADD231")(k.at(tinyRate), g, w)
	c.VMOVUPS(w, at(tinyW2))
	skip := k.label("unbiased")
	c.TESTQ(operand.I32(2), k.arg("flags"))
	c.JEQ(operand.LabelRef(skip))
	sum, b := k.zeroed(), k.loaded(at(tinyB2))
	for r := range 4 {
		k.op("ADD")(delta(r), sum, sum)
	}
	k.op("FMADD231")(k.at(tinyRate), sum, b)
	c.VMOVUPS(b, at(tinyB2))
	c.Label(skip)
}

// firstLayer updates the weights and the bias of the hidden layer. Absent rows have inputs of -0 and deltas of 0, which add
// nothing.
func (k *tiny) firstLayer() {
	c := k.c
	k.each("inputs", 8, func(i int) {
		g := k.zeroed()
		for r := range k.d1 {
			k.fmaElement(k.at(tinyX+8*r+i), k.d1[r], g)
		}
		w, held := k.w1At(i)
		k.op("FMADD231")(k.at(tinyRate), g, w)
		if !held {
			c.VMOVUPS(w, k.at(tinyW1+4*i))
		}
	})
	skip := k.label("unbiased")
	c.TESTQ(operand.I32(1), k.arg("flags"))
	c.JEQ(operand.LabelRef(skip))
	sum := k.zeroed()
	for r := range k.d1 {
		k.op("ADD")(k.d1[r], sum, sum)
	}
	b, held := k.w1At(-1)
	k.op("FMADD231")(k.at(tinyRate), sum, b)
	if !held {
		c.VMOVUPS(b, k.at(tinyB1))
	}
	c.Label(skip)
}

// transpose sets a1T to the transpose of a1.
func (k *tiny) transpose() {
	c := k.c
	a := k.a1
	var t [4]reg.VecVirtual
	for i := range t {
		t[i], k.a1T[i] = k.vec(), k.vec()
	}
	if k.size == 4 {
		c.VUNPCKLPS(a[1], a[0], t[0])
		c.VUNPCKHPS(a[1], a[0], t[1])
		c.VUNPCKLPS(a[3], a[2], t[2])
		c.VUNPCKHPS(a[3], a[2], t[3])
		c.VUNPCKLPD(t[2], t[0], k.a1T[0])
		c.VUNPCKHPD(t[2], t[0], k.a1T[1])
		c.VUNPCKLPD(t[3], t[1], k.a1T[2])
		c.VUNPCKHPD(t[3], t[1], k.a1T[3])
		return
	}
	c.VUNPCKLPD(a[1], a[0], t[0])
	c.VUNPCKHPD(a[1], a[0], t[1])
	c.VUNPCKLPD(a[3], a[2], t[2])
	c.VUNPCKHPD(a[3], a[2], t[3])
	for i := range 2 {
		if k.avx512 {
			c.VSHUFF64X2(operand.U8(0), t[2+i], t[i], k.a1T[i])
			c.VSHUFF64X2(operand.U8(3), t[2+i], t[i], k.a1T[2+i])
		} else {
			c.VPERM2F128(operand.U8(0x20), t[2+i], t[i], k.a1T[i])
			c.VPERM2F128(operand.U8(0x31), t[2+i], t[i], k.a1T[2+i])
		}
	}
}

func (k *tiny) at(element int) operand.Mem {
	return operand.Mem{Base: k.mem, Disp: element * k.size}
}

func (k *tiny) label(stem string) string {
	k.labels++
	return fmt.Sprintf("%s%d", stem, k.labels)
}

func (k *tiny) op(stem string) func(...operand.Op) {
	if k.size == 8 {
		return instructions(k.c)[stem][1]
	}
	return instructions(k.c)[stem][0]
}

// loaded returns a register of its own with a block of memory.
func (k *tiny) loaded(m operand.Mem) reg.VecVirtual {
	r := k.vec()
	k.c.VMOVUPS(m, r)
	return r
}

// zeroed returns a register of zeros.
func (k *tiny) zeroed() reg.VecVirtual {
	r := k.vec()
	k.op("XOR")(r, r, r)
	return r
}

// fmaElement is acc += m*x, where m is one element.
func (k *tiny) fmaElement(m operand.Mem, x, acc reg.VecVirtual) {
	if k.avx512 {
		i := 2
		if k.size == 8 {
			i = 3
		}
		instructions(k.c)["FMADD231"][i](m, x, acc)
		return
	}
	all := k.vec()
	k.broadcast(m, all)
	k.op("FMADD231")(all, x, acc)
}

func (k *tiny) broadcast(m operand.Mem, r reg.VecVirtual) {
	if k.size == 8 {
		k.c.VBROADCASTSD(m, r)
	} else {
		k.c.VBROADCASTSS(m, r)
	}
}

// each emits body for 0 to most-1, as long as it is below count, which is at least 1.
func (k *tiny) each(count string, most int, body func(i int)) {
	end := k.label("each")
	for i := range most {
		if i > 0 {
			k.c.CMPQ(k.arg(count), operand.Imm(uint64(i)))
			k.c.JLE(operand.LabelRef(end))
		}
		body(i)
	}
	k.c.Label(end)
}

// w1At returns a register with the weights from an input, or with the bias if i is -1. It reports whether they stay in it.
func (k *tiny) w1At(i int) (reg.VecVirtual, bool) {
	switch {
	case i+1 < len(k.w1):
		return k.w1[i+1], true
	case i == -1:
		return k.loaded(k.at(tinyB1)), false
	}
	return k.loaded(k.at(tinyW1 + 4*i)), false
}

// forward computes the activations of the hidden layer, a vector of units for each row.
func (k *tiny) forward() {
	bias, _ := k.w1At(-1)
	for r := range k.a1 {
		k.a1[r] = k.vec()
		k.c.VMOVAPS(bias, k.a1[r])
	}
	k.each("inputs", 8, func(i int) {
		w, _ := k.w1At(i)
		for r := range k.a1 {
			k.fmaElement(k.at(tinyX+8*r+i), w, k.a1[r])
		}
	})
	k.activate(k.arg("hiddenF"), k.a1[:])
	k.transpose()
}

// activate replaces each z by f(z).
func (k *tiny) activate(f operand.Op, z []reg.VecVirtual) {
	k.choose4(f, []func(){
		func() { k.replace(z, k.sigmoid) },
		func() { k.replace(z, k.tanh) },
		func() {
			k.replace(z, func(z *value) *value { return k.only(k.notAtMost0(z), z) })
		},
		nil,
	})
}

// replace is z = f(z) for each z. On AVX-512, which has enough registers, the operations of two of them are interleaved: the
// processor looks ahead only a limited distance for operations to run in parallel.
func (k *tiny) replace(z []reg.VecVirtual, f func(*value) *value) {
	together := 1
	if k.avx512 && len(z) > 1 {
		together = 2
	}
	for ; len(z) > 0; z = z[together:] {
		var lines [][]*value
		for _, z := range z[:together] {
			k.into(z, f(held(z)))
			lines = append(lines, k.line)
			k.line = nil
		}
		for i := range lines[0] {
			for _, l := range lines {
				k.line = append(k.line, l[i])
			}
		}
		k.body.emit()
	}
}

func (k *tiny) into(dst reg.VecVirtual, x *value) {
	k.do("store", x).access = func(v reg.VecVirtual) { k.c.VMOVAPS(v, dst) }
}

// choose4 emits one branch for each value of f; nil does nothing.
func (k *tiny) choose4(f operand.Op, branches []func()) {
	end := k.label("end")
	for i, b := range branches {
		if b == nil {
			continue
		}
		next := k.label("next")
		k.c.CMPQ(f, operand.Imm(uint64(i)))
		k.c.JNE(operand.LabelRef(next))
		b()
		k.c.JMP(operand.LabelRef(end))
		k.c.Label(next)
	}
	k.c.Label(end)
}

// timesSlope turns each g = dL/da into dL/dz.
func (k *tiny) timesSlope(f operand.Op, g, a []reg.VecVirtual) {
	each := func(slope func(g, a *value) *value) func() {
		return func() {
			for i := range g {
				k.into(g[i], slope(held(g[i]), held(a[i])))
				k.body.emit()
			}
		}
	}
	k.choose4(f, []func(){
		each(func(g, a *value) *value { return k.mul(g, k.mul(a, k.sub(k.k(1), a))) }),
		each(func(g, a *value) *value { return k.mul(g, k.mul(k.sub(k.k(1), a), k.add(a, k.k(1)))) }),
		each(func(g, a *value) *value { return k.only(k.greater(a, k.zero()), g) }),
		nil,
	})
}
