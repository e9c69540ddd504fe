package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/internal/safetensors"
)

// This file writes, reads and checks the entries of a checkpoint.

// checkpointFormat is raised when an older reader could misread what is written.
const checkpointFormat = 2

const (
	checkpointKey = "gradus_checkpoint"
	sumTensor     = "sha256"
)

// Checkpoint is a checkpoint whose checksum was right. Restore reads the rest from the file it
// was made from.
type Checkpoint struct {
	Number int // number of checkpoints written up to and including it; the newest has the highest
	Epoch  int // epochs done
	Steps  int // updates made

	file    io.ReadSeeker
	start   int64 // of the tensors' bytes
	run     map[string]string
	numbers map[string]string
	tensors map[string]safetensors.Place
}

// vector returns the numbers of an entry that is written as a tensor, or nil. Points and
// samples become rows of numbers.
func (e entry) vector() any {
	switch v := e.value.(type) {
	case []float32, []float64:
		return v
	case *[]byte:
		return *v
	case *History:
		rows := make([]float64, 0, 6*len(*v))
		for _, p := range *v {
			rows = append(rows, float64(p.Epoch), float64(p.Steps), p.Loss, p.Validation, p.LearningRate, p.Seconds)
		}
		return rows
	case remembering:
		return v.State()
	case *[]Retreat:
		rows := make([]float64, 0, 4*len(*v))
		for _, r := range *v {
			rows = append(rows, float64(r.Epoch), float64(r.Step), float64(r.To), r.LearningRate)
		}
		return rows
	case *[]Sample:
		rows := make([]float64, 0, 3*len(*v))
		for _, s := range *v {
			converged := 0.0
			if s.Converged {
				converged = 1
			}
			rows = append(rows, float64(s.Row), float64(s.Epochs), converged)
		}
		return rows
	}
	return nil
}

// number returns the text of an entry that is a number or text.
func (e entry) number() string {
	switch v := e.value.(type) {
	case *int:
		return strconv.Itoa(*v)
	case *float64:
		return strconv.FormatFloat(*v, 'g', -1, 64)
	case *bool:
		return strconv.FormatBool(*v)
	case *string:
		return *v
	case *[]Remedy:
		text, _ := json.Marshal(*v) // strings only
		return string(text)
	case *time.Duration:
		return strconv.FormatInt(int64(*v), 10)
	}
	panic(fmt.Sprintf("train: a checkpoint cannot hold %s, a %T", e.name, e.value)) // see entry
}

// metadata is the JSON under checkpointKey.
type metadata struct {
	Format  int               `json:"format"`
	Run     map[string]string `json:"run"`
	Numbers map[string]string `json:"numbers"`
}

// vectorShape returns a vector's type, as named by safetensors, and its length.
func vectorShape(v any) (dtype string, n int) {
	switch v := v.(type) {
	case []float32:
		return "F32", len(v)
	case []float64:
		return "F64", len(v)
	}
	return "U8", len(v.([]byte))
}

