package parquet

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/gradus-ml/gradus/internal/lz4"
)

// The codecs.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
	codecLZ4    = 7 // raw blocks; codec 5 has frames that differ from program to program
)

var codecNames = map[int]string{3: "LZO", 4: "Brotli", 5: "the LZ4 of Hadoop"}

// An inflater decompresses pages. The size that a page claims is trusted only as far as it is possible.
type inflater struct {
	buf  []byte
	zstd *zstd.Decoder
	gzip *gzip.Reader
}

// inflate decompresses b to size bytes. The result is valid until the next call.
func (z *inflater) inflate(codec int, b []byte, size int) ([]byte, error) {
	if size < 0 {
		return nil, errCut
	}
	if codec == codecNone {
		if len(b) < size {
			return nil, errCut
		}
		return b[:size], nil
	}
	var r io.Reader
	switch codec {
	case codecSnappy:
		if n, err := snappy.DecodedLen(b); err != nil || n != size || size > 64+32*len(b) { // 3 bytes can become 64
			return nil, errCut
		}
		out, err := snappy.Decode(z.room(size), b)
		if err != nil {
			return nil, errCut
		}
		return out, nil
	case codecLZ4:
		if size > 64+256*len(b) {
			return nil, errCut
		}
		out, err := lz4.Block(z.room(size)[:0], b, size)
		if err != nil || len(out) != size {
			return nil, errCut
		}
		return out, nil
	case codecGzip:
		if z.gzip == nil {
			z.gzip = new(gzip.Reader)
		}
		if err := z.gzip.Reset(bytes.NewReader(b)); err != nil {
			return nil, errCut
		}
		r = z.gzip
	case codecZstd:
		if z.zstd == nil {
			var err error
			if z.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<27)); err != nil {
				return nil, err
			}
		}
		if err := z.zstd.Reset(bytes.NewReader(b)); err != nil {
			return nil, errCut
		}
		r = z.zstd
	default:
		name := codecNames[codec]
		if name == "" {
			name = "a codec that is not known"
		}
		return nil, unsupported("pages compressed with " + name)
	}
	out := z.room(min(size, 64*len(b)+1<<16))
	n := 0
	for n < size { // grows as bytes arrive
		if n == len(out) {
			out = append(out, make([]byte, min(size-n, n))...)
		}
		got, err := r.Read(out[n:])
		n += got
		if err == io.EOF && n == size {
			break
		}
		if err != nil {
			return nil, errCut
		}
	}
	z.buf = out
	return out[:size], nil
}

func (z *inflater) room(n int) []byte {
	if cap(z.buf) < n {
		z.buf = make([]byte, n)
	}
	return z.buf[:n]
}

func (z *inflater) close() {
	if z.zstd != nil {
		z.zstd.Close()
	}
}
