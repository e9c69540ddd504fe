package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// loop is a kernel that does the same for every index i < n: it reads and writes streams and takes scalars.
type loop struct {
	name    string
	is      string   // the loop it implements
	streams []string // pointers to n elements each
	scalars []string
	unroll  int // vectors in a turn of the main loop; 0 is 1
	body    func(b *lines)
}

// lines is the body of a loop at one place of the code: a whole vector, or the tail.
type lines struct {
	body
	pointer map[string]reg.Register
	scalar  map[string]*value
	at      int // displacement in bytes
	tail    bool
	opmask  reg.OpmaskVirtual // of the tail, on AVX-512
	mask    reg.VecVirtual    // of the tail, on AVX2
}

// read is stream[i], write sets it.
func (b *lines) read(stream string) *value {
	v := b.do("load")
	m := operand.Mem{Base: b.pointer[stream], Disp: b.at}
	v.access = func(r reg.VecVirtual) {
		switch {
		case !b.tail:
			b.c.VMOVUPS(m, r)
		case b.avx512 && b.size == 4:
			b.c.VMOVUPS_Z(m, b.opmask, r)
		case b.avx512:
			b.c.VMOVUPD_Z(m, b.opmask, r)
		case b.size == 4:
			b.c.VMASKMOVPS(m, b.mask, r)
		default:
			b.c.VMASKMOVPD(m, b.mask, r)
		}
	}
	return v
}

func (b *lines) write(stream string, x *value) {
	v := b.do("store", x)
	m := operand.Mem{Base: b.pointer[stream], Disp: b.at}
	v.access = func(r reg.VecVirtual) {
		switch {
		case !b.tail:
			b.c.VMOVUPS(r, m)
		case b.avx512 && b.size == 4:
			b.c.VMOVUPS(r, b.opmask, m)
		case b.avx512:
			b.c.VMOVUPD(r, b.opmask, m)
		case b.size == 4:
			b.c.VMASKMOVPS(r, b.mask, m)
		default:
			b.c.VMASKMOVPD(r, b.mask, m)
		}
	}
}

// function begins the function of a kernel for a target.
func function(c *build.Context, t target, name, signature, is string) {
	c.Function(name + t.String())
	c.Pragma("noescape")
	c.SignatureExpr(signature)
	c.Doc(append([]string{name + t.String() + " is, in vectors of " + fmt.Sprint(t.bytes()) + " bytes,"}, strings.Split("\n"+is, "\n")...)...)
}

func (l *loop) signature(t target) string {
	s := "func(" + strings.Join(l.streams, ", ") + " *" + t.float() + ", n int"
	if len(l.scalars) > 0 {
		s += ", " + strings.Join(l.scalars, ", ") + " " + t.float()
	}
	return s + ")"
}

func (l *loop) emit(c *build.Context, p *pool, t target) {
	function(c, t, l.name, l.signature(t), "\tfor i := range n { "+l.is+" }")
	b := &lines{body: body{target: t, c: c, pool: p}, pointer: map[string]reg.Register{}, scalar: map[string]*value{}}
	for _, s := range l.streams {
		b.pointer[s] = c.Load(c.Param(s), c.GP64())
	}
	n := c.Load(c.Param("n"), c.GP64())
	for _, s := range l.scalars {
		b.scalar[s] = &value{op: "scalar", pinned: true, reg: b.broadcast(s)}
	}
	turn := func(vectors int) {
		size := vectors * t.lanes()
		loop, next := fmt.Sprintf("by%d", vectors), fmt.Sprintf("after%d", vectors)
		c.CMPQ(n, operand.U32(size))
		c.JLT(operand.LabelRef(next))
		c.Label(loop)
		for i := range vectors {
			b.at = i * t.bytes()
			l.body(b)
			b.body.emit()
		}
		for _, s := range l.streams {
			c.ADDQ(operand.U32(size*t.size), b.pointer[s])
		}
		c.SUBQ(operand.U32(size), n)
		c.CMPQ(n, operand.U32(size))
		c.JGE(operand.LabelRef(loop))
		c.Label(next)
	}
	if l.unroll > 1 {
		turn(l.unroll)
	}
	turn(1)
	c.TESTQ(n, n)
	c.JEQ(operand.LabelRef("done"))
	b.at, b.tail = 0, true
	b.setMask(n)
	l.body(b)
	b.body.emit()
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

// broadcast fills a register with a scalar parameter.
func (b *lines) broadcast(param string) reg.VecVirtual {
	a, err := b.c.Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	r := b.vec()
	if b.size == 4 {
		b.c.VBROADCASTSS(a.Addr, r)
	} else {
		b.c.VBROADCASTSD(a.Addr, r)
	}
	return r
}

// setMask masks the first n lanes, 0 < n < lanes. It overwrites n.
func (b *lines) setMask(n reg.Register) {
	c := b.c
	if b.avx512 {
		m := c.GP64()
		c.MOVQ(operand.I32(-1), m)
		c.BZHIQ(n, m, m)
		b.opmask = c.K()
		c.KMOVW(m.As32(), b.opmask)
		return
	}
	table := c.GP64()
	c.LEAQ(b.pool.tails(), table)
	shift := uint64(2)
	if b.size == 8 {
		shift = 3
	}
	c.SHLQ(operand.Imm(shift), n)
	c.SUBQ(n, table)
	b.mask = c.YMM()
	c.VMOVDQU(operand.Mem{Base: table, Disp: 32}, b.mask)
}
