// Command mnist trains 784-512-256-10 from MNIST's IDX files until 98 % of the test images are right. The rate falls
// linearly to 0 over EPOCHS. It prints one JSON line. It is the gradus side of a whole-process comparison with
// python/mnist_torch.py. Both divide pixels by 255 and do nothing else to them.
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

// falling lowers the rate over that many epochs. The run itself is set to one epoch more, so that
// the loop above ends it. At its own end the run would compute the loss over all rows, which is
// not needed here.
type falling struct {
	optim.Polynomial
	epochs int
}

func (f falling) Rate(base float64, at optim.Position) float64 {
	at.Epochs = f.epochs
	return f.Polynomial.Rate(base, at)
}

// read reads images and their labels. The encoding is that of the training images.
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
		// Pixels are not scaled, so a few rows are enough to learn the classes.
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

// top returns the index of the largest value.
func top(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}
