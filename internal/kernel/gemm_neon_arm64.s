//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// The matrix products' tiles. gemm_neon_arm64.h, their code, is the same for both precisions.
//
// A tile of h rows and w vectors has the accumulators 0 to h*w-1, row by row; a row of B
// stands in 24 to 27, or in 16 to 23 if it has more vectors; elements of A come to 28 to 31
// in turn. A tile's last vector ends where C ends: if that is not a multiple of LANES, it
// overlaps the one before, and the elements that both have are computed twice. So nothing
// needs a mask, and nothing beyond the matrices is touched.

#define rA0    R0  // at A[0][p] of the tile
#define rA6    R1  // at A[6][p]
#define rB0    R2  // at B[p][0]
#define rLEFT  R3  // how many p are to come
#define rACOL  R4
#define rBROW  R5
#define rC     R6  // at C[0][0] of the tile
#define rROW   R7  // at the row of C to load or store
#define rAROW  R8
#define rAROW2 R9
#define rAROW3 R10
#define rAROW4 R11
#define rAROW5 R12
#define rA     R13 // at A[0][0] of the tile
#define rCOUNT R14 // how many tiles are to come
#define rCROW  R15
#define rLAST  R19 // bytes from a row's first vector to its last
#define rB     R20
#define rK     R21
#define rACC   R22
#define rH     R23
#define rW     R24
#define rSECOND R25 // bytes to the second element of less than a vector; rLAST to the third

// The same for words.
#define B0    2
#define ROW   7
#define LAST  19

// A[i][p] into register 28 + i%4.
#define A0  FMOV (rA0), F28
#define A1  FMOV (rA0)(rAROW), F29
#define A2  FMOV (rA0)(rAROW2), F30
#define A3  FMOV (rA0)(rAROW3), F31
#define A4  FMOV (rA0)(rAROW4), F28
#define A5  FMOV (rA0)(rAROW5), F29
#define A6  FMOV (rA6), F30
#define A7  FMOV (rA6)(rAROW), F31
#define A8  FMOV (rA6)(rAROW2), F28
#define A9  FMOV (rA6)(rAROW3), F29
#define A10 FMOV (rA6)(rAROW4), F30
#define A11 FMOV (rA6)(rAROW5), F31

// A row of w vectors, for w from 1 to 8, at address n: into the registers from c on, and back.
#define LDROW1(c, n) LDQ(c, n, 0)
#define LDROW2(c, n) LDQ(c, n, 0); LDQX(c+1, n, LAST)
#define LDROW3(c, n) LDQ(c, n, 0); LDQ(c+1, n, 1); LDQX(c+2, n, LAST)
#define LDROW4(c, n) LDHEAD(c, n); LDQX(c+3, n, LAST)
#define LDROW5(c, n) LDHEAD(c, n); LDQ(c+3, n, 3); LDQX(c+4, n, LAST)
#define LDROW6(c, n) LDHEAD(c, n); LDQ(c+3, n, 3); LDQ(c+4, n, 4); LDQX(c+5, n, LAST)
#define LDROW7(c, n) LDHEAD(c, n); LDQ(c+3, n, 3); LDQ(c+4, n, 4); LDQ(c+5, n, 5); LDQX(c+6, n, LAST)
#define LDROW8(c, n) LDHEAD(c, n); LDQ(c+3, n, 3); LDQ(c+4, n, 4); LDQ(c+5, n, 5); LDQ(c+6, n, 6); LDQX(c+7, n, LAST)
#define LDHEAD(c, n) LDQ(c, n, 0); LDQ(c+1, n, 1); LDQ(c+2, n, 2)

#define STROW1(c, n) STQ(c, n, 0)
#define STROW2(c, n) STQ(c, n, 0); STQX(c+1, n, LAST)
#define STROW3(c, n) STQ(c, n, 0); STQ(c+1, n, 1); STQX(c+2, n, LAST)
#define STROW4(c, n) STHEAD(c, n); STQX(c+3, n, LAST)
#define STROW5(c, n) STHEAD(c, n); STQ(c+3, n, 3); STQX(c+4, n, LAST)
#define STROW6(c, n) STHEAD(c, n); STQ(c+3, n, 3); STQ(c+4, n, 4); STQX(c+5, n, LAST)
#define STROW7(c, n) STHEAD(c, n); STQ(c+3, n, 3); STQ(c+4, n, 4); STQ(c+5, n, 5); STQX(c+6, n, LAST)
#define STROW8(c, n) STHEAD(c, n); STQ(c+3, n, 3); STQ(c+4, n, 4); STQ(c+5, n, 5); STQ(c+6, n, 6); STQX(c+7, n, LAST)
#define STHEAD(c, n) STQ(c, n, 0); STQ(c+1, n, 1); STQ(c+2, n, 2)

