// Package parquet lets package data read Parquet files. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/parquet"
//
// Columns of numbers, texts, booleans, dates, times and decimals are read; lists, structs and maps are
// refused. A column is a category if it was one for the program that wrote the file, or if it is an
// ENUM. Pages may be compressed with Snappy, gzip, zstd or LZ4. Columns are read on all cores.
package parquet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

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
		return nil, f.Fail(data.ErrLarge, "has %d columns, and %d are taken: leave some out", len(m.leaves), opt.MaxColumns)
	}
	for _, l := range m.leaves {
		if l.what == "" && l.means == other {
			l.what = "a type that is no number, text, boolean or time"
		}
		if l.what != "" {
			return nil, f.Fail(data.ErrFormat, "column %q holds %s, and a cell of a table is one value: flatten the column, or leave it out of the file", l.name, l.what)
		}
	}
	rows := int64(0)
	for _, g := range m.groups {
		if len(g.chunks) != len(m.leaves) || g.rows > math.MaxInt64-rows {
			return nil, damaged("its groups of rows do not have the columns of its schema")
		}
		rows += g.rows
		for i, c := range g.chunks {
			switch {
			case c.elsewhere:
				return nil, f.Fail(data.ErrFormat, "column %q stands in another file: write one file with all columns", m.leaves[i].name)
			case c.encrypted:
				return nil, f.Fail(data.ErrFormat, "column %q is encrypted: write it without encryption", m.leaves[i].name)
			case c.physical != m.leaves[i].physical || c.values != g.rows || c.start < 4 || c.size < 0 || c.size > size-c.start:
				return nil, damaged(fmt.Sprintf("column %q does not fit into the file", m.leaves[i].name))
			}
		}
	}
	if m.rows != rows {
		return nil, damaged(fmt.Sprintf("it tells of %d rows and has %d", m.rows, rows))
	}
	if most := int64(1)<<32 - 1; rows > most || rows > math.MaxInt {
		return nil, f.Fail(data.ErrLarge, "has %d rows, and %d are taken: use a part of it", rows, most)
	}
	if rows > math.MaxInt64/bytesPerCell/int64(max(1, len(m.leaves))) {
		return nil, damaged("it tells of more cells than there are anywhere")
	}
	return m.load(f, r, int(rows), opt)
}

// bytesPerCell is how many bytes a cell takes in memory: a float64 and its shape.
const bytesPerCell = 9

// load reads the cells into memory if they fit, and else onto the disk.
func (m *footer) load(f *data.File, r io.ReaderAt, rows int, opt data.ReadOptions) (*data.Table, error) {
	cells := int64(rows) * bytesPerCell * int64(len(m.leaves))
	if f.Spills(cells, opt) {
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
	isCategory := m.categories()
	var columns []*data.Series
	var leaves []int
	notes := []string{}
	for i, l := range m.leaves {
		if indexNames.MatchString(l.name) {
			notes = append(notes, fmt.Sprintf("the column %s, the names of rows of pandas, is left out", l.name))
			continue
		}
		s := data.NewSeries(l.name)
		s.Grow(rows)
		if isCategory[l.name] || l.means == category {
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
				if errs[i] = c.column(m, leaves[i], columns[i], isCategory[m.leaves[leaves[i]].name]); errs[i] != nil {
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
		what, is := isUnsupported(err)
		switch large, tooMuch := errors.AsType[tooLarge](err); {
		case tooMuch:
			return nil, large.error
		case is:
			return nil, f.Fail(data.ErrFormat, "column %q has %s, which are not read: write the file with zstd and the usual encodings", columns[i].Name(), what)
		}
		return nil, f.Fail(data.ErrDamaged, "the Parquet file is cut short or damaged (in column %q): fetch or write it again", columns[i].Name())
	}
	t, err := data.TableOf(f.Name, columns...)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		t.Noted("%s", n)
	}
	return t.Formatted("Parquet"), nil
}

// A reader reads columns, one at a time.
type reader struct {
	f *data.File
	r io.ReaderAt
	inflater

	raw            []byte
	page           values
	dictionary     values
	haveDictionary bool
	codes          []int32
	levels         []int32
}

// column appends all values of a column.
func (c *reader) column(m *footer, at int, s *data.Series, isCategory bool) error {
	l := &m.leaves[at]
	put := l.put(s, isCategory)
	for i := range m.groups {
		if err := c.chunk(l, &m.groups[i].chunks[at], s, put); err != nil {
			return err
		}
	}
	return nil
}

// A pageHeader is the header before a page.
type pageHeader struct {
	kind, size, packed, values, encoding int
	levels                               int // encoding of the definition levels
	definition, repetition               int // bytes of the levels in version 2
	plain                                bool
}

const (
	pageData       = 0
	pageDictionary = 2
	pageData2      = 3
)

func (t *thrift) pageHeader() (h pageHeader) {
	h.kind = -1
	inner := func(numbers ...*int) func(int64, byte) {
		return func(id int64, kind byte) {
			switch {
			case id == 7 && len(numbers) == 6:
				h.plain = kind == thriftFalse
			case id >= 1 && id <= int64(len(numbers)) && numbers[id-1] != nil && kind == 5:
				if x := t.int(); x >= 0 && x <= math.MaxInt32 {
					*numbers[id-1] = int(x)
				} else {
					t.fail()
				}
			default:
				t.skip(kind)
			}
		}
	}
	outer := inner(&h.kind, &h.size, &h.packed)
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 5 && kind == thriftStruct:
			t.fields(inner(&h.values, &h.encoding, &h.levels))
		case id == 7 && kind == thriftStruct:
			t.fields(inner(&h.values, &h.encoding))
		case id == 8 && kind == thriftStruct:
			t.fields(inner(&h.values, nil, nil, &h.encoding, &h.definition, &h.repetition))
		default:
			outer(id, kind)
		}
	})
	return h
}

