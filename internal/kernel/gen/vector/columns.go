package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnSums adds every row of src to dst, one after the other. Blocks of columns stay in
// registers over all rows: four vectors at a time, then one, then a part of one.
type columnSums struct{}

func (columnSums) emit(c *build.Context, p *pool, t target) {
	function(c, t, "columnSums", "func(dst, src *"+t.float()+", rows, cols, stride int)",
		"\tfor i := range rows { for j := range cols { dst[j] += src[i*stride+j] } }")
	b := &lines{body: body{target: t, c: c, pool: p}, pointer: map[string]reg.Register{}}
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	rows, n := c.Load(c.Param("rows"), c.GP64()), c.Load(c.Param("cols"), c.GP64())
	stride := c.Load(c.Param("stride"), c.GP64())
	shift := uint64(2)
	if t.size == 8 {
		shift = 3
	}
	c.SHLQ(operand.Imm(shift), stride)
	row, left := c.GP64(), c.GP64()
	b.pointer["dst"], b.pointer["row"] = dst, row

	block := func(vectors int) {
		var sums []*value
		for i := range vectors {
			b.at = i * t.bytes()
			sums = append(sums, b.read("dst"))
			sums[i].pinned = true
		}
		b.body.emit()
		c.MOVQ(src, row)
		c.MOVQ(rows, left)
		loop := fmt.Sprintf("rows%d", vectors)
		if b.tail {
			loop = "rows"
		}
		c.Label(loop)
		for i, s := range sums {
			b.at = i * t.bytes()
			sum := s.reg
			b.do("store", b.add(s, b.read("row"))).access = func(v reg.VecVirtual) { c.VMOVAPS(v, sum) }
		}
		b.body.emit()
		c.ADDQ(stride, row)
		c.SUBQ(operand.Imm(1), left)
		c.JNE(operand.LabelRef(loop))
		for i, s := range sums {
			b.at = i * t.bytes()
			b.write("dst", s)
		}
		b.body.emit()
	}
	turn := func(vectors int) {
		size := vectors * t.lanes()
		loop, next := fmt.Sprintf("by%d", vectors), fmt.Sprintf("after%d", vectors)
		c.Label(loop)
		c.CMPQ(n, operand.U32(size))
		c.JLT(operand.LabelRef(next))
		block(vectors)
		c.ADDQ(operand.U32(size*t.size), dst)
		c.ADDQ(operand.U32(size*t.size), src)
		c.SUBQ(operand.U32(size), n)
		c.JMP(operand.LabelRef(loop))
		c.Label(next)
	}
	turn(4)
	turn(1)
	c.TESTQ(n, n)
	c.JEQ(operand.LabelRef("done"))
	b.tail = true
	b.setMask(n)
	block(1)
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

// finite is a scan for numbers that are not finite: x - x is 0 for the others.
var finite = &rows{name: "notFinite", flat: true, sum: true, streams: []string{"x"}, is: "\tsum[i%16] += x[i] - x[i]", row: func(r *rowOf) {
	r.pass(func() {
		x := r.read("x")
		r.addToSums(r.sub(x, x), false)
	})
}}
