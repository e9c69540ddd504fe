package nn

import "fmt"

// Tape holds what one forward and one backward pass leave behind: for each layer l the
// pre-activations Z(l), the activations A(l) and, after Backprop, Delta(l) = dL/dZ(l). It
// belongs to one goroutine. Using it again overwrites it; nothing is allocated.
type Tape[T Float] struct {
	x           Matrix[T] // the input of the last Forward
	z, a, delta []Matrix[T]
}

// NewTape returns a tape for batches of up to maxRows rows.
func (n *Network[T]) NewTape(maxRows int) *Tape[T] {
	t := n.newForwardTape(maxRows)
	t.delta = make([]Matrix[T], len(n.layers))
	for i, l := range n.layers {
		t.delta[i] = NewMatrix[T](maxRows, l.Units)
	}
	return t
}

// newForwardTape returns a tape that serves Forward alone.
func (n *Network[T]) newForwardTape(maxRows int) *Tape[T] {
	t := &Tape[T]{z: make([]Matrix[T], len(n.layers)), a: make([]Matrix[T], len(n.layers))}
	for i, l := range n.layers {
		t.z[i] = NewMatrix[T](maxRows, l.Units)
		t.a[i] = NewMatrix[T](maxRows, l.Units)
	}
	return t
}

// Rows returns how many rows the last Forward had.
func (t *Tape[T]) Rows() int { return t.x.Rows }

// MaxRows returns how many rows the tape has room for.
func (t *Tape[T]) MaxRows() int { return t.z[0].Rows }

// X returns the input of the last Forward.
func (t *Tape[T]) X() Matrix[T] { return t.x }

// Z returns the pre-activations of layer l, one row a sample.
func (t *Tape[T]) Z(l int) Matrix[T] { return t.z[l].Slice(0, t.x.Rows) }

// A returns the activations of layer l, one row a sample.
func (t *Tape[T]) A(l int) Matrix[T] { return t.a[l].Slice(0, t.x.Rows) }

// Delta returns dL/dZ of layer l as the last Backprop left it, one row a sample.
func (t *Tape[T]) Delta(l int) Matrix[T] { return t.delta[l].Slice(0, t.x.Rows) }

// input returns what layer l sees.
func (t *Tape[T]) input(l int) Matrix[T] {
	if l == 0 {
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
	t.x = x
}