// The same for a row of B into its registers, and for one of C into the accumulators from c on
// and back.
#define LDB1 LDROW1(24, B0)
#define LDB2 LDROW2(24, B0)
#define LDB3 LDROW3(24, B0)
#define LDB4 LDROW4(24, B0)
#define LDB5 LDROW5(16, B0)
#define LDB6 LDROW6(16, B0)
#define LDB7 LDROW7(16, B0)
#define LDB8 LDROW8(16, B0)

#define LDC1(c) LDROW1(c, ROW); ADD rCROW, rROW
#define LDC2(c) LDROW2(c, ROW); ADD rCROW, rROW
#define LDC3(c) LDROW3(c, ROW); ADD rCROW, rROW
#define LDC4(c) LDROW4(c, ROW); ADD rCROW, rROW
#define LDC5(c) LDROW5(c, ROW); ADD rCROW, rROW
#define LDC6(c) LDROW6(c, ROW); ADD rCROW, rROW
#define LDC7(c) LDROW7(c, ROW); ADD rCROW, rROW
#define LDC8(c) LDROW8(c, ROW); ADD rCROW, rROW

#define STC1(c) STROW1(c, ROW); ADD rCROW, rROW
#define STC2(c) STROW2(c, ROW); ADD rCROW, rROW
#define STC3(c) STROW3(c, ROW); ADD rCROW, rROW
#define STC4(c) STROW4(c, ROW); ADD rCROW, rROW
#define STC5(c) STROW5(c, ROW); ADD rCROW, rROW
#define STC6(c) STROW6(c, ROW); ADD rCROW, rROW
#define STC7(c) STROW7(c, ROW); ADD rCROW, rROW
#define STC8(c) STROW8(c, ROW); ADD rCROW, rROW

// A row of B times the element in register e, onto the accumulators from c on.
#define MUL1(c, e) FMLA0(c, 24, e)
#define MUL2(c, e) MUL1(c, e); FMLA0(c+1, 25, e)
#define MUL3(c, e) MUL2(c, e); FMLA0(c+2, 26, e)
#define MUL4(c, e) MUL3(c, e); FMLA0(c+3, 27, e)
#define MUL5(c, e) FMLA0(c, 16, e); FMLA0(c+1, 17, e); FMLA0(c+2, 18, e); FMLA0(c+3, 19, e); FMLA0(c+4, 20, e)
#define MUL6(c, e) MUL5(c, e); FMLA0(c+5, 21, e)
#define MUL7(c, e) MUL6(c, e); FMLA0(c+6, 22, e)
#define MUL8(c, e) MUL7(c, e); FMLA0(c+7, 23, e)

#define ZERO1(c) ZERO(c)
#define ZERO2(c) ZERO(c); ZERO(c+1)
#define ZERO3(c) ZERO2(c); ZERO(c+2)
#define ZERO4(c) ZERO3(c); ZERO(c+3)
#define ZERO5(c) ZERO4(c); ZERO(c+4)
#define ZERO6(c) ZERO5(c); ZERO(c+5)
#define ZERO7(c) ZERO6(c); ZERO(c+6)
#define ZERO8(c) ZERO7(c); ZERO(c+7)

