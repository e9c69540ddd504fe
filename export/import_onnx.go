package export

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/internal/onnx"
)

// The operations that change no number, and those that turn probabilities into a label and a
// pair of probabilities.
var (
	onnxSame   = []string{"Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout"}
	onnxLabels = []string{"ArgMax", "ArrayFeatureExtractor", "ZipMap", "Concat", "Sub", "LabelEncoder", "Gather", "Greater", "Where", "Binarizer", "TopK", "Normalizer", "Equal", "Not"}
)

// walk follows the single value that passes through a dense network.
type walk struct {
	g         *onnx.Graph
	constants map[string]*onnx.Tensor
	f         *foreign
}

// readONNX reads an ONNX file whose graph is a chain of dense layers: Gemm, or MatMul and Add,
// with activations between them. A Scaler, or Sub and Div, may come before them, and operations
// that make labels after them.
func readONNX(raw []byte, _ ImportOptions) (*foreign, error) {
	m, err := onnx.Decode(raw)
	if err != nil {
		return nil, err
	}
	w := &walk{g: &m.Graph, constants: map[string]*onnx.Tensor{}, f: &foreign{said: true}}
	for i := range w.g.Constants {
		w.constants[w.g.Constants[i].Name] = &w.g.Constants[i]
	}
	for _, n := range w.g.Nodes {
		if n.Op == "Constant" && len(n.Outputs) == 1 {
			for _, a := range n.Attributes {
				if t, ok := a.Value.(onnx.Tensor); ok {
					w.constants[n.Outputs[0]] = &t
				}
			}
		}
	}
	var inputs []string
	for _, v := range w.g.Inputs {
		if w.constants[v.Name] == nil {
			inputs = append(inputs, v.Name)
		}
	}
	if len(inputs) != 1 {
		return nil, fmt.Errorf("its graph has %d inputs, and only one tensor of numbers can be read", len(inputs))
	}
	if err := w.follow(inputs[0]); err != nil {
		return nil, err
	}
	if len(w.f.layers) == 0 {
		return nil, fmt.Errorf("its graph has no dense layer (Gemm, or MatMul and Add)")
	}
	last := &w.f.layers[len(w.f.layers)-1]
	for i := range w.f.layers {
		if l := &w.f.layers[i]; l.activation == "" {
			l.activation = "identity"
		}
	}
	if first := w.f.layers[0].in; w.f.scale != nil && (len(w.f.scale) != first || len(w.f.center) != first) {
		return nil, fmt.Errorf("its scaling is of %d inputs, its first layer has %d", len(w.f.scale), first)
	}
	if last.activation == "sigmoid" || last.activation == "softmax" {
		w.findClasses()
	}
	return w.f, nil
}

// follow goes from a value to the nodes that use it, until only the making of labels is left.
func (w *walk) follow(value string) error {
	for range len(w.g.Nodes) + 1 {
		var users []*onnx.Node
		for i := range w.g.Nodes {
			n := &w.g.Nodes[i]
			if slices.Contains(n.Inputs, value) {
				users = append(users, n)
			}
		}
		last := len(w.f.layers) - 1
		probabilities := last >= 0 && (w.f.layers[last].activation == "sigmoid" || w.f.layers[last].activation == "softmax")
		var next *onnx.Node
		for _, n := range users {
			labels := slices.Contains(onnxLabels, n.Op)
			if probabilities && (labels || slices.Contains(onnxSame, n.Op)) {
				continue
			}
			if next != nil {
				return fmt.Errorf("its value %s is used by the operations %s and %s: only a chain of dense layers can be read", value, next.Op, n.Op)
			}
			next = n
		}
		if next == nil {
			return nil
		}
		if len(next.Outputs) == 0 {
			return fmt.Errorf("its operation %s has no output", next.Op)
		}
		if err := w.take(next, value); err != nil {
			return err
		}
		value = next.Outputs[0]
	}
	return fmt.Errorf("its graph goes in a circle")
}

// attribute returns a node's attribute, or otherwise if it has none.
func attribute[V any](n *onnx.Node, name string, otherwise V) V {
	for _, a := range n.Attributes {
		if v, ok := a.Value.(V); ok && a.Name == name {
			return v
		}
	}
	return otherwise
}

// constant returns the constant input of a node at a position.
func (w *walk) constant(n *onnx.Node, at int) (*onnx.Tensor, []float64, error) {
	if at >= len(n.Inputs) || w.constants[n.Inputs[at]] == nil {
		return nil, nil, fmt.Errorf("its operation %s has an input %d that is not a constant: only dense layers can be read", n.Op, at)
	}
	t := w.constants[n.Inputs[at]]
	v, ok := t.Numbers()
	if !ok {
		return nil, nil, fmt.Errorf("its constant %s of shape %v holds no numbers that can be read, or not as many as its shape asks for", t.Name, t.Shape)
	}
	return t, v, nil
}

