package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sparse generates the product of a matrix without its zeros and one with them. A row of C
// stays in registers over all the numbers of its row of A.
func (g *gemm) sparse() {
	const widest = 8 // vectors: as many chains as keep two units busy
	g.Function("sparse" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(rows, w int, begin *int, at *int32, value, b, c, from *%s, bRow, cRow, last int)", g.elem()))
	g.Doc(
		fmt.Sprintf("sparse%s computes w vectors of %d of rows of C, of whose last only last elements", g.name(), g.lanes()),
		"belong to C:",
		"",
		"\tfor i := range rows {",
		fmt.Sprintf("\t\tfor j := range %d*(w-1) + last {", g.lanes()),
		"\t\t\ts := from[j], or 0 if from is nil",
		"\t\t\tfor e := begin[i]; e < begin[i+1]; e++ { s = FMA(value[e], B[at[e]][j], s) }",
		"\t\t\tC[i][j] = s",
		"\t\t}",
		"\t}",
		"",
		"Strides count bytes; rows is at least 1.",
	)
	var (
		e     = reg.RCX
		end   = reg.R13
		row   = reg.R14 // of B
		begin = reg.R8
		at    = reg.RSI
		value = reg.RDX
		b     = reg.R9
		c     = reg.RDI
		from  = reg.R10
		rows  = reg.R11
		bRow  = reg.R12
		cRow  = reg.R15
	)
	for _, p := range []struct {
		name string
		to   reg.Register
	}{{"rows", rows}, {"begin", begin}, {"at", at}, {"value", value}, {"b", b}, {"c", c}, {"from", from}, {"bRow", bRow}, {"cRow", cRow}} {
		g.Load(g.Param(p.name), p.to)
	}
	block := func(w int, masked bool) {
		name := fmt.Sprintf("by%d%v", w, masked)
		vector := func(base reg.Register, j int) operand.Mem {
			return operand.Mem{Base: base, Disp: j * g.lanes() * g.elemSize()}
		}
		load := func(m operand.Mem, j int, v reg.Register) {
			if masked && j == w-1 {
				g.loadMasked(m, v)
			} else {
				g.load(m, v)
			}
		}
		x, part := g.reg(w), g.reg(w+1)
		g.Comment(fmt.Sprintf("Rows of %d vectors of %d.", w, g.lanes()))
		g.Label(name)
		g.MOVQ(operand.Mem{Base: begin}, e)
		g.MOVQ(operand.Mem{Base: begin, Disp: 8}, end)
		g.TESTQ(from, from)
		g.JZ(operand.LabelRef(name + "zero"))
		for j := range w {
			load(vector(from, j), j, g.reg(j))
		}
		g.JMP(operand.LabelRef(name + "start"))
		g.Label(name + "zero")
		for j := range w {
			g.zero(g.reg(j))
		}
		g.Label(name + "start")
		g.CMPQ(e, end)
		g.JGE(operand.LabelRef(name + "end"))
		g.Label(name + "next")
		g.MOVLQSX(operand.Mem{Base: at, Index: e, Scale: 4}, row)
		g.IMULQ(bRow, row)
		g.broadcast(operand.Mem{Base: value, Index: e, Scale: uint8(g.elemSize())}, x)
		for j := range w {
			m := vector(b, j)
			m.Index, m.Scale = row, 1
			if masked && j == w-1 {
				g.loadMasked(m, part)
				g.fma(part, x, g.reg(j))
			} else {
				g.fma(m, x, g.reg(j))
			}
		}
		g.INCQ(e)
		g.CMPQ(e, end)
		g.JLT(operand.LabelRef(name + "next"))
		g.Label(name + "end")
		if masked {
			g.beforeStores(mem(g.Param("last")))
		}
		for j := range w {
			if masked && j == w-1 {
				g.storeMasked(g.reg(j), vector(c, j))
			} else {
				g.store(g.reg(j), vector(c, j))
			}
		}
		g.ADDQ(operand.Imm(8), begin)
		g.ADDQ(cRow, c)
		g.DECQ(rows)
		g.JNZ(operand.LabelRef(name))
		g.JMP(operand.LabelRef("done"))
	}
	g.Load(g.Param("last"), reg.RCX)
	for _, masked := range g.masked() {
		if !masked {
			g.CMPQ(reg.RCX, operand.Imm(uint64(g.lanes())))
			g.JNE(operand.LabelRef("masked"))
		} else {
			if len(g.masked()) > 1 {
				g.Label("masked")
			}
			g.setMask(reg.RCX)
		}
		w := reg.RAX
		g.Load(g.Param("w"), w)
		for n := 2; n <= widest; n++ {
			g.CMPQ(w, operand.Imm(uint64(n)))
			g.JEQ(operand.LabelRef(fmt.Sprintf("by%d%v", n, masked)))
		}
		g.JMP(operand.LabelRef(fmt.Sprintf("by%d%v", 1, masked)))
	}
	for _, masked := range g.masked() {
		for w := 1; w <= widest; w++ {
			block(w, masked)
		}
	}
	g.Label("done")
	g.VZEROUPPER()
	g.RET()
}
