package nn

import (
	"fmt"
	"sync/atomic"

	"github.com/gradus-ml/gradus/internal/team"
)

// Tape holds what one forward and one backward pass leave behind: for each layer l the
// pre-activations Z(l), the activations A(l) and, after Backprop, Delta(l) = dL/dZ(l). It
// belongs to one goroutine. Using it again overwrites it; nothing is allocated, but for the lists
// of the first and of every larger batch that is mostly zeros.
type Tape[T Float] struct {
	x           Matrix[T] // the input of the last Forward
	in          sparseInput[T]
	z, a, delta []Matrix[T]
	norms       []normTape[T] // of the layers that have a norm
	drops       []dropTape[T] // of the layers that have dropout
	training    bool          // ForwardTraining was last, not Forward
	noise       Noise         // of that
	spare       []spare[T]    // one for each of the team
	team        *team.Team
	size        int // of the team, the caller counted
	pass        pass[T]
	weights     []float64       // see UseWeights
	work        func(piece int) // pass.do, made once so that a step allocates nothing
}

// pass is what the pieces of the present pass need to know.
type pass[T Float] struct {
	n      *Network[T]
	kind   passKind
	rows   int // in a piece
	first  int // forwardRows: from this half of a layer to the one before last; deltaRows: from
	last   int // this layer back to the one behind last
	grad   []T
	update Updater[T]
}

// spare is where one goroutine has the gradient of a panel that is used at once: the same
// memory from panel to panel, so that it stays in the cache.
type spare[T Float] struct {
	busy atomic.Bool
	grad []T
}

type passKind uint8

const (
	forwardRows passKind = iota
	deltaRows
	gradientPanels
	columnMeans
	columnSquares
	columnGradients
)

// NewTape returns a tape for batches of up to maxRows rows.
func (n *Network[T]) NewTape(maxRows int) *Tape[T] {
	t := n.newForwardTape(maxRows)
	t.delta = make([]Matrix[T], len(n.layers))
	for i, l := range n.layers {
		t.delta[i] = NewMatrix[T](maxRows, l.Units)
		if l.Norm != NoNorm {
			t.norms[i].forTraining(l, maxRows)
		}
		if l.Dropout > 0 {
			t.drops[i] = newDropTape[T](l, maxRows)
		}
	}
	return t
}

// newForwardTape returns a tape that serves Forward alone.
func (n *Network[T]) newForwardTape(maxRows int) *Tape[T] {
	t := &Tape[T]{z: make([]Matrix[T], len(n.layers)), a: make([]Matrix[T], len(n.layers)), size: 1}
	t.work = t.piece
	for i, l := range n.layers {
		t.z[i] = NewMatrix[T](maxRows, l.Units)
		t.a[i] = NewMatrix[T](maxRows, l.Units)
	}
	if !n.plain {
		t.norms, t.drops = make([]normTape[T], len(n.layers)), make([]dropTape[T], len(n.layers))
		for i, l := range n.layers {
			if l.Norm != NoNorm {
				t.norms[i] = newNormTape[T](l, maxRows)
			}
		}
	}
	return t
}

// UseTeam spreads the passes over a team of that size from now on, where that pays. The
// results have the same bits.
func (t *Tape[T]) UseTeam(w *team.Team, size int) { t.team, t.size = w, size }

// UseWeights has the rows of the following passes weigh that much: each row's loss and its
// delta are multiplied by its weight, and a row of weight 0 adds nothing, whatever it is.
// There is one for each row; nil, the default, stands for ones. The tape keeps the slice.
func (t *Tape[T]) UseWeights(w []float64) { t.weights = w }

// alone is the work below which a pass is not spread: some 20 us of multiply-adds.
const alone = 1 << 20

// byRows runs a pass in pieces of rows, over the team if there is enough work.
func (t *Tape[T]) byRows(kind passKind, multiplyAdds int) {
	rows := t.x.Rows
	t.pass.kind, t.pass.rows = kind, rows
	if t.size < 2 || rows < 2 || multiplyAdds < alone {
		t.piece(0)
		return
	}
	// Two pieces a core, so that one which is held up leaves work for the others.
	t.pass.rows = max(1, (rows+2*t.size-1)/(2*t.size)+3) &^ 3
	t.team.Do((rows+t.pass.rows-1)/t.pass.rows, t.work)
}

