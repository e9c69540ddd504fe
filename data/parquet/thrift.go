package parquet

import "errors"

// errCut is the error for bytes that end too early or hold impossible values.
var errCut = errors.New("it is cut short or damaged")

// A thrift reads Thrift's compact protocol, in which Parquet writes its headers. It trusts a length
// only as far as there are bytes. After the first error it reads zeros.
type thrift struct {
	b   []byte
	at  int
	err error
}

// The types of fields that are read.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

func (t *thrift) fail() {
	if t.err == nil {
		t.err = errCut
	}
	t.at = len(t.b)
}

func (t *thrift) byte() byte {
	if t.at >= len(t.b) {
		t.fail()
		return 0
	}
	t.at++
	return t.b[t.at-1]
}

func (t *thrift) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		c := t.byte()
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return x
		}
	}
	t.fail()
	return 0
}

func (t *thrift) int() int64 {
	x := t.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (t *thrift) bytes() []byte {
	n := t.uvarint()
	if n > uint64(len(t.b)-t.at) {
		t.fail()
		return nil
	}
	t.at += int(n)
	return t.b[t.at-int(n) : t.at]
}

// fields calls f for each field of a struct with its number and type; f reads it, or skips it.
func (t *thrift) fields(f func(id int64, kind byte)) {
	id := int64(0)
	for t.err == nil {
		head := t.byte()
		if head&15 == 0 {
			return
		}
		if head>>4 == 0 {
			id = t.int()
		} else {
			id += int64(head >> 4)
		}
		f(id, head&15)
	}
}

// list calls f for each element of a list, which are all of one type.
func (t *thrift) list(f func(kind byte)) {
	head := t.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = t.uvarint()
	}
	if n > uint64(len(t.b)-t.at) {
		t.fail()
	}
	for ; n > 0 && t.err == nil; n-- {
		f(head & 15)
	}
}

// skip skips a value of that type.
func (t *thrift) skip(kind byte) { t.skipAt(kind, 0) }

func (t *thrift) skipAt(kind byte, depth int) {
	if depth > 32 {
		t.fail()
		return
	}
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case 4, 5, 6:
		t.uvarint()
	case thriftDouble:
		if t.at += 8; t.at > len(t.b) {
			t.fail()
		}
	case thriftBinary:
		t.bytes()
	case thriftList, thriftSet:
		t.list(func(kind byte) {
			if kind == thriftTrue || kind == thriftFalse {
				kind = thriftByte
			}
			t.skipAt(kind, depth+1)
		})
	case thriftMap:
		n := t.uvarint()
		if n > uint64(len(t.b)-t.at) {
			t.fail()
		}
		if n == 0 {
			return
		}
		kinds := t.byte()
		for ; n > 0 && t.err == nil; n-- {
			t.skipAt(kinds>>4, depth+1)
			t.skipAt(kinds&15, depth+1)
		}
	case thriftStruct:
		t.fields(func(_ int64, kind byte) { t.skipAt(kind, depth+1) })
	default:
		t.fail()
	}
}
