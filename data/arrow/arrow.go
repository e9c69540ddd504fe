// Package arrow has package data read files and streams of Apache Arrow, which Feather files are too.
// Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/arrow"
//
// Columns of numbers, texts, booleans, dates, times and decimals are read; lists, structs and maps are refused. Columns with a
// dictionary are categories. Buffers may be compressed with zstd or LZ4.
package arrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"

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

// errCut is the error of bytes that end too early, or say what cannot be.
var errCut = errors.New("it is cut short or damaged")

// unsupported is the error of what the format has and is not read.
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
	width      int // of a value in bits
	signed     bool
	scale      int
	unit       int64 // of a second
	days       bool  // of dates: the unit is a day
	dictionary int64 // its number, or -1
	index      *column
	series     *data.Series
}

// A stream is the messages of a file or a stream.
type stream struct {
	f            *data.File
	in           io.Reader
	columns      []*column
	dictionaries map[int64][][]byte
	rows         int64
	zstd         *zstd.Decoder
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
	switch {
	case isUnsupported:
		return nil, f.Fail(data.ErrFormat, "%s", string(what))
	case errors.Is(err, data.ErrLarge):
		return nil, err
	case err != nil:
		return nil, s.damaged("after " + fmt.Sprint(s.rows) + " rows")
	}
	columns := make([]*data.Series, len(s.columns))
	for i, c := range s.columns {
		columns[i] = c.series
	}
	t, err := data.TableOf(f.Name, columns...)
	if err != nil {
		return nil, err
	}
	return t.Formatted("Arrow"), nil
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

// file reads the messages that the end of a file names.
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

// message reads the next message. done tells that there is none.
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
		err = s.batch(m.Table(2), body)
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
		return s.f.Fail(data.ErrLarge, "has %d columns, and %d are taken: leave some out", len(fields), opt.MaxColumns)
	}
	s.columns = []*column{}
	for _, field := range fields {
		c := &column{name: field.String(0), dictionary: -1}
		if err := c.typed(int(field.Int(2, 1, 0)), field.Table(3)); err != nil {
			return err
		}
		c.series = data.NewSeries(c.name)
		if field.Has(4) {
			d := field.Table(4)
			c.dictionary = d.Int(0, 8, 0)
			c.index = &column{name: c.name, width: 32, signed: true, kind: typeInt}
			if d.Has(1) {
				if err := c.index.typed(typeInt, d.Table(1)); err != nil {
					return err
				}
			}
			c.series.Fix(data.KindCategory)
		}
		s.columns = append(s.columns, c)
	}
	return nil
}

// typed reads what a field's values are.
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
	what := map[int]string{11: "spans of time", 12: "a list", 13: "a struct", 14: "values of several types", typeFixed: "bytes", 16: "a list", 17: "a map", 18: "spans of time", 21: "a list", 22: "runs"}[kind]
	if kind < typeNull || kind > 26 {
		return errCut
	}
	if what == "" {
		what = "a type that is not known"
	}
	return unsupported(fmt.Sprintf("column %q holds %s, and a cell of a table is one value: flatten the column, or leave it out of the file", c.name, what))
}

// A batch is a record batch under way: its nodes and buffers are taken in their order.
type batch struct {
	s       *stream
	body    []byte
	nodes   [][]int64
	buffers [][]int64
	views   [][]int64
	codec   int64 // -1: none
}

func (s *stream) open(t flatbuf.Table, body []byte) (b *batch, rows int64) {
	b = &batch{s: s, body: body, nodes: t.Structs(1, 2), buffers: t.Structs(2, 2), codec: -1}
	if t.Has(3) {
		b.codec = t.Table(3).Int(0, 1, 0)
	}
	for i, n := range t.Structs(4, 1) {
		_ = i
		b.views = append(b.views, n)
	}
	return b, t.Int(0, 8, 0)
}

// buffer is the next buffer.
func (b *batch) buffer() ([]byte, error) {
	if len(b.buffers) == 0 {
		return nil, errCut
	}
	at, size := b.buffers[0][0], b.buffers[0][1]
	b.buffers = b.buffers[1:]
	if at < 0 || size < 0 || at > int64(len(b.body)) || size > int64(len(b.body))-at {
		return nil, errCut
	}
	raw := b.body[at : at+size]
	if b.codec < 0 || len(raw) == 0 {
		return raw, nil
	}
	if len(raw) < 8 {
		return nil, errCut
	}
	n := int64(binary.LittleEndian.Uint64(raw))
	if raw = raw[8:]; n == -1 {
		return raw, nil
	}
	if n < 0 {
		return nil, errCut
	}
	if err := b.s.f.Need(n); err != nil {
		return nil, err
	}
	var r io.Reader
	switch b.codec {
	case 0:
		r = newLZ4(raw)
	case 1:
		if b.s.zstd == nil {
			var err error
			if b.s.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<27)); err != nil {
				return nil, err
			}
		}
		if err := b.s.zstd.Reset(bytes.NewReader(raw)); err != nil {
			return nil, errCut
		}
		r = b.s.zstd
	default:
		return nil, unsupported("the Arrow file is compressed in a way that is not known: write it with zstd")
	}
	var out bytes.Buffer // which grows as bytes arrive
	if _, err := io.CopyN(&out, r, n); err != nil {
		return nil, errCut
	}
	return out.Bytes(), nil
}

