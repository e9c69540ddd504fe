//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "functions_neon_arm64.h"
#include "each_neon_arm64.h"

// The activations and their slopes, the updates and their like.

// Activations: V0 = f(V0), where V28 and V29 are p and s.
#define FORWARD(KERNEL) EACH(ARGS_FORWARD, LOAD_SRC, KERNEL, STORE_DST)
#define FORWARDP(KERNEL) EACH(ARGS_FORWARDP, LOAD_SRC, KERNEL, STORE_DST)
#define FORWARDPS(KERNEL) EACH(ARGS_FORWARDPS, LOAD_SRC, KERNEL, STORE_DST)
#define ARGS_FORWARD MOVD dst+0(FP), R0; MOVD src+8(FP), R1; MOVD n+16(FP), rN
#define ARGS_FORWARDP ARGS_FORWARD; SCALAR(p+24, F28, 28)
#define ARGS_FORWARDPS ARGS_FORWARDP; SCALAR(s+(24+SIZE), F29, 29)
#define LOAD_SRC(mov, size) mov.P size(R1), F0
#define STORE_DST(mov, size) mov.P F0, size(R0)

#define RELU \
	FCMLE0(1, 0)  \
	BICV(0, 0, 1)

#define LEAKY \
	FMUL(1, 0, 28) \
	FCMGT0(2, 0)   \
	BIF(0, 1, 2)

#define ELU \
	COPY(10, 0)      \
	ZERO(1)          \
	FMIN(0, 0, 1)    \
	K(1, EXPM1LEAST) \
	FMAX(0, 0, 1)    \
	EXPM1            \
	FMUL(0, 0, 28)   \
	FMUL(1, 10, 29)  \
	FCMGT0(2, 10)    \
	BIT(0, 1, 2)

#define SILU \
	COPY(16, 0)    \
	SIGMOID        \
	FMUL(0, 16, 0)

#define GELU \
	COPY(16, 0)    \
	NORMALCDF      \
	FMUL(0, 16, 0)

#define MISH \
	COPY(16, 0)    \
	K(1, TWENTY)   \
	FMIN(0, 0, 1)  \
	MISHPARTS      \
	FDIV(2, 2, 3)  \
	FMUL(0, 16, 2)

// Slopes: V16 is grad, V0 is z, V17 is a.
#define BACKZ(KERNEL) EACH(ARGS_BACK, LOAD_GZ, KERNEL, STORE_G)
#define BACKZP(KERNEL) EACH(ARGS_BACKP, LOAD_GZ, KERNEL, STORE_G)
#define BACKA(KERNEL) EACH(ARGS_BACK, LOAD_GA, KERNEL, STORE_G)
#define BACKZA(KERNEL) EACH(ARGS_BACK, LOAD_GZA, KERNEL, STORE_G)
#define BACKZAPS(KERNEL) EACH(ARGS_BACKPS, LOAD_GZA, KERNEL, STORE_G)
#define ARGS_BACK MOVD grad+0(FP), R0; MOVD z+8(FP), R1; MOVD a+16(FP), R2; MOVD n+24(FP), rN
#define ARGS_BACKP ARGS_BACK; SCALAR(p+32, F28, 28)
#define ARGS_BACKPS ARGS_BACKP; SCALAR(s+(32+SIZE), F29, 29)
#define LOAD_GZ(mov, size) mov (R0), F16; mov.P size(R1), F0
#define LOAD_GA(mov, size) mov (R0), F16; mov.P size(R2), F17
#define LOAD_GZA(mov, size) LOAD_GZ(mov, size); mov.P size(R2), F17
#define STORE_G(mov, size) mov.P F16, size(R0)

#define RELUBACK \
	FCMGT0(1, 0)    \
	ANDV(16, 16, 1)

#define LEAKYBACK \
	FMUL(2, 16, 28) \
	FCMGT0(1, 0)    \
	BIF(16, 2, 1)

#define ELUBACK \
	FADD(2, 17, 28) \
	FCMGT0(1, 0)    \
	BIT(2, 29, 1)   \
	FMUL(16, 16, 2)

#define SIGMOIDBACK \
	K(1, ONE)       \
	FSUB(1, 1, 17)  \
	FMUL(1, 17, 1)  \
	FMUL(16, 16, 1)

#define TANHBACK \
	K(1, ONE)       \
	FSUB(2, 1, 17)  \
	FADD(1, 1, 17)  \
	FMUL(1, 2, 1)   \
	FMUL(16, 16, 1)

