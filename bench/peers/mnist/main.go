// Command mnist trains 784-512-256-10 from MNIST's IDX files, at a rate that falls in a straight
// line to 0 over EPOCHS, until 98 % of the test images are right, and prints one JSON line: the gradus side of the whole process that
// python/mnist_torch.py is the other side of. Both take pixels through 255 and nothing else.
//
//	mnist DIR THREADS SEED RATE EPOCHS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mnist:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("the call is mnist DIR THREADS SEED RATE EPOCHS, not %d arguments", len(args))
	}
	threads, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(args[3], 64)
	if err != nil {
		return err
	}
	epochs, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	learn, encoding, err := read(filepath.Join(args[0], "train-images-idx3-ubyte.gz"), nil)
	if err != nil {
		return err
	}
	test, _, err := read(filepath.Join(args[0], "t10k-images-idx3-ubyte.gz"), encoding)
	if err != nil {
		return err
	}
	net, err := nn.New[float32](learn.X.Cols, nn.Seed(seed),
		nn.Dense{Units: 512, Activation: nn.ReLU}, nn.Dense{Units: 256, Activation: nn.ReLU}, nn.Dense{Units: learn.Y.Cols, Activation: nn.Softmax})
	if err != nil {
		return err
	}
	t, err := train.New(net, train.Config{
		Optimizer: optim.Momentum{Momentum: 0.9}, LearningRate: rate, Schedule: falling{optim.Polynomial{Power: 1}, epochs}, BatchSize: 128, Epochs: epochs + 1, Seed: seed, Threads: threads,
	}, train.Data[float32]{Train: learn})
	if err != nil {
		return err
	}
	const batch = 500
	tape := net.NewTape(batch)
	for s, err := range t.Steps(context.Background()) {
		if err != nil {
			return err
		}
		if !s.EpochEnd {
			continue
		}
		right := 0
		for from := 0; from < test.X.Rows; from += batch {
			to := min(from+batch, test.X.Rows)
			p := net.Forward(tape, test.X.Slice(from, to))
			for i := range to - from {
				if top(p.Row(i)) == top(test.Y.Row(from+i)) {
					right++
				}
			}
		}
		accuracy := float64(right) / float64(test.X.Rows)
		if accuracy >= 0.98 || s.Epoch == epochs {
			return json.NewEncoder(os.Stdout).Encode(map[string]any{
				"accuracy": accuracy, "epochs": s.Epoch, "loss": s.EpochLoss, "inputs": net.Inputs(),
			})
		}
	}
	return nil
}

// falling has the rate fall over so many epochs. The run itself is made for one more, so that the
// loop above ends it: at its own end it would compute the loss over all rows, which no one asks
// for here.
type falling struct {
	optim.Polynomial
	epochs int
}

func (f falling) Rate(base float64, at optim.Position) float64 {
	at.Epochs = f.epochs
	return f.Polynomial.Rate(base, at)
}

// read takes images and their labels; the encoding is the training images'.
func read(path string, encoding *data.Encoding) (train.Set[float32], *data.Encoding, error) {
	var set train.Set[float32]
	table, err := data.Read(path, data.ReadOptions{})
	if err != nil {
		return set, nil, err
	}
	rows := make([]int, table.Rows())
	for i := range rows {
		rows[i] = i
	}
	if encoding == nil {
		schema, err := data.Infer(table, data.SchemaOptions{})
		if err != nil {
			return set, nil, err
		}
		// Pixels are taken as they are, so a few rows tell all that there is to learn: the classes.
		if encoding, err = schema.Fit(table, rows[:1000], data.ScaleNone, false); err != nil {
			return set, nil, err
		}
	}
	b, err := encoding.Bind(table)
	if err != nil {
		return set, nil, err
	}
	set.X = nn.NewMatrix[float32](len(rows), encoding.Width())
	set.Y = nn.NewMatrix[float32](len(rows), encoding.Outputs())
	if _, err := data.Inputs(b, rows, set.X.Data); err != nil {
		return set, nil, err
	}
	for i := range set.X.Data {
		set.X.Data[i] /= 255
	}
	return set, encoding, data.Targets(b, rows, set.Y.Data)
}

// top is the place of the largest value.
func top(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}
