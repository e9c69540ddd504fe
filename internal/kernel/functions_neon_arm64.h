// The elementary functions of exp.go, log.go and erf.go, operation for operation. Each is a
// macro on fixed registers below 16; the others it leaves alone. What differs between the
// precisions are the numbers, which stand in tables (constants_neon_arm64.s), and the lengths
// of polynomials: neon32_arm64.h and neon64_arm64.h say which macro REDUCED and its like are.

#define rK R20 // the table of the precision
#define K(d, i) LDQ(d, 20, i)

// Where things stand in a table, in vectors.
#define ONE 0
#define TWICE 1 // 2
#define HALF 2
#define SIGN 3 // its bit
#define LOG2E 4
#define LN2HI 5 // of reduced, as the next
#define LN2LO 6
#define EXPMOST 7 // what Exp limits its x to
#define EXPLEAST 8
#define BIAS 9 // of an exponent
#define EXPQ 10 // to 19: see reduced
#define LOG1PR 20 // to 30: see log1pUnit
#define EXPM1LEAST 31 // where Expm1 is -1
#define TWENTY 32
#define MINUS746 33
#define MINUSINF 34
#define SQRT2 35
#define BIASNUMBER 36 // BIAS as a number
#define MANTISSA 37 // its bits
#define LOGR 38 // to 48, from the highest power down: see Log
#define LOGLN2LO 49
#define ERFCENTRE 50 // to 61, from the highest power down: see erfCenter
#define ERFTAIL 62 // to 80, from the highest power down: see erfcTail
#define ERFSHIFT 81
#define ERFMOST 82 // beyond which erfcTail is 0
#define DENSITY0 83 // 1/√(2π)

// d = c[i+1]*x + c[i] and d = s*x + c[i].
#define PAIR(d, t, x, i) K(d, i); K(t, i+1); FMLA(d, t, x)
#define HORNER(d, s, x, i) K(d, i); FMLA(d, s, x)

// V7 = estrin5(V5, V6, c[i], ...), with 1 and 8; the longer ones use 2 and 9 too.
#define ESTRIN5(i) \
	PAIR(1, 8, 5, i+2) \
	K(8, i+4)          \
	FMLA(1, 8, 6)      \
	PAIR(7, 8, 5, i)   \
	FMLA(7, 1, 6)

#define ESTRIN10(i) \
	FMUL(9, 6, 6)      \
	PAIR(1, 8, 5, i+4) \
	PAIR(2, 8, 5, i+6) \
	FMLA(1, 2, 6)      \
	PAIR(2, 8, 5, i+8) \
	FMLA(1, 2, 9)      \
	PAIR(7, 8, 5, i)   \
	PAIR(2, 8, 5, i+2) \
	FMLA(7, 2, 6)      \
	FMLA(7, 1, 9)

#define ESTRIN11(i) \
	FMUL(9, 6, 6)      \
	PAIR(1, 8, 5, i+4) \
	PAIR(2, 8, 5, i+6) \
	FMLA(1, 2, 6)      \
	PAIR(2, 8, 5, i+8) \
	K(8, i+10)         \
	FMLA(2, 8, 6)      \
	FMLA(1, 2, 9)      \
	PAIR(7, 8, 5, i)   \
	PAIR(2, 8, 5, i+2) \
	FMLA(7, 2, 6)      \
	FMLA(7, 1, 9)

// V0, V3 = e, n = reduced(V0), with 1 to 9.
#define REDUCED32 \
	K(1, LOG2E)   \
	FMUL(3, 0, 1) \
	FRINTN(3, 3)  \
	K(1, LN2HI)   \
	FMLS(0, 3, 1) \
	K(1, LN2LO)   \
	FMUL(4, 3, 1) \
	FADD(5, 0, 4) \
	FMUL(6, 5, 5) \
	ESTRIN5(EXPQ) \
	FMLA(4, 6, 7) \
	FADD(0, 0, 4)

#define REDUCED64 \
	K(1, LOG2E)    \
	FMUL(3, 0, 1)  \
	FRINTN(3, 3)   \
	K(1, LN2HI)    \
	FMLS(0, 3, 1)  \
	K(1, LN2LO)    \
	FMLS(0, 3, 1)  \
	COPY(5, 0)     \
	FMUL(6, 5, 5)  \
	ESTRIN10(EXPQ) \
	FMLA(0, 6, 7)

// V3 = pow2(V3), with 1.
#define POW2 \
	FCVTZS(3, 3)        \
	K(1, BIAS)          \
	ADDI(3, 3, 1)       \
	SHL(3, 3, FRACTION)

// V0 = Exp(V0), with 1 to 9. EXPBELOW is for a V0 that is not above the range.
#define EXP \
	K(1, EXPMOST) \
	FMIN(0, 0, 1) \
	EXPBELOW

