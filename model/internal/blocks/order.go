// Package blocks keeps the encoded rows of a run in blocks, in a file or in memory. In every epoch it
// returns them in a different random order, without reading the file row by row.
package blocks

import (
	"github.com/gradus-ml/gradus/internal/rng"
)

// An Order is the order of rows in an epoch, in two steps (CorgiPile, arXiv 2206.05830). The blocks come in an order
// drawn for (seed, epoch). A buffer takes BufferBlocks of them, and its rows come in an order drawn for (seed,
// epoch, buffer). If one buffer takes all rows, the order is that of a run without blocks.
type Order struct {
	Rows         int
	BlockRows    int // of a block; the last one may have fewer
	BufferBlocks int // blocks that are shuffled together
	Seed         uint64
	Still        bool // the rows are not shuffled
}

// Blocks returns the number of blocks.
func (o Order) Blocks() int { return (o.Rows + o.BlockRows - 1) / o.BlockRows }

// Buffers returns how many times the buffer is filled in an epoch.
func (o Order) Buffers() int { return (o.Blocks() + o.BufferBlocks - 1) / o.BufferBlocks }

// BufferRows returns the maximum number of rows in the buffer.
func (o Order) BufferRows() int { return min(o.BufferBlocks, o.Blocks()) * o.BlockRows }

// size returns the number of rows of a block.
func (o Order) size(block int) int { return min(o.BlockRows, o.Rows-block*o.BlockRows) }

// blocks returns the blocks of an epoch in their order.
func (o Order) blocks(epoch int) []int {
	order := make([]int, o.Blocks())
	if o.Still || o.Buffers() == 1 {
		for i := range order {
			order[i] = i
		}
		return order
	}
	rng.Perm(order, o.Seed, rng.Blocks, uint64(epoch))
	return order
}

// within puts the places of a buffer's rows into the order in which they come.
func (o Order) within(places []int, epoch, buffer int) {
	switch {
	case o.Still:
		for i := range places {
			places[i] = i
		}
	case o.Buffers() == 1:
		rng.Perm(places, o.Seed, rng.Shuffle, uint64(epoch))
	default:
		rng.Perm(places, o.Seed, rng.Buffer, uint64(epoch)<<32|uint64(buffer))
	}
}
