package diagnosis

import (
	"errors"
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Run is what a diagnosis reads of a training run: a *train.Trainer is one. It reads alone, but for the
// tape, which anyone may use between two updates.
type Run[T nn.Float] interface {
	Config() train.Config
	Network() *nn.Network[T]
	Tape() *nn.Tape[T]
	Data() train.Data[T]
	History() train.History
	Progress() train.Progress
	FullLoss() float64
}

// Watcher looks on while a run trains: now and then it looks at a few fixed rows, and at how far an
// update moves the weights. When it does so depends on the number of rows trained alone, and it changes
// nothing that a weight depends on. It is a train.Observer.
type Watcher[T nn.Float] struct {
	run   Run[T]
	names Names
	memory
	rows train.Set[T] // where the rows of a look are gathered
}

// memory is what a watcher remembers of a run.
type memory struct {
	looks []look
	next  int       // the next look is when so many rows have been trained
	moves []float64 // by updates: the largest |dW| / |W| of a layer
	move  bool      // the epoch's first update is to be measured
	alike []bool    // by layers: it began with identical units
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
	lookRows     = 32   // rows of a look during training
	finalRows    = 128  // rows of the look at its end
	lookShare    = 150  // rows trained for one row that a look costs: under 1 % of the time
	nearZero     = 0.01 // |a| below which an activation is near 0
	flatSlope    = 0.01 // of the activation's largest slope: below it is flat
	tinyLook     = 400  // rows that a look costs more where one call makes many epochs
	smallWeights = 1e-3 // root mean square below which nothing is held against a layer's weights
	lookFactor   = 3    // rows trained for one row that is looked at
)

// Watch has a new watcher look on while t trains. It is called before the run begins, or is restored.
// Names are for its findings.
func Watch[T nn.Float](t *train.Trainer[T], names Names) *Watcher[T] {
	w := &Watcher[T]{run: t, names: names}
	w.begin()
	t.SetObserver(w)
	return w
}

// begin forgets what was seen, and looks at how the network begins.
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

// lookCost is what a look and a move cost, in rows trained.
func (w *Watcher[T]) lookCost() int {
	cost := lookFactor*min(lookRows, w.run.Data().Train.Rows()) + 32
	if w.run.Progress().Fast {
		cost += tinyLook
	}
	return cost
}

// Alone reports whether the next update is to be measured.
func (w *Watcher[T]) Alone() bool { return w.move }

// Advise returns the remedies of the first finding.
func (w *Watcher[T]) Advise() []train.Remedy {
	if found := w.Diagnose(); len(found) > 0 {
		return found[0].Remedies
	}
	return nil
}

// Observe measures an update, or looks at some rows, if it is time to. Of a stream, whose rows are gone,
// it sees nothing.
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

// moved is the largest |W - W before| / |W before| of any layer's weights.
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

// spread is which of all rows is number i of n looked at: they are evenly spread.
func spread(i, n, all int) int { return i * all / n }

// look runs up to that many training rows forwards and backwards. The tape has them
// afterwards.
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
	if normed { // without which there are no deltas; UpdateState alone would change the statistics
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

// lookAt is what the tape's rows say of layer l.
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

// State returns what the watcher remembers, as numbers: the next look and whether the next update is to be
// measured; how many updates were, and their moves; for each layer whether it began with identical units;
// and the looks. Of a look that is its epoch, and of each layer three numbers, how many rows are dead,
// and which.
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

// SetState sets what the watcher remembers to what State returned. To nothing, it begins anew. It refuses
// what a watcher of this run cannot have seen.
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
					return fmt.Errorf("a look at row %v of %d", r, w.rows.Rows())
				}
				l.deadRows = append(l.deadRows, int(r))
			}
			k.layers = append(k.layers, l)
		}
		m.looks = append(m.looks, k)
	}
	if short {
		return errors.New("what a watcher of the run has seen is cut short, or of a network with other layers")
	}
	w.memory = m
	return nil
}
