package safetensors

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
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

// little reports whether the machine has the byte order of a file.
var little = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// WriteFloats writes numbers as little-endian bytes. An error is kept in w.
func WriteFloats[T Float](w *bufio.Writer, v []T) {
	if !little {
		binary.Write(w, binary.LittleEndian, v)
		return
	}
	w.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(*new(T)))))
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
