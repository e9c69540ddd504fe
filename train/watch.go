package train

import (
	"errors"
	"math"
	"strings"

	"github.com/gradus-ml/gradus/nn"
)

// watch is what the trainer sees of itself while it trains: now and then it looks at a few
// fixed rows, and at how far an update moves the weights. When it does so depends on the
// number of rows trained alone, and it changes nothing that a weight depends on.
type watch[T nn.Float] struct {
	rows  Set[T] // where they are gathered
	looks []look
	next  int       // the next look is when so many rows have been trained
	moves []float64 // by updates: the largest |dW| / |W| of a layer
	move  bool      // the epoch's first update is to be measured
	alike []bool    // the layers that began with identical units
}

// look is the state of the network on some rows.
type look struct {
	epoch  int
	layers []layerLook
}

// layerLook is what a look sees in one layer.
//
// A unit is flat on a row where |f'(z)| < 0.01 max|f'|: no gradient passes. Where moreover
// |a| < 0.01 it is off, else saturated.
type layerLook struct {
	dead      float64 // share of the units that are off on every row
	saturated float64 // share of (row, unit) that are saturated
	delta     float64 // root mean square of dL/dz over rows and units
	deadRows  []int   // the rows, numbered in the look, in which every activation is near 0
}

const (
	lookRows     = 32  // of a look during training
	finalRows    = 128 // of the look at its end
	lookShare    = 150 // rows trained for one row that a look costs: under 1 % of the time
	nearZero     = 0.01
	flatSlope    = 0.01
	tinyLook     = 400  // what a look costs more where a kernel makes whole epochs
	smallWeights = 1e-3 // root mean square below which nothing is held against a layer's weights
	lookFactor   = 3    // a row looked at costs as much as that many trained
)

var watching = true // off in benchmarks

func (t *Trainer[T]) newWatch() watch[T] {
	n := min(finalRows, t.data.Train.Rows())
	alike := make([]bool, t.net.Depth())
	for l := range alike {
		alike[l] = identical(t.net.Weights(l), t.net.Bias(l))
	}
	return watch[T]{
		rows:  Set[T]{X: nn.NewMatrix[T](n, t.data.Train.Cols()), Y: nn.NewMatrix[T](n, t.data.Train.Y.Cols)},
		looks: make([]look, 0, 32), moves: make([]float64, 0, 32),
		next: t.lookCost() * lookShare, move: true, alike: alike,
	}
}

// lookCost is what a look and a move cost, in rows trained.
func (t *Trainer[T]) lookCost() int {
	cost := lookFactor*min(lookRows, t.data.Train.Rows()) + 32
	if t.tiny != nil {
		cost += tinyLook
	}
	return cost
}

// most is how many epochs may be made at once.
func (w *watch[T]) most(n int) int {
	if w.move && watching {
		return 1 // whose update is to be measured
	}
	return n
}

// blame notes in a divergence which layer it was seen in first: the tape still has the pass.
func (t *Trainer[T]) blame(err error) {
	if !errors.As(err, &t.divergence) {
		return
	}
	t.divergence.Layer = t.notFinite()
	if t.together != nil {
		t.divergence.Layer = t.together.lastRank(t.divergence.Layer)
	}
}

// notFinite is the first layer that has a value that is not finite on the tape; -1: none has.
func (t *Trainer[T]) notFinite() int {
	for l := range t.net.Depth() {
		for i := range t.tape.Rows() {
			for j, z := range t.tape.Z(l).Row(i) {
				if a := t.tape.A(l).At(i, j); z-z != 0 || a-a != 0 {
					return l
				}
			}
		}
	}
	return -1
}

// advise adds to a divergence what the diagnosis says.
func (t *Trainer[T]) advise() {
	if found := t.Result().Diagnosis; t.divergence != nil && len(found) > 0 {
		t.divergence.Remedies = found[0].Remedies
	}
}

// observe follows the updates since an epoch's start; first says that they began there.
func (t *Trainer[T]) observe(s *Step, first bool, updates int) {
	w := &t.watch
	if !watching || t.finished || t.stream != nil {
		return
	}
	if first && w.move && updates > 0 {
		w.move = false
		w.moves = append(w.moves, t.moved()/float64(updates))
	}
	if s.EpochEnd && t.result.Rows >= w.next {
		w.next = 2 * t.result.Rows
		w.move = true
		w.looks = append(w.looks, t.look(lookRows))
	}
}

