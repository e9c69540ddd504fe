// Package npy lets package data read NumPy files: .npy and .npz. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/npy"
//
// A structured array has a column for each field, a vector is one column, and a matrix has its own columns.
// An archive has the columns of all its arrays, in order. Arrays of Python objects are not read because they
// are pickled, and reading a pickle runs it. In an archive they are left out with a note, and so are arrays of other
// dimensions.
package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/npy"
)

func init() {
	data.Register(data.Format{
		Name: "a NumPy file", Package: "npy", Read: read,
		Detect: func(head []byte, name string) bool {
			return bytes.HasPrefix(head, []byte(npy.Magic)) || bytes.HasPrefix(head, []byte("PK\x03\x04")) && (strings.HasSuffix(name, ".npz") || len(head) > 30 && bytes.Contains(head[30:min(len(head), 300)], []byte(".npy")))
		},
	})
}

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	r, size, err := f.Bytes()
	if err != nil {
		return nil, err
	}
	var head [4]byte
	if n, _ := r.ReadAt(head[:], 0); n == 4 && string(head[:]) == "PK\x03\x04" {
		return readArchive(f, r, size, opt)
	}
	t, err := (&reader{f: f, what: "the array"}).table(r, size, opt)
	if err != nil {
		return nil, err
	}
	return t.Formatted("npy"), nil
}

// An entry is an array of an archive.
type entry struct {
	*reader
	*layout
	of     *unread // what it holds, if that is not read
	values io.Reader
	at     io.ReaderAt // the values, if they are not compressed
}

// readArchive reads the columns of all arrays of an archive.
func readArchive(f *data.File, r io.ReaderAt, size int64, opt data.ReadOptions) (*data.Table, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, f.Fail(data.ErrDamaged, "the archive is cut short or damaged: fetch or write it again")
	}
	if err := f.Need(int64(len(archive.File)) << 16); err != nil { // to unpack all at the same time
		return nil, err
	}
	var entries []*entry
	columns := 0
	for _, of := range archive.File {
		e, close, err := openEntry(f, r, of, opt)
		if err != nil {
			return nil, err
		}
		defer close()
		if entries = append(entries, e); e.of == nil {
			columns += len(e.fields)
		} else {
			columns++
		}
	}
	if opt.MaxColumns > 0 && columns > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", columns, opt.MaxColumns)
	}
	t, err := tableOf(f, entries, opt)
	if err != nil {
		return nil, err
	}
	return t.Formatted("npz"), nil
}

// openEntry opens an array of an archive and reads its header.
func openEntry(f *data.File, r io.ReaderAt, of *zip.File, opt data.ReadOptions) (e *entry, close func() error, err error) {
	name, is := strings.CutSuffix(of.Name, ".npy")
	if !is {
		return nil, nil, f.Fail(data.ErrFormat, "holds %q, which is not an array: leave it out", of.Name)
	}
	z, err := of.Open()
	if err != nil {
		return nil, nil, f.Fail(data.ErrDamaged, "the array %q cannot be unpacked: fetch or write the file again", name)
	}
	e = &entry{reader: &reader{f: f, name: name, what: fmt.Sprintf("the array %q", name)}, values: z}
	e.layout, err = e.reader.layout(z, opt)
	switch unread, is := errors.AsType[unread](err); {
	case is:
		e.of, err = &unread, nil
	case err == nil && of.Method == zip.Store:
		var from int64
		if from, err = of.DataOffset(); err == nil {
			e.at = io.NewSectionReader(r, from+e.begin, int64(of.UncompressedSize64)-e.begin)
		}
	}
	if err != nil {
		z.Close()
		return nil, nil, err
	}
	return e, z.Close, nil
}

// A reader reads one array.
type reader struct {
	f    *data.File
	name string // of the array in its archive, or ""
	what string // in messages
}

func (a *reader) damaged() error {
	return a.f.Fail(data.ErrDamaged, "%s is cut short or damaged: fetch or write the file again", a.what)
}

// A layout says how the values of an array lie in its file.
type layout struct {
	fields   []field
	begin    int64 // where the values begin
	width    int   // of a row, in bytes
	rows     int64
	byColumn bool
}

