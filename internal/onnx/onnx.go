// Package onnx reads and writes files of ONNX, the open format for trained models. It
// represents as plain values those messages of onnx.proto that dense networks and their
// encoding need.
//
//   - Model: the versions it requires, its metadata, and a Graph.
//   - Graph: inputs, outputs, constants, and the nodes between them.
//   - Node: one operation, with its Attributes.
//   - Tensor: a constant.
//   - Value: the name, type and shape of an input or output.
//
// Encode and Decode convert between a Model and its bytes.
package onnx

import (
	"encoding/binary"
	"math"
)

// Type is the type of a tensor's elements, with the values of TensorProto.DataType.
type Type int32

// The types that are read and written.
const (
	Float32 Type = 1
	Int32   Type = 6
	Int64   Type = 7
	String  Type = 8
	Bool    Type = 9
	Float64 Type = 11
)

// Model is the contents of a file.
type Model struct {
	IR              int64 // the version of the format
	Producer        string
	ProducerVersion string
	Doc             string
	Opsets          []Opset
	Metadata        []Property
	Graph           Graph
}

// Opset is the version of the operators of a domain; "" is the domain ai.onnx.
type Opset struct {
	Domain  string
	Version int64
}

// Property is an entry of the metadata.
type Property struct{ Key, Value string }

// Graph computes its outputs from its inputs.
type Graph struct {
	Name      string
	Nodes     []Node // in an order in which each node's inputs come before it
	Constants []Tensor
	Inputs    []Value
	Outputs   []Value
}

// Node is one operation.
type Node struct {
	Op         string
	Domain     string
	Inputs     []string // "" is an optional input that is absent
	Outputs    []string
	Attributes []Attribute
}

// Attribute is a parameter of a node. Value is a float32, int64, string, Tensor, []float32,
// []int64 or []string. It is nil if Decode found another kind.
type Attribute struct {
	Name  string
	Value any
}

// Value is the name, type and shape of an input or output.
type Value struct {
	Name  string
	Type  Type
	Shape []Dim
}

// Dim is the size of one axis: a number, or any number if Name is set.
type Dim struct {
	Size int64
	Name string
}

// Tensor is a constant with its elements in row-major order: in Raw, little-endian, or in Strings.
type Tensor struct {
	Name    string
	Type    Type
	Shape   []int64
	Raw     []byte
	Strings []string
}

// Float64s returns a tensor of doubles.
func Float64s(name string, v []float64, shape ...int64) Tensor {
	raw := make([]byte, 0, 8*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	return Tensor{Name: name, Type: Float64, Shape: shape, Raw: raw}
}

// Float32s returns a tensor of floats.
func Float32s(name string, v []float32, shape ...int64) Tensor {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return Tensor{Name: name, Type: Float32, Shape: shape, Raw: raw}
}

// Int64s returns a tensor of integers.
func Int64s(name string, v []int64, shape ...int64) Tensor {
	raw := make([]byte, 0, 8*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return Tensor{Name: name, Type: Int64, Shape: shape, Raw: raw}
}

// Bools returns a tensor of booleans.
func Bools(name string, v []bool, shape ...int64) Tensor {
	raw := make([]byte, len(v))
	for i, x := range v {
		if x {
			raw[i] = 1
		}
	}
	return Tensor{Name: name, Type: Bool, Shape: shape, Raw: raw}
}

// Texts returns a tensor of strings.
func Texts(name string, v []string, shape ...int64) Tensor {
	return Tensor{Name: name, Type: String, Shape: shape, Strings: v}
}

// Len returns the number of elements in the shape, or -1 if the shape has a negative size or more than math.MaxInt32 elements.
func (t *Tensor) Len() int {
	n := int64(1)
	for _, size := range t.Shape {
		if size < 0 || size > 0 && n > math.MaxInt32/size {
			return -1
		}
		n *= size
	}
	return int(n)
}

// Numbers returns the elements of a tensor of floats, doubles or integers as float64. ok is
// false if it has another type or not the number of elements of its shape.
func (t *Tensor) Numbers() (v []float64, ok bool) {
	n := t.Len()
	size := map[Type]int{Float32: 4, Int32: 4, Float64: 8, Int64: 8}[t.Type]
	if n < 0 || size == 0 || len(t.Raw) != n*size {
		return nil, false
	}
	v = make([]float64, n)
	for i := range v {
		b := t.Raw[i*size:]
		switch t.Type {
		case Float32:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case Int32:
			v[i] = float64(int32(binary.LittleEndian.Uint32(b)))
		case Float64:
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		case Int64:
			v[i] = float64(int64(binary.LittleEndian.Uint64(b)))
		}
	}
	return v, true
}
