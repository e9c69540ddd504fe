package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The registers of sparse rows. Strides are in bytes.
var (
	entry     = reg.RCX // of the list of numbers
	entryEnd  = reg.R13
	rowOfB    = reg.R14
	rowBegin  = reg.R8
	places    = reg.RSI
	values    = reg.RDX
	matrixB   = reg.R9
	rowOfC    = reg.RDI
	fromRow   = reg.R10
	rowsLeft  = reg.R11
	strideOfB = reg.R12
	strideOfC = reg.R15
)

// widestRow is the most vectors of a row: enough chains to keep two multiply-add units busy.
const widestRow = 8

// sparse generates the product of a matrix without its zeros and a full matrix. A row of C stays in
// registers over all the numbers of its row of A.
func (g *gemm) sparse() {
	g.declareSparse()
	g.params([]param{
		{"rows", rowsLeft}, {"begin", rowBegin}, {"at", places}, {"value", values}, {"b", matrixB}, {"c", rowOfC}, {"from", fromRow}, {"bRow", strideOfB}, {"cRow", strideOfC},
	})
	last, w := reg.RCX, reg.RAX
	g.Load(g.Param("last"), last)
	for _, masked := range g.masked() {
		if !masked {
			g.CMPQ(last, operand.Imm(uint64(g.lanes())))
			g.JNE(operand.LabelRef("masked"))
		} else {
			if len(g.masked()) > 1 {
				g.Label("masked")
			}
			g.setMask(last)
		}
		g.Load(g.Param("w"), w)
		for n := 2; n <= widestRow; n++ {
			g.CMPQ(w, operand.Imm(uint64(n)))
			g.JEQ(operand.LabelRef(sparseLabel(n, masked)))
		}
		g.JMP(operand.LabelRef(sparseLabel(1, masked)))
	}
	for _, masked := range g.masked() {
		for w := 1; w <= widestRow; w++ {
			g.sparseRows(w, masked)
		}
	}
	g.Label("done")
	g.VZEROUPPER()
	g.RET()
}

func (g *gemm) declareSparse() {
	g.Function("sparse" + g.name())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.SignatureExpr(fmt.Sprintf("func(rows, w int, begin *int, at *int32, value, b, c, from *%s, bRow, cRow, last int)", g.elem()))
	g.Doc(
		fmt.Sprintf("sparse%s computes w vectors of %d of rows of C. Of the last vector, only last", g.name(), g.lanes()),
		"elements belong to C:",
		"",
		"\tfor i := range rows {",
		fmt.Sprintf("\t\tfor j := range %d*(w-1) + last {", g.lanes()),
		"\t\t\ts := from[j], or 0 if from is nil",
		"\t\t\tfor e := begin[i]; e < begin[i+1]; e++ { s = FMA(value[e], B[at[e]][j], s) }",
		"\t\t\tC[i][j] = s",
		"\t\t}",
		"\t}",
		"",
		"Strides are in bytes. rows is at least 1.",
	)
}

func sparseLabel(w int, masked bool) string { return fmt.Sprintf("by%d%v", w, masked) }

// sparseRows generates the loop over rows of w vectors, the last masked or whole.
func (g *gemm) sparseRows(w int, masked bool) {
	t := tile{g, sparseLabel(w, masked), 1, w, masked}
	g.Comment(fmt.Sprintf("Rows of %d vectors of %d.", w, g.lanes()))
	g.Label(t.name)
	g.MOVQ(operand.Mem{Base: rowBegin}, entry)
	g.MOVQ(operand.Mem{Base: rowBegin, Disp: 8}, entryEnd)
	g.TESTQ(fromRow, fromRow)
	g.JZ(operand.LabelRef(t.name + "zero"))
	for j := range w {
		t.loadVector(j, g.vector(fromRow, j), t.acc(0, j))
	}
	g.JMP(operand.LabelRef(t.name + "start"))
	g.Label(t.name + "zero")
	for j := range w {
		g.zero(t.acc(0, j))
	}
	g.Label(t.name + "start")
	t.addEntries()
	if masked {
		g.beforeStores(mem(g.Param("last")))
	}
	for j := range w {
		if t.cut(j) {
			g.storeMasked(t.acc(0, j), g.vector(rowOfC, j))
		} else {
			g.store(t.acc(0, j), g.vector(rowOfC, j))
		}
	}
	g.ADDQ(operand.Imm(8), rowBegin)
	g.ADDQ(strideOfC, rowOfC)
	g.DECQ(rowsLeft)
	g.JNZ(operand.LabelRef(t.name))
	g.JMP(operand.LabelRef("done"))
}

// addEntries generates the loop over the numbers of a row of A, each times its row of B.
func (t tile) addEntries() {
	x, part := t.reg(t.w), t.reg(t.w+1)
	t.CMPQ(entry, entryEnd)
	t.JGE(operand.LabelRef(t.name + "end"))
	t.Label(t.name + "next")
	t.MOVLQSX(operand.Mem{Base: places, Index: entry, Scale: 4}, rowOfB)
	t.IMULQ(strideOfB, rowOfB)
	t.broadcast(operand.Mem{Base: values, Index: entry, Scale: uint8(t.elemSize())}, x)
	for j := range t.w {
		m := t.vector(matrixB, j)
		m.Index, m.Scale = rowOfB, 1
		if t.cut(j) {
			t.loadMasked(m, part)
			t.fma(part, x, t.acc(0, j))
		} else {
			t.fma(m, x, t.acc(0, j))
		}
	}
	t.INCQ(entry)
	t.CMPQ(entry, entryEnd)
	t.JLT(operand.LabelRef(t.name + "next"))
	t.Label(t.name + "end")
}
