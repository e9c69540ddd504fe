package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mem returns the address of a parameter.
func mem(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// pack generates the copy of a panel of rows into consecutive memory.
func pack(c *build.Context) {
	c.Function("packAVX2")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst, src *byte, rows, bytes, stride int)")
	c.Doc("packAVX2 copies rows of 64 or 128 bytes, stride bytes apart, to follow each other:",
		"",
		"\tfor i := range rows { copy(dst[i*bytes:][:bytes], src[i*stride:]) }",
		"",
		"rows is at least 1.")
	dst, src, rows, stride := reg.RDI, reg.RSI, reg.RCX, reg.RDX
	c.Load(c.Param("dst"), dst)
	c.Load(c.Param("src"), src)
	c.Load(c.Param("rows"), rows)
	c.Load(c.Param("stride"), stride)
	c.CMPQ(mem(c.Param("bytes")), operand.Imm(128))
	c.JEQ(operand.LabelRef("row128"))
	for _, bytes := range []int{64, 128} {
		row := fmt.Sprintf("row%d", bytes)
		c.Label(row)
		for at := 0; at < bytes; at += 64 {
			c.PREFETCHT1(operand.Mem{Base: src, Disp: bytes + at}) // the next panel
		}
		for at := 0; at < bytes; at += 32 {
			c.VMOVUPS(operand.Mem{Base: src, Disp: at}, ymm[at/32])
		}
		for at := 0; at < bytes; at += 32 {
			c.VMOVUPS(ymm[at/32], operand.Mem{Base: dst, Disp: at})
		}
		c.ADDQ(stride, src)
		c.ADDQ(operand.Imm(uint64(bytes)), dst)
		c.DECQ(rows)
		c.JNZ(operand.LabelRef(row))
		c.VZEROUPPER()
		c.RET()
	}
}

// gather generates the copy of chosen rows into consecutive memory.
func gather(c *build.Context) {
	c.Function("gatherAVX2")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst, src *byte, bytes, stride int, rows *int, count, ahead int)")
	c.Doc("gatherAVX2 copies count rows, stride bytes apart, to follow each other:",
		"",
		"\tfor i := range count { copy(dst[i*bytes:][:bytes], src[rows[i]*stride:]) }",
		"",
		"and prefetches the row that comes ahead rows later. bytes is a multiple of 4, and count is",
		"at least 1.")
	dst, src, rows, count := reg.RDI, reg.RSI, reg.RBX, reg.RCX
	from, next, at, last, left := reg.R8, reg.R9, reg.RAX, reg.R10, reg.RDX
	c.Load(c.Param("dst"), dst)
	c.Load(c.Param("rows"), rows)
	c.Load(c.Param("count"), count)
	c.LEAQ(operand.Mem{Base: rows, Index: count, Scale: 8, Disp: -8}, last)
	c.Load(c.Param("ahead"), reg.R11)

	c.Label("row")
	c.Load(c.Param("src"), src)
	c.MOVQ(operand.Mem{Base: rows}, from)
	c.IMULQ(mem(c.Param("stride")), from)
	c.ADDQ(src, from)
	c.LEAQ(operand.Mem{Base: rows, Index: reg.R11, Scale: 8}, next)
	c.CMPQ(next, last)
	c.CMOVQHI(last, next)
	c.MOVQ(operand.Mem{Base: next}, next)
	c.IMULQ(mem(c.Param("stride")), next)
	c.ADDQ(src, next)
	c.Load(c.Param("bytes"), left)
	c.XORQ(at, at)
	for _, size := range []int{64, 16, 4} {
		loop, done := fmt.Sprintf("copy%d", size), fmt.Sprintf("copied%d", size)
		c.Label(loop)
		c.SUBQ(operand.Imm(uint64(size)), left)
		c.JLT(operand.LabelRef(done))
		source := operand.Mem{Base: from, Index: at, Scale: 1}
		target := operand.Mem{Base: dst, Index: at, Scale: 1}
		switch size {
		case 64:
			c.PREFETCHT0(operand.Mem{Base: next, Index: at, Scale: 1})
			c.VMOVUPS(source, ymm[0])
			c.VMOVUPS(source.Offset(32), ymm[1])
			c.VMOVUPS(ymm[0], target)
			c.VMOVUPS(ymm[1], target.Offset(32))
		case 16:
			c.VMOVUPS(source, ymm[0].AsX())
			c.VMOVUPS(ymm[0].AsX(), target)
		case 4:
			c.MOVL(source, reg.R12L)
			c.MOVL(reg.R12L, target)
		}
		c.ADDQ(operand.Imm(uint64(size)), at)
		c.JMP(operand.LabelRef(loop))
		c.Label(done)
		c.ADDQ(operand.Imm(uint64(size)), left)
	}
	c.PREFETCHT0(operand.Mem{Base: next, Index: at, Scale: 1, Disp: -1}) // its last line
	c.ADDQ(at, dst)
	c.ADDQ(operand.Imm(8), rows)
	c.DECQ(count)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

