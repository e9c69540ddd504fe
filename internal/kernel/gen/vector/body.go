package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// target is one instruction set in one precision: size is 4 for float32, 8 for float64.
type target struct {
	avx512 bool
	size   int
	narrow bool // four elements in a vector, whatever their size
}

func (t target) bytes() int {
	if t.narrow {
		return 4 * t.size
	}
	if t.avx512 {
		return 64
	}
	return 32
}
func (t target) lanes() int { return t.bytes() / t.size }

func (t target) float() string { return fmt.Sprintf("float%d", 8*t.size) }

func (t target) String() string {
	if t.avx512 {
		return fmt.Sprintf("%dAVX512", 8*t.size)
	}
	return fmt.Sprintf("%dAVX2", 8*t.size)
}

// body is one straight line of vector operations. Its methods record them, in static single
// assignment; emit writes them out, and overwrites an operand at its last use. A formula is written once and serves both
// instruction sets and both precisions.
type body struct {
	target
	c    *build.Context
	pool *pool
	line []*value
}

// value is what an operation yields: a vector, or a mask of lanes.
type value struct {
	op     string
	args   []*value
	imm    uint64
	access func(v reg.VecVirtual) // of a load or store
	uses   int                    // left
	pinned bool                   // in a register for longer than the body
	reg    reg.VecVirtual
	mask   reg.OpmaskVirtual // of a comparison on AVX-512
}

func (b *body) do(op string, args ...*value) *value {
	v := &value{op: op, args: args}
	b.line = append(b.line, v)
	return v
}

// k is a constant, rounded to the precision.
func (b *body) k(x float64) *value {
	if b.size == 8 {
		return b.bits(math.Float64bits(x))
	}
	return b.bits(uint64(math.Float32bits(float32(x))))
}

func (b *body) bits(x uint64) *value { return &value{op: "const", imm: x} }

func (b *body) signBit() *value { return b.bits(1 << (8*b.size - 1)) }

func (b *body) add(x, y *value) *value { return b.do("ADD", x, y) }
func (b *body) sub(x, y *value) *value { return b.do("SUB", x, y) }
func (b *body) mul(x, y *value) *value { return b.do("MUL", x, y) }
func (b *body) div(x, y *value) *value { return b.do("DIV", x, y) }

// min and max return x if x is NaN.
func (b *body) min(x, limit *value) *value { return b.do("MIN", limit, x) }
func (b *body) max(x, limit *value) *value { return b.do("MAX", limit, x) }

func (b *body) and(x, y *value) *value   { return b.do("AND", x, y) }
func (b *body) or(x, y *value) *value    { return b.do("OR", x, y) }
func (b *body) xor(x, y *value) *value   { return b.do("XOR", x, y) }
func (b *body) sqrt(x *value) *value     { return b.do("SQRT", x) }
func (b *body) round(x *value) *value    { return b.do("round", x) }
func (b *body) neg(x *value) *value      { return b.xor(x, b.signBit()) }
func (b *body) abs(x *value) *value      { return b.and(x, b.bits(1<<(8*b.size-1)-1)) }
func (b *body) negAbs(x *value) *value   { return b.or(x, b.signBit()) }
func (b *body) signOf(x *value) *value   { return b.and(x, b.signBit()) }
func (b *body) scale(x, n *value) *value { return b.do("scale", x, n) }

// pow2 is 2^n, exact, for an n in the normal range.
func (b *body) pow2(n *value) *value { return b.do("pow2", n) }

// fma is x*y + z, fnma is z - x*y.
func (b *body) fma(x, y, z *value) *value  { return b.do("FMADD", x, y, z) }
func (b *body) fnma(x, y, z *value) *value { return b.do("FNMADD", x, y, z) }

// greater is the mask of x > y, negative that of the sign bit, unordered that of NaN.
func (b *body) greater(x, y *value) *value {
	v := b.do("compare", x, y)
	v.imm = 0x1e
	return v
}
func (b *body) unordered(x *value) *value {
	v := b.do("compare", x, x)
	v.imm = 3
	return v
}
func (b *body) negative(x *value) *value { return b.do("negative", x) }

// choose is yes where the mask is set, else no; only is yes where it is set, else 0.
func (b *body) choose(mask, yes, no *value) *value { return b.do("choose", mask, yes, no) }
func (b *body) only(mask, yes *value) *value       { return b.do("only", mask, yes) }

// exponent and mantissa split a positive normal x into 2^n·m with m in [1, 2): exponent is n as a number, and mantissa is m.
func (b *body) exponent(x *value) *value { return b.do("exponent", x) }
func (b *body) mantissa(x *value) *value { return b.do("mantissa", x) }

// pool is the constants of a file. Each one fills 32 bytes, so that AVX2 can take it as an operand. AVX-512 broadcasts its
// first element.
type pool struct {
	c     *build.Context
	known map[string]operand.Mem
}

func (p *pool) get(size int, bits uint64) operand.Mem {
	name := fmt.Sprintf("k%d_%x", 8*size, bits)
	m, ok := p.known[name]
	if !ok {
		m = p.c.StaticGlobal(name)
		p.c.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := 0; i < 32; i += size {
			if size == 4 {
				p.c.AddDatum(i, operand.U32(bits))
			} else {
				p.c.AddDatum(i, operand.U64(bits))
			}
		}
		p.known[name] = m
	}
	return m
}