// headRoom is the largest page header in bytes.
const headRoom = 1 << 16

// chunk appends the values of a column in one row group.
func (c *reader) chunk(l *leaf, k *chunk, s *data.Series, put *putter) error {
	c.dictionary, c.haveDictionary = values{}, false
	start, end := k.start, k.start+k.size
	for left := k.values; left > 0; {
		h, body, next, err := c.next(start, end)
		if err != nil {
			return err
		}
		start = next
		if h.kind != pageData && h.kind != pageDictionary && h.kind != pageData2 {
			continue
		}
		levels, page, err := c.unpack(h, k.codec, body)
		if err != nil {
			return err
		}
		if h.kind == pageDictionary {
			if err := c.keepDictionary(l, h, page, max(k.values, 1<<20)); err != nil {
				return err
			}
			continue
		}
		if int64(h.values) > left || h.values == 0 {
			return errCut
		}
		left -= int64(h.values)
		if err := c.values(l, h, levels, page, s, put); err != nil {
			return err
		}
	}
	return nil
}

// next reads the header of the page at start. If the kind of page is one that is read, it also reads the
// body as it is in the file. It returns the end of the page.
func (c *reader) next(start, end int64) (h pageHeader, body []byte, next int64, err error) {
	if start >= end {
		return h, nil, 0, errCut
	}
	head := c.room(int(min(end-start, headRoom)))
	if _, err := c.r.ReadAt(head, start); err != nil && err != io.EOF {
		return h, nil, 0, err
	}
	t := &thrift{b: head}
	h = t.pageHeader()
	if t.err != nil || int64(h.packed) > end-start-int64(t.at) {
		return h, nil, 0, errCut
	}
	start += int64(t.at)
	next = start + int64(h.packed)
	if h.kind != pageData && h.kind != pageDictionary && h.kind != pageData2 {
		return h, nil, next, nil
	}
	if err := c.f.Need(int64(h.size)); err != nil {
		return h, nil, 0, tooLarge{err}
	}
	if body = head[t.at:]; len(body) >= h.packed {
		return h, body[:h.packed], next, nil
	}
	body = c.room(h.packed)
	if _, err := c.r.ReadAt(body, start); err != nil && err != io.EOF {
		return h, nil, 0, err
	}
	return h, body, next, nil
}

