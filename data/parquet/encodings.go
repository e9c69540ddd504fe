package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The encodings.
const (
	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3
	encodingDelta           = 5
	encodingDeltaLength     = 6
	encodingDeltaBytes      = 7
	encodingDictionary      = 8
	encodingSplit           = 9
)

// values are the contents of a page. Numbers of 8 or 4 bytes and booleans are stored as their bits; other
// values are bytes.
type values struct {
	numbers []int64
	bytes   [][]byte
}

// hybrid reads n numbers of width bits in Parquet's mixture of runs and packed groups.
func hybrid(b []byte, width, n int, dst []int32) ([]int32, error) {
	dst = dst[:0]
	t := &thrift{b: b}
	if width > 32 {
		return dst, errCut
	}
	for len(dst) < n {
		head := t.uvarint()
		if t.err != nil {
			return dst, t.err
		}
		if head&1 == 0 { // a run
			count := min(head>>1, uint64(n-len(dst)))
			if count == 0 {
				return dst, errCut
			}
			x := uint32(0)
			for i := 0; i < (width+7)/8; i++ {
				x |= uint32(t.byte()) << (8 * i)
			}
			if t.err != nil {
				return dst, t.err
			}
			from := len(dst)
			dst = slices.Grow(dst, int(count))[:from+int(count)]
			for i := range dst[from:] {
				dst[from+i] = int32(x)
			}
			continue
		}
		if head>>1 == 0 {
			return dst, errCut
		}
		groups := int(min(head>>1, uint64(n-len(dst)+7)/8)) // of 8 numbers each
		take := min(8*groups, n-len(dst))
		size := min(groups*width, len(b)-t.at)
		if size < (take*width+7)/8 {
			return dst, errCut
		}
		packed := b[t.at : t.at+size]
		t.at += size
		mask := uint64(1)<<width - 1
		from := len(dst)
		dst = slices.Grow(dst, take)[:from+take]
		for i := range dst[from:] {
			bit := i * width
			if at := bit >> 3; at+8 <= len(packed) {
				dst[from+i] = int32(binary.LittleEndian.Uint64(packed[at:]) >> (bit & 7) & mask) // at most width + 7 bits
			} else {
				dst[from+i] = int32(unpack(packed, bit, width))
			}
		}
	}
	return dst, nil
}

// allOnes reports whether hybrid numbers of one bit are a single run of n ones. They are if no value of a page is
// missing.
func allOnes(b []byte, n int) bool {
	t := &thrift{b: b}
	head := t.uvarint()
	return head&1 == 0 && head>>1 >= uint64(n) && t.byte() == 1 && t.err == nil
}

// delta reads n numbers that are stored as differences. It returns how many bytes they take.
func delta(b []byte, n int, dst []int64) ([]int64, int, error) {
	dst = dst[:0]
	t := &thrift{b: b}
	block, minis, total := t.uvarint(), t.uvarint(), t.uvarint()
	x := t.int()
	if t.err != nil || total != uint64(n) || minis == 0 || minis > 1<<10 || block == 0 || block > 1<<20 || block%minis != 0 || block/minis%8 != 0 {
		return dst, 0, errCut
	}
	if n == 0 {
		return dst, t.at, nil
	}
	dst = append(dst, x)
	per := int(block / minis)
	for len(dst) < n {
		least := t.int()
		widths := t.at
		if t.at += int(minis); t.err != nil || t.at > len(b) {
			return dst, 0, errCut
		}
		for m := 0; m < int(minis) && len(dst) < n; m++ {
			width := int(b[widths+m])
			size := per / 8 * width
			if width > 64 || size > len(b)-t.at {
				return dst, 0, errCut
			}
			packed := b[t.at : t.at+size]
			t.at += size
			for i := 0; i < per && len(dst) < n; i++ {
				x += least + int64(unpack(packed, i*width, width))
				dst = append(dst, x)
			}
		}
	}
	return dst, t.at, nil
}

// unpack returns the number of width bits that starts at the given bit.
func unpack(b []byte, bit, width int) uint64 {
	var x uint64
	for have := 0; have < width; {
		c := b[bit>>3] >> (bit & 7)
		x |= uint64(c) << have
		step := 8 - bit&7
		have += step
		bit += step
	}
	if width < 64 {
		x &= 1<<width - 1
	}
	return x
}

// lengths reads n texts whose lengths are stored first, and returns how many bytes they take.
func lengths(b []byte, n int, dst [][]byte) ([][]byte, int, error) {
	sizes, at, err := delta(b, n, nil)
	if err != nil {
		return nil, 0, err
	}
	dst = dst[:0]
	for _, size := range sizes {
		if size < 0 || size > int64(len(b)-at) {
			return nil, 0, errCut
		}
		dst = append(dst, b[at:at+int(size)])
		at += int(size)
	}
	return dst, at, nil
}

