//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// sparseVectors is how many vectors of a row of C are in registers at once.
const sparseVectors = 8

// sparseTiles is SparseGemm by columns of C some vectors wide. A row of C that takes longer than a
// call should is continued by the next one.
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
		most := max(1, s.callFMAs/2/(w*lanes)) // each takes about twice as long as in a full tile
		for i := from; i < to; {
			rows := 1
			for i+rows < to && a.begin[i+rows+1]-a.begin[i]+rows <= most {
				rows++
			}
			start := biases.at(0, j)
			e, end := a.begin[i], a.begin[i+rows]
			for rows == 1 && end-e > most {
				piece := [2]int{e, e + most}
				runSparse(set, 1, w, &piece[0], &a.at[0], &a.value[0], &b.Data[j], &c.Data[(i-from)*c.Row+j], start, b.Row*size, 0, last)
				start = &c.Data[(i-from)*c.Row+j]
				e += most
			}
			begin := &a.begin[i]
			piece := [2]int{e, end}
			if rows == 1 {
				begin = &piece[0]
			}
			runSparse(set, rows, w, begin, &a.at[0], &a.value[0], &b.Data[j], &c.Data[(i-from)*c.Row+j], start, b.Row*size, c.Row*size, last)
			i += rows
		}
		j += columns
	}
}
