// Package npy lets package data read NumPy files: .npy and .npz. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/npy"
//
// A structured array has a column for each field, a vector is one column, and a matrix has its own columns.
// An archive has the columns of all its arrays, in order. Arrays of Python objects are refused because they
// are pickled, and reading a pickle runs it.
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
	var columns []*data.Series
	how := "npy"
	var head [4]byte
	if n, _ := r.ReadAt(head[:], 0); n == 4 && string(head[:]) == "PK\x03\x04" {
		how = "npz"
		archive, err := zip.NewReader(r, size)
		if err != nil {
			return nil, f.Fail(data.ErrDamaged, "the archive is cut short or damaged: fetch or write it again")
		}
		for _, entry := range archive.File {
			name, is := strings.CutSuffix(entry.Name, ".npy")
			if !is {
				return nil, f.Fail(data.ErrFormat, "holds %q, which is no array: leave it out", entry.Name)
			}
			z, err := entry.Open()
			if err != nil {
				return nil, f.Fail(data.ErrDamaged, "the array %q cannot be unpacked: fetch or write the file again", name)
			}
			more, err := (&reader{f: f, name: name, what: fmt.Sprintf("the array %q", name)}).array(z, opt)
			z.Close()
			if err != nil {
				return nil, err
			}
			columns = append(columns, more...)
		}
	} else if columns, err = (&reader{f: f, what: "the array"}).array(io.NewSectionReader(r, 0, size), opt); err != nil {
		return nil, err
	}
	if opt.MaxColumns > 0 && len(columns) > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and %d are taken: leave some out", len(columns), opt.MaxColumns)
	}
	t, err := data.TableOf(f.Name, columns...)
	if err != nil {
		return nil, err
	}
	return t.Formatted(how), nil
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

// array reads an array, and returns its columns.
func (a *reader) array(r io.Reader, opt data.ReadOptions) ([]*data.Series, error) {
	h, err := npy.Read(r)
	if err != nil {
		return nil, a.damaged()
	}
	var fields []field
	width, rows := 0, int64(1)
	for _, of := range h.Fields {
		e, size, err := elementOf(of.Descr)
		if err != nil {
			return nil, a.f.Fail(data.ErrFormat, "%s%s holds %w", a.what, in(of.Name), err)
		}
		fields = append(fields, field{of.Name, e, width, size})
		width += size
	}
	switch {
	case len(h.Shape) == 0 || len(h.Shape) > 2 || len(h.Shape) == 2 && h.Fields[0].Name != "":
		return nil, a.f.Fail(data.ErrFormat, "%s has %d dimensions, and a table has rows and columns: reshape it to two", a.what, len(h.Shape))
	case len(h.Shape) == 2:
		n := h.Shape[1]
		const most = 1 << 20
		if n < 1 || n > most {
			return nil, a.f.Fail(data.ErrLarge, "%s has %d columns: expected 1 to %d", a.what, n, most)
		}
		if opt.MaxColumns > 0 && n > int64(opt.MaxColumns) {
			return nil, a.f.Fail(data.ErrLarge, "%s has %d columns, and %d are taken: leave some out", a.what, n, opt.MaxColumns)
		}
		one := fields[0]
		fields = nil
		for i := range int(n) {
			prefix := a.name
			if prefix == "" {
				prefix = "c"
			}
			fields = append(fields, field{prefix + strconv.Itoa(i), one.element, i * one.size, one.size})
		}
		width = int(n) * one.size
	case h.Fields[0].Name == "" && a.name != "":
		fields[0].name = a.name
	case h.Fields[0].Name == "":
		fields[0].name = "c0"
	}
	rows = h.Shape[0]
	if rows < 0 || width > 0 && rows > math.MaxInt64/64/int64(width) || width == 0 && rows > 0 {
		return nil, a.damaged()
	}
	if rows == 0 {
		return nil, a.f.Fail(data.ErrEmpty, "%s has no rows: it takes at least one", a.what)
	}
	if err := a.f.Need(rows*int64(width) + 9*rows*int64(len(fields))); err != nil {
		return nil, err
	}
	var raw bytes.Buffer // grows as bytes arrive
	if n, err := io.CopyN(&raw, r, rows*int64(width)); err != nil {
		if errors.Is(err, data.ErrLarge) {
			return nil, err
		}
		return nil, a.f.Fail(data.ErrDamaged, "%s should hold %d bytes and holds %d: it is cut short, fetch or write the file again", a.what, rows*int64(width), n)
	}
	if n, _ := r.Read(make([]byte, 1)); n > 0 {
		return nil, a.f.Fail(data.ErrDamaged, "%s goes on after the %d rows that it tells of: it is damaged", a.what, rows)
	}
	step, stride := width, func(f field) int { return f.at }
	if h.Fortran && len(h.Shape) == 2 { // column by column
		step, stride = fields[0].size, func(f field) int { return f.at * int(rows) }
	}
	columns := make([]*data.Series, len(fields))
	b := raw.Bytes()
	for i, f := range fields {
		s := data.NewSeries(f.name)
		s.Grow(int(rows))
		at := stride(f)
		for range rows {
			f.element(s, b[at:at+f.size])
			at += step
		}
		columns[i] = s
	}
	return columns, nil
}

// in returns a field in the form of a message; "" is no field.
func in(field string) string {
	if field == "" {
		return ""
	}
	return fmt.Sprintf(", field %q,", field)
}

// A field is the place of a column in a row.
type field struct {
	name    string
	element element
	at      int
	size    int
}

// An element is a function that appends a value.
type element func(s *data.Series, b []byte)

// elementOf returns how values of a type are read, and their size in bytes.
func elementOf(descr string) (element, int, error) {
	no := func(what string) (element, int, error) { return nil, 0, errors.New(what) }
	if len(descr) < 2 {
		return no("values of a type that is not known")
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
			return no("values of a type that is not known")
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
		return func(s *data.Series, b []byte) { s.Bytes(bytes.TrimRight(b, "\x00")) }, size, nil
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
	if what, ok := unread[kind]; ok {
		return no(what)
	}
	return no("values of the type " + strconv.Quote(descr) + ", which are not read")
}

// unread describes the types of elements that are not read, and says what to do.
var unread = map[byte]string{
	'O': "Python objects, which are pickled, and to read them is to run them: give it a type of NumPy with astype (str for texts)",
	'V': "raw bytes or nested records: give each field one value",
	'c': "complex numbers: write the real and the imaginary part as two",
	'm': "spans of time: divide them by one, as in x / numpy.timedelta64(1, 's')",
}

// dateOf returns how dates are read that count units since 1970.
func dateOf(order binary.ByteOrder, unit string) (element, error) {
	seconds := map[string]int64{"W": 7 * 86400, "D": 86400, "h": 3600, "m": 60, "s": 1}[unit]
	part := map[string]int64{"ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
	if seconds == 0 && part == 0 {
		return nil, errors.New("dates of the unit " + unit + ": give them another with astype, such as datetime64[s]")
	}
	return func(s *data.Series, b []byte) {
		x := int64(order.Uint64(b))
		switch {
		case x == math.MinInt64: // not a time
			s.Null()
		case part > 0:
			q := x / part
			if x%part < 0 {
				q--
			}
			s.Seconds(q)
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
