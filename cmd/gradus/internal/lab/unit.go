package lab

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// Unit names one unit. Column 0 is the inputs, and column l+1 is layer l.
type Unit struct{ Column, Unit int }

// String returns the unit as the page writes it, such as 0.3 for unit 3 of layer 0, x.2 for input 2.
func (u Unit) String() string {
	if u.Column == 0 {
		return fmt.Sprintf("x.%d", u.Unit)
	}
	return fmt.Sprintf("%d.%d", u.Column-1, u.Unit)
}

// parseUnit reads what String wrote.
func parseUnit(text string) (Unit, error) {
	column, unit, _ := strings.Cut(strings.TrimSpace(text), ".")
	n, err := strconv.Atoi(unit)
	l := -1
	if err == nil && column != "x" {
		if l, err = strconv.Atoi(column); l < 0 {
			l = -2
		}
	}
	if err != nil || n < 0 || l < -1 {
		return Unit{}, fmt.Errorf("%w: %q is not a unit; give LAYER.UNIT such as 0.3, or x.INPUT, counted from 0", ErrSetup, text)
	}
	return Unit{l + 1, n}, nil
}

// of reports whether the network has that unit.
func (u Unit) of(net *nn.Network[float64]) bool {
	units := net.Inputs()
	if u.Column < 0 || u.Column > net.Depth() || u.Unit < 0 {
		return false
	}
	if u.Column > 0 {
		units = net.Layer(u.Column - 1).Units
	}
	return u.Unit < units
}

// UnitNumbers are a unit's numbers on the chosen row, with those of its neighbors.
type UnitNumbers struct {
	Unit       Unit
	What       string // in words
	Sign       string // dead or saturated
	Z, A       float64
	Delta      *float64 // nil if it is not known
	Activation string
	Norm       []NamedNumber // what the norm did, if the layer has one
	In         []Connection  // from the layer before, its bias last
	Out        []Connection  // to the next layer
	MoreIn     int           // how many are not listed
	MoreOut    int
}

// NamedNumber is a number with its letter, and with its address if it is a parameter.
type NamedNumber struct {
	Name    string
	Value   float64
	Address *lesson.Address
}

// Connection is a weight between a unit and a neighbor. In the forward pass, the neighbor's a times the
// weight is a term of z. In the backward pass, the neighbor's δ times the weight is a term of ∂L/∂a.
type Connection struct {
	Weight  lesson.Address
	Unit    Unit
	Value   float64  // of the weight
	A       float64  // of a neighbor in the layer before; 1 for the bias
	Delta   *float64 // of a neighbor in the next layer
	Product float64  // of the weight with A, or with Delta
}

// mostConnections is the maximum number of connections listed on either side.
const mostConnections = 40

// UnitNumbers lists the chosen unit's numbers.
func (f *Frame) UnitNumbers() (*UnitNumbers, error) {
	pass, err := f.Pass()
	if err != nil {
		return nil, err
	}
	u, l := f.View.Unit, f.View.Unit.Column-1
	value := func(column, i int) float64 {
		if column == 0 {
			return pass.Input[i]
		}
		return pass.Layers[column-1].A[i]
	}
	delta := func(layer, i int) *float64 {
		if d := pass.Layers[layer].Delta; d != nil {
			return &d[i]
		}
		return nil
	}
	out := &UnitNumbers{Unit: u, A: value(u.Column, u.Unit)}
	if l < 0 {
		out.What = "input " + f.Fit.Encoding.InputNames()[u.Unit]
	} else {
		out.What = fmt.Sprintf("unit %d of layer %d", u.Unit, l)
		if u.Column == f.Net.Depth() {
			names := f.guessNames()
			out.What += ", " + names[min(u.Unit, len(names)-1)]
		}
		out.Z, out.Delta, out.Activation = pass.Layers[l].Z[u.Unit], delta(l, u.Unit), pass.Layers[l].Activation
		if m, j := pass.Layers[l].Norm, u.Unit; m != nil {
			out.Norm = []NamedNumber{
				{"s", m.S[j], nil}, {"μ", m.Mean[j], nil}, {"1/√(v + ε)", m.Rstd[j], nil}, {"ŝ", m.Hat[j], nil},
				{"γ", m.Gamma[j], &lesson.Address{Layer: l, In: nn.OfGamma, Unit: j}}, {"β", m.Beta[j], &lesson.Address{Layer: l, In: nn.OfBeta, Unit: j}},
				{"∂L/∂z", m.DeltaZ[j], nil},
			}
		}
		switch signs := f.signs(l); {
		case signs == nil:
		case signs[u.Unit] == plot.Dead:
			out.Sign = "dead: no gradient gets through on any of the examined rows"
		case signs[u.Unit] == plot.Saturated:
			out.Sign = "saturated: hardly any gradient gets through on most rows"
		}
		w := f.Net.Weights(l)
		for i := range w.Rows {
			if len(out.In) == mostConnections {
				out.MoreIn = w.Rows - i
				break
			}
			c := Connection{Weight: lesson.Address{Layer: l, In: i, Unit: u.Unit}, Unit: Unit{l, i}, Value: w.At(i, u.Unit), A: value(l, i)}
			c.Product = c.Value * c.A
			out.In = append(out.In, c)
		}
		if b := f.Net.Bias(l); b != nil {
			out.In = append(out.In, Connection{Weight: lesson.Address{Layer: l, In: nn.OfBias, Unit: u.Unit}, Unit: Unit{-1, 0}, Value: b[u.Unit], A: 1, Product: b[u.Unit]})
		}
	}
	if u.Column < f.Net.Depth() {
		w := f.Net.Weights(u.Column)
		for k := range w.Cols {
			if len(out.Out) == mostConnections {
				out.MoreOut = w.Cols - k
				break
			}
			c := Connection{Weight: lesson.Address{Layer: u.Column, In: u.Unit, Unit: k}, Unit: Unit{u.Column + 1, k}, Value: w.At(u.Unit, k), Delta: delta(u.Column, k)}
			if c.Delta != nil {
				c.Product = c.Value * *c.Delta
			}
			out.Out = append(out.Out, c)
		}
	}
	return out, nil
}