// node is the number of values of the next column.
func (b *batch) node(want int64) (int, error) {
	if len(b.nodes) == 0 || want >= 0 && b.nodes[0][0] != want || b.nodes[0][0] < 0 || b.nodes[0][0] > math.MaxInt32 {
		return 0, errCut
	}
	n := b.nodes[0][0]
	b.nodes = b.nodes[1:]
	return int(n), b.s.f.Need(9 * n)
}

func (s *stream) batch(t flatbuf.Table, body []byte) error {
	if s.columns == nil {
		return errCut
	}
	b, rows := s.open(t, body)
	if rows < 0 || rows > math.MaxInt32 {
		return errCut
	}
	if err := s.f.Need((s.rows + rows) * 9 * int64(len(s.columns))); err != nil {
		return err
	}
	for _, c := range s.columns {
		if err := b.column(c, rows); err != nil {
			return err
		}
	}
	s.rows += rows
	return nil
}

// column appends the next column's values to its Series.
func (b *batch) column(c *column, rows int64) error {
	of := c
	if c.index != nil {
		of = c.index
	}
	n, err := b.node(rows)
	if err != nil {
		return err
	}
	if of.kind == typeNull {
		for range n {
			c.series.Null()
		}
		return nil
	}
	v, err := b.values(of, n)
	if err != nil {
		return err
	}
	if c.index != nil {
		names, ok := b.s.dictionaries[c.dictionary]
		codes := make([]int32, n)
		for i := range n {
			if codes[i] = -1; v.has(i) {
				x := v.whole(i)
				if !ok || x < 0 || x >= int64(len(names)) {
					return errCut
				}
				if codes[i] = int32(x); names[x] == nil {
					codes[i] = -1
				}
			}
		}
		if c.series.Levels(codes, names) != nil {
			return errCut
		}
		return nil
	}
	return v.all(c.series, n)
}

func (s *stream) dictionary(t flatbuf.Table, body []byte) error {
	id, delta := t.Int(0, 8, 0), t.Int(2, 1, 0) != 0
	var c *column
	for _, other := range s.columns {
		if other.dictionary == id {
			c = other
		}
	}
	if c == nil {
		return errCut
	}
	b, _ := s.open(t.Table(1), body)
	n, err := b.node(-1)
	if err != nil {
		return err
	}
	v, err := b.values(c, n)
	if err != nil {
		return err
	}
	var names [][]byte
	for i := range n {
		switch {
		case !v.has(i):
			names = append(names, nil)
		case v.texts != nil:
			names = append(names, append([]byte{}, v.texts[i]...))
		default: // numbers and the like, as a table has them
			one := data.NewSeries("")
			if err := v.put(one, i); err != nil {
				return err
			}
			t, err := data.TableOf("", one)
			if err != nil {
				return errCut
			}
			names = append(names, []byte(t.Cell(0, 0)))
		}
	}
	if delta {
		names = append(s.dictionaries[id], names...)
	}
	s.dictionaries[id] = names
	return nil
}

// values are those of a column in a batch.
type values struct {
	c     *column
	valid []byte // a bit each; nil: all are there
	raw   []byte
	texts [][]byte
}

func (v *values) has(i int) bool { return v.valid == nil || v.valid[i>>3]>>(i&7)&1 == 1 }

func (b *batch) values(c *column, n int) (*values, error) {
	v := &values{c: c}
	var err error
	if v.valid, err = b.buffer(); err != nil {
		return nil, err
	}
	if len(v.valid) == 0 {
		v.valid = nil
	} else if len(v.valid) < (n+7)/8 {
		return nil, errCut
	}
	switch c.kind {
	case typeText, typeBinary, typeLargeText, typeLargeBytes:
		return v, b.texts(v, n)
	case typeTextView, typeBytesView:
		return v, b.viewed(v, n)
	}
	if v.raw, err = b.buffer(); err == nil && int64(len(v.raw))*8 < int64(n)*int64(c.width) {
		err = errCut
	}
	return v, err
}

