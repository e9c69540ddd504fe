// Command ownloop trains a network in its own loop, prints scores on held-out rows as it goes,
// and turns the network into a model that the command line can use.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

func main() {
	log.SetFlags(0)
	file := flag.String("data", "examples/data/iris.csv", "the table; its last column is the target, a class")
	out := flag.String("o", "ownloop.safetensors", "the model")
	flag.Parse()
	if err := run(*file, *out); err != nil {
		log.Fatal(err)
	}
}

func run(file, out string) error {
	table, err := data.Read(file, data.ReadOptions{})
	if err != nil {
		return err
	}
	schema, err := data.Infer(table, data.SchemaOptions{Task: data.Multiclass})
	if err != nil {
		return err
	}
	// Every fifth row is held out, and the encoding is learned only from the others.
	var fit, held []int
	for r := range table.Rows() {
		if r%5 == 4 {
			held = append(held, r)
		} else {
			fit = append(fit, r)
		}
	}
	e, err := schema.Fit(table, fit, data.ScaleAuto, false)
	if err != nil {
		return err
	}
	b, err := e.Bind(table)
	if err != nil {
		return err
	}
	trainSet, err := rows(b, e, fit)
	if err != nil {
		return err
	}
	heldSet, err := rows(b, e, held)
	if err != nil {
		return err
	}

	net, err := nn.New[float32](e.Width(), nn.Seed(1),
		nn.Dense{Units: 16, Activation: nn.ReLU}, nn.Dense{Units: e.Outputs(), Activation: nn.Softmax})
	if err != nil {
		return err
	}
	t, err := train.New(net, train.Config{Epochs: 30, LearningRate: 0.01, GradientNorm: true}, train.Data[float32]{Train: trainSet})
	if err != nil {
		return err
	}
	for step, err := range t.Steps(context.Background()) {
		if err != nil {
			return err
		}
		if step.EpochEnd && step.Epoch%10 == 0 {
			fmt.Printf("epoch %d: loss %.4f, gradient %.4f, accuracy %.3f on held-out rows\n",
				step.Epoch, step.EpochLoss, step.GradientNorm, accuracy(net, heldSet))
		}
	}

	result := t.Result()
	m, err := model.New(e, net, model.NewOptions{Result: &result})
	if err != nil {
		return err
	}
	m.Training.Metrics.Test = &metrics.Report{}
	m.Training.Metrics.Test.Set("accuracy", accuracy(net, heldSet))
	if err := m.Save(out); err != nil {
		return err
	}
	fmt.Println("saved", out)
	return nil
}

// rows returns some rows of a table in the form that the network takes.
func rows(b *data.Binding, e *data.Encoding, which []int) (train.Set[float32], error) {
	s := train.Set[float32]{X: nn.NewMatrix[float32](len(which), e.Width()), Y: nn.NewMatrix[float32](len(which), e.Outputs())}
	if _, err := data.Inputs(b, which, s.X.Data); err != nil {
		return s, err
	}
	return s, data.Targets(b, which, s.Y.Data)
}

// accuracy returns the share of rows whose largest output is that of their class.
func accuracy(net *nn.Network[float32], s train.Set[float32]) float64 {
	y := net.Predict(s.X)
	right := 0
	for i := range y.Rows {
		if largest(y.Row(i)) == largest(s.Y.Row(i)) {
			right++
		}
	}
	return float64(right) / float64(y.Rows)
}

func largest(v []float32) (at int) {
	for i := range v {
		if v[i] > v[at] {
			at = i
		}
	}
	return at
}
