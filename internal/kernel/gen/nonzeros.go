package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// nonZeros generates the search for a matrix's numbers that are not 0. It moves those of a vector
// to its front and stores all of it, so that there is nothing to branch on; what is stored too
// much, the next vector overwrites.
func nonZeros(c *build.Context, size int) {
	lanes := 32 / size
	c.Function(fmt.Sprintf("nonZerosF%dAVX2", 8*size))
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr(fmt.Sprintf("func(begin *int, at *int32, value, x *float%d, rows, cols, stride int)", 8*size))
	c.Doc(
		fmt.Sprintf("nonZerosF%dAVX2 lists the numbers of x that are not 0, row by row:", 8*size),
		"",
		"\te := begin[0]",
		"\tfor i := range rows {",
		"\t\tfor j := range cols {",
		"\t\t\tif v := x[i*stride+j]; v != 0 { at[e], value[e], e = j, v, e+1 }",
		"\t\t}",
		"\t\tbegin[i+1] = e",
		"\t}",
		"",
		fmt.Sprintf("It may write up to %d elements of at and value more. rows and cols are at least 1.", lanes),
	)
	begin, at, value, row := reg.RDI, reg.RSI, reg.RBX, reg.R8
	rows, cols, whole := reg.R9, reg.R10, reg.R11
	e, j := reg.R12, reg.R13
	bits, spread, order := reg.RAX, reg.RCX, reg.RDX
	spreader, orders := reg.R14, reg.R15
	for _, p := range []struct {
		name string
		to   reg.Register
	}{{"begin", begin}, {"at", at}, {"value", value}, {"x", row}, {"rows", rows}, {"cols", cols}} {
		c.Load(c.Param(p.name), p.to)
	}
	c.MOVQ(cols, whole)
	c.ANDQ(operand.I32(int32(-lanes)), whole)
	// Each lane's bit is spread over a byte for each of its 32 bits. These choose, of the numbers of
	// all 32 bits, those that are to stand in front.
	c.MOVQ(operand.U64(map[int]uint64{4: 0x0101010101010101, 8: 0x0001000100010001}[size]), spreader)
	c.MOVQ(operand.U64(0x0706050403020100), orders)
	zero, v, lane, here, step := ymm[0], ymm[1], ymm[2], ymm[3], ymm[4]
	c.VXORPS(zero, zero, zero)
	c.MOVQ(operand.Mem{Base: begin}, e)
	c.MOVL(operand.U32(uint32(lanes)), bits.As32())
	c.VMOVD(bits.As32(), step.AsX())
	c.VPBROADCASTD(step.AsX(), step)

	c.Label("row")
	c.XORQ(j, j)
	c.VXORPS(here, here, here) // j in every lane
	c.TESTQ(whole, whole)
	c.JZ(operand.LabelRef("rest"))
	c.Label("vector")
	c.VMOVUPS(operand.Mem{Base: row, Index: j, Scale: uint8(size)}, v)
	if size == 4 {
		c.VCMPPS(operand.Imm(4), zero, v, lane)
		c.VMOVMSKPS(lane, bits.As32())
	} else {
		c.VCMPPD(operand.Imm(4), zero, v, lane)
		c.VMOVMSKPD(lane, bits.As32())
	}
	c.PDEPQ(spreader, bits, spread)
	c.MOVQ(spread, order)
	c.SHLQ(operand.Imm(uint64(2*size)), spread) // a bit becomes size/4 bytes of ones
	c.SUBQ(order, spread)
	c.PEXTQ(spread, orders, order)
	c.VMOVQ(order, lane.AsX())
	c.VPMOVZXBD(lane.AsX(), lane)
	c.VPERMPS(v, lane, v)
	if size == 8 { // twice the element's number stands in the even places
		c.VPSHUFD(operand.Imm(0x88), lane, lane)
		c.VPERMQ(operand.Imm(0x08), lane, lane)
		c.VPSRLD(operand.Imm(1), lane, lane)
	}
	c.VPADDD(here, lane, lane)
	c.VPADDD(step, here, here)
	c.VMOVUPS(v, operand.Mem{Base: value, Index: e, Scale: uint8(size)})
	if size == 4 {
		c.VMOVUPS(lane, operand.Mem{Base: at, Index: e, Scale: 4})
	} else {
		c.VMOVUPS(lane.AsX(), operand.Mem{Base: at, Index: e, Scale: 4})
	}
	c.POPCNTL(bits.As32(), bits.As32())
	c.ADDQ(bits, e)
	c.ADDQ(operand.Imm(uint64(lanes)), j)
	c.CMPQ(j, whole)
	c.JLT(operand.LabelRef("vector"))
	c.Label("rest")
	c.CMPQ(j, cols)
	c.JGE(operand.LabelRef("end"))
	c.Label("one")
	c.MOVL(j.As32(), operand.Mem{Base: at, Index: e, Scale: 4})
	if size == 4 {
		c.MOVL(operand.Mem{Base: row, Index: j, Scale: 4}, bits.As32())
		c.MOVL(bits.As32(), operand.Mem{Base: value, Index: e, Scale: 4})
		c.ADDL(bits.As32(), bits.As32()) // without the sign
		c.NEGL(bits.As32())              // carries unless 0
	} else {
		c.MOVQ(operand.Mem{Base: row, Index: j, Scale: 8}, bits)
		c.MOVQ(bits, operand.Mem{Base: value, Index: e, Scale: 8})
		c.ADDQ(bits, bits)
		c.NEGQ(bits)
	}
	c.ADCQ(operand.Imm(0), e)
	c.INCQ(j)
	c.CMPQ(j, cols)
	c.JLT(operand.LabelRef("one"))
	c.Label("end")
	c.ADDQ(operand.Imm(8), begin)
	c.MOVQ(e, operand.Mem{Base: begin})
	c.MOVQ(mem(c.Param("stride")), bits)
	c.LEAQ(operand.Mem{Base: row, Index: bits, Scale: uint8(size)}, row)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}