// unpack decompresses a page's body. In version 2 the levels come before it and are not compressed.
func (c *reader) unpack(h pageHeader, codec int, body []byte) (levels, page []byte, err error) {
	if h.kind != pageData2 {
		page, err = c.inflate(codec, body, h.size)
		return nil, page, err
	}
	before := h.definition + h.repetition
	if before > len(body) || before > h.size || h.repetition > 0 {
		return nil, nil, errCut
	}
	if h.plain || len(body) == before {
		codec = codecNone
	}
	page, err = c.inflate(codec, body[before:], h.size-before)
	return body[:before], page, err
}

// keepDictionary reads the dictionary page. The codes of the next pages refer to its values.
func (c *reader) keepDictionary(l *leaf, h pageHeader, page []byte, most int64) error {
	if c.haveDictionary || h.encoding != encodingPlain && h.encoding != encodingPlainDictionary || int64(h.values) > most {
		return errCut
	}
	c.haveDictionary = true
	return l.plainValues(bytes.Clone(page), h.values, &c.dictionary)
}

// values appends the values of a page.
func (c *reader) values(l *leaf, h pageHeader, levels, page []byte, s *data.Series, put *putter) error {
	present := h.values
	c.levels = c.levels[:0]
	if l.optional {
		var err error
		if present, page, err = c.define(h, levels, page); err != nil {
			return err
		}
	}
	if present == 0 {
		for range h.values {
			s.Null()
		}
		return nil
	}
	if h.encoding != encodingDictionary && h.encoding != encodingPlainDictionary {
		if err := l.decode(h.encoding, page, present, &c.page, c.f.Need); err != nil {
			return err
		}
		put.all(s, &c.page, c.levels)
		return nil
	}
	if !c.haveDictionary || len(page) == 0 || page[0] > 32 {
		return errCut
	}
	var err error
	if c.codes, err = hybrid(page[1:], int(page[0]), present, c.codes); err != nil {
		return err
	}
	if names := c.dictionary.bytes; put.isText && names != nil {
		if err := s.Levels(spread(c.codes, c.levels), names); err != nil {
			return errCut
		}
		return nil
	}
	if err := c.fromDictionary(); err != nil {
		return err
	}
	put.all(s, &c.page, c.levels)
	return nil
}

// define reads into c.levels which values of a page are present. If all are, c.levels stays empty.
// It returns the number of present values, and the page after its levels.
func (c *reader) define(h pageHeader, levels, page []byte) (present int, rest []byte, err error) {
	if h.kind == pageData {
		if h.levels != encodingRLE {
			return 0, nil, unsupported("levels in an old encoding")
		}
		if len(page) < 4 {
			return 0, nil, errCut
		}
		size := int64(binary.LittleEndian.Uint32(page))
		if size > int64(len(page)-4) {
			return 0, nil, errCut
		}
		levels, page = page[4:4+size], page[4+size:]
	}
	if allOnes(levels, h.values) {
		return h.values, page, nil
	}
	if c.levels, err = hybrid(levels, 1, h.values, c.levels); err != nil {
		return 0, nil, err
	}
	for _, x := range c.levels {
		present += int(x)
	}
	if present == h.values {
		c.levels = c.levels[:0]
	}
	return present, page, nil
}

// room returns a buffer for the bytes of a page.
func (c *reader) room(n int) []byte {
	if cap(c.raw) < n {
		c.raw = make([]byte, n)
	}
	return c.raw[:n]
}

// fromDictionary looks up the codes of a page.
func (c *reader) fromDictionary() error {
	c.page.numbers, c.page.bytes = c.page.numbers[:0], c.page.bytes[:0]
	if d := c.dictionary.numbers; len(d) > 0 {
		c.page.numbers = slices.Grow(c.page.numbers, len(c.codes))[:len(c.codes)]
		for i, code := range c.codes {
			if uint(code) >= uint(len(d)) {
				return errCut
			}
			c.page.numbers[i] = d[code]
		}
		return nil
	}
	d := c.dictionary.bytes
	for _, code := range c.codes {
		if uint(code) >= uint(len(d)) {
			return errCut
		}
		c.page.bytes = append(c.page.bytes, d[code])
	}
	return nil
}

