package parquet

import (
	"io"
	"math"
)

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
