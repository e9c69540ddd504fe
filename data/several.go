package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
)

// A span is the rows of a table that came from one of several files.
type span struct {
	start int // its first row
	name  string
	lines lineMap
}

// ReadAll reads several files, or the files of a folder, as one table. All must have the columns of
// the first, in any order. Rows follow the order of the paths, and within a folder the order of the file names.
func ReadAll(paths []string, opt ReadOptions) (*Table, error) {
	var all []string
	name := ""
	for _, path := range paths {
		files, err := inFolder(path)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
		if name == "" {
			name = WithoutPassword(path)
		}
	}
	if len(paths) == 0 {
		return nil, fail(ErrOption, "no file to read is named")
	}
	if n := len(paths); n > 1 {
		name = fmt.Sprintf("%s and %d more", name, n-1)
	}
	if len(all) == 1 {
		return read(all[0], opt)
	}
	if n := len(all) - len(slices.Compact(slices.Sorted(slices.Values(all)))); n > 0 {
		return nil, fail(ErrOption, "%s: a file is named twice: name each once", name)
	}
	var t *Table
	for _, path := range all {
		next, err := read(path, opt)
		if err != nil {
			return nil, err
		}
		if t == nil {
			t = next
			t.spans = []span{{0, t.name, t.lines}}
			continue
		}
		start := t.rows
		if err := t.append(next, opt.Spill); err != nil {
			return nil, err
		}
		for _, n := range next.notes {
			t.notes = append(t.notes, noteOf(next.name+": ", n))
		}
		t.spans = append(t.spans, span{start, next.name, next.lines})
	}
	t.finish()
	t.format = append(t.format, plural.Of(len(all), "file"))
	t.name = name
	return t, nil
}

// inFolder lists the files in a folder. If the path is not a folder, it returns the path itself.
func inFolder(path string) ([]string, error) {
	if path == Stdin || IsDatabase(path) {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // opening it reports what is wrong
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, openError(path, err)
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"): // _SUCCESS, .crc
			continue
		case e.IsDir():
			return nil, fail(ErrFolder, "%s: is a folder that holds a folder, %s: name the files, or a folder of nothing but tables", path, name)
		}
		full := filepath.Join(path, name)
		if len(files) > 0 && filepath.Ext(plainName(full)) != filepath.Ext(plainName(files[0])) {
			return nil, fail(ErrFolder, "%s: is a folder of files of several kinds, such as %s and %s: name a file in it, or several of one kind", path, filepath.Base(files[0]), name)
		}
		files = append(files, full)
	}
	if len(files) == 0 {
		return nil, fail(ErrFolder, "%s: is a folder without a table: name a file", path)
	}
	return files, nil
}

// append adds the rows of another table with the same columns. That table is not used afterwards. If the two do not
// fit in memory together, they go to the disk, if there is one.
func (t *Table) append(next *Table, disk *Spill) (err error) {
	defer spill.Guard(&err)()
	from := make([]int, len(t.columns))
	for i, name := range t.columns {
		if from[i] = next.Index(name); from[i] < 0 {
			return unknownColumn(next, ErrColumn, "as in "+t.first()+", and tables that are read together have the same columns", name)
		}
	}
	if len(next.columns) > len(t.columns) {
		more := slices.DeleteFunc(slices.Clone(next.columns), func(c string) bool { return t.Index(c) >= 0 })
		return fail(ErrColumn, "%s: has the %s %s, which %s lacks: tables that are read together have the same columns",
			next.name, map[bool]string{true: "column", false: "columns"}[len(more) == 1], list(more), t.first())
	}
	for i := range t.cols {
		if t.cols[i].form == formPixels || next.cols[from[i]].form == formPixels {
			return fail(ErrIDX, "%s: IDX files are read one at a time: name one", next.name)
		}
	}
	if most := int64(1) << 32; int64(t.rows)+int64(next.rows) >= most {
		return fail(ErrLarge, "%s: the files together have more than %d rows: use a part of them", next.name, most-1)
	}
	if disk != nil && t.disk == nil && (next.disk != nil || next.crowds()) {
		t.spillTo(disk)
	}
	rows := t.rows + next.rows
	parallel(len(t.cols), func(i int) {
		c, part := &t.cols[i], &next.cols[from[i]]
		defer part.free()
		switch {
		case c.unread != nil:
			c.reserve(rows, rows+rows/2)
			c.addMissing(next.rows)
			return
		case part.unread != nil:
			why := part.unread
			if next.name != t.name {
				why = noteOf(why, " (so it is in "+next.name+")")
			}
			c.free()
			*c = column{disk: c.disk, unread: why}
			c.addMissing(rows)
			return
		}
		if t.disk != nil {
			c.reserve(rows, rows+rows/2)
		}
		if c.fixed != part.fixed {
			c.fixed = joinedKind(c, part)
		}
		if c.typed != part.typed {
			c.mixed = c.mixed || !c.typed && c.someNumber() || !part.typed && part.someNumber()
		}
		c.typed, c.mixed = c.typed || part.typed, c.mixed || part.mixed
		c.join(part)
	})
	t.rows += next.rows
	return nil
}

