package arrow

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
)

// values are the values of one column in a batch.
type values struct {
	c     *column
	valid []byte // one bit each; nil: all are present
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

// texts reads texts stored back to back, and the offset where each starts.
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

// viewed reads views: short texts are stored inline, long ones in another buffer.
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

// whole returns a value as an integer.
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
			s.Float32(float.FromHalf(binary.LittleEndian.Uint16(v.raw[2*i:])))
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
			s.Ticks(v.whole(i), c.unit)
		}
	case typeTimestamp:
		s.Ticks(v.whole(i), c.unit)
	case typeTime:
		s.Clock(v.whole(i) / c.unit)
	case typeDecimal:
		size := c.width / 8
		b := bytes.Clone(v.raw[size*i : size*(i+1)])
		slices.Reverse(b)
		s.BigDecimal(b, c.scale)
	case typeBinary, typeLargeBytes, typeBytesView:
		s.Blob(v.texts[i])
	default:
		s.Bytes(v.texts[i])
	}
	return nil
}
