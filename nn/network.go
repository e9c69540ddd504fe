package nn

import (
	"errors"
	"fmt"
	"math"
)

// Dense is a layer in which every unit sees every input: a = f(x·W + b), with W of shape
// [in, Units].
type Dense struct {
	Units      int
	Activation Activation // nil is Identity
	NoBias     bool
	Init       Init // the zero value chooses by the activation
}

// ErrShape is wrapped by New when a network cannot have the shape asked for.
var ErrShape = errors.New("network shape")

// Network is a feed-forward network. Its parameters are one flat slice, layer by layer,
// each layer's weights row by row and then its bias. It keeps nothing of a forward pass
// (a Tape does), so many goroutines may use one network, as long as none changes its
// parameters.
type Network[T Float] struct {
	inputs int
	layers []layer
	panels []panel
	params []T
}

// panel is a part of a layer's weights whose gradient is computed at once: so many rows of
// W that they stay in a core's cache until they are used. The first panel of a layer has
// its bias as well. The panels of the last layer come first.
type panel struct {
	layer    int
	from, to int // rows of W
}

// panelBytes is how large a panel's gradient may be.
const panelBytes = 192 << 10

type layer struct {
	Dense
	in           int
	weight, bias int // where they start in the parameters
}

// New returns a network with inputs inputs and the given layers, its weights drawn from
// the seed: the same seed gives the same weights on every machine. It takes the memory for
// them at once; ParamCount says beforehand how many there would be.
func New[T Float](inputs int, seed uint64, layers ...Dense) (*Network[T], error) {
	n, err := plan[T](inputs, layers)
	if err != nil {
		return nil, err
	}
	n.params = make([]T, n.size())
	n.layPanels()
	for i, l := range n.layers {
		fillWeights(l.Init.resolve(l.Activation), n.Weights(i).Data, l.in, l.Units, seed, i)
	}
	return n, nil
}

// ParamCount returns how many parameters such a network would have, without making it.
func ParamCount(inputs int, layers ...Dense) (int, error) {
	n, err := plan[float32](inputs, layers)
	if err != nil {
		return 0, err
	}
	return n.size(), nil
}

// plan lays a network out, without its parameters.
func plan[T Float](inputs int, layers []Dense) (*Network[T], error) {
	if inputs < 1 {
		return nil, fmt.Errorf("%w: a network needs at least one input, not %d", ErrShape, inputs)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("%w: a network needs at least one layer, its output", ErrShape)
	}
	n := &Network[T]{inputs: inputs, layers: make([]layer, len(layers))}
	in, at := inputs, 0
	for i, d := range layers {
		if d.Activation == nil {
			d.Activation = Identity
		}
		if d.Units < 1 {
			return nil, fmt.Errorf("%w: layer %d: a layer needs at least one unit, not %d", ErrShape, i, d.Units)
		}
		if d.Activation == Softmax && i < len(layers)-1 {
			return nil, fmt.Errorf("%w: layer %d: softmax belongs to the output layer", ErrShape, i)
		}
		if in > (math.MaxInt-at-d.Units)/d.Units {
			return nil, fmt.Errorf("%w: layer %d: %d x %d weights are more than can be counted", ErrShape, i, in, d.Units)
		}
		n.layers[i] = layer{Dense: d, in: in, weight: at, bias: at + in*d.Units}
		at += in * d.Units
		if !d.NoBias {
			at += d.Units
		}
		in = d.Units
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

// size is the number of parameters the layout asks for.
func (n *Network[T]) size() int {
	last := n.layers[len(n.layers)-1]
	if last.NoBias {
		return last.bias
	}
	return last.bias + last.Units
}

// Inputs returns the number of inputs.
func (n *Network[T]) Inputs() int { return n.inputs }

// Outputs returns the number of outputs.
func (n *Network[T]) Outputs() int { return n.layers[len(n.layers)-1].Units }

// Depth returns the number of layers.
func (n *Network[T]) Depth() int { return len(n.layers) }

// Layer returns the description of layer l, its initialisation resolved.
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

// Params returns all parameters, one flat slice. Writing to it changes the network.
func (n *Network[T]) Params() []T { return n.params }

// Weights returns the weights of layer l, shape [in, units], as a view into Params.
func (n *Network[T]) Weights(l int) Matrix[T] { return n.weightsIn(n.params, l) }

// Bias returns the bias of layer l as a view into Params; nil where it has none.
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

// Locate says what parameter i is: its layer, the input it comes from (-1 for a bias) and
// the unit it goes to.
func (n *Network[T]) Locate(i int) (l, in, unit int) {
	for l = range n.layers {
		d := &n.layers[l]
		switch {
		case i < 0:
		case i < d.bias:
			return l, (i - d.weight) / d.Units, (i - d.weight) % d.Units
		case !d.NoBias && i < d.bias+d.Units:
			return l, -1, i - d.bias
		}
	}
	panic(fmt.Sprintf("nn: parameter %d of %d", i, len(n.params)))
}

// Index is the inverse of Locate: where a weight, or with in = -1 a bias, stands in Params.
func (n *Network[T]) Index(l, in, unit int) (int, error) {
	if l < 0 || l >= len(n.layers) {
		return 0, fmt.Errorf("there is no layer %d; the network has layers 0 to %d", l, len(n.layers)-1)
	}
	d := &n.layers[l]
	switch {
	case unit < 0 || unit >= d.Units:
		return 0, fmt.Errorf("layer %d has no unit %d; it has units 0 to %d", l, unit, d.Units-1)
	case in == -1 && d.NoBias:
		return 0, fmt.Errorf("layer %d has no bias", l)
	case in == -1:
		return d.bias + unit, nil
	case in < -1 || in >= d.in:
		return 0, fmt.Errorf("layer %d has no input %d; it has inputs 0 to %d", l, in, d.in-1)
	}
	return d.weight + in*d.Units + unit, nil
}

// Clone returns a copy with parameters of its own.
func (n *Network[T]) Clone() *Network[T] { return ConvertNetwork[T](n) }

// ConvertNetwork returns a copy of n in another precision, with parameters of its own.
func ConvertNetwork[U, T Float](n *Network[T]) *Network[U] {
	out := &Network[U]{inputs: n.inputs, layers: n.layers, panels: n.panels, params: make([]U, len(n.params))}
	for i, v := range n.params {
		out.params[i] = U(v)
	}
	return out
}
