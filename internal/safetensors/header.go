package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// maxHeader is the largest header in bytes, as in the reference implementation.
const maxHeader = 100_000_000

// ErrShort is wrapped if a file has fewer bytes than its header says.
var ErrShort = errors.New("this is not a safetensors file, or it is cut short")

// Place is a tensor's type and shape, and the position of its bytes after the header.
type Place struct {
	Type    string    `json:"dtype"`
	Shape   []uint64  `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// sizes has the bytes per element of each type.
var sizes = map[string]uint64{
	"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
	"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}

// count returns how many elements the tensor has.
func (p Place) count() int { return int((p.Offsets[1] - p.Offsets[0]) / sizes[p.Type]) }

// number returns element i of the tensor. ok is false if the type is not float32 or float64.
func (p Place) number(data []byte, i int) (v float64, ok bool) {
	switch data := data[p.Offsets[0]:]; p.Type {
	case "F32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))), true
	case "F64":
		return math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])), true
	}
	return 0, false
}

// Header is everything before the numbers. The zero value has no tensors.
type Header struct {
	Metadata map[string]string

	names  []string // in the order of the tensors' bytes
	places map[string]Place
}

// Names returns the tensors' names in the order of their bytes.
func (h *Header) Names() []string { return slices.Clone(h.names) }

// Place returns where a tensor is.
func (h *Header) Place(name string) (p Place, ok bool) {
	p, ok = h.places[name]
	return p, ok
}

// Count returns the total number of elements of the tensors.
func (h *Header) Count() (n int) {
	for _, p := range h.places {
		n += p.count()
	}
	return n
}

// Add adds a tensor after the existing ones. kind must be a type that the format knows.
func (h *Header) Add(name, kind string, shape ...uint64) {
	at, bytes := uint64(0), sizes[kind]
	if n := len(h.names); n > 0 {
		at = h.places[h.names[n-1]].Offsets[1]
	}
	for _, n := range shape {
		bytes *= n
	}
	if h.places == nil {
		h.places = map[string]Place{}
	}
	h.places[name] = Place{kind, shape, [2]uint64{at, at + bytes}}
	h.names = append(h.names, name)
}

// Append appends the header as it is at the beginning of a file, including its length. Spaces at
// its end make the numbers begin at a multiple of 8.
func (h *Header) Append(b []byte) ([]byte, error) {
	entries := map[string]any{}
	for name, p := range h.places {
		entries[name] = p
	}
	if h.Metadata != nil {
		entries["__metadata__"] = h.Metadata
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return b, err
	}
	text = append(text, bytes.Repeat([]byte(" "), -len(text)&7)...)
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(text))), text...), nil
}

// ReadHeader reads the header of a file of size bytes. It also returns how many bytes the header
// takes. It checks the header against the size: the tensors must fill what follows, without gaps.
func ReadHeader(r io.Reader, size int64) (*Header, int64, error) {
	if size < 8 {
		return nil, 0, fmt.Errorf("%w: it has %d bytes, and a safetensors file has at least 8", ErrShort, size)
	}
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, 0, err
	}
	n, rest := binary.LittleEndian.Uint64(length[:]), uint64(size-8)
	if n > rest {
		return nil, 0, fmt.Errorf("%w: its header should have %d bytes and only %d follow", ErrShort, n, rest)
	}
	h := &Header{places: map[string]Place{}}
	err := fmt.Errorf("its header has %d bytes, and at most %d are allowed", n, maxHeader)
	if n <= maxHeader {
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, 0, err
		}
		err = h.parse(text, rest-n)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("this is not a safetensors file, or it is damaged (cut short, too long, or its tensors overlap): %w", err)
	}
	return h, int64(8 + n), nil
}

// parse reads the places of the tensors and checks them against the number of bytes that follow.
func (h *Header) parse(text []byte, follow uint64) error {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return err
	}
	if text, has := entries["__metadata__"]; has {
		if err := json.Unmarshal(text, &h.Metadata); err != nil {
			return fmt.Errorf("its metadata are not strings: %w", err)
		}
	}
	delete(entries, "__metadata__")
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var p Place
		d := json.NewDecoder(bytes.NewReader(entries[name]))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		size, known := sizes[p.Type]
		if !known {
			return fmt.Errorf("tensor %s: the type %q is not known", name, p.Type)
		}
		count, over := uint64(1), uint64(0)
		for _, n := range append(p.Shape, size) {
			var high uint64
			high, count = bits.Mul64(count, n)
			over |= high
		}
		if p.Offsets[1] < p.Offsets[0] {
			return fmt.Errorf("tensor %s ends at byte %d, before it begins at %d", name, p.Offsets[1], p.Offsets[0])
		}
		if over != 0 || p.Offsets[1]-p.Offsets[0] != count {
			return fmt.Errorf("tensor %s: %d bytes do not hold a %s of shape %v", name, p.Offsets[1]-p.Offsets[0], p.Type, p.Shape)
		}
		h.places[name] = p
		h.names = append(h.names, name)
	}
	slices.SortStableFunc(h.names, func(a, b string) int {
		x, y := h.places[a].Offsets, h.places[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	})
	at := uint64(0)
	for _, name := range h.names {
		if h.places[name].Offsets[0] != at {
			return fmt.Errorf("tensor %s begins at byte %d and not where the one before ends, at %d", name, h.places[name].Offsets[0], at)
		}
		at = h.places[name].Offsets[1]
	}
	if at != follow {
		return fmt.Errorf("its tensors have %d bytes and %d follow the header", at, follow)
	}
	return nil
}
