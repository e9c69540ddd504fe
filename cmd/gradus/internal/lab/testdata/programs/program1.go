package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program1() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 1.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Scale:            "none",
		Hidden:           []int{1},
		Activation:       "sigmoid",
		OutputActivation: "sigmoid",
		NoBias:           true,
		Init:             "uniform",
		Seed:             10,
		Loss:             "half-squared",
		Reduction:        "sum",
		Method:           "per-sample",
		Optimizer:        "sgd",
		LR:               new(80.0),
		Epochs:           20,
		Tolerance:        new(0.001),
		Precision:        "float64",
		Validation:       new(0.0),
		Patience:         new(0),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Training.Loss, m.WeightsSHA256())
	if err := m.Save("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/p.safetensors"); err != nil {
		log.Fatal(err)
	}
}
