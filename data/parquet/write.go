package parquet

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"github.com/klauspost/compress/snappy"
)

// A Column is a column to write: numbers, or texts if Numbers is nil.
type Column struct {
	Name    string
	Numbers []float64
	Texts   []string
	Missing []bool // nil: none is
}

// Len returns the number of values.
func (c *Column) Len() int { return max(len(c.Numbers), len(c.Texts)) }

// groupRows is the number of rows in a row group.
const groupRows = 1 << 17

// Write writes columns of equal length as a Parquet file: numbers as DOUBLE, texts as STRING,
// compressed with Snappy.
func Write(w io.Writer, columns []Column) error {
	out := &counted{w: w}
	out.write([]byte(magic))
	rows := 0
	if len(columns) > 0 {
		rows = columns[0].Len()
	}
	var groups [][]byte
	for from := 0; from < rows; from += groupRows {
		n := min(groupRows, rows-from)
		var chunks [][]byte
		total := 0
		for i := range columns {
			chunk, size := columns[i].write(out, from, n)
			chunks, total = append(chunks, chunk), total+size
		}
		g := &encoder{}
		g.list(1, thriftStruct, chunks)
		g.int(2, 6, int64(total))
		g.int(3, 6, int64(n))
		groups = append(groups, g.end())
	}
	root := &encoder{}
	root.text(4, "schema")
	root.int(5, 5, int64(len(columns)))
	schema := [][]byte{root.end()}
	for i := range columns {
		c := &columns[i]
		e := &encoder{}
		e.int(1, 5, int64(c.physical()))
		e.int(3, 5, 1) // a value may be missing
		e.text(4, c.Name)
		if c.physical() == typeBytes {
			e.int(6, 5, 0) // UTF8, for older readers
			e.raw(10, thriftStruct, []byte{0x1c, 0, 0})
		}
		schema = append(schema, e.end())
	}
	m := &encoder{}
	m.int(1, 5, 1)
	m.list(2, thriftStruct, schema)
	m.int(3, 6, int64(rows))
	m.list(4, thriftStruct, groups)
	m.text(6, "gradus")
	footer := m.end()
	out.write(footer)
	out.write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	out.write([]byte(magic))
	return out.err
}

func (c *Column) physical() int {
	if c.Numbers != nil {
		return typeDouble
	}
	return typeBytes
}

// write writes the values of a row group, and returns their description for the footer.
func (c *Column) write(out *counted, from, n int) (chunk []byte, size int) {
	var page bytes.Buffer
	groups := (n + 7) / 8
	levels := binary.AppendUvarint(nil, uint64(groups)<<1|1)
	start := len(levels)
	levels = append(levels, make([]byte, groups)...)
	missing := func(i int) bool { return c.Missing != nil && c.Missing[from+i] }
	for i := range n {
		if !missing(i) {
			levels[start+i/8] |= 1 << (i % 8)
		}
	}
	page.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))))
	page.Write(levels)
	var b []byte
	for i := range n {
		switch {
		case missing(i):
			continue
		case c.Numbers != nil:
			b = binary.LittleEndian.AppendUint64(b[:0], math.Float64bits(c.Numbers[from+i]))
		default:
			b = append(binary.LittleEndian.AppendUint32(b[:0], uint32(len(c.Texts[from+i]))), c.Texts[from+i]...)
		}
		page.Write(b)
	}
	packed := snappy.Encode(nil, page.Bytes())
	h := &encoder{}
	h.int(1, 5, pageData)
	h.int(2, 5, int64(page.Len()))
	h.int(3, 5, int64(len(packed)))
	d := &encoder{}
	d.int(1, 5, int64(n))
	d.int(2, 5, encodingPlain)
	d.int(3, 5, encodingRLE)
	d.int(4, 5, encodingRLE)
	h.raw(5, thriftStruct, d.end())
	header := h.end()
	at := out.n
	out.write(header)
	out.write(packed)

	size = len(header) + page.Len()
	m := &encoder{}
	m.int(1, 5, int64(c.physical()))
	m.list(2, 5, [][]byte{zigzag(encodingPlain), zigzag(encodingRLE)})
	m.list(3, thriftBinary, [][]byte{append(binary.AppendUvarint(nil, uint64(len(c.Name))), c.Name...)})
	m.int(4, 5, codecSnappy)
	m.int(5, 6, int64(n))
	m.int(6, 6, int64(size))
	m.int(7, 6, int64(len(header)+len(packed)))
	m.int(9, 6, at)
	k := &encoder{}
	k.int(2, 6, at)
	k.raw(3, thriftStruct, m.end())
	return k.end(), size
}

// counted counts the bytes written, and keeps the first error.
type counted struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counted) write(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
	c.n += int64(len(b))
}

// An encoder writes the fields of one struct in Thrift's compact protocol, in ascending order.
type encoder struct {
	b    []byte
	last int
}

func zigzag(x int64) []byte { return binary.AppendUvarint(nil, uint64(x<<1)^uint64(x>>63)) }

func (e *encoder) raw(id int, kind byte, b []byte) {
	e.b = append(append(e.b, byte(id-e.last)<<4|kind), b...)
	e.last = id
}

func (e *encoder) int(id int, kind byte, x int64) { e.raw(id, kind, zigzag(x)) }

func (e *encoder) text(id int, s string) {
	e.raw(id, thriftBinary, append(binary.AppendUvarint(nil, uint64(len(s))), s...))
}

func (e *encoder) list(id int, kind byte, elements [][]byte) {
	head := []byte{byte(len(elements))<<4 | kind}
	if len(elements) >= 15 {
		head = binary.AppendUvarint([]byte{0xf0 | kind}, uint64(len(elements)))
	}
	e.raw(id, thriftList, append(head, bytes.Join(elements, nil)...))
}

func (e *encoder) end() []byte { return append(e.b, 0) }