// A tooLarge is the error for texts that need more memory than is free.
type tooLarge struct{ error }

// plainValues reads n values that are stored one after another.
func (l *leaf) plainValues(b []byte, n int, dst *values) error {
	dst.numbers, dst.bytes = dst.numbers[:0], dst.bytes[:0]
	size := 0
	switch l.physical {
	case typeBoolean:
		if (n+7)/8 > len(b) {
			return errCut
		}
		for i := range n {
			dst.numbers = append(dst.numbers, int64(b[i>>3]>>(i&7)&1))
		}
		return nil
	case typeInt32, typeFloat:
		if n > len(b)/4 {
			return errCut
		}
		for i := range n {
			dst.numbers = append(dst.numbers, int64(int32(binary.LittleEndian.Uint32(b[4*i:]))))
		}
		return nil
	case typeInt64, typeDouble:
		if n > len(b)/8 {
			return errCut
		}
		dst.numbers = slices.Grow(dst.numbers, n)[:n]
		for i := range dst.numbers {
			dst.numbers[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
		return nil
	case typeInt96:
		size = 12
	case typeFixed:
		size = l.length
	case typeBytes:
		for range n {
			if len(b) < 4 {
				return errCut
			}
			size := int64(binary.LittleEndian.Uint32(b))
			if size > int64(len(b)-4) {
				return errCut
			}
			dst.bytes = append(dst.bytes, b[4:4+size])
			b = b[4+size:]
		}
		return nil
	}
	if size == 0 || n > len(b)/size {
		return errCut
	}
	for i := range n {
		dst.bytes = append(dst.bytes, b[i*size:(i+1)*size])
	}
	return nil
}

// decode reads n values of a page in any encoding but a dictionary.
func (l *leaf) decode(encoding int, b []byte, n int, dst *values, need func(int64) error) error {
	dst.numbers, dst.bytes = dst.numbers[:0], dst.bytes[:0]
	var err error
	switch {
	case encoding == encodingPlain:
		return l.plainValues(b, n, dst)
	case encoding == encodingRLE && l.physical == typeBoolean:
		if len(b) < 4 {
			return errCut
		}
		bools, err := hybrid(b[4:], 1, n, nil)
		for _, x := range bools {
			dst.numbers = append(dst.numbers, int64(x))
		}
		return err
	case encoding == encodingDelta && (l.physical == typeInt32 || l.physical == typeInt64):
		dst.numbers, _, err = delta(b, n, dst.numbers)
		if l.physical == typeInt32 {
			for i, x := range dst.numbers {
				dst.numbers[i] = int64(int32(x))
			}
		}
		return err
	case encoding == encodingDeltaLength && l.physical == typeBytes:
		dst.bytes, _, err = lengths(b, n, dst.bytes)
		return err
	case encoding == encodingDeltaBytes && (l.physical == typeBytes || l.physical == typeFixed):
		prefixes, at, err := delta(b, n, nil)
		if err != nil {
			return err
		}
		suffixes, _, err := lengths(b[at:], n, nil)
		if err != nil {
			return err
		}
		total := int64(0)
		var last []byte
		for i, p := range prefixes {
			if p < 0 || p > int64(len(last)) {
				return errCut
			}
			if total += p + int64(len(suffixes[i])); total>>20 != (total-p-int64(len(suffixes[i])))>>20 {
				if err := need(total); err != nil {
					return tooLarge{err}
				}
			}
			last = append(last[:p:p], suffixes[i]...)
			dst.bytes = append(dst.bytes, last)
			if l.physical == typeFixed && len(last) != l.length {
				return errCut
			}
		}
		return nil
	case encoding == encodingSplit:
		size := map[int]int{typeInt32: 4, typeFloat: 4, typeInt64: 8, typeDouble: 8, typeFixed: l.length}[l.physical]
		if size == 0 || n > len(b)/size {
			return errCut
		}
		stride := len(b) / size
		joined := make([]byte, n*size)
		for k := range size {
			for i := range n {
				joined[i*size+k] = b[k*stride+i]
			}
		}
		return l.plainValues(joined, n, dst)
	}
	return unsupported(fmt.Sprintf("values in the encoding %d for that type", encoding))
}

// unsupported is the error for a feature of the format that is not read.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// isUnsupported reports whether an error is an unsupported feature, and which.
func isUnsupported(err error) (string, bool) {
	u, ok := errors.AsType[unsupported](err)
	return string(u), ok
}
