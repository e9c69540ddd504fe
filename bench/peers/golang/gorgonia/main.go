// Command gorgonia is Gorgonia's tape machine as a peer. It compiles one graph once, gathers
// the batch into tensors bound to it, and uses a solver of the library. Current versions of Go
// require ASSUME_NO_MOVING_GC_UNSAFE_RISK_IT_WITH.
package main

import (
	"fmt"
	"os"

	"github.com/gradus-ml/gradus/bench/peers/golang/serve"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	n := serve.New()
	detail := "gorgonia " + serve.Version("gorgonia.org/gorgonia")
	if n.Workload == "notebook" {
		notebook(detail)
		return
	}
	batch := n.Batch
	if n.Workload == "inference" {
		batch = 1
	}
	g := G.NewGraph()
	in, out := n.Sizes[0], n.Sizes[len(n.Sizes)-1]
	xs, ys := make([]float32, batch*in), make([]float32, batch*out)
	xv := tensor.New(tensor.WithShape(batch, in), tensor.WithBacking(xs))
	yv := tensor.New(tensor.WithShape(batch, out), tensor.WithBacking(ys))
	x := G.NewMatrix(g, tensor.Float32, G.WithShape(batch, in), G.WithName("x"), G.WithValue(xv))
	y := G.NewMatrix(g, tensor.Float32, G.WithShape(batch, out), G.WithName("y"), G.WithValue(yv))
	var params G.Nodes
	z := x
	for l := range len(n.Sizes) - 1 {
		w := G.NewMatrix(g, tensor.Float32, G.WithShape(n.Sizes[l], n.Sizes[l+1]), G.WithName(fmt.Sprint("w", l)),
			G.WithValue(tensor.New(tensor.WithShape(n.Sizes[l], n.Sizes[l+1]), tensor.WithBacking(n.Weights(l)))))
		b := G.NewMatrix(g, tensor.Float32, G.WithShape(1, n.Sizes[l+1]), G.WithName(fmt.Sprint("b", l)),
			G.WithValue(tensor.New(tensor.WithShape(1, n.Sizes[l+1]), tensor.WithBacking(make([]float32, n.Sizes[l+1])))))
		params = append(params, w, b)
		z = G.Must(G.Mul(z, w))
		if batch > 1 {
			z = G.Must(G.BroadcastAdd(z, b, nil, []byte{0}))
		} else {
			z = G.Must(G.Add(z, b))
		}
		if l+2 < len(n.Sizes) {
			z = G.Must(G.Rectify(z))
		}
	}
	if n.Workload == "inference" {
		copy(xs, n.X[in:])
		var v G.Value
		G.Read(z, &v)
		vm := G.NewTapeMachine(g)
		serve.Run(detail, 100, func(calls int) float64 {
			for range calls {
				check(vm.RunAll())
				vm.Reset()
			}
			return scalar(v)
		})
		return
	}
	var loss *G.Node
	if n.Classify {
		logp := G.Must(G.Log(G.Must(G.SoftMax(z))))
		loss = G.Must(G.Mul(G.Must(G.Sum(G.Must(G.HadamardProd(logp, y)))), G.NewConstant(float32(-1)/float32(batch))))
	} else {
		loss = G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(z, y))))))
	}
	var value G.Value
	G.Read(loss, &value)
	_, err := G.Grad(loss, params...)
	check(err)
	vm := G.NewTapeMachine(g, G.BindDualValues(params...))
	var solver G.Solver
	switch n.Rule {
	case "adam":
		solver = G.NewAdamSolver(G.WithLearnRate(n.Rate))
	case "momentum":
		solver = G.NewMomentum(G.WithLearnRate(n.Rate), G.WithMomentum(0.9))
	default:
		solver = G.NewVanillaSolver(G.WithLearnRate(n.Rate))
	}
	chunk := 64
	if n.Classify {
		chunk = 2
	}
	grads := G.NodesToValueGrads(params)
	serve.Run(detail, chunk, func(steps int) float64 {
		for range steps {
			n.Gather(xs, ys)
			check(vm.RunAll())
			check(solver.Step(grads))
			vm.Reset()
		}
		return scalar(value)
	})
}

func notebook(detail string) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float64, G.WithShape(4, 3), G.WithName("x"), G.WithValue(tensor.New(tensor.WithShape(4, 3), tensor.WithBacking(serve.NotebookX))))
	y := G.NewMatrix(g, tensor.Float64, G.WithShape(4, 1), G.WithName("y"), G.WithValue(tensor.New(tensor.WithShape(4, 1), tensor.WithBacking(serve.NotebookY))))
	a := G.NewMatrix(g, tensor.Float64, G.WithShape(3, 4), G.WithName("a"), G.WithValue(tensor.New(tensor.WithShape(3, 4), tensor.WithBacking(serve.Uniform(12)))))
	b := G.NewMatrix(g, tensor.Float64, G.WithShape(4, 1), G.WithName("b"), G.WithValue(tensor.New(tensor.WithShape(4, 1), tensor.WithBacking(serve.Uniform(4)))))
	z := G.Must(G.Sigmoid(G.Must(G.Mul(G.Must(G.Sigmoid(G.Must(G.Mul(x, a)))), b))))
	loss := G.Must(G.Mul(G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(z, y)))))), G.NewConstant(0.5)))
	var value G.Value
	G.Read(loss, &value)
	_, err := G.Grad(loss, a, b)
	check(err)
	vm := G.NewTapeMachine(g, G.BindDualValues(a, b))
	solver := G.NewVanillaSolver(G.WithLearnRate(5))
	grads := G.NodesToValueGrads(G.Nodes{a, b})
	serve.Run(detail, 100, func(steps int) float64 {
		for range steps {
			check(vm.RunAll())
			check(solver.Step(grads))
			vm.Reset()
		}
		return scalar(value)
	})
}

// scalar reads a value that is one number.
func scalar(v G.Value) float64 {
	switch d := v.Data().(type) {
	case float32:
		return float64(d)
	case float64:
		return d
	case []float32:
		return float64(d[0])
	case []float64:
		return d[0]
	}
	return 0
}