// Parts joins the parts of a file, such as its groups of rows, into one table on the disk: see File.Spills.
type Parts struct {
	disk  *Spill
	table *Table
}

// NewParts begins a table that has no parts yet.
func NewParts(disk *Spill) *Parts { return &Parts{disk: disk} }

// Add adds a part with the columns of the first one, in any order. A column that the earlier parts lack is missing in their
// rows. The part is not used afterwards. The table has the notes of the first part only.
func (p *Parts) Add(part *Table) (err error) {
	defer spill.Guard(&err)()
	if p.table != nil {
		for i, name := range part.columns {
			if p.table.Index(name) < 0 {
				p.table.addMissing(name, part.unnamed[i])
			}
		}
		return p.table.append(part, p.disk)
	}
	p.table = part
	part.spillTo(p.disk)
	return nil
}

// Table returns the table of all parts. There must be at least one.
func (p *Parts) Table() *Table {
	p.table.finish()
	return p.table
}

// addMissing adds a column without a value.
func (t *Table) addMissing(name string, unnamed bool) {
	if unnamed {
		if t.unnamed == nil {
			t.unnamed = make(map[int]bool)
		}
		t.unnamed[len(t.columns)] = true
	}
	t.index[name] = len(t.columns)
	t.columns, t.cols = append(t.columns, name), append(t.cols, column{disk: t.disk})
	t.cols[len(t.cols)-1].addMissing(t.rows)
}

// someNumber reports whether any cell reads as a number in the usual way.
func (c *column) someNumber() bool {
	if c.form != formLevels {
		return c.anyNumber()
	}
	for code := range c.dict.len() {
		if looksNumeric(c.dict.at(uint32(code))) {
			return true
		}
	}
	return false
}

// first is the file that the first row came from.
func (t *Table) first() string {
	if t.spans == nil {
		return t.name
	}
	return t.spans[0].name
}

// joinedKind returns the kind of joined columns whose sources give different kinds. A column whose cells are all missing does
// not count.
func joinedKind(a, b *column) Kind {
	switch {
	case a.empty():
		return b.fixed
	case b.empty():
		return a.fixed
	}
	return ""
}

// where returns the file that a row came from, and the row's index in it.
func (t *Table) where(row int) (name string, lines lineMap, at int) {
	if t.spans == nil {
		return t.name, t.lines, row
	}
	s := t.spans[t.fileOf(row)]
	return s.name, s.lines, row - s.start
}

// fileOf returns which of several files a row came from.
func (t *Table) fileOf(row int) int {
	i, found := slices.BinarySearchFunc(t.spans, row, func(s span, row int) int { return s.start - row })
	if !found {
		i--
	}
	return i
}
