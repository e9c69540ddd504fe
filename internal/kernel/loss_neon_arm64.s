//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "functions_neon_arm64.h"

// The kernels that sum: losses, softmax and the search for numbers that are not finite. A sum
// has 16 lanes, to which the elements go in turn.

#define rCOLS R4
#define rSUMS R7
#define rN    R11 // elements to come

// PASS goes over rN elements and the 16 lanes of sums that memory has at rSUMS. Groups of 16
// elements are added to V16 and the following, then what is left to the sums in memory, one
// element at a time in lane 0. KERNEL makes V0 what is summed; ADD(s) adds it to V(s).
#define PASS(groups, rest, elements, done, LOAD, KERNEL, STORE, GROUP, ADD, movsum, sumsize) \
	SUBS $16, rN                    \
	BLT  rest                       \
	FLDPQ (rSUMS), (F16, F17)       \
	FLDPQ 32(rSUMS), (F18, F19)     \
	FLDPQ 64(rSUMS), (F20, F21)     \
	FLDPQ 96(rSUMS), (F22, F23)     \
groups:                                 \
	GROUP(LOAD, KERNEL, STORE, ADD) \
	SUBS $16, rN                    \
	BGE  groups                     \
	FSTPQ (F16, F17), (rSUMS)       \
	FSTPQ (F18, F19), 32(rSUMS)     \
	FSTPQ (F20, F21), 64(rSUMS)     \
	FSTPQ (F22, F23), 96(rSUMS)     \
rest:                                   \
	ADDS $16, rN                    \
	BEQ  done                       \
elements:                               \
	LOAD(FMOV, SIZE)                \
	KERNEL                          \
	STORE(FMOV, SIZE)               \
	movsum (rSUMS), F16             \
	ADD(16)                         \
	movsum.P F16, sumsize(rSUMS)    \
	SUBS $1, rN                     \
	BNE  elements                   \
done:

// A group: four vectors of float32 whose sums have as many registers, or twice as many because
// they are float64, or eight vectors of float64.
#define GROUP4(LOAD, KERNEL, STORE, ADD) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 16) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 17) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 18) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 19)

#define GROUP4WIDE(LOAD, KERNEL, STORE, ADD) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 16) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 18) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 20) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 22)

#define GROUP8(LOAD, KERNEL, STORE, ADD) \
	GROUP4(LOAD, KERNEL, STORE, ADD)     \
	VECTOR(LOAD, KERNEL, STORE, ADD, 20) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 21) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 22) \
	VECTOR(LOAD, KERNEL, STORE, ADD, 23)

#define VECTOR(LOAD, KERNEL, STORE, ADD, s) LOAD(FMOVQ, 16); KERNEL; STORE(FMOVQ, 16); ADD(s)

// What is added: V0, or its square, to sums of float64 or of its own precision.
#define ADDSAME(s) FADD(s, s, 0)
#define ADDWIDE(s) FCVTL(1, 0); FADD64(s, s, 1); FCVTL2(1, 0); FADD64(s+1, s+1, 1)
#define SQUARESAME(s) FMLA(s, 0, 0)
#define SQUAREWIDE(s) FCVTL(1, 0); FMLA64(s, 1, 1); FCVTL2(1, 0); FMLA64(s+1, 1, 1)

#define NOTHING
#define NOSTORE(mov, size)

// A pass over all elements at once.
#define FLAT(ARGS, LOAD, KERNEL, STORE, ADD) \
	ARGS                                                                              \
	MOVD $CONSTANTS, rK                                                               \
	PASS(groups, rest, elements, done, LOAD, KERNEL, STORE, LOSSGROUP, ADD, FMOVD, 8) \
	RET

#define ARGS_SQUARED \
	MOVD sum+0(FP), rSUMS \
	MOVD y+8(FP), R0      \
	MOVD a+16(FP), R1     \
	MOVD cols+24(FP), rN

#define LOAD_YA(mov, size) mov.P size(R0), F1; mov.P size(R1), F0
#define SQUARED FLAT(ARGS_SQUARED, LOAD_YA, DIFFERENCE, NOSTORE, SQUARELOSS)
#define DIFFERENCE FSUB(0, 0, 1)

#define ARGS_SQUAREDDELTA \
	MOVD sum+0(FP), rSUMS   \
	MOVD y+8(FP), R0        \
	MOVD a+16(FP), R1       \
	MOVD delta+24(FP), R2   \
	MOVD cols+32(FP), rN    \
	FMOV factor+40(FP), F28 \
	DUP0(28, 28)

