//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "functions_neon_arm64.h"
#include "each_neon_arm64.h"

// Batch and layer normalization, and dropout. Stream i of a kernel is at Ri and in Vi, a result
// may be in another register; scalars are in V24 and on.

#define ARGS_BATCHNORM \
	MOVD z+0(FP), R0      \
	MOVD hat+8(FP), R1    \
	MOVD mean+16(FP), R2  \
	MOVD rstd+24(FP), R3  \
	MOVD gamma+32(FP), R4 \
	MOVD beta+40(FP), R5  \
	MOVD n+48(FP), rN
#define LOAD_BATCHNORM(mov, size) mov (R1), F1; mov.P size(R2), F2; mov.P size(R3), F3; mov.P size(R4), F4; mov.P size(R5), F5
#define STORE_BATCHNORM(mov, size) mov.P F5, size(R0); mov.P F1, size(R1)
#define BATCHNORM \
	FSUB(1, 1, 2) \
	FMUL(1, 1, 3) \
	FMLA(5, 1, 4)

#define ARGS_BATCHNORMBACK \
	MOVD grad+0(FP), R0 \
	MOVD hat+8(FP), R1  \
	MOVD k+16(FP), R2   \
	MOVD a+24(FP), R3   \
	MOVD c+32(FP), R4   \
	MOVD n+40(FP), rN
#define LOAD_BATCHNORMBACK(mov, size) mov (R0), F0; mov.P size(R1), F1; mov.P size(R2), F2; mov.P size(R3), F3; mov.P size(R4), F4
#define STORE_BATCHNORMBACK(mov, size) mov.P F0, size(R0)
#define BATCHNORMBACK \
	FSUB(0, 0, 3) \
	FMLS(0, 1, 4) \
	FMUL(0, 2, 0)

#define ARGS_ADDSQUARES \
	MOVD sum+0(FP), R0   \
	MOVD x+8(FP), R1     \
	MOVD mean+16(FP), R2 \
	MOVD n+24(FP), rN
#define LOAD_ADDSQUARES(mov, size) mov (R0), F0; mov.P size(R1), F1; mov.P size(R2), F2
#define STORE_ADDSQUARES(mov, size) mov.P F0, size(R0)
#define ADDSQUARES \
	FSUB(1, 1, 2) \
	FMLA(0, 1, 1)

#define ARGS_ADDPRODUCTS \
	MOVD sum+0(FP), R0 \
	MOVD x+8(FP), R1   \
	MOVD y+16(FP), R2  \
	MOVD n+24(FP), rN
#define LOAD_ADDPRODUCTS(mov, size) mov (R0), F0; mov.P size(R1), F1; mov.P size(R2), F2
#define STORE_ADDPRODUCTS(mov, size) mov.P F0, size(R0)
#define ADDPRODUCTS FMLA(0, 1, 2)

#define ARGS_CENTER \
	MOVD square+0(FP), R0    \
	MOVD x+8(FP), R1         \
	MOVD n+16(FP), rN        \
	SCALAR(mean+24, F24, 24)
#define LOAD_CENTER(mov, size) mov (R1), F1
#define STORE_CENTER(mov, size) mov.P F0, size(R0); mov.P F1, size(R1)
#define CENTER \
	FSUB(1, 1, 24) \
	FMUL(0, 1, 1)

#define ARGS_LAYERNORM \
	MOVD z+0(FP), R0         \
	MOVD hat+8(FP), R1       \
	MOVD gamma+16(FP), R2    \
	MOVD beta+24(FP), R3     \
	MOVD n+32(FP), rN        \
	SCALAR(rstd+40, F24, 24)
#define LOAD_LAYERNORM(mov, size) mov (R1), F1; mov.P size(R2), F2; mov.P size(R3), F3
#define STORE_LAYERNORM(mov, size) mov.P F3, size(R0); mov.P F1, size(R1)
#define LAYERNORM \
	FMUL(1, 1, 24) \
	FMLA(3, 1, 2)

#define ARGS_PRODUCTS \
	MOVD product+0(FP), R0 \
	MOVD grad+8(FP), R1    \
	MOVD hat+16(FP), R2    \
	MOVD gamma+24(FP), R3  \
	MOVD n+32(FP), rN
#define LOAD_PRODUCTS(mov, size) mov (R1), F1; mov.P size(R2), F2; mov.P size(R3), F3
#define STORE_PRODUCTS(mov, size) mov.P F0, size(R0); mov.P F1, size(R1)
#define PRODUCTS \
	FMUL(1, 1, 3) \
	FMUL(0, 1, 2)

#define ARGS_LAYERNORMBACK \
	MOVD grad+0(FP), R0            \
	MOVD hat+8(FP), R1             \
	MOVD n+16(FP), rN              \
	SCALAR(rstd+24, F24, 24)       \
	SCALAR(a+(24+SIZE), F25, 25)   \
	SCALAR(c+(24+2*SIZE), F26, 26)
#define LOAD_LAYERNORMBACK(mov, size) mov (R0), F0; mov.P size(R1), F1
#define STORE_LAYERNORMBACK(mov, size) mov.P F0, size(R0)
#define LAYERNORMBACK \
	FSUB(0, 0, 25) \
	FMLS(0, 1, 26) \
	FMUL(0, 24, 0)

