package diagnosis

import (
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

const (
	mostDead      = 0.9  // share of a layer's units
	mostSaturated = 0.9  // share of the (row, unit) pairs
	deadRowShare  = 0.3  // share of the squared error that dead rows cause
	vanished      = 1e-4 // dL/dz of layer 0 as a share of that of the last layer, below which gradients vanish
	exploded      = 1e3  // the same share, above which gradients explode
	shrunk        = 0.01 // root mean square of a layer's weights, below which they are too small
)

// layers looks for layers that have stopped learning.
func (d *diagnosis[T]) layers() {
	last := d.net.Depth() - 1
	for l := range last + 1 {
		w := d.net.Weights(l)
		if l < last && d.watcher.alike[l] && identical(w, d.net.Bias(l)) {
			d.add(IdenticalUnits, l, 0, set("Init", "auto"),
				"all %d units of layer %d have the same weights, so they get the same gradient and stay one unit; %s",
				w.Cols, l, d.against())
			return
		}
	}
	if !d.failed() && d.gain > mostGain {
		return
	}
	if l, small := d.smallest(); small < shrunk && d.failed() {
		if first := append(d.watcher.moves, 0)[0]; first > tooFar && 2*d.decayed() < first {
			return // the rate did it, not the decay
		}
		d.add(ShrunkWeights, l, d.now.epoch, set("WeightDecay", "0", train.Remedy{Option: "Init", Value: "auto", Advice: "if the weights began so"}),
			"layer %d's weights have a root mean square of %s, too little to pass anything on; %s", l, num(small), d.against())
		return
	}
	d.deadRows()
	for l := last; l >= 0; l-- {
		k := d.now.layers[l]
		switch {
		case k.dead >= mostDead && !d.has(DeadUnits):
			try := set("LearningRate", d.slower())
			if l < last && d.net.Layer(l).Activation == nn.ReLU {
				try = set("Activation", "leaky-relu")
			} else if l == last {
				try = set("OutputActivation", "identity")
			}
			d.add(DeadUnits, l, d.since(func(k look) bool { return k.layers[l].dead >= mostDead }), try,
				"%.0f %% of layer %d's %d %s units are near 0, with no slope, on all of %d rows looked at: no gradient passes them",
				100*k.dead, l, d.net.Layer(l).Units, d.net.Layer(l).Activation, d.sampled())
		case k.saturated >= mostSaturated && !d.has(SaturatedUnits):
			try := set("LearningRate", d.slower())
			if len(d.watcher.moves) > 0 && d.watcher.moves[0] < tooFar {
				try = set("Init", "auto")
			}
			if l == last {
				try = append(try, train.Remedy{Option: "Loss", Value: "binary-cross-entropy", Advice: "or another loss that takes the output's slope out"})
			}
			d.add(SaturatedUnits, l, d.since(func(k look) bool { return k.layers[l].saturated >= mostSaturated }), try,
				"%.0f %% of layer %d's %s activations lie where the slope is below a hundredth of its largest: next to no gradient passes",
				100*k.saturated, l, d.net.Layer(l).Activation)
		}
	}
	if d.has(DeadUnits, SaturatedUnits, DeadRows) || last < 2 || !d.failed() {
		return
	}
	first, top := d.now.layers[0].delta, d.now.layers[last].delta
	switch {
	case first == 0 || top == 0:
	case first/top < vanished && !d.missed || first/top < vanished*vanished:
		d.add(VanishingGradients, 0, d.since(func(k look) bool { return k.layers[0].delta/k.layers[last].delta < vanished }),
			set("Activation", "relu", advice("fewer hidden layers")),
			"dL/dz shrinks from %s in layer %d to %s in layer 0, by a factor of %s over %d layers", num(top), last, num(first), num(top/first), last)
	case first/top > exploded:
		d.add(ExplodingGradients, 0, d.since(func(k look) bool { return k.layers[0].delta/k.layers[last].delta > exploded }),
			set("Init", "auto"),
			"dL/dz grows from %s in layer %d to %s in layer 0, by a factor of %s over %d layers", num(top), last, num(first), num(first/top), last)
	}
}

// decayed returns the share that weight decay takes off the weights in an update.
func (d *diagnosis[T]) decayed() float64 {
	decay := d.cfg.WeightDecay
	if r, ok := d.cfg.Optimizer.(optim.AdamW); ok {
		decay += r.WeightDecay
	}
	return decay * d.at.LearningRate
}

// identical reports whether W has several columns and they and the biases are all the same.
func identical[T nn.Float](w nn.Matrix[T], bias []T) bool {
	if w.Cols < 2 {
		return false
	}
	for i := range w.Rows {
		r := w.Row(i)
		for _, v := range r {
			if v != r[0] {
				return false
			}
		}
	}
	for _, b := range bias {
		if b != bias[0] {
			return false
		}
	}
	return true
}

// deadRows looks for rows on which a whole hidden layer is near 0 and which cause much of the error.
func (d *diagnosis[T]) deadRows() {
	last := d.net.Depth() - 1
	out, n := d.tape.A(last), d.sampled()
	off := make([]float64, n) // each row's squared error
	total := 0.0
	for i := range n {
		y := d.watcher.rows.Y.Row(i)
		for j, a := range out.Row(i) {
			e := float64(a) - float64(y[j])
			off[i] += float64(e * e)
		}
		total += off[i]
	}
	for l := range last {
		k := d.now.layers[l]
		share, worst := 0.0, -1
		for _, i := range k.deadRows {
			share += off[i] / total
			if worst < 0 || off[i] > off[worst] {
				worst = i
			}
		}
		if worst < 0 || share < deadRowShare || len(k.deadRows) > n/2 {
			continue
		}
		a := d.tape.A(l)
		top := 0.0
		for _, v := range a.Row(worst) {
			top = max(top, math.Abs(float64(v)))
		}
		try := set("LearningRate", d.slower())
		why := ""
		if d.net.Bias(l+1) == nil {
			try = append(try, train.Remedy{Option: "NoBias", Value: "false"})
			why = fmt.Sprintf("; without a bias the output is f(0), here %s for the target %s", num(float64(out.At(worst, 0))), num(float64(d.watcher.rows.Y.At(worst, 0))))
		}
		d.add(DeadRows, l, d.since(func(k look) bool {
			return len(k.layers[l].deadRows) > 0
		}), try, "on %s no activation of layer %d is larger than %s%s. The gradient is gone there, and %s %.0f %% of the squared error",
			d.rowName(d.row(worst, d.sampled())), l, num(top), why, rowsOf(len(k.deadRows)), 100*share)
		return
	}
}

// rowName returns the name of a training row.
func (d *diagnosis[T]) rowName(row int) string {
	if d.names.Row == nil {
		return fmt.Sprintf("row %d (counted from 0)", row)
	}
	return d.names.Row(row)
}

// smallest returns the layer whose weights have the smallest root mean square.
func (d *diagnosis[T]) smallest() (layer int, size float64) {
	size = math.Inf(1)
	for l := range d.net.Depth() {
		sum := 0.0
		w := d.net.Weights(l).Data
		for _, v := range w {
			sum += float64(float64(v) * float64(v))
		}
		if s := math.Sqrt(sum / float64(len(w))); s < size {
			layer, size = l, s
		}
	}
	return layer, size
}

// rowsOf names dead rows after one has been described.
func rowsOf(n int) string {
	if n == 1 {
		return "this row has"
	}
	return fmt.Sprintf("%d such rows together have", n)
}