#define SQUAREDDELTA FLAT(ARGS_SQUAREDDELTA, LOAD_YA, DIFFERENCEDELTA, STORE_D, SQUARELOSS)
#define DIFFERENCEDELTA FSUB(0, 0, 1); FMUL(13, 0, 28)
#define STORE_D(mov, size) mov.P F13, size(R2)

#define ARGS_NOTFINITE MOVD sum+0(FP), rSUMS; MOVD x+8(FP), R0; MOVD cols+16(FP), rN
#define LOAD_X(mov, size) mov.P size(R0), F0
#define NOTFINITE FLAT(ARGS_NOTFINITE, LOAD_X, MINUSITSELF, NOSTORE, ADDLOSS)
#define MINUSITSELF FSUB(0, 0, 0)

#define ARGS_BINARY MOVD sum+0(FP), rSUMS; MOVD y+8(FP), R0; MOVD z+16(FP), R1; MOVD cols+24(FP), rN
#define LOAD_YZ(mov, size) mov.P size(R0), F11; mov.P size(R1), F0
#define BINARYCROSSENTROPY FLAT(ARGS_BINARY, LOAD_YZ, BINARY, NOSTORE, ADDLOSS)

#define BINARY \
	COPY(10, 0)     \
	K(1, SIGN)      \
	ORRV(0, 0, 1)   \
	EXPBELOW        \
	LOG1PUNIT       \
	ZERO(1)         \
	FMAX(1, 10, 1)  \
	FMLS(1, 10, 11) \
	FADD(0, 1, 0)

#define ARGS_BINARYDELTA \
	MOVD sum+0(FP), rSUMS   \
	MOVD y+8(FP), R0        \
	MOVD z+16(FP), R1       \
	MOVD a+24(FP), R3       \
	MOVD delta+32(FP), R2   \
	MOVD cols+40(FP), rN    \
	FMOV factor+48(FP), F28 \
	DUP0(28, 28)

#define LOAD_YZA(mov, size) LOAD_YZ(mov, size); mov.P size(R3), F12
#define BINARYCROSSENTROPYDELTA FLAT(ARGS_BINARYDELTA, LOAD_YZA, BINARYDELTA, STORE_D, ADDLOSS)
#define BINARYDELTA BINARY; FSUB(13, 12, 11); FMUL(13, 13, 28)

// V0, in all lanes, is the greatest of cols elements at R10.
#define GREATEST(vectors, rest, elements, done) \
	MOVD rCOLS, rN       \
	K(0, MINUSINF)       \
	SUBS $LANES, rN      \
	BLT  rest            \
vectors:                     \
	FMOVQ.P 16(R10), F1  \
	FMAX(0, 0, 1)        \
	SUBS $LANES, rN      \
	BGE  vectors         \
	FOLD(FMAX)           \
rest:                        \
	ADDS $LANES, rN      \
	BEQ  done            \
elements:                    \
	FMOV.P SIZE(R10), F1 \
	DUP0(1, 1)           \
	FMAX(0, 0, 1)        \
	SUBS $1, rN          \
	BNE  elements        \
done:

// V0 OP V0 of other lanes, in a tree: lane l and l+2 (of four), then l+1.
#define FOLD4(OP) TURN(1, 0, 8); OP(0, 0, 1); TURN(1, 0, 4); OP(0, 0, 1)
#define FOLD2(OP) TURN(1, 0, 8); OP(0, 0, 1)

// V0, in all lanes, is sumOf the 16 lanes at rSUMS.
#define SUMOF32 \
	FLDPQ (rSUMS), (F16, F17)   \
	FLDPQ 32(rSUMS), (F18, F19) \
	FADD(16, 16, 18)            \
	FADD(17, 17, 19)            \
	FADD(0, 16, 17)             \
	FOLD(FADD)

#define SUMOF64 \
	FLDPQ (rSUMS), (F16, F17)   \
	FLDPQ 32(rSUMS), (F18, F19) \
	FLDPQ 64(rSUMS), (F20, F21) \
	FLDPQ 96(rSUMS), (F22, F23) \
	FADD(16, 16, 20)            \
	FADD(17, 17, 21)            \
	FADD(18, 18, 22)            \
	FADD(19, 19, 23)            \
	FADD(16, 16, 18)            \
	FADD(17, 17, 19)            \
	FADD(0, 16, 17)             \
	FOLD(FADD)

// 16 lanes of zeros in the frame.
#define NEWSUMS \
	MOVD $sums-128(SP), rSUMS   \
	ZERO(16)                    \
	FSTPQ (F16, F16), (rSUMS)   \
	FSTPQ (F16, F16), 32(rSUMS) \
	FSTPQ (F16, F16), 64(rSUMS) \
	FSTPQ (F16, F16), 96(rSUMS)