// spread puts -1 where a value is missing.
func spread(codes, levels []int32) []int32 {
	if len(levels) == 0 {
		return codes
	}
	all := make([]int32, len(levels))
	for i, x := range levels {
		if all[i] = -1; x == 1 {
			all[i], codes = codes[0], codes[1:]
		}
	}
	return all
}

// A putter appends the values of a column to a Series.
type putter struct {
	number func(x int64)
	bytes  func(b []byte)
	isText bool
	floats bool // numbers are float64 bits
}

// all appends the values of a page; levels say which are missing.
func (p *putter) all(s *data.Series, v *values, levels []int32) {
	if len(levels) == 0 && p.floats {
		s.Floats(unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(v.numbers))), len(v.numbers))...)
		return
	}
	at := 0
	one := func() {
		if p.number != nil {
			p.number(v.numbers[at])
		} else {
			p.bytes(v.bytes[at])
		}
		at++
	}
	if len(levels) == 0 {
		for range max(len(v.numbers), len(v.bytes)) {
			one()
		}
		return
	}
	for _, x := range levels {
		if x == 1 {
			one()
		} else {
			s.Null()
		}
	}
}

// floorDiv returns x / y, rounded down.
func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}

// put returns a putter that turns the column's values into cells.
func (l *leaf) put(s *data.Series, isCategory bool) *putter {
	p := &putter{}
	asText := func(b []byte) { s.Bytes(b) }
	if isCategory || l.means == category {
		asText = s.Level
	}
	switch l.physical {
	case typeBoolean:
		p.number = func(x int64) { s.Bool(x != 0) }
	case typeInt32, typeInt64:
		p.number = l.whole(s)
		if isCategory {
			p.number = func(x int64) { s.Level(fmt.Append(nil, x)) }
		}
	case typeFloat:
		p.number = func(x int64) { s.Float32(math.Float32frombits(uint32(x))) }
	case typeDouble:
		p.number = func(x int64) { s.Float(math.Float64frombits(uint64(x))) }
		p.floats = true
	case typeInt96:
		p.bytes = func(b []byte) {
			const day1970 = 2440588
			days := int64(binary.LittleEndian.Uint32(b[8:])) - day1970
			s.Seconds(days*86400 + floorDiv(int64(binary.LittleEndian.Uint64(b)), 1e9))
		}
	default:
		switch {
		case l.means == decimal:
			p.bytes = func(b []byte) { putDecimal(s, b, l.scale) }
		case l.means == half && l.length == 2:
			p.bytes = func(b []byte) { s.Float32(data.FromHalf(binary.LittleEndian.Uint16(b))) }
		case l.means == uuid && l.length == 16:
			p.bytes = func(b []byte) {
				h := hex.EncodeToString(b)
				s.Text(strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"))
			}
		default:
			p.bytes, p.isText = asText, true
		}
	}
	return p
}

// whole returns a function that turns an integer into a cell.
func (l *leaf) whole(s *data.Series) func(x int64) {
	switch l.means {
	case decimal:
		return func(x int64) { s.Decimal(x, l.scale) }
	case day:
		return func(x int64) { s.Seconds(x * 86400) }
	case timestamp:
		return func(x int64) { s.Seconds(floorDiv(x, l.unit)) }
	case clock:
		return func(x int64) {
			x /= l.unit
			s.Text(fmt.Sprintf("%02d:%02d:%02d", x/3600, x/60%60, x%60))
		}
	case unsigned:
		if l.physical == typeInt32 {
			return func(x int64) { s.Uint(uint64(uint32(x))) }
		}
		return func(x int64) { s.Uint(uint64(x)) }
	}
	return s.Int
}

// putDecimal appends a decimal whose digits are an integer, most significant byte first.
func putDecimal(s *data.Series, b []byte, scale int) {
	if len(b) <= 8 {
		x := int64(0)
		if len(b) > 0 && b[0] >= 0x80 {
			x = -1
		}
		for _, c := range b {
			x = x<<8 | int64(c)
		}
		s.Decimal(x, scale)
		return
	}
	x := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if x.IsInt64() {
		s.Decimal(x.Int64(), scale)
		return
	}
	s.Text(fmt.Sprintf("%se%d", x, -scale))
}
