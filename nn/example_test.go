package nn_test

import (
	"bytes"
	"fmt"

	"github.com/gradus-ml/gradus/nn"
)

// tiny is the net of docs/mathematics.md: three inputs, one hidden unit, one output.
func tiny() *nn.Network[float64] {
	n, err := nn.New[float64](3, nn.Seed(1),
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true},
		nn.Dense{Units: 1, Activation: nn.Sigmoid, NoBias: true})
	if err != nil {
		panic(err)
	}
	copy(n.Params(), []float64{0.023643, 0.900927, -0.711681, 0.897299})
	return n
}

func ExampleNetwork_Forward() {
	n := tiny()
	tape := n.NewTape(1)
	out := n.Forward(tape, nn.FromRows([][]float64{{0.2, 0.4, 0.6}}))
	fmt.Printf("hidden: z = %.6f, a = %.6f\n", tape.Z(0).At(0, 0), tape.A(0).At(0, 0))
	fmt.Printf("output: z = %.6f, a = %.6f\n", tape.Z(1).At(0, 0), out.At(0, 0))
	// Output:
	// hidden: z = -0.061909, a = 0.484528
	// output: z = 0.434766, a = 0.607011
}

func ExampleNetwork_Backprop() {
	n := tiny()
	tape, grad := n.NewTape(1), make([]float64, len(n.Params()))
	n.Forward(tape, nn.FromRows([][]float64{{0.2, 0.4, 0.6}}))
	loss := n.Backprop(tape, nn.HalfSquared, nn.FromRows([][]float64{{0.8}}), 1, grad)
	fmt.Printf("loss %.6f\n", loss)
	for i, g := range grad {
		l, in, unit := n.Locate(i)
		fmt.Printf("dL/dw of layer %d, input %d, unit %d: %.6f\n", l, in, unit, g)
	}
	// Output:
	// loss 0.018622
	// dL/dw of layer 0, input 0, unit 0: -0.002063
	// dL/dw of layer 0, input 1, unit 0: -0.004127
	// dL/dw of layer 0, input 2, unit 0: -0.006190
	// dL/dw of layer 1, input 0, unit 0: -0.022306
}

func ExampleCheckGradient() {
	x, y := nn.FromRows([][]float64{{0.2, 0.4, 0.6}}), nn.FromRows([][]float64{{0.8}})
	c := nn.CheckGradient(tiny(), nn.HalfSquared, x, y, nn.CheckOptions{})
	fmt.Println(c.Checked, "of", c.Parameters, "gradients compared, all right:", c.OK())
	// Output: 4 of 4 gradients compared, all right: true
}

func ExampleNetwork_Predict() {
	n, err := nn.New[float32](2, nn.Seed(1), nn.Dense{Units: 2, Activation: nn.ReLU}, nn.Dense{Units: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Exclusive or: relu(x0 + x1) - 2·relu(x0 + x1 - 1).
	copy(n.Weights(0).Data, []float32{1, 1, 1, 1})
	copy(n.Bias(0), []float32{0, -1})
	copy(n.Weights(1).Data, []float32{1, -2})
	out := n.Predict(nn.FromRows([][]float32{{0, 0}, {0, 1}, {1, 0}, {1, 1}}))
	fmt.Println(out.Data)
	// Output: [0 1 1 0]
}

// A network can be written to any writer and read from any reader, with the same bits.
func ExampleRead() {
	n := tiny()
	var file bytes.Buffer
	if err := n.Write(&file); err != nil {
		panic(err)
	}
	back, err := nn.Read[float64](&file)
	if err != nil {
		panic(err)
	}
	x := nn.FromRows([][]float64{{1, 0, 1}})
	fmt.Println(back.Predict(x).At(0, 0) == n.Predict(x).At(0, 0))
	// Output: true
}

// The gradient with respect to the inputs shows which input changes the output most.
func ExampleNetwork_InputGradient() {
	n := tiny()
	x := nn.FromRows([][]float64{{1, 0, 1}})
	t := n.NewTape(1)
	n.Forward(t, x)
	n.BackpropFrom(t, nn.FromRows([][]float64{{1}}), nil) // dL/da = 1: L is the output itself
	g := nn.NewMatrix[float64](1, 3)
	n.InputGradient(t, g)

	h := 1e-6 // step of the central difference
	up := n.Predict(nn.FromRows([][]float64{{1 + h, 0, 1}})).At(0, 0)
	down := n.Predict(nn.FromRows([][]float64{{1 - h, 0, 1}})).At(0, 0)
	fmt.Printf("%.4f %.4f\n", g.At(0, 0), (up-down)/(2*h))
	// Output: 0.0012 0.0012
}