#define EXPBELOW \
	K(1, EXPLEAST)      \
	FMAX(0, 0, 1)       \
	REDUCED             \
	K(1, ONE)           \
	FADD(0, 0, 1)       \
	FCVTZS(3, 3)        \
	SSHR(4, 3, 1)       \
	SUBI(3, 3, 4)       \
	K(1, BIAS)          \
	ADDI(4, 4, 1)       \
	ADDI(3, 3, 1)       \
	SHL(4, 4, FRACTION) \
	SHL(3, 3, FRACTION) \
	FMUL(0, 0, 4)       \
	FMUL(0, 0, 3)

// V0 = expm1(V0), with 1 to 9.
#define EXPM1 \
	REDUCED       \
	POW2          \
	K(1, ONE)     \
	FSUB(4, 3, 1) \
	FMLA(4, 3, 0) \
	COPY(0, 4)

// V0 = Sigmoid(V0), with 1 to 10.
#define SIGMOID \
	COPY(10, 0)            \
	K(1, SIGN)             \
	ORRV(0, 0, 1)          \
	EXPBELOW               \
	K(1, ONE)              \
	FADD(2, 0, 1)          \
	SSHR(10, 10, (BITS-1)) \
	BIF(0, 1, 10)          \
	FDIV(0, 0, 2)

// V0 = Tanh(V0), with 1 to 10.
#define TANH \
	COPY(10, 0)   \
	FABS(0, 0)    \
	K(1, TWENTY)  \
	FMIN(0, 0, 1) \
	FADD(0, 0, 0) \
	FNEG(0, 0)    \
	REDUCED       \
	POW2          \
	K(1, ONE)     \
	FSUB(4, 1, 3) \
	FMLS(4, 3, 0) \
	FADD(5, 1, 3) \
	FMLA(5, 3, 0) \
	FDIV(0, 4, 5) \
	K(1, SIGN)    \
	BIT(0, 10, 1)

// V0 = log1pUnit(V0), with 1 to 9.
#define LOG1PUNIT \
	K(1, TWICE)   \
	FADD(2, 0, 1) \
	FDIV(3, 0, 2) \
	FMUL(5, 3, 3) \
	FMUL(6, 5, 5) \
	LOG1PPOLY     \
	COPY(1, 0)    \
	FMLS(1, 5, 7) \
	FMLS(0, 3, 1)

// V0 = Softplus(V0), with 1 to 10.
#define SOFTPLUS \
	COPY(10, 0)    \
	K(1, SIGN)     \
	ORRV(0, 0, 1)  \
	EXPBELOW       \
	LOG1PUNIT      \
	ZERO(1)        \
	FMAX(1, 10, 1) \
	FADD(0, 1, 0)

// V0, V2, V3 = e, n, m = mishParts(V0) for a V0 of at most 20, with 1 to 9.
#define MISHPARTS \
	EXPBELOW      \
	K(1, TWICE)   \
	FADD(2, 0, 1) \
	FMUL(2, 0, 2) \
	FADD(3, 2, 1)

// V0 = Log(V0) for a positive normal number or NaN, with 1 to 8.
#define LOGNORMAL \
	USHR(1, 0, FRACTION) \
	SCVTF(1, 1)          \
	K(2, BIASNUMBER)     \
	FSUB(1, 1, 2)        \
	K(2, MANTISSA)       \
	ANDV(3, 0, 2)        \
	K(4, ONE)            \
	ORRV(3, 3, 4)        \
	K(2, SQRT2)          \
	FCMGT(5, 3, 2)       \
	FADD(6, 1, 4)        \
	BIT(1, 6, 5)         \
	K(7, HALF)           \
	FMUL(6, 3, 7)        \
	BIT(3, 6, 5)         \
	FSUB(3, 3, 4)        \
	K(2, TWICE)          \
	FADD(2, 3, 2)        \
	FDIV(2, 3, 2)        \
	FMUL(4, 2, 2)        \
	LOGPOLY              \
	FMUL(5, 5, 4)        \
	FMUL(6, 3, 3)        \
	FMUL(6, 6, 7)        \
	FADD(5, 6, 5)        \
	K(8, LOGLN2LO)       \
	FMUL(8, 1, 8)        \
	FMLA(8, 2, 5)        \
	FSUB(6, 6, 8)        \
	FSUB(6, 3, 6)        \
	K(8, LN2HI)          \
	FMLA(6, 1, 8)        \
	FCMEQ(8, 0, 0)       \
	BIT(0, 6, 8)
// V5 is the polynomial of V4.
#define LOGPOLY32 \
	K(5, LOGR)              \
	HORNER(6, 5, 4, LOGR+1) \
	HORNER(5, 6, 4, LOGR+2) \
	HORNER(6, 5, 4, LOGR+3) \
	HORNER(5, 6, 4, LOGR+4)

#define LOGPOLY64 \
	K(5, LOGR)               \
	HORNER(6, 5, 4, LOGR+1)  \
	HORNER(5, 6, 4, LOGR+2)  \
	HORNER(6, 5, 4, LOGR+3)  \
	HORNER(5, 6, 4, LOGR+4)  \
	HORNER(6, 5, 4, LOGR+5)  \
	HORNER(5, 6, 4, LOGR+6)  \
	HORNER(6, 5, 4, LOGR+7)  \
	HORNER(5, 6, 4, LOGR+8)  \
	HORNER(6, 5, 4, LOGR+9)  \
	HORNER(5, 6, 4, LOGR+10)