// softmax: R0 and R1 go on through dst and src.
#define SOFTMAX \
	MOVD dst+0(FP), R0                                                                                        \
	MOVD src+8(FP), R1                                                                                        \
	MOVD rows+16(FP), R3                                                                                      \
	MOVD cols+24(FP), rCOLS                                                                                   \
	MOVD $CONSTANTS, rK                                                                                       \
row:                                                                                                              \
	MOVD R1, R10                                                                                              \
	GREATEST(top, topRest, topElements, topDone)                                                              \
	COPY(24, 0)                                                                                               \
	NEWSUMS                                                                                                   \
	MOVD R0, R10                                                                                              \
	MOVD rCOLS, rN                                                                                            \
	PASS(exp, expRest, expElements, expDone, LOAD_SRC, EXPMINUSTOP, STORE_DST, SUMGROUP, ADDSAME, FMOV, SIZE) \
	MOVD $sums-128(SP), rSUMS                                                                                 \
	SUMOF                                                                                                     \
	COPY(24, 0)                                                                                               \
	MOVD rCOLS, rN                                                                                            \
	SUBS $LANES, rN                                                                                           \
	BLT  rest                                                                                                 \
vectors:                                                                                                          \
	FMOVQ (R0), F0                                                                                            \
	FDIV(0, 0, 24)                                                                                            \
	FMOVQ.P F0, 16(R0)                                                                                        \
	SUBS $LANES, rN                                                                                           \
	BGE  vectors                                                                                              \
rest:                                                                                                             \
	ADDS $LANES, rN                                                                                           \
	BEQ  done                                                                                                 \
elements:                                                                                                         \
	FMOV (R0), F0                                                                                             \
	FDIV(0, 0, 24)                                                                                            \
	FMOV.P F0, SIZE(R0)                                                                                       \
	SUBS $1, rN                                                                                               \
	BNE  elements                                                                                             \
done:                                                                                                             \
	SUBS $1, R3                                                                                               \
	BNE  row                                                                                                  \
	RET

#define LOAD_SRC(mov, size) mov.P size(R1), F0
#define STORE_DST(mov, size) mov.P F0, size(R10)
#define EXPMINUSTOP FSUB(0, 0, 24); EXPBELOW

// Cross-entropy: V24 is the greatest z, V25 is lse, V26 is Σy, V28 is factor. R0, R1, R2 and R5
// go on through y, z, a and delta.
#define ROWSTART \
	MOVD R1, R10                                                 \
	GREATEST(top, topRest, topElements, topDone)                 \
	COPY(24, 0)                                                  \
	MOVD R2, R10                                                 \
	GREATEST(largest, largestRest, largestElements, largestDone) \
	LOGNORMAL                                                    \
	FNEG(25, 0)

#define CROSS \
	FSUB(0, 0, 24) \
	FSUB(0, 25, 0) \
	FMUL(0, 11, 0) \
	FCMEQ0(1, 11)  \
	BICV(0, 0, 1)

#define CROSSENTROPY \
	MOVD sum+0(FP), R8                                                                        \
	MOVD y+8(FP), R0                                                                          \
	MOVD z+16(FP), R1                                                                         \
	MOVD a+24(FP), R2                                                                         \
	MOVD rows+32(FP), R3                                                                      \
	MOVD cols+40(FP), rCOLS                                                                   \
	MOVD $CONSTANTS, rK                                                                       \
row:                                                                                              \
	ROWSTART                                                                                  \
	MOVD R8, rSUMS                                                                            \
	MOVD rCOLS, rN                                                                            \
	PASS(groups, rest, elements, done, LOAD_YZ, CROSS, NOSTORE, LOSSGROUP, ADDLOSS, FMOVD, 8) \
	ADD  rCOLS<<LOG, R2                                                                       \
	SUBS $1, R3                                                                               \
	BNE  row                                                                                  \
	RET

#define CROSSENTROPYDELTA \
	MOVD sum+0(FP), R8                                                                                \
	MOVD y+8(FP), R0                                                                                  \
	MOVD z+16(FP), R1                                                                                 \
	MOVD a+24(FP), R2                                                                                 \
	MOVD delta+32(FP), R5                                                                             \
	MOVD rows+40(FP), R3                                                                              \
	MOVD cols+48(FP), rCOLS                                                                           \
	FMOV factor+56(FP), F28                                                                           \
	DUP0(28, 28)                                                                                      \
	MOVD $CONSTANTS, rK                                                                               \
