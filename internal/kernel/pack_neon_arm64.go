//go:build !purego

package kernel

// packNEON copies rows of 64 bytes, stride bytes apart, to follow each other:
//
//	for i := range rows { copy(dst[i*64:][:64], src[i*stride:]) }
//
// rows is at least 1.
//
//go:noescape
func packNEON(dst, src *byte, rows, stride int)

// transposeF32NEON writes columns as rows. stride and row are in bytes:
//
//	for p := range k { for j := range columns { dst[p*row+j] = src[j*stride+p] } }
//
// The last column is repeated up to a multiple of 4. k and columns are at least 1.
//
//go:noescape
func transposeF32NEON(dst, src *float32, k, columns, stride, row int)

// transposeF64NEON is transposeF32NEON in float64. If the number of columns is odd, the last is repeated.
//
//go:noescape
func transposeF64NEON(dst, src *float64, k, columns, stride, row int)