// V0 = normalCDF(V0), with 1 to 15: both of Erfc's branches and a choice.
#define NORMALCDF \
	FNEG(0, 0)            \
	K(1, SQRT2)           \
	FDIV(14, 0, 1)        \
	FMUL(1, 14, 14)       \
	CENTREPOLY            \
	COPY(3, 14)           \
	FMLA(3, 14, 2)        \
	K(1, ONE)             \
	FSUB(13, 1, 3)        \
	FABS(12, 14)          \
	K(1, ERFMOST)         \
	FMIN(11, 12, 1)       \
	K(1, ERFSHIFT)        \
	FSUB(2, 11, 1)        \
	FADD(3, 11, 1)        \
	FDIV(1, 2, 3)         \
	TAILPOLY              \
	FMUL(0, 11, 11)       \
	FNEG(0, 0)            \
	COPY(15, 0)           \
	FMLA(15, 11, 11)      \
	EXPBELOW              \
	COPY(1, 0)            \
	FMLS(1, 0, 15)        \
	FMUL(1, 1, 10)        \
	K(2, ONE)             \
	K(3, TWICE)           \
	FMLA(2, 3, 11)        \
	FDIV(1, 1, 2)         \
	FSUB(2, 3, 1)         \
	SSHR(4, 14, (BITS-1)) \
	BIF(2, 1, 4)          \
	K(1, ONE)             \
	FCMGT(1, 12, 1)       \
	COPY(0, 13)           \
	BIT(0, 2, 1)          \
	K(1, HALF)            \
	FMUL(0, 0, 1)
// V2 is the polynomial of V1, V10 the other one.
#define CENTREPOLY32 \
	K(2, ERFCENTRE)              \
	HORNER(3, 2, 1, ERFCENTRE+1) \
	HORNER(2, 3, 1, ERFCENTRE+2) \
	HORNER(3, 2, 1, ERFCENTRE+3) \
	HORNER(2, 3, 1, ERFCENTRE+4) \
	HORNER(3, 2, 1, ERFCENTRE+5) \
	HORNER(2, 3, 1, ERFCENTRE+6)

#define CENTREPOLY64 \
	K(3, ERFCENTRE)               \
	HORNER(2, 3, 1, ERFCENTRE+1)  \
	HORNER(3, 2, 1, ERFCENTRE+2)  \
	HORNER(2, 3, 1, ERFCENTRE+3)  \
	HORNER(3, 2, 1, ERFCENTRE+4)  \
	HORNER(2, 3, 1, ERFCENTRE+5)  \
	HORNER(3, 2, 1, ERFCENTRE+6)  \
	HORNER(2, 3, 1, ERFCENTRE+7)  \
	HORNER(3, 2, 1, ERFCENTRE+8)  \
	HORNER(2, 3, 1, ERFCENTRE+9)  \
	HORNER(3, 2, 1, ERFCENTRE+10) \
	HORNER(2, 3, 1, ERFCENTRE+11)

#define TAILPOLY32 \
	K(3, ERFTAIL)               \
	HORNER(10, 3, 1, ERFTAIL+1) \
	HORNER(3, 10, 1, ERFTAIL+2) \
	HORNER(10, 3, 1, ERFTAIL+3) \
	HORNER(3, 10, 1, ERFTAIL+4) \
	HORNER(10, 3, 1, ERFTAIL+5) \
	HORNER(3, 10, 1, ERFTAIL+6) \
	HORNER(10, 3, 1, ERFTAIL+7)

#define TAILPOLY64 \
	K(10, ERFTAIL)               \
	HORNER(3, 10, 1, ERFTAIL+1)  \
	HORNER(10, 3, 1, ERFTAIL+2)  \
	HORNER(3, 10, 1, ERFTAIL+3)  \
	HORNER(10, 3, 1, ERFTAIL+4)  \
	HORNER(3, 10, 1, ERFTAIL+5)  \
	HORNER(10, 3, 1, ERFTAIL+6)  \
	HORNER(3, 10, 1, ERFTAIL+7)  \
	HORNER(10, 3, 1, ERFTAIL+8)  \
	HORNER(3, 10, 1, ERFTAIL+9)  \
	HORNER(10, 3, 1, ERFTAIL+10) \
	HORNER(3, 10, 1, ERFTAIL+11) \
	HORNER(10, 3, 1, ERFTAIL+12) \
	HORNER(3, 10, 1, ERFTAIL+13) \
	HORNER(10, 3, 1, ERFTAIL+14) \
	HORNER(3, 10, 1, ERFTAIL+15) \
	HORNER(10, 3, 1, ERFTAIL+16) \
	HORNER(3, 10, 1, ERFTAIL+17) \
	HORNER(10, 3, 1, ERFTAIL+18)
