package kernel

// FillRows sets every row of dst to row. The rows have len(row) elements and follow each other.
func FillRows[T Float](dst, row []T) {
	for filled := copy(dst, row); filled < len(dst); {
		filled += copy(dst[filled:], dst[:filled])
	}
}

// Gather copies rows of cols numbers to the start of dst, so that they follow each other. Row r
// begins at src[r*stride].
func Gather[T Float](dst, src []T, cols, stride int, rows []int) {
	if cols == 0 {
		return
	}
	dst = dst[:cols*len(rows)]
	for _, r := range rows {
		_ = src[r*stride:][:cols] // panics if a row is not there
	}
	if !vectors() {
		for i, r := range rows {
			copy(dst[i*cols:][:cols], src[r*stride:])
		}
		return
	}
	for len(rows) > 0 {
		n := min(len(rows), max(1, chunk/cols))
		gatherRows(&dst[0], &src[0], cols, stride, rows[:n])
		dst, rows = dst[n*cols:], rows[n:]
	}
}

// ColumnSums sets dst[j] to the sum of column j over the rows of src, in order. Row i
// begins at src[i*stride].
func ColumnSums[T Float](dst, src []T, rows, stride int) {
	clear(dst)
	cols := len(dst)
	if cols == 0 {
		return
	}
	if !vectors() {
		for i := range rows {
			for j, v := range src[i*stride:][:cols] {
				dst[j] += v
			}
		}
		return
	}
	for rows > 0 {
		n := min(rows, max(1, chunk/cols))
		_ = src[(n-1)*stride+cols-1]
		columnSumsVector(&dst[0], &src[0], n, cols, stride)
		rows -= n
		if rows > 0 {
			src = src[n*stride:]
		}
	}
}

// AllFinite reports whether x holds neither NaN nor an infinity.
func AllFinite[T Float](x []T) bool {
	if !vectors() {
		for _, v := range x {
			if v-v != 0 {
				return false
			}
		}
		return true
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		var sum LossSum
		notFiniteVector(&sum[0], &x[0], n)
		if sum.Total() != 0 {
			return false
		}
		x = x[n:]
	}
	return true
}
