// Package lz4 decompresses LZ4 blocks and frames.
package lz4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// ErrDamaged is returned for bytes that end too early or hold impossible values.
var ErrDamaged = errors.New("the LZ4 data is cut short or damaged")

// NewReader reads an LZ4 frame, one block of at most 4 MB at a time. It does not check the sums.
func NewReader(frame []byte) io.Reader { return &reader{raw: frame} }

type reader struct {
	raw    []byte
	begun  bool
	most   int // bytes of a block
	sums   bool
	window []byte // of the blocks before, at most 64 kB
	out    bytes.Reader
}

const magic = 0x184D2204

// head reads the frame's header.
func (z *reader) head() error {
	if len(z.raw) < 7 || binary.LittleEndian.Uint32(z.raw) != magic || z.raw[4]>>6 != 1 || z.raw[4]&1 != 0 {
		return ErrDamaged
	}
	flags, size := z.raw[4], 7
	if flags&8 != 0 { // the length is here
		size += 8
	}
	code := z.raw[5] >> 4 & 7
	if len(z.raw) < size || code < 4 {
		return ErrDamaged
	}
	z.begun, z.most, z.sums = true, 1<<(8+2*code), flags&16 != 0
	z.raw = z.raw[size:]
	return nil
}

func (z *reader) Read(p []byte) (int, error) {
	for z.out.Len() == 0 {
		if !z.begun {
			if err := z.head(); err != nil {
				return 0, err
			}
		}
		if len(z.raw) < 4 {
			return 0, ErrDamaged
		}
		word := binary.LittleEndian.Uint32(z.raw)
		size := int(word & 0x7fffffff)
		z.raw = z.raw[4:]
		if word == 0 {
			return 0, io.EOF
		}
		if size > len(z.raw) || size > z.most {
			return 0, ErrDamaged
		}
		before := len(z.window)
		var err error
		if word>>31 == 1 {
			z.window = append(z.window, z.raw[:size]...)
		} else if z.window, err = Block(z.window, z.raw[:size], before+z.most); err != nil {
			return 0, err
		}
		z.raw = z.raw[size:]
		if z.sums {
			if len(z.raw) < 4 {
				return 0, ErrDamaged
			}
			z.raw = z.raw[4:]
		}
		z.out.Reset(bytes.Clone(z.window[before:]))
		if keep := 1 << 16; len(z.window) > keep {
			z.window = append(z.window[:0], z.window[len(z.window)-keep:]...)
		}
	}
	return z.out.Read(p)
}

// Block decompresses an LZ4 block and appends it to dst, which may then have at most most bytes. The block may refer back to
// the bytes in dst.
func Block(dst, b []byte, most int) ([]byte, error) {
	at := 0
	more := func(n int) (int, bool) {
		for c := byte(255); n >= 15 && c == 255; {
			if at >= len(b) || n > most+15 {
				return 0, false
			}
			c = b[at]
			at++
			n += int(c)
		}
		return n, true
	}
	for at < len(b) {
		token := b[at]
		at++
		n, ok := more(int(token >> 4))
		if !ok || n > len(b)-at || n > most-len(dst) {
			return dst, ErrDamaged
		}
		dst = append(dst, b[at:at+n]...)
		if at += n; at == len(b) {
			break
		}
		if len(b)-at < 2 {
			return dst, ErrDamaged
		}
		back := int(binary.LittleEndian.Uint16(b[at:]))
		at += 2
		n, ok = more(int(token & 15))
		n += 4
		if !ok || back == 0 || back > len(dst) || n > most-len(dst) {
			return dst, ErrDamaged
		}
		for range n {
			dst = append(dst, dst[len(dst)-back])
		}
	}
	return dst, nil
}