#define SOFTPLUSBACK \
	SIGMOID         \
	FMUL(16, 16, 0)

#define EXPBACK FMUL(16, 16, 17)

#define SILUBACK \
	SIGMOID         \
	K(1, ONE)       \
	FSUB(1, 1, 0)   \
	FMLA(0, 17, 1) \
	FMUL(16, 16, 0)

#define GELUBACK \
	COPY(18, 0)      \
	NORMALCDF        \
	COPY(19, 0)      \
	FMUL(0, 18, 18)  \
	FNEG(0, 0)       \
	K(1, HALF)       \
	FMUL(0, 0, 1)    \
	EXPBELOW         \
	K(1, DENSITY0)   \
	FMUL(1, 18, 1)   \
	FMLA(19, 1, 0)   \
	FMUL(16, 16, 19)

#define MISHBACK \
	K(1, TWENTY)    \
	FMIN(0, 0, 1)   \
	K(1, MINUS746)  \
	FMAX(0, 0, 1)   \
	COPY(11, 0)     \
	MISHPARTS       \
	K(1, ONE)       \
	FDIV(4, 1, 3)   \
	FADD(5, 4, 4)   \
	FMUL(6, 5, 0)   \
	FADD(7, 0, 1)   \
	FMUL(7, 5, 7)   \
	FMUL(8, 2, 4)   \
	FMUL(9, 11, 6)  \
	FMLA(8, 9, 7)   \
	FMUL(16, 16, 8)

// Updates: V0 is w, V1 is grad, V2 and V3 are m and v or v and its new value, V24 to V31 are
// the scalars.
#define ARGS_SGD MOVD w+0(FP), R0; MOVD grad+8(FP), R1; MOVD n+16(FP), rN; SCALAR(rate+24, F24, 24)
#define LOAD_WG(mov, size) mov (R0), F0; mov.P size(R1), F1
#define STORE_W(mov, size) mov.P F0, size(R0)
#define SGD FMLA(0, 24, 1)

#define ARGS_MOMENTUM \
	MOVD w+0(FP), R0              \
	MOVD grad+8(FP), R1           \
	MOVD v+16(FP), R2             \
	MOVD n+24(FP), rN             \
	SCALAR(rate+32, F24, 24)      \
	SCALAR(mu+(32+SIZE), F25, 25)

#define LOAD_WGV(mov, size) LOAD_WG(mov, size); mov (R2), F2
#define STORE_WV(mov, size) STORE_W(mov, size); mov.P F3, size(R2)

#define MOMENTUM \
	COPY(3, 1)     \
	FMLA(3, 25, 2) \
	FMLA(0, 24, 3)

#define NESTEROV \
	COPY(3, 1)     \
	FMLA(3, 25, 2) \
	FMLA(1, 25, 3) \
	FMLA(0, 24, 1)

#define ARGS_ADAM \
	MOVD w+0(FP), R0                  \
	MOVD grad+8(FP), R1               \
	MOVD m+16(FP), R2                 \
	MOVD v+24(FP), R3                 \
	MOVD n+32(FP), rN                 \
	SCALAR(rate+40, F24, 24)          \
	SCALAR(root+(40+SIZE), F25, 25)   \
	SCALAR(b1+(40+2*SIZE), F26, 26)   \
	SCALAR(c1+(40+3*SIZE), F27, 27)   \
	SCALAR(b2+(40+4*SIZE), F28, 28)   \
	SCALAR(c2+(40+5*SIZE), F29, 29)   \
	SCALAR(eps+(40+6*SIZE), F30, 30)  \
	SCALAR(keep+(40+7*SIZE), F31, 31)

#define LOAD_WGMV(mov, size) LOAD_WG(mov, size); mov (R2), F2; mov (R3), F3
#define STORE_WMV(mov, size) STORE_W(mov, size); mov.P F5, size(R2); mov.P F4, size(R3)

#define ADAM \
	FMUL(4, 1, 1)  \
	FMUL(4, 29, 4) \
	FMLA(4, 28, 3) \
	FMUL(5, 27, 1) \
	FMLA(5, 26, 2) \
	FSQRT(6, 4)    \
	COPY(7, 30)    \
	FMLA(7, 6, 25) \
	FDIV(6, 5, 7)  \
	FMUL(0, 0, 31) \
	FMLA(0, 24, 6)

