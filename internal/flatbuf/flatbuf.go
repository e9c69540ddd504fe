// Package flatbuf reads FlatBuffers, the format of Arrow's schemas and headers. It rejects any offset
// that points outside the bytes.
package flatbuf

import "encoding/binary"

// A Buffer is the bytes of a message. After reading, Bad says whether something pointed outside them.
type Buffer struct {
	B   []byte
	Bad bool
}

// A Table is a table in a buffer. The zero Table has no fields.
type Table struct {
	b   *Buffer
	pos int
}

func (b *Buffer) at(pos, n int) []byte {
	if pos < 0 || n < 0 || pos > len(b.B)-n {
		b.Bad = true
		return make([]byte, min(max(n, 8), 16))
	}
	return b.B[pos : pos+n]
}

func (b *Buffer) u32(pos int) int { return int(int32(binary.LittleEndian.Uint32(b.at(pos, 4)))) }

// Root returns the buffer's table.
func (b *Buffer) Root() Table { return Table{b, b.u32(0)} }

// field returns the position of a field, or 0 if the table does not have it.
func (t Table) field(i int) int {
	if t.b == nil {
		return 0
	}
	vtable := t.pos - t.b.u32(t.pos)
	if size := int(binary.LittleEndian.Uint16(t.b.at(vtable, 2))); 4+2*i+2 > size {
		return 0
	}
	if offset := int(binary.LittleEndian.Uint16(t.b.at(vtable+4+2*i, 2))); offset > 0 {
		return t.pos + offset
	}
	return 0
}

// Int returns an integer of size bytes, or absent if the field is missing.
func (t Table) Int(i, size int, absent int64) int64 {
	pos := t.field(i)
	if pos == 0 {
		return absent
	}
	b := t.b.at(pos, size)
	switch size {
	case 1:
		return int64(b[0])
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// Has reports whether the table has a field.
func (t Table) Has(i int) bool { return t.field(i) != 0 }

// Table returns a field that is a table.
func (t Table) Table(i int) Table {
	pos := t.field(i)
	if pos == 0 {
		return Table{}
	}
	return Table{t.b, pos + t.b.u32(pos)}
}

// vector returns the position of a vector's first element and the number of its elements.
func (t Table) vector(i, size int) (pos, n int) {
	if pos = t.field(i); pos == 0 {
		return 0, 0
	}
	pos += t.b.u32(pos)
	n = t.b.u32(pos)
	if n < 0 || n > len(t.b.B)/max(1, size) {
		t.b.Bad = true
		return 0, 0
	}
	return pos + 4, n
}

// String returns a field that is a string.
func (t Table) String(i int) string {
	pos, n := t.vector(i, 1)
	if n == 0 {
		return ""
	}
	b := t.b.at(pos, n)
	return string(b[:min(n, len(b))])
}

// Tables returns a field that is a vector of tables.
func (t Table) Tables(i int) []Table {
	pos, n := t.vector(i, 4)
	tables := make([]Table, 0, n)
	for k := range n {
		at := pos + 4*k
		tables = append(tables, Table{t.b, at + t.b.u32(at)})
	}
	return tables
}

// Structs returns a field that is a vector of structs with that many 64-bit numbers.
func (t Table) Structs(i, numbers int) [][]int64 {
	pos, n := t.vector(i, 8*numbers)
	structs := make([][]int64, 0, n)
	for k := range n {
		s := make([]int64, numbers)
		b := t.b.at(pos+8*numbers*k, 8*numbers)
		if t.b.Bad {
			return nil
		}
		for j := range s {
			s[j] = int64(binary.LittleEndian.Uint64(b[8*j:]))
		}
		structs = append(structs, s)
	}
	return structs
}
