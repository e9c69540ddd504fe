//go:build !purego

package kernel

// tilesF32NEON computes count tiles of C, one below the other, each h rows high and w vectors
// of 4 wide. Of the last vector, only last elements belong to C:
//
//	for i := range count*h {
//		for j := range 4*(w-1) + last {
//			s := 0, or C[i][j] if accumulate
//			for p := range k { s = FMA(A[i][p], B[p][j], s) }
//			C[i][j] = s
//		}
//	}
//
// Strides are in bytes. k and count are at least 1.
//
//go:noescape
func tilesF32NEON(h, w, count, k int, a, b, c *float32, aRow, aCol, bRow, cRow, last int, accumulate bool)

// tilesF64NEON is tilesF32NEON in float64, with vectors of 2.
//
//go:noescape
func tilesF64NEON(h, w, count, k int, a, b, c *float64, aRow, aCol, bRow, cRow, last int, accumulate bool)

// sparseF32NEON computes w vectors of 4 of rows of C. w is at most 8. Of the last vector,
// only last elements belong to C:
//
//	for i := range rows {
//		for j := range 4*(w-1) + last {
//			s := from[j], or 0 if from is nil
//			for e := begin[i]; e < begin[i+1]; e++ { s = FMA(value[e], B[at[e]][j], s) }
//			C[i][j] = s
//		}
//	}
//
// Strides are in bytes. rows is at least 1.
//
//go:noescape
func sparseF32NEON(rows, w int, begin *int, at *int32, value, b, c, from *float32, bRow, cRow, last int)

// sparseF64NEON is sparseF32NEON in float64, with vectors of 2.
//
//go:noescape
func sparseF64NEON(rows, w int, begin *int, at *int32, value, b, c, from *float64, bRow, cRow, last int)

// peakF32NEON does n times 16 vector multiply-adds that do not depend on each other: s += x*x
// in 16 accumulators of 4 elements.
//
//go:noescape
func peakF32NEON(n int, x *float32)

// peakF64NEON is peakF32NEON in float64, with vectors of 2.
//
//go:noescape
func peakF64NEON(n int, x *float64)
