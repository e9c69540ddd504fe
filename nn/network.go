package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Dense is a layer in which every unit sees every input: a = f(norm(x·W + b)), with W of
// shape [in, Units]. In training x is dropout(x).
type Dense struct {
	Units      int
	Activation Activation // nil is Identity
	NoBias     bool
	Init       Init    // the zero value chooses by the activation
	Norm       Norm    // the zero value is none
	Dropout    float64 // the share of its inputs that ForwardTraining sets to 0, in [0, 1)
}

// ErrShape is wrapped by New when a network cannot have the shape asked for.
var ErrShape = errors.New("network shape")

// Network is a feed-forward network. Its parameters are one flat slice, layer by layer: each
// layer's weights row by row, then its bias, then its norm's gamma and beta. It keeps nothing
// from a forward pass (a Tape does). So many goroutines may use one network, as long as none
// changes its parameters or its state.
type Network[T Float] struct {
	inputs int
	layers []layer
	panels []panel
	params []T
	state  []T
	values []T  // params, then state
	plain  bool // no layer has a norm or dropout: training and inference are one
	normed bool // a layer has a norm
}

// panel is a part of a layer's weights whose gradient is computed at once. It has few enough
// rows of W that its gradient stays in a core's cache until it is used. The first panel of a
// layer also has its bias, gamma and beta. The panels of the last layer come first.
type panel struct {
	layer    int
	from, to int // rows of W
}

// panelBytes is the largest size of a panel's gradient in bytes.
const panelBytes = 192 << 10

type layer struct {
	Dense
	in                             int
	weight, bias, gamma, beta, end int // where they start in the parameters; end is the end of the layer
	mean, variance                 int // where they start in the state
}

// Seeded is a seed for New, made by Seed. It has its own type so that a seed cannot be confused
// with a number of units. The zero value is Seed(0).
type Seeded struct{ seed uint64 }

// Seed returns the seed from which New draws the weights.
func Seed(seed uint64) Seeded { return Seeded{seed} }

// New returns a network with that many inputs and the given layers. The last layer is the
// output. The weights are drawn from the seed: the same seed gives the same weights on every
// machine. New allocates all of them; ParamCount says beforehand how many there would be. If the
// network cannot be built, the error wraps ErrShape.
func New[T Float](inputs int, seed Seeded, layers ...Dense) (*Network[T], error) {
	n, err := plan[T](inputs, layers)
	if err != nil {
		return nil, err
	}
	count := n.size() + StateCount(layers...)
	if count > mostNumbers {
		return nil, fmt.Errorf("%w: %d parameters are more than memory can hold; use smaller layers", ErrShape, n.size())
	}
	n.setValues(make([]T, count))
	n.layPanels()
	for i, l := range n.layers {
		fillWeights(l.Init.resolve(l.Activation), n.Weights(i).Data, l.in, l.Units, seed.seed, i)
		n.startNorm(i)
	}
	return n, nil
}

// mostNumbers is more than any machine can hold, and make accepts it.
const mostNumbers = min(1<<43, math.MaxInt/8)

// setValues uses v as the parameters and the state.
func (n *Network[T]) setValues(v []T) {
	size := n.size()
	n.values, n.params, n.state = v, v[:size:size], v[size:]
}

// ParamCount returns the number of parameters of such a network, without building it.
func ParamCount(inputs int, layers ...Dense) (int, error) {
	n, err := plan[float32](inputs, layers)
	if err != nil {
		return 0, err
	}
	return n.size(), nil
}

// StateCount returns the length of State for such a network.
func StateCount(layers ...Dense) int {
	sum := 0
	for _, d := range layers {
		if d.Norm == BatchNorm {
			sum += 2 * d.Units
		}
	}
	return sum
}

