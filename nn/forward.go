package nn

import "github.com/gradus-ml/gradus/internal/kernel"

// Forward runs x through the network, one row a sample, and returns the outputs as a view
// into the tape. Layer by layer,
//
//	z = x·W + b    a = f(z)
//
// where every z is one chain of fused multiply-adds that starts from the bias. It panics
// if x has not the network's number of columns or more rows than the tape.
func (n *Network[T]) Forward(t *Tape[T], x Matrix[T]) Matrix[T] {
	t.start(n, x)
	if x.Rows == 1 {
		n.forwardRow(t, x.Data[:x.Cols])
	} else {
		t.pass = pass[T]{n: n}
		t.byRows(forwardRows, x.Rows*len(n.params))
	}
	return t.A(len(n.layers) - 1)
}

// forwardRow is forwardRows for one row, with as little around the arithmetic as can be: it is
// what a service that predicts row by row waits for.
func (n *Network[T]) forwardRow(t *Tape[T], x []T) {
	for l := range n.layers {
		d := &n.layers[l]
		z, a := t.z[l].Data[:d.Units], t.a[l].Data[:d.Units]
		var bias []T
		if !d.NoBias {
			bias = n.params[d.bias:][:d.Units]
		}
		kernel.Row(z, x, n.params[d.weight:d.bias], bias)
		activateRow(d.Activation, z, a)
		x = a
	}
}

// forwardRows takes some rows through all layers.
func (n *Network[T]) forwardRows(t *Tape[T], from, to int) {
	for l := range n.layers {
		in, z := t.input(l).Slice(from, to), t.z[l].Slice(from, to)
		bias := n.Bias(l)
		if bias != nil {
			kernel.FillRows(z.flat(), bias)
		} else {
			clear(z.flat())
		}
		kernel.Gemm(z.Rows, z.Cols, in.Cols, in.view(), n.Weights(l).view(), z.view(), true)
		activate(n.layers[l].Activation, z, t.a[l].Slice(from, to))
	}
}

// Predict runs any number of rows through the network, a part at a time, and returns the
// outputs in a new matrix.
func (n *Network[T]) Predict(x Matrix[T]) Matrix[T] {
	out := NewMatrix[T](x.Rows, n.Outputs())
	t := n.newForwardTape(min(256, max(1, x.Rows)))
	for from := 0; from < x.Rows; from += t.MaxRows() {
		part := x.Slice(from, min(from+t.MaxRows(), x.Rows))
		y := n.Forward(t, part)
		for i := range y.Rows {
			copy(out.Row(from+i), y.Row(i))
		}
	}
	return out
}

// Loss returns the summed loss of the tape's last Forward against the targets y.
func (n *Network[T]) Loss(t *Tape[T], loss Loss, y Matrix[T]) float64 {
	n.checkTargets(t, y)
	last := len(n.layers) - 1
	return batchLoss(loss, n.layers[last].Activation, y, t.Z(last), t.A(last), Matrix[T]{}, 1)
}

func (n *Network[T]) rowLoss(t *Tape[T], loss Loss, y Matrix[T], i int) float64 {
	last := len(n.layers) - 1
	return batchLoss(loss, n.layers[last].Activation, y.Slice(i, i+1), t.z[last].Slice(i, i+1), t.a[last].Slice(i, i+1), Matrix[T]{}, 1)
}
