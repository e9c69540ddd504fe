package train

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gradus-ml/gradus/nn"
)

// ErrStream is wrapped by the error of a loop whose Stream failed. The run is as it was before the
// update: calling Steps or Run again opens the stream again and goes on.
var ErrStream = errors.New("training stream")

// Stream is training rows that do not stand in memory: from a large file, a database's cursor, a
// generator.
type Stream[T nn.Float] struct {
	// Rows is how many rows an epoch has. Schedules, the number of updates and the last batch
	// of an epoch go by it. A stream that has more is left there; one that has fewer is an
	// error.
	Rows int

	// Open begins to read the rows of an epoch, counted from 0, in chunks of any size. They
	// should come in an order of chance, another one in every epoch: the trainer shuffles nothing.
	// It copies a chunk's rows into batches before it asks for the next one, so the same memory may
	// serve again. The iterator is left when the loop is, and when the epoch has its rows; a loop
	// that goes on in the middle of an epoch opens the epoch again and passes over the rows it has
	// had, so with the same rows it goes on in the same bits.
	Open func(epoch int) iter.Seq2[Set[T], error]
}

// NewStream is New for training rows that come from a stream; validation may be empty. The method
// is mini-batch or stochastic. With the rows in the order of a run that does not shuffle, it ends in
// the bits of that run.
//
// What needs all training rows at hand is not there: the criterion Tolerance and More are refused,
// Preview and Ahead show nothing, and a diagnosis finds nothing. The loss over all training rows
// (Result.Loss, TargetLoss) is that of the last epoch's batches, each before its update.
func NewStream[T nn.Float](net *nn.Network[T], cfg Config, stream Stream[T], validation Set[T]) (*Trainer[T], error) {
	bad := func(format string, args ...any) (*Trainer[T], error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	switch {
	case stream.Open == nil:
		return bad("the stream cannot be opened: Open is nil")
	case stream.Rows < 1:
		return bad("the stream has %d rows in an epoch; it must have at least 1", stream.Rows)
	case cfg.Solver != nil || cfg.Method == Batch || cfg.Method == PerSample:
		return bad("a stream is trained by mini-batch or stochastic descent; batch descent, per-sample and solvers need all rows at hand")
	case needsRows(cfg.Stop):
		return bad("the criterion tolerance looks at every training row, and a stream has none at hand; use another one")
	}
	return newTrainer(net, cfg, Data[T]{Validation: validation}, &streamRows[T]{Stream: stream})
}

// needsRows reports whether a criterion is, or contains, a Tolerance.
func needsRows(s Stop) bool {
	var parts []Stop
	switch s := s.(type) {
	case Tolerance:
		return true
	case Any:
		parts = s
	case All:
		parts = s
	}
	for _, p := range parts {
		if needsRows(p) {
			return true
		}
	}
	return false
}

// streamRows makes batches of a stream's chunks.
type streamRows[T nn.Float] struct {
	Stream[T]
	check  func(Set[T]) error
	smooth func(nn.Matrix[T]) // for label smoothing

	next   func() (Set[T], error, bool) // nil where the stream is not open
	stop   func()
	epoch  int     // that is open
	at     int     // rows of it that were taken
	weight float64 // of these
	chunk  Set[T]  // rows that were read and not taken yet
	batch  Set[T]  // room for the largest
}

// close leaves the stream, which take opens again.
func (r *streamRows[T]) close() {
	if r == nil || r.next == nil {
		return
	}
	r.stop()
	r.next, r.stop, r.chunk = nil, nil, Set[T]{}
}

// take returns the rows from (inclusive) to to (exclusive) of an epoch.
func (r *streamRows[T]) take(epoch, from, to int) (Set[T], error) {
	if r.next == nil || r.epoch != epoch || r.at != from {
		r.close()
		r.next, r.stop = iter.Pull2(r.Open(epoch))
		r.epoch, r.at, r.weight = epoch, 0, 0
		for r.at < from {
			if _, err := r.fill(min(from-r.at, r.batch.Rows())); err != nil {
				return Set[T]{}, err
			}
		}
	}
	b, err := r.fill(to - from)
	if err == nil {
		r.smooth(b.Y)
		if to == r.Rows && r.weight == 0 {
			err = fmt.Errorf("%w: epoch %d: the weights of all %d rows are 0", ErrStream, epoch, r.Rows)
		}
	}
	return b, err
}

// fill copies the next n rows into the batch.
func (r *streamRows[T]) fill(n int) (Set[T], error) {
	weighted := false
	for done := 0; done < n; {
		if r.chunk.Rows() == 0 {
			chunk, err, more := r.next()
			switch {
			case !more:
				at := r.at + done
				r.close()
				return Set[T]{}, fmt.Errorf("%w: epoch %d ended after %d rows, and Stream.Rows says %d", ErrStream, r.epoch, at, r.Rows)
			case err != nil:
				r.close()
				return Set[T]{}, fmt.Errorf("%w: epoch %d, after %d rows: %w", ErrStream, r.epoch, r.at+done, err)
			}
			if err := r.check(chunk); err != nil {
				r.close()
				return Set[T]{}, fmt.Errorf("%w: epoch %d, the chunk after %d rows: %w", ErrStream, r.epoch, r.at+done, err)
			}
			r.chunk = chunk
			continue
		}
		k := min(n-done, r.chunk.Rows())
		if r.chunk.W != nil && !weighted {
			weighted = true
			for i := range done {
				r.batch.W[i] = 1
			}
		}
		for i := range k {
			copy(r.batch.X.Row(done+i), r.chunk.X.Row(i))
			copy(r.batch.Y.Row(done+i), r.chunk.Y.Row(i))
			w := 1.0
			if r.chunk.W != nil {
				w = r.chunk.W[i]
			}
			r.batch.W[done+i] = w
			r.weight += w
		}
		r.chunk = r.chunk.slice(k, r.chunk.Rows())
		done += k
	}
	r.at += n
	b := r.batch.slice(0, n)
	if !weighted {
		b.W = nil
	}
	return b, nil
}