// The registers of the transposes. Strides are in bytes.
var (
	column  = [...]reg.GPPhysical{reg.RAX, reg.RBX, reg.RDX, reg.RSI, reg.R8, reg.R9, reg.R10, reg.R11}
	to      = reg.RDI // where column j of the group starts in dst
	out     = reg.R12 // where row p of the group goes
	rest    = reg.RCX // how many p are left
	rowSize = reg.R13
)

// transposeHead generates what the transposes have in common: groups of n columns, whose
// addresses it computes. Beyond the last column it reads the last one again, so no load leaves the matrix. What it writes to
// dst there is never used.
func transposeHead(c *build.Context, name, elem string, n, size int) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr(fmt.Sprintf("func(dst, src *%s, k, columns, stride, row int)", elem))
	c.Doc(fmt.Sprintf("%s writes columns as rows. stride and row are in bytes:", name),
		"",
		"\tfor p := range k { for j := range columns { dst[p*row+j] = src[j*stride+p] } }",
		"",
		fmt.Sprintf("The last column is repeated up to a multiple of %d. k and columns are at least 1.", n))
	c.Load(c.Param("dst"), to)
	c.Load(c.Param("row"), rowSize)
	c.Load(c.Param("src"), column[0])
	c.Load(c.Param("columns"), reg.R14)
	c.Label("group")
	c.Load(c.Param("stride"), out)
	for j := 1; j < n; j++ {
		c.MOVQ(column[j-1], column[j])
		c.MOVQ(column[j-1], rest)
		c.ADDQ(out, rest)
		c.CMPQ(reg.R14, operand.Imm(uint64(j)))
		c.CMOVQGT(rest, column[j])
	}
	c.MOVQ(to, out)
	c.Load(c.Param("k"), rest)
	c.CMPQ(rest, operand.Imm(uint64(n)))
	c.JLT(operand.LabelRef("tail"))
}

