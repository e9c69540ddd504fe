package nn

import (
	"fmt"
	"sync/atomic"

	"github.com/gradus-ml/gradus/internal/team"
)

// Tape holds the results of one forward and one backward pass: for each layer l the
// pre-activations Z(l), the activations A(l) and, after Backprop, Delta(l) = dL/dZ(l). It belongs
// to one goroutine. Using it again overwrites it. Nothing is allocated then, except the lists for
// the first batch that is mostly zeros and for every larger one.
type Tape[T Float] struct {
	x           Matrix[T] // the input of the last forward pass
	in          *Input[T] // own, or one that was prepared
	own         Input[T]
	prepared    *Input[T] // for the next pass
	z, a, delta []Matrix[T]
	norms       []normTape[T] // of the layers that have a norm
	drops       []dropTape[T] // of the layers that have dropout
	training    bool          // ForwardTraining was last, not Forward
	noise       Noise         // of the last ForwardTraining
	spare       []spare[T]    // one for each goroutine of the team
	team        *team.Team
	size        int // of the team, including the caller
	pass        pass[T]
	weights     []float64       // see UseWeights
	shards      Shards          // of the last pass
	whole       [1]int          // the end of a single shard
	chunks      []span          // of the shards, see chunkRows
	losses      []float64       // of the shards
	work        func(piece int) // pass.do, made once so that a step allocates nothing
}

// pass is what the pieces of the current pass need to know.
type pass[T Float] struct {
	n      *Network[T]
	kind   passKind
	rows   int // in a piece
	first  int // forwardRows: the first half-layer; deltaRows: the layer to start from
	last   int // forwardRows: the half-layer after the last one; deltaRows: the layer to stop before
	grad   []T
	update Updater[T]
	shard  int  // gradientPanels: the shard
	span   span // the rows of that shard
}

// spare is one goroutine's memory for the gradient of a panel that is used at once. Using the
// same memory for every panel keeps it in the cache.
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

// newForwardTape returns a tape that only serves Forward.
func (n *Network[T]) newForwardTape(maxRows int) *Tape[T] {
	t := &Tape[T]{z: make([]Matrix[T], len(n.layers)), a: make([]Matrix[T], len(n.layers)), size: 1}
	t.work, t.in = t.piece, &t.own
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

// UseTeam spreads the passes over a team of that size from now on, if that pays. The results
// have the same bits.
func (t *Tape[T]) UseTeam(w *team.Team, size int) { t.team, t.size = w, size }

// UseWeights sets the row weights of the following passes: each row's loss and its delta are
// multiplied by its weight. A row of weight 0 adds nothing, whatever it contains. There is one
// weight per row. nil, the default, means all are 1. The tape keeps the slice.
func (t *Tape[T]) UseWeights(w []float64) { t.weights = w }

// alone is the number of multiply-adds below which a pass is not spread: about 20 us of work.
const alone = 1 << 20

// byRows runs a pass in pieces of rows, over the team if there is enough work.
func (t *Tape[T]) byRows(kind passKind, multiplyAdds int) {
	rows := t.x.Rows
	t.pass.kind, t.pass.rows = kind, rows
	if rows == 0 {
		return
	}
	if t.size < 2 || rows < 2 || multiplyAdds < alone {
		t.piece(0)
		return
	}
	// Two pieces per core, so that if one core is held up, the others take over its work.
	t.pass.rows = max(1, (rows+2*t.size-1)/(2*t.size)+3) &^ 3
	t.team.Do((rows+t.pass.rows-1)/t.pass.rows, t.work)
}

// piece does one piece of the current pass.
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

// makeSpare allocates the memory that takeSpare hands out.
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

// takeSpare returns a spare that no other goroutine has. Setting busy to false gives it back.
func (t *Tape[T]) takeSpare() *spare[T] {
	for i := 0; ; i = (i + 1) % len(t.spare) {
		if s := &t.spare[i]; s.busy.CompareAndSwap(false, true) {
			return s
		}
	}
}

// Rows returns how many rows the last Forward had.
func (t *Tape[T]) Rows() int { return t.x.Rows }

// MaxRows returns the maximum number of rows for the tape.
func (t *Tape[T]) MaxRows() int { return t.z[0].Rows }

// X returns the input of the last Forward.
func (t *Tape[T]) X() Matrix[T] { return t.x }

// Z returns the pre-activations of layer l, one row per sample: the input of its activation,
// after any norm.
func (t *Tape[T]) Z(l int) Matrix[T] { return t.z[l].Slice(0, t.x.Rows) }

// A returns the activations of layer l, one row per sample.
func (t *Tape[T]) A(l int) Matrix[T] { return t.a[l].Slice(0, t.x.Rows) }

// Delta returns dL/dZ of layer l as the last Backprop left it, one row per sample. For a layer
// with a norm it is dL/d(x·W + b).
func (t *Tape[T]) Delta(l int) Matrix[T] { return t.delta[l].Slice(0, t.x.Rows) }

// Normalized returns the normalized sums of layer l's norm in the last ForwardTraining, one row
// per sample, and rstd = 1/√(variance + epsilon). Under batch normalization there is one mean and
// one rstd per unit. Under layer normalization mean is nil and there is one rstd per row. For a
// layer without a norm all are nil.
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

// input returns the input of layer l.
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
	t.whole[0] = x.Rows
	t.shards = Shards{Rows: x.Rows, Ends: t.whole[:]}
	if t.in, t.prepared = t.prepared, nil; t.in == nil {
		t.in = &t.own
		t.in.take(x)
	}
}
