//go:build !purego

package kernel

import "unsafe"

var shapes = [...]shape{
	avx2:   {32, 2, [...]int{0, 12, 6, 3, 2, 1, 1, 1, 1}, [...]int{0, 8, 4, 3}, 512, 250_000, true},
	avx512: {64, 2, [...]int{0, 12, 12, 3, 3, 1, 1, 1, 1}, [...]int{0, 8, 4, 4}, 4096, 250_000, false},
}

// runTiles calls the assembly of the instruction set and precision: see tilesF32AVX512.
func runTiles[T Float](set isa, h, w, count, k int, a, b, c, from *T, aRow, aCol, bRow, cRow, fromRow, last int, ahead uintptr, aheadStep, aheadTile int) {
	if unsafe.Sizeof(*a) == 4 {
		a, b, c, from := (*float32)(unsafe.Pointer(a)), (*float32)(unsafe.Pointer(b)), (*float32)(unsafe.Pointer(c)), (*float32)(unsafe.Pointer(from))
		if set == avx512 {
			tilesF32AVX512(h, w, count, k, a, b, c, from, aRow, aCol, bRow, cRow, fromRow, last, ahead, aheadStep, aheadTile)
		} else {
			tilesF32AVX2(h, w, count, k, a, b, c, from, aRow, aCol, bRow, cRow, fromRow, last, ahead, aheadStep, aheadTile)
		}
		return
	}
	a64, b64, c64, from64 := (*float64)(unsafe.Pointer(a)), (*float64)(unsafe.Pointer(b)), (*float64)(unsafe.Pointer(c)), (*float64)(unsafe.Pointer(from))
	if set == avx512 {
		tilesF64AVX512(h, w, count, k, a64, b64, c64, from64, aRow, aCol, bRow, cRow, fromRow, last, ahead, aheadStep, aheadTile)
	} else {
		tilesF64AVX2(h, w, count, k, a64, b64, c64, from64, aRow, aCol, bRow, cRow, fromRow, last, ahead, aheadStep, aheadTile)
	}
}

// descends reports whether there are tiles that end in a descent, and whether they pay. With
// AVX2's narrow tiles they do not.
func descends(set isa) bool { return set == avx512 }

// runDescent calls the tiles that end in a descent: see descendF32AVX512.
func runDescent[T Float](h, count, k int, a, b, c, v *T, aRow, aCol, bRow, cRow int, rate, mu T, ahead uintptr, aheadStep, aheadTile int) {
	if unsafe.Sizeof(*a) == 4 {
		a, b, c, v := (*float32)(unsafe.Pointer(a)), (*float32)(unsafe.Pointer(b)), (*float32)(unsafe.Pointer(c)), (*float32)(unsafe.Pointer(v))
		descendF32AVX512(h, count, k, a, b, c, v, aRow, aCol, bRow, cRow, float32(rate), float32(mu), ahead, aheadStep, aheadTile)
		return
	}
	a64, b64, c64, v64 := (*float64)(unsafe.Pointer(a)), (*float64)(unsafe.Pointer(b)), (*float64)(unsafe.Pointer(c)), (*float64)(unsafe.Pointer(v))
	descendF64AVX512(h, count, k, a64, b64, c64, v64, aRow, aCol, bRow, cRow, float64(rate), float64(mu), ahead, aheadStep, aheadTile)
}

// runSparse calls the assembly of sparse products: see sparseF32AVX512.
func runSparse[T Float](set isa, rows, w int, begin *int, at *int32, value, b, c, from *T, bRow, cRow, last int) {
	if unsafe.Sizeof(*b) == 4 {
		value, b, c, from := (*float32)(unsafe.Pointer(value)), (*float32)(unsafe.Pointer(b)), (*float32)(unsafe.Pointer(c)), (*float32)(unsafe.Pointer(from))
		if set == avx512 {
			sparseF32AVX512(rows, w, begin, at, value, b, c, from, bRow, cRow, last)
		} else {
			sparseF32AVX2(rows, w, begin, at, value, b, c, from, bRow, cRow, last)
		}
		return
	}
	value64, b64, c64, from64 := (*float64)(unsafe.Pointer(value)), (*float64)(unsafe.Pointer(b)), (*float64)(unsafe.Pointer(c)), (*float64)(unsafe.Pointer(from))
	if set == avx512 {
		sparseF64AVX512(rows, w, begin, at, value64, b64, c64, from64, bRow, cRow, last)
	} else {
		sparseF64AVX2(rows, w, begin, at, value64, b64, c64, from64, bRow, cRow, last)
	}
}

// findNonZeros is findNonZerosGo in assembly: see nonZerosF32AVX2.
func findNonZeros[T Float](s *Sparse[T], i int, x []T, rows, cols, stride int) {
	begin, at, value := &s.begin[i], &s.at[0], unsafe.Pointer(&s.value[0])
	switch {
	case active == generic:
		findNonZerosGo(s, i, x, rows, cols, stride)
	case unsafe.Sizeof(x[0]) == 4:
		nonZerosF32AVX2(begin, at, (*float32)(value), (*float32)(unsafe.Pointer(&x[0])), rows, cols, stride)
	default:
		nonZerosF64AVX2(begin, at, (*float64)(value), (*float64)(unsafe.Pointer(&x[0])), rows, cols, stride)
	}
}

// packPanel copies rows of 64 or 128 bytes so that they follow each other: see packAVX2.
func packPanel[T Float](dst, src *T, rows, bytes, stride int) {
	packAVX2((*byte)(unsafe.Pointer(dst)), (*byte)(unsafe.Pointer(src)), rows, bytes, stride)
}

// gatherRows copies rows so that they follow each other. It prefetches into the cache the row whose
// place in dst is about 12 KB further on: see gatherAVX2.
func gatherRows[T Float](dst, src *T, cols, stride int, rows []int) {
	size := int(unsafe.Sizeof(*dst))
	gatherAVX2((*byte)(unsafe.Pointer(dst)), (*byte)(unsafe.Pointer(src)), cols*size, stride*size, &rows[0], len(rows), 4+4096/(cols*size))
}

// transposePanel writes columns as rows: see transposeF32AVX2.
func transposePanel[T Float](dst, src *T, k, columns, stride, row int) {
	if unsafe.Sizeof(*dst) == 4 {
		transposeF32AVX2((*float32)(unsafe.Pointer(dst)), (*float32)(unsafe.Pointer(src)), k, columns, stride, row)
	} else {
		transposeF64AVX2((*float64)(unsafe.Pointer(dst)), (*float64)(unsafe.Pointer(src)), k, columns, stride, row)
	}
}

// runPeak does 12·n vector multiply-adds: see peakF32AVX512. It returns the number of
// operations on T, two for each multiply-add.
func runPeak[T Float](set isa, n int, x *T) int {
	switch {
	case unsafe.Sizeof(*x) == 4 && set == avx512:
		peakF32AVX512(n, (*float32)(unsafe.Pointer(x)))
	case unsafe.Sizeof(*x) == 4:
		peakF32AVX2(n, (*float32)(unsafe.Pointer(x)))
	case set == avx512:
		peakF64AVX512(n, (*float64)(unsafe.Pointer(x)))
	default:
		peakF64AVX2(n, (*float64)(unsafe.Pointer(x)))
	}
	return 2 * 12 * n * shapes[set].bytes / int(unsafe.Sizeof(*x))
}
