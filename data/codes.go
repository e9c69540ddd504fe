package data

import (
	"math"

	"github.com/gradus-ml/gradus/internal/spill"
)

// codes are the level numbers of cells, in the narrowest type that holds all of them. A column of single letters
// takes one byte per cell.
type codes struct {
	one  []uint8 // only one of these holds the cells
	two  []uint16
	four []uint32
	size codeSize
}

type codeSize uint8

const (
	oneByte codeSize = iota
	twoBytes
	fourBytes
)

func (c *codes) len() int {
	switch c.size {
	case oneByte:
		return len(c.one)
	case twoBytes:
		return len(c.two)
	}
	return len(c.four)
}

func (c *codes) at(row int) uint32 {
	switch c.size {
	case oneByte:
		return uint32(c.one[row])
	case twoBytes:
		return uint32(c.two[row])
	}
	return c.four[row]
}

// add appends a code. If it does not fit, all codes are widened.
func (c *codes) add(disk *spill.Store, code uint32) {
	switch {
	case c.size == oneByte && code <= math.MaxUint8:
		c.one = append(c.one, uint8(code))
	case c.size == oneByte:
		c.widen(disk, code)
		c.add(disk, code)
	case c.size == twoBytes && code <= math.MaxUint16:
		c.two = append(c.two, uint16(code))
	case c.size == twoBytes:
		c.widen(disk, code)
		c.add(disk, code)
	default:
		c.four = append(c.four, code)
	}
}

// widen makes the codes wide enough for code and keeps their capacity.
func (c *codes) widen(disk *spill.Store, code uint32) {
	n := c.len()
	room := max(cap(c.one), cap(c.two), n+1)
	was := *c
	if c.size = twoBytes; code > math.MaxUint16 {
		c.size = fourBytes
	}
	if c.size == twoBytes {
		c.two = spill.Must[uint16](disk, room)[:0]
	} else {
		c.four = spill.Must[uint32](disk, room)[:0]
	}
	for row := range n {
		c.add(disk, was.at(row))
	}
	spill.Free(disk, c.one)
	c.one = nil
	if c.size == fourBytes {
		spill.Free(disk, c.two)
		c.two = nil
	}
}

// reserve makes room for a total of rows cells. If it has to grow, it makes room for guess cells.
func (c *codes) reserve(disk *spill.Store, rows, guess int) {
	switch c.size {
	case oneByte:
		c.one = withRoom(disk, c.one, rows, guess)
	case twoBytes:
		c.two = withRoom(disk, c.two, rows, guess)
	default:
		c.four = withRoom(disk, c.four, rows, guess)
	}
}

// bytes returns the number of bytes the cells take.
func (c *codes) bytes() int { return len(c.one) + 2*len(c.two) + 4*len(c.four) }

// reset removes all cells and keeps the memory.
func (c *codes) reset() codes {
	return codes{one: c.one[:0], two: c.two[:0], four: c.four[:0], size: c.size}
}

func (c *codes) toDisk(disk *spill.Store) {
	c.one, c.two, c.four = onDisk(disk, c.one), onDisk(disk, c.two), onDisk(disk, c.four)
}

func (c *codes) free(disk *spill.Store) {
	spill.Free(disk, c.one)
	spill.Free(disk, c.two)
	spill.Free(disk, c.four)
}
