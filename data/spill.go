package data

import (
	"runtime"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/internal/spill"
)

// A Spill is disk space for tables that do not fit in memory: see ReadOptions.Spill. It may be used for
// many tables. After it is closed, no table that was read with it may be used.
type Spill = spill.Store

// ErrSpill is wrapped by the error of a Spill if the disk is full or cannot be read.
var ErrSpill = spill.ErrSpill

// NewSpill prepares space in a folder. The folder should be on a disk; one in memory does not
// help. The files in it have no names and are removed when the process ends.
func NewSpill(dir string) (*Spill, error) { return spill.New(dir) }

// SpillFolder returns the folder whose disk has the most free space. If no free space is known, it returns
// the first folder.
func SpillFolder(folders ...string) string {
	best := folders[0]
	for _, dir := range folders[1:] {
		if spill.Room(dir) > spill.Room(best) {
			best = dir
		}
	}
	return best
}

// Spilled returns the disk space that stores the table's cells. It is nil if they are in memory.
func (t *Table) Spilled() *Spill { return t.disk }

// spillTo moves the cells to a disk, and says so.
func (t *Table) spillTo(disk *Spill) {
	t.toDisk(disk)
	t.note("the table is too large for the available memory: its cells are on the disk, in %s", disk.Dir())
}

// toDisk moves the cells of all columns to a disk.
func (t *Table) toDisk(disk *spill.Store) {
	t.disk = disk
	for i := range t.cols {
		t.cols[i].toDisk(disk)
	}
}

func (c *column) toDisk(disk *spill.Store) {
	if c.disk != nil || c.form == formPixels {
		return
	}
	c.disk = disk
	c.small, c.wide, c.shape = onDisk(disk, c.small), onDisk(disk, c.wide), onDisk(disk, c.shape)
	c.codes.toDisk(disk)
	c.odd = oddTexts{onDisk(disk, c.odd.rows), onDisk(disk, c.odd.ends), onDisk(disk, c.odd.text)}
}

// free releases the column's disk space.
func (c *column) free() {
	spill.Free(c.disk, c.small)
	spill.Free(c.disk, c.wide)
	spill.Free(c.disk, c.shape)
	c.codes.free(c.disk)
	c.odd.free(c.disk)
}

// crowds reports whether there is hardly enough free memory for another table of this size.
func (t *Table) crowds() bool {
	size := 0
	for i := range t.cols {
		cells, texts := t.cols[i].size()
		size += cells + texts
	}
	have, known := available()
	return known && tight(have, float64(t.rows), float64(size))
}

// The bytes that the steps after reading take for each row.
const (
	stepBytes       = 32 // for lists of rows, of 8 bytes each
	stepBytesOfCore = 32 // on each core, for the sorted values of a column and for sorting them
)

// tight reports whether a table of so many rows and bytes that could go to the disk should. It stays in memory if there is
// also room for the steps after reading, and at least for as much again.
func tight(have memory.Limit, rows, size float64) bool {
	steps := rows * float64(stepBytes+stepBytesOfCore*runtime.GOMAXPROCS(0))
	return float64(have.Bytes) < size+max(size, steps)
}

// onDisk returns a copy of a slice on the disk, with the same capacity; nil stays nil.
func onDisk[E any](disk *spill.Store, s []E) []E {
	if s == nil {
		return nil
	}
	return append(spill.Must[E](disk, cap(s))[:0], s...)
}
