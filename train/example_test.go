package train_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// A network trained from slices: the exclusive or.
func Example() {
	x := nn.FromRows([][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}})
	y := nn.FromRows([][]float64{{0}, {1}, {1}, {0}})
	net, err := nn.New[float64](2, 1, nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: 1, Activation: nn.Sigmoid})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{Rate: 0.05, Epochs: 500}, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	out := net.Forward(net.NewTape(4), x)
	fmt.Printf("%.1f %.1f %.1f %.1f\n", out.At(0, 0), out.At(1, 0), out.At(2, 0), out.At(3, 0))
	// Output: 0.0 1.0 1.0 0.0
}

// The loop is an iterator, so what happens between updates is ordinary code. After break
// the run can be continued.
func ExampleTrainer_Steps() {
	x := nn.FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := nn.FromRows([][]float64{{1}, {3}, {5}, {7}})
	net, err := nn.New[float64](1, 1, nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{Method: train.Batch, Rate: 0.1, Epochs: 400}, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
	if err != nil {
		log.Fatal(err)
	}
	for step, err := range t.Steps(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if step.Loss < 1e-3 {
			break
		}
	}
	before := t.Result()
	for range t.Steps(context.Background()) {
	}
	after := t.Result()
	fmt.Println(before.Epochs < after.Epochs, after.Epochs, after.Reason, after.Loss < before.Loss)
	// Output: true 400 epochs true
}

// A small problem solved by L-BFGS, with a penalty on large weights: the minimum of the loss
// and the penalty, to the last digits.
func Example_solver() {
	x := nn.FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := nn.FromRows([][]float64{{1}, {3}, {5}, {7}})
	net, err := nn.New[float64](1, 1, nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{Solver: optim.NewLBFGS(), Penalty: nn.Penalty{L2: 0.1}}, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
	if err != nil {
		log.Fatal(err)
	}
	r, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	// By hand: 2·1.25·(2 - w) = 0.1·w, the variance of x being 1.25.
	fmt.Printf("%s, w = %.6f, b = %.6f\n", r.Reason, net.Weights(0).At(0, 0), net.Bias(0)[0])
	// Output: minimum, w = 1.923077, b = 1.115385
}

// A score of one's own chooses the epoch whose weights are kept: here the worst error of any
// validation row. A row's weight says how much it counts in training.
func ExampleConfig_score() {
	x := nn.FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := nn.FromRows([][]float64{{1}, {3}, {5}, {70}}) // the last is not to be trusted
	net, err := nn.New[float64](1, 1, nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	held := train.Set[float64]{X: nn.FromRows([][]float64{{4}, {5}}), Y: nn.FromRows([][]float64{{9}, {11}})}
	worst := func(outputs []float64) float64 {
		w := 0.0
		for i, out := range outputs {
			w = max(w, math.Abs(out-held.Y.At(i, 0)))
		}
		return w
	}
	t, err := train.New(net, train.Config{Method: train.Batch, Rate: 0.1, Epochs: 300, KeepBest: true, Score: worst},
		train.Data[float64]{Train: train.Set[float64]{X: x, Y: y, W: []float64{1, 1, 1, 0}}, Validation: held})
	if err != nil {
		log.Fatal(err)
	}
	r, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the worst error is %.1f, and that of the weights kept %.1f\n", r.BestScore, worst(net.Predict(held.X).Data))
	// Output: the worst error is 0.0, and that of the weights kept 0.0
}
