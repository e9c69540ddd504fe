package model

import (
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// With Options.Interval the network has three outputs for each target: the prediction, and a lower and an upper
// bound, which are learned as quantiles (see nn.WithBounds). The file has the network as it was trained. Predictions come from
// two networks made of it: the model's own has the outputs for the predictions, and that of Bounds has the outputs for the
// bounds. Both have the hidden layers and some of the last layer's columns, so their outputs have the bits of the whole
// network's.

// Bounds returns the model that makes the intervals for a level: its Intervals takes its own predictions. It has the same
// columns. Without Options.Interval it is the model itself. With Options.Interval = c, for the level c and higher ones, it
// predicts two numbers for each target, the quantiles (1-c)/2 and (1+c)/2. Its Intervals moves them apart or together by as
// much as they were off on rows that did not train them: conformalized quantile regression (Romano, Patterson and Candès 2019).
// Below c it is the model itself. Bounds that are moved far toward each other would leave no interval where they are close, and
// on real tables the intervals from errors had better scores there.
func (m *Model) Bounds(level float64) *Model {
	if m.bounds == nil || level < m.Options.Interval {
		return m
	}
	return m.bounds
}

// outputs returns the number of a network's outputs for that many encoded targets.
func (o *Options) outputs(targets int) int {
	if o.Interval == 0 {
		return targets
	}
	return targets * nn.BoundOutputs
}

// predictions returns the outputs of the whole network without its bounds, in the same memory.
func (o *Options) predictions(outputs []float64) []float64 {
	if o.Interval == 0 {
		return outputs
	}
	n := 0
	for j, v := range outputs {
		if !isBound(j) {
			outputs[n] = v
			n++
		}
	}
	return outputs[:n]
}

// bound sets the loss of a network with bounds.
func (o *Options) bound(r *recipe) error {
	if o.Interval == 0 {
		return nil
	}
	if r.task != data.Regression {
		return refuse("Interval", nil, "it is for amounts, and the task is %s: leave it out; predictions of classes have sets instead", r.task)
	}
	r.config.Loss = nn.WithBounds(r.loss, o.Interval)
	out := r.layers[len(r.layers)-1]
	if err := nn.Compatible(r.config.Loss, out.Activation, out.Units); err != nil {
		return refuse("Interval", nil, "%w", err)
	}
	return nil
}

// outputNames returns a name for each of the network's outputs: those of the encoding, and with bounds for each target
// its name, "TARGET (lower)" and "TARGET (upper)".
func (f *Fit) outputNames() []string {
	names := f.Encoding.OutputNames()
	if f.Options.Interval == 0 {
		return names
	}
	var all []string
	for _, name := range names {
		all = append(all, name, name+" (lower)", name+" (upper)")
	}
	return all
}

// repeated returns an encoding with each target several times, one after another. The inputs are the same.
func repeated(e *data.Encoding, times int) *data.Encoding {
	out := *e
	out.Targets = nil
	for _, t := range e.Targets {
		out.Targets = append(out.Targets, slices.Repeat([]data.Target{t}, times)...)
	}
	return &out
}

// isBound reports whether an output of the whole network is a bound.
func isBound(output int) bool { return output%nn.BoundOutputs != 0 }

// separateBounds makes the networks of the predictions and of the bounds from the network that was trained, if it has
// bounds.
func (m *Model) separateBounds() {
	if m.Options.Interval == 0 {
		return
	}
	m.whole = m.engine
	m.engine = m.whole.only(func(output int) bool { return !isBound(output) })
	m.bounds = &Model{
		Encoding: repeated(m.Encoding, nn.BoundOutputs-1), Options: m.Options, Loss: m.Loss, Threshold: m.Threshold,
		Temperature: 1, engine: m.whole.only(isBound), ofBounds: true,
	}
}

// network returns the engine of the whole network, with the outputs for bounds.
func (m *Model) network() engine {
	if m.whole != nil {
		return m.whole
	}
	return m.engine
}

// stored returns the model with the network as it is in the file.
func (m *Model) stored() *Model {
	out := *m.AsTrained()
	out.engine = out.network()
	return &out
}

// only returns an engine with some of the outputs of this one.
func (e *engineOf[T]) only(is func(output int) bool) engine {
	layers := e.net.Layers()
	last := len(layers) - 1
	var columns []int
	for j := range layers[last].Units {
		if is(j) {
			columns = append(columns, j)
		}
	}
	layers[last].Units = len(columns)
	for l := range layers {
		layers[l].Init = nn.Zeros
	}
	net, err := nn.New[T](e.net.Inputs(), nn.Seed(0), layers...)
	if err != nil {
		panic(err) // the layers come from a network
	}
	from, to := e.net.Weights(last), net.Weights(last)
	bias, of := e.net.Bias(last), net.Bias(last)
	hidden := len(e.net.Params()) - len(from.Data) - len(bias) // the parameters of the last layer are the last ones
	copy(net.Params()[:hidden], e.net.Params())
	copy(net.State(), e.net.State())
	for k, j := range columns {
		for i := range from.Rows {
			to.Row(i)[k] = from.Row(i)[j]
		}
		if bias != nil {
			of[k] = bias[j]
		}
	}
	return newEngine(net)
}

// holdBounds sets the data for the intervals of learned bounds, from rows that did not train them.
func (f *Fit) holdBounds(m *Model) error {
	if m.bounds == nil {
		return nil
	}
	j, err := f.heldBack(m.bounds)
	if j == nil || err != nil {
		return err
	}
	m.bounds.Conformal = newConformal(j.Table.Spilled(), m.bounds, j.Says, j.Truth)
	j.free()
	return nil
}

// ordered returns two bounds with the lower one first. Two quantiles that were learned apart may cross.
func ordered(a, b float64) (lower, upper float64) { return min(a, b), max(a, b) }

// offBounds returns the conformity score of a target: how far it lies outside of its bounds, or, below 0, inside of
// them. middle is the middle of the bounds.
func offBounds(a, b, y float64) (score, middle float64) {
	lower, upper := ordered(a, b)
	return max(lower-y, y-upper), lower + (upper-lower)/2
}

// boundIntervals is Intervals for predictions of bounds. With the limit q of the scores, the interval is from lower - q
// to upper + q, or, where a q below 0 leaves nothing, the middle alone.
func (m *Model) boundIntervals(predictions []float64, level float64) []Interval {
	out := make([]Interval, len(predictions)/2)
	targets := m.Outputs() / 2
	for i := range out {
		lower, upper := ordered(predictions[2*i], predictions[2*i+1])
		_, middle := offBounds(lower, upper, 0)
		q, _ := m.Conformal.Targets[i%targets].limit(middle, level)
		out[i] = Interval{min(lower-q, middle), max(upper+q, middle)}
	}
	return out
}