// A step of k: F (one of MUL) for an element of A from each of h rows, and its w accumulators.
// Elements are loaded four rows ahead of their use.
#define STEP1(F, w)  A0; F(0*w, 28)
#define STEP2(F, w)  A0; A1; F(0*w, 28); F(1*w, 29)
#define STEP3(F, w)  A0; A1; A2; F(0*w, 28); F(1*w, 29); F(2*w, 30)
#define STEP4(F, w)  A0; A1; A2; A3; F(0*w, 28); F(1*w, 29); F(2*w, 30); F(3*w, 31)
#define STEP5(F, w)  A0; A1; A2; A3; F(0*w, 28); A4; F(1*w, 29); F(2*w, 30); F(3*w, 31); F(4*w, 28)
#define STEP6(F, w)  A0; A1; A2; A3; F(0*w, 28); A4; F(1*w, 29); A5; F(2*w, 30); F(3*w, 31); F(4*w, 28); F(5*w, 29)
#define STEP7(F, w)  FIRST4(F, w); F(3*w, 31); F(4*w, 28); F(5*w, 29); F(6*w, 30)
#define STEP8(F, w)  FIRST4(F, w); F(3*w, 31); A7; F(4*w, 28); F(5*w, 29); F(6*w, 30); F(7*w, 31)
#define STEP9(F, w)  FIRST4(F, w); F(3*w, 31); A7; F(4*w, 28); A8; F(5*w, 29); F(6*w, 30); F(7*w, 31); F(8*w, 28)
#define STEP10(F, w) FIRST4(F, w); F(3*w, 31); A7; F(4*w, 28); A8; F(5*w, 29); A9; F(6*w, 30); F(7*w, 31); F(8*w, 28); F(9*w, 29)
#define STEP11(F, w) FIRST4(F, w); F(3*w, 31); A7; F(4*w, 28); A8; F(5*w, 29); A9; F(6*w, 30); A10; F(7*w, 31); F(8*w, 28); F(9*w, 29); F(10*w, 30)
#define STEP12(F, w) FIRST4(F, w); F(3*w, 31); A7; F(4*w, 28); A8; F(5*w, 29); A9; F(6*w, 30); A10; F(7*w, 31); A11; F(8*w, 28); F(9*w, 29); F(10*w, 30); F(11*w, 31)
#define FIRST4(F, w) A0; A1; A2; A3; F(0*w, 28); A4; F(1*w, 29); A5; F(2*w, 30); A6

// F for the accumulators of each of h rows.
#define ROWS1(F, w)  F(0*w)
#define ROWS2(F, w)  ROWS1(F, w); F(1*w)
#define ROWS3(F, w)  ROWS2(F, w); F(2*w)
#define ROWS4(F, w)  ROWS3(F, w); F(3*w)
#define ROWS5(F, w)  ROWS4(F, w); F(4*w)
#define ROWS6(F, w)  ROWS5(F, w); F(5*w)
#define ROWS7(F, w)  ROWS6(F, w); F(6*w)
#define ROWS8(F, w)  ROWS7(F, w); F(7*w)
#define ROWS9(F, w)  ROWS8(F, w); F(8*w)
#define ROWS10(F, w) ROWS9(F, w); F(9*w)
#define ROWS11(F, w) ROWS10(F, w); F(10*w)
#define ROWS12(F, w) ROWS11(F, w); F(11*w)

// The loop over tiles of m rows and n vectors. The first four names are labels, the others are
// what the lists above have for m or n.
#define TILES(tile, zero, start, step, m, n, ROWS, STEP, LDB, MUL, LDC, STC, CLEAR) \
tile: \
	CBZ  rACC, zero             \
	MOVD rC, rROW               \
	ROWS(LDC, n)                \
	B    start                  \
zero: \
	ROWS(CLEAR, n)              \
start: \
	MOVD rA, rA0                \
	ADD  rAROW3<<1, rA, rA6     \
	MOVD rB, rB0                \
	MOVD rK, rLEFT              \
step: \
	LDB                         \
	STEP(MUL, n)                \
	ADD  rACOL, rA0             \
	ADD  rACOL, rA6             \
	ADD  rBROW, rB0             \
	SUBS $1, rLEFT              \
	BNE  step                   \
	MOVD rC, rROW               \
	ROWS(STC, n)                \
	MOVD rROW, rC               \
	MOVD $m, rH                 \
	MADD rH, rA, rAROW, rA      \
	SUBS $1, rCOUNT             \
	BNE  tile                   \
	RET

// The registers of sparse products that tiles have other uses for.
#define rBEGIN R8  // at begin[i]
#define rAT    R9
#define rVALUE R10
#define rFROM  R11
#define rE     R12
#define rEND   R13 // begin[i+1]
#define rROWS  R14 // how many rows are to come

// The loop over rows of C in n vectors: labels, and what the lists above have for n.
#define SPARSE(row, zero, start, next, end, LDB, MUL, LDC, STC, CLEAR) \
row: \
	LDP  (rBEGIN), (rE, rEND)   \
	ADD  $8, rBEGIN             \
	CBZ  rFROM, zero            \
	MOVD rFROM, rROW            \
	LDC(0)                      \
	B    start                  \