#define ARGS_SCALE MOVD x+0(FP), R0; MOVD n+8(FP), rN; SCALAR(s+16, F24, 24)
#define LOAD_X(mov, size) mov (R0), F0
#define SCALE FMUL(0, 0, 24)

#define ARGS_ADD MOVD dst+0(FP), R0; MOVD src+8(FP), R1; MOVD n+16(FP), rN
#define PLUS FADD(0, 0, 1)

// The rules beyond those, and their like: V4 is top. V0 + V24 where V(u) is above 0, V0 - V24
// where it is below.
#define BYSIGN(u) \
	FADD(5, 0, 24) \
	FSUB(6, 0, 24) \
	FCMGT0(7, u)   \
	FNEG(8, u)     \
	FCMGT0(8, 8)   \
	BIT(0, 5, 7)   \
	BIT(0, 6, 8)

#define STORE_WV2(mov, size) STORE_W(mov, size); mov.P F2, size(R2)
#define STORE_WVM(mov, size) STORE_W(mov, size); mov.P F4, size(R2); mov.P F5, size(R3)
#define STORE_WVD(mov, size) STORE_W(mov, size); mov.P F4, size(R2); mov.P F6, size(R3)
#define LOAD_WGMVT(mov, size) LOAD_WGMV(mov, size); mov (R4), F4
#define STORE_WMVT(mov, size) STORE_W(mov, size); mov.P F6, size(R2); mov.P F5, size(R3); mov.P F4, size(R4)

#define ARGS_ADAGRAD             \
	MOVD w+0(FP), R0         \
	MOVD grad+8(FP), R1      \
	MOVD v+16(FP), R2        \
	MOVD n+24(FP), rN        \
	SCALAR(rate+32, F24, 24) \
	SCALAR(eps+(32+SIZE), F25, 25)

#define ADAGRAD        \
	FMLA(2, 1, 1)  \
	FSQRT(3, 2)    \
	FADD(3, 3, 25) \
	FDIV(3, 1, 3)  \
	FMLA(0, 24, 3)

#define ARGS_RMSPROP                    \
	MOVD w+0(FP), R0                \
	MOVD grad+8(FP), R1             \
	MOVD v+16(FP), R2               \
	MOVD n+24(FP), rN               \
	SCALAR(rate+32, F24, 24)        \
	SCALAR(b2+(32+SIZE), F25, 25)   \
	SCALAR(c2+(32+2*SIZE), F26, 26) \
	SCALAR(eps+(32+3*SIZE), F27, 27)

#define RMSPROP        \
	FMUL(3, 1, 1)  \
	FMUL(3, 26, 3) \
	FMLA(3, 25, 2) \
	FSQRT(4, 3)    \
	FADD(4, 4, 27) \
	FDIV(4, 1, 4)  \
	FMLA(0, 24, 4)

#define ARGS_RMSPROPMOMENTUM            \
	MOVD w+0(FP), R0                \
	MOVD grad+8(FP), R1             \
	MOVD v+16(FP), R2               \
	MOVD m+24(FP), R3               \
	MOVD n+32(FP), rN               \
	SCALAR(rate+40, F24, 24)        \
	SCALAR(mu+(40+SIZE), F25, 25)   \
	SCALAR(b2+(40+2*SIZE), F26, 26) \
	SCALAR(c2+(40+3*SIZE), F27, 27) \
	SCALAR(eps+(40+4*SIZE), F28, 28)

#define RMSPROPMOMENTUM  \
	FMUL(4, 1, 1)    \
	FMUL(4, 27, 4)   \
	FMLA(4, 26, 2)   \
	FSQRT(5, 4)      \
	FADD(5, 5, 28)   \
	FDIV(5, 1, 5)    \
	FMLA(5, 25, 3)   \
	FMLA(0, 24, 5)

#define ARGS_ADADELTA                   \
	MOVD w+0(FP), R0                \
	MOVD grad+8(FP), R1             \
	MOVD v+16(FP), R2               \
	MOVD d+24(FP), R3               \
	MOVD n+32(FP), rN               \
	SCALAR(rate+40, F24, 24)        \
	SCALAR(b2+(40+SIZE), F25, 25)   \
	SCALAR(c2+(40+2*SIZE), F26, 26) \
	SCALAR(eps+(40+3*SIZE), F27, 27)

