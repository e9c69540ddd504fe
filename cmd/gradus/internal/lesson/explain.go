package lesson

import (
	"errors"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// ErrExplain is wrapped by the errors of Explain.
var ErrExplain = errors.New("cannot explain")

// ExplainOptions say what to explain. The reduction is not among them, because over one sample the sum
// and the mean are the same.
type ExplainOptions struct {
	Loss     nn.Loss         // default: half-squared, the notebook's
	Rule     optim.Optimizer // default: sgd
	Rate     float64         // default: optim.DefaultLearningRate of the rule
	Weight   *Address        // nil: the weight of the first layer with the largest |gradient|
	MaxPaths int             // with more paths than this, use the recursion instead of a list of all paths; default 64
	Batch    *Batch          // the sample's batch; only batch normalization uses it
}

// Explanation is one step of gradient descent on one sample, and for one weight w the chain
// rule
//
//	dL/dw = Σ over the paths from w to an output of  dL/da · f'(z) · w' · f'(z) · ... · x
//
// with its numbers. The number of paths is the product of the widths of the layers after w. Through a
// layer norm a path leads from any unit of the layer to any other. Either Paths lists all paths,
// or, if there are too many, Recursion shows the same sum as backpropagation computes it.
//
// Batch normalization ties the rows of a batch together. The gradient is then that of the loss summed
// over the batch. It is a sum over the rows of the batch, which Recursion shows after the sample's delta.
type Explanation struct {
	Input   []float64 `json:"input"`
	Layers  []Layer   `json:"layers"`
	Outputs []Output  `json:"outputs"`
	Batch   int       `json:"batch,omitempty"` // number of rows in the batch with batch normalization, otherwise 0
	Row     int       `json:"row,omitempty"`   // the sample's row in the batch
	Loss    float64   `json:"loss"`            // of the sample, as the engine computes it: finite even if an output has saturated

	Weight Address `json:"weight"`
	Index  int     `json:"index"` // of the weight in Params
	Value  float64 `json:"value"` // of the weight before the step

	// FromZ: the chain starts at dL/dz of an output instead of dL/da · f'(z). Either the output's
	// activation is softmax, whose outputs depend on every z, or the two separate factors would lose
	// the number: in a saturated output they are infinite and 0.
	FromZ     bool       `json:"from_z"`
	PathCount int        `json:"path_count"` // at most math.MaxInt; 0 with batch normalization
	Paths     []Path     `json:"paths,omitempty"`
	Recursion *Recursion `json:"recursion,omitempty"`
	Sum       float64    `json:"sum"` // of the paths, or the result of the recursion

	Gradient float64 `json:"gradient"` // by nn.Backprop
	Numeric  float64 `json:"numeric"`  // by a central difference, see nn.CheckGradient
	Error    float64 `json:"error"`    // between the two, as defined by nn.Comparison
	Kink     bool    `json:"kink"`     // a kink lies within the difference's step, so Numeric proves nothing

	Update     Update  `json:"update"`                // w - rate·g
	RuleUpdate *Update `json:"rule_update,omitempty"` // the rule's own first update, with empty slots; nil for sgd
}

// Layer is what one layer did to the sample: z = x·W + b, a = f(z), and delta = dL/dz. With a norm
// z is the value after the norm, and delta is the derivative before it: dL/d(x·W + b). The gradients of W
// and b are computed from that delta.
type Layer struct {
	Activation string    `json:"activation"`
	Norm       *Norm     `json:"norm,omitempty"`
	Z          []float64 `json:"z"`
	A          []float64 `json:"a"`
	Derivative []float64 `json:"derivative,omitempty"` // f'(z); nil for softmax, whose derivative is a matrix
	Delta      []float64 `json:"delta"`
}

// deltaZ returns dL/dz.
func (l Layer) deltaZ() []float64 {
	if l.Norm != nil {
		return l.Norm.DeltaZ
	}
	return l.Delta
}

// Output is one output against its target. Loss and Derivative follow the loss's formula in
// yhat and may be infinite, or not a number, where yhat has saturated. JSON then has null.
type Output struct {
	Target     float64 `json:"target"`
	Output     float64 `json:"output"` // yhat
	Loss       float64 `json:"loss"`
	Derivative float64 `json:"derivative"` // dL/dyhat
}

// MarshalJSON writes null for a number that is not finite.
func (o Output) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(o) }