// piece does one piece of the present pass.
func (t *Tape[T]) piece(i int) {
	p := &t.pass
	switch p.kind {
	case forwardRows:
		p.n.forwardRows(t, i*p.rows, min((i+1)*p.rows, t.x.Rows))
	case deltaRows:
		p.n.deltaRows(t, i*p.rows, min((i+1)*p.rows, t.x.Rows))
	case gradientPanels:
		p.n.gradientPanel(t, i)
	default:
		p.n.columnChunk(t, i)
	}
}

// makeSpare makes what takeSpare takes.
func (t *Tape[T]) makeSpare(n *Network[T]) {
	if len(t.spare) >= t.size {
		return
	}
	most := 0
	for _, p := range n.panels {
		d := &n.layers[p.layer]
		most = max(most, (p.to-p.from)*d.Units, d.end-d.bias)
	}
	t.spare = make([]spare[T], t.size)
	for i := range t.spare {
		t.spare[i].grad = make([]T, most)
	}
}

// takeSpare returns one that no other goroutine has; setting busy to false gives it back.
func (t *Tape[T]) takeSpare() *spare[T] {
	for i := 0; ; i = (i + 1) % len(t.spare) {
		if s := &t.spare[i]; s.busy.CompareAndSwap(false, true) {
			return s
		}
	}
}

// Rows returns how many rows the last Forward had.
func (t *Tape[T]) Rows() int { return t.x.Rows }

// MaxRows returns how many rows the tape has room for.
func (t *Tape[T]) MaxRows() int { return t.z[0].Rows }

// X returns the input of the last Forward.
func (t *Tape[T]) X() Matrix[T] { return t.x }

// Z returns the pre-activations of layer l, one row a sample: what its activation gets, behind
// a norm.
func (t *Tape[T]) Z(l int) Matrix[T] { return t.z[l].Slice(0, t.x.Rows) }

// A returns the activations of layer l, one row a sample.
func (t *Tape[T]) A(l int) Matrix[T] { return t.a[l].Slice(0, t.x.Rows) }

// Delta returns dL/dZ of layer l as the last Backprop left it, one row a sample; of a layer
// with a norm it is dL/d(x·W + b).
func (t *Tape[T]) Delta(l int) Matrix[T] { return t.delta[l].Slice(0, t.x.Rows) }

// Normalized returns the normalized sums of layer l's norm in the last ForwardTraining, a row a
// sample, and 1/√(variance + epsilon): under batch normalization with the mean, one of each for a
// unit, under layer normalization without, one for a row. All are nil of a layer without a norm.
func (t *Tape[T]) Normalized(l int) (hat Matrix[T], mean, rstd []T) {
	if t.norms == nil || t.norms[l].rstd == nil || !t.training {
		return Matrix[T]{}, nil, nil
	}
	nt := &t.norms[l]
	if nt.mean == nil {
		return nt.hat.Slice(0, t.x.Rows), nil, nt.rstd[:t.x.Rows]
	}
	return nt.hat.Slice(0, t.x.Rows), nt.mean, nt.rstd
}

// input returns what layer l sees.
func (t *Tape[T]) input(l int) Matrix[T] {
	switch {
	case t.training && t.drops[l].s != 0:
		return t.drops[l].x.Slice(0, t.x.Rows)
	case l == 0:
		return t.x
	}
	return t.A(l - 1)
}

func (t *Tape[T]) start(n *Network[T], x Matrix[T]) {
	if x.Cols != n.inputs {
		panic(fmt.Sprintf("nn: the input has %d columns, the network %d inputs", x.Cols, n.inputs))
	}
	if x.Rows > t.MaxRows() {
		panic(fmt.Sprintf("nn: the input has %d rows, the tape room for %d", x.Rows, t.MaxRows()))
	}
	t.x, t.training = x, false
	t.in.take(x)
}