// texts reads texts that stand one behind the other, and where each starts.
func (b *batch) texts(v *values, n int) error {
	starts, err := b.buffer()
	if err != nil {
		return err
	}
	text, err := b.buffer()
	if err != nil {
		return err
	}
	size := 4
	if v.c.kind == typeLargeText || v.c.kind == typeLargeBytes {
		size = 8
	}
	v.texts = make([][]byte, n)
	if n > 0 && len(starts)/size < n+1 {
		return errCut
	}
	at := func(i int) int64 {
		if size == 4 {
			return int64(int32(binary.LittleEndian.Uint32(starts[4*i:])))
		}
		return int64(binary.LittleEndian.Uint64(starts[8*i:]))
	}
	for i := range v.texts {
		from, to := at(i), at(i+1)
		if from < 0 || to < from || to > int64(len(text)) {
			return errCut
		}
		v.texts[i] = text[from:to]
	}
	return nil
}

// viewed reads texts that are short and stand in their places, or long and stand elsewhere.
func (b *batch) viewed(v *values, n int) error {
	views, err := b.buffer()
	if err != nil {
		return err
	}
	if len(b.views) == 0 || len(views)/16 < n || b.views[0][0] < 0 || b.views[0][0] > int64(len(b.buffers)) {
		return errCut
	}
	var elsewhere [][]byte
	for range b.views[0][0] {
		text, err := b.buffer()
		if err != nil {
			return err
		}
		elsewhere = append(elsewhere, text)
	}
	b.views = b.views[1:]
	v.texts = make([][]byte, n)
	for i := range v.texts {
		if !v.has(i) {
			continue
		}
		w := views[16*i : 16*i+16]
		size := int64(binary.LittleEndian.Uint32(w))
		if size <= 12 {
			v.texts[i] = w[4 : 4+size]
			continue
		}
		k, at := int64(binary.LittleEndian.Uint32(w[8:])), int64(binary.LittleEndian.Uint32(w[12:]))
		if k >= int64(len(elsewhere)) || at > int64(len(elsewhere[k])) || size > int64(len(elsewhere[k]))-at {
			return errCut
		}
		v.texts[i] = elsewhere[k][at : at+size]
	}
	return nil
}

// whole is a whole number.
func (v *values) whole(i int) int64 {
	switch v.c.width {
	case 8:
		if !v.c.signed {
			return int64(v.raw[i])
		}
		return int64(int8(v.raw[i]))
	case 16:
		x := binary.LittleEndian.Uint16(v.raw[2*i:])
		if v.c.kind == typeInt && !v.c.signed {
			return int64(x)
		}
		return int64(int16(x))
	case 32:
		x := binary.LittleEndian.Uint32(v.raw[4*i:])
		if v.c.kind == typeInt && !v.c.signed {
			return int64(x)
		}
		return int64(int32(x))
	}
	return int64(binary.LittleEndian.Uint64(v.raw[8*i:]))
}

// all appends all values.
func (v *values) all(s *data.Series, n int) error {
	for i := range n {
		if !v.has(i) {
			s.Null()
		} else if err := v.put(s, i); err != nil {
			return err
		}
	}
	return nil
}

func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}

// put appends a value.
func (v *values) put(s *data.Series, i int) error {
	c := v.c
	switch c.kind {
	case typeInt:
		if x := v.whole(i); c.width == 64 && !c.signed {
			s.Uint(uint64(x))
		} else {
			s.Int(x)
		}
	case typeFloat:
		switch c.width {
		case 16:
			s.Float32(data.FromHalf(binary.LittleEndian.Uint16(v.raw[2*i:])))
		case 32:
			s.Float32(math.Float32frombits(binary.LittleEndian.Uint32(v.raw[4*i:])))
		default:
			s.Float(math.Float64frombits(binary.LittleEndian.Uint64(v.raw[8*i:])))
		}
	case typeBool:
		s.Bool(v.raw[i>>3]>>(i&7)&1 == 1)
	case typeDate:
		if c.days {
			s.Seconds(v.whole(i) * 86400)
		} else {
			s.Seconds(floorDiv(v.whole(i), c.unit))
		}
	case typeTimestamp:
		s.Seconds(floorDiv(v.whole(i), c.unit))
	case typeTime:
		t := v.whole(i) / c.unit
		s.Text(fmt.Sprintf("%02d:%02d:%02d", t/3600, t/60%60, t%60))
	case typeDecimal:
		size := c.width / 8
		b := bytes.Clone(v.raw[size*i : size*(i+1)])
		for l, r := 0, size-1; l < r; l, r = l+1, r-1 { // the first byte is the last
			b[l], b[r] = b[r], b[l]
		}
		x := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(c.width)))
		}
		if x.IsInt64() {
			s.Decimal(x.Int64(), c.scale)
		} else {
			s.Text(fmt.Sprintf("%se%d", x, -c.scale))
		}
	default:
		s.Bytes(v.texts[i])
	}
	return nil
}
