package onnx

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

// sample has every kind of attribute, tensor and dimension.
func sample() *Model {
	return &Model{
		IR: 8, Producer: "gradus", ProducerVersion: "v1", Doc: "a sample",
		Opsets:   []Opset{{Version: 17}, {Domain: "ai.onnx.ml", Version: 2}},
		Metadata: []Property{{"a", "1"}, {"b", ""}},
		Graph: Graph{
			Name: "g",
			Nodes: []Node{
				{Op: "Gemm", Inputs: []string{"x", "", "w"}, Outputs: []string{"y"}, Attributes: []Attribute{
					{"f", float32(1.5)}, {"i", int64(-3)}, {"s", "text"}, {"t", Int64s("", []int64{-1, math.MinInt64}, 2)},
					{"floats", []float32{1, float32(math.Inf(1))}}, {"ints", []int64{-1, 0, 1 << 40}}, {"strings", []string{"", "é"}},
				}},
				{Op: "LabelEncoder", Domain: "ai.onnx.ml", Inputs: []string{"y"}, Outputs: []string{"z"}},
			},
			Constants: []Tensor{
				Float32s("w", []float32{1, 2, 3, 4}, 2, 2), Float64s("d", []float64{math.Pi}, 1),
				Bools("b", []bool{true, false}, 2), Texts("t", []string{"", "two"}, 2),
			},
			Inputs:  []Value{{"x", Float64, []Dim{{Name: "N"}, {Size: 3}}}},
			Outputs: []Value{{"z", String, []Dim{{Name: "N"}}}},
		},
	}
}

// TestRoundTrip checks that decoding an encoded model gives the same model.
func TestRoundTrip(t *testing.T) {
	want := sample()
	got, err := Decode(Encode(want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
	for name, want := range map[string][]float64{"w": {1, 2, 3, 4}, "d": {math.Pi}} {
		for _, c := range got.Graph.Constants {
			if v, ok := c.Numbers(); c.Name == name && (!ok || !reflect.DeepEqual(v, want)) {
				t.Errorf("%s has the numbers %v", name, v)
			}
		}
	}
}

// TestDecodeDamaged checks that Decode refuses a model that is cut short and bytes that are not a model.
func TestDecodeDamaged(t *testing.T) {
	raw := Encode(sample())
	for _, b := range [][]byte{nil, []byte("PK\x03\x04"), raw[:len(raw)/2], raw[:len(raw)-1], raw[:9]} {
		if _, err := Decode(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: got %v, want ErrFormat", len(b), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		for _, c := range m.Graph.Constants {
			if v, ok := c.Numbers(); ok && len(v) != c.Len() {
				t.Errorf("%d numbers of shape %v", len(v), c.Shape)
			}
		}
	})
}
