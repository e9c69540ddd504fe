// The code of sparseF32NEON and sparseF64NEON: gemm_neon_arm64.s has its macros.

	MOVD rows+0(FP), rROWS
	MOVD w+8(FP), rW
	MOVD begin+16(FP), rBEGIN
	MOVD at+24(FP), rAT
	MOVD value+32(FP), rVALUE
	MOVD b+40(FP), rB
	MOVD c+48(FP), rC
	MOVD from+56(FP), rFROM
	MOVD bRow+64(FP), rBROW
	MOVD cRow+72(FP), rCROW
	MOVD last+80(FP), rLAST

	CMP $2, rW
	BLT one
	SUB $2, rW, rROW
	ADD rROW<<LOGLANES, rLAST, rLAST // where the last vector begins, as in gemm_neon_arm64.h
	LSL $LOG, rLAST
	CMP $8, rW
	BEQ r8
	CMP $7, rW
	BEQ r7
	CMP $6, rW
	BEQ r6
	CMP $5, rW
	BEQ r5
	CMP $4, rW
	BEQ r4
	CMP $3, rW
	BEQ r3
	B   r2

one:
	CMP $LANES, rLAST
	BEQ r1
	SUB  $1, rLAST
	MOVD $1, rW
	CMP  $1, rLAST
	CSEL LT, rLAST, rW, rSECOND
	LSL  $LOG, rSECOND
	LSL  $LOG, rLAST

	SPARSE(rn, zn, sn, nn, en, LDBN, MUL1, LDCN, STCN, ZERO1)
	SPARSE(r1, z1, s1, n1, e1, LDB1, MUL1, LDC1, STC1, ZERO1)
	SPARSE(r2, z2, s2, n2, e2, LDB2, MUL2, LDC2, STC2, ZERO2)
	SPARSE(r3, z3, s3, n3, e3, LDB3, MUL3, LDC3, STC3, ZERO3)
	SPARSE(r4, z4, s4, n4, e4, LDB4, MUL4, LDC4, STC4, ZERO4)
	SPARSE(r5, z5, s5, n5, e5, LDB5, MUL5, LDC5, STC5, ZERO5)
	SPARSE(r6, z6, s6, n6, e6, LDB6, MUL6, LDC6, STC6, ZERO6)
	SPARSE(r7, z7, s7, n7, e7, LDB7, MUL7, LDC7, STC7, ZERO7)
	SPARSE(r8, z8, s8, n8, e8, LDB8, MUL8, LDC8, STC8, ZERO8)
