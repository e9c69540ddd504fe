// Vector instructions as words: those of floating point Go's assembler does not know, and a
// register that a macro computes it cannot name. Operands are the registers' numbers, in the
// order of Arm's manual: FSUB(0, 1, 2) is FSUB V0, V1, V2, that is V0 = V1 - V2.
//
// The text is the same for both precisions. What a file includes this header with says
// which it is:
//
//	           float32 (4S)   float64 (2D)
//	DOUBLE     0              1<<22          the bit of nearly all instructions that tells them apart
//	BITS       32             64             of an element
//
// Words are taken from the sections "Advanced SIMD three same", "two-register miscellaneous",
// "shift by immediate" and so on of the Arm Architecture Reference Manual, C4; bit 30 asks for
// all 128 bits, Rm stands at 16, Rn at 5, Rd at 0.

#define THREE(base, d, n, m) WORD $((base) | (m)<<16 | (n)<<5 | (d))
#define TWO(base, d, n) WORD $((base) | (n)<<5 | (d))

// d = n op m
#define FADD(d, n, m) THREE(0x4E20D400|DOUBLE, d, n, m)
#define FSUB(d, n, m) THREE(0x4EA0D400|DOUBLE, d, n, m)
#define FMUL(d, n, m) THREE(0x6E20DC00|DOUBLE, d, n, m)
#define FDIV(d, n, m) THREE(0x6E20FC00|DOUBLE, d, n, m)

// NaN if n or m is one.
#define FMAX(d, n, m) THREE(0x4E20F400|DOUBLE, d, n, m)
#define FMIN(d, n, m) THREE(0x4EA0F400|DOUBLE, d, n, m)

// d = d + n*m and d = d - n*m, rounded once; FMLA0 takes element 0 of m for all lanes.
#define FMLA(d, n, m) THREE(0x4E20CC00|DOUBLE, d, n, m)
#define FMLS(d, n, m) THREE(0x4EA0CC00|DOUBLE, d, n, m)
#define FMLA0(d, n, m) THREE(0x4F801000|DOUBLE, d, n, m)

// d = 0
#define ZERO(d) WORD $(0x6F00E400 | (d))

// Memory: the register at address n, or at n plus m, or at n plus 16*i.
#define LDQ(d, n, i) TWO(0x3DC00000|(i)<<10, d, n)
#define STQ(d, n, i) TWO(0x3D800000|(i)<<10, d, n)
#define LDQX(d, n, m) THREE(0x3CE06800, d, n, m)
#define STQX(d, n, m) THREE(0x3CA06800, d, n, m)
