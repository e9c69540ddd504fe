package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program6() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 6.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Targets:      []string{"class"},
		Scale:        "standard",
		Hidden:       []int{4},
		Activation:   "tanh",
		Seed:         1,
		Loss:         "focal:1.5",
		ClassWeight:  []string{"balanced"},
		Optimizer:    "rmsprop",
		LR:           new(0.01),
		Momentum:     new(0.5),
		Schedule:     "one-cycle",
		Epochs:       3,
		Precision:    "float64",
		SampleWeight: "a",
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