#define ADADELTA       \
	FMUL(4, 1, 1)  \
	FMUL(4, 26, 4) \
	FMLA(4, 25, 2) \
	FADD(5, 3, 27) \
	FSQRT(5, 5)    \
	FADD(6, 4, 27) \
	FSQRT(6, 6)    \
	FDIV(5, 5, 6)  \
	FMUL(5, 5, 1)  \
	FMUL(6, 5, 5)  \
	FMUL(6, 26, 6) \
	FMLA(6, 25, 3) \
	FMLA(0, 24, 5)

#define ARGS_AMSGRAD                    \
	MOVD w+0(FP), R0                \
	MOVD grad+8(FP), R1             \
	MOVD m+16(FP), R2               \
	MOVD v+24(FP), R3               \
	MOVD top+32(FP), R4             \
	MOVD n+40(FP), rN               \
	SCALAR(rate+48, F24, 24)        \
	SCALAR(root+(48+SIZE), F25, 25) \
	SCALAR(b1+(48+2*SIZE), F26, 26) \
	SCALAR(c1+(48+3*SIZE), F27, 27) \
	SCALAR(b2+(48+4*SIZE), F28, 28) \
	SCALAR(c2+(48+5*SIZE), F29, 29) \
	SCALAR(eps+(48+6*SIZE), F30, 30)

#define AMSGRAD        \
	FMUL(5, 1, 1)  \
	FMUL(5, 29, 5) \
	FMLA(5, 28, 3) \
	FCMGT(6, 5, 4) \
	BIT(4, 5, 6)   \
	FMUL(6, 27, 1) \
	FMLA(6, 26, 2) \
	FSQRT(7, 4)    \
	COPY(8, 30)    \
	FMLA(8, 7, 25) \
	FDIV(7, 6, 8)  \
	FMLA(0, 24, 7)

#define ARGS_NADAM                        \
	MOVD w+0(FP), R0                  \
	MOVD grad+8(FP), R1               \
	MOVD m+16(FP), R2                 \
	MOVD v+24(FP), R3                 \
	MOVD n+32(FP), rN                 \
	SCALAR(rate+40, F24, 24)          \
	SCALAR(ahead+(40+SIZE), F25, 25)  \
	SCALAR(root+(40+2*SIZE), F26, 26) \
	SCALAR(b1+(40+3*SIZE), F27, 27)   \
	SCALAR(c1+(40+4*SIZE), F28, 28)   \
	SCALAR(b2+(40+5*SIZE), F29, 29)   \
	SCALAR(c2+(40+6*SIZE), F30, 30)   \
	SCALAR(eps+(40+7*SIZE), F31, 31)

#define NADAM          \
	FMUL(4, 1, 1)  \
	FMUL(4, 30, 4) \
	FMLA(4, 29, 3) \
	FMUL(5, 28, 1) \
	FMLA(5, 27, 2) \
	FSQRT(6, 4)    \
	COPY(7, 31)    \
	FMLA(7, 6, 26) \
	FDIV(8, 1, 7)  \
	FMLA(0, 25, 8) \
	FDIV(8, 5, 7)  \
	FMLA(0, 24, 8)

#define ARGS_LION                       \
	MOVD w+0(FP), R0                \
	MOVD grad+8(FP), R1             \
	MOVD m+16(FP), R2               \
	MOVD n+24(FP), rN               \
	SCALAR(rate+32, F24, 24)        \
	SCALAR(b1+(32+SIZE), F25, 25)   \
	SCALAR(c1+(32+2*SIZE), F26, 26) \
	SCALAR(b2+(32+3*SIZE), F27, 27) \
	SCALAR(c2+(32+4*SIZE), F28, 28)

#define LION           \
	FMUL(4, 26, 1) \
	FMLA(4, 25, 2) \
	FMUL(3, 28, 1) \
	FMLA(3, 27, 2) \
	BYSIGN(4)

#define ARGS_ADDSIGN        \
	MOVD grad+0(FP), R0 \
	MOVD w+8(FP), R1    \
	MOVD n+16(FP), rN   \
	SCALAR(s+24, F24, 24)

#define ADDSIGN BYSIGN(1)

#define ARGS_CLAMP          \
	MOVD grad+0(FP), R0 \
	MOVD n+8(FP), rN    \
	SCALAR(s+16, F24, 24)

#define CLAMP           \
	FNEG(25, 24)    \
	FCMGT(1, 0, 24) \
	FCMGT(2, 25, 0) \
	BIT(0, 24, 1)   \
	BIT(0, 25, 2)

