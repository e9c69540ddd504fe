package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program2() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 2.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Scale:      "none",
		Hidden:     []int{6},
		Activation: "tanh",
		NoBias:     true,
		Seed:       1,
		BatchSize:  20,
		Optimizer:  "momentum",
		LR:         new(0.1),
		Schedule:   "step:1:0.5",
		Epochs:     3,
		Precision:  "float32",
		Validation: new(0.25),
		Patience:   new(0),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Training.Loss, m.WeightsSHA256())
	if err := m.Save("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/p.safetensors"); err != nil {
		log.Fatal(err)
	}
}
