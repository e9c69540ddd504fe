package nn

import (
	"fmt"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Float is the precision of a network: float32 (the default, and the faster) or float64
// (for gradient checks and tight tolerances). One implementation serves both.
type Float interface{ float32 | float64 }

// Matrix is a row-major view of Data: element (i, j) is Data[i*Stride+j]. A Stride of 0 means
// Cols: the rows follow each other without gaps. One row is one sample. The zero value has no rows.
type Matrix[T Float] struct {
	Rows, Cols, Stride int
	Data               []T
}

// NewMatrix returns a rows by cols matrix of zeros.
func NewMatrix[T Float](rows, cols int) Matrix[T] {
	return Matrix[T]{Rows: rows, Cols: cols, Stride: cols, Data: make([]T, rows*cols)}
}

// FromRows copies rows of equal length into a new matrix. It panics if they differ in
// length.
func FromRows[T Float](rows [][]T) Matrix[T] {
	if len(rows) == 0 {
		return Matrix[T]{}
	}
	m := NewMatrix[T](len(rows), len(rows[0]))
	for i, r := range rows {
		if len(r) != m.Cols {
			panic(fmt.Sprintf("nn: FromRows: row %d has %d values, row 0 has %d", i, len(r), m.Cols))
		}
		copy(m.Row(i), r)
	}
	return m
}

// Row returns row i as a slice into the matrix.
func (m Matrix[T]) Row(i int) []T { return m.Data[i*m.stride():][:m.Cols:m.Cols] }

// Float64s writes the elements to out as float64, row after row.
func (m Matrix[T]) Float64s(out []float64) {
	for i := range m.Rows {
		to := out[i*m.Cols:][:m.Cols]
		for j, v := range m.Row(i) {
			to[j] = float64(v)
		}
	}
}

// At returns element (i, j).
func (m Matrix[T]) At(i, j int) T { return m.Row(i)[j] }

// Slice returns rows from (inclusive) to to (exclusive) as a view.
func (m Matrix[T]) Slice(from, to int) Matrix[T] {
	if from == to {
		return Matrix[T]{Cols: m.Cols, Stride: m.Stride}
	}
	return Matrix[T]{Rows: to - from, Cols: m.Cols, Stride: m.stride(), Data: m.Data[from*m.stride():]}
}

// Gather copies the rows of m with the given indices, in that order, into the first rows of
// dst. It returns that part of dst. Indices may repeat.
func (m Matrix[T]) Gather(dst Matrix[T], rows []int) Matrix[T] {
	dst = dst.Slice(0, len(rows))
	if dst.contiguous() && dst.Cols == m.Cols {
		kernel.Gather(dst.Data, m.Data, m.Cols, m.stride(), rows)
		return dst
	}
	for i, r := range rows {
		copy(dst.Row(i), m.Row(r))
	}
	return dst
}

// Validate returns an error with the reason if the rows do not fit in Data.
func (m Matrix[T]) Validate() error {
	switch {
	case m.Rows < 0 || m.Cols < 0:
		return fmt.Errorf("a matrix cannot have %d rows and %d columns", m.Rows, m.Cols)
	case m.Rows == 0:
		return nil
	case m.stride() < m.Cols:
		return fmt.Errorf("the rows have %d columns and a stride of %d; make that at least as large, or leave it 0", m.Cols, m.Stride)
	case len(m.Data) < m.Cols || m.Rows > 1 && (len(m.Data)-m.Cols)/max(1, m.stride()) < m.Rows-1 && m.Cols > 0:
		return fmt.Errorf("%d rows of %d columns do not fit in %d numbers", m.Rows, m.Cols, len(m.Data))
	}
	return nil
}

// stride is the distance between the starts of two rows.
func (m Matrix[T]) stride() int {
	if m.Stride == 0 {
		return m.Cols
	}
	return m.Stride
}

// contiguous reports whether the rows follow each other without gaps. flat then returns all of them.
func (m Matrix[T]) contiguous() bool { return m.Stride == m.Cols || m.Stride == 0 || m.Rows <= 1 }
func (m Matrix[T]) flat() []T        { return m.Data[:m.Rows*m.Cols] }

func (m Matrix[T]) view() kernel.View[T] {
	return kernel.View[T]{Data: m.Data, Row: m.stride(), Col: 1}
}

// Convert returns a copy of m in another precision.
func Convert[U, T Float](m Matrix[T]) Matrix[U] {
	out := NewMatrix[U](m.Rows, m.Cols)
	for i := range m.Rows {
		dst := out.Row(i)
		for j, v := range m.Row(i) {
			dst[j] = U(v)
		}
	}
	return out
}
