//go:build !purego

#include "textflag.h"

// func packNEON(dst, src *byte, rows, stride int)
TEXT ·packNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD stride+24(FP), R3
loop:
	VLD1   (R1), [V0.B16, V1.B16, V2.B16, V3.B16]
	ADD    R3, R1
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	SUBS   $1, R2
	BNE    loop
	RET

// func transposeF32NEON(dst, src *float32, k, columns, stride, row int)
TEXT ·transposeF32NEON(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD columns+24(FP), R3
	MOVD stride+32(FP), R4
	MOVD row+40(FP), R5

columns: // R1, R6, R7 and R8 are at four of them
	CMP  $2, R3
	CSEL LT, ZR, R4, R9
	ADD  R9, R1, R6
	CMP  $3, R3
	CSEL LT, ZR, R4, R9
	ADD  R9, R6, R7
	CMP  $4, R3
	CSEL LT, ZR, R4, R9
	ADD  R9, R7, R8
	ADD  R4<<2, R1, R10 // the next four
	MOVD R0, R11
	MOVD k+16(FP), R2
	SUBS $4, R2
	BLT  single

rows:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R6), F1
	FMOVQ.P 16(R7), F2
	FMOVQ.P 16(R8), F3
	VZIP1   V2.S4, V0.S4, V4.S4 // elements 0 and 1 of columns 0 and 2
	VZIP1   V3.S4, V1.S4, V5.S4
	VZIP2   V2.S4, V0.S4, V6.S4
	VZIP2   V3.S4, V1.S4, V7.S4
	VZIP1   V5.S4, V4.S4, V0.S4
	VZIP2   V5.S4, V4.S4, V1.S4
	VZIP1   V7.S4, V6.S4, V2.S4
	VZIP2   V7.S4, V6.S4, V3.S4
	FMOVQ   F0, (R11)
	ADD     R5, R11
	FMOVQ   F1, (R11)
	ADD     R5, R11
	FMOVQ   F2, (R11)
	ADD     R5, R11
	FMOVQ   F3, (R11)
	ADD     R5, R11
	SUBS    $4, R2
	BGE     rows

single:
	ADDS $4, R2
	BEQ  next

row:
	FMOVS.P 4(R1), F0
	VLD1.P  4(R6), V0.S[1]
	VLD1.P  4(R7), V0.S[2]
	VLD1.P  4(R8), V0.S[3]
	FMOVQ   F0, (R11)
	ADD     R5, R11
	SUBS    $1, R2
	BNE     row

next:
	MOVD R10, R1
	ADD  $16, R0
	SUBS $4, R3
	BGT  columns
	RET

// func transposeF64NEON(dst, src *float64, k, columns, stride, row int)
TEXT ·transposeF64NEON(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD columns+24(FP), R3
	MOVD stride+32(FP), R4
	MOVD row+40(FP), R5

columns: // R1 and R6 are at two of them
	CMP  $2, R3
	CSEL LT, ZR, R4, R9
	ADD  R9, R1, R6
	ADD  R4<<1, R1, R10 // the next two
	MOVD R0, R11
	MOVD k+16(FP), R2
	SUBS $2, R2
	BLT  single

rows:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R6), F1
	VZIP1   V1.D2, V0.D2, V2.D2
	VZIP2   V1.D2, V0.D2, V3.D2
	FMOVQ   F2, (R11)
	ADD     R5, R11
	FMOVQ   F3, (R11)
	ADD     R5, R11
	SUBS    $2, R2
	BGE     rows

single:
	ADDS   $2, R2
	BEQ    next
	FMOVD  (R1), F0
	VLD1   (R6), V0.D[1]
	FMOVQ  F0, (R11)

next:
	MOVD R10, R1
	ADD  $16, R0
	SUBS $2, R3
	BGT  columns
	RET
