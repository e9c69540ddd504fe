package lab

import (
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// Pass is one row's way through the network.
type Pass struct {
	Input   []float64
	Layers  []lesson.Layer // without Delta where a layer has a norm
	Outputs []lesson.Output
	Loss    float64
}

// Pass is the chosen row's way: what lesson.Explain says of it, or of a network with norms,
// which that refuses, the values of inference.
func (f *Frame) Pass() (*Pass, error) {
	e, err := f.Explain()
	if err == nil {
		return &Pass{e.Input, e.Layers, e.Outputs, e.Loss}, nil
	}
	if !normed(f.Net) {
		return nil, err
	}
	x, y := f.Training.X.Slice(f.View.Row, f.View.Row+1), f.Training.Y.Slice(f.View.Row, f.View.Row+1)
	tape := f.Net.NewTape(1)
	f.Net.Forward(tape, x)
	loss := f.Fit.Config().Loss
	p := &Pass{Input: x.Row(0), Loss: f.Net.Loss(tape, loss, y)}
	for l := range f.Net.Depth() {
		p.Layers = append(p.Layers, lesson.Layer{Activation: f.Net.Layer(l).Activation.String(), Z: tape.Z(l).Row(0), A: tape.A(l).Row(0)})
	}
	for k, a := range tape.A(f.Net.Depth() - 1).Row(0) {
		p.Outputs = append(p.Outputs, lesson.Output{Target: y.At(0, k), Output: a, Loss: loss.L(y.At(0, k), a), Derivative: loss.D(y.At(0, k), a)})
	}
	return p, nil
}

// normed reports whether some layer has a norm.
func normed(net *nn.Network[float64]) bool {
	for l := range net.Depth() {
		if net.Layer(l).Norm != nn.NoNorm {
			return true
		}
	}
	return false
}

// undropped is the network without dropout, so that ForwardTraining differs from Forward by the
// statistics of batch normalisation alone: the loss then is that of training without its noise.
func undropped(net *nn.Network[float64]) *nn.Network[float64] {
	layers, dropped := net.Layers(), false
	for l := range layers {
		dropped = dropped || layers[l].Dropout > 0
		layers[l].Dropout = 0
	}
	if !dropped {
		return net.Clone()
	}
	out, err := nn.New[float64](net.Inputs(), 0, layers...)
	if err != nil { // the layers are those of a network
		return net.Clone()
	}
	copy(out.Values(), net.Values())
	return out
}

// trainingLoss runs rows through a network as training does and returns their loss, reduced.
func trainingLoss(net *nn.Network[float64], tape *nn.Tape[float64], loss nn.Loss, r nn.Reduction, p model.Part) float64 {
	net.ForwardTraining(tape, p.X, nn.Noise{})
	tape.UseWeights(p.W)
	return net.Loss(tape, loss, p.Y) * r.WeightedScale(p.X.Rows, p.W)
}

// first is at most n rows of a part.
func first(p model.Part, n int) model.Part {
	n = min(n, p.X.Rows)
	p.Rows, p.X, p.Y = p.Rows[:n], p.X.Slice(0, n), p.Y.Slice(0, n)
	if p.W != nil {
		p.W = p.W[:n]
	}
	return p
}
