package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// The loss and the gradient have the same bits with every instruction set, even if the targets are part of a wider
// matrix.
func TestSameBitsOnEveryISA(t *testing.T) {
	t.Run("float32", testSameBits[float32])
	t.Run("float64", testSameBits[float64])
}

func testSameBits[T Float](t *testing.T) {
	was := kernel.ISA()
	defer kernel.SelectISA(was)
	pairs := []struct {
		loss Loss
		out  Activation
	}{
		{CrossEntropy, Softmax}, {BinaryCrossEntropy, Sigmoid}, {HalfSquared, Sigmoid}, {Squared, Identity},
		{Squared, Tanh}, {Absolute, Identity}, {Huber(1), Identity}, {Poisson, Exp}, {Poisson, Softplus}, {HalfSquared, Softmax},
		{Quantile(0.3), Identity}, {LogCosh, Identity}, {Tweedie(1.5), Exp}, {Tweedie(1.5), Softplus}, {Focal(2), Softmax}, {BinaryFocal(2), Sigmoid}, {Hinge, Identity},
	}
	for _, name := range Activations() {
		hidden, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		if hidden == Softmax {
			continue
		}
		for _, p := range pairs {
			for _, outputs := range []int{1, 3, 17} {
				if Compatible(p.loss, p.out, outputs) != nil {
					continue
				}
				const rows = 19
				n, err := New[T](5, Seed(1), Dense{Units: 21, Activation: hidden}, Dense{Units: outputs, Activation: p.out})
				if err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(5, 6))
				x, y := NewMatrix[T](rows, 5), NewMatrix[T](rows, outputs)
				wide := Matrix[T]{Rows: rows, Cols: outputs, Stride: outputs + 2, Data: make([]T, rows*(outputs+2))}
				for i := range x.Data {
					x.Data[i] = T(r.NormFloat64())
				}
				for i := range rows {
					y.Row(i)[i%outputs] = 1
					copy(wide.Row(i), y.Row(i))
				}
				run := func(isa string, y Matrix[T]) (forward, loss float64, grad []T) {
					if err := kernel.SelectISA(isa); err != nil {
						t.Fatal(err)
					}
					tape := n.NewTape(rows)
					grad = make([]T, len(n.Params()))
					n.Forward(tape, x)
					forward = n.Loss(tape, p.loss, y)
					loss = n.Backprop(tape, p.loss, y, 1.0/rows, grad)
					return forward, loss, grad
				}
				_, want, wantGrad := run("generic", y)
				for _, isa := range kernel.ISAs() {
					for _, y := range []Matrix[T]{y, wide} {
						forward, loss, grad := run(isa, y)
						if math.Float64bits(loss) != math.Float64bits(want) || forward != loss {
							t.Fatalf("%s, %s after %s, %d outputs on %s: loss %v and %v, want %v as in Go", name, p.loss, p.out, outputs, isa, forward, loss, want)
						}
						for i := range grad {
							if math.Float64bits(float64(grad[i])) != math.Float64bits(float64(wantGrad[i])) {
								t.Fatalf("%s, %s after %s, %d outputs on %s: gradient %d is %v, want %v as in Go", name, p.loss, p.out, outputs, isa, i, grad[i], wantGrad[i])
							}
						}
					}
				}
			}
		}
	}
}