// plan lays out a network, without its parameters.
func plan[T Float](inputs int, layers []Dense) (*Network[T], error) {
	if inputs < 1 {
		return nil, fmt.Errorf("%w: a network needs at least one input, not %d", ErrShape, inputs)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("%w: a network needs at least one layer, its output", ErrShape)
	}
	n := &Network[T]{inputs: inputs, layers: make([]layer, len(layers)), plain: true}
	in, at, state := inputs, 0, 0
	for i, d := range layers {
		if d.Activation == nil {
			d.Activation = Identity
		}
		if err := validate(d.Activation); err != nil {
			return nil, fmt.Errorf("%w: layer %d: the activation %s: %w", ErrShape, i, d.Activation, err)
		}
		if err := d.Init.Validate(); err != nil {
			return nil, fmt.Errorf("%w: layer %d: the initialization %s: %w", ErrShape, i, d.Init, err)
		}
		if d.Units < 1 {
			return nil, fmt.Errorf("%w: layer %d: a layer needs at least one unit, not %d", ErrShape, i, d.Units)
		}
		if d.Activation == Softmax && i < len(layers)-1 {
			return nil, fmt.Errorf("%w: layer %d: softmax belongs to the output layer", ErrShape, i)
		}
		if d.Norm > LayerNorm {
			return nil, fmt.Errorf("%w: layer %d: there is no norm number %d; choose NoNorm, BatchNorm or LayerNorm", ErrShape, i, d.Norm)
		}
		if !(d.Dropout >= 0 && d.Dropout < 1) {
			return nil, fmt.Errorf("%w: layer %d: a share of %v of its inputs cannot be dropped; give a number of at least 0 and less than 1", ErrShape, i, d.Dropout)
		}
		vectors := 1 // number of vectors of Units parameters, besides the weights
		if d.Norm != NoNorm {
			vectors = 3
		}
		if in > (math.MaxInt-at)/d.Units-vectors {
			return nil, fmt.Errorf("%w: layer %d: %d x %d weights are more than can be counted", ErrShape, i, in, d.Units)
		}
		l := layer{Dense: d, in: in, weight: at, bias: at + in*d.Units, mean: state, variance: state + d.Units}
		l.gamma = l.bias
		if !d.NoBias {
			l.gamma += d.Units
		}
		l.beta, l.end = l.gamma, l.gamma
		if d.Norm != NoNorm {
			l.beta, l.end = l.gamma+d.Units, l.gamma+2*d.Units
			n.normed = true
		}
		n.plain = n.plain && d.Norm == NoNorm && d.Dropout == 0
		n.layers[i] = l
		at, in = l.end, d.Units
		state += StateCount(d)
	}
	return n, nil
}

// layPanels cuts the weights into panels.
func (n *Network[T]) layPanels() {
	for l := len(n.layers) - 1; l >= 0; l-- {
		d := &n.layers[l]
		rows := max(24, panelBytes/(8*d.Units)/24*24) // a multiple of every tile's height
		for from := 0; from < d.in; from += rows {
			n.panels = append(n.panels, panel{l, from, min(from+rows, d.in)})
		}
	}
}

// size returns the number of parameters in the layout.
func (n *Network[T]) size() int { return n.layers[len(n.layers)-1].end }

// Inputs returns the number of inputs.
func (n *Network[T]) Inputs() int { return n.inputs }

// Outputs returns the number of outputs.
func (n *Network[T]) Outputs() int { return n.layers[len(n.layers)-1].Units }

// Depth returns the number of layers.
func (n *Network[T]) Depth() int { return len(n.layers) }

// Layer returns the description of layer l, its initialization resolved.
func (n *Network[T]) Layer(l int) Dense {
	d := n.layers[l].Dense
	d.Init = d.Init.resolve(d.Activation)
	return d
}

// Layers returns the description of every layer.
func (n *Network[T]) Layers() []Dense {
	out := make([]Dense, len(n.layers))
	for i := range out {
		out[i] = n.Layer(i)
	}
	return out
}

// Params returns all parameters in one flat slice. Writing to it changes the network.
func (n *Network[T]) Params() []T { return n.params }

// State returns what the network has learned besides its parameters, in one flat slice: for
// each batch normalization, layer by layer, its running means and then its running variances.
func (n *Network[T]) State() []T { return n.state }

// Values returns the parameters followed by the state, in one flat slice. Two networks with the
// same layers differ only in these.
func (n *Network[T]) Values() []T { return n.values }

// Weights returns the weights of layer l, shape [in, units], as a view into Params.
func (n *Network[T]) Weights(l int) Matrix[T] { return n.weightsIn(n.params, l) }

// Bias returns the bias of layer l as a view into Params, or nil if it has none.
func (n *Network[T]) Bias(l int) []T { return n.biasIn(n.params, l) }

// weightsIn and biasIn find a layer's part in any slice laid out like the parameters: the
// parameters themselves, or a gradient.

func (n *Network[T]) weightsIn(p []T, l int) Matrix[T] {
	d := &n.layers[l]
	return Matrix[T]{Rows: d.in, Cols: d.Units, Stride: d.Units, Data: p[d.weight:d.bias:d.bias]}
}

func (n *Network[T]) biasIn(p []T, l int) []T {
	d := &n.layers[l]
	if d.NoBias {
		return nil
	}
	return p[d.bias:][:d.Units:d.Units]
}

// OfBias, OfGamma and OfBeta are used by Locate and Index in place of an input, for a parameter that multiplies no input.
const (
	OfBias  = -1
	OfGamma = -2 // of the layer's norm
	OfBeta  = -3
)

