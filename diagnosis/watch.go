package diagnosis

import (
	"errors"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Run is what a diagnosis reads of a training run. A *train.Trainer is a Run. The diagnosis only reads,
// except for the tape, which anyone may use between two updates.
type Run[T nn.Float] interface {
	Config() train.Config
	Network() *nn.Network[T]
	Tape() *nn.Tape[T]
	Data() train.Data[T]
	History() train.History
	Progress() train.Progress
	FullLoss() float64
}

// Watcher watches a run while it trains. From time to time it looks at a few fixed rows, and at how far
// an update moves the weights. When it does so depends only on the number of rows trained. It changes
// nothing that a weight depends on. It is a train.Observer.
type Watcher[T nn.Float] struct {
	run   Run[T]
	names Names
	memory
	rows train.Set[T] // memory for the rows of a look
}

// memory is what a watcher remembers about a run.
type memory struct {
	looks []look
	next  int       // the next look comes when this many rows have been trained
	moves []float64 // for each measured update: the largest |dW| / |W| of a layer
	move  bool      // the epoch's first update must be measured
	alike []bool    // for each layer: it began with identical units
}

// look is the state of the network on some rows.
type look struct {
	epoch  int
	layers []layerLook
}

// layerLook is the result of a look at one layer.
//
// A unit is flat on a row if |f'(z)| < 0.01 max|f'|: no gradient passes. A flat unit is off if
// also |a| < 0.01, otherwise saturated.
type layerLook struct {
	dead      float64 // share of the units that are off on every row
	saturated float64 // share of the (row, unit) pairs that are saturated
	delta     float64 // root mean square of dL/dz over rows and units
	deadRows  []int   // the rows, by number in the look, in which every activation is near 0
}

const (
	lookRows     = 32   // rows of a look during training
	finalRows    = 128  // rows of the look at the end
	lookShare    = 150  // rows trained for each row that a look costs: under 1 % of the time
	nearZero     = 0.01 // |a| below this is near 0
	flatSlope    = 0.01 // of the activation's largest slope: a smaller slope is flat
	tinyLook     = 400  // additional cost of a look, in rows, if one call makes many epochs
	smallWeights = 1e-3 // root mean square below which a layer's weights are not judged
	lookFactor   = 3    // cost of a row that is looked at, in rows trained
)

// Watch makes a new watcher watch t while it trains. Call it before the run begins or is restored.
// names are used in its findings.
func Watch[T nn.Float](t *train.Trainer[T], names Names) *Watcher[T] {
	w := &Watcher[T]{run: t, names: names}
	w.begin()
	t.SetObserver(w)
	return w
}

// begin forgets what was seen and records how the network starts.
func (w *Watcher[T]) begin() {
	net, training := w.run.Network(), w.run.Data().Train
	n := min(finalRows, training.Rows())
	w.rows = train.Set[T]{X: nn.NewMatrix[T](n, training.Cols()), Y: nn.NewMatrix[T](n, training.Y.Cols)}
	w.memory = memory{
		looks: make([]look, 0, 32), moves: make([]float64, 0, 32),
		next: w.lookCost() * lookShare, move: true, alike: make([]bool, net.Depth()),
	}
	for l := range w.alike {
		w.alike[l] = identical(net.Weights(l), net.Bias(l))
	}
}

// lookCost returns the cost of a look and a measured update, in rows trained.
func (w *Watcher[T]) lookCost() int {
	cost := lookFactor*min(lookRows, w.run.Data().Train.Rows()) + 32
	if w.run.Progress().Fast {
		cost += tinyLook
	}
	return cost
}

// Alone reports whether the next update must be measured.
func (w *Watcher[T]) Alone() bool { return w.move }

// Advise returns the remedies of the first finding.
func (w *Watcher[T]) Advise() []train.Remedy {
	if found := w.Diagnose(); len(found) > 0 {
		return found[0].Remedies
	}
	return nil
}

// Observe measures an update, or looks at some rows, if it is time to. For a stream, whose rows are
// gone, it does nothing.
func (w *Watcher[T]) Observe(s train.Step, before []T) {
	if w.rows.Rows() == 0 {
		return
	}
	if before != nil && w.move {
		w.move = false
		w.moves = append(w.moves, w.moved(before))
	}
	if !s.EpochEnd {
		return
	}
	if trained := w.run.Progress().Rows; trained >= w.next {
		w.next = 2 * trained
		w.move = true
		w.looks = append(w.looks, w.look(lookRows))
	}
}

// moved returns the largest |W - W before| / |W before| of any layer's weights.
func (w *Watcher[T]) moved(before []T) float64 {
	net := w.run.Network()
	now := net.Params()
	top := 0.0
	for l := range net.Depth() {
		from, _ := net.Index(l, 0, 0)
		size := len(net.Weights(l).Data)
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

// spread returns the index of row i, if n rows are spread evenly over all rows.
func spread(i, n, all int) int { return i * all / n }

// look runs up to that many training rows forward and backward. Afterwards they are on the tape.
func (w *Watcher[T]) look(rows int) look {
	net, tape, training := w.run.Network(), w.run.Tape(), w.run.Data().Train
	n := min(rows, w.rows.Rows())
	x, y := w.rows.X.Slice(0, n), w.rows.Y.Slice(0, n)
	for i := range n {
		r := spread(i, n, training.Rows())
		training.Cells(r, 0, x.Cols, x.Row(i))
		copy(y.Row(i), training.Y.Row(r))
	}
	normed := false
	for l := range net.Depth() {
		normed = normed || net.Layer(l).Norm != nn.NoNorm
	}
	cfg := w.run.Config()
	if normed { // without it there are no deltas; only UpdateState would change the statistics
		net.ForwardTraining(tape, x, nn.Noise{Seed: cfg.Seed})
	} else {
		net.Forward(tape, x)
	}
	tape.UseWeights(nil)
	net.Deltas(tape, cfg.Loss, y, 1)
	k := look{epoch: w.run.Progress().Epochs, layers: make([]layerLook, net.Depth())}
	for l := range k.layers {
		k.layers[l] = w.lookAt(l)
	}
	return k
}

// lookAt summarizes what the tape's rows show about layer l.
func (w *Watcher[T]) lookAt(l int) (k layerLook) {
	net, tape := w.run.Network(), w.run.Tape()
	f := net.Layer(l).Activation
	z, a, delta := tape.Z(l), tape.A(l), tape.Delta(l)
	limit := flatSlope * nn.LargestSlope(f)
	last := l == net.Depth()-1
	flat := f != nn.Softmax && f != nn.Identity && !(last && nn.Facts(w.run.Config().Loss).FromZ)
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

// State returns what the watcher remembers, as numbers: when the next look is, and whether the next update
// must be measured; the number of measured updates, and their moves; for each layer whether it began with
// identical units; and the looks. A look is its epoch and, for each layer, three numbers, the number of
// dead rows, and those rows.
func (w *Watcher[T]) State() []float64 {
	truth := map[bool]float64{true: 1}
	state := append([]float64{float64(w.next), truth[w.move], float64(len(w.moves))}, w.moves...)
	for _, alike := range w.alike {
		state = append(state, truth[alike])
	}
	for _, k := range w.looks {
		state = append(state, float64(k.epoch))
		for _, l := range k.layers {
			state = append(state, l.dead, l.saturated, l.delta, float64(len(l.deadRows)))
			for _, r := range l.deadRows {
				state = append(state, float64(r))
			}
		}
	}
	return state
}

// SetState restores a state that State returned. With an empty state the watcher starts over. It refuses
// a state that a watcher of this run cannot have.
func (w *Watcher[T]) SetState(state []float64) error {
	if len(state) == 0 {
		w.begin()
		return nil
	}
	left, short := state, false
	number := func() (x float64) {
		if short = short || len(left) == 0; !short {
			x, left = left[0], left[1:]
		}
		return x
	}
	m := memory{next: int(number()), move: number() != 0, moves: []float64{}}
	for n := number(); n > 0 && !short; n-- {
		m.moves = append(m.moves, number())
	}
	for range w.alike {
		m.alike = append(m.alike, number() != 0)
	}
	for len(left) > 0 && !short {
		k := look{epoch: int(number())}
		for range w.alike {
			l := layerLook{dead: number(), saturated: number(), delta: number()}
			for n := number(); n > 0 && !short; n-- {
				r := number()
				if !(r >= 0 && r < float64(w.rows.Rows())) {
					return fmt.Errorf("the watcher's state has a look at row %v of %d", r, w.rows.Rows())
				}
				l.deadRows = append(l.deadRows, int(r))
			}
			k.layers = append(k.layers, l)
		}
		m.looks = append(m.looks, k)
	}
	if short {
		return errors.New("the watcher's state is cut short, or belongs to a network with other layers")
	}
	w.memory = m
	return nil
}
