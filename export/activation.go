package export

import (
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/onnx"
	"github.com/gradus-ml/gradus/nn"
)

// activation is how the formats write one of nn's activations. An empty field means that the format cannot write it.
type activation struct {
	name string
	inGo string // f(z) in functions of package kernel; p is the parameter
	inC  string // f(z) in C; F is the suffix of functions of the precision, and p the parameter

	// inONNX adds f(z), composed of operations that runtimes have in both precisions.
	inONNX func(b *builder, z string, p float64) string
	op     string // the operation of ONNX that Import reads

	torch string // the module of PyTorch
}

// activations is the one table of activations. Softmax is of a whole row, so the templates of Go and C have it.
var activations = []activation{
	{name: "identity", inGo: "z", inC: "z", inONNX: func(_ *builder, z string, _ float64) string { return z }},
	{name: "relu", inGo: "relu(z)", inC: "z > 0 ? z : 0", op: "Relu", torch: "ReLU()",
		inONNX: func(b *builder, z string, _ float64) string { return b.do("Max", z, b.one(0)) }},
	{name: "sigmoid", inGo: "Sigmoid(z)", inC: "1 / (1 + expF(-z))", op: "Sigmoid", torch: "Sigmoid()",
		inONNX: func(b *builder, z string, _ float64) string { return b.sigmoid(z) }},
	{name: "tanh", inGo: "Tanh(z)", inC: "tanhF(z)", op: "Tanh", torch: "Tanh()",
		inONNX: func(b *builder, z string, _ float64) string { return b.tanh(z) }},
	{name: "leaky-relu", inGo: "leaky(z, p)", inC: "z > 0 ? z : p * z", op: "LeakyRelu", torch: "LeakyReLU(p)",
		inONNX: func(b *builder, z string, p float64) string {
			return b.do("Where", b.do("Greater", z, b.one(0)), z, b.do("Mul", z, b.one(p)))
		}},
	{name: "elu", inGo: "elu(z, p, 1)", inC: "z > 0 ? z : p * expm1F(z)", op: "Elu", torch: "ELU(p)",
		inONNX: func(b *builder, z string, p float64) string { return b.elu(z, 1, p) }},
	{name: "selu", inGo: "elu(z, seluLambda*seluAlpha, seluLambda)", op: "Selu", torch: "SELU()",
		inC: "z > 0 ? (real)1.0507009873554805 * z : (real)1.7580993408473768 * expm1F(z)",
		inONNX: func(b *builder, z string, _ float64) string {
			const alpha, lambda = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
			return b.elu(z, lambda, lambda*alpha)
		}},
	{name: "gelu", inGo: "z * normalCDF(z)", inC: "z * (real)0.5 * erfcF(-z * (real)0.70710678118654752)", op: "Gelu", torch: "GELU()",
		inONNX: func(b *builder, z string, _ float64) string { return b.do("Mul", z, b.normalCDF(z)) }},
	{name: "silu", inGo: "z * Sigmoid(z)", inC: "z / (1 + expF(-z))", torch: "SiLU()",
		inONNX: func(b *builder, z string, _ float64) string { return b.do("Mul", z, b.sigmoid(z)) }},
	{name: "mish", inGo: "mish(z)", inC: "z * tanhF((z > 0 ? z : 0) + log1pF(expF(-fabsF(z))))", op: "Mish", torch: "Mish()",
		inONNX: func(b *builder, z string, _ float64) string { return b.do("Mul", z, b.tanh(b.softplus(z))) }},
	{name: "softplus", inGo: "Softplus(z)", inC: "(z > 0 ? z : 0) + log1pF(expF(-fabsF(z)))", op: "Softplus", torch: "Softplus()",
		inONNX: func(b *builder, z string, _ float64) string { return b.softplus(z) }},
	{name: "exp", inGo: "Exp(z)", inC: "expF(z)", op: "Exp",
		inONNX: func(b *builder, z string, _ float64) string { return b.do("Exp", z) }},
	{name: "softmax", op: "Softmax", torch: "Softmax(1)",
		inONNX: func(b *builder, z string, _ float64) string { return b.op("Softmax", []string{z}, axis(1)) }},
}