// tails is 32 bytes of ones and 32 of zeros: read from byte 32-k, it masks the first k bytes.
func (p *pool) tails() operand.Mem {
	m, ok := p.known["tails"]
	if !ok {
		m = p.c.StaticGlobal("tails")
		p.c.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := 0; i < 64; i += 8 {
			ones := ^uint64(0)
			if i >= 32 {
				ones = 0
			}
			p.c.AddDatum(i, operand.U64(ones))
		}
		p.known["tails"] = m
	}
	return m
}

// emit writes the operations out.
func (b *body) emit() {
	for _, v := range b.line {
		for _, a := range v.args {
			a.uses++
		}
	}
	for _, v := range b.line {
		b.one(v)
	}
	b.line = nil
}

func (b *body) vec() reg.VecVirtual {
	if b.narrow && b.size == 4 {
		return b.c.XMM()
	}
	if b.narrow {
		return b.c.YMM()
	}
	if b.avx512 {
		return b.c.ZMM()
	}
	return b.c.YMM()
}

// dies reports whether v, which the operation at hand uses n times, is not needed after it.
func (v *value) dies(n int) bool { return v.op != "const" && !v.pinned && v.uses == n }

// in returns v in a register.
func (b *body) in(v *value) reg.VecVirtual {
	if v.op != "const" {
		return v.reg
	}
	r := b.vec()
	b.load(v, r)
	return r
}

func (b *body) load(v *value, r reg.VecVirtual) {
	m := b.pool.get(b.size, v.imm)
	switch {
	case b.avx512 && b.size == 4:
		b.c.VBROADCASTSS(m, r)
	case b.avx512:
		b.c.VBROADCASTSD(m, r)
	default:
		b.c.VMOVUPS(m, r)
	}
}

// own returns v in a register that may be written to: its own if it dies here.
func (b *body) own(v *value, n int) reg.VecVirtual {
	if v.dies(n) {
		return v.reg
	}
	r := b.vec()
	if v.op == "const" {
		b.load(v, r)
	} else {
		b.c.VMOVAPS(v.reg, r)
	}
	return r
}

// instruction returns the instruction of that stem for the precision, with a constant's
// memory (broadcast on AVX-512) or v's register as its first operand.
func (b *body) instruction(stem string, v *value) (func(...operand.Op), operand.Op) {
	i := 0
	if b.size == 8 {
		i = 1
	}
	if v.op != "const" {
		return instructions(b.c)[stem][i], v.reg
	}
	m := b.pool.get(b.size, v.imm)
	if b.avx512 {
		i += 2
	}
	return instructions(b.c)[stem][i], m
}

// instructions are the forms of each stem: PS, PD, and both with a broadcast operand.
func instructions(c *build.Context) map[string][4]func(...operand.Op) {
	return map[string][4]func(...operand.Op){
		"ADD":       {c.VADDPS, c.VADDPD, c.VADDPS_BCST, c.VADDPD_BCST},
		"SUB":       {c.VSUBPS, c.VSUBPD, c.VSUBPS_BCST, c.VSUBPD_BCST},
		"MUL":       {c.VMULPS, c.VMULPD, c.VMULPS_BCST, c.VMULPD_BCST},
		"DIV":       {c.VDIVPS, c.VDIVPD, c.VDIVPS_BCST, c.VDIVPD_BCST},
		"MIN":       {c.VMINPS, c.VMINPD, c.VMINPS_BCST, c.VMINPD_BCST},
		"MAX":       {c.VMAXPS, c.VMAXPD, c.VMAXPS_BCST, c.VMAXPD_BCST},
		"AND":       {c.VANDPS, c.VANDPD, c.VANDPS_BCST, c.VANDPD_BCST},
		"OR":        {c.VORPS, c.VORPD, c.VORPS_BCST, c.VORPD_BCST},
		"XOR":       {c.VXORPS, c.VXORPD, c.VXORPS_BCST, c.VXORPD_BCST},
		"SQRT":      {c.VSQRTPS, c.VSQRTPD, c.VSQRTPS_BCST, c.VSQRTPD_BCST},
		"FMADD132":  {c.VFMADD132PS, c.VFMADD132PD, c.VFMADD132PS_BCST, c.VFMADD132PD_BCST},
		"FMADD213":  {c.VFMADD213PS, c.VFMADD213PD, c.VFMADD213PS_BCST, c.VFMADD213PD_BCST},
		"FMADD231":  {c.VFMADD231PS, c.VFMADD231PD, c.VFMADD231PS_BCST, c.VFMADD231PD_BCST},
		"FNMADD132": {c.VFNMADD132PS, c.VFNMADD132PD, c.VFNMADD132PS_BCST, c.VFNMADD132PD_BCST},
		"FNMADD213": {c.VFNMADD213PS, c.VFNMADD213PD, c.VFNMADD213PS_BCST, c.VFNMADD213PD_BCST},
		"FNMADD231": {c.VFNMADD231PS, c.VFNMADD231PD, c.VFNMADD231PS_BCST, c.VFNMADD231PD_BCST},
	}
}
