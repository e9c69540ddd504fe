package parquet

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/gradus-ml/gradus/data"
)

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
		if s.IsUnread() {
			return nil
		}
		if err := c.chunk(l, &m.groups[i].chunks[l.chunk], s, put); err != nil {
			return err
		}
	}
	return nil
}

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
		if err := c.values(l, h, levels, page, s, put); err != nil || s.IsUnread() {
			return err
		}
	}
	return nil
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