row:                                                                                                      \
	ROWSTART                                                                                          \
	NEWSUMS                                                                                           \
	MOVD R0, R10                                                                                      \
	MOVD rCOLS, rN                                                                                    \
	PASS(sum, sumRest, sumElements, sumDone, LOAD_Y, NOTHING, NOSTORE, SUMGROUP, ADDSAME, FMOV, SIZE) \
	MOVD $sums-128(SP), rSUMS                                                                         \
	SUMOF                                                                                             \
	COPY(26, 0)                                                                                       \
	MOVD R8, rSUMS                                                                                    \
	MOVD rCOLS, rN                                                                                    \
	PASS(groups, rest, elements, done, LOAD_YZA2, CROSSDELTA, STORE_D5, LOSSGROUP, ADDLOSS, FMOVD, 8) \
	SUBS $1, R3                                                                                       \
	BNE  row                                                                                          \
	RET

#define LOAD_Y(mov, size) mov.P size(R10), F0
#define LOAD_YZA2(mov, size) LOAD_YZ(mov, size); mov.P size(R2), F12
#define CROSSDELTA CROSS; FNEG(13, 11); FMLA(13, 12, 26); FMUL(13, 13, 28)
#define STORE_D5(mov, size) mov.P F13, size(R5)

#include "neon32_arm64.h"

// func softmax32NEON(dst, src *float32, rows, cols int)
TEXT ·softmax32NEON(SB), NOSPLIT, $128-32
	SOFTMAX

// func crossEntropy32NEON(sum *float64, y, z, a *float32, rows, cols int)
TEXT ·crossEntropy32NEON(SB), NOSPLIT, $0-48
	CROSSENTROPY

// func crossEntropyDelta32NEON(sum *float64, y, z, a, delta *float32, rows, cols int, factor float32)
TEXT ·crossEntropyDelta32NEON(SB), NOSPLIT, $128-60
	CROSSENTROPYDELTA

// func binaryCrossEntropy32NEON(sum *float64, y, z *float32, cols int)
TEXT ·binaryCrossEntropy32NEON(SB), NOSPLIT, $0-32
	BINARYCROSSENTROPY

// func binaryCrossEntropyDelta32NEON(sum *float64, y, z, a, delta *float32, cols int, factor float32)
TEXT ·binaryCrossEntropyDelta32NEON(SB), NOSPLIT, $0-52
	BINARYCROSSENTROPYDELTA

// func squared32NEON(sum *float64, y, a *float32, cols int)
TEXT ·squared32NEON(SB), NOSPLIT, $0-32
	SQUARED

// func squaredDelta32NEON(sum *float64, y, a, delta *float32, cols int, factor float32)
TEXT ·squaredDelta32NEON(SB), NOSPLIT, $0-44
	SQUAREDDELTA

// func notFinite32NEON(sum *float64, x *float32, cols int)
TEXT ·notFinite32NEON(SB), NOSPLIT, $0-24
	NOTFINITE

#include "neon64_arm64.h"

// func softmax64NEON(dst, src *float64, rows, cols int)
TEXT ·softmax64NEON(SB), NOSPLIT, $128-32
	SOFTMAX

// func crossEntropy64NEON(sum *float64, y, z, a *float64, rows, cols int)
TEXT ·crossEntropy64NEON(SB), NOSPLIT, $0-48
	CROSSENTROPY

// func crossEntropyDelta64NEON(sum *float64, y, z, a, delta *float64, rows, cols int, factor float64)
TEXT ·crossEntropyDelta64NEON(SB), NOSPLIT, $128-64
	CROSSENTROPYDELTA

// func binaryCrossEntropy64NEON(sum *float64, y, z *float64, cols int)
TEXT ·binaryCrossEntropy64NEON(SB), NOSPLIT, $0-32
	BINARYCROSSENTROPY

// func binaryCrossEntropyDelta64NEON(sum *float64, y, z, a, delta *float64, cols int, factor float64)
TEXT ·binaryCrossEntropyDelta64NEON(SB), NOSPLIT, $0-56
	BINARYCROSSENTROPYDELTA

// func squared64NEON(sum *float64, y, a *float64, cols int)
TEXT ·squared64NEON(SB), NOSPLIT, $0-32
	SQUARED

// func squaredDelta64NEON(sum *float64, y, a, delta *float64, cols int, factor float64)
TEXT ·squaredDelta64NEON(SB), NOSPLIT, $0-48
	SQUAREDDELTA

// func notFinite64NEON(sum *float64, x *float64, cols int)
TEXT ·notFinite64NEON(SB), NOSPLIT, $0-24
	NOTFINITE
