package train

import (
	"testing"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// BenchmarkStep measures one training step (forward, backward, update) of three nets
// that spend their time on different things.
func BenchmarkStep(b *testing.B) {
	adam, momentum := optim.NewAdam(), optim.Momentum{Momentum: 0.9}
	benchmarkStep[float32](b, "mnist", 784, 128, nn.CrossEntropy, momentum,
		nn.Dense{Units: 512, Activation: nn.ReLU}, nn.Dense{Units: 256, Activation: nn.ReLU}, nn.Dense{Units: 10, Activation: nn.Softmax})
	benchmarkStep[float32](b, "tabular", 20, 32, nn.Squared, adam,
		nn.Dense{Units: 64, Activation: nn.ReLU}, nn.Dense{Units: 64, Activation: nn.ReLU}, nn.Dense{Units: 1})
	benchmarkStep[float64](b, "notebook", 3, 4, nn.HalfSquared, optim.SGD{},
		nn.Dense{Units: 4, Activation: nn.Sigmoid, NoBias: true}, nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
}

func benchmarkStep[T nn.Float](b *testing.B, name string, inputs, rows int, loss nn.Loss, rule optim.Optimizer, layers ...nn.Dense) {
	was := kernel.ISA()
	defer kernel.SelectISA(was)
	for _, isa := range kernel.ISAs() {
		impl := isa
		if isa == "generic" {
			impl = "go"
		}
		b.Run(name+"/impl="+impl, func(b *testing.B) {
			kernel.SelectISA(isa)
			n, err := nn.New[T](inputs, nn.Seed(1), layers...)
			if err != nil {
				b.Fatal(err)
			}
			x, y := nn.NewMatrix[T](rows, inputs), nn.NewMatrix[T](rows, n.Outputs())
			for i := range x.Data {
				x.Data[i] = T(i*7919%101)/101 - 0.5
			}
			for i := range rows {
				y.Row(i)[i%y.Cols] = 1
			}
			tape, grad := n.NewTape(rows), make([]T, len(n.Params()))
			slots := make([][]T, rule.Slots())
			for i := range slots {
				slots[i] = make([]T, len(grad))
			}
			step := 0
			for b.Loop() {
				step++
				n.Forward(tape, x)
				n.Backprop(tape, loss, y, 1/float64(rows), grad)
				optim.Update(rule, optim.Step{LearningRate: 1e-4, N: step}, n.Params(), grad, slots)
			}
		})
	}
}
