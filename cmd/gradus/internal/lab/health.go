package lab

import (
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// Health describes the state of a network on some training rows.
type Health struct {
	Rows   int // number of rows examined
	Layers []LayerHealth
	Units  []UnitHealth // of the hidden layers
}

// LayerHealth holds the sizes of the values in a layer. The means are over rows and units,
// the root mean squares over parameters.
type LayerHealth struct {
	Layer      int
	Activation string
	MeanA      float64 // |a|
	MeanDelta  float64 // |dL/dz| of a single row
	Weight     float64 // root mean square of the parameters
	Gradient   float64 // root mean square of the gradient, reduced as in the configuration
	Update     float64 // size of the update relative to the weights; NaN if it is not known
	Saturated  int     // number of units
	Dead       int     // number of units
}

// UnitHealth describes one hidden unit. A saturated or dead unit lets hardly any gradient through: its
// slope |f'(z)| is below 0.001 on at least 9 in 10 rows (saturated) or on every row (dead).
type UnitHealth struct {
	Layer, Unit int
	Shut        float64 // share of the rows on which the slope is below 0.001
	Saturated   bool
	Dead        bool
}

const (
	mostExamined = 256  // maximum number of rows
	shut         = 1e-3 // the slope below which a unit lets hardly any gradient through
)

// examine runs training rows forward and backward through the network.
func examine(net *nn.Network[float64], loss nn.Loss, r nn.Reduction, p model.Part) Health {
	p, net = first(p, mostExamined), net.WithoutDropout()
	rows := p.X.Rows
	tape, grad := net.NewTape(rows), make([]float64, len(net.Params()))
	trainingLoss(net, tape, loss, r, p)
	scale := r.Scale(rows, p.W)
	net.Backprop(tape, loss, p.Y, scale, grad)
	h := Health{Rows: rows}
	at := 0
	for l := range net.Depth() {
		f := net.Layer(l).Activation
		n := parameters(net, l)
		lh := LayerHealth{
			Layer: l, Activation: f.String(), Update: math.NaN(),
			MeanA: meanSize(tape.A(l)), MeanDelta: meanSize(tape.Delta(l)) / scale,
			Weight: rootMeanSquare(net.Params()[at : at+n]), Gradient: rootMeanSquare(grad[at : at+n]),
		}
		at += n
		for j := range net.Layer(l).Units {
			if l == net.Depth()-1 || f == nn.Softmax {
				break
			}
			closed := 0
			for i := range rows {
				if math.Abs(f.D(tape.Z(l).At(i, j), tape.A(l).At(i, j))) < shut {
					closed++
				}
			}
			u := UnitHealth{Layer: l, Unit: j, Shut: float64(closed) / float64(rows)}
			u.Dead, u.Saturated = closed == rows, 10*closed >= 9*rows && closed < rows
			if u.Dead {
				lh.Dead++
			}
			if u.Saturated {
				lh.Saturated++
			}
			h.Units = append(h.Units, u)
		}
		h.Layers = append(h.Layers, lh)
	}
	return h
}

// examine examines the frame's network once.
func (f *Frame) examine() Health {
	if f.examined == nil {
		c := f.Fit.Config()
		h := examine(f.Net, c.Loss, c.Reduction, f.Training)
		f.examined = &h
	}
	return *f.examined
}

// sign returns the mark that the picture of the network shows at a unit.
func (u UnitHealth) sign() plot.Sign {
	switch {
	case u.Dead:
		return plot.Dead
	case u.Saturated:
		return plot.Saturated
	}
	return plot.NoSign
}

// signs returns the signs of a layer's units. It returns nil if all units are healthy or the check takes too long.
func (f *Frame) signs(l int) []plot.Sign {
	if mostExamined*len(f.Net.Params()) > costly {
		return nil
	}
	var out []plot.Sign
	some := false
	for _, u := range f.examine().Units {
		if u.Layer == l {
			out = append(out, u.sign())
			some = some || u.sign() != plot.NoSign
		}
	}
	if !some {
		return nil
	}
	return out
}

// Health examines the current network. The size of the update is that of the last update if
// it was made by hand, otherwise that of the next.
func (f *Frame) Health() Health {
	h := f.examine()
	from, to := f.Moved, f.Net.Params()
	if from == nil {
		from, to = f.Net.Params(), f.Ahead
	}
	if from == nil || to == nil {
		return h
	}
	change := make([]float64, len(to))
	for i, w := range to {
		change[i] = w - from[i]
	}
	at := 0
	for l := range h.Layers {
		n := parameters(f.Net, l)
		h.Layers[l].Update = rootMeanSquare(change[at:at+n]) / h.Layers[l].Weight
		at += n
	}
	return h
}

// parameters returns the number of a layer's parameters.
func parameters(net *nn.Network[float64], l int) int {
	n := net.Weights(l).Rows*net.Weights(l).Cols + len(net.Bias(l))
	if net.Layer(l).Norm != nn.NoNorm {
		n += 2 * net.Layer(l).Units
	}
	return n
}

// Words says what the numbers mean, if there is anything to say.
func (h Health) Words() []string {
	var out []string
	for _, l := range h.Layers {
		name := "Layer " + exact(float64(l.Layer))
		if l.Dead > 0 {
			out = append(out, name+": "+plural.Irregular(l.Dead, "unit lets", "units let")+" no gradient through on any row. Its weights do not learn; try a smaller rate or other first weights.")
		}
		if l.Saturated > 0 {
			out = append(out, name+": "+plural.Irregular(l.Saturated, "unit is", "units are")+" saturated on most rows: f′(z) is nearly 0 there.")
		}
		if l.Update > 1 {
			out = append(out, name+": an update is larger than the weights it changes. The rate is too large.")
		} else if l.Update > 0.1 {
			out = append(out, fmt.Sprintf("%s: an update is %.0f %% as large as the weights it changes, where a tenth of a percent is usual. The run may jump; try a smaller rate.", name, 100*l.Update))
		}
		if l.Weight == 0 {
			out = append(out, name+": all weights are 0, so every unit computes and learns the same.")
		}
	}
	for i, l := range h.Layers[:len(h.Layers)-1] {
		last := h.Layers[len(h.Layers)-1]
		if last.Gradient > 0 && l.Gradient < 1e-4*last.Gradient && i == 0 {
			out = append(out, "The gradient vanishes on its way back: in layer 0 it is less than a ten-thousandth of what it is in the last.")
		}
	}
	return out
}

func meanSize(m nn.Matrix[float64]) float64 {
	sum := 0.0
	for i := range m.Rows {
		for _, v := range m.Row(i) {
			sum += math.Abs(v)
		}
	}
	return sum / float64(m.Rows*m.Cols)
}

func rootMeanSquare(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(max(1, len(v))))
}
