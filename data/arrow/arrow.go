// Package arrow lets package data read files and streams of Apache Arrow, which includes Feather
// files. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/arrow"
//
// Columns of numbers, texts, booleans, dates, times and decimals are read; those of lists, structs, maps, bytes and spans of
// time are left out, with a note. Columns with a dictionary are categories. Buffers may be compressed with zstd or LZ4.
package arrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/flatbuf"
)

func init() {
	data.Register(data.Format{
		Name: "an Arrow file", Package: "arrow", Read: read,
		Detect: func(head []byte, _ string) bool {
			return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte{0xff, 0xff, 0xff, 0xff}) && len(head) > 8 && head[7] == 0
		},
	})
}

const magic = "ARROW1\x00\x00"

// errCut is the error for bytes that end too early or hold impossible values.
var errCut = errors.New("it is cut short or damaged")

// unsupported is the error for a feature of the format that is not read.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// The types of fields.
const (
	typeNull = 1 + iota
	typeInt
	typeFloat
	typeBinary
	typeText
	typeBool
	typeDecimal
	typeDate
	typeTime
	typeTimestamp
	typeFixed      = 15
	typeLargeBytes = 19
	typeLargeText  = 20
	typeBytesView  = 23
	typeTextView   = 24
)

// A column is a field of the schema.
type column struct {
	name       string
	kind       int
	width      int // of a value, in bits
	signed     bool
	scale      int
	unit       int64 // units per second
	days       bool  // of dates: the unit is a day
	dictionary int64 // its number, or -1
	index      *column
	series     *data.Series
	unread     string    // what its values are if they are not read: "lists"
	parts      []*column // the columns within one of lists, structs and the like
}

// A stream reads the messages of a file or a stream.
type stream struct {
	f            *data.File
	in           io.Reader
	columns      []*column
	dictionaries map[int64][][]byte
	rows         int64
	held         int64       // of these rows, the number in the columns' series
	parts        *data.Parts // holds the other rows; nil: there are none
	zstd         *zstd.Decoder
}

// An aside wraps an error of package data about a part. The error is returned as it is.
type aside struct{ error }

// putAside moves the rows that the series hold onto the disk.
func (s *stream) putAside() error {
	t, err := s.table()
	if err == nil {
		err = s.parts.Add(t)
	}
	if err != nil {
		return aside{err}
	}
	s.held = 0
	for _, c := range s.columns {
		c.begin()
	}
	return nil
}

// table makes a table of the series, which are not used afterwards.
func (s *stream) table() (*data.Table, error) {
	columns := make([]*data.Series, len(s.columns))
	for i, c := range s.columns {
		columns[i] = c.series
	}
	return data.TableOf(s.f.Name, columns...)
}

// begin begins the column's series.
func (c *column) begin() {
	c.series = data.NewSeries(c.name)
	switch {
	case c.unread == durations:
		c.series.Unread(c.unread, "write them as numbers, such as seconds, to use the column")
	case c.kind == typeFixed:
		c.series.Unread(c.unread, "write them as numbers or as texts to use them")
	case c.unread != "":
		c.series.Unread(c.unread, "flatten the column into columns of single values to use it")
	case c.index != nil:
		c.series.Fix(data.KindCategory)
	}
}

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	r, size, err := f.Bytes()
	if err != nil {
		return nil, err
	}
	s := &stream{f: f, in: io.NewSectionReader(r, 0, size), dictionaries: map[int64][][]byte{}}
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil && err != io.EOF || size < 8 {
		return nil, s.damaged("it ends within its first bytes")
	}
	if string(head[:]) == magic {
		err = s.file(r, size, opt)
	} else {
		for done := false; !done && err == nil; {
			done, err = s.message(opt)
		}
	}
	if s.zstd != nil {
		s.zstd.Close()
	}
	what, isUnsupported := errors.AsType[unsupported](err)
	about, isAside := errors.AsType[aside](err)
	switch {
	case isAside:
		return nil, about.error
	case isUnsupported:
		return nil, f.Fail(data.ErrFormat, "%s", string(what))
	case errors.Is(err, data.ErrLarge):
		return nil, err
	case err != nil:
		return nil, s.damaged("after " + fmt.Sprint(s.rows) + " rows")
	}
	if s.parts == nil {
		t, err := s.table()
		if err != nil {
			return nil, err
		}
		return t.Formatted("Arrow"), nil
	}
	if s.held > 0 {
		if err := s.putAside(); err != nil {
			return nil, err.(aside).error
		}
	}
	return s.parts.Table().Formatted("Arrow"), nil
}

