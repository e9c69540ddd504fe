package train

import (
	"math"
	"runtime"
	"slices"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// MostPacked is the maximum number of columns of Packed.
const MostPacked = 1<<16 - 1

// Packed is rows of inputs without their zeros. With one-hot categories, a row takes 4 bytes plus 1 byte for each column of
// the table, instead of a number for each level. The first layer multiplies without the zeros too (nn.Tape's Sparse), or a
// batch is unpacked just before it is used. So the results have the same bits as with the rows in a matrix.
type Packed[T nn.Float] struct {
	cols  int
	shift int             // a part has 1<<shift rows, the last one fewer
	parts []packedPart[T] // nil: no rows are packed
	from  int             // the first row of a view
	count int             // rows
	rows  []int           // the rows of a view that are not one after another; nil: count rows from from on
}

// packedPart is some rows: so few that every offset fits in 16 bits.
type packedPart[T nn.Float] struct {
	steps []uint8  // from each number that is not 0 to the next, row by row: see kernel.Sparse's Add
	where []uint16 // the places, among its row's numbers that are not 0, of those that are not 1
	value []T      // the values of these numbers
	begin []begin  // one for each row, and one more
}

// begin is the start of a row's entries in steps and in where.
type begin struct{ steps, where uint16 }

// packedRows is the number of rows that Pack asks for at once.
const packedRows = 512

// Pack packs n rows of cols inputs, at most MostPacked. encode writes the rows from (inclusive) to to (exclusive) into a
// matrix. Several goroutines call it at once, each for at most 512 rows. If it fails, Pack returns the error of the first rows.
func Pack[T nn.Float](n, cols int, encode func(from, to int, into nn.Matrix[T]) error) (Packed[T], error) {
	p := Packed[T]{cols: cols, count: n}
	for p.shift = 9; p.shift > 0 && cols<<p.shift > math.MaxUint16; p.shift-- {
	}
	each := 1 << p.shift
	p.parts = make([]packedPart[T], (n+each-1)>>p.shift)
	err := team.Each((n+packedRows-1)/packedRows, runtime.GOMAXPROCS(0), func() func(int) error {
		room := nn.NewMatrix[T](min(n, packedRows), cols)
		var scratch packedPart[T]
		return func(i int) error {
			from, to := i*packedRows, min((i+1)*packedRows, n)
			x := room.Slice(0, to-from)
			if err := encode(from, to, x); err != nil {
				return err
			}
			for at := 0; at < x.Rows; at += each {
				scratch.set(x.Slice(at, min(at+each, x.Rows)))
				p.parts[(from+at)>>p.shift] = scratch.clone()
			}
			return nil
		}
	})
	return p, err
}

// set makes p the rows of a matrix.
func (p *packedPart[T]) set(m nn.Matrix[T]) {
	p.steps, p.where, p.value, p.begin = p.steps[:0], p.where[:0], p.value[:0], append(p.begin[:0], begin{})
	for i := range m.Rows {
		n, last := 0, 0
		for j, v := range m.Row(i) {
			if v == 0 && !math.Signbit(float64(v)) { // -0 is kept
				continue
			}
			if v != 1 {
				p.where, p.value = append(p.where, uint16(n)), append(p.value, v)
			}
			for ; j-last >= kernel.LongStep; last += kernel.LongStep {
				p.steps = append(p.steps, kernel.LongStep)
			}
			p.steps = append(p.steps, uint8(j-last))
			n, last = n+1, j
		}
		p.begin = append(p.begin, begin{uint16(len(p.steps)), uint16(len(p.where))})
	}
}

func (p *packedPart[T]) clone() packedPart[T] {
	return packedPart[T]{slices.Clone(p.steps), slices.Clone(p.where), slices.Clone(p.value), slices.Clone(p.begin)}
}

// Rows returns the number of rows.
func (p *Packed[T]) Rows() int { return p.count }

// lists returns the steps between a row's numbers that are not 0, which of them are not 1, and the values of these.
func (p *Packed[T]) lists(i int) (steps []uint8, where []uint16, value []T) {
	part, i := p.place(i)
	b, end := part.begin[i], part.begin[i+1]
	return part.steps[b.steps:end.steps], part.where[b.where:end.where], part.value[b.where:end.where]
}

// place returns the part that has a row, and the row's place in it.
func (p *Packed[T]) place(i int) (part *packedPart[T], row int) {
	if p.rows != nil {
		i = p.rows[i]
	} else {
		i += p.from
	}
	return &p.parts[i>>p.shift], i & (1<<p.shift - 1)
}

// row writes the columns from (inclusive) to to (exclusive) of a row.
func (p *Packed[T]) row(i, from, to int, into []T) {
	clear(into)
	steps, where, value := p.lists(i)
	n, j, k := 0, 0, 0 // the number, its column, and how many numbers before it are not 1
	for _, step := range steps {
		if j += int(step); step == kernel.LongStep {
			continue
		}
		v := T(1)
		if k < len(where) && int(where[k]) == n {
			v = value[k]
			k++
		}
		if j >= from && j < to {
			into[j-from] = v
		}
		n++
	}
}

// fetch reads something of each row from (inclusive) to to (exclusive). Shuffled rows are all over memory. Here
// the processor waits for many at once, because no branch depends on what it reads.
func (p *Packed[T]) fetch(from, to int) {
	sum, value := uint16(0), T(0)
	for i := from; i < to; i++ {
		part, row := p.place(i)
		sum += part.begin[row].steps
	}
	for i := from; i < to; i++ {
		part, row := p.place(i)
		b := part.begin[row]
		if k := int(b.steps); k < len(part.steps) {
			sum += uint16(part.steps[k])
		}
		if k := int(b.where); k < len(part.where) {
			sum += part.where[k]
			value += part.value[k]
		}
	}
	runtime.KeepAlive(sum)
	runtime.KeepAlive(value)
}

// sparse writes the rows from (inclusive) to to (exclusive) into s without their zeros. It returns false if most of them
// are not zeros.
func (p *Packed[T]) sparse(from, to int, s *kernel.Sparse[T]) bool {
	if !s.Start(to-from, p.cols) {
		return false
	}
	p.fetch(from, to)
	for i := from; i < to; i++ {
		if !s.Add(p.lists(i)) {
			return false
		}
	}
	return true
}

func (p *Packed[T]) slice(from, to int) Packed[T] {
	part := *p
	part.count = to - from
	if p.rows != nil {
		part.rows = p.rows[from:to]
	} else {
		part.from += from
	}
	return part
}

// gather returns a view of rows of p, in that order. p must have all its rows.
func (p *Packed[T]) gather(rows []int) Packed[T] {
	part := *p
	part.rows, part.count = rows, len(rows)
	return part
}

// Cols returns the number of inputs.
func (s *Set[T]) Cols() int {
	if s.Packed.parts != nil {
		return s.Packed.cols
	}
	return s.X.Cols
}

// Inputs returns the inputs of the rows from (inclusive) to to (exclusive), as a view or unpacked
// into room, a matrix with the same number of columns and at least as many rows.
func (s *Set[T]) Inputs(from, to int, room nn.Matrix[T]) nn.Matrix[T] {
	if s.Packed.parts == nil {
		return s.X.Slice(from, to)
	}
	x := room.Slice(0, to-from)
	for i := range x.Rows {
		s.Packed.row(from+i, 0, x.Cols, x.Row(i))
	}
	return x
}

// Feed is Inputs for the tape's next pass only. Packed rows that are mostly zeros go to the tape without them, and the
// matrix then has no Data.
func (s *Set[T]) Feed(t *nn.Tape[T], from, to int, room nn.Matrix[T]) nn.Matrix[T] {
	if s.lists != nil && from == 0 && to == s.Rows() {
		t.UseInput(s.lists)
		if s.Packed.parts != nil {
			return nn.Matrix[T]{Rows: to, Cols: s.Packed.cols}
		}
		return s.X
	}
	if s.Packed.parts != nil {
		if in := t.Sparse(); in != nil && s.Packed.sparse(from, to, in) {
			return nn.Matrix[T]{Rows: to - from, Cols: s.Packed.cols}
		}
	}
	return s.Inputs(from, to, room)
}

// Cells writes the inputs from (inclusive) to to (exclusive) of a row.
func (s *Set[T]) Cells(row, from, to int, into []T) {
	if s.Packed.parts == nil {
		copy(into, s.X.Row(row)[from:to])
		return
	}
	s.Packed.row(row, from, to, into)
}
