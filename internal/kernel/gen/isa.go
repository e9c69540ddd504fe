package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa is what a kernel needs of an instruction set: vectors of one element type, and
// a mask that lets only the first few elements of a vector through.
type isa interface {
	name() string              // as in the functions' names: F32AVX512
	elem() string              // float32 or float64
	elemSize() int             // bytes
	lanes() int                // elements in a vector
	registers() int            // vector registers
	reg(i int) reg.VecPhysical // the i-th of them
	heights(w int) int         // the tallest tile of w vectors
	half() isa                 // the same with vectors of half the width, if that can pay

	zero(v reg.Register)       // v = 0
	load(m, v operand.Op)      // v = m
	store(v, m operand.Op)     // m = v
	broadcast(m, v operand.Op) // every element of v = m
	fma(x, y, acc operand.Op)  // acc += x*y, rounded once; x may be memory

	// fmaBroadcast is broadcast and fma in one, if there is such an instruction.
	fmaBroadcast(m, y, acc operand.Op) bool

	masked() []bool              // the variants to generate: with a masked last vector, without
	setMask(last reg.GPPhysical) // keeps the mask of the first last elements; may overwrite AX and last
	loadMasked(m, v operand.Op)
	beforeStores(last operand.Mem)                // prepares storeMasked; may overwrite AX, BX and CX
	storeMasked(v reg.VecPhysical, m operand.Mem) // may overwrite v
}

// vectors is what the instruction sets have in common.
type vectors struct {
	*build.Context
	size, bytes int // of an element, of a vector
}

func (v vectors) elem() string  { return fmt.Sprintf("float%d", 8*v.size) }
func (v vectors) elemSize() int { return v.size }
func (v vectors) lanes() int    { return v.bytes / v.size }

func (v vectors) load(m, r operand.Op)  { v.VMOVUPS(m, r) }
func (v vectors) store(r, m operand.Op) { v.VMOVUPS(r, m) }

func (v vectors) broadcast(m, r operand.Op) {
	if v.size == 8 {
		v.VBROADCASTSD(m, r)
	} else {
		v.VBROADCASTSS(m, r)
	}
}

func (v vectors) fma(x, y, acc operand.Op) {
	if v.size == 8 {
		v.VFMADD231PD(x, y, acc)
	} else {
		v.VFMADD231PS(x, y, acc)
	}
}

// avx512 has 32 registers. Masked instructions are as fast as others, so one variant serves all widths.
type avx512 struct{ vectors }

func (v avx512) name() string        { return fmt.Sprintf("F%dAVX512", 8*v.size) }
func (v avx512) registers() int      { return 32 }
func (v avx512) masked() []bool      { return []bool{true} }
func (v avx512) zero(r reg.Register) { v.VPXORD(r, r, r) }

func (v avx512) reg(i int) reg.VecPhysical {
	if v.bytes == 32 {
		return ymm[i]
	}
	return zmm[i]
}

// half pays on processors where a 512-bit instruction takes two cycles and a 256-bit one takes one.
func (v avx512) half() isa {
	if v.bytes == 32 {
		return nil
	}
	v.bytes = 32
	return v
}

func (v avx512) fmaBroadcast(m, y, acc operand.Op) bool {
	if v.size == 8 {
		v.VFMADD231PD_BCST(m, y, acc)
	} else {
		v.VFMADD231PS_BCST(m, y, acc)
	}
	return true
}

func (v avx512) heights(w int) int {
	return [...]int{0, 12, 12, 3, 3, 1, 1, 1, 1}[w]
}

func (v avx512) setMask(last reg.GPPhysical) {
	ones := reg.RAX
	v.MOVQ(operand.I64(-1), ones)
	v.BZHIQ(last, ones, ones)
	v.KMOVW(ones.As32(), reg.K1)
}

func (v avx512) loadMasked(m, r operand.Op) {
	if v.size == 8 {
		v.VMOVUPD_Z(m, reg.K1, r)
	} else {
		v.VMOVUPS_Z(m, reg.K1, r)
	}
}

func (v avx512) beforeStores(operand.Mem) {}

func (v avx512) storeMasked(r reg.VecPhysical, m operand.Mem) {
	if v.size == 8 {
		v.VMOVUPD(r, reg.K1, m)
	} else {
		v.VMOVUPS(r, reg.K1, m)
	}
}

