package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program5() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 5.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Scale:       "standard",
		Hidden:      []int{4},
		Activation:  "tanh",
		Norm:        "layer",
		Seed:        1,
		ClassWeight: []string{"no=3", "yes=0.5"},
		Optimizer:   "adam",
		LR:          new(0.01),
		Beta1:       new(0.8),
		Beta2:       new(0.99),
		Epsilon:     new(1e-06),
		WeightDecay: new(0.1),
		ClipNorm:    0.5,
		ClipValue:   0.1,
		Epochs:      3,
		Precision:   "float32",
		Patience:    new(0),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Training.Loss, m.WeightsSHA256())
	if err := m.Save("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/p.safetensors"); err != nil {
		log.Fatal(err)
	}
}
