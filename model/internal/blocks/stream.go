package blocks

import (
	"iter"
	"sync"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// A Source has rows in blocks: a File, or rows in Memory.
type Source[T nn.Float] interface {
	// Read copies a block. into must have the block's number of rows.
	Read(block int, into train.Set[T]) error
}

// Memory is rows in memory.
type Memory[T nn.Float] struct {
	Set       train.Set[T]
	BlockRows int
}

// Read copies a block.
func (m Memory[T]) Read(block int, into train.Set[T]) error {
	from := slice(m.Set, block*m.BlockRows, block*m.BlockRows+into.Rows())
	copy(flat(into.X), flat(from.X))
	copy(flat(into.Y), flat(from.Y))
	copy(into.W, from.W)
	return nil
}

// pieceRows is the number of rows in a chunk of the stream.
const pieceRows = 1024

// A buffer is the rows of some blocks.
type buffer[T nn.Float] struct {
	train.Set[T]
	number int // in the epoch
	rows   int
	err    error
}

// Stream returns the rows of a source in the order o. While the run trains on the rows of one
// buffer, the next buffer is read.
func Stream[T nn.Float](src Source[T], o Order, l Layout) train.Stream[T] {
	var buffers []*buffer[T]
	var places []int
	piece := newSet[T](min(pieceRows, o.Rows), l)
	open := func(epoch int) iter.Seq2[train.Set[T], error] {
		return func(yield func(train.Set[T], error) bool) {
			if buffers == nil {
				for range min(2, o.Buffers()) {
					buffers = append(buffers, &buffer[T]{Set: newSet[T](o.BufferRows(), l), number: -1})
				}
				places = make([]int, o.BufferRows())
			}
			full, free := make(chan *buffer[T], len(buffers)), make(chan *buffer[T], len(buffers))
			left := make(chan struct{})
			var reader sync.WaitGroup
			defer reader.Wait()
			defer close(left)
			for _, b := range buffers {
				free <- b
			}
			reader.Go(func() { fill(src, o, epoch, full, free, left) })
			for range o.Buffers() {
				b := <-full
				if b.err != nil {
					yield(train.Set[T]{}, b.err)
					return
				}
				order := places[:b.rows]
				o.within(order, epoch, b.number)
				for len(order) > 0 {
					n := min(len(order), piece.Rows())
					p := slice(piece, 0, n)
					b.X.Gather(p.X, order[:n])
					b.Y.Gather(p.Y, order[:n])
					for i := range p.W {
						p.W[i] = b.W[order[i]]
					}
					if !yield(p, nil) {
						return
					}
					order = order[n:]
				}
				free <- b
			}
		}
	}
	return train.Stream[T]{Rows: o.Rows, Open: open}
}

// fill reads the buffers of an epoch one after another.
func fill[T nn.Float](src Source[T], o Order, epoch int, full, free chan *buffer[T], left chan struct{}) {
	order := o.blocks(epoch)
	for number := range o.Buffers() {
		var b *buffer[T]
		select {
		case b = <-free:
		case <-left:
			return
		}
		if o.Buffers() > 1 || b.number < 0 || b.err != nil { // otherwise all rows have been there since the first epoch
			b.number, b.rows, b.err = number, 0, nil
			for _, block := range order[number*o.BufferBlocks : min((number+1)*o.BufferBlocks, len(order))] {
				n := o.size(block)
				if b.err = src.Read(block, slice(b.Set, b.rows, b.rows+n)); b.err != nil {
					break
				}
				b.rows += n
			}
		}
		full <- b
		if b.err != nil {
			return
		}
	}
}
