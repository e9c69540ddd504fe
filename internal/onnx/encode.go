package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of onnx.proto.
const (
	modelIR, modelProducer, modelProducerVersion, modelDoc = 1, 2, 3, 6
	modelGraph, modelOpset, modelMetadata                  = 7, 8, 14

	opsetDomain, opsetVersion = 1, 2
	entryKey, entryValue      = 1, 2

	graphNode, graphName, graphConstant, graphInput, graphOutput = 1, 2, 5, 11, 12

	nodeInput, nodeOutput, nodeOp, nodeAttribute, nodeDomain = 1, 2, 4, 5, 7

	attributeName, attributeF, attributeI, attributeS, attributeT     = 1, 2, 3, 4, 5
	attributeFloats, attributeInts, attributeStrings, attributeTypeOf = 7, 8, 9, 20

	tensorShape, tensorType, tensorFloats, tensorInt32s, tensorStrings = 1, 2, 4, 5, 6
	tensorInt64s, tensorName, tensorRaw, tensorDoubles, tensorOutside  = 7, 8, 9, 10, 14

	valueName, valueType  = 1, 2
	typeTensor            = 1
	elementType, shapeOf  = 1, 2
	shapeDim              = 1
	dimSize, dimParameter = 1, 2
)

// The values of AttributeProto.AttributeType.
const (
	kindFloat, kindInt, kindString, kindTensor = 1, 2, 3, 4
	kindFloats, kindInts, kindStrings          = 6, 7, 8
)

// message is an encoded message. Its methods append fields.
type message []byte

func (m *message) bytes(n protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, n, protowire.BytesType), v)
}

func (m *message) text(n protowire.Number, s string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, n, protowire.BytesType), s)
}

func (m *message) int(n protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, n, protowire.VarintType), uint64(v))
}

func (m *message) float(n protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, n, protowire.Fixed32Type), math.Float32bits(v))
}

// Encode returns the bytes of a model's file.
func Encode(m *Model) []byte {
	var b message
	b.int(modelIR, m.IR)
	b.text(modelProducer, m.Producer)
	b.text(modelProducerVersion, m.ProducerVersion)
	if m.Doc != "" {
		b.text(modelDoc, m.Doc)
	}
	b.bytes(modelGraph, encodeGraph(&m.Graph))
	for _, o := range m.Opsets {
		var set message
		set.text(opsetDomain, o.Domain)
		set.int(opsetVersion, o.Version)
		b.bytes(modelOpset, set)
	}
	for _, p := range m.Metadata {
		var entry message
		entry.text(entryKey, p.Key)
		entry.text(entryValue, p.Value)
		b.bytes(modelMetadata, entry)
	}
	return b
}

func encodeGraph(g *Graph) []byte {
	var b message
	for i := range g.Nodes {
		b.bytes(graphNode, encodeNode(&g.Nodes[i]))
	}
	b.text(graphName, g.Name)
	for i := range g.Constants {
		b.bytes(graphConstant, encodeTensor(&g.Constants[i]))
	}
	for i := range g.Inputs {
		b.bytes(graphInput, encodeValue(&g.Inputs[i]))
	}
	for i := range g.Outputs {
		b.bytes(graphOutput, encodeValue(&g.Outputs[i]))
	}
	return b
}

func encodeNode(n *Node) []byte {
	var b message
	for _, name := range n.Inputs {
		b.text(nodeInput, name)
	}
	for _, name := range n.Outputs {
		b.text(nodeOutput, name)
	}
	b.text(nodeOp, n.Op)
	if n.Domain != "" {
		b.text(nodeDomain, n.Domain)
	}
	for i := range n.Attributes {
		b.bytes(nodeAttribute, encodeAttribute(&n.Attributes[i]))
	}
	return b
}

func encodeAttribute(a *Attribute) []byte {
	var b message
	b.text(attributeName, a.Name)
	kind := int64(0)
	switch v := a.Value.(type) {
	case float32:
		kind = kindFloat
		b.float(attributeF, v)
	case int64:
		kind = kindInt
		b.int(attributeI, v)
	case string:
		kind = kindString
		b.text(attributeS, v)
	case Tensor:
		kind = kindTensor
		b.bytes(attributeT, encodeTensor(&v))
	case []float32:
		kind = kindFloats
		for _, x := range v {
			b.float(attributeFloats, x)
		}
	case []int64:
		kind = kindInts
		for _, x := range v {
			b.int(attributeInts, x)
		}
	case []string:
		kind = kindStrings
		for _, s := range v {
			b.text(attributeStrings, s)
		}
	default:
		panic("onnx: the attribute " + a.Name + " is of a kind that is not written")
	}
	b.int(attributeTypeOf, kind)
	return b
}

func encodeTensor(t *Tensor) []byte {
	var b message
	for _, size := range t.Shape {
		b.int(tensorShape, size)
	}
	b.int(tensorType, int64(t.Type))
	b.text(tensorName, t.Name)
	if t.Type == String {
		for _, s := range t.Strings {
			b.text(tensorStrings, s)
		}
	} else {
		b.bytes(tensorRaw, t.Raw)
	}
	return b
}

func encodeValue(v *Value) []byte {
	var shape message
	for _, d := range v.Shape {
		var dim message
		if d.Name != "" {
			dim.text(dimParameter, d.Name)
		} else {
			dim.int(dimSize, d.Size)
		}
		shape.bytes(shapeDim, dim)
	}
	var tensor, kind, b message
	tensor.int(elementType, int64(v.Type))
	tensor.bytes(shapeOf, shape)
	kind.bytes(typeTensor, tensor)
	b.text(valueName, v.Name)
	b.bytes(valueType, kind)
	return b
}