func (s *stream) damaged(where string) error {
	return s.f.Fail(data.ErrDamaged, "the Arrow file is cut short or damaged (%s): fetch or write it again", where)
}

// take reads n bytes, into memory that grows as they arrive.
func (s *stream) take(n int64) ([]byte, error) {
	if err := s.f.Need(n); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, s.in, n); err != nil {
		return nil, errCut
	}
	return b.Bytes(), nil
}

// The kinds of messages.
const (
	messageSchema     = 1
	messageDictionary = 2
	messageBatch      = 3
)

// mostHeader is how many bytes a message's header may take.
const mostHeader = 1 << 28

// file reads the messages that the footer lists.
func (s *stream) file(r io.ReaderAt, size int64, opt data.ReadOptions) error {
	const tail = 10 // a length and the magic
	var end [tail]byte
	if size < 8+tail {
		return errCut
	}
	if _, err := r.ReadAt(end[:], size-tail); err != nil && err != io.EOF || string(end[4:]) != magic[:6] {
		return errCut
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-tail-8 || length > mostHeader {
		return errCut
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, size-tail-length); err != nil && err != io.EOF {
		return errCut
	}
	b := &flatbuf.Buffer{B: raw}
	footer := b.Root()
	if err := s.schema(footer.Table(1), opt); err != nil {
		return err
	}
	for _, block := range append(footer.Structs(2, 3), footer.Structs(3, 3)...) { // dictionaries come first
		at := block[0]
		if at < 8 || at >= size {
			return errCut
		}
		s.in = io.NewSectionReader(r, at, size-tail-at)
		if _, err := s.message(opt); err != nil {
			return err
		}
	}
	if b.Bad {
		return errCut
	}
	return nil
}

// message reads the next message. done reports that there are no more.
func (s *stream) message(opt data.ReadOptions) (done bool, err error) {
	var head [4]byte
	if _, err := io.ReadFull(s.in, head[:]); err == io.EOF && s.columns != nil {
		return true, nil
	} else if err != nil {
		return false, errCut
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0xffffffff {
		if _, err := io.ReadFull(s.in, head[:]); err != nil {
			return false, errCut
		}
		size = binary.LittleEndian.Uint32(head[:])
	}
	if size == 0 { // the end
		if s.columns == nil {
			return false, errCut
		}
		return true, nil
	}
	if size > mostHeader {
		return false, errCut
	}
	raw, err := s.take(int64(size))
	if err != nil {
		return false, err
	}
	b := &flatbuf.Buffer{B: raw}
	m := b.Root()
	kind, length := m.Int(1, 1, 0), m.Int(3, 8, 0)
	if b.Bad || length < 0 {
		return false, errCut
	}
	body, err := s.take(length)
	if err != nil {
		return false, err
	}
	switch kind {
	case messageSchema:
		err = s.schema(m.Table(2), opt)
	case messageDictionary:
		err = s.dictionary(m.Table(2), body)
	case messageBatch:
		err = s.batch(m.Table(2), body, opt)
		if opt.Progress != nil {
			opt.Progress(data.Progress{Share: s.f.Share(), Rows: int(s.rows)})
		}
	}
	if err != nil {
		return false, err
	}
	if b.Bad {
		return false, errCut
	}
	return false, nil
}

func (s *stream) schema(t flatbuf.Table, opt data.ReadOptions) error {
	if s.columns != nil {
		return errCut
	}
	if t.Int(0, 2, 0) != 0 {
		return unsupported("the Arrow file was written on a big-endian machine: write it again on another")
	}
	fields := t.Tables(1)
	if opt.MaxColumns > 0 && len(fields) > opt.MaxColumns {
		return s.f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: leave some out", len(fields), opt.MaxColumns)
	}
	s.columns = []*column{}
	left := mostFields
	for _, field := range fields {
		c, err := columnOf(field, &left)
		if err != nil {
			return err
		}
		c.begin()
		s.columns = append(s.columns, c)
	}
	return nil
}

// mostFields is the largest number of fields of a schema, including nested ones.
const mostFields = 1 << 20

// columnOf reads a field of the schema. left is the number of fields that may still follow.
func columnOf(field flatbuf.Table, left *int) (*column, error) {
	if *left--; *left < 0 {
		return nil, errCut
	}
	c := &column{name: field.String(0), dictionary: -1}
	if err := c.typed(int(field.Int(2, 1, 0)), field.Table(3)); err != nil {
		return nil, err
	}
	if c.unread != "" {
		for _, within := range field.Tables(5) {
			part, err := columnOf(within, left)
			if err != nil {
				return nil, err
			}
			c.parts = append(c.parts, part)
		}
	}
	if field.Has(4) {
		d := field.Table(4)
		c.dictionary = d.Int(0, 8, 0)
		c.index = &column{name: c.name, width: 32, signed: true, kind: typeInt}
		if d.Has(1) {
			if err := c.index.typed(typeInt, d.Table(1)); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// typed reads the type of a field's values.
func (c *column) typed(kind int, t flatbuf.Table) error {
	c.kind = kind
	switch kind {
	case typeNull, typeText, typeBinary, typeLargeText, typeLargeBytes:
		return nil
	case typeInt:
		c.width, c.signed = int(t.Int(0, 4, 0)), t.Int(1, 1, 0) != 0
		if c.width != 8 && c.width != 16 && c.width != 32 && c.width != 64 {
			return errCut
		}
		return nil
	case typeFloat:
		c.width = 16 << min(uint(t.Int(0, 2, 0)), 3)
		if c.width > 64 {
			return errCut
		}
		return nil
	case typeBool:
		c.width = 1
		return nil
	case typeDecimal:
		c.scale, c.width = int(t.Int(1, 4, 0)), int(t.Int(2, 4, 128))
		if c.width%32 != 0 || c.width < 32 || c.width > 256 {
			return errCut
		}
		return nil
	case typeDate:
		c.days, c.width, c.unit = t.Int(0, 2, 1) == 0, 64, 1000
		if c.days {
			c.width = 32
		}
		return nil
	case typeTime, typeTimestamp:
		absent := int64(0)
		if c.width = 64; kind == typeTime {
			absent, c.width = 1, int(t.Int(1, 4, 32))
		}
		unit := t.Int(0, 2, absent)
		if unit < 0 || unit > 3 || c.width != 32 && c.width != 64 {
			return errCut
		}
		c.unit = []int64{1, 1e3, 1e6, 1e9}[unit]
		return nil
	case typeTextView, typeBytesView:
		return nil
	}
	form, known := unreadForms[kind]
	switch {
	case kind < typeNull:
		return errCut
	case !known: // the number of its buffers is unknown
		return unsupported(fmt.Sprintf("column %q is of a type that is not known, the number %d: leave it out of the file", c.name, kind))
	}
	if c.unread = form.what; kind == typeUnion && t.Int(0, 2, 0) == 1 {
		c.width = 1 // dense, with offsets
	}
	return nil
}

const (
	durations  = "spans of time"
	typeUnion  = 14
	typeStruct = 13
)

// unreadForms are the types of columns that are not read, with the number of buffers of such a column, not counting those of
// the columns in it.
var unreadForms = map[int]struct {
	what    string
	buffers int
}{
	11: {durations, 2}, 12: {"lists", 2}, typeStruct: {"structs", 1}, typeUnion: {"values of several types", 1}, typeFixed: {"bytes", 2}, 16: {"lists", 1},
	17: {"maps", 2}, 18: {durations, 2}, 21: {"lists", 2}, 22: {"runs of values", 0}, 25: {"lists", 3}, 26: {"lists", 3},
}
