package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/onnx"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// The versions that onnxruntime 1.15 of 2023 and all later ones can read.
const (
	onnxIR        = 8
	onnxOpset     = 17
	onnxOpsetOfML = 2
	onnxMost      = 2<<30 - 1 // bytes: the limit of a protocol buffer
)

// ONNX returns a model as an ONNX file.
//
// For the whole model, every column is a separate input, under its name, of shape [N, 1]:
//
//	number    double; NaN is missing
//	date      int64, seconds since 1970-01-01 UTC; the smallest int64, numpy's NaT, is missing
//	boolean   string, as it would be in a table
//	category  string, as it would be in a table, without surrounding blanks
//
// Outputs are label [N] and probabilities [N, classes] of classes, label [N, targets] and
// probabilities [N, targets] of several labels, and variable [N, targets] of a regression, in
// the targets' own units. Labels are int64 if all classes are whole numbers, else strings.
//
// For only the network (Options.Net) the input is encoded [N, inputs], which is what
// data.EncodeRow writes, and the output is probabilities or variable.
//
// An ensemble is the mean of its members. Each has its own encoding and network.
//
// Encoded inputs have the bits of data.EncodeRow, except waves in float64, whose cos and sin differ in the
// last digits. They are the value "encoded" in the graph, and for the members of an ensemble encoded.0,
// encoded.1 and so on. The rest differs from gradus in the last digits, since every runtime sums in its own
// order. gelu in float64 is computed in float32, because runtimes have erf only in that precision. A graph
// cannot refuse what gradus refuses: a text that is not a boolean gives NaN.
func ONNX(m *model.Model, o Options) ([]byte, error) {
	b := &builder{taken: map[string]bool{}, real: onnx.Float64}
	if m.Precision() == "float32" {
		b.real = onnx.Float32
	}
	if err := b.model(m, o.Net); err != nil {
		return nil, err
	}
	b.g.Name = "gradus"
	raw := onnx.Encode(&onnx.Model{
		IR: onnxIR, Producer: "gradus", ProducerVersion: o.Version,
		Doc:    fmt.Sprintf("Predicts %s (%s). Network: %s.", strings.Join(m.Targets(), ", "), m.Task(), m.DescribeNetwork()),
		Opsets: []onnx.Opset{{Version: onnxOpset}, {Domain: "ai.onnx.ml", Version: onnxOpsetOfML}},
		Graph:  b.g, Metadata: metadata(m, o),
	})
	if len(raw) > onnxMost {
		return nil, unsupported("the model would have %d bytes as ONNX, and a file of that format has at most %d", len(raw), onnxMost)
	}
	return raw, nil
}

// model adds the graph of a model, or only that of its network.
func (b *builder) model(m *model.Model, net bool) error {
	e := m.Encoding
	if net {
		if err := one(m); err != nil {
			return err
		}
		b.taken["encoded"] = true
		b.g.Inputs = []onnx.Value{{Name: "encoded", Type: b.real, Shape: []onnx.Dim{{Name: "N"}, {Size: int64(e.Width())}}}}
		y, err := b.network(m, "encoded")
		if err == nil {
			b.finish(m, b.predict(m, y, b.real), b.real, false)
		}
		return err
	}
	members := networks(m)
	for _, name := range append(e.Columns(), "label", "probabilities", "variable", "encoded") {
		b.taken[name] = true
	}
	for k := range members {
		b.taken[fmt.Sprintf("encoded.%d", k)] = true
	}
	b.declare(e)
	mean := ""
	for k, member := range members {
		encoded := "encoded"
		if len(members) > 1 {
			encoded = fmt.Sprintf("encoded.%d", k)
		}
		b.encode(member.Encoding, encoded)
		y, err := b.network(member, encoded)
		if err != nil {
			return err
		}
		y = b.predict(member, b.cast(y, onnx.Float64), onnx.Float64)
		if mean == "" {
			mean = y
		} else {
			mean = b.do("Add", mean, y)
		}
	}
	if len(members) > 1 {
		mean = b.do("Div", mean, b.doubles(float64(len(members))))
	}
	b.finish(m, mean, onnx.Float64, true)
	return nil
}

// network adds a model's network and returns its outputs.
func (b *builder) network(m *model.Model, x string) (string, error) {
	if net := m.Network32(); net != nil {
		return addNetwork(b, net, x)
	}
	return addNetwork(b, m.Network64(), x)
}

func addNetwork[T nn.Float](b *builder, net *nn.Network[T], x string) (y string, err error) {
	y = x
	for l := range net.Depth() {
		if y, err = addLayer(b, net, l, y); err != nil {
			return "", err
		}
	}
	return y, nil
}

