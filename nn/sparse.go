package nn

import "github.com/gradus-ml/gradus/internal/kernel"

// Input is a batch without its zeros, for the first layer's products. z = x·W + b goes over
// the rows, dL/dW = xᵀ·delta over the columns. One-hot categories and drawings on an empty
// background are mostly zeros. Whether a batch is stored this way depends only on its numbers. The
// results are the same: see kernel.SparseGemm. A tape makes it for each pass. A caller may also prepare one
// before the pass, for example on another core: see Prepare.
type Input[T Float] struct {
	rows, columns kernel.Sparse[T]
	taken         bool
	given         bool // the next batch may be in rows already: see Sparse
	transposed    bool // columns has the batch
}

// Sparse is Tape.Sparse for Prepare.
func (s *Input[T]) Sparse() *kernel.Sparse[T] {
	s.given = true
	return &s.rows
}

// Prepare makes s the batch x. If x was given without its zeros (Sparse), it has no Data. Tape.UseInput and a pass with
// the same x follow.
func (s *Input[T]) Prepare(x Matrix[T]) {
	s.take(x)
	if s.taken {
		s.transpose()
	}
}

// UseInput makes the next pass, and only that, use a batch that was prepared. It must be that pass's x.
func (t *Tape[T]) UseInput(s *Input[T]) { t.prepared = s }

// transpose makes the columns, unless they are there.
func (s *Input[T]) transpose() {
	if !s.transposed {
		s.columns.Transpose(&s.rows)
		s.transposed = true
	}
}

// Sparse returns the memory for the input of the tape's next pass if it is given without its zeros, row by row
// (kernel.Sparse's Start and Add). The pass then gets a matrix with that many rows and columns and no Data. It returns
// nil if the first layer needs the input with its zeros.
func (t *Tape[T]) Sparse() *kernel.Sparse[T] {
	if t.drops != nil && t.drops[0].s != 0 {
		return nil
	}
	return t.own.Sparse()
}

func (s *Input[T]) take(x Matrix[T]) {
	given := s.given && x.Data == nil && x.Cols > 0
	s.transposed = false
	if s.given = false; given {
		s.taken = true
		return
	}
	// A single row takes another path: forwardRow.
	s.taken = x.Rows > 1 && s.rows.Take(x.Data, x.Rows, x.Cols, x.stride())
}

// sparse reports whether layer l gets the batch without its zeros.
func (t *Tape[T]) sparse(l int) bool {
	return l == 0 && t.in.taken && !(t.training && t.drops[0].s != 0)
}

// Shared reports whether the last pass was large enough to be spread over a team.
func (t *Tape[T]) Shared(n *Network[T]) bool { return t.multiplyAdds(n) >= alone }

// multiplyAdds returns roughly how many multiply-adds a pass through the network takes.
func (t *Tape[T]) multiplyAdds(n *Network[T]) int {
	work := t.x.Rows * len(n.params)
	if t.sparse(0) {
		work -= t.in.rows.Zeros() * n.layers[0].Units
	}
	return work
}
