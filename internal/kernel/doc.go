// Package kernel holds the arithmetic of gradus: matrix products and elementary
// functions on plain slices, in float32 and float64.
//
// All results are specified to the bit, so that every machine gets the same result:
//
//   - An element of a matrix product is one chain of fused multiply-adds over the inner
//     dimension, in order (Gemm). Tiling, packing and threads cannot change it. For a matrix
//     that is mostly zeros, the chain goes over the nonzero elements only (SparseGemm).
//   - FMA rounds once, on every processor, in both precisions.
//   - Exp, Log, Tanh and the other functions are our own polynomials with a fixed order of
//     operations. The standard library's differ between processors.
//   - A sum over a row or a batch has 16 lanes: term i goes to lane i%16, in order, and the
//     lanes are added in a tree (LossSum). A sum over rows, for each column, is taken in
//     the order of the rows (ColumnSums).
//
// The Go code here is the specification. Where assembly exists, a test checks that it gives the
// same bits. For amd64, gen writes the assembly: for AVX-512 and for AVX2 with FMA. For arm64
// it is written by hand, for NEON. ISA returns which is in use. The environment variable
// GRADUS_ISA selects another, and the build tag purego leaves only Go.
//
// The arm64 files:
//
//	neon_arm64.h                         instructions that Go's assembler does not know
//	neon32_arm64.h, neon64_arm64.h       what differs between float32 and float64
//	gemm_neon_arm64.s, gemm_neon_arm64.h the tiles of matrix products
//	sparse_neon_arm64.h                  products without zeros
//	pack_neon_arm64.s                    copying and transposing panels of B
//	functions_neon_arm64.h               exp, log, tanh and similar functions
//	constants_neon_arm64.s               the constants of these functions
//	vector_neon_arm64.s                  activations, slopes, updates, column sums
//	loss_neon_arm64.s                    softmax and losses
//	tiny_neon_arm64.s, tiny_neon_arm64.h Tiny
package kernel

// Float is the precision: float32 or float64.
type Float interface{ float32 | float64 }
