package kernel

import "math"

// A Sparse is a matrix without its zeros. The numbers of row i are value[begin[i]:begin[i+1]].
// Their columns are at[begin[i]:begin[i+1]], from left to right.
type Sparse[T Float] struct {
	cols  int
	begin []int
	at    []int32
	value []T
}

// Sparse matrices pay from this size on and up to this share of numbers that are not 0: the
// product takes about twice as long for each of them.
const (
	sparseRows  = 8
	sparseCols  = 32
	sparseShare = 4 // one in sparseShare
)

// sparseSlack is how many elements the search may write past the end.
const sparseSlack = 8

// Take makes s the matrix of rows by cols in x, a row every stride elements, if most of it is
// zeros. It reports whether it did. That depends only on the numbers. Memory is allocated for
// the largest such matrix so far.
func (s *Sparse[T]) Take(x []T, rows, cols, stride int) bool {
	if rows < sparseRows || cols < sparseCols {
		return false
	}
	// The first row rules out most matrices that are not sparse.
	count := 0
	for _, v := range x[:cols] {
		if v != 0 {
			count++
		}
	}
	if count > cols/2 {
		return false
	}
	_ = x[(rows-1)*stride:][:cols]
	most := rows * cols / sparseShare
	s.grow(rows, cols, most+cols+sparseSlack)
	for i := 0; i < rows; {
		room := len(s.at) - sparseSlack - s.begin[i]
		n := min(rows-i, max(1, chunk/cols), room/cols)
		if n == 0 { // then more than most are not 0
			return false
		}
		if cols > chunk {
			s.takeWide(i, x[i*stride:][:cols])
		} else {
			findNonZeros(s, i, x[i*stride:], n, cols, stride)
		}
		i += n
	}
	return s.begin[rows] <= most
}

// Start makes s an empty matrix of cols columns, to which Add adds up to that many rows. It reports whether Take would
// look at a matrix of that size.
func (s *Sparse[T]) Start(rows, cols int) bool {
	if rows < sparseRows || cols < sparseCols {
		return false
	}
	s.grow(rows, cols, rows*cols/sparseShare+cols)
	s.begin = s.begin[:1]
	return true
}

// LongStep is the step of Add after which there is no number.
const LongStep = math.MaxUint8

// Add adds a row. Its numbers that are not 0 are given from left to right, each by the step from the column before, the first
// by its column. Before a step of LongStep columns or more there are steps of LongStep. The numbers are 1, except that number
// where[k] is value[k]. Add reports whether Take might still take a matrix that starts with these rows.
func (s *Sparse[T]) Add(steps []uint8, where []uint16, value []T) bool {
	row := len(s.begin) - 1
	first := s.begin[row]
	columns, values := s.at[first:][:len(steps)], s.value[first:][:len(steps)]
	n, j := 0, int32(0)
	for _, step := range steps {
		j += int32(step)
		columns[n], values[n] = j, 1 // overwritten after a long step
		if step != LongStep {
			n++
		}
	}
	columns, values = columns[:n], values[:n]
	zeros := 0
	for k, i := range where[:len(value)] {
		if values[i] = value[k]; value[k] == 0 { // -0
			zeros++
		}
	}
	e := n
	if zeros > 0 {
		e = 0
		for i, v := range values {
			if v != 0 {
				columns[e], values[e] = columns[i], v
				e++
			}
		}
	}
	s.begin = append(s.begin, first+e)
	return (row > 0 || e <= s.cols/2) && first+e <= len(s.at)-s.cols
}

// takeWide finds the numbers of row i piece by piece, since assembly delays the garbage collector.
func (s *Sparse[T]) takeWide(i int, row []T) {
	first := s.begin[i]
	for from := 0; from < len(row); from += chunk {
		part := row[from:min(from+chunk, len(row))]
		findNonZeros(s, i, part, 1, len(part), 0)
		for e := s.begin[i]; e < s.begin[i+1]; e++ {
			s.at[e] += int32(from)
		}
		s.begin[i] = s.begin[i+1] // the next piece continues here
	}
	s.begin[i] = first
}