// size returns the number of bytes that rows take while they are read: their bytes in the file, and a float64 and its shape per
// cell.
func (l *layout) size(rows int64) int64 { return rows*int64(l.width) + 9*rows*int64(len(l.fields)) }

// partCells is the number of cells that go to the disk together.
const partCells = 1 << 19

// table reads an array that is the whole table.
func (a *reader) table(r io.ReaderAt, size int64, opt data.ReadOptions) (*data.Table, error) {
	l, err := a.layout(io.NewSectionReader(r, 0, size), opt)
	switch of, is := errors.AsType[unread](err); {
	case is:
		return nil, a.f.Fail(data.ErrFormat, "%s holds %s, which are not read: %s", a.what, of.what, of.advice)
	case err != nil:
		return nil, err
	}
	if opt.MaxColumns > 0 && len(l.fields) > opt.MaxColumns {
		return nil, a.f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", len(l.fields), opt.MaxColumns)
	}
	at := io.NewSectionReader(r, l.begin, size-l.begin)
	return tableOf(a.f, []*entry{{reader: a, layout: l, values: io.NewSectionReader(at, 0, at.Size()), at: at}}, opt)
}

// tableOf makes a table of the columns of arrays. One that does not fit in memory goes to the disk part by part.
func tableOf(f *data.File, entries []*entry, opt data.ReadOptions) (*data.Table, error) {
	rows, width, size, byPart := int64(0), 0, int64(0), true
	for _, e := range entries {
		if e.of != nil {
			continue
		}
		byPart = byPart && (width == 0 || e.rows == rows) && (!e.byColumn || e.at != nil)
		rows, width, size = e.rows, width+len(e.fields), size+e.size(e.rows)
	}
	if !byPart || !f.Spills(rows, size, opt) {
		return partOf(f, entries, 0, 0)
	}
	parts, part := data.NewParts(opt.Spill), int64(max(1, partCells/width))
	for at := int64(0); at < rows; at += part {
		n := min(part, rows-at)
		t, err := partOf(f, entries, at, n)
		if err == nil {
			err = parts.Add(t)
		}
		if err != nil {
			return nil, err
		}
		if opt.Progress != nil {
			opt.Progress(data.Progress{Share: float64(at+n) / float64(rows), Rows: int(at + n)})
		}
	}
	return parts.Table(), nil
}

// partOf makes a table of the next n rows of all arrays, of which the at rows before them have been read. If n is 0, it takes
// all rows.
func partOf(f *data.File, entries []*entry, at, n int64) (*data.Table, error) {
	var columns []*data.Series
	for _, e := range entries {
		if e.of != nil {
			s := data.NewSeries(e.name)
			s.Unread(e.of.what, e.of.advice)
			columns = append(columns, s)
			continue
		}
		own := n
		if n == 0 {
			own = e.rows
		}
		if err := f.Need(e.size(own)); err != nil {
			return nil, err
		}
		more, err := e.next(at, own)
		if err == nil && at+own == e.rows {
			err = e.ends()
		}
		if err != nil {
			return nil, err
		}
		columns = append(columns, more...)
	}
	return data.TableOf(f.Name, columns...)
}