// take reads one node of the chain.
func (w *walk) take(n *onnx.Node, value string) error {
	f := w.f
	last := len(f.layers) - 1
	unknown := fmt.Errorf("its operation %s cannot be read: only dense layers, their activations and the scaling of inputs can", n.Op)
	switch name := find(func(a activation) bool { return a.op != "" && a.op == n.Op }).name; {
	case slices.Contains(onnxSame, n.Op):
		return nil
	case n.Op == "MatMul" || n.Op == "Gemm":
		if n.Inputs[0] != value {
			return fmt.Errorf("its operation %s multiplies from the left: only x·W can be read", n.Op)
		}
		return w.takeProduct(n)
	case n.Op == "Add" && last >= 0 && f.layers[last].bias == nil && f.layers[last].activation == "":
		at := 1
		if n.Inputs[0] != value {
			at = 0
		}
		t, b, err := w.constant(n, at)
		if err != nil {
			return err
		}
		if len(b) != f.layers[last].out {
			return fmt.Errorf("its operation Add has the constant %s of shape %v, and the layer before it %d units", t.Name, t.Shape, f.layers[last].out)
		}
		f.layers[last].bias = b
		return nil
	case name != "" && last >= 0 && f.layers[last].activation == "":
		switch n.Op {
		case "LeakyRelu":
			name += ":" + strconv.FormatFloat(float64(attribute(n, "alpha", float32(0.01))), 'g', -1, 32)
		case "Elu":
			name += ":" + strconv.FormatFloat(float64(attribute(n, "alpha", float32(1))), 'g', -1, 32)
		case "Selu":
			if a, g := attribute(n, "alpha", float32(1.67326319217681884765625)), attribute(n, "gamma", float32(1.05070102214813232421875)); a != 1.67326319217681884765625 || g != 1.05070102214813232421875 {
				return fmt.Errorf("its operation Selu has an alpha of %v and a gamma of %v, which are not the usual ones", a, g)
			}
		case "Gelu":
			if attribute(n, "approximate", "none") != "none" {
				return fmt.Errorf("its operation Gelu is the approximation by tanh, and only the exact one can be read")
			}
		}
		f.layers[last].activation = name
		return nil
	case last >= 0:
		return unknown
	case n.Op == "Scaler" && f.scale == nil:
		center, by := attribute(n, "offset", []float32(nil)), attribute(n, "scale", []float32(nil))
		if len(center) == 0 || len(center) != len(by) {
			return fmt.Errorf("its Scaler has %d offsets and %d scales", len(center), len(by))
		}
		for i := range center {
			if by[i] == 0 {
				return fmt.Errorf("its Scaler multiplies input %d by 0", i)
			}
			f.center, f.scale = append(f.center, float64(center[i])), append(f.scale, 1/float64(by[i]))
		}
		return nil
	case n.Op == "Sub" && n.Inputs[0] == value && f.scale == nil:
		_, center, err := w.constant(n, 1)
		f.center, f.scale = center, slices.Repeat([]float64{1}, len(center))
		return err
	case n.Op == "Div" && n.Inputs[0] == value:
		_, by, err := w.constant(n, 1)
		if err != nil {
			return err
		}
		if f.scale == nil {
			f.center = make([]float64, len(by))
		} else if !slices.Equal(f.scale, slices.Repeat([]float64{1}, len(by))) {
			return unknown
		}
		f.scale = by
		return nil
	}
	return unknown
}

// takeProduct reads a Gemm or a MatMul as a layer.
func (w *walk) takeProduct(n *onnx.Node) error {
	t, v, err := w.constant(n, 1)
	if err != nil {
		return err
	}
	if len(t.Shape) != 2 {
		return fmt.Errorf("its operation %s has weights of shape %v, which should have two dimensions", n.Op, t.Shape)
	}
	l := foreignLayer{name: t.Name, in: int(t.Shape[0]), out: int(t.Shape[1]), weights: v}
	if n.Op == "Gemm" {
		if attribute(n, "transA", int64(0)) != 0 || attribute(n, "alpha", float32(1)) != 1 || attribute(n, "beta", float32(1)) != 1 {
			return fmt.Errorf("its Gemm has a transA, alpha or beta that a dense layer does not have")
		}
		if attribute(n, "transB", int64(0)) != 0 {
			l.in, l.out = l.out, l.in
			l.weights = transposed(v, l.out, l.in)
		}
		if len(n.Inputs) > 2 && n.Inputs[2] != "" {
			_, b, err := w.constant(n, 2)
			if err != nil {
				return err
			}
			if len(b) != l.out {
				return fmt.Errorf("its Gemm with the weights %s has %d units and %d biases", t.Name, l.out, len(b))
			}
			l.bias = b
		}
	}
	if last := len(w.f.layers) - 1; last >= 0 && w.f.layers[last].out != l.in {
		return fmt.Errorf("its weights %s take %d inputs, and the layer before has %d units", t.Name, l.in, w.f.layers[last].out)
	}
	if l.in < 1 || l.out < 1 {
		return fmt.Errorf("its weights %s have the shape %v", t.Name, t.Shape)
	}
	w.f.layers = append(w.f.layers, l)
	return nil
}

// findClasses reads the classes from the operations that turn probabilities into labels.
func (w *walk) findClasses() {
	for i := range w.g.Nodes {
		n := &w.g.Nodes[i]
		switch n.Op {
		case "ZipMap":
			for _, c := range attribute(n, "classlabels_int64s", []int64(nil)) {
				w.f.classes = append(w.f.classes, strconv.FormatInt(c, 10))
			}
			w.f.classes = append(w.f.classes, attribute(n, "classlabels_strings", []string(nil))...)
		case "ArrayFeatureExtractor":
			t := w.constants[n.Inputs[0]]
			if t == nil {
				continue
			}
			w.f.classes = slices.Clone(t.Strings)
			if v, ok := t.Numbers(); ok {
				w.f.classes = nil
				for _, c := range v {
					w.f.classes = append(w.f.classes, strconv.FormatFloat(c, 'f', -1, 64))
				}
			}
		default:
			continue
		}
		return
	}
}