// moved is the largest |W - W before| / |W before| of any layer's weights, where before is
// the epoch's start.
func (t *Trainer[T]) moved() float64 {
	now, before := t.net.Params(), t.good
	top := 0.0
	for l := range t.net.Depth() {
		from, _ := t.net.Index(l, 0, 0)
		size := len(t.net.Weights(l).Data)
		var change, norm float64
		for i := from; i < from+size; i++ {
			b, d := float64(before[i]), float64(now[i])-float64(before[i])
			norm += float64(b * b)
			change += float64(d * d)
		}
		if norm > smallWeights*smallWeights*float64(size) {
			top = max(top, math.Sqrt(change/norm))
		}
	}
	return top
}

// sampleRow is which training row is number i of n looked at: they are evenly spread.
func (t *Trainer[T]) sampleRow(i, n int) int { return i * t.data.Train.Rows() / n }

// look runs up to that many training rows forwards and backwards. The tape has them
// afterwards.
func (t *Trainer[T]) look(rows int) look {
	n := min(rows, t.watch.rows.Rows())
	x, y := t.watch.rows.X.Slice(0, n), t.watch.rows.Y.Slice(0, n)
	for i := range n {
		r := t.sampleRow(i, n)
		t.data.Train.cells(r, 0, x.Cols, x.Row(i))
		copy(y.Row(i), t.data.Train.Y.Row(r))
	}
	normed := false
	for l := range t.net.Depth() {
		normed = normed || t.net.Layer(l).Norm != nn.NoNorm
	}
	if normed { // without which there are no deltas; UpdateState alone would change the statistics
		t.net.ForwardTraining(t.tape, x, nn.Noise{Seed: t.cfg.Seed})
	} else {
		t.net.Forward(t.tape, x)
	}
	t.tape.UseWeights(nil)
	t.net.Deltas(t.tape, t.cfg.Loss, y, 1)
	k := look{epoch: t.epoch, layers: make([]layerLook, t.net.Depth())}
	for l := range k.layers {
		k.layers[l] = t.lookAt(l)
	}
	return k
}

// lookAt is what the tape's rows say of layer l.
func (t *Trainer[T]) lookAt(l int) (k layerLook) {
	f := t.net.Layer(l).Activation
	z, a, delta := t.tape.Z(l), t.tape.A(l), t.tape.Delta(l)
	limit := flatSlope * steepest(f)
	last := l == t.net.Depth()-1
	flat := f != nn.Softmax && f != nn.Identity && !(last && simplified(t.cfg.Loss))
	off := make([]int, z.Cols)
	saturated := 0
	sum := 0.0
	for i := range z.Rows {
		z, a, delta := z.Row(i), a.Row(i), delta.Row(i)
		alive := false
		for j, d := range delta {
			sum += float64(float64(d) * float64(d))
			near := math.Abs(float64(a[j])) < nearZero
			alive = alive || !near
			if flat && math.Abs(f.D(float64(z[j]), float64(a[j]))) < limit {
				if near {
					off[j]++
				} else {
					saturated++
				}
			}
		}
		if !alive && !last {
			k.deadRows = append(k.deadRows, i)
		}
	}
	dead := 0
	for _, n := range off {
		if n == z.Rows {
			dead++
		}
	}
	cells := float64(z.Rows * z.Cols)
	k.dead, k.saturated, k.delta = float64(dead)/float64(z.Cols), float64(saturated)/cells, math.Sqrt(sum/cells)
	return k
}

// steepest is the largest |f'|, up to a factor of 1.2.
func steepest(f nn.Activation) float64 {
	if f == nn.Sigmoid {
		return 0.25
	}
	return 1
}

// simplified reports a loss that takes the output's slope out of its delta.
func simplified(loss nn.Loss) bool {
	switch loss {
	case nn.CrossEntropy, nn.BinaryCrossEntropy, nn.Poisson:
		return true
	}
	return false
}

// outputRange is where an activation's values lie.
func outputRange(f nn.Activation) (low, high float64) {
	name, _, _ := strings.Cut(f.String(), ":")
	switch name {
	case "sigmoid", "softmax":
		return 0, 1
	case "tanh":
		return -1, 1
	case "relu", "softplus", "exp":
		return 0, math.Inf(1)
	}
	return math.Inf(-1), math.Inf(1)
}
