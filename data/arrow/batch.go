package arrow

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/flatbuf"
	"github.com/gradus-ml/gradus/internal/lz4"
)

// A batch is a record batch being read. Its nodes and buffers are taken in order.
type batch struct {
	s       *stream
	body    []byte
	nodes   [][]int64
	buffers [][]int64
	views   [][]int64
	codec   int64 // -1: none
}

func (s *stream) open(t flatbuf.Table, body []byte) (b *batch, rows int64) {
	b = &batch{s: s, body: body, nodes: t.Structs(1, 2), buffers: t.Structs(2, 2), views: t.Structs(4, 1), codec: -1}
	if t.Has(3) {
		b.codec = t.Table(3).Int(0, 1, 0)
	}
	return b, t.Int(0, 8, 0)
}

// buffer returns the next buffer.
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
		r = lz4.NewReader(raw)
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
	var out bytes.Buffer // grows as bytes arrive
	if _, err := io.CopyN(&out, r, n); err != nil {
		return nil, errCut
	}
	return out.Bytes(), nil
}

// node returns the number of values in the next column.
func (b *batch) node(want int64) (int, error) {
	if len(b.nodes) == 0 || want >= 0 && b.nodes[0][0] != want || b.nodes[0][0] < 0 || b.nodes[0][0] > math.MaxInt32 {
		return 0, errCut
	}
	n := b.nodes[0][0]
	b.nodes = b.nodes[1:]
	return int(n), b.s.f.Need(9 * n)
}

func (s *stream) batch(t flatbuf.Table, body []byte, opt data.ReadOptions) error {
	if s.columns == nil {
		return errCut
	}
	b, rows := s.open(t, body)
	if rows < 0 || rows > math.MaxInt32 {
		return errCut
	}
	row := 9 * int64(len(s.columns)) // bytes: a float64 and its shape a cell
	if s.parts == nil && s.f.Spills(s.held+rows, (s.held+rows)*row, opt) {
		s.parts = data.NewParts(opt.Spill)
	}
	if s.parts != nil && s.held > 0 {
		if err := s.putAside(); err != nil {
			return err
		}
	}
	if err := s.f.Need((s.held + rows) * row); err != nil {
		return err
	}
	for _, c := range s.columns {
		read := b.column
		if c.unread != "" {
			read = b.pass
		}
		if err := read(c, rows); err != nil {
			return err
		}
	}
	s.rows, s.held = s.rows+rows, s.held+rows
	return nil
}

// pass skips the next column and the columns in it. rows is its number of values, or negative if that is not known.
func (b *batch) pass(c *column, rows int64) error {
	if len(b.nodes) == 0 || rows >= 0 && b.nodes[0][0] != rows {
		return errCut
	}
	b.nodes = b.nodes[1:]
	buffers := 2
	switch {
	case c.index != nil: // the codes
		return b.drop(buffers)
	case c.unread != "":
		if buffers = unreadForms[c.kind].buffers; c.kind == typeUnion {
			buffers += c.width
		}
	case c.kind == typeNull:
		buffers = 0
	case c.kind == typeText || c.kind == typeBinary || c.kind == typeLargeText || c.kind == typeLargeBytes:
		buffers = 3
	case c.kind == typeTextView || c.kind == typeBytesView:
		if len(b.views) == 0 || b.views[0][0] < 0 || b.views[0][0] > int64(len(b.buffers)) {
			return errCut
		}
		buffers += int(b.views[0][0])
		b.views = b.views[1:]
	}
	if err := b.drop(buffers); err != nil {
		return err
	}
	for _, part := range c.parts {
		if err := b.pass(part, -1); err != nil {
			return err
		}
	}
	return nil
}

// drop skips buffers.
func (b *batch) drop(n int) error {
	if n > len(b.buffers) {
		return errCut
	}
	b.buffers = b.buffers[n:]
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
		if other.index != nil && other.dictionary == id && other.unread == "" {
			c = other
		}
	}
	switch {
	case c == nil && inUnread(s.columns, id):
		return nil
	case c == nil:
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
		default: // numbers and other plain values, as in a table
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

// inUnread reports whether a dictionary belongs to a column that is not read, or to one within it.
func inUnread(columns []*column, id int64) bool {
	return slices.ContainsFunc(columns, func(c *column) bool {
		return c.index != nil && c.dictionary == id || inUnread(c.parts, id)
	})
}
