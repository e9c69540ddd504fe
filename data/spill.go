package data

import "github.com/gradus-ml/gradus/internal/spill"

// A Spill is room on a disk for tables that do not fit in memory: see ReadOptions.Spill. It may be used for
// many tables. When it is closed, no table that was read with it may be used any more.
type Spill = spill.Store

// ErrSpill is wrapped by the error of a Spill whose disk is full or cannot be read.
var ErrSpill = spill.ErrSpill

// NewSpill prepares room in a folder, which should be on a disk: one that stands in memory helps
// nothing. The files in it have no names and go with the process.
func NewSpill(dir string) (*Spill, error) { return spill.New(dir) }

// SpillFolder is the one of the folders whose disk has the most room; the first where none is known to have
// any.
func SpillFolder(folders ...string) string {
	best := folders[0]
	for _, dir := range folders[1:] {
		if spill.Room(dir) > spill.Room(best) {
			best = dir
		}
	}
	return best
}

// Spilled is the room on a disk in which the table's cells stand; nil: they stand in memory.
func (t *Table) Spilled() *Spill { return t.disk }

// List is room for a list of rows, which stands where the table's cells do. On a full disk it panics with an
// error that wraps ErrSpill.
func (t *Table) List(rows int) []int { return spill.Must[int](t.disk, rows) }

// spillTo moves the cells to a disk, and says so.
func (t *Table) spillTo(disk *Spill) {
	t.toDisk(disk)
	t.note("the table is too large for the memory there is: its cells stand on the disk, in %s", disk.Dir())
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

// free gives the column's room on the disk back.
func (c *column) free() {
	spill.Free(c.disk, c.small)
	spill.Free(c.disk, c.wide)
	spill.Free(c.disk, c.shape)
	c.codes.free(c.disk)
	c.odd.free(c.disk)
}

// crowds reports whether so much memory as the table has taken is hardly left.
func (t *Table) crowds() bool {
	size := 0
	for i := range t.cols {
		cells, texts := t.cols[i].size()
		size += cells + texts
	}
	have, known := available()
	return known && float64(have.Bytes) < spillShare*float64(size)
}

// onDisk is a copy of a slice with its capacity; nil stays nil.
func onDisk[E any](disk *spill.Store, s []E) []E {
	if s == nil {
		return nil
	}
	return append(spill.Must[E](disk, cap(s))[:0], s...)
}