// Locate says what parameter i is: its layer, the input it multiplies (OfBias, OfGamma or
// OfBeta if none) and the unit it belongs to.
func (n *Network[T]) Locate(i int) (l, in, unit int) {
	for l = range n.layers {
		d := &n.layers[l]
		switch {
		case i < 0:
		case i < d.bias:
			return l, (i - d.weight) / d.Units, (i - d.weight) % d.Units
		case i < d.gamma:
			return l, OfBias, i - d.bias
		case i < d.beta:
			return l, OfGamma, i - d.gamma
		case i < d.end:
			return l, OfBeta, i - d.beta
		}
	}
	panic(fmt.Sprintf("nn: parameter %d of %d", i, len(n.params)))
}

// HasNorm reports whether some layer has that norm.
func (n *Network[T]) HasNorm(kind Norm) bool {
	return slices.ContainsFunc(n.layers, func(d layer) bool { return d.Norm == kind })
}

// Index is the inverse of Locate: it returns the index of a parameter in Params.
func (n *Network[T]) Index(l, in, unit int) (int, error) {
	if l < 0 || l >= len(n.layers) {
		return 0, fmt.Errorf("there is no layer %d; the network has layers 0 to %d", l, len(n.layers)-1)
	}
	d := &n.layers[l]
	switch {
	case unit < 0 || unit >= d.Units:
		return 0, fmt.Errorf("layer %d has no unit %d; it has units 0 to %d", l, unit, d.Units-1)
	case in == OfBias && d.NoBias:
		return 0, fmt.Errorf("layer %d has no bias", l)
	case in == OfBias:
		return d.bias + unit, nil
	case (in == OfGamma || in == OfBeta) && d.Norm != NoNorm:
		return d.gamma + (OfGamma-in)*d.Units + unit, nil
	case in < 0 || in >= d.in:
		return 0, fmt.Errorf("layer %d has no input %d; it has inputs 0 to %d", l, in, d.in-1)
	}
	return d.weight + in*d.Units + unit, nil
}

// Clone returns a copy with its own parameters and state.
func (n *Network[T]) Clone() *Network[T] { return ConvertNetwork[T](n) }

// WithoutDropout is Clone without dropout. ForwardTraining then differs from Forward only in
// the statistics of batch normalization.
func (n *Network[T]) WithoutDropout() *Network[T] {
	out := n.Clone()
	out.layers = append([]layer(nil), n.layers...)
	for l := range out.layers {
		out.layers[l].Dropout = 0
	}
	out.plain = !out.normed
	return out
}

// ConvertNetwork returns a copy of n in another precision, with its own parameters and state.
func ConvertNetwork[U, T Float](n *Network[T]) *Network[U] {
	out := &Network[U]{inputs: n.inputs, layers: n.layers, panels: n.panels, plain: n.plain, normed: n.normed}
	out.setValues(make([]U, len(n.values)))
	for i, v := range n.values {
		out.values[i] = U(v)
	}
	return out
}

// Tensor is one of the named arrays that make up a network. It is a matrix, or if Rows is 0 a
// vector of Cols elements.
type Tensor[T Float] struct {
	Name       string
	Rows, Cols int
	Data       []T // a view into Values
}

// Tensors returns all of a network's arrays under their names in a model file, in the order of
// Values: layers.K.weight and layers.K.bias, layers.K.norm.weight and layers.K.norm.bias (gamma
// and beta), and for batch normalization layers.K.norm.mean and layers.K.norm.var.
func (n *Network[T]) Tensors() []Tensor[T] {
	var params, state []Tensor[T]
	for l := range n.layers {
		d := &n.layers[l]
		w := n.Weights(l)
		params = append(params, Tensor[T]{tensorName(l, 0), w.Rows, w.Cols, w.Data})
		if !d.NoBias {
			params = append(params, Tensor[T]{tensorName(l, OfBias), 0, d.Units, n.params[d.bias:d.gamma]})
		}
		if d.Norm != NoNorm {
			params = append(params,
				Tensor[T]{tensorName(l, OfGamma), 0, d.Units, n.params[d.gamma:d.beta]},
				Tensor[T]{tensorName(l, OfBeta), 0, d.Units, n.params[d.beta:d.end]})
		}
		if d.Norm == BatchNorm {
			state = append(state,
				Tensor[T]{fmt.Sprintf("layers.%d.norm.mean", l), 0, d.Units, n.state[d.mean:][:d.Units]},
				Tensor[T]{fmt.Sprintf("layers.%d.norm.var", l), 0, d.Units, n.state[d.variance:][:d.Units]})
		}
	}
	return append(params, state...)
}

// tensorName returns the name of the tensor of layer l that holds the parameters with that
// value of in, as in Locate. The weights of all inputs are one tensor.
func tensorName(l, in int) string {
	part := "weight"
	switch in {
	case OfBias:
		part = "bias"
	case OfGamma:
		part = "norm.weight"
	case OfBeta:
		part = "norm.bias"
	}
	return fmt.Sprintf("layers.%d.%s", l, part)
}