zero: \
	CLEAR(0)                    \
start: \
	CMP  rEND, rE               \
	BGE  end                    \
next: \
	MOVW (rAT)(rE<<2), rB0      \
	MADD rBROW, rB, rB0, rB0    \
	FMOV (rVALUE)(rE<<LOG), F28 \
	LDB                         \
	MUL(0, 28)                  \
	ADD  $1, rE                 \
	CMP  rEND, rE               \
	BLT  next                   \
end: \
	MOVD rC, rROW               \
	STC(0)                      \
	MOVD rROW, rC               \
	SUBS $1, rROWS              \
	BNE  row                    \
	RET

// peak's 16 chains.
#define CHAINS(F) F(0); F(1); F(2); F(3); F(4); F(5); F(6); F(7); F(8); F(9); F(10); F(11); F(12); F(13); F(14); F(15)
#define SQUARE(c) FMLA0(c, 16, 16)

#include "neon32_arm64.h"

// LDB1, LDC1 and STC1 for less than LANES elements, here one to three: the second and the third
// may be the one before.
#define LDBN FMOVS (rB0), F24; ADD rSECOND, rB0, rROW; VLD1 (rROW), V24.S[1]; ADD rLAST, rB0, rROW; VLD1 (rROW), V24.S[2]
#define LDCN(c) LDS(c, ROW); ADD rSECOND, rROW, rW; LDS1(c, 24); ADD rLAST, rROW, rW; LDS2(c, 24); ADD rCROW, rROW
#define STCN(c) STS(c, ROW); ADD rSECOND, rROW, rW; STS1(c, 24); ADD rLAST, rROW, rW; STS2(c, 24); ADD rCROW, rROW

// Element 0, 1 or 2 of register d at address n; to load element 0 makes the others 0.
#define LDS(d, n)  TWO(0xBD400000, d, n)
#define LDS1(d, n) TWO(0x0D409000, d, n)
#define LDS2(d, n) TWO(0x4D408000, d, n)
#define STS(d, n)  TWO(0xBD000000, d, n)
#define STS1(d, n) TWO(0x0D009000, d, n)
#define STS2(d, n) TWO(0x4D008000, d, n)

// func tilesF32NEON(h, w, count, k int, a, b, c *float32, aRow, aCol, bRow, cRow, last int, accumulate bool)
TEXT ·tilesF32NEON(SB), NOSPLIT, $0-97
#include "gemm_neon_arm64.h"

// func sparseF32NEON(rows, w int, begin *int, at *int32, value, b, c, from *float32, bRow, cRow, last int)
TEXT ·sparseF32NEON(SB), NOSPLIT, $0-88
#include "sparse_neon_arm64.h"

// func peakF32NEON(n int, x *float32)
TEXT ·peakF32NEON(SB), NOSPLIT, $0-16
	MOVD n+0(FP), R0
	MOVD x+8(FP), R1
	VLD1R (R1), [V16.S4]
	CHAINS(ZERO)
loop:
	CHAINS(SQUARE)
	SUBS $1, R0
	BNE  loop
	RET

#undef LDBN
#undef LDCN
#undef STCN

#include "neon64_arm64.h"

// Less than LANES: one element.
#define LDBN FMOVD (rB0), F24
#define LDCN(c) TWO(0xFD400000, c, ROW); ADD rCROW, rROW
#define STCN(c) TWO(0xFD000000, c, ROW); ADD rCROW, rROW

// func tilesF64NEON(h, w, count, k int, a, b, c *float64, aRow, aCol, bRow, cRow, last int, accumulate bool)
TEXT ·tilesF64NEON(SB), NOSPLIT, $0-97
#include "gemm_neon_arm64.h"

// func sparseF64NEON(rows, w int, begin *int, at *int32, value, b, c, from *float64, bRow, cRow, last int)
TEXT ·sparseF64NEON(SB), NOSPLIT, $0-88
#include "sparse_neon_arm64.h"

// func peakF64NEON(n int, x *float64)
TEXT ·peakF64NEON(SB), NOSPLIT, $0-16
	MOVD n+0(FP), R0
	MOVD x+8(FP), R1
	VLD1R (R1), [V16.D2]
	CHAINS(ZERO)
loop:
	CHAINS(SQUARE)
	SUBS $1, R0
	BNE  loop
	RET