#define ARGS_APPROACH      \
	MOVD dst+0(FP), R0 \
	MOVD src+8(FP), R1 \
	MOVD n+16(FP), rN  \
	SCALAR(s+24, F24, 24)

#define APPROACH      \
	FSUB(2, 1, 0) \
	FMLA(0, 24, 2)

// columnSums keeps a block of columns in registers over all rows.
#define COLUMNSUMS \
	MOVD dst+0(FP), R0        \
	MOVD src+8(FP), R1        \
	MOVD rows+16(FP), R2      \
	MOVD cols+24(FP), R3      \
	MOVD stride+32(FP), R4    \
	LSL  $LOG, R4             \
by4:                              \
	CMP  $(4*LANES), R3       \
	BLT  by1                  \
	FLDPQ (R0), (F0, F1)      \
	FLDPQ 32(R0), (F2, F3)    \
	MOVD R1, R5               \
	MOVD R2, R6               \
rows4:                            \
	FLDPQ (R5), (F4, F5)      \
	FLDPQ 32(R5), (F6, F7)    \
	ADD  R4, R5               \
	FADD(0, 0, 4)             \
	FADD(1, 1, 5)             \
	FADD(2, 2, 6)             \
	FADD(3, 3, 7)             \
	SUBS $1, R6               \
	BNE  rows4                \
	FSTPQ.P (F0, F1), 32(R0)  \
	FSTPQ.P (F2, F3), 32(R0)  \
	ADD  $64, R1              \
	SUB  $(4*LANES), R3       \
	B    by4                  \
by1:                              \
	CMP  $LANES, R3           \
	BLT  rest                 \
	COLUMNS(rows1, FMOVQ, 16) \
	SUB  $LANES, R3           \
	B    by1                  \
rest:                             \
	CBZ  R3, done             \
	COLUMNS(rows, FMOV, SIZE) \
	SUB  $1, R3               \
	B    rest                 \
done:                             \
	RET

#define COLUMNS(loop, mov, size) \
	mov  (R0), F0      \
	MOVD R1, R5        \
	MOVD R2, R6        \
loop:                      \
	mov  (R5), F1      \
	ADD  R4, R5        \
	FADD(0, 0, 1)      \
	SUBS $1, R6        \
	BNE  loop          \
	mov.P F0, size(R0) \
	ADD  $size, R1

#include "neon32_arm64.h"

// func relu32NEON(dst, src *float32, n int)
TEXT ·relu32NEON(SB), NOSPLIT, $0-24
	FORWARD(RELU)

// func leaky32NEON(dst, src *float32, n int, p float32)
TEXT ·leaky32NEON(SB), NOSPLIT, $0-28
	FORWARDP(LEAKY)

// func elu32NEON(dst, src *float32, n int, p, s float32)
TEXT ·elu32NEON(SB), NOSPLIT, $0-32
	FORWARDPS(ELU)

// func sigmoid32NEON(dst, src *float32, n int)
TEXT ·sigmoid32NEON(SB), NOSPLIT, $0-24
	FORWARD(SIGMOID)

// func tanh32NEON(dst, src *float32, n int)
TEXT ·tanh32NEON(SB), NOSPLIT, $0-24
	FORWARD(TANH)

// func softplus32NEON(dst, src *float32, n int)
TEXT ·softplus32NEON(SB), NOSPLIT, $0-24
	FORWARD(SOFTPLUS)

// func exp32NEON(dst, src *float32, n int)
TEXT ·exp32NEON(SB), NOSPLIT, $0-24
	FORWARD(EXP)

// func silu32NEON(dst, src *float32, n int)
TEXT ·silu32NEON(SB), NOSPLIT, $0-24
	FORWARD(SILU)

// func gelu32NEON(dst, src *float32, n int)
TEXT ·gelu32NEON(SB), NOSPLIT, $0-24
	FORWARD(GELU)

// func mish32NEON(dst, src *float32, n int)
TEXT ·mish32NEON(SB), NOSPLIT, $0-24
	FORWARD(MISH)

// func reluBack32NEON(grad, z, a *float32, n int)
TEXT ·reluBack32NEON(SB), NOSPLIT, $0-32
	BACKZ(RELUBACK)

// func leakyBack32NEON(grad, z, a *float32, n int, p float32)
TEXT ·leakyBack32NEON(SB), NOSPLIT, $0-36
	BACKZP(LEAKYBACK)

