package train

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gradus-ml/gradus/nn"
)

// ErrStream is wrapped by the error of a loop whose Stream failed. The run is as it was before the
// update: calling Steps or Run again reopens the stream and continues.
var ErrStream = errors.New("training stream")

// Stream is training rows that are not in memory: from a large file, a database cursor, or a
// generator.
type Stream[T nn.Float] struct {
	// Rows is the number of rows in an epoch. Schedules, the number of updates and the last
	// batch of an epoch depend on it. If the stream has more rows, the rest is not read. If it
	// has fewer, that is an error.
	Rows int

	// W are the weights of all rows, in order. They are needed only if the chunks have weights and an update looks at all
	// rows: by batch descent or a solver.
	W []float64

	// Open starts reading the rows of an epoch, counted from 0, in chunks of any size. The rows
	// should come in random order, a different one in every epoch: the trainer does not shuffle
	// them. For batch descent and solvers, they come in the same order every time, and are opened as epoch 0 for each
	// pass. It copies a chunk's rows into batches before it asks for the next chunk, so the same
	// memory may be reused. The iterator is stopped when the loop is left, and when the epoch has
	// all its rows. A loop that continues in the middle of an epoch reopens the epoch and skips the
	// rows it has had. With the same rows it continues with the same bits.
	Open func(epoch int) iter.Seq2[Set[T], error]
}

// NewStream is New for training rows that come from a stream. validation may be empty. The method is
// any but per-sample. If the rows come in the order of a run that does not shuffle, the result
// has the bits of that run. Batch descent and solvers go over the stream for every gradient, shard by shard, so they are refused
// with batch normalization, which needs all rows at once, and on several ranks.
//
// Some things need all training rows and are not available: the criterion Tolerance and More are
// refused, Preview and Ahead show nothing, and a diagnosis finds nothing. With mini-batch and stochastic descent, the loss over all
// training rows (Result.Loss, TargetLoss) is that of the last epoch's batches, each before its update.
func NewStream[T nn.Float](net *nn.Network[T], cfg Config, stream Stream[T], validation Set[T]) (*Trainer[T], error) {
	bad := func(format string, args ...any) (*Trainer[T], error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	switch {
	case stream.Open == nil:
		return bad("the stream cannot be opened: Open is nil")
	case stream.Rows < 1:
		return bad("the stream has %d rows in an epoch; it must have at least 1", stream.Rows)
	case cfg.Method == PerSample:
		return bad("per-sample descent needs all rows at hand, and a stream does not keep them; use another method")
	case cfg.AllRows() && net != nil && nn.StateCount(net.Layers()...) > 0:
		return bad("batch normalization needs all rows of a batch at once, and a stream does not keep them; use mini-batch descent, or layer normalization")
	case cfg.AllRows() && cfg.Ranks != nil && cfg.Ranks.Size() > 1:
		return bad("each of several ranks would read the whole stream for every gradient; use mini-batch descent, or train in one process")
	case cfg.AllRows() && stream.W != nil && len(stream.W) != stream.Rows:
		return bad("the stream has %d rows in an epoch and %d weights", stream.Rows, len(stream.W))
	case needsRows(cfg.Stop):
		return bad("the criterion tolerance needs all training rows, and a stream does not keep them; use another one")
	}
	rows := &streamRows[T]{Stream: stream}
	if cfg.AllRows() && net != nil {
		rows.all = Set[T]{X: nn.Matrix[T]{Rows: stream.Rows, Cols: net.Inputs()}, Y: nn.Matrix[T]{Rows: stream.Rows, Cols: net.Outputs()}, W: stream.W}
	}
	return newTrainer(net, cfg, Data[T]{Validation: validation}, rows)
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
	all    Set[T]             // the batch of all rows, without its numbers, which slice reads; no rows if batches are smaller
	err    error              // why slice could not read

	next   func() (Set[T], error, bool) // nil if the stream is not open
	stop   func()
	epoch  int     // the open epoch
	at     int     // rows of it taken so far
	weight float64 // of the rows taken so far
	chunk  Set[T]  // rows that were read and not yet taken
	batch  Set[T]  // large enough for the largest batch
}

// close leaves the stream. take opens it again.
func (r *streamRows[T]) close() {
	if r == nil || r.next == nil {
		return
	}
	r.stop()
	r.next, r.stop, r.chunk = nil, nil, Set[T]{}
}

// slice returns rows of the batch of all rows. If the stream fails, it returns other numbers, and failed has the error.
func (r *streamRows[T]) slice(from, to int) Set[T] {
	if r.err == nil {
		var b Set[T]
		if b, r.err = r.take(0, from, to); r.err == nil {
			return b
		}
	}
	return r.batch.slice(0, to-from)
}

// failed returns the error of the slices since it was called before.
func (r *streamRows[T]) failed() (err error) {
	if r != nil {
		err, r.err = r.err, nil
	}
	return err
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