// avx2 has 16 registers. The last one holds the mask, if there is one. Masked instructions are slower, so there are variants
// without a mask.
type avx2 struct {
	vectors
	labels *int // made so far
}

func (v avx2) name() string              { return fmt.Sprintf("F%dAVX2", 8*v.size) }
func (v avx2) registers() int            { return 16 }
func (v avx2) reg(i int) reg.VecPhysical { return ymm[i] }
func (v avx2) masked() []bool            { return []bool{false, true} }
func (v avx2) zero(r reg.Register)       { v.VXORPS(r, r, r) }

func (v avx2) half() isa { return nil }

func (v avx2) fmaBroadcast(_, _, _ operand.Op) bool { return false }

func (v avx2) heights(w int) int {
	return [...]int{0, 12, 6, 3, 2, 1, 1, 1, 1}[w]
}

// setMask loads from a table of ones followed by zeros.
func (v avx2) setMask(last reg.GPPhysical) {
	v.SHLQ(operand.Imm(uint64(log2(v.size))), last)
	v.NEGQ(last)
	at := reg.RAX
	v.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol("mask"), v.bytes), at)
	v.load(operand.Mem{Base: at, Index: last, Scale: 1}, ymm[15])
}

// maskTable is what setMask reads.
func maskTable(c *build.Context) {
	c.StaticGlobal("mask")
	c.DataAttributes(8 | 16) // RODATA, NOPTR
	for i := range 4 {
		c.AppendDatum(operand.U64(^uint64(0)))
		_ = i
	}
	for range 4 {
		c.AppendDatum(operand.U64(0))
	}
}

func (v avx2) loadMasked(m, r operand.Op) {
	if v.size == 8 {
		v.VMASKMOVPD(m, ymm[15], r)
	} else {
		v.VMASKMOVPS(m, ymm[15], r)
	}
}

// beforeStores puts the number of elements to store into CX. It puts into BX the number of bytes before the last two or three
// elements, and into AX the number of bytes before the last of an odd number.
func (v avx2) beforeStores(last operand.Mem) {
	v.MOVQ(last, reg.RCX)
	v.MOVQ(reg.RCX, reg.RAX)
	v.ANDQ(operand.Imm(^uint64(1)&0xff), reg.RAX)
	v.SHLQ(operand.Imm(uint64(log2(v.size))), reg.RAX)
	if v.size == 4 {
		v.MOVQ(reg.RCX, reg.RBX)
		v.ANDQ(operand.Imm(4), reg.RBX)
		v.SHLQ(operand.Imm(2), reg.RBX)
	}
}

// storeMasked stores pieces of 4, 2 and 1 elements, one piece for each bit of the number of elements. VMASKMOV to memory is
// slow on some processors.
func (v avx2) storeMasked(r reg.VecPhysical, m operand.Mem) {
	x := r.AsX()
	next := ""
	bit := func(n uint64) {
		if next != "" {
			v.Label(next)
		}
		*v.labels++
		next = fmt.Sprintf("stored%d", *v.labels)
		v.TESTB(operand.Imm(n), reg.CL)
		v.JZ(operand.LabelRef(next))
	}
	at := func(index reg.Register) operand.Mem {
		m.Index, m.Scale = index, 1
		return m
	}
	if v.size == 4 {
		bit(4)
		v.VMOVUPS(x, m)
		v.VEXTRACTF128(operand.Imm(1), r, x)
		bit(2)
		v.VMOVLPS(x, at(reg.RBX))
		v.VPERMILPD(operand.Imm(1), x, x)
		bit(1)
		v.VMOVSS(x, at(reg.RAX))
	} else {
		bit(2)
		v.VMOVUPD(x, m)
		v.VEXTRACTF128(operand.Imm(1), r, x)
		bit(1)
		v.VMOVSD(x, at(reg.RAX))
	}
	v.Label(next)
}

func log2(n int) int {
	b := 0
	for ; n > 1; n >>= 1 {
		b++
	}
	return b
}

var (
	xmm = [...]reg.VecPhysical{
		reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
		reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
	}
	ymm = [...]reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
	zmm = [...]reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
)
