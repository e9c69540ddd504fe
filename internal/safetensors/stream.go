package safetensors

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
)

// Float is the element type of a network's tensors.
type Float interface{ float32 | float64 }

// bufferBytes is the size in bytes of a buffer between numbers and a file.
const bufferBytes = 1 << 15

// typeOf returns the name of a type: "F32" or "F64".
func typeOf[T Float]() string { return fmt.Sprintf("F%d", 8*sizeOf[T]()) }

// sizeOf returns the bytes of a number.
func sizeOf[T Float]() int {
	var zero T
	return binary.Size(zero)
}

// WriteFloats writes numbers as little-endian bytes. An error is kept in w.
func WriteFloats[T Float](w *bufio.Writer, v []T) {
	size := sizeOf[T]()
	for len(v) > 0 {
		if w.Available() < size {
			w.Flush() // if it fails, Write does nothing either
		}
		b := w.AvailableBuffer()
		n := min(len(v), max(1, cap(b)/size))
		if cap(b) < n*size { // after an error
			b = make([]byte, n*size)
		}
		b = b[:n*size]
		switch v := any(v[:n]).(type) {
		case []float32:
			for i, x := range v {
				binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
			}
		case []float64:
			for i, x := range v {
				binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(x))
			}
		}
		w.Write(b)
		v = v[n:]
	}
}

// ReadFloats reads numbers that WriteFloats wrote. The reader's buffer must hold at least one number.
func ReadFloats[T Float](r *bufio.Reader, v []T) error {
	size := sizeOf[T]()
	for len(v) > 0 {
		n := min(len(v), r.Size()/size)
		b, err := r.Peek(n * size)
		if err != nil {
			return err
		}
		switch v := any(v[:n]).(type) {
		case []float32:
			for i := range v {
				v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			}
		case []float64:
			for i := range v {
				v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		r.Discard(len(b))
		v = v[n:]
	}
	return nil
}
