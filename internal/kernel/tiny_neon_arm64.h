// The code of tiny32NEON and tiny64NEON: tiny_neon_arm64.s has its macros.

	MOVD mem+0(FP), rMEM
	MOVD inputs+8(FP), rINPUTS
	MOVD hidden+16(FP), rHIDDEN
	MOVD outputs+24(FP), rOUTPUTS
	MOVD rows+32(FP), rROWS
	MOVD flags+56(FP), rFLAGS
	MOVD losses+72(FP), rLOSSES
	MOVD ZR, rEPOCH
	MOVD $CONSTANTS, rK

epoch:
	// The hidden layer of all rows: z, then a.
	MOVD ZR, rHALF

hidden:
	ADD   rHALF, rMEM, rHERE
	FMOVQ atB1(rHERE), F24
	COPY(25, 24)
	COPY(26, 24)
	COPY(27, 24)
	ADD   $atW1, rHERE, rP
	MOVD  rMEM, rQ
	MOVD  rINPUTS, rLEFT

hiddenInput:
	FMOVQ (rP), F28
	ADD   $BLOCK, rP
	INPUTS
	ADD   $SIZE, rQ
	FOURROWS
	SUBS  $1, rLEFT
	BNE   hiddenInput
	FMOVQ F24, atA1(rHERE)
	FMOVQ F25, (atA1+BLOCK)(rHERE)
	FMOVQ F26, (atA1+2*BLOCK)(rHERE)
	FMOVQ F27, (atA1+3*BLOCK)(rHERE)
	NEXTHALF(hidden)

	MOVD hiddenF+40(FP), rF
	ADD  $atA1, rMEM, rP
	MOVD $(16/LANES), rLEFT

activate:
	FMOVQ   (rP), F0
	ACTIVATE(hiddenTanh, hiddenReLU, hiddenEnd)
	FMOVQ.P F0, 16(rP)
	SUBS    $1, rLEFT
	BNE     activate

	ADD $atA1, rMEM, rP
	ADD $atA1T, rMEM, rQ
	TRANSPOSE

	// Each output of all rows, and its delta.
	MOVD  outputF+48(FP), rF
	MOVD  rMEM, rOUT
	ADD   $atFLAT, rMEM, rFLAT
	MOVD  rOUTPUTS, rMORE
	MOVD  $1, rWITHIN

output:
	MOVD ZR, rHALF

outputRows:
	ADD   rHALF, rOUT, rHERE
	ADD   rHALF, rMEM, rSHARED
	FMOVQ atB2(rHERE), F0
	ADD   $atW2, rOUT, rP
	ADD   $atA1T, rSHARED, rQ
	MOVD  rHIDDEN, rLEFT

outputUnit:
	FMOV.P SIZE(rP), F1
	FMOVQ  (rQ), F2
	ADD    $BLOCK, rQ
	FMLA0(0, 2, 1)
	SUBS   $1, rLEFT
	BNE    outputUnit
	ACTIVATE(outputTanh, outputReLU, outputEnd)
	FMOVQ  atY(rHERE), F1
	FMOVQ  atMASK(rSHARED), F2
	FMOVQ  atFACTOR(rSHARED), F3
	FSUB(1, 0, 1)
	ANDV(1, 1, 2)
	FMUL(16, 1, 3)
	COPY(17, 0)
	FMOVQ  F0, atOUT(rSHARED)
	FMOVQ  F1, atDIFF(rSHARED)
	TIMESSLOPE(outputTanhSlope, outputReLUSlope, outputSlopeEnd)
	FMOVQ  F16, atD2(rHERE)
	NEXTHALF(outputRows)

	// The differences in the order of Squares, and whether they are small enough.
	FMOVD tolerance+112(FP), F4
	FMOVD $1e-8, F5
	MOVD  rMEM, rP
	MOVD  rOUT, rHERE
	MOVD  rFLAT, rQ
	MOVD  rROWS, rLEFT

row:
	FMOV  atDIFF(rP), F0
	FMOV  F0, (rQ)
	ADD   rOUTPUTS<<LOG, rQ
	TBZ   $3, rFLAGS, near
	FMOVWIDE(atOUT(rP), F1)
	FMOVWIDE(atY(rHERE), F2)
	FSUBD F1, F2, F2
	FABSD F2, F2
	FABSD F1, F1
	FMULD F4, F1, F1
	FADDD F5, F1, F1
	FCMPD F1, F2
	BLS   near         // not if one is NaN
	MOVD  ZR, rWITHIN

near:
	ADD  $SIZE, rP
	ADD  $SIZE, rHERE
	SUBS $1, rLEFT
	BNE  row
	ADD  $SIZE, rFLAT
	ADD  $BLOCK, rOUT
	SUBS $1, rMORE
	BNE  output

	// The loss. An epoch but the first ends here if a criterion is met.
	ADD   $atFLAT, rMEM, rP
	WIDEN
	SUMOFSQUARES
	FMOVD half+88(FP), F1
	FMULD F1, F0, F0
	FMOVD scale+96(FP), F1
	FMULD F1, F0, F0
	FMOVD F0, (rLOSSES)
	CBZ   rEPOCH, back
	FMOVD target+104(FP), F1
	FCMPD F1, F0
	BLS   done                // not if the loss is NaN
	TBZ   $3, rFLAGS, back
	CBNZ  rWITHIN, done

	// dL/da and dL/dz of the hidden layer.
