package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrFormat is wrapped by the errors of Decode for bytes that are not an ONNX model.
var ErrFormat = errors.New("not an ONNX file")

// field is one field of a message as it is encoded.
type field struct {
	number protowire.Number
	kind   protowire.Type
	varint uint64
	bytes  []byte
}

// each calls f for every field of a message.
func each(what string, b []byte, f func(field) error) error {
	for len(b) > 0 {
		var v field
		var n int
		v.number, v.kind, n = protowire.ConsumeTag(b)
		if n < 0 {
			return damaged(what, n)
		}
		b = b[n:]
		switch v.kind {
		case protowire.VarintType:
			v.varint, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(v.number, v.kind, b)
			v.bytes = b[:max(n, 0)]
		}
		if n < 0 {
			return damaged(what, n)
		}
		b = b[n:]
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

func damaged(what string, n int) error {
	return fmt.Errorf("%w, or it is damaged: its %s cannot be read: %w", ErrFormat, what, protowire.ParseError(n))
}

// Decode reads the bytes of a model's file. It ignores fields that this package does not
// represent. The tensors share memory with b.
func Decode(b []byte) (*Model, error) {
	m := &Model{}
	graph := false
	err := each("model", b, func(f field) error {
		switch f.number {
		case modelIR:
			m.IR = int64(f.varint)
		case modelProducer:
			m.Producer = string(f.bytes)
		case modelProducerVersion:
			m.ProducerVersion = string(f.bytes)
		case modelDoc:
			m.Doc = string(f.bytes)
		case modelGraph:
			graph = true
			return m.Graph.decode(f.bytes)
		case modelOpset:
			m.Opsets = append(m.Opsets, Opset{})
			return m.Opsets[len(m.Opsets)-1].decode(f.bytes)
		case modelMetadata:
			m.Metadata = append(m.Metadata, Property{})
			return m.Metadata[len(m.Metadata)-1].decode(f.bytes)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case m.IR < 1 || !graph:
		return nil, fmt.Errorf("%w: it has no version or no graph", ErrFormat)
	}
	return m, nil
}

func (o *Opset) decode(b []byte) error {
	return each("operator set", b, func(f field) error {
		switch f.number {
		case opsetDomain:
			o.Domain = string(f.bytes)
		case opsetVersion:
			o.Version = int64(f.varint)
		}
		return nil
	})
}

func (p *Property) decode(b []byte) error {
	return each("metadata", b, func(f field) error {
		switch f.number {
		case entryKey:
			p.Key = string(f.bytes)
		case entryValue:
			p.Value = string(f.bytes)
		}
		return nil
	})
}

func (g *Graph) decode(b []byte) error {
	return each("graph", b, func(f field) error {
		switch f.number {
		case graphNode:
			g.Nodes = append(g.Nodes, Node{})
			return g.Nodes[len(g.Nodes)-1].decode(f.bytes)
		case graphName:
			g.Name = string(f.bytes)
		case graphConstant:
			g.Constants = append(g.Constants, Tensor{})
			return g.Constants[len(g.Constants)-1].decode(f.bytes)
		case graphInput:
			g.Inputs = append(g.Inputs, Value{})
			return g.Inputs[len(g.Inputs)-1].decode(f.bytes)
		case graphOutput:
			g.Outputs = append(g.Outputs, Value{})
			return g.Outputs[len(g.Outputs)-1].decode(f.bytes)
		}
		return nil
	})
}

func (n *Node) decode(b []byte) error {
	return each("node", b, func(f field) error {
		switch f.number {
		case nodeInput:
			n.Inputs = append(n.Inputs, string(f.bytes))
		case nodeOutput:
			n.Outputs = append(n.Outputs, string(f.bytes))
		case nodeOp:
			n.Op = string(f.bytes)
		case nodeDomain:
			n.Domain = string(f.bytes)
		case nodeAttribute:
			n.Attributes = append(n.Attributes, Attribute{})
			return n.Attributes[len(n.Attributes)-1].decode(f.bytes)
		}
		return nil
	})
}

func (a *Attribute) decode(b []byte) error {
	kind := uint64(0)
	var one struct {
		f float32
		i int64
		s string
		t Tensor
	}
	var floats []float32
	var ints []int64
	var strings []string
	err := each("attribute", b, func(f field) error {
		switch f.number {
		case attributeName:
			a.Name = string(f.bytes)
		case attributeTypeOf:
			kind = f.varint
		case attributeF:
			if len(f.bytes) == 4 {
				one.f = math.Float32frombits(binary.LittleEndian.Uint32(f.bytes))
			}
		case attributeI:
			one.i = int64(f.varint)
		case attributeS:
			one.s = string(f.bytes)
		case attributeT:
			return one.t.decode(f.bytes)
		case attributeFloats: // packed or one by one
			for b := f.bytes; len(b) >= 4; b = b[4:] {
				floats = append(floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
		case attributeInts:
			return f.varints("attribute", func(v uint64) { ints = append(ints, int64(v)) })
		case attributeStrings:
			strings = append(strings, string(f.bytes))
		}
		return nil
	})
	switch kind {
	case kindFloat:
		a.Value = one.f
	case kindInt:
		a.Value = one.i
	case kindString:
		a.Value = one.s
	case kindTensor:
		a.Value = one.t
	case kindFloats:
		a.Value = floats
	case kindInts:
		a.Value = ints
	case kindStrings:
		a.Value = strings
	}
	return err
}

// varints calls f for the numbers of a repeated field, packed or one by one.
func (v *field) varints(what string, f func(uint64)) error {
	if v.kind == protowire.VarintType {
		f(v.varint)
		return nil
	}
	for b := v.bytes; len(b) > 0; {
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return damaged(what, n)
		}
		f(x)
		b = b[n:]
	}
	return nil
}

func (t *Tensor) decode(b []byte) error {
	outside := false
	err := each("tensor", b, func(f field) error {
		switch f.number {
		case tensorShape:
			return f.varints("tensor", func(v uint64) { t.Shape = append(t.Shape, int64(v)) })
		case tensorType:
			t.Type = Type(f.varint)
		case tensorName:
			t.Name = string(f.bytes)
		case tensorRaw:
			t.Raw = slices.Clip(f.bytes)
		case tensorFloats, tensorDoubles: // packed or one by one, both little-endian
			t.Raw = append(t.Raw, f.bytes...)
		case tensorInt32s:
			return f.varints("tensor", func(v uint64) { t.Raw = binary.LittleEndian.AppendUint32(t.Raw, uint32(v)) })
		case tensorInt64s:
			return f.varints("tensor", func(v uint64) { t.Raw = binary.LittleEndian.AppendUint64(t.Raw, v) })
		case tensorStrings:
			t.Strings = append(t.Strings, string(f.bytes))
		case tensorOutside:
			outside = f.varint != 0
		}
		return nil
	})
	if err == nil && outside {
		return fmt.Errorf("%w that can be read alone: its tensor %q is in another file; save the model in one file", ErrFormat, t.Name)
	}
	return err
}

func (v *Value) decode(b []byte) error {
	return each("value", b, func(f field) error {
		switch f.number {
		case valueName:
			v.Name = string(f.bytes)
		case valueType:
			return each("type", f.bytes, func(f field) error {
				if f.number != typeTensor {
					return nil
				}
				return each("type", f.bytes, func(f field) error {
					switch f.number {
					case elementType:
						v.Type = Type(f.varint)
					case shapeOf:
						return each("shape", f.bytes, func(f field) error {
							if f.number != shapeDim {
								return nil
							}
							v.Shape = append(v.Shape, Dim{})
							return v.Shape[len(v.Shape)-1].decode(f.bytes)
						})
					}
					return nil
				})
			})
		}
		return nil
	})
}

func (d *Dim) decode(b []byte) error {
	return each("shape", b, func(f field) error {
		switch f.number {
		case dimSize:
			d.Size = int64(f.varint)
		case dimParameter:
			d.Name = string(f.bytes)
		}
		return nil
	})
}
