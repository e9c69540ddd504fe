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
	t, err := (&reader{f: f, what: "the array"}).table(io.NewSectionReader(r, 0, size), opt)
	if err != nil {
		return nil, err
	}
	return t.Formatted("npy"), nil
}

// readArchive reads the columns of all arrays of an archive.
func readArchive(f *data.File, r io.ReaderAt, size int64, opt data.ReadOptions) (*data.Table, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, f.Fail(data.ErrDamaged, "the archive is cut short or damaged: fetch or write it again")
	}
	var columns []*data.Series
	for _, entry := range archive.File {
		name, is := strings.CutSuffix(entry.Name, ".npy")
		if !is {
			return nil, f.Fail(data.ErrFormat, "holds %q, which is not an array: leave it out", entry.Name)
		}
		z, err := entry.Open()
		if err != nil {
			return nil, f.Fail(data.ErrDamaged, "the array %q cannot be unpacked: fetch or write the file again", name)
		}
		more, err := (&reader{f: f, name: name, what: fmt.Sprintf("the array %q", name)}).array(z, opt)
		z.Close()
		switch of, is := errors.AsType[unread](err); {
		case is:
			more = []*data.Series{data.NewSeries(name)}
			more[0].Unread(of.what, of.advice)
		case err != nil:
			return nil, err
		}
		columns = append(columns, more...)
	}
	if opt.MaxColumns > 0 && len(columns) > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", len(columns), opt.MaxColumns)
	}
	t, err := data.TableOf(f.Name, columns...)
	if err != nil {
		return nil, err
	}
	return t.Formatted("npz"), nil
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
	width    int // of a row, in bytes
	rows     int64
	byColumn bool
}

// size returns the number of bytes that rows take while they are read: their bytes in the file, and a float64 and its shape per
// cell.
func (l *layout) size(rows int64) int64 { return rows*int64(l.width) + 9*rows*int64(len(l.fields)) }

// partCells is the number of cells that go to the disk together.
const partCells = 1 << 19

// table reads an array that is the whole table. One that does not fit in memory goes to the disk part by part.
func (a *reader) table(r io.Reader, opt data.ReadOptions) (*data.Table, error) {
	l, err := a.layout(r, opt)
	switch of, is := errors.AsType[unread](err); {
	case is:
		return nil, a.f.Fail(data.ErrFormat, "%s holds %s, which are not read: %s", a.what, of.what, of.advice)
	case err != nil:
		return nil, err
	}
	if opt.MaxColumns > 0 && len(l.fields) > opt.MaxColumns {
		return nil, a.f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", len(l.fields), opt.MaxColumns)
	}
	if l.byColumn || !a.f.Spills(l.size(l.rows), opt) {
		columns, err := a.all(r, l)
		if err != nil {
			return nil, err
		}
		return data.TableOf(a.f.Name, columns...)
	}
	parts, part := data.NewParts(opt.Spill), int64(max(1, partCells/len(l.fields)))
	for at := int64(0); at < l.rows; at += part {
		n := min(part, l.rows-at)
		if err := a.f.Need(l.size(n)); err != nil {
			return nil, err
		}
		columns, err := a.rows(r, l, at, n)
		if err != nil {
			return nil, err
		}
		t, err := data.TableOf(a.f.Name, columns...)
		if err == nil {
			err = parts.Add(t)
		}
		if err != nil {
			return nil, err
		}
		if opt.Progress != nil {
			opt.Progress(data.Progress{Share: float64(at+n) / float64(l.rows), Rows: int(at + n)})
		}
	}
	if err := a.ends(r, l); err != nil {
		return nil, err
	}
	return parts.Table(), nil
}

// array reads an array, and returns its columns.
func (a *reader) array(r io.Reader, opt data.ReadOptions) ([]*data.Series, error) {
	l, err := a.layout(r, opt)
	if err != nil {
		return nil, err
	}
	return a.all(r, l)
}

// all reads all values.
func (a *reader) all(r io.Reader, l *layout) ([]*data.Series, error) {
	if err := a.f.Need(l.size(l.rows)); err != nil {
		return nil, err
	}
	columns, err := a.rows(r, l, 0, l.rows)
	if err != nil {
		return nil, err
	}
	return columns, a.ends(r, l)
}

// layout reads the header of an array.
func (a *reader) layout(r io.Reader, opt data.ReadOptions) (*layout, error) {
	h, err := npy.Read(r)
	if err != nil {
		return nil, a.damaged()
	}
	l := &layout{byColumn: h.Fortran && len(h.Shape) == 2}
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

// rows reads the next n rows. The at rows before them have been read. If the values lie column by column, these must be all
// rows.
func (a *reader) rows(r io.Reader, l *layout, at, n int64) ([]*data.Series, error) {
	width := int64(l.width)
	var raw bytes.Buffer // grows as bytes arrive
	if came, err := io.CopyN(&raw, r, n*width); err != nil {
		if errors.Is(err, data.ErrLarge) {
			return nil, err
		}
		return nil, a.f.Fail(data.ErrDamaged, "%s should hold %d bytes and holds %d: it is cut short, fetch or write the file again", a.what, l.rows*width, at*width+came)
	}
	columns := make([]*data.Series, len(l.fields))
	b := raw.Bytes()
	for i, f := range l.fields {
		s := data.NewSeries(f.name)
		s.Grow(int(n))
		place, step := f.at, l.width
		if l.byColumn {
			place, step = f.at*int(n), f.size
		}
		for range n {
			f.element(s, b[place:place+f.size])
			place += step
		}
		columns[i] = s
	}
	return columns, nil
}

// ends refuses bytes after the last row.
func (a *reader) ends(r io.Reader, l *layout) error {
	if n, _ := r.Read(make([]byte, 1)); n > 0 {
		return a.f.Fail(data.ErrDamaged, "%s continues after the %d rows that it declares: it is damaged", a.what, l.rows)
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
		return func(s *data.Series, b []byte) { s.Float32(data.FromHalf(order.Uint16(b))) }, size, nil
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