// func eluBack32NEON(grad, z, a *float32, n int, p, s float32)
TEXT ·eluBack32NEON(SB), NOSPLIT, $0-40
	BACKZAPS(ELUBACK)

// func sigmoidBack32NEON(grad, z, a *float32, n int)
TEXT ·sigmoidBack32NEON(SB), NOSPLIT, $0-32
	BACKA(SIGMOIDBACK)

// func tanhBack32NEON(grad, z, a *float32, n int)
TEXT ·tanhBack32NEON(SB), NOSPLIT, $0-32
	BACKA(TANHBACK)

// func softplusBack32NEON(grad, z, a *float32, n int)
TEXT ·softplusBack32NEON(SB), NOSPLIT, $0-32
	BACKZ(SOFTPLUSBACK)

// func expBack32NEON(grad, z, a *float32, n int)
TEXT ·expBack32NEON(SB), NOSPLIT, $0-32
	BACKA(EXPBACK)

// func siluBack32NEON(grad, z, a *float32, n int)
TEXT ·siluBack32NEON(SB), NOSPLIT, $0-32
	BACKZA(SILUBACK)

// func geluBack32NEON(grad, z, a *float32, n int)
TEXT ·geluBack32NEON(SB), NOSPLIT, $0-32
	BACKZ(GELUBACK)

// func mishBack32NEON(grad, z, a *float32, n int)
TEXT ·mishBack32NEON(SB), NOSPLIT, $0-32
	BACKZ(MISHBACK)

// func sgd32NEON(w, grad *float32, n int, rate float32)
TEXT ·sgd32NEON(SB), NOSPLIT, $0-28
	EACH(ARGS_SGD, LOAD_WG, SGD, STORE_W)

// func momentum32NEON(w, grad, v *float32, n int, rate, mu float32)
TEXT ·momentum32NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_MOMENTUM, LOAD_WGV, MOMENTUM, STORE_WV)

// func nesterov32NEON(w, grad, v *float32, n int, rate, mu float32)
TEXT ·nesterov32NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_MOMENTUM, LOAD_WGV, NESTEROV, STORE_WV)

// func adam32NEON(w, grad, m, v *float32, n int, rate, root, b1, c1, b2, c2, eps, keep float32)
TEXT ·adam32NEON(SB), NOSPLIT, $0-72
	EACH(ARGS_ADAM, LOAD_WGMV, ADAM, STORE_WMV)

// func scale32NEON(x *float32, n int, s float32)
TEXT ·scale32NEON(SB), NOSPLIT, $0-20
	EACH(ARGS_SCALE, LOAD_X, SCALE, STORE_W)

// func add32NEON(dst, src *float32, n int)
TEXT ·add32NEON(SB), NOSPLIT, $0-24
	EACH(ARGS_ADD, LOAD_WG, PLUS, STORE_W)

// func adagrad32NEON(w, grad, v *float32, n int, rate, eps float32)
TEXT ·adagrad32NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_ADAGRAD, LOAD_WGV, ADAGRAD, STORE_WV2)

// func rmsprop32NEON(w, grad, v *float32, n int, rate, b2, c2, eps float32)
TEXT ·rmsprop32NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_RMSPROP, LOAD_WGV, RMSPROP, STORE_WV)

// func rmspropMomentum32NEON(w, grad, v, m *float32, n int, rate, mu, b2, c2, eps float32)
TEXT ·rmspropMomentum32NEON(SB), NOSPLIT, $0-60
	EACH(ARGS_RMSPROPMOMENTUM, LOAD_WGMV, RMSPROPMOMENTUM, STORE_WVM)

// func adadelta32NEON(w, grad, v, d *float32, n int, rate, b2, c2, eps float32)
TEXT ·adadelta32NEON(SB), NOSPLIT, $0-56
	EACH(ARGS_ADADELTA, LOAD_WGMV, ADADELTA, STORE_WVD)

// func amsgrad32NEON(w, grad, m, v, top *float32, n int, rate, root, b1, c1, b2, c2, eps float32)
TEXT ·amsgrad32NEON(SB), NOSPLIT, $0-76
	EACH(ARGS_AMSGRAD, LOAD_WGMVT, AMSGRAD, STORE_WMVT)

// func nadam32NEON(w, grad, m, v *float32, n int, rate, ahead, root, b1, c1, b2, c2, eps float32)
TEXT ·nadam32NEON(SB), NOSPLIT, $0-72
	EACH(ARGS_NADAM, LOAD_WGMV, NADAM, STORE_WMV)

