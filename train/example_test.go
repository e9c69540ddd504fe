package train_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log"
	"math"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The example trains a network on slices to compute the exclusive or.
func Example() {
	x := nn.FromRows([][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}})
	y := nn.FromRows([][]float64{{0}, {1}, {1}, {0}})
	net, err := nn.New[float64](2, nn.Seed(1), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: 1, Activation: nn.Sigmoid})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{LearningRate: 0.05, Epochs: 500}, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
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
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{Method: train.Batch, LearningRate: 0.1, Epochs: 400}, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}})
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

// Partial fitting trains the same network on rows that come later. The optimizer keeps its
// state.
func ExampleTrainer_More() {
	rows := func(from float64) train.Data[float64] { // y = 1 + 2x, near from
		var x, y [][]float64
		for i := range 8 {
			at := from + float64(i)/8
			x, y = append(x, []float64{at}), append(y, []float64{1 + 2*at})
		}
		return train.Data[float64]{Train: train.Set[float64]{X: nn.FromRows(x), Y: nn.FromRows(y)}}
	}
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	t, err := train.New(net, train.Config{LearningRate: 0.05, Epochs: 200}, rows(0))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	for _, from := range []float64{-1, 1} {
		if err := t.More(rows(from), 200); err != nil {
			log.Fatal(err)
		}
		if _, err := t.Run(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%d epochs, y = %.2f + %.2f x\n", t.Epoch(), net.Bias(0)[0], net.Weights(0).At(0, 0))
	// Output: 600 epochs, y = 1.00 + 2.00 x
}

// In a warm start, New begins with the weights that the network has and with a fresh
// optimizer.
func ExampleNew_warmStart() {
	data := train.Data[float64]{Train: train.Set[float64]{
		X: nn.FromRows([][]float64{{0}, {1}, {2}, {3}}), Y: nn.FromRows([][]float64{{1}, {3}, {5}, {7}}),
	}}
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	for _, rate := range []float64{0.1, 0.01} {
		t, err := train.New(net, train.Config{LearningRate: rate, Epochs: 300}, data)
		if err != nil {
			log.Fatal(err)
		}
		begins := t.FullLoss()
		if _, err := t.Run(context.Background()); err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.FullLoss() < begins, begins < 1)
	}
	// Output:
	// true false
	// true true
}

// A checkpoint holds the whole state of a run. A trainer that reads it continues as if
// nothing had happened, to the bit.
func ExampleTrainer_Checkpoint() {
	start := func() *train.Trainer[float32] {
		net, err := nn.New[float32](1, nn.Seed(1), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: 1})
		if err != nil {
			log.Fatal(err)
		}
		t, err := train.New(net, train.Config{Epochs: 50}, train.Data[float32]{Train: train.Set[float32]{
			X: nn.FromRows([][]float32{{0}, {1}, {2}, {3}}), Y: nn.FromRows([][]float32{{1}, {3}, {5}, {7}}),
		}})
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
	var file bytes.Buffer
	first := start()
	for step := range first.Steps(context.Background()) {
		if step.N == 20 { // after 20 updates here; usually after some time
			if err := first.Checkpoint(&file); err != nil {
				log.Fatal(err)
			}
		}
	}

	second := start() // perhaps in another process, on another machine
	c, err := train.ReadCheckpoint(bytes.NewReader(file.Bytes()))
	if err != nil {
		log.Fatal(err)
	}
	if err := second.Restore(c); err != nil {
		log.Fatal(err)
	}
	if _, err := second.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Steps, second.Result().Steps, second.FullLoss() == first.FullLoss())
	// Output: 20 50 true
}

// L-BFGS solves a small problem with a penalty on large weights. It finds the minimum of the loss
// and the penalty, to the last digits.
func Example_solver() {
	x := nn.FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := nn.FromRows([][]float64{{1}, {3}, {5}, {7}})
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
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
	// By hand: 2·1.25·(2 - w) = 0.1·w, where 1.25 is the variance of x.
	fmt.Printf("%s, w = %.6f, b = %.6f\n", r.Reason, net.Weights(0).At(0, 0), net.Bias(0)[0])
	// Output: minimum, w = 1.923077, b = 1.115385
}

// A custom score chooses the epoch whose weights are kept. Here it is the largest error of any
// validation row. A row's weight says how much the row counts in training.
func ExampleConfig_score() {
	x := nn.FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := nn.FromRows([][]float64{{1}, {3}, {5}, {70}}) // the last is not to be trusted
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
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
	t, err := train.New(net, train.Config{Method: train.Batch, LearningRate: 0.1, Epochs: 300, KeepBest: true, Score: worst},
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

// The rows come from a generator and are never all in memory: y = 2·x + 1.
func ExampleNewStream() {
	points := func(epoch int) iter.Seq2[train.Set[float64], error] {
		x, y := nn.NewMatrix[float64](10, 1), nn.NewMatrix[float64](10, 1) // used again for every chunk
		return func(yield func(train.Set[float64], error) bool) {
			for at := epoch; ; at++ {
				for i := range x.Rows {
					x.Data[i] = float64((at*10+i)*7%40)/20 - 1
					y.Data[i] = 2*x.Data[i] + 1
				}
				if !yield(train.Set[float64]{X: x, Y: y}, nil) {
					return
				}
			}
		}
	}
	net, err := nn.New[float64](1, nn.Seed(1), nn.Dense{Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	stream := train.Stream[float64]{Rows: 400, Open: points}
	t, err := train.NewStream(net, train.Config{Epochs: 20, LearningRate: 0.05}, stream, train.Set[float64]{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d rows, y = %.2f·x + %.2f\n", result.Rows, net.Weights(0).At(0, 0), net.Bias(0)[0])
	// Output: 8000 rows, y = 2.00·x + 1.00
}