// layout reads the header of an array.
func (a *reader) layout(r io.Reader, opt data.ReadOptions) (*layout, error) {
	h, err := npy.Read(r)
	if err != nil {
		return nil, a.damaged()
	}
	l := &layout{begin: h.Size, byColumn: h.Fortran && len(h.Shape) == 2}
	for _, of := range h.Fields {
		e, size, err := elementOf(of.Descr)
		why, isUnread := errors.AsType[unread](err)
		if err != nil && (!isUnread || !h.Record || size == 0) {
			return nil, err
		}
		if h.Record && of.Name == "" {
			l.width += size
			continue
		}
		if isUnread {
			e = func(s *data.Series, _ []byte) { s.Unread(why.what, why.advice) }
		}
		l.fields = append(l.fields, field{of.Name, e, l.width, size})
		l.width += size
	}
	switch {
	case len(h.Shape) == 0:
		return nil, unread{"one value and no rows", "give it a value for each row to use it"}
	case len(h.Shape) > 2 || len(h.Shape) == 2 && h.Record:
		return nil, unread{"rows that are arrays", fmt.Sprintf("reshape it from %d dimensions to two, rows and columns, to use it", len(h.Shape))}
	case len(h.Shape) == 2:
		n := h.Shape[1]
		const most = 1 << 20
		if n < 1 || n > most {
			return nil, a.f.Fail(data.ErrLarge, "%s has %d columns: expected 1 to %d", a.what, n, most)
		}
		if opt.MaxColumns > 0 && n > int64(opt.MaxColumns) {
			return nil, a.f.Fail(data.ErrLarge, "%s has %d columns, and at most %d are allowed: leave some out", a.what, n, opt.MaxColumns)
		}
		one := l.fields[0]
		l.fields = nil
		for i := range int(n) {
			prefix := a.name
			if prefix == "" {
				prefix = "c"
			}
			l.fields = append(l.fields, field{prefix + strconv.Itoa(i), one.element, i * one.size, one.size})
		}
		l.width = int(n) * one.size
	case !h.Record && a.name != "":
		l.fields[0].name = a.name
	case !h.Record:
		l.fields[0].name = "c0"
	}
	l.rows = h.Shape[0]
	if len(l.fields) == 0 || l.rows < 0 || l.width > 0 && l.rows > math.MaxInt64/64/int64(l.width) || l.width == 0 && l.rows > 0 {
		return nil, a.damaged()
	}
	if l.rows == 0 {
		return nil, a.f.Fail(data.ErrEmpty, "%s has no rows: it takes at least one", a.what)
	}
	return l, nil
}

// next reads the next n rows. The at rows before them have been read.
func (e *entry) next(at, n int64) ([]*data.Series, error) {
	if e.byColumn && n < e.rows {
		return e.nextByColumn(at, n)
	}
	raw, err := e.bytes(e.values, at*int64(e.width), n*int64(e.width))
	if err != nil {
		return nil, err
	}
	columns := make([]*data.Series, len(e.fields))
	for i, f := range e.fields {
		place, step := f.at, e.width
		if e.byColumn {
			place, step = f.at*int(n), f.size
		}
		columns[i] = f.series(raw[place:], step, n)
	}
	return columns, nil
}

// nextByColumn is next for some rows of an array whose values lie column by column.
func (e *entry) nextByColumn(at, n int64) (columns []*data.Series, err error) {
	for _, f := range e.fields {
		from := int64(f.at)*e.rows + at*int64(f.size)
		raw, err := e.bytes(io.NewSectionReader(e.at, from, n*int64(f.size)), from, n*int64(f.size))
		if err != nil {
			return nil, err
		}
		columns = append(columns, f.series(raw, f.size, n))
	}
	if at+n == e.rows { // so that ends finds what follows
		e.values = io.NewSectionReader(e.at, e.rows*int64(e.width), 1)
	}
	return columns, nil
}

// bytes reads n bytes of the values, which begin at a place among them.
func (e *entry) bytes(r io.Reader, at, n int64) ([]byte, error) {
	var raw bytes.Buffer // grows as bytes arrive
	if came, err := io.CopyN(&raw, r, n); err != nil {
		if errors.Is(err, data.ErrLarge) {
			return nil, err
		}
		return nil, e.f.Fail(data.ErrDamaged, "%s should hold %d bytes and holds %d: it is cut short, fetch or write the file again", e.what, e.rows*int64(e.width), at+came)
	}
	return raw.Bytes(), nil
}

// ends refuses bytes after the last row.
func (e *entry) ends() error {
	switch n, err := e.values.Read(make([]byte, 1)); {
	case n > 0:
		return e.f.Fail(data.ErrDamaged, "%s continues after the %d rows that it declares: it is damaged", e.what, e.rows)
	case err != nil && err != io.EOF: // such as the archive's checksum
		return e.damaged()
	}
	return nil
}

// A field is the place of a column in a row.
type field struct {
	name    string
	element element
	at      int
	size    int
}

// series returns the column of n values. The first begins raw, and each is step bytes after the one before.
func (f *field) series(raw []byte, step int, n int64) *data.Series {
	s := data.NewSeries(f.name)
	s.Grow(int(n))
	for place := 0; n > 0; n-- {
		f.element(s, raw[place:place+f.size])
		place += step
	}
	return s
}

// An element appends the value in b to a series.
type element func(s *data.Series, b []byte)

