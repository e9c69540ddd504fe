// Package parquet lets package data read Parquet files. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/parquet"
//
// Columns of numbers, texts, booleans, dates, times and decimals are read; those of lists, structs, maps and bytes are
// left out, with a note. A column is a category if it was one for the program that wrote the file, or if it is an
// ENUM. Pages may be compressed with Snappy, gzip, zstd or LZ4. Columns are read on all cores.
package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gradus-ml/gradus/data"
)

const magic = "PAR1"

func init() {
	data.Register(data.Format{
		Name: "a Parquet file", Package: "parquet", Read: read,
		Detect: func(head []byte, _ string) bool {
			return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte("PARE"))
		},
	})
}

// mostFooter is the largest footer that is read, in bytes: some 100,000 columns.
const mostFooter = 1 << 28

// indexNames matches the columns in which pandas stores the names of rows.
var indexNames = regexp.MustCompile(`^__index_level_\d+__$`)

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	r, size, err := f.Bytes()
	if err != nil {
		return nil, err
	}
	damaged := func(what string) error {
		return f.Fail(data.ErrDamaged, "the Parquet file is cut short or damaged (%s): fetch or write it again", what)
	}
	var tail [8]byte
	if size < 12 {
		return nil, damaged("it has no footer")
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil && err != io.EOF {
		return nil, f.Fail(data.ErrUnreadable, "cannot be read: %v", err)
	}
	switch string(tail[4:]) {
	case magic:
	case "PARE":
		return nil, f.Fail(data.ErrFormat, "the Parquet file is encrypted: write it without encryption")
	default:
		return nil, damaged("it does not end with a footer")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 || length > mostFooter {
		return nil, damaged("the footer is longer than the file")
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, size-8-length); err != nil && err != io.EOF {
		return nil, f.Fail(data.ErrUnreadable, "cannot be read: %v", err)
	}
	m, err := parseFooter(raw)
	if err != nil {
		return nil, damaged("the footer cannot be read")
	}
	if m.encrypted {
		return nil, f.Fail(data.ErrFormat, "the Parquet file is encrypted: write it without encryption")
	}
	if opt.MaxColumns > 0 && len(m.leaves) > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", len(m.leaves), opt.MaxColumns)
	}
	rows := int64(0)
	for _, g := range m.groups {
		if len(g.chunks) != m.chunks || g.rows > math.MaxInt64-rows {
			return nil, damaged("its groups of rows do not have the columns of its schema")
		}
		rows += g.rows
		for i := range m.leaves {
			l := &m.leaves[i]
			if l.what != "" {
				continue
			}
			switch c := g.chunks[l.chunk]; {
			case c.elsewhere:
				return nil, f.Fail(data.ErrFormat, "column %q is in another file: write one file with all columns", l.name)
			case c.encrypted:
				l.what = "encrypted values"
			case c.physical != l.physical || c.values != g.rows || c.start < 4 || c.size < 0 || c.size > size-c.start:
				return nil, damaged(fmt.Sprintf("column %q does not fit into the file", l.name))
			}
		}
	}
	if m.rows != rows {
		return nil, damaged(fmt.Sprintf("it declares %d rows and has %d", m.rows, rows))
	}
	if most := int64(1)<<32 - 1; rows > most || rows > math.MaxInt {
		return nil, f.Fail(data.ErrLarge, "has %d rows, and at most %d are allowed: use a part of it", rows, most)
	}
	if rows > math.MaxInt64/bytesPerCell/int64(max(1, len(m.leaves))) {
		return nil, damaged("it declares more cells than can exist")
	}
	return m.load(f, r, int(rows), opt)
}

// bytesPerCell is how many bytes a cell takes in memory: a float64 and its shape.
const bytesPerCell = 9

// load reads the cells into memory if they fit, otherwise onto the disk.
func (m *footer) load(f *data.File, r io.ReaderAt, rows int, opt data.ReadOptions) (*data.Table, error) {
	cells := int64(rows) * bytesPerCell * int64(len(m.leaves))
	if f.Spills(int64(rows), cells, opt) {
		return m.inParts(f, r, rows, opt)
	}
	if err := f.Need(cells); err != nil {
		return nil, err
	}
	return m.table(f, r, rows, opt)
}

// inParts reads one group of rows after another onto the disk.
func (m *footer) inParts(f *data.File, r io.ReaderAt, rows int, opt data.ReadOptions) (*data.Table, error) {
	parts, before, tell := data.NewParts(opt.Spill), 0, opt.Progress
	for _, g := range m.groups {
		if g.rows == 0 {
			continue
		}
		if err := f.Need(g.rows * bytesPerCell * int64(len(m.leaves))); err != nil {
			return nil, err
		}
		if tell != nil {
			opt.Progress = func(p data.Progress) {
				p.Share = (float64(before) + p.Share*float64(g.rows)) / float64(rows)
				p.Rows = before
				tell(p)
			}
		}
		one := *m
		one.groups = []group{g}
		part, err := one.table(f, r, int(g.rows), opt)
		if err != nil {
			return nil, err
		}
		if err := parts.Add(part); err != nil {
			return nil, err
		}
		before += int(g.rows)
	}
	return parts.Table(), nil
}

// table reads the columns, each on one core.
func (m *footer) table(f *data.File, r io.ReaderAt, rows int, opt data.ReadOptions) (*data.Table, error) {
	isCategory := m.written()
	var columns []*data.Series
	var leaves []int
	notes := []string{}
	for i, l := range m.leaves {
		if indexNames.MatchString(l.name) {
			notes = append(notes, fmt.Sprintf("the column %s, in which pandas stores the names of rows, is left out", l.name))
			continue
		}
		s := data.NewSeries(l.name)
		s.Grow(rows)
		switch {
		case l.what == "encrypted values":
			s.Unread(l.what, "write the column without encryption to use it")
		case l.what == spans:
			s.Unread(l.what, "write them as numbers, such as seconds, to use the column")
		case l.what != "":
			s.Unread(l.what, "flatten the column into columns of single values to use it")
		case isCategory[l.name] || l.means == category:
			s.Fix(data.KindCategory)
		}
		columns, leaves = append(columns, s), append(leaves, i)
	}
	errs := make([]error, len(columns))
	var next, failed atomic.Int64
	var lock sync.Mutex
	done := 0
	var team sync.WaitGroup
	for range min(len(columns), runtime.GOMAXPROCS(0)) {
		team.Go(func() {
			c := &reader{f: f, r: r}
			defer c.inflater.close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(columns) || failed.Load() > 0 {
					return
				}
				err := c.column(m, leaves[i], columns[i], isCategory[m.leaves[leaves[i]].name])
				if what, is := isUnsupported(err); is {
					columns[i].Unread(what, "write the file with zstd and the usual encodings to use the column")
				} else if err != nil {
					errs[i] = err
					failed.Add(1)
					return
				}
				if opt.Progress != nil {
					lock.Lock()
					done++
					opt.Progress(data.Progress{Share: float64(done) / float64(len(columns)), Rows: rows})
					lock.Unlock()
				}
			}
		})
	}
	team.Wait()
	for i, err := range errs {
		if err == nil {
			continue
		}
		if large, tooMuch := errors.AsType[tooLarge](err); tooMuch {
			return nil, large.error
		}
		return nil, f.Fail(data.ErrDamaged, "the Parquet file is cut short or damaged (in column %q): fetch or write it again", columns[i].Name())
	}
	t, err := data.TableOf(f.Name, columns...)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		t.AddNote(data.Notef("%s", n))
	}
	return t.Formatted("Parquet"), nil
}
