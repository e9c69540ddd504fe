package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func program3() {
	table, err := data.Read("/tmp/TestCommandAndProgramComeToTheSameBits871358981/001/table 3.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{
		Types:      map[string]data.Kind{"a": "category"},
		Scale:      "auto",
		Hidden:     []int{5, 3},
		Activation: "tanh",
		Seed:       1,
		Optimizer:  "auto",
		NoShuffle:  true,
		Epochs:     4,
		Precision:  "float64",
		Test:       new(0.2),
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
