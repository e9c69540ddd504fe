//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// sparseVectors is the number of vectors of a row of C that are in registers at once.
const sparseVectors = 8

// sparseTiles is SparseGemm by columns of C that are some vectors wide, and by as many rows as
// one call of the assembly should do. If a row is more than that, the next call continues it.
func sparseTiles[T Float](set isa, a *Sparse[T], from, to, n int, b, c View[T], bias []T) {
	size := int(unsafe.Sizeof(T(0)))
	s := &shapes[set]
	lanes := s.bytes / size
	biases := View[T]{bias, 0, 1}
	for j := 0; j < n; {
		vectors := (n - j + lanes - 1) / lanes
		parts := (vectors + sparseVectors - 1) / sparseVectors
		w := (vectors + parts - 1) / parts
		columns := min(w*lanes, n-j)
		last := columns - (w-1)*lanes
		most := s.callFMAs / (2 * w * lanes) // each takes about twice as long as in a full tile
		for i := from; i < to; {
			rows, e, end := 1, a.begin[i], a.begin[i+1]
			for i+rows < to && a.begin[i+rows+1]-e+rows <= most {
				rows++
			}
			begin, row, start := &a.begin[i], &c.Data[(i-from)*c.Row+j], biases.at(0, j)
			var part [2]int
			for rows == 1 && end-e > most {
				part = [...]int{e, e + most}
				runSparse(set, 1, w, &part[0], &a.at[0], &a.value[0], &b.Data[j], row, start, b.Row*size, 0, last)
				e += most
				begin, start = &part[0], row
			}
			part = [...]int{e, end}
			runSparse(set, rows, w, begin, &a.at[0], &a.value[0], &b.Data[j], row, start, b.Row*size, c.Row*size, last)
			i += rows
		}
		j += columns
	}
}