// UnmarshalJSON reads null as NaN.
func (o *Output) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, o) }

// Update is the change of the weight in one step.
type Update struct {
	Rule   string  `json:"rule"`
	Rate   float64 `json:"rate"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// Explain computes one step of net on the sample x with the targets y. It does not change the
// network. Dropout belongs to training and drops nothing here. Batch normalization works as in
// training, over o.Batch.
func Explain(net *nn.Network[float64], o ExplainOptions, x, y []float64) (*Explanation, error) {
	o, err := o.check(net, x, y)
	if err != nil {
		return nil, err
	}
	n := net.WithoutDropout()
	rowX, rowY := nn.FromRows([][]float64{x}), nn.FromRows([][]float64{y})
	e := &Explanation{Input: append([]float64(nil), x...)}
	if o.Batch != nil && n.HasNorm(nn.BatchNorm) {
		rowX, rowY, e.Batch, e.Row = o.Batch.X, o.Batch.Y, o.Batch.X.Rows, o.Batch.Row
	}
	tape, grad := n.NewTape(rowX.Rows), make([]float64, len(n.Params()))
	p := passed{n, o.Loss, rowY, tape, grad, e.Row}
	n.ForwardTraining(tape, rowX, nn.Noise{})
	total := n.Backprop(tape, o.Loss, rowY, 1, grad)
	only := make([]float64, rowX.Rows)
	only[e.Row] = 1
	tape.UseWeights(only)
	e.Loss = n.Loss(tape, o.Loss, rowY)
	if !float.Finite(total) || !allFinite(grad) {
		return nil, fmt.Errorf("%w: the loss of this sample is %v, or its gradient is not finite; the weights have diverged", ErrExplain, e.Loss)
	}
	e.layers(p)
	e.outputs(n, o.Loss, y)

	if o.Weight == nil {
		l, in, unit := n.Locate(steepest(n, grad))
		o.Weight = &Address{Layer: l, In: in, Unit: unit}
	}
	e.Weight = *o.Weight
	e.Index, err = n.Index(e.Weight.Layer, e.Weight.In, e.Weight.Unit)
	if err != nil {
		return nil, fmt.Errorf("%w weight %s: %w", ErrExplain, e.Weight, err)
	}
	e.Value, e.Gradient = n.Params()[e.Index], grad[e.Index]
	e.chain(p, o)

	c, kink := nn.CompareOne(n, o.Loss, rowX, rowY, nn.Sum, e.Index)
	e.Numeric, e.Error, e.Kink = c.Numeric, c.Error, kink

	e.Update = e.updated(n, optim.SGD{}, o.Rate, grad)
	if o.Rule.String() != e.Update.Rule {
		u := e.updated(n, o.Rule, o.Rate, grad)
		e.RuleUpdate = &u
	}
	return e, nil
}

// check fills in the defaults and returns an error for what cannot be explained.
func (o ExplainOptions) check(net *nn.Network[float64], x, y []float64) (ExplainOptions, error) {
	if o.Loss == nil {
		o.Loss = nn.HalfSquared
	}
	if o.Rule == nil {
		o.Rule = optim.SGD{}
	}
	if o.Rate == 0 {
		o.Rate = optim.DefaultLearningRate(o.Rule.String())
	}
	if o.MaxPaths == 0 {
		o.MaxPaths = 64
	}
	bad := func(format string, args ...any) (ExplainOptions, error) {
		return o, fmt.Errorf("%w: "+format, append([]any{ErrExplain}, args...)...)
	}
	out := net.Layer(net.Depth() - 1)
	if err := nn.Compatible(o.Loss, out.Activation, out.Units); err != nil {
		return bad("%w", err)
	}
	if err := o.Rule.Validate(); err != nil {
		return bad("%s: %w", o.Rule, err)
	}
	switch {
	case !(o.Rate > 0) || !float.Finite(o.Rate):
		return bad("the learning rate is %v; it must be a finite number greater than 0", o.Rate)
	case o.MaxPaths < 1:
		return bad("at most %d paths were asked for; it must be at least 1", o.MaxPaths)
	case len(x) != net.Inputs():
		return bad("the sample has %d inputs, the network %d", len(x), net.Inputs())
	case len(y) != net.Outputs():
		return bad("the sample has %d targets, the network %d outputs", len(y), net.Outputs())
	}
	for i, v := range x {
		if !float.Finite(v) {
			return bad("input %d is %v, not a finite number", i, v)
		}
	}
	for _, v := range y {
		if err := nn.CheckTarget(o.Loss, v); err != nil {
			return bad("%w", err)
		}
	}
	if net.HasNorm(nn.BatchNorm) {
		if err := o.Batch.check(net, o.Loss, x, y); err != nil {
			return bad("%w", err)
		}
	}
	return o, nil
}

func (e *Explanation) layers(p passed) {
	n, tape := p.n, p.tape
	for l := range n.Depth() {
		f := n.Layer(l).Activation
		layer := Layer{
			Activation: f.String(), Norm: p.norm(l),
			Z:     append([]float64(nil), tape.Z(l).Row(p.row)...),
			A:     append([]float64(nil), tape.A(l).Row(p.row)...),
			Delta: append([]float64(nil), tape.Delta(l).Row(p.row)...),
		}
		if f != nn.Softmax {
			layer.Derivative = make([]float64, len(layer.Z))
			for j, z := range layer.Z {
				layer.Derivative[j] = f.D(z, layer.A[j])
			}
		}
		e.Layers = append(e.Layers, layer)
	}
}

// outputs compares the outputs with their targets, and decides where the chain starts.
func (e *Explanation) outputs(n *nn.Network[float64], loss nn.Loss, y []float64) {
	last := e.Layers[n.Depth()-1]
	e.FromZ = last.Derivative == nil
	for k, a := range last.A {
		own := nn.LossOf(loss, k)
		out := Output{Target: y[k], Output: a, Loss: own.L(y[k], a), Derivative: own.D(y[k], a)}
		e.Outputs = append(e.Outputs, out)
		if last.Derivative != nil {
			apart, delta := out.Derivative*last.Derivative[k], last.deltaZ()[k]
			if !(math.Abs(apart-delta) <= 1e-13*math.Abs(delta)) {
				e.FromZ = true
			}
		}
	}
}

// steepest returns the index of the first layer's weight with the largest |gradient|.
func steepest(n *nn.Network[float64], grad []float64) int {
	best := 0
	for i := range n.Weights(0).Data { // the weights of layer 0 are the first parameters
		if math.Abs(grad[i]) > math.Abs(grad[best]) {
			best = i
		}
	}
	return best
}

// updated returns the weight after a rule's first update. It updates all parameters, because a rule may
// use the whole gradient.
func (e *Explanation) updated(n *nn.Network[float64], rule optim.Optimizer, rate float64, grad []float64) Update {
	w := append([]float64(nil), n.Params()...)
	slots := make([][]float64, rule.Slots())
	for i := range slots {
		slots[i] = make([]float64, len(w))
	}
	optim.Update(rule, optim.Step{LearningRate: rate, N: 1}, w, append([]float64(nil), grad...), slots)
	return Update{Rule: rule.String(), Rate: rate, Before: e.Value, After: w[e.Index]}
}

func allFinite(list []float64) bool {
	for _, v := range list {
		if !float.Finite(v) {
			return false
		}
	}
	return true
}