// transposeTail generates the last p of a group, one at a time, and the step to the next
// group.
func transposeTail(c *build.Context, n, size int) {
	c.Label("tail")
	c.TESTQ(rest, rest)
	c.JZ(operand.LabelRef("next"))
	c.Label("one")
	for j := range n {
		if size == 8 {
			c.VMOVSD(operand.Mem{Base: column[j]}, xmm[j])
			c.VMOVSD(xmm[j], operand.Mem{Base: out, Disp: size * j})
		} else {
			c.VMOVSS(operand.Mem{Base: column[j]}, xmm[j])
			c.VMOVSS(xmm[j], operand.Mem{Base: out, Disp: size * j})
		}
		c.ADDQ(operand.Imm(uint64(size)), column[j])
	}
	c.ADDQ(rowSize, out)
	c.DECQ(rest)
	c.JNZ(operand.LabelRef("one"))
	c.Label("next")
	c.SUBQ(operand.Imm(uint64(n)), reg.R14)
	c.JLE(operand.LabelRef("done"))
	c.Comment("The next group starts a column after this one's last, k elements back.")
	c.MOVQ(column[n-1], column[0])
	c.Load(c.Param("k"), rest)
	c.SHLQ(operand.Imm(uint64(log2(size))), rest)
	c.SUBQ(rest, column[0])
	c.ADDQ(mem(c.Param("stride")), column[0])
	c.ADDQ(operand.Imm(uint64(n*size)), to)
	c.JMP(operand.LabelRef("group"))
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

// transpose32 turns blocks of 8 columns by 8 elements.
func transpose32(c *build.Context) {
	transposeHead(c, "transposeF32AVX2", "float32", 8, 4)
	c.Label("block")
	// With a..h the columns: Y0 = a0-3 e0-3, Y1 = b0-3 f0-3, ..., Y4 = a4-7 e4-7, ...
	for j := range 4 {
		c.VMOVUPS(operand.Mem{Base: column[j]}, xmm[j])
		c.VINSERTF128(operand.Imm(1), operand.Mem{Base: column[j+4]}, ymm[j], ymm[j])
		c.VMOVUPS(operand.Mem{Base: column[j], Disp: 16}, xmm[j+4])
		c.VINSERTF128(operand.Imm(1), operand.Mem{Base: column[j+4], Disp: 16}, ymm[j+4], ymm[j+4])
	}
	for half := 0; half < 8; half += 4 {
		a, b, d, e := ymm[half], ymm[half+1], ymm[half+2], ymm[half+3]
		ab, ab2, de, de2 := ymm[8], ymm[9], ymm[10], ymm[11]
		c.VUNPCKLPS(b, a, ab)  // a0 b0 a1 b1
		c.VUNPCKHPS(b, a, ab2) // a2 b2 a3 b3
		c.VUNPCKLPS(e, d, de)
		c.VUNPCKHPS(e, d, de2)
		c.VUNPCKLPD(de, ab, ymm[12]) // a0 b0 c0 d0
		c.VUNPCKHPD(de, ab, ymm[13])
		c.VUNPCKLPD(de2, ab2, ymm[14])
		c.VUNPCKHPD(de2, ab2, ymm[15])
		for i := range 4 {
			c.VMOVUPS(ymm[12+i], operand.Mem{Base: out})
			c.ADDQ(rowSize, out)
		}
	}
	for j := range 8 {
		c.ADDQ(operand.Imm(32), column[j])
	}
	c.SUBQ(operand.Imm(8), rest)
	c.CMPQ(rest, operand.Imm(8))
	c.JGE(operand.LabelRef("block"))
	transposeTail(c, 8, 4)
}

// transpose64 turns blocks of 4 columns by 4 elements.
func transpose64(c *build.Context) {
	transposeHead(c, "transposeF64AVX2", "float64", 4, 8)
	c.Label("block")
	for j := range 2 {
		c.VMOVUPD(operand.Mem{Base: column[j]}, xmm[j])
		c.VINSERTF128(operand.Imm(1), operand.Mem{Base: column[j+2]}, ymm[j], ymm[j])
		c.VMOVUPD(operand.Mem{Base: column[j], Disp: 16}, xmm[j+2])
		c.VINSERTF128(operand.Imm(1), operand.Mem{Base: column[j+2], Disp: 16}, ymm[j+2], ymm[j+2])
	}
	for half := 0; half < 4; half += 2 {
		c.VUNPCKLPD(ymm[half+1], ymm[half], ymm[4+half]) // a0 b0 c0 d0
		c.VUNPCKHPD(ymm[half+1], ymm[half], ymm[5+half])
	}
	for i := range 4 {
		c.VMOVUPD(ymm[4+i], operand.Mem{Base: out})
		c.ADDQ(rowSize, out)
	}
	for j := range 4 {
		c.ADDQ(operand.Imm(32), column[j])
	}
	c.SUBQ(operand.Imm(4), rest)
	c.CMPQ(rest, operand.Imm(4))
	c.JGE(operand.LabelRef("block"))
	transposeTail(c, 4, 8)
}
