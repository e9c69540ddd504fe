//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "functions_neon_arm64.h"

// Tiny.Run. tiny_neon_arm64.h, its code, is the same for both precisions: it goes over the four
// lanes of a block in steps of 16 bytes, one of float32 or two of float64.

// Where things stand in Tiny.mem, in bytes; tiny.go has the same list.
#define atX      (0*SIZE)
#define atY      (32*SIZE)
#define atW1     (48*SIZE)
#define atB1     (80*SIZE)
#define atW2     (84*SIZE)
#define atB2     (100*SIZE)
#define atMASK   (116*SIZE)
#define atRATE   (120*SIZE)
#define atFACTOR (124*SIZE)
#define atD2     (128*SIZE) // [4 outputs][4 rows] dL/dz of the output
#define atA1T    (144*SIZE) // [4 units][4 rows]
#define atFLAT   (160*SIZE) // [16] a - y as Squares has them: row by row
#define atA1     (176*SIZE) // [4 rows][4 units]
#define atD1     (192*SIZE) // [4 rows][4 units] dL/dz of the hidden layer; until that is computed:
#define atDIFF   (192*SIZE) // [4 rows] a - y of an output
#define atOUT    (196*SIZE) // [4 rows] a of an output
#define BLOCK    (4*SIZE)

#define rMEM     R0
#define rINPUTS  R1
#define rHIDDEN  R2
#define rOUTPUTS R3
#define rROWS    R4
#define rFLAGS   R5
#define rLOSSES  R6
#define rEPOCH   R7
#define rHALF    R8  // 0, and 16 in the second half of a block of float64
#define rHERE    R9  // what belongs to that half
#define rP       R10
#define rQ       R11
#define rLEFT    R12
#define rF       R13 // an activation as tinyKind numbers them
#define rOUT     R14 // of an output's blocks as rMEM of the first one's
#define rFLAT    R15
#define rSHARED  R19 // as rHERE, of what all outputs have
#define rMORE    R21 // outputs to come
#define rWITHIN  R22 // whether every output is close enough to its target

// V0 = f(V0).
#define ACTIVATE(tanh, relu, end) \
	CMP  $1, rF   \
	BEQ  tanh     \
	BGT  relu     \
	SIGMOID       \
	B    end      \
tanh: \
	TANH          \
	B    end      \
relu: \
	CMP  $2, rF   \
	BNE  end      \
	FCMLE0(1, 0)  \
	BICV(0, 0, 1) \
end:

// V16 is dL/da and becomes dL/dz; V17 is a.
#define TIMESSLOPE(tanh, relu, end) \
	K(1, ONE)       \
	CMP  $1, rF     \
	BEQ  tanh       \
	BGT  relu       \
	FSUB(1, 1, 17)  \
	FMUL(1, 17, 1)  \
	FMUL(16, 16, 1) \
	B    end        \
tanh: \
	FSUB(2, 1, 17)  \
	FADD(1, 1, 17)  \
	FMUL(1, 2, 1)   \
	FMUL(16, 16, 1) \
	B    end        \
relu: \
	CMP  $2, rF     \
	BNE  end        \
	FCMGT0(1, 17)   \
	ANDV(16, 16, 1) \
end:

// The next half of a block, if there is one.
#define NEXTHALF(loop) ADD $16, rHALF; CMP $BLOCK, rHALF; BLT loop

// V24 to V27 += V28 times each of V16 to V19.
#define FOURROWS FMLA0(24, 28, 16); FMLA0(25, 28, 17); FMLA0(26, 28, 18); FMLA0(27, 28, 19)

// An input of all rows to V16 to V19.
#define INPUTS FMOV atX(rQ), F16; FMOV (atX+8*SIZE)(rQ), F17; FMOV (atX+16*SIZE)(rQ), F18; FMOV (atX+24*SIZE)(rQ), F19

// V0 is the sum of the 16 squares of V16 to V23, of float64, in a tree.
#define SUMOFSQUARES \
	FMUL64(16, 16, 16) \
	FMUL64(17, 17, 17) \
	FMUL64(18, 18, 18) \
	FMUL64(19, 19, 19) \
	FMUL64(20, 20, 20) \
	FMUL64(21, 21, 21) \
	FMUL64(22, 22, 22) \
	FMUL64(23, 23, 23) \
	FADD64(16, 16, 20) \
	FADD64(17, 17, 21) \
	FADD64(18, 18, 22) \
	FADD64(19, 19, 23) \
	FADD64(16, 16, 18) \
	FADD64(17, 17, 19) \
	FADD64(0, 16, 17)  \
	TURN(1, 0, 8)      \
	FADD64(0, 0, 1)

#include "neon32_arm64.h"

// A1T is A1 transposed.
#define TRANSPOSE VLD4 (rP), [V0.S4, V1.S4, V2.S4, V3.S4]; VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (rQ)

// The 16 numbers at rP to V16 to V23, as float64.
#define WIDEN \
	FLDPQ (rP), (F0, F1)   \
	FLDPQ 32(rP), (F2, F3) \
	FCVTL(16, 0)           \
	FCVTL2(17, 0)          \
	FCVTL(18, 1)           \
	FCVTL2(19, 1)          \
	FCVTL(20, 2)           \
	FCVTL2(21, 2)          \
	FCVTL(22, 3)           \
	FCVTL2(23, 3)

// A number as float64.
#define FMOVWIDE(m, f) FMOVS m, f; FCVTSD f, f

// func tiny32NEON(mem *float32, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int
TEXT ·tiny32NEON(SB), NOSPLIT, $0-128
#include "tiny_neon_arm64.h"

#undef TRANSPOSE
#undef WIDEN
#undef FMOVWIDE

#include "neon64_arm64.h"

#define TRANSPOSE \
	VLD4.P 64(rP), [V0.D2, V1.D2, V2.D2, V3.D2] \
	VLD4   (rP), [V4.D2, V5.D2, V6.D2, V7.D2]   \
	FSTPQ  (F0, F4), (rQ)                       \
	FSTPQ  (F1, F5), 32(rQ)                     \
	FSTPQ  (F2, F6), 64(rQ)                     \
	FSTPQ  (F3, F7), 96(rQ)

#define WIDEN \
	FLDPQ (rP), (F16, F17)   \
	FLDPQ 32(rP), (F18, F19) \
	FLDPQ 64(rP), (F20, F21) \
	FLDPQ 96(rP), (F22, F23)

#define FMOVWIDE(m, f) FMOVD m, f

// func tiny64NEON(mem *float64, inputs, hidden, outputs, rows, hiddenF, outputF, flags, rowBits int, losses *float64, epochs int, half, scale, target, tolerance float64) int
TEXT ·tiny64NEON(SB), NOSPLIT, $0-128
#include "tiny_neon_arm64.h"
