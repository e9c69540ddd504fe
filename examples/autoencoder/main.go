// Command autoencoder trains two networks as one: an encoder from 6 numbers to 2, and a decoder back.
// The gradient goes from the decoder's inputs into the encoder's outputs. Afterwards the encoder can be
// written to a file and used by itself.
package main

import (
	"bytes"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	// 64 points of 6 numbers that depend on only 2 numbers.
	const points, width, code = 64, 6, 2
	x := nn.NewMatrix[float64](points, width)
	for i := range points {
		a, b := float64(i%8)/4-1, float64(i/8)/4-1
		copy(x.Row(i), []float64{a, b, a + b, a - b, (a + 2*b) / 2, (2*a - b) / 2})
	}
	encoder, err := nn.New[float64](width, nn.Seed(1), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: code})
	if err != nil {
		return err
	}
	decoder, err := nn.New[float64](code, nn.Seed(2), nn.Dense{Units: 8, Activation: nn.Tanh}, nn.Dense{Units: width})
	if err != nil {
		return err
	}

	e, d := newPart(encoder, points), newPart(decoder, points)
	dCode := nn.NewMatrix[float64](points, code)
	for step := 1; step <= 2000; step++ {
		hidden := encoder.Forward(e.tape, x)
		decoder.Forward(d.tape, hidden)
		scale := nn.Mean.Scale(points, nil)
		loss := decoder.Backprop(d.tape, nn.Squared, x, scale, d.grad) * scale
		decoder.InputGradient(d.tape, dCode)        // dL/dcode
		encoder.BackpropFrom(e.tape, dCode, e.grad) // dL/dcode is dL/da of the encoder
		d.update(step)
		e.update(step)
		if step%1000 == 0 {
			fmt.Printf("step %d: loss %.4f\n", step, loss)
		}
	}

	var file bytes.Buffer
	if err := encoder.Write(&file); err != nil {
		return err
	}
	alone, err := nn.Read[float64](&file)
	if err != nil {
		return err
	}
	fmt.Println("the encoder alone makes", alone.Predict(x).Cols, "numbers of", alone.Inputs())
	return nil
}

// part is a network and what its training needs.
type part struct {
	net   *nn.Network[float64]
	tape  *nn.Tape[float64]
	rule  optim.Optimizer
	grad  []float64
	slots [][]float64
}

func newPart(net *nn.Network[float64], rows int) *part {
	p := &part{net: net, tape: net.NewTape(rows), rule: optim.NewAdam(), grad: make([]float64, len(net.Params()))}
	for range p.rule.Slots() {
		p.slots = append(p.slots, make([]float64, len(p.grad)))
	}
	return p
}

func (p *part) update(step int) {
	optim.Update(p.rule, optim.Step{N: step, LearningRate: 0.01}, p.net.Params(), p.grad, p.slots)
}
