// Package safetensors writes and reads the files that hold a network: tensors in the safetensors
// format, and in the metadata a JSON text and a checksum. Models and bare networks share it, so
// that a network can be read from either.
package safetensors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Where the JSON and the checksum stand in the metadata.
const (
	Key    = "gradus"
	sumKey = "gradus_sha256"
)

// Damage is what is said of a damaged file.
const Damage = "its checksum does not match: it is damaged, or another program has changed it since it was saved; fetch or make it again"

// maxHeader is the most bytes of a header, as in the reference implementation.
const maxHeader = 100_000_000

// noSum stands in the place of the checksum in the bytes that the checksum is of.
var noSum = strings.Repeat("0", 2*sha256.Size)

// Float is what the tensors that are written consist of.
type Float interface{ float32 | float64 }

// Tensor is a named matrix, row by row, or with Rows 0 a vector of Cols elements.
type Tensor[T Float] struct {
	Name       string
	Rows, Cols int
	Data       []T
}

func (t *Tensor[T]) shape() []uint64 {
	if t.Rows == 0 {
		return []uint64{uint64(t.Cols)}
	}
	return []uint64{uint64(t.Rows), uint64(t.Cols)}
}

// place is a tensor's entry in the header.
type place struct {
	Type    string    `json:"dtype"`
	Shape   []uint64  `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// sizes are the bytes of an element by the name of its type.
var sizes = map[string]uint64{
	"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
	"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}

// Write writes the tensors, in the order of their names, and the text under Key in the metadata.
// Beside it, under gradus_sha256, stands the SHA-256 in hex of the whole file with zeros in the
// checksum's own place. So any reader of safetensors opens the file, and Damaged knows whether a
// bit has changed.
func Write[T Float](w io.Writer, tensors []Tensor[T], text string) error {
	tensors = sorted(tensors)
	sum := sha256.New()
	if err := write(sum, tensors, map[string]string{Key: text, sumKey: noSum}); err != nil {
		return err
	}
	return write(w, tensors, map[string]string{Key: text, sumKey: hex.EncodeToString(sum.Sum(nil))})
}

func write[T Float](w io.Writer, tensors []Tensor[T], metadata map[string]string) error {
	size := uint64(binary.Size(T(0)))
	header := map[string]any{"__metadata__": metadata}
	at := uint64(0)
	for _, t := range tensors {
		to := at + uint64(len(t.Data))*size
		header[t.Name] = place{fmt.Sprintf("F%d", 8*size), t.shape(), [2]uint64{at, to}}
		at = to
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte(" "), -len(text)&7)...) // so that the tensors are aligned
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)); err != nil {
		return err
	}
	return writeData(w, tensors)
}

// Sum returns the SHA-256 of the tensors' bytes, as they stand in the file that Write makes, as
// lower-case hex.
func Sum[T Float](tensors []Tensor[T]) string {
	sum := sha256.New()
	writeData(sum, sorted(tensors))
	return hex.EncodeToString(sum.Sum(nil))
}

// sorted returns the tensors in the order of a file.
func sorted[T Float](tensors []Tensor[T]) []Tensor[T] {
	return slices.SortedFunc(slices.Values(tensors), func(a, b Tensor[T]) int { return cmp.Compare(a.Name, b.Name) })
}

func writeData[T Float](w io.Writer, tensors []Tensor[T]) error {
	const part = 4096 // elements at a time
	buffer := make([]byte, 0, part*binary.Size(T(0)))
	for _, t := range tensors {
		for part := range slices.Chunk(t.Data, part) {
			b := buffer
			for _, v := range part {
				switch v := any(v).(type) {
				case float32:
					b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
				case float64:
					b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
				}
			}
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// File is what stands in a safetensors file of any origin.
type File struct {
	Text    string // under Key in the metadata; "" in a file that is not of gradus
	Damaged bool   // the file has a checksum that does not match, or says that it had one

	names  []string // in the order of the tensors' bytes
	places map[string]place
	data   []byte

	metadata map[string]string
}

// Parse takes a file's bytes apart, which the File keeps. It does not refuse a damaged file, so
// that what is wrong can be named; Fill does.
func Parse(raw []byte) (*File, error) {
	if len(raw) < 8 {
		return nil, fmt.Errorf("it has %d bytes; a safetensors file has at least 8", len(raw))
	}
	n := binary.LittleEndian.Uint64(raw)
	if n > uint64(len(raw)-8) {
		return nil, fmt.Errorf("this is no safetensors file, or it is cut short: its header should have %d bytes and only %d follow", n, len(raw)-8)
	}
	f := &File{places: map[string]place{}, data: raw[8+n:]}
	if err := f.header(raw[8 : 8+n]); err != nil {
		return nil, fmt.Errorf("this is no safetensors file, or it is damaged (cut short, too long, or its tensors overlap): %w", err)
	}
	var says struct{ Checksum bool }
	json.Unmarshal([]byte(f.Text), &says) // what is wrong there, the reader of the text says
	sum, has := f.metadata[sumKey]
	f.Damaged = has && !sumMatches(raw, sum) || says.Checksum && !has
	return f, nil
}

// header reads where the tensors are, and holds it against the bytes that follow.
func (f *File) header(text []byte) error {
	if len(text) > maxHeader {
		return fmt.Errorf("its header has %d bytes, and at most %d are allowed", len(text), maxHeader)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return err
	}
	if text, has := entries["__metadata__"]; has {
		if err := json.Unmarshal(text, &f.metadata); err != nil {
			return fmt.Errorf("its metadata are no texts: %w", err)
		}
	}
	f.Text = f.metadata[Key]
	delete(entries, "__metadata__")
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var p place
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
		if p.Offsets[1] < p.Offsets[0] || over != 0 || p.Offsets[1]-p.Offsets[0] != count {
			return fmt.Errorf("tensor %s: %d bytes are no %s of shape %v", name, p.Offsets[1]-p.Offsets[0], p.Type, p.Shape)
		}
		f.places[name] = p
		f.names = append(f.names, name)
	}
	slices.SortStableFunc(f.names, func(a, b string) int {
		x, y := f.places[a].Offsets, f.places[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	})
	at := uint64(0)
	for _, name := range f.names {
		if f.places[name].Offsets[0] != at {
			return fmt.Errorf("tensor %s begins at byte %d and not where the one before ends, at %d", name, f.places[name].Offsets[0], at)
		}
		at = f.places[name].Offsets[1]
	}
	if at != uint64(len(f.data)) {
		return fmt.Errorf("its tensors have %d bytes and %d follow the header", at, len(f.data))
	}
	return nil
}

// sumMatches reports whether a file's bytes are those that its checksum is of.
func sumMatches(raw []byte, sum string) bool {
	place := []byte(`"` + sumKey + `":"` + sum + `"`)
	at := bytes.Index(raw, place)
	if at < 0 {
		return false
	}
	at += len(place) - 1 - len(sum)
	h := sha256.New()
	h.Write(raw[:at])
	io.WriteString(h, noSum)
	h.Write(raw[at+len(sum):])
	return sum == hex.EncodeToString(h.Sum(nil))
}

// Count returns how many numbers the tensors have together.
func (f *File) Count() int {
	sum := uint64(0)
	for _, p := range f.places {
		sum += (p.Offsets[1] - p.Offsets[0]) / sizes[p.Type]
	}
	return int(sum)
}

// Explain adds to what is wrong with a file that the file is damaged, if it is.
func (f *File) Explain(err error) error {
	if f.Damaged {
		return fmt.Errorf("%w (%s)", err, Damage)
	}
	return err
}

// Fill copies the file's tensors into those of a network, by their names, converting between
// float32 and float64. The file must have just these tensors, of just these shapes; every number
// must be finite, no variance negative, and the file not damaged.
func Fill[T Float](f *File, tensors []Tensor[T], layers int) error {
	if err := fill(f, tensors, layers); err != nil {
		return f.Explain(err)
	}
	if f.Damaged { // and nothing else shows it
		return errors.New(Damage)
	}
	return nil
}

func fill[T Float](f *File, tensors []Tensor[T], layers int) error {
	for _, t := range tensors {
		p, ok := f.places[t.Name]
		if !ok {
			return fmt.Errorf("it has no tensor %s; it has %s", t.Name, f.list())
		}
		if !slices.Equal(p.Shape, t.shape()) {
			return fmt.Errorf("%s has the shape %v, the network needs %v", t.Name, p.Shape, t.shape())
		}
		data, variance := f.data[p.Offsets[0]:], strings.HasSuffix(t.Name, ".norm.var")
		for i := range t.Data {
			var v float64
			switch p.Type {
			case "F32":
				v = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
			case "F64":
				v = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
			default:
				return fmt.Errorf("%s holds numbers of another type than float32 and float64", t.Name)
			}
			if t.Data[i] = T(v); t.Data[i]-t.Data[i] != 0 {
				return fmt.Errorf("%s holds %v at place %d, not a finite number", t.Name, v, i)
			}
			if variance && v < 0 {
				return fmt.Errorf("%s holds %v at place %d, and a variance is not negative", t.Name, v, i)
			}
		}
	}
	if extra := len(f.names) - len(tensors); extra > 0 {
		return fmt.Errorf("it has %d tensors that the network has no place for: the network has %d layers; the file has %s", extra, layers, f.list())
	}
	return nil
}

func (f *File) list() string {
	if len(f.names) == 0 {
		return "none"
	}
	if len(f.names) <= 8 {
		return strings.Join(f.names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(f.names[:8], ", "), len(f.names)-8)
}
