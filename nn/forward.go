package nn

import "github.com/gradus-ml/gradus/internal/kernel"

// Forward runs x through the network, one row a sample, and returns the outputs as a view
// into the tape. Layer by layer,
//
//	z = norm(x·W + b)    a = f(z)
//
// where every x·W + b is one chain of fused multiply-adds that starts with the bias. It panics
// if x does not have the network's number of columns or has more rows than the tape.
//
// Forward is for inference: it drops nothing, and batch normalization uses the running
// statistics. A row's outputs do not depend on the other rows.
func (n *Network[T]) Forward(t *Tape[T], x Matrix[T]) Matrix[T] {
	t.start(n, x)
	if x.Rows == 1 {
		n.forwardRow(t, x.Data[:x.Cols])
	} else {
		if n.normed {
			for l := range n.layers {
				n.useState(t, l)
			}
		}
		n.forwardHalves(t, 0, 2*len(n.layers))
	}
	return t.A(len(n.layers) - 1)
}

// Noise selects the dropout masks of a training pass. A mask is a function of Noise, the row,
// the layer and the unit. Row is the index in its batch of the pass's first row.
type Noise struct {
	Seed      uint64
	Step, Row int
}

// ForwardTraining is Forward for training: dropout sets inputs of layers to 0, and batch
// normalization uses the mean and variance of this batch, which must have at least 2 rows. For
// a network without dropout and norms it is Forward. The tape must come from NewTape.
func (n *Network[T]) ForwardTraining(t *Tape[T], x Matrix[T], noise Noise) Matrix[T] {
	if n.plain {
		return n.Forward(t, x)
	}
	t.start(n, x)
	t.cut(t.shards)
	return n.forwardTraining(t, noise)
}

// forwardTraining is ForwardTraining for rows and shards that are on the tape.
func (n *Network[T]) forwardTraining(t *Tape[T], noise Noise) Matrix[T] {
	t.training, t.noise = !n.plain, noise
	half := 0
	for l := range n.layers {
		if n.layers[l].Norm == BatchNorm {
			n.forwardHalves(t, half, 2*l+1)
			n.statistics(t, l)
			half = 2*l + 1
		}
	}
	n.forwardHalves(t, half, 2*len(n.layers))
	return t.A(len(n.layers) - 1)
}

// forwardHalves takes all rows through the half-layers from .. to-1. Half-layer 2l is the sum
// x·W + b of layer l. Half-layer 2l+1 is its norm and activation.
func (n *Network[T]) forwardHalves(t *Tape[T], from, to int) {
	t.pass = pass[T]{n: n, first: from, last: to}
	t.byRows(forwardRows, t.multiplyAdds(n))
}

// forwardRow is forwardRows for one row, with as little overhead around the arithmetic as
// possible. It determines the latency of a service that predicts row by row.
func (n *Network[T]) forwardRow(t *Tape[T], x []T) {
	for l := range n.layers {
		d := &n.layers[l]
		z, a := t.z[l].Data[:d.Units], t.a[l].Data[:d.Units]
		var bias []T
		if !d.NoBias {
			bias = n.params[d.bias:][:d.Units]
		}
		if d.Norm == NoNorm {
			kernel.Row(z, x, n.params[d.weight:d.bias], bias)
		} else {
			kernel.Row(a, x, n.params[d.weight:d.bias], bias)
			n.useState(t, l)
			n.normRows(t, l, 0, 1)
		}
		activateRow(d.Activation, z, a)
		x = a
	}
}

// forwardRows takes some rows through the pass's half-layers.
func (n *Network[T]) forwardRows(t *Tape[T], from, to int) {
	for half := t.pass.first; half < t.pass.last; half++ {
		l := half / 2
		d, z := &n.layers[l], t.z[l].Slice(from, to)
		if half%2 == 0 {
			sum := z
			if d.Norm != NoNorm {
				sum = t.sum(l).Slice(from, to)
			}
			if t.training && d.Dropout > 0 {
				n.dropRows(t, l, from, to)
			}
			if t.sparse(l) {
				kernel.SparseGemm(&t.in.rows, from, to, sum.Cols, n.Weights(l).view(), sum.view(), n.Bias(l))
			} else {
				in := t.input(l).Slice(from, to)
				kernel.GemmBias(sum.Rows, sum.Cols, in.Cols, in.view(), n.Weights(l).view(), sum.view(), n.Bias(l))
			}
			if half++; half == t.pass.last {
				return
			}
		}
		if d.Norm != NoNorm {
			n.normRows(t, l, from, to)
		}
		activate(d.Activation, z, t.a[l].Slice(from, to))
	}
}

// Predict runs any number of rows through the network, in parts, and returns the outputs in a
// new matrix.
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

// Loss returns the summed loss of the tape's last Forward against the targets y. If there are
// row weights, each row's loss is multiplied by its weight.
func (n *Network[T]) Loss(t *Tape[T], loss Loss, y Matrix[T]) float64 {
	n.checkTargets(t, y)
	last := len(n.layers) - 1
	return weightedLoss(loss, n.layers[last].Activation, y, t.Z(last), t.A(last), Matrix[T]{}, 1, t.weights)
}

// RowLosses sets losses to the loss of each row of the tape's last Forward against the targets y, times the row's weight. Their
// sum is Loss up to rounding.
func (n *Network[T]) RowLosses(t *Tape[T], loss Loss, y Matrix[T], losses []float64) {
	n.checkTargets(t, y)
	for i := range y.Rows {
		losses[i] = n.rowLoss(t, loss, y, i)
	}
}

func (n *Network[T]) rowLoss(t *Tape[T], loss Loss, y Matrix[T], i int) float64 {
	last := len(n.layers) - 1
	var w []float64
	if t.weights != nil {
		w = t.weights[i : i+1]
	}
	return weightedLoss(loss, n.layers[last].Activation, y.Slice(i, i+1), t.z[last].Slice(i, i+1), t.a[last].Slice(i, i+1), Matrix[T]{}, 1, w)
}