// find returns the first line of the table that wanted accepts, or an empty one.
func find(wanted func(a activation) bool) activation {
	for _, a := range activations {
		if wanted(a) {
			return a
		}
	}
	return activation{}
}

// builtIn returns how a built-in activation is written, and its parameter. A custom one is an error.
func builtIn(f nn.Activation, layer int) (a activation, parameter float64, err error) {
	own, err := nn.ParseActivation(f.String())
	if err != nil || own.F(0.75) != f.F(0.75) || own.F(-0.75) != f.F(-0.75) {
		return a, 0, unsupported("layer %d has the activation %s, which is not one of gradus's own: only those can be exported", layer, f)
	}
	name, text, given := strings.Cut(f.String(), ":")
	if given {
		if parameter, err = strconv.ParseFloat(text, 64); err != nil {
			return a, 0, unsupported("layer %d has the activation %s, whose parameter is not a number", layer, f)
		}
	}
	a = find(func(a activation) bool { return a.name == name })
	a.name = name
	return a, parameter, nil
}

// activate adds a = f(z).
func (b *builder) activate(f nn.Activation, layer int, z string) (string, error) {
	a, parameter, err := builtIn(f, layer)
	if err != nil {
		return "", err
	}
	if a.inONNX == nil {
		return "", unsupported("layer %d has the activation %s, which ONNX export does not know", layer, f)
	}
	return a.inONNX(b, z, parameter), nil
}

// elu is s·z for z > 0, else p·(e^z - 1).
func (b *builder) elu(z string, s, p float64) string {
	below := b.do("Sub", b.do("Exp", b.do("Min", z, b.one(0))), b.one(1))
	return b.do("Where", b.do("Greater", z, b.one(0)), b.do("Mul", z, b.one(s)), b.do("Mul", below, b.one(p)))
}

// softplus is max(z, 0) + log(1 + e^-|z|).
func (b *builder) softplus(z string) string {
	tail := b.do("Log", b.do("Add", b.do("Exp", b.do("Neg", b.do("Abs", z))), b.one(1)))
	return b.do("Add", b.do("Max", z, b.one(0)), tail)
}

// normalCDF is (1 + erf(z/√2))/2, in float32.
func (b *builder) normalCDF(z string) string {
	if b.real == onnx.Float64 {
		z = b.cast(z, onnx.Float32)
	}
	single := func(v float64) string { return b.of(onnx.Float32, []float64{v}) }
	cdf := b.do("Mul", b.do("Add", b.do("Erf", b.do("Mul", z, single(0.70710678118654752440))), single(1)), single(0.5))
	if b.real == onnx.Float64 {
		cdf = b.cast(cdf, onnx.Float64)
	}
	return cdf
}

// In float64, sigmoid and tanh are composed of other operations. onnxruntime 1.15 fuses the built-in operations, and Relu, with
// the product before them, and cannot compute the fused operation in float64.

func (b *builder) sigmoid(z string) string {
	if b.real == onnx.Float32 {
		return b.do("Sigmoid", z)
	}
	return b.do("Div", b.one(1), b.do("Add", b.one(1), b.do("Exp", b.do("Neg", z))))
}

// tanh is (1 - e^-2|z|) / (1 + e^-2|z|) with the sign of z.
func (b *builder) tanh(z string) string {
	if b.real == onnx.Float32 {
		return b.do("Tanh", z)
	}
	e := b.do("Exp", b.do("Mul", b.do("Abs", z), b.one(-2)))
	return b.do("Mul", b.do("Sign", z), b.do("Div", b.do("Sub", b.one(1), e), b.do("Add", b.one(1), e)))
}
