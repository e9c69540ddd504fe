package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/float"
)

// The metadata keys of the JSON and the checksum.
const (
	Key    = "gradus"
	sumKey = "gradus_sha256"
)

// Damage is the message for a damaged file.
const Damage = "its checksum does not match: it is damaged, or another program has changed it since it was saved; fetch or make it again"

// noSum replaces the checksum in the bytes from which the checksum is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

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

// Write writes the tensors, in the order of their names, and the text under Key in the metadata.
// Next to it, gradus_sha256 holds the SHA-256 in hex of the whole file, computed with zeros in
// place of the checksum. So any reader of safetensors can open the file, and Damaged says
// whether a bit has changed.
func Write[T Float](w io.Writer, tensors []Tensor[T], text string) error {
	tensors = sorted(tensors)
	sum := sha256.New()
	if err := write(sum, tensors, map[string]string{Key: text, sumKey: noSum}); err != nil {
		return err
	}
	return write(w, tensors, map[string]string{Key: text, sumKey: hex.EncodeToString(sum.Sum(nil))})
}

func write[T Float](w io.Writer, tensors []Tensor[T], metadata map[string]string) error {
	h := Header{Metadata: metadata}
	for _, t := range tensors {
		h.Add(t.Name, typeOf[T](), t.shape()...)
	}
	head, err := h.Append(nil)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	return writeData(w, tensors)
}

// Sum returns the SHA-256 of the tensors' bytes, in the order of the file that Write makes, as lowercase hex.
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
	out := bufio.NewWriterSize(w, bufferBytes)
	for _, t := range tensors {
		WriteFloats(out, t.Data)
	}
	return out.Flush()
}

// File is the contents of a safetensors file from any source.
type File struct {
	Header
	Text    string // under Key in the metadata; "" in a file that gradus did not write
	Damaged bool   // the file has a checksum that does not match, or says that it had one

	data []byte // of the tensors
}

// Parse parses a file's bytes and keeps them in the File. It does not refuse a damaged file, so
// that the caller can say what is wrong. Fill does.
func Parse(raw []byte) (*File, error) {
	h, n, err := ReadHeader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	f := &File{Header: *h, Text: h.Metadata[Key], data: raw[n:]}
	var says struct{ Checksum bool }
	json.Unmarshal([]byte(f.Text), &says) // the reader of the text reports any error in it
	sum, has := f.Metadata[sumKey]
	f.Damaged = has && !sumMatches(raw, sum) || says.Checksum && !has
	return f, nil
}

// sumMatches reports whether a file's bytes match its checksum.
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

// Floats returns the numbers of a tensor. ok is false if their type is not float32 or float64.
func (f *File) Floats(name string) (v []float64, ok bool) {
	p := f.places[name]
	v = make([]float64, p.count())
	for i := range v {
		if v[i], ok = p.number(f.data, i); !ok {
			return nil, false
		}
	}
	return v, true
}

// Explain adds to an error about a file that the file is damaged, if it is.
func (f *File) Explain(err error) error {
	if f.Damaged {
		return fmt.Errorf("%w (%s)", err, Damage)
	}
	return err
}

// Fill copies the file's tensors into those of a network, by name, converting between float32
// and float64. The file must have exactly these tensors with exactly these shapes. Every number
// must be finite, no variance may be negative, and the file must not be damaged.
func Fill[T Float](f *File, tensors []Tensor[T], layers int) error {
	if err := fill(f, tensors, layers); err != nil {
		return f.Explain(err)
	}
	if f.Damaged { // and no other check failed
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
		variance := strings.HasSuffix(t.Name, ".norm.var")
		for i := range t.Data {
			v, ok := p.number(f.data, i)
			if !ok {
				return fmt.Errorf("%s holds numbers of another type than float32 and float64", t.Name)
			}
			if t.Data[i] = T(v); !float.Finite(t.Data[i]) {
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