#define ARGS_DROP \
	MOVD dst+0(FP), R0    \
	MOVD src+8(FP), R1    \
	MOVD keep+16(FP), R2  \
	MOVD n+24(FP), rN     \
	SCALAR(s+32, F24, 24)
#define LOAD_DROP(mov, size) mov.P size(R1), F1; mov.P size(R2), F2
#define STORE_DROP(mov, size) mov.P F0, size(R0)
#define DROP \
	FMUL(1, 1, 24) \
	FCMGT0(2, 2)   \
	ANDV(0, 1, 2)

#include "neon32_arm64.h"

// func batchNorm32NEON(z, hat, mean, rstd, gamma, beta *float32, n int)
TEXT ·batchNorm32NEON(SB), NOSPLIT, $0-56
	EACH(ARGS_BATCHNORM, LOAD_BATCHNORM, BATCHNORM, STORE_BATCHNORM)

// func batchNormBack32NEON(grad, hat, k, a, c *float32, n int)
TEXT ·batchNormBack32NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_BATCHNORMBACK, LOAD_BATCHNORMBACK, BATCHNORMBACK, STORE_BATCHNORMBACK)

// func addSquares32NEON(sum, x, mean *float32, n int)
TEXT ·addSquares32NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_ADDSQUARES, LOAD_ADDSQUARES, ADDSQUARES, STORE_ADDSQUARES)

// func addProducts32NEON(sum, x, y *float32, n int)
TEXT ·addProducts32NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_ADDPRODUCTS, LOAD_ADDPRODUCTS, ADDPRODUCTS, STORE_ADDPRODUCTS)

// func center32NEON(square, x *float32, n int, mean float32)
TEXT ·center32NEON(SB), NOSPLIT, $0-28
	EACH(ARGS_CENTER, LOAD_CENTER, CENTER, STORE_CENTER)

// func layerNorm32NEON(z, hat, gamma, beta *float32, n int, rstd float32)
TEXT ·layerNorm32NEON(SB), NOSPLIT, $0-44
	EACH(ARGS_LAYERNORM, LOAD_LAYERNORM, LAYERNORM, STORE_LAYERNORM)

// func products32NEON(product, grad, hat, gamma *float32, n int)
TEXT ·products32NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_PRODUCTS, LOAD_PRODUCTS, PRODUCTS, STORE_PRODUCTS)

// func layerNormBack32NEON(grad, hat *float32, n int, rstd, a, c float32)
TEXT ·layerNormBack32NEON(SB), NOSPLIT, $0-36
	EACH(ARGS_LAYERNORMBACK, LOAD_LAYERNORMBACK, LAYERNORMBACK, STORE_LAYERNORMBACK)

// func drop32NEON(dst, src, keep *float32, n int, s float32)
TEXT ·drop32NEON(SB), NOSPLIT, $0-36
	EACH(ARGS_DROP, LOAD_DROP, DROP, STORE_DROP)

#include "neon64_arm64.h"

// func batchNorm64NEON(z, hat, mean, rstd, gamma, beta *float64, n int)
TEXT ·batchNorm64NEON(SB), NOSPLIT, $0-56
	EACH(ARGS_BATCHNORM, LOAD_BATCHNORM, BATCHNORM, STORE_BATCHNORM)

// func batchNormBack64NEON(grad, hat, k, a, c *float64, n int)
TEXT ·batchNormBack64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_BATCHNORMBACK, LOAD_BATCHNORMBACK, BATCHNORMBACK, STORE_BATCHNORMBACK)

// func addSquares64NEON(sum, x, mean *float64, n int)
TEXT ·addSquares64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_ADDSQUARES, LOAD_ADDSQUARES, ADDSQUARES, STORE_ADDSQUARES)

// func addProducts64NEON(sum, x, y *float64, n int)
TEXT ·addProducts64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_ADDPRODUCTS, LOAD_ADDPRODUCTS, ADDPRODUCTS, STORE_ADDPRODUCTS)

// func center64NEON(square, x *float64, n int, mean float64)
TEXT ·center64NEON(SB), NOSPLIT, $0-32
	EACH(ARGS_CENTER, LOAD_CENTER, CENTER, STORE_CENTER)

// func layerNorm64NEON(z, hat, gamma, beta *float64, n int, rstd float64)
TEXT ·layerNorm64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_LAYERNORM, LOAD_LAYERNORM, LAYERNORM, STORE_LAYERNORM)

// func products64NEON(product, grad, hat, gamma *float64, n int)
TEXT ·products64NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_PRODUCTS, LOAD_PRODUCTS, PRODUCTS, STORE_PRODUCTS)

// func layerNormBack64NEON(grad, hat *float64, n int, rstd, a, c float64)
TEXT ·layerNormBack64NEON(SB), NOSPLIT, $0-48
	EACH(ARGS_LAYERNORMBACK, LOAD_LAYERNORMBACK, LAYERNORMBACK, STORE_LAYERNORMBACK)

// func drop64NEON(dst, src, keep *float64, n int, s float64)
TEXT ·drop64NEON(SB), NOSPLIT, $0-40
	EACH(ARGS_DROP, LOAD_DROP, DROP, STORE_DROP)
