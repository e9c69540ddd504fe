package safetensors

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	other "github.com/nlpodyssey/safetensors"
)

// Another library reads what Write wrote, and Parse reads what that library wrote.
func TestBesideAnotherImplementation(t *testing.T) {
	tensors := []Tensor[float64]{{"b", 0, 2, []float64{5, 6}}, {"a", 2, 1, []float64{1, 2}}}
	var b bytes.Buffer
	if err := Write(&b, tensors, `{"checksum":true}`); err != nil {
		t.Fatal(err)
	}
	theirs, err := other.Deserialize(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if view, ok := theirs.Tensor("a"); !ok || !slices.Equal(view.Shape(), []uint64{2, 1}) || view.DType() != other.F64 {
		t.Errorf("a is read as %v", view)
	}
	views := map[string]other.TensorView{}
	for _, name := range theirs.Names() {
		views[name], _ = theirs.Tensor(name)
	}
	raw, err := other.Serialize(views, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(raw)
	if err != nil || f.Text != "" || f.Damaged || f.Count() != 4 {
		t.Fatalf("their file is parsed as %+v, %v", f, err)
	}
	back := []Tensor[float64]{{"a", 2, 1, make([]float64, 2)}, {"b", 0, 2, make([]float64, 2)}}
	if err := Fill(f, back, 1); err != nil || !slices.Equal(back[0].Data, []float64{1, 2}) || !slices.Equal(back[1].Data, []float64{5, 6}) {
		t.Errorf("their file is read as %v, %v", back, err)
	}
}

// Numbers have the same bytes whatever the machine's byte order, and are read as they were written.
func TestFloatsOnAStream(t *testing.T) {
	was := little
	defer func() { little = was }()
	v := []float64{0, math.Copysign(0, -1), 1, -math.Pi, math.Inf(1), math.NaN(), 5e-324}
	for len(v) < 5000 { // more than a buffer
		v = append(v, v...)
	}
	var narrow []float32
	for _, x := range v {
		narrow = append(narrow, float32(x))
	}
	var files [2]bytes.Buffer
	for i, order := range []bool{was, false} {
		little = order
		w := bufio.NewWriterSize(&files[i], 1<<12)
		WriteFloats(w, v[:3])
		WriteFloats(w, narrow)
		WriteFloats(w, v)
		WriteFloats(w, []float32(nil))
		w.Flush()
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("the bytes depend on the machine's byte order")
	}
	r := bufio.NewReaderSize(&files[0], 1<<12)
	first, second, third := make([]float64, 3), make([]float32, len(narrow)), make([]float64, len(v))
	if err := errors.Join(ReadFloats(r, first), ReadFloats(r, second), ReadFloats(r, third)); err != nil {
		t.Fatal(err)
	}
	for i := range v {
		if math.Float64bits(third[i]) != math.Float64bits(v[i]) || math.Float32bits(second[i]) != math.Float32bits(narrow[i]) || i < 3 && first[i] != v[i] {
			t.Fatalf("number %d is read as %v and %v, want %v", i, third[i], second[i], v[i])
		}
	}
}

func TestBadHeaders(t *testing.T) {
	file := func(header string, data int) []byte {
		return append(append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...), make([]byte, data)...)
	}
	for header, want := range map[string]string{
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`: "tensor b begins at byte 4",
		`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`:                                                      "8 bytes do not hold a F32 of shape [3]",
		`{"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}}`:                                    "8 bytes do not hold a F32",
		`{"a":{"dtype":"F3","shape":[2],"data_offsets":[0,8]}}`:                                                       `the type "F3" is not known`,
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`:                                                      "its tensors have 4 bytes and 8 follow",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`:                                                      "ends at byte 0, before it begins at 8",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`:                                                `unknown field "x"`,
		`{"__metadata__":{"a":1}}`:                                                                                    "its metadata are not strings",
		`[]`:                                                                                                          "cannot unmarshal",
	} {
		if _, err := Parse(file(header, 8)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", header, err, want)
		}
	}
}