back:
	MOVD ZR, rHALF

backUnits:
	ADD  rHALF, rMEM, rHERE
	ZERO(24)
	ZERO(25)
	ZERO(26)
	ZERO(27)
	ADD  $atW2, rHERE, rP
	ADD  $atD2, rMEM, rQ
	MOVD rOUTPUTS, rLEFT

backOutput:
	FMOVQ  (rP), F28
	ADD    $BLOCK, rP
	FMOV.P SIZE(rQ), F16
	FMOV.P SIZE(rQ), F17
	FMOV.P SIZE(rQ), F18
	FMOV.P SIZE(rQ), F19
	FOURROWS
	SUBS   $1, rLEFT
	BNE    backOutput
	FMOVQ  F24, atD1(rHERE)
	FMOVQ  F25, (atD1+BLOCK)(rHERE)
	FMOVQ  F26, (atD1+2*BLOCK)(rHERE)
	FMOVQ  F27, (atD1+3*BLOCK)(rHERE)
	NEXTHALF(backUnits)

	MOVD hiddenF+40(FP), rF
	ADD  $atD1, rMEM, rP
	ADD  $atA1, rMEM, rQ
	MOVD $(16/LANES), rLEFT

slope:
	FMOVQ   (rP), F16
	FMOVQ.P 16(rQ), F17
	TIMESSLOPE(hiddenTanhSlope, hiddenReLUSlope, hiddenSlopeEnd)
	FMOVQ.P F16, 16(rP)
	SUBS    $1, rLEFT
	BNE     slope

	// The last layer's weights and biases, an output at a time.
	FMOVQ atRATE(rMEM), F3
	MOVD  rMEM, rOUT
	MOVD  rOUTPUTS, rMORE

last:
	MOVD ZR, rHALF

lastUnits:
	ADD  rHALF, rOUT, rHERE
	ADD  rHALF, rMEM, rSHARED
	ZERO(0)
	ADD  $atA1, rSHARED, rP
	ADD  $atD2, rOUT, rQ
	MOVD rROWS, rLEFT

lastRow:
	FMOVQ  (rP), F1
	ADD    $BLOCK, rP
	FMOV.P SIZE(rQ), F2
	FMLA0(0, 1, 2)
	SUBS   $1, rLEFT
	BNE    lastRow
	FMOVQ  atW2(rHERE), F1
	FMLA(1, 3, 0)
	FMOVQ  F1, atW2(rHERE)
	NEXTHALF(lastUnits)
	TBZ    $1, rFLAGS, lastEnd
	ZERO(0)
	FMOV   atD2(rOUT), F1
	FADD(0, 0, 1)
	FMOV   (atD2+SIZE)(rOUT), F1
	FADD(0, 0, 1)
	FMOV   (atD2+2*SIZE)(rOUT), F1
	FADD(0, 0, 1)
	FMOV   (atD2+3*SIZE)(rOUT), F1
	FADD(0, 0, 1)
	DUP0(0, 0)
	MOVD   ZR, rHALF

lastBias:
	ADD   rHALF, rOUT, rHERE
	FMOVQ atB2(rHERE), F1
	FMLA(1, 3, 0)
	FMOVQ F1, atB2(rHERE)
	NEXTHALF(lastBias)

lastEnd:
	ADD  $BLOCK, rOUT
	SUBS $1, rMORE
	BNE  last

	// The first layer's. The rows that are not there have inputs of -0 and deltas of 0, which
	// add nothing.
	MOVD ZR, rHALF

first:
	ADD   rHALF, rMEM, rHERE
	FMOVQ atD1(rHERE), F24
	FMOVQ (atD1+BLOCK)(rHERE), F25
	FMOVQ (atD1+2*BLOCK)(rHERE), F26
	FMOVQ (atD1+3*BLOCK)(rHERE), F27
	ADD   $atW1, rHERE, rP
	MOVD  rMEM, rQ
	MOVD  rINPUTS, rLEFT

firstInput:
	INPUTS
	ADD   $SIZE, rQ
	ZERO(0)
	FMLA0(0, 24, 16)
	FMLA0(0, 25, 17)
	FMLA0(0, 26, 18)
	FMLA0(0, 27, 19)
	FMOVQ (rP), F1
	FMLA(1, 3, 0)
	FMOVQ F1, (rP)
	ADD   $BLOCK, rP
	SUBS  $1, rLEFT
	BNE   firstInput
	TBZ   $0, rFLAGS, firstEnd
	ZERO(0)
	FADD(0, 0, 24)
	FADD(0, 0, 25)
	FADD(0, 0, 26)
	FADD(0, 0, 27)
	FMOVQ atB1(rHERE), F1
	FMLA(1, 3, 0)
	FMOVQ F1, atB1(rHERE)

firstEnd:
	NEXTHALF(first)

	ADD  $8, rLOSSES
	ADD  $1, rEPOCH
	MOVD epochs+80(FP), rLEFT
	CMP  rLEFT, rEPOCH
	BLT  epoch

done:
	MOVD rEPOCH, ret+120(FP)
	RET