// func lion32NEON(w, grad, m *float32, n int, rate, b1, c1, b2, c2 float32)
TEXT ·lion32NEON(SB), NOSPLIT, $0-52
	EACH(ARGS_LION, LOAD_WGV, LION, STORE_WV)

// func addSign32NEON(grad, w *float32, n int, s float32)
TEXT ·addSign32NEON(SB), NOSPLIT, $0-28
	EACH(ARGS_ADDSIGN, LOAD_WG, ADDSIGN, STORE_W)

// func clamp32NEON(grad *float32, n int, s float32)
TEXT ·clamp32NEON(SB), NOSPLIT, $0-20
	EACH(ARGS_CLAMP, LOAD_X, CLAMP, STORE_W)

// func approach32NEON(dst, src *float32, n int, s float32)
TEXT ·approach32NEON(SB), NOSPLIT, $0-28
	EACH(ARGS_APPROACH, LOAD_WG, APPROACH, STORE_W)

// func columnSums32NEON(dst, src *float32, rows, cols, stride int)
TEXT ·columnSums32NEON(SB), NOSPLIT, $0-40
	COLUMNSUMS

#include "neon64_arm64.h"

// func relu64NEON(dst, src *float64, n int)
TEXT ·relu64NEON(SB), NOSPLIT, $0-24
	FORWARD(RELU)

// func leaky64NEON(dst, src *float64, n int, p float64)
TEXT ·leaky64NEON(SB), NOSPLIT, $0-32
	FORWARDP(LEAKY)

// func elu64NEON(dst, src *float64, n int, p, s float64)
TEXT ·elu64NEON(SB), NOSPLIT, $0-40
	FORWARDPS(ELU)

// func sigmoid64NEON(dst, src *float64, n int)
TEXT ·sigmoid64NEON(SB), NOSPLIT, $0-24
	FORWARD(SIGMOID)

// func tanh64NEON(dst, src *float64, n int)
TEXT ·tanh64NEON(SB), NOSPLIT, $0-24
	FORWARD(TANH)

// func softplus64NEON(dst, src *float64, n int)
TEXT ·softplus64NEON(SB), NOSPLIT, $0-24
	FORWARD(SOFTPLUS)

// func exp64NEON(dst, src *float64, n int)
TEXT ·exp64NEON(SB), NOSPLIT, $0-24
	FORWARD(EXP)

// func silu64NEON(dst, src *float64, n int)
TEXT ·silu64NEON(SB), NOSPLIT, $0-24
	FORWARD(SILU)

// func gelu64NEON(dst, src *float64, n int)
TEXT ·gelu64NEON(SB), NOSPLIT, $0-24
	FORWARD(GELU)

// func mish64NEON(dst, src *float64, n int)
TEXT ·mish64NEON(SB), NOSPLIT, $0-24
	FORWARD(MISH)

// func reluBack64NEON(grad, z, a *float64, n int)
TEXT ·reluBack64NEON(SB), NOSPLIT, $0-32
	BACKZ(RELUBACK)

// func leakyBack64NEON(grad, z, a *float64, n int, p float64)
TEXT ·leakyBack64NEON(SB), NOSPLIT, $0-40
	BACKZP(LEAKYBACK)

// func eluBack64NEON(grad, z, a *float64, n int, p, s float64)
TEXT ·eluBack64NEON(SB), NOSPLIT, $0-48
	BACKZAPS(ELUBACK)

// func sigmoidBack64NEON(grad, z, a *float64, n int)
TEXT ·sigmoidBack64NEON(SB), NOSPLIT, $0-32
	BACKA(SIGMOIDBACK)

// func tanhBack64NEON(grad, z, a *float64, n int)
TEXT ·tanhBack64NEON(SB), NOSPLIT, $0-32
	BACKA(TANHBACK)

// func softplusBack64NEON(grad, z, a *float64, n int)
TEXT ·softplusBack64NEON(SB), NOSPLIT, $0-32
	BACKZ(SOFTPLUSBACK)

// func expBack64NEON(grad, z, a *float64, n int)
TEXT ·expBack64NEON(SB), NOSPLIT, $0-32
	BACKA(EXPBACK)

// func siluBack64NEON(grad, z, a *float64, n int)
TEXT ·siluBack64NEON(SB), NOSPLIT, $0-32
	BACKZA(SILUBACK)