// Transpose makes s the transpose of a.
func (s *Sparse[T]) Transpose(a *Sparse[T]) {
	rows, n := len(a.begin)-1, a.begin[len(a.begin)-1]
	s.grow(a.cols+1, rows, len(a.at))
	// begin[j+1] counts up from the start of column j to its end.
	begin := s.begin
	clear(begin)
	for _, j := range a.at[:n] {
		begin[j+2]++
	}
	for j := 2; j < len(begin); j++ {
		begin[j] += begin[j-1]
	}
	for i := range rows {
		from, to := a.begin[i], a.begin[i+1]
		value := a.value[from:to]
		for e, j := range a.at[from:to] {
			at := begin[j+1]
			s.at[at], s.value[at] = int32(i), value[e]
			begin[j+1] = at + 1
		}
	}
	s.begin = begin[:a.cols+1]
}

// Zeros returns how many elements of the matrix are 0.
func (s *Sparse[T]) Zeros() int {
	rows := len(s.begin) - 1
	return rows*s.cols - s.begin[rows]
}

// grow makes room for a matrix of rows by cols with up to n numbers that are not 0.
func (s *Sparse[T]) grow(rows, cols, n int) {
	s.cols = cols
	n = max(1, n)
	if cap(s.begin) < rows+1 {
		s.begin = make([]int, rows+1)
	}
	s.begin = s.begin[:rows+1]
	s.begin[0] = 0
	if cap(s.at) < n {
		s.at, s.value = make([]int32, n), make([]T, n)
	}
	s.at, s.value = s.at[:n], s.value[:n]
}

// findNonZerosGo appends the nonzero numbers of some rows to rows 0 to i-1 of s.
func findNonZerosGo[T Float](s *Sparse[T], i int, x []T, rows, cols, stride int) {
	e := s.begin[i]
	for r := range rows {
		for j, v := range x[r*stride:][:cols] {
			if v != 0 {
				s.at[e], s.value[e] = int32(j), v
				e++
			}
		}
		s.begin[i+r+1] = e
	}
}

// SparseGemm computes rows from .. to-1 of C = A·B. B and C have n columns, and each of their
// rows is contiguous. The chains start from the bias, or from zeros if it is nil:
//
//	c := bias[j]
//	for each number a of row i of A, in column p: c = FMA(a, B[p][j], c)
//	C[i-from][j] = c
//
// The result equals that of GemmBias with the zeros, if B is finite, except that a sum of 0 may
// have the other sign.
func SparseGemm[T Float](a *Sparse[T], from, to, n int, b, c View[T], bias []T) {
	if from == to || n == 0 {
		return
	}
	if bias != nil {
		bias = bias[:n]
	}
	if b.Col != 1 || c.Col != 1 || b.Row < n || c.Row < n || b.short(a.cols, n) || c.short(to-from, n) {
		panic("kernel: SparseGemm: B or C is too small or its columns are not side by side")
	}
	_ = a.begin[from : to+1]
	if set := active; set != generic {
		sparseTiles(set, a, from, to, n, b, c, bias)
	} else {
		sparseGo(a, from, to, n, b, c, bias)
	}
}

// sparseGo is SparseGemm in Go, the specification of the assembly.
func sparseGo[T Float](a *Sparse[T], from, to, n int, b, c View[T], bias []T) {
	for i := from; i < to; i++ {
		row := c.Data[(i-from)*c.Row:][:n]
		start(row, View[T]{bias, 0, 1}, 0)
		e, end := a.begin[i], a.begin[i+1]
		at := func(e int) []T { return b.Data[int(a.at[e])*b.Row:] }
		for ; e+4 <= end; e += 4 {
			v := a.value[e:][:4]
			addRows(row, v[0], v[1], v[2], v[3], at(e), at(e+1), at(e+2), at(e+3))
		}
		for ; e < end; e++ {
			v := a.value[e]
			for j, bj := range at(e)[:n] {
				row[j] = FMA(v, bj, row[j])
			}
		}
	}
}
