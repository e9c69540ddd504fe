package train

import (
	"math"

	"github.com/gradus-ml/gradus/nn"
)

// MostPacked is how many columns Packed takes at most.
const MostPacked = 1 << 16

// Packed is rows of inputs without their zeros: where categories are zeros and a one, a row takes 2 bytes for a
// column of the table in place of a number for each of its levels. A batch is unpacked when it is its turn, so
// what is computed, and its bits, are those of the rows in a matrix.
type Packed[T nn.Float] struct {
	cols  int
	ones  []uint16 // where the numbers that are 1 stand, row by row
	at    []uint16 // where the others that are not 0 do
	value []T      // these
	begin []begin  // of each row, and of one more
}

// begin is where a row's places begin in ones and in at.
type begin struct{ ones, at int }

// NewPacked makes room for rows of so many columns, at most MostPacked, which Append adds.
func NewPacked[T nn.Float](rows, cols int) Packed[T] {
	return Packed[T]{cols: cols, begin: append(make([]begin, 0, rows+1), begin{})}
}

// Rows is the number of rows.
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

// withRoom is s with room for all rows, if it has none for so many more that are like those before.
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

// Cols is the number of inputs.
func (s *Set[T]) Cols() int {
	if s.Packed.begin != nil {
		return s.Packed.cols
	}
	return s.X.Cols
}

// Inputs are those of the rows from (inclusive) to to (exclusive): where they stand, or unpacked into
// room, a matrix of as many columns and at least as many rows.
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
