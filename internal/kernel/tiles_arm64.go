//go:build !purego

package kernel

import "unsafe"

// NEON has 32 registers: at most 24 accumulators and, for each step of k, a row of B and four
// elements of A. packStride is AVX2's, since its panels have the same number of bytes. callFMAs
// allows for small cores. Neither has been measured.
var shapes = [...]shape{
	neon: {16, 4, [...]int{0, 12, 12, 8, 6, 2, 2, 2, 2}, [...]int{0, 8, 8, 4}, 512, 50_000, false},
}

// runTiles calls the assembly of the precision: see tilesF32NEON. It prefetches nothing. If the
// sums start from values that are not in C, it copies them to C first.
func runTiles[T Float](_ isa, h, w, count, k int, a, b, c, from *T, aRow, aCol, bRow, cRow, fromRow, last int, _ uintptr, _, _ int) {
	size := int(unsafe.Sizeof(*a))
	if from != nil && from != c {
		columns := (w-1)*shapes[neon].bytes/size + last
		for i := range h * count {
			to, row := (*T)(unsafe.Add(unsafe.Pointer(c), i*cRow)), (*T)(unsafe.Add(unsafe.Pointer(from), i*fromRow))
			copy(unsafe.Slice(to, columns), unsafe.Slice(row, columns))
		}
	}
	if size == 4 {
		a, b, c := (*float32)(unsafe.Pointer(a)), (*float32)(unsafe.Pointer(b)), (*float32)(unsafe.Pointer(c))
		tilesF32NEON(h, w, count, k, a, b, c, aRow, aCol, bRow, cRow, last, from != nil)
		return
	}
	a64, b64, c64 := (*float64)(unsafe.Pointer(a)), (*float64)(unsafe.Pointer(b)), (*float64)(unsafe.Pointer(c))
	tilesF64NEON(h, w, count, k, a64, b64, c64, aRow, aCol, bRow, cRow, last, from != nil)
}

func descends(isa) bool { return false }

func runDescent[T Float](int, int, int, *T, *T, *T, *T, int, int, int, int, T, T, uintptr, int, int) {
	panic("kernel: no descent in tiles")
}

// runSparse calls the assembly of the precision: see sparseF32NEON.
func runSparse[T Float](_ isa, rows, w int, begin *int, at *int32, value, b, c, from *T, bRow, cRow, last int) {
	if unsafe.Sizeof(*b) == 4 {
		value, b, c, from := (*float32)(unsafe.Pointer(value)), (*float32)(unsafe.Pointer(b)), (*float32)(unsafe.Pointer(c)), (*float32)(unsafe.Pointer(from))
		sparseF32NEON(rows, w, begin, at, value, b, c, from, bRow, cRow, last)
		return
	}
	value64, b64, c64, from64 := (*float64)(unsafe.Pointer(value)), (*float64)(unsafe.Pointer(b)), (*float64)(unsafe.Pointer(c)), (*float64)(unsafe.Pointer(from))
	sparseF64NEON(rows, w, begin, at, value64, b64, c64, from64, bRow, cRow, last)
}

// findNonZeros is findNonZerosGo.
func findNonZeros[T Float](s *Sparse[T], i int, x []T, rows, cols, stride int) {
	findNonZerosGo(s, i, x, rows, cols, stride)
}

// packPanel copies rows of 64 bytes, the width of the usual panel, so that they follow each
// other: see packNEON.
func packPanel[T Float](dst, src *T, rows, _, stride int) {
	packNEON((*byte)(unsafe.Pointer(dst)), (*byte)(unsafe.Pointer(src)), rows, stride)
}

// gatherRows copies rows so that they follow each other.
func gatherRows[T Float](dst, src *T, cols, stride int, rows []int) {
	for i, r := range rows {
		from, to := unsafe.Add(unsafe.Pointer(src), r*stride*int(unsafe.Sizeof(*src))), unsafe.Add(unsafe.Pointer(dst), i*cols*int(unsafe.Sizeof(*dst)))
		copy(unsafe.Slice((*T)(to), cols), unsafe.Slice((*T)(from), cols))
	}
}

// transposePanel writes columns as rows: see transposeF32NEON.
func transposePanel[T Float](dst, src *T, k, columns, stride, row int) {
	if unsafe.Sizeof(*dst) == 4 {
		transposeF32NEON((*float32)(unsafe.Pointer(dst)), (*float32)(unsafe.Pointer(src)), k, columns, stride, row)
	} else {
		transposeF64NEON((*float64)(unsafe.Pointer(dst)), (*float64)(unsafe.Pointer(src)), k, columns, stride, row)
	}
}

// runPeak does 16·n vector multiply-adds: see peakF32NEON. It returns the number of operations
// on T, two for each multiply-add.
func runPeak[T Float](_ isa, n int, x *T) int {
	if unsafe.Sizeof(*x) == 4 {
		peakF32NEON(n, (*float32)(unsafe.Pointer(x)))
	} else {
		peakF64NEON(n, (*float64)(unsafe.Pointer(x)))
	}
	return 2 * 16 * n * shapes[neon].bytes / int(unsafe.Sizeof(*x))
}
