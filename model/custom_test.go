package model_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// Bump is a custom activation, f(z) = e^(-z²).
type Bump struct{}

func (Bump) String() string         { return "bump" }
func (Bump) F(z float64) float64    { return math.Exp(-z * z) }
func (Bump) D(z, a float64) float64 { return -2 * z * a }
func (Bump) Piece(float64) int      { return 0 } // it is smooth

// Cauchy is a custom loss, L = log(1 + (yhat - y)²).
type Cauchy struct{}

func (Cauchy) String() string            { return "cauchy" }
func (Cauchy) L(y, yhat float64) float64 { return math.Log1p((yhat - y) * (yhat - y)) }
func (Cauchy) D(y, yhat float64) float64 { return 2 * (yhat - y) / (1 + (yhat-y)*(yhat-y)) }
func (Cauchy) Piece(_, _ float64) int    { return 0 }

// SignDescent is a custom optimizer, w -= rate·sign(g).
type SignDescent struct{}

func (SignDescent) String() string  { return "sign-descent" }
func (SignDescent) Slots() int      { return 0 }
func (SignDescent) Validate() error { return nil }

func (SignDescent) Update32(s optim.Step, w, g []float32, _ [][]float32) { descend(s, w, g) }
func (SignDescent) Update64(s optim.Step, w, g []float64, _ [][]float64) { descend(s, w, g) }

func descend[T optim.Float](s optim.Step, w, g []T) {
	for i := range w {
		switch {
		case g[i] > 0:
			w[i] -= T(s.LearningRate)
		case g[i] < 0:
			w[i] += T(s.LearningRate)
		}
	}
}

// A model can be trained with a custom activation, loss and optimizer. The model's file names them,
// and Load gets them as an option.
func Example_custom() {
	custom := model.Custom{
		Activations: []nn.Activation{Bump{}},
		Losses:      []nn.Loss{Cauchy{}},
		Optimizers:  []optim.Optimizer{SignDescent{}},
	}
	table, err := data.Read("../examples/data/diabetes.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	rate := 0.001
	m, _, err := model.Train(context.Background(), table, model.Options{
		Hidden: []int{8}, Activation: "bump", Loss: "cauchy", Optimizer: "sign-descent", LearningRate: &rate, Epochs: 20, Seed: 1, Custom: custom,
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "gradus")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "m.safetensors")
	if err := m.Save(path); err != nil {
		log.Fatal(err)
	}

	_, err = model.Load(path)
	fmt.Println(strings.TrimPrefix(err.Error(), path), errors.Is(err, nn.ErrActivation))
	again, err := model.Load(path, custom)
	if err != nil {
		log.Fatal(err)
	}
	r2, _ := again.Training.Metrics.Validation.Get("r2")
	fmt.Println(again.Loss, again.WeightsSHA256() == m.WeightsSHA256(), r2 > 0.2)
	// Output:
	// : model file: it was made with the activation "bump" of layer 0, the loss "cauchy", the optimizer "sign-descent", which gradus does not know: a program that has them gives them to model.Load true
	// cauchy true true
}