// func geluBack64NEON(grad, z, a *float64, n int)
TEXT ·geluBack64NEON(SB), NOSPLIT, $0-32
	BACKZ(GELUBACK)

// func mishBack64NEON(grad, z, a *float64, n int)
TEXT ·mishBack64NEON(SB), NOSPLIT, $0-32
	BACKZ(MISHBACK)

// func sgd64NEON(w, grad *float64, n int, rate float64)
TEXT ·sgd64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_SGD, LOAD_WG, SGD, STORE_W)

// func momentum64NEON(w, grad, v *float64, n int, rate, mu float64)
TEXT ·momentum64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_MOMENTUM, LOAD_WGV, MOMENTUM, STORE_WV)

// func nesterov64NEON(w, grad, v *float64, n int, rate, mu float64)
TEXT ·nesterov64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_MOMENTUM, LOAD_WGV, NESTEROV, STORE_WV)

// func adam64NEON(w, grad, m, v *float64, n int, rate, root, b1, c1, b2, c2, eps, keep float64)
TEXT ·adam64NEON(SB), NOSPLIT, $0-104
	EACH(ARGS_ADAM, LOAD_WGMV, ADAM, STORE_WMV)

// func scale64NEON(x *float64, n int, s float64)
TEXT ·scale64NEON(SB), NOSPLIT, $0-24
	EACH(ARGS_SCALE, LOAD_X, SCALE, STORE_W)

// func add64NEON(dst, src *float64, n int)
TEXT ·add64NEON(SB), NOSPLIT, $0-24
	EACH(ARGS_ADD, LOAD_WG, PLUS, STORE_W)

// func adagrad64NEON(w, grad, v *float64, n int, rate, eps float64)
TEXT ·adagrad64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_ADAGRAD, LOAD_WGV, ADAGRAD, STORE_WV2)

// func rmsprop64NEON(w, grad, v *float64, n int, rate, b2, c2, eps float64)
TEXT ·rmsprop64NEON(SB), NOSPLIT, $0-64
	EACH(ARGS_RMSPROP, LOAD_WGV, RMSPROP, STORE_WV)

// func rmspropMomentum64NEON(w, grad, v, m *float64, n int, rate, mu, b2, c2, eps float64)
TEXT ·rmspropMomentum64NEON(SB), NOSPLIT, $0-80
	EACH(ARGS_RMSPROPMOMENTUM, LOAD_WGMV, RMSPROPMOMENTUM, STORE_WVM)

// func adadelta64NEON(w, grad, v, d *float64, n int, rate, b2, c2, eps float64)
TEXT ·adadelta64NEON(SB), NOSPLIT, $0-72
	EACH(ARGS_ADADELTA, LOAD_WGMV, ADADELTA, STORE_WVD)

// func amsgrad64NEON(w, grad, m, v, top *float64, n int, rate, root, b1, c1, b2, c2, eps float64)
TEXT ·amsgrad64NEON(SB), NOSPLIT, $0-104
	EACH(ARGS_AMSGRAD, LOAD_WGMVT, AMSGRAD, STORE_WMVT)

// func nadam64NEON(w, grad, m, v *float64, n int, rate, ahead, root, b1, c1, b2, c2, eps float64)
TEXT ·nadam64NEON(SB), NOSPLIT, $0-104
	EACH(ARGS_NADAM, LOAD_WGMV, NADAM, STORE_WMV)

// func lion64NEON(w, grad, m *float64, n int, rate, b1, c1, b2, c2 float64)
TEXT ·lion64NEON(SB), NOSPLIT, $0-72
	EACH(ARGS_LION, LOAD_WGV, LION, STORE_WV)

// func addSign64NEON(grad, w *float64, n int, s float64)
TEXT ·addSign64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_ADDSIGN, LOAD_WG, ADDSIGN, STORE_W)

// func clamp64NEON(grad *float64, n int, s float64)
TEXT ·clamp64NEON(SB), NOSPLIT, $0-24
	EACH(ARGS_CLAMP, LOAD_X, CLAMP, STORE_W)

// func approach64NEON(dst, src *float64, n int, s float64)
TEXT ·approach64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_APPROACH, LOAD_WG, APPROACH, STORE_W)

// func columnSums64NEON(dst, src *float64, rows, cols, stride int)
TEXT ·columnSums64NEON(SB), NOSPLIT, $0-40
	COLUMNSUMS