// metadata returns a file's description besides its graph. Lists are JSON.
func metadata(m *model.Model, o Options) []onnx.Property {
	list := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic("export: " + err.Error()) // marshaling texts cannot fail
		}
		return string(text)
	}
	p := []onnx.Property{
		{Key: "gradus_version", Value: o.Version},
		{Key: "weights_sha256", Value: m.WeightsSHA256()},
		{Key: "task", Value: string(m.Task())},
		{Key: "targets", Value: list(m.Targets())},
		{Key: "columns", Value: list(m.Columns())},
	}
	if m.Classes() != nil {
		p = append(p, onnx.Property{Key: "classes", Value: list(m.Classes())})
	}
	if m.Task() == data.Binary {
		p = append(p, onnx.Property{Key: "threshold", Value: strconv.FormatFloat(m.Threshold, 'g', -1, 64)})
	}
	if o.Net {
		p = append(p, onnx.Property{Key: "inputs", Value: list(m.Encoding.InputNames())})
	}
	return p
}

// builder adds nodes to a graph.
type builder struct {
	g     onnx.Graph
	taken map[string]bool // names of values
	count int
	real  onnx.Type // the network's precision
}

// fresh returns a name that no other value has.
func (b *builder) fresh(base string) string {
	for {
		b.count++
		if name := fmt.Sprintf("%s_%d", base, b.count); !b.taken[name] {
			b.taken[name] = true
			return name
		}
	}
}

// op adds a node and returns the name of its output.
func (b *builder) op(op string, inputs []string, attributes ...onnx.Attribute) string {
	name := b.fresh(op)
	b.to(name, op, inputs, attributes...)
	return name
}

// to is op with a given name for the output.
func (b *builder) to(name, op string, inputs []string, attributes ...onnx.Attribute) {
	n := onnx.Node{Op: op, Inputs: inputs, Outputs: []string{name}, Attributes: attributes}
	if op == "LabelEncoder" {
		n.Domain = "ai.onnx.ml"
	}
	b.g.Nodes = append(b.g.Nodes, n)
}

// do is op without attributes.
func (b *builder) do(op string, inputs ...string) string { return b.op(op, inputs) }

func axis(i int64) onnx.Attribute { return onnx.Attribute{Name: "axis", Value: i} }

func (b *builder) constant(t onnx.Tensor) string {
	t.Name = b.fresh("constant")
	b.g.Constants = append(b.g.Constants, t)
	return t.Name
}

func (b *builder) doubles(v ...float64) string {
	return b.constant(onnx.Float64s("", v, int64(len(v))))
}
func (b *builder) ints(v ...int64) string { return b.constant(onnx.Int64s("", v, int64(len(v)))) }
func (b *builder) bools(v ...bool) string { return b.constant(onnx.Bools("", v, int64(len(v)))) }
func (b *builder) texts(v ...string) string {
	return b.constant(onnx.Texts("", v, int64(len(v))))
}

// reals adds a constant in the network's precision; without a shape it is a vector.
func (b *builder) reals(v []float64, shape ...int64) string { return b.of(b.real, v, shape...) }

// of adds a constant of floats or doubles.
func (b *builder) of(t onnx.Type, v []float64, shape ...int64) string {
	if shape == nil {
		shape = []int64{int64(len(v))}
	}
	if t == onnx.Float64 {
		return b.constant(onnx.Float64s("", v, shape...))
	}
	single := make([]float32, len(v))
	for i, x := range v {
		single[i] = float32(x)
	}
	return b.constant(onnx.Float32s("", single, shape...))
}

// one adds a single number in the network's precision.
func (b *builder) one(x float64) string { return b.reals([]float64{x}) }

func (b *builder) cast(x string, to onnx.Type) string {
	return b.op("Cast", []string{x}, onnx.Attribute{Name: "to", Value: int64(to)})
}

// concat joins columns side by side.
func (b *builder) concat(columns []string) string {
	if len(columns) == 1 {
		return columns[0]
	}
	return b.op("Concat", columns, axis(1))
}

// columns selects some columns of a matrix of width columns.
func (b *builder) columns(x string, width int, which []int) string {
	all := len(which) == width
	places := make([]int64, len(which))
	for i, c := range which {
		places[i] = int64(c)
		all = all && c == i
	}
	if all {
		return x
	}
	return b.op("Gather", []string{x, b.ints(places...)}, axis(1))
}

// addLayer adds a = f(norm(x·W + b)).
func addLayer[T nn.Float](b *builder, net *nn.Network[T], l int, x string) (string, error) {
	d, w := net.Layer(l), net.Weights(l)
	numbers := func(v []T) []float64 {
		out := make([]float64, len(v))
		for i, x := range v {
			out[i] = float64(x)
		}
		return out
	}
	in := []string{x, b.reals(numbers(w.Data[:w.Rows*w.Cols]), int64(w.Rows), int64(w.Cols))}
	if bias := net.Bias(l); bias != nil {
		in = append(in, b.reals(numbers(bias)))
	}
	z := b.op("Gemm", in)
	if d.Norm != nn.NoNorm {
		v := map[string]string{}
		for _, t := range net.Tensors() {
			if part, ok := strings.CutPrefix(t.Name, fmt.Sprintf("layers.%d.norm.", l)); ok {
				v[part] = b.reals(numbers(t.Data))
			}
		}
		epsilon := onnx.Attribute{Name: "epsilon", Value: float32(nn.NormEpsilon)}
		if d.Norm == nn.BatchNorm {
			z = b.op("BatchNormalization", []string{z, v["weight"], v["bias"], v["mean"], v["var"]}, epsilon)
		} else {
			z = b.op("LayerNormalization", []string{z, v["weight"], v["bias"]}, epsilon)
		}
	}
	return b.activate(d.Activation, l, z)
}

