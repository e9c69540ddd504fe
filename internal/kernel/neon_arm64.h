// Vector instructions as words: those of floating point Go's assembler does not know, and a
// register that a macro computes it cannot name. Operands are the registers' numbers, in the
// order of Arm's manual: FSUB(0, 1, 2) is FSUB V0, V1, V2, that is V0 = V1 - V2.
//
// The text is the same for both precisions: neon32_arm64.h and neon64_arm64.h say which it is.
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

// Whole numbers and bits.
#define ADDI(d, n, m) THREE(0x4EA08400|DOUBLE, d, n, m)
#define SUBI(d, n, m) THREE(0x6EA08400|DOUBLE, d, n, m)
#define ANDV(d, n, m) THREE(0x4E201C00, d, n, m)
#define BICV(d, n, m) THREE(0x4E601C00, d, n, m) // d = n &^ m
#define ORRV(d, n, m) THREE(0x4EA01C00, d, n, m)
#define COPY(d, n) ORRV(d, n, n)

// Bits of n into d where those of m are ones (BIT) or zeros (BIF).
#define BIT(d, n, m) THREE(0x6EA01C00, d, n, m)
#define BIF(d, n, m) THREE(0x6EE01C00, d, n, m)

// d = n << s, n >> s with the sign, n >> s.
#define SHL(d, n, s) TWO(0x4F005400|(BITS+s)<<16, d, n)
#define SSHR(d, n, s) TWO(0x4F000400|(2*BITS-s)<<16, d, n)
#define USHR(d, n, s) TWO(0x6F000400|(2*BITS-s)<<16, d, n)

// Masks, of ones where it is so: n > m, n == m, n > 0, n <= 0, n == 0. None is so for NaN.
#define FCMGT(d, n, m) THREE(0x6EA0E400|DOUBLE, d, n, m)
#define FCMEQ(d, n, m) THREE(0x4E20E400|DOUBLE, d, n, m)
#define FCMGT0(d, n) TWO(0x4EA0C800|DOUBLE, d, n)
#define FCMLE0(d, n) TWO(0x6EA0D800|DOUBLE, d, n)
#define FCMEQ0(d, n) TWO(0x4EA0D800|DOUBLE, d, n)

#define FSQRT(d, n) TWO(0x6EA1F800|DOUBLE, d, n)
#define FABS(d, n) TWO(0x4EA0F800|DOUBLE, d, n)
#define FNEG(d, n) TWO(0x6EA0F800|DOUBLE, d, n)
#define FRINTN(d, n) TWO(0x4E218800|DOUBLE, d, n) // to the nearest whole number, ties to even
#define FCVTZS(d, n) TWO(0x4EA1B800|DOUBLE, d, n) // to an integer; NaN gives 0
#define SCVTF(d, n) TWO(0x4E21D800|DOUBLE, d, n)  // from an integer

// float64 whatever the precision: d = n + m, d = n*m, d = d + n*m, and the lower or upper two of
// four float32.
#define FADD64(d, n, m) THREE(0x4E60D400, d, n, m)
#define FMUL64(d, n, m) THREE(0x6E60DC00, d, n, m)
#define FMLA64(d, n, m) THREE(0x4E60CC00, d, n, m)
#define FCVTL(d, n) TWO(0x0E617800, d, n)
#define FCVTL2(d, n) TWO(0x4E617800, d, n)

// d = n, b bytes further on in a circle.
#define TURN(d, n, b) THREE(0x6E000000|(b)<<11, d, n, n)