// writeEntries writes a whole checkpoint.
func writeEntries(w io.Writer, run map[string]string, entries []entry) error {
	meta := metadata{Format: checkpointFormat, Run: run, Numbers: map[string]string{}}
	var header safetensors.Header
	var vectors []any
	for _, e := range entries {
		v := e.vector()
		if v == nil {
			meta.Numbers[e.name] = e.number()
			continue
		}
		kind, n := vectorShape(v)
		header.Add(e.name, kind, uint64(n))
		vectors = append(vectors, v)
	}
	header.Add(sumTensor, "U8", sha256.Size)
	text, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	header.Metadata = map[string]string{checkpointKey: string(text)}
	head, err := header.Append(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}

	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<15)
	out.Write(head)
	for _, v := range vectors {
		switch v := v.(type) {
		case []float32:
			safetensors.WriteFloats(out, v)
		case []float64:
			safetensors.WriteFloats(out, v)
		case []byte:
			out.Write(v)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// ReadCheckpoint reads a checkpoint from beginning to end and compares it with its checksum. If it is not
// as it was written, the error wraps ErrDamaged.
func ReadCheckpoint(file io.ReadSeeker) (*Checkpoint, error) {
	damaged := func(format string, args ...any) (*Checkpoint, error) {
		return nil, fmt.Errorf("%w: %w: "+format, append([]any{ErrCheckpoint, ErrDamaged}, args...)...)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if size < 8+sha256.Size {
		return damaged("it has %d bytes, which is too short for one", size)
	}
	if whole, err := sumMatches(file, size-sha256.Size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	} else if !whole {
		return damaged("its checksum does not match: it was cut short or changed")
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	header, start, err := safetensors.ReadHeader(file, size)
	if err != nil {
		return nil, fmt.Errorf("%w: this is not a checkpoint of gradus, or its header cannot be read: %w", ErrCheckpoint, err)
	}
	c := &Checkpoint{file: file, start: start, tensors: map[string]safetensors.Place{}}
	var meta metadata
	if err := json.Unmarshal([]byte(header.Metadata[checkpointKey]), &meta); err != nil {
		return nil, fmt.Errorf("%w: this is not a checkpoint of gradus, or its header cannot be read: %w", ErrCheckpoint, err)
	}
	if meta.Format != checkpointFormat {
		return nil, fmt.Errorf("%w: it has format %d and this gradus reads format %d; continue with the gradus that wrote it", ErrCheckpoint, meta.Format, checkpointFormat)
	}
	for _, name := range header.Names() {
		p, _ := header.Place(name)
		if len(p.Shape) != 1 {
			return nil, fmt.Errorf("%w: tensor %s has the shape %v and should be a vector", ErrCheckpoint, name, p.Shape)
		}
		c.tensors[name] = p
	}
	delete(c.tensors, sumTensor)
	c.run, c.numbers = meta.Run, meta.Numbers
	for _, e := range []entry{{name: "checkpoints", value: &c.Number}, {name: "epoch", value: &c.Epoch}, {name: "steps", value: &c.Steps}} {
		if text, has := c.numbers[e.name]; has { // Restore reports what is missing
			if err := e.parse(text); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// sumMatches compares the checksum of a file's first bytes with the one stored after them.
func sumMatches(file io.Reader, bytesBefore int64) (bool, error) {
	sum := sha256.New()
	if _, err := io.CopyN(sum, file, bytesBefore); err != nil {
		return false, err
	}
	var stored [sha256.Size]byte
	_, err := io.ReadFull(file, stored[:])
	return bytes.Equal(stored[:], sum.Sum(nil)), err
}

// parse sets an entry that is a number or text from its text.
func (e entry) parse(text string) error {
	var err error
	switch v := e.value.(type) {
	case *int:
		*v, err = strconv.Atoi(text)
	case *float64:
		*v, err = strconv.ParseFloat(text, 64)
	case *bool:
		*v, err = strconv.ParseBool(text)
	case *string:
		*v = text
	case *[]Remedy:
		err = json.Unmarshal([]byte(text), v)
	case *time.Duration:
		var ns int64
		ns, err = strconv.ParseInt(text, 10, 64)
		*v = time.Duration(ns)
	}
	if err != nil {
		return fmt.Errorf("%w: %s is %q, which cannot be read", ErrCheckpoint, e.name, text)
	}
	return nil
}

// plausible checks that the file has exactly the entries of the state, with the right kind and
// length, and that its numbers are possible for such a run.
func (c *Checkpoint) plausible(t limits, state []entry) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrCheckpoint}, args...)...)
	}
	ints := map[string]int{}
	vectors, numbers := 0, 0
	for _, e := range state {
		v := e.vector()
		if v == nil {
			text, has := c.numbers[e.name]
			if !has {
				return bad("it has no %s", e.name)
			}
			numbers++
			scratch := entry{name: e.name, value: reflect.New(reflect.TypeOf(e.value).Elem()).Interface()}
			if err := scratch.parse(text); err != nil {
				return err
			}
			if n, ok := scratch.value.(*int); ok {
				if ints[e.name] = *n; *n < 0 && e.name != "diverged.layer" { // -1: not in a layer
					return bad("%s is %d", e.name, *n)
				}
			}
			continue
		}
		vectors++
		got, has := c.tensors[e.name]
		if !has {
			return bad("it has no tensor %s", e.name)
		}
		dtype, n := vectorShape(v)
		if got.Type != dtype {
			return bad("tensor %s holds %s and not %s", e.name, got.Type, dtype)
		}
		fixed := reflect.TypeOf(e.value).Kind() == reflect.Slice
		if length := int(got.Shape[0]); fixed && length != n {
			return bad("tensor %s has %d numbers and should have %d", e.name, length, n)
		}
	}
	if vectors != len(c.tensors) || numbers != len(c.numbers) {
		return bad("it holds %d tensors and %d numbers, and this gradus knows %d and %d of them", len(c.tensors), len(c.numbers), vectors, numbers)
	}
	var samples []Sample
	if err := c.read(entry{name: "samples", value: &samples}); err != nil {
		return err
	}
	return t.possible(ints["position"], samples)
}

// limits is a trainer in either precision.
type limits interface {
	possible(position int, samples []Sample) error
}

// read sets an entry from the file.
func (c *Checkpoint) read(e entry) error {
	if e.vector() == nil {
		return e.parse(c.numbers[e.name])
	}
	at := c.tensors[e.name]
	n := int(at.Shape[0])
	if _, err := c.file.Seek(c.start+int64(at.Offsets[0]), io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	r := bufio.NewReaderSize(c.file, 1<<15)
	var err error
	switch v := e.value.(type) {
	case []float32:
		err = safetensors.ReadFloats(r, v)
	case []float64:
		err = safetensors.ReadFloats(r, v)
	case *[]byte:
		*v = make([]byte, n)
		_, err = io.ReadFull(r, *v)
	case *History:
		var rows [][6]float64
		rows, err = readRows[[6]float64](r, n, 6)
		*v = nil
		for _, p := range rows {
			*v = append(*v, Point{int(p[0]), int(p[1]), p[2], p[3], p[4], p[5]})
		}
	case remembering:
		state := make([]float64, n)
		if err = safetensors.ReadFloats(r, state); err == nil {
			err = v.SetState(state)
		}
	case *[]Retreat:
		var rows [][4]float64
		rows, err = readRows[[4]float64](r, n, 4)
		*v = nil
		for _, q := range rows {
			*v = append(*v, Retreat{int(q[0]), int(q[1]), int(q[2]), q[3]})
		}
	case *[]Sample:
		var rows [][3]float64
		rows, err = readRows[[3]float64](r, n, 3)
		*v = nil
		for _, s := range rows {
			*v = append(*v, Sample{int(s[0]), int(s[1]), s[2] != 0})
		}
	}
	if err != nil {
		return fmt.Errorf("%w: tensor %s: %w", ErrCheckpoint, e.name, err)
	}
	return nil
}

// readRows reads n numbers as rows of width numbers.
func readRows[R [3]float64 | [4]float64 | [6]float64](r *bufio.Reader, n, width int) ([]R, error) {
	if n%width != 0 {
		return nil, fmt.Errorf("%d numbers are not rows of %d", n, width)
	}
	rows := make([]R, n/width)
	return rows, binary.Read(r, binary.LittleEndian, rows)
}
