// Command finetune trains a model further on new rows, with its first layers frozen, and saves the
// result as another model. It finds columns and classes by their names.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "finetuned.safetensors", "the model to write")
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "finetune [-o FILE] MODEL TABLE") }
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		log.Fatal("give a model and a table")
	}
	if err := run(flag.Arg(0), flag.Arg(1), *out); err != nil {
		log.Fatal(err)
	}
}

func run(from, file, out string) error {
	m, err := model.Load(from)
	if err != nil {
		return err
	}
	table, err := data.Read(file, data.ReadOptions{})
	if err != nil {
		return err
	}
	if m.Network32() == nil {
		return tune(m, m.Network64().Clone(), table, out)
	}
	return tune(m, m.Network32().Clone(), table, out)
}

// tune trains all but the first layer of a copy of the model's network.
func tune[T nn.Float](m *model.Model, net *nn.Network[T], table *data.Table, out string) error {
	e := m.Encoding
	b, err := e.Bind(table)
	if err != nil {
		return err
	}
	rows := b.Labeled()
	set := train.Set[T]{X: nn.NewMatrix[T](len(rows), e.Width()), Y: nn.NewMatrix[T](len(rows), e.Outputs())}
	if _, err := data.Inputs(b, rows, set.X.Data); err != nil {
		return err
	}
	if err := data.Targets(b, rows, set.Y.Data); err != nil {
		return err
	}

	rates := make([]float64, net.Depth())
	for l := range rates {
		rates[l] = 1
	}
	if len(rates) > 1 {
		rates[0] = 0 // frozen
	}
	t, err := train.New(net, train.Config{Loss: m.Loss, Epochs: 10, LearningRate: 1e-3, LayerRates: rates}, train.Data[T]{Train: set})
	if err != nil {
		return err
	}
	result, err := t.Run(context.Background())
	if err != nil {
		return err
	}
	tuned, err := model.New(e, net, model.NewOptions{Loss: m.Loss, Result: &result})
	if err != nil {
		return err
	}
	if err := tuned.Save(out); err != nil {
		return err
	}
	fmt.Printf("%d rows, %d epochs, saved %s\n", len(rows), result.Epochs, out)
	return nil
}