// elementOf returns how values of a type are read, and their size in bytes. If they are not read, the error is an unread,
// and the size is 0 if it is not known.
func elementOf(descr string) (element, int, error) {
	unknown := unread{"values of the type " + strconv.Quote(descr), "give it another type with astype to use it"}
	if len(descr) < 2 {
		return nil, 0, unknown
	}
	var order binary.ByteOrder = binary.LittleEndian
	if descr[0] == '>' {
		order = binary.BigEndian
	}
	kind, rest := descr[1], descr[2:]
	unit := ""
	if at := strings.IndexByte(rest, '['); at >= 0 {
		rest, unit = rest[:at], strings.Trim(rest[at:], "[]")
	}
	size := 0
	if rest != "" {
		var err error
		if size, err = strconv.Atoi(rest); err != nil || size < 0 || size > 1<<24 {
			return nil, 0, unknown
		}
	}
	switch {
	case kind == 'b' && size == 1:
		return func(s *data.Series, b []byte) { s.Bool(b[0] != 0) }, size, nil
	case kind == 'f' && size == 8:
		return func(s *data.Series, b []byte) { s.Float(math.Float64frombits(order.Uint64(b))) }, size, nil
	case kind == 'f' && size == 4:
		return func(s *data.Series, b []byte) { s.Float32(math.Float32frombits(order.Uint32(b))) }, size, nil
	case kind == 'f' && size == 2:
		return func(s *data.Series, b []byte) { s.Float32(float.FromHalf(order.Uint16(b))) }, size, nil
	case kind == 'i' && (size == 1 || size == 2 || size == 4 || size == 8):
		return func(s *data.Series, b []byte) {
			x := whole(order, b)
			s.Int(int64(x<<(64-8*size)) >> (64 - 8*size))
		}, size, nil
	case kind == 'u' && (size == 1 || size == 2 || size == 4 || size == 8):
		return func(s *data.Series, b []byte) { s.Uint(whole(order, b)) }, size, nil
	case kind == 'S' && size > 0:
		return func(s *data.Series, b []byte) { s.Blob(bytes.TrimRight(b, "\x00")) }, size, nil
	case kind == 'U' && size > 0:
		var text []byte
		return func(s *data.Series, b []byte) {
			text = text[:0]
			for i := 0; i < len(b); i += 4 {
				text = fmt.Append(text, string(rune(order.Uint32(b[i:]))))
			}
			s.Bytes(bytes.TrimRight(text, "\x00"))
		}, 4 * size, nil
	case kind == 'M' && size == 8:
		read, err := dateOf(order, unit)
		return read, size, err
	}
	if what, ok := unreadKinds[kind]; ok {
		if kind == 'O' { // the file is a pickle
			size = 0
		}
		return nil, size, what
	}
	return nil, 0, unknown
}

// An unread is an array or a field that is not read. It says what it holds, and how to turn it into columns.
type unread struct{ what, advice string }

func (u unread) Error() string { return u.what }

// unreadKinds are the types of elements that are not read.
var unreadKinds = map[byte]unread{
	'O': {"Python objects", "they are pickled, and reading a pickle runs it; convert it to a NumPy type with astype (str for texts) to use it"},
	'V': {"raw bytes, or several values in a row", "give each of them a field of its own to use them"},
	'c': {"complex numbers", "write the real and the imaginary part as two columns to use them"},
	'm': {"spans of time", "divide them by one, as in x / numpy.timedelta64(1, 's'), to use them"},
}

// dateOf returns how to read dates that count units since 1970.
func dateOf(order binary.ByteOrder, unit string) (element, error) {
	seconds := map[string]int64{"W": 7 * 86400, "D": 86400, "h": 3600, "m": 60, "s": 1}[unit]
	part := map[string]int64{"ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
	if seconds == 0 && part == 0 {
		return nil, unread{"dates of the unit " + unit, "give them another with astype, such as datetime64[s], to use them"}
	}
	return func(s *data.Series, b []byte) {
		x := int64(order.Uint64(b))
		switch {
		case x == math.MinInt64: // not a time
			s.Null()
		case part > 0:
			s.Ticks(x, part)
		case x > math.MaxInt64/seconds || x < math.MinInt64/seconds:
			s.Seconds(math.MaxInt64)
		default:
			s.Seconds(x * seconds)
		}
	}, nil
}

func whole(order binary.ByteOrder, b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}
