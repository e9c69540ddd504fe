//go:build purego || (!amd64 && !arm64)

package kernel

func gemmTiles[T Float](isa, int, int, int, View[T], View[T], View[T], View[T], *descent[T], [][]T) {
	panic("kernel: no assembly")
}

type descent[T Float] struct {
	v        []T
	rate, mu T
}

func descendsTiles[T Float](isa, int, int) bool { return false }

const rowSteps = 0

func rowTiles[T Float](isa, []T, []T, []T, []T) { panic("kernel: no assembly") }

func runPeak[T Float](isa, int, *T) int { panic("kernel: no assembly") }

func gatherRows[T Float](*T, *T, int, int, []int) { panic("kernel: no assembly") }

func sparseTiles[T Float](isa, *Sparse[T], int, int, int, View[T], View[T], []T) {
	panic("kernel: no assembly")
}

// findNonZeros is findNonZerosGo.
func findNonZeros[T Float](s *Sparse[T], i int, x []T, rows, cols, stride int) {
	findNonZerosGo(s, i, x, rows, cols, stride)
}