// predict adds what turns the network's outputs y, in a precision, into predictions: values in the targets' units,
// or probabilities. For two classes it is only the probability of the second.
func (b *builder) predict(m *model.Model, y string, in onnx.Type) string {
	e := m.Encoding
	number := func(x ...float64) string { return b.of(in, x) }
	switch m.Task() {
	case data.Regression:
		center, scale := make([]float64, len(e.Targets)), make([]float64, len(e.Targets))
		for i, t := range e.Targets {
			center[i], scale[i] = t.Center, t.Scale
		}
		return b.do("Add", b.do("Mul", y, number(scale...)), number(center...))
	case data.Binary, data.Multilabel:
		if m.Loss == nn.Hinge {
			return b.do("Div", number(1), b.do("Add", number(1), b.do("Exp", b.do("Neg", y))))
		}
	case data.Multiclass:
		sum := b.op("ReduceSum", []string{y, b.ints(1)}, onnx.Attribute{Name: "keepdims", Value: int64(1)})
		return b.do("Where", b.do("Greater", sum, number(0)), b.do("Div", y, sum), y)
	}
	return y
}

// finish adds the outputs of a graph, from predictions y in a precision. Only the whole model has labels.
func (b *builder) finish(m *model.Model, y string, in onnx.Type, labels bool) {
	e := m.Encoding
	number := func(x ...float64) string { return b.of(in, x) }
	if m.Task() == data.Regression {
		b.output("variable", y, in, len(e.Targets))
		return
	}
	p := y
	if m.Task() == data.Binary {
		p = b.concat([]string{b.do("Sub", number(1), y), y})
	}
	if in != b.real {
		p = b.cast(p, b.real)
	}
	if labels {
		switch m.Task() {
		case data.Binary:
			second := b.cast(b.do("Greater", y, number(m.Threshold)), onnx.Int64)
			b.class(e.Targets[0], b.do("Squeeze", second, b.ints(1)))
		case data.Multiclass:
			b.class(e.Targets[0], b.op("ArgMax", []string{y}, axis(1), onnx.Attribute{Name: "keepdims", Value: int64(0)}))
		case data.Multilabel:
			b.labels(e.Targets, b.do("Greater", y, number(0.5)))
		}
	}
	b.output("probabilities", p, b.real, m.Outputs())
}

// output makes a value an output with a name, of shape [N, columns], or [N] if columns is 0.
// The name is changed if a column already has it.
func (b *builder) output(name, of string, t onnx.Type, columns int) {
	for b.isInput(name) {
		name += "_"
	}
	b.to(name, "Identity", []string{of})
	v := onnx.Value{Name: name, Type: t, Shape: []onnx.Dim{{Name: "N"}}}
	if columns > 0 {
		v.Shape = append(v.Shape, onnx.Dim{Size: int64(columns)})
	}
	b.g.Outputs = append(b.g.Outputs, v)
}

func (b *builder) isInput(name string) bool {
	return slices.ContainsFunc(b.g.Inputs, func(v onnx.Value) bool { return v.Name == name })
}

// class outputs the class at the index of each row.
func (b *builder) class(y data.Target, index string) {
	whole := wholeClasses(y.Classes)
	if whole == nil {
		b.output("label", b.do("Gather", b.texts(y.Classes...), index), onnx.String, 0)
	} else {
		b.output("label", b.do("Gather", b.ints(whole...), index), onnx.Int64, 0)
	}
}

// labels outputs the first or the second class of each target.
func (b *builder) labels(targets []data.Target, second string) {
	var texts [2][]string
	var whole [2][]int64
	for _, y := range targets {
		n := wholeClasses(y.Classes)
		for i := range 2 {
			texts[i] = append(texts[i], y.Classes[i])
			if n != nil {
				whole[i] = append(whole[i], n[i])
			}
		}
	}
	if len(whole[0]) == len(targets) {
		b.output("label", b.do("Where", second, b.ints(whole[1]...), b.ints(whole[0]...)), onnx.Int64, len(targets))
	} else {
		b.output("label", b.do("Where", second, b.texts(texts[1]...), b.texts(texts[0]...)), onnx.String, len(targets))
	}
}

// wholeClasses returns the classes as integers; nil if one is not an integer.
func wholeClasses(classes []string) []int64 {
	out := make([]int64, len(classes))
	for i, c := range classes {
		n, err := strconv.ParseInt(c, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != c {
			return nil
		}
		out[i] = n
	}
	return out
}
