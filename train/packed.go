package train

import (
	"math"

	"github.com/gradus-ml/gradus/nn"
)

// MostPacked is the maximum number of columns of Packed.
const MostPacked = 1 << 16

// Packed is rows of inputs without their zeros. With one-hot categories, a row takes 2 bytes for a column of
// the table instead of a number for each of its levels. A batch is unpacked just before it is used, so the
// results have the same bits as with the rows in a matrix.
type Packed[T nn.Float] struct {
	cols  int
	ones  []uint16 // the columns of the numbers that are 1, row by row
	at    []uint16 // the columns of the other numbers that are not 0
	value []T      // the values of these
	begin []begin  // one for each row, and one more
}

// begin is the start of a row's entries in ones and in at.
type begin struct{ ones, at int }

// NewPacked returns an empty Packed with that many columns (at most MostPacked) and capacity
// for that many rows. Append adds the rows.
func NewPacked[T nn.Float](rows, cols int) Packed[T] {
	return Packed[T]{cols: cols, begin: append(make([]begin, 0, rows+1), begin{})}
}

// Rows returns the number of rows.
func (p *Packed[T]) Rows() int { return max(0, len(p.begin)-1) }

// Append adds the rows of a matrix.
func (p *Packed[T]) Append(m nn.Matrix[T]) {
	p.ones, p.at, p.value = withRoom(p, p.ones, m.Rows), withRoom(p, p.at, m.Rows), withRoom(p, p.value, m.Rows)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			switch {
			case v == 1:
				p.ones = append(p.ones, uint16(j))
			case v != 0 || math.Signbit(float64(v)): // -0 is kept
				p.at, p.value = append(p.at, uint16(j)), append(p.value, v)
			}
		}
		p.begin = append(p.begin, begin{len(p.ones), len(p.at)})
	}
}

// withRoom returns s with capacity for all rows if its spare capacity is too small for more rows
// like those so far.
func withRoom[T nn.Float, E any](p *Packed[T], s []E, more int) []E {
	n := p.Rows()
	if n == 0 || cap(s)-len(s) >= len(s)*more/n {
		return s
	}
	return append(make([]E, 0, max(len(s)*cap(p.begin)/n, len(s)*(n+more)/n)*101/100), s...)
}

// row writes the columns from (inclusive) to to (exclusive) of a row.
func (p *Packed[T]) row(i, from, to int, into []T) {
	clear(into)
	b, end := p.begin[i], p.begin[i+1]
	for _, j := range p.ones[b.ones:end.ones] {
		if j := int(j); j >= from && j < to {
			into[j-from] = 1
		}
	}
	for k := b.at; k < end.at; k++ {
		if j := int(p.at[k]); j >= from && j < to {
			into[j-from] = p.value[k]
		}
	}
}

func (p *Packed[T]) slice(from, to int) Packed[T] {
	part := *p
	part.begin = p.begin[from : to+1]
	return part
}

// Cols returns the number of inputs.
func (s *Set[T]) Cols() int {
	if s.Packed.begin != nil {
		return s.Packed.cols
	}
	return s.X.Cols
}

// Inputs returns the inputs of the rows from (inclusive) to to (exclusive), as a view or unpacked
// into room, a matrix with the same number of columns and at least as many rows.
func (s *Set[T]) Inputs(from, to int, room nn.Matrix[T]) nn.Matrix[T] {
	if s.Packed.begin == nil {
		return s.X.Slice(from, to)
	}
	x := room.Slice(0, to-from)
	for i := range x.Rows {
		s.Packed.row(from+i, 0, x.Cols, x.Row(i))
	}
	return x
}

// Cells writes the inputs from (inclusive) to to (exclusive) of a row.
func (s *Set[T]) Cells(row, from, to int, into []T) {
	if s.Packed.begin == nil {
		copy(into, s.X.Row(row)[from:to])
		return
	}
	s.Packed.row(row, from, to, into)
}
