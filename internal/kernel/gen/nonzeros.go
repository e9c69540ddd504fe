package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// nonZeros generates the search for a matrix's numbers that are not 0. It moves those of a vector to the vector's front
// and stores the whole vector, so that there is nothing to branch on. The next vector overwrites the surplus.
func nonZeros(c *build.Context, size int) {
	s := search{
		Context: c, size: size,
		at: reg.RSI, value: reg.RBX, row: reg.R8, cols: reg.R10, whole: reg.R11, e: reg.R12, j: reg.R13,
		bits: reg.RAX, spreader: reg.R14, orders: reg.R15,
		zero: ymm[0], here: ymm[3], step: ymm[4],
	}
	begin, rows := reg.RDI, reg.R9
	s.declare()
	for _, p := range []param{{"begin", begin}, {"at", s.at}, {"value", s.value}, {"x", s.row}, {"rows", rows}, {"cols", s.cols}} {
		c.Load(c.Param(p.name), p.to)
	}
	c.MOVQ(s.cols, s.whole)
	c.ANDQ(operand.I32(int32(-s.lanes())), s.whole)
	// Each lane's bit is spread over one byte for every 32 bits of the lane. From the numbers of all 32-bit pieces, these bytes
	// select the pieces that move to the front.
	c.MOVQ(operand.U64(map[int]uint64{4: 0x0101010101010101, 8: 0x0001000100010001}[size]), s.spreader)
	c.MOVQ(operand.U64(0x0706050403020100), s.orders)
	c.VXORPS(s.zero, s.zero, s.zero)
	c.MOVQ(operand.Mem{Base: begin}, s.e)
	c.MOVL(operand.U32(uint32(s.lanes())), s.bits.As32())
	c.VMOVD(s.bits.As32(), s.step.AsX())
	c.VPBROADCASTD(s.step.AsX(), s.step)

	c.Label("row")
	c.XORQ(s.j, s.j)
	c.VXORPS(s.here, s.here, s.here)
	c.TESTQ(s.whole, s.whole)
	c.JZ(operand.LabelRef("rest"))
	s.vectors()
	c.Label("rest")
	c.CMPQ(s.j, s.cols)
	c.JGE(operand.LabelRef("end"))
	s.ones()
	c.Label("end")
	c.ADDQ(operand.Imm(8), begin)
	c.MOVQ(s.e, operand.Mem{Base: begin})
	c.MOVQ(mem(c.Param("stride")), s.bits)
	c.LEAQ(operand.Mem{Base: s.row, Index: s.bits, Scale: uint8(size)}, s.row)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

// search is the generator of nonZeros for numbers of a size in bytes, with its registers.
type search struct {
	*build.Context
	size int

	at, value, row   reg.GPPhysical // where the next row is written, and read
	cols, whole      reg.GPPhysical // of a row: its numbers, and those in whole vectors
	e, j             reg.GPPhysical // the entry that is next, and the column
	bits             reg.GPPhysical // of the lanes that are not 0
	spreader, orders reg.GPPhysical
	zero             reg.VecPhysical
	here, step       reg.VecPhysical // j in every lane, and what it grows by
}

func (s search) lanes() int { return 32 / s.size }

func (s search) declare() {
	c, size, lanes := s.Context, s.size, s.lanes()
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
		fmt.Sprintf("It may write up to %d more elements of at and value. rows and cols are at least 1.", lanes),
	)
}

// vectors generates the loop over a row's whole vectors.
func (s search) vectors() {
	spread, order, v, lane := reg.RCX, reg.RDX, ymm[1], ymm[2]
	s.Label("vector")
	s.VMOVUPS(operand.Mem{Base: s.row, Index: s.j, Scale: uint8(s.size)}, v)
	if s.size == 4 {
		s.VCMPPS(operand.Imm(4), s.zero, v, lane)
		s.VMOVMSKPS(lane, s.bits.As32())
	} else {
		s.VCMPPD(operand.Imm(4), s.zero, v, lane)
		s.VMOVMSKPD(lane, s.bits.As32())
	}
	s.PDEPQ(s.spreader, s.bits, spread)
	s.MOVQ(spread, order)
	s.SHLQ(operand.Imm(uint64(2*s.size)), spread) // a bit becomes size/4 bytes of ones
	s.SUBQ(order, spread)
	s.PEXTQ(spread, s.orders, order)
	s.VMOVQ(order, lane.AsX())
	s.VPMOVZXBD(lane.AsX(), lane)
	s.VPERMPS(v, lane, v)
	if s.size == 8 { // the even places hold twice the element's number
		s.VPSHUFD(operand.Imm(0x88), lane, lane)
		s.VPERMQ(operand.Imm(0x08), lane, lane)
		s.VPSRLD(operand.Imm(1), lane, lane)
	}
	s.VPADDD(s.here, lane, lane)
	s.VPADDD(s.step, s.here, s.here)
	s.VMOVUPS(v, operand.Mem{Base: s.value, Index: s.e, Scale: uint8(s.size)})
	if s.size == 4 {
		s.VMOVUPS(lane, operand.Mem{Base: s.at, Index: s.e, Scale: 4})
	} else {
		s.VMOVUPS(lane.AsX(), operand.Mem{Base: s.at, Index: s.e, Scale: 4})
	}
	s.POPCNTL(s.bits.As32(), s.bits.As32())
	s.ADDQ(s.bits, s.e)
	s.ADDQ(operand.Imm(uint64(s.lanes())), s.j)
	s.CMPQ(s.j, s.whole)
	s.JLT(operand.LabelRef("vector"))
}

// ones generates the loop over the numbers after a row's whole vectors, one by one.
func (s search) ones() {
	s.Label("one")
	s.MOVL(s.j.As32(), operand.Mem{Base: s.at, Index: s.e, Scale: 4})
	if s.size == 4 {
		s.MOVL(operand.Mem{Base: s.row, Index: s.j, Scale: 4}, s.bits.As32())
		s.MOVL(s.bits.As32(), operand.Mem{Base: s.value, Index: s.e, Scale: 4})
		s.ADDL(s.bits.As32(), s.bits.As32()) // without the sign
		s.NEGL(s.bits.As32())                // carries unless 0
	} else {
		s.MOVQ(operand.Mem{Base: s.row, Index: s.j, Scale: 8}, s.bits)
		s.MOVQ(s.bits, operand.Mem{Base: s.value, Index: s.e, Scale: 8})
		s.ADDQ(s.bits, s.bits)
		s.NEGQ(s.bits)
	}
	s.ADCQ(operand.Imm(0), s.e)
	s.INCQ(s.j)
	s.CMPQ(s.j, s.cols)
	s.JLT(operand.LabelRef("one"))
}
