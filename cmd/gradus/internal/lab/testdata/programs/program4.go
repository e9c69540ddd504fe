package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program4() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 4.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Scale:        "none",
		Hidden:       []int{6},
		Activation:   "tanh",
		Norm:         "batch",
		Seed:         1,
		BatchSize:    20,
		Optimizer:    "momentum",
		LR:           new(0.1),
		Momentum:     new(0.7),
		Warmup:       1,
		Dropout:      0.3,
		InputDropout: 0.1,
		L1:           0.001,
		L2:           0.01,
		MaxNorm:      2,
		Epochs:       3,
		Precision:    "float64",
		Validation:   new(0.0),
		Patience:     new(0),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Training.Loss, m.WeightsSHA256())
	if err := m.Save("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/p.safetensors"); err != nil {
		log.Fatal(err)
	}
}
