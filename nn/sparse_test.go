package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/team"
)

// categories returns rows with three numbers and two one-hot categories.
func categories[T Float](rows int) Matrix[T] {
	r := rand.New(rand.NewPCG(31, 32))
	x := NewMatrix[T](rows, 45)
	for i := range rows {
		for j := range 3 {
			x.Row(i)[j] = T(r.NormFloat64())
		}
		x.Row(i)[3+r.IntN(12)] = 1
		x.Row(i)[15+r.IntN(30)] = 1
	}
	return x
}

// The first layer skips the zeros of a batch that is mostly zeros. All results are the same as with
// the zeros: on one core and on a team, with a gradient and with an Updater. Nothing is
// allocated.
func TestSparseInput(t *testing.T) {
	t.Run("float32", testSparseInput[float32])
	t.Run("float64", testSparseInput[float64])
}

func testSparseInput[T Float](t *testing.T) {
	const rows = 200
	x, y := categories[T](rows), waves[T](rows, 2)
	for _, first := range []Dense{
		{Units: 150, Activation: Tanh}, {Units: 33, Activation: ReLU, NoBias: true},
		{Units: 20, Activation: ReLU, Norm: BatchNorm}, {Units: 20, Activation: ReLU, Norm: LayerNorm},
	} {
		pass := func(size int, first Dense) (out, grad, after []T) {
			n := mustNew[T](t, x.Cols, 3, first, Dense{Units: 2, Activation: Identity})
			tape := n.NewTape(rows)
			if size > 1 {
				w := team.New(size - 1)
				defer w.Close()
				tape.UseTeam(w, size)
			}
			n.ForwardTraining(tape, x, Noise{Seed: 1})
			if tape.sparse(0) != (first.Dropout == 0) {
				t.Fatalf("%v: the first layer skips zeros: %v, want the opposite", first, tape.sparse(0))
			}
			grad = make([]T, len(n.Params()))
			n.Backprop(tape, HalfSquared, y, 1, grad)
			out = append(out, tape.A(1).flat()...)
			u := newDescent(n)
			n.BackpropUpdate(tape, HalfSquared, y, 1, u)
			after = append(after, n.Params()...)
			if a := testing.AllocsPerRun(3, func() {
				n.ForwardTraining(tape, x, Noise{Seed: 1})
				n.BackpropUpdate(tape, HalfSquared, y, 1, u)
			}); a != 0 {
				t.Errorf("%v: %v allocations in a step, want none", first, a)
			}
			return out, grad, after
		}
		dropping := first // it drops nothing, but makes the first layer use a copy that has the zeros
		dropping.Dropout = 1e-300
		wantOut, wantGrad, wantAfter := pass(1, dropping)
		for size := 1; size <= 3; size++ {
			out, grad, after := pass(size, first)
			for name, pair := range map[string][2][]T{"output": {out, wantOut}, "gradient": {grad, wantGrad}, "parameter": {after, wantAfter}} {
				for i := range pair[0] {
					if pair[0][i] != pair[1][i] {
						t.Fatalf("%v, %d goroutines: %s %d is %v if zeros are skipped, and %v if they are not", first, size, name, i, pair[0][i], pair[1][i])
					}
				}
			}
		}
	}
}

// descent is an Updater that computes w = w - 0.01·grad.
type descent[T Float] struct{ parts [][][]T }

func newDescent[T Float](n *Network[T]) *descent[T] {
	u := &descent[T]{}
	for i := range n.Parts() {
		from, to := n.Part(i)
		u.parts = append(u.parts, [][]T{n.Params()[from:to]})
	}
	return u
}

func (u *descent[T]) Memory(part int) [][]T { return u.parts[part] }

func (u *descent[T]) Update(part int, grad []T) {
	kernel.SGD(u.parts[part][0], grad, T(-0.01))
}

func (u *descent[T]) Descent() (rate, mu float64, ok bool) { return 0.01, 0, true }

// The first layer skips no zeros of batches that are dense or narrow, or have few rows.
func TestDenseInput(t *testing.T) {
	for _, x := range []Matrix[float64]{waves[float64](100, 45), categories[float64](7), categories[float64](1)} {
		n := mustNew[float64](t, x.Cols, 3, Dense{Units: 2, Activation: Tanh})
		tape := n.NewTape(x.Rows)
		n.Forward(tape, x)
		if tape.sparse(0) {
			t.Errorf("the first layer skips zeros of a batch of %s", fmt.Sprintf("%d x %d", x.Rows, x.Cols))
		}
	}
}
