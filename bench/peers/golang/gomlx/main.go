// Command gomlx is GoMLX with its Go backend as a peer. Build it with GOEXPERIMENT=simd, which
// its products need to use vectors.
//
// One graph makes the whole step: gather from tensors that stay on the backend, nn.Dense (fused),
// the loss and the update of the variables (by hand, since the library's sgd has no momentum).
// train.Trainer would add metrics to every step. Of the backend's configurations, ops_sequential
// was the fastest on one thread. On two threads, parallel operations deadlock (compute v0.1.3:
// WaitToStart waits for a product's Saturate in the pool).
package main

import (
	"fmt"
	"os"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the Go backend
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/nn"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gradus-ml/gradus/bench/peers/golang/serve"
)

func main() {
	n := serve.New()
	config := "go:ops_sequential"
	if n.Threads > 1 {
		config += fmt.Sprintf(",parallelism=%d", n.Threads)
	}
	if c := os.Getenv("GOMLX_BACKEND"); c != "" {
		config = c
	}
	backend, err := compute.NewWithConfig(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	detail := "gomlx " + serve.Version("github.com/gomlx/gomlx") + ", " + config
	store := model.NewStore()
	scope := store.RootScope()
	switch n.Workload {
	case "notebook":
		notebook(backend, store, scope, detail)
	case "inference":
		inference(n, backend, store, scope, detail)
	default:
		dense(n, backend, store, scope, detail)
	}
}

// parameters creates variables for the network's weights and biases.
func parameters(n *serve.Net, scope *model.Scope) []*model.Variable {
	var vars []*model.Variable
	for l := range len(n.Sizes) - 1 {
		vars = append(vars,
			scope.VariableWithValue(fmt.Sprintf("w%d", l), tensors.FromFlatDataAndDimensions(n.Weights(l), n.Sizes[l], n.Sizes[l+1])),
			scope.VariableWithValue(fmt.Sprintf("b%d", l), make([]float32, n.Sizes[l+1])))
	}
	return vars
}

func forward(vars []*model.Variable, x *Node) *Node {
	for l := 0; l < len(vars); l += 2 {
		act := activation.TypeRelu
		if l+2 == len(vars) {
			act = activation.TypeNone
		}
		x = nn.Dense(x, vars[l].NodeValue(x), vars[l+1].NodeValue(x), compute.DenseLayoutInputOutputs, act)
	}
	return x
}

func dense(n *serve.Net, backend compute.Backend, store *model.Store, scope *model.Scope, detail string) {
	out := n.Sizes[len(n.Sizes)-1]
	vars := parameters(n, scope)
	x := scope.VariableWithValue("x", tensors.FromFlatDataAndDimensions(n.X, n.Rows, n.Sizes[0])).SetTrainable(false)
	y := scope.VariableWithValue("y", tensors.FromFlatDataAndDimensions(n.Y, n.Rows, out)).SetTrainable(false)
	state := func(name string, v *model.Variable) *model.Variable {
		return scope.VariableWithValue(name+v.Name(), tensors.FromShape(v.Shape())).SetTrainable(false)
	}
	var first, second []*model.Variable
	for _, v := range vars {
		first = append(first, state("m", v))
		if n.Rule == "adam" {
			second = append(second, state("v", v))
		}
	}
	count := scope.VariableWithValue("count", float32(0)).SetTrainable(false)
	step := model.MustNewExec(backend, store, func(_ *model.Scope, rows *Node) *Node {
		g := rows.Graph()
		bx, by := Gather(x.NodeValue(g), rows), Gather(y.NodeValue(g), rows)
		z := forward(vars, bx)
		var l *Node
		if n.Classify {
			l = loss.CategoricalCrossEntropyLogits([]*Node{by}, []*Node{z})
		} else {
			l = loss.MeanSquaredError([]*Node{by}, []*Node{z})
		}
		if !l.IsScalar() {
			l = ReduceAllMean(l)
		}
		var params []*Node
		for _, v := range vars {
			params = append(params, v.NodeValue(g))
		}
		grads := Gradient(l, params...)
		var a, c *Node
		if n.Rule == "adam" {
			t := OnePlus(count.NodeValue(g))
			count.SetNodeValue(t)
			a = MulScalar(Reciprocal(OneMinus(Pow(Scalar(g, t.DType(), 0.9), t))), n.Rate)
			c = Reciprocal(Sqrt(OneMinus(Pow(Scalar(g, t.DType(), 0.999), t))))
		}
		for i, v := range vars {
			d, p := grads[i], params[i]
			switch n.Rule {
			case "sgd":
				v.SetNodeValue(Sub(p, MulScalar(d, n.Rate)))
			case "momentum":
				m := Add(MulScalar(first[i].NodeValue(g), 0.9), d)
				first[i].SetNodeValue(m)
				v.SetNodeValue(Sub(p, MulScalar(m, n.Rate)))
			case "adam":
				m := Add(MulScalar(first[i].NodeValue(g), 0.9), MulScalar(d, 0.1))
				q := Add(MulScalar(second[i].NodeValue(g), 0.999), MulScalar(Square(d), 0.001))
				first[i].SetNodeValue(m)
				second[i].SetNodeValue(q)
				v.SetNodeValue(Sub(p, Div(Mul(m, a), AddScalar(Mul(Sqrt(q), c), 1e-8))))
			}
		}
		return l
	})
	rows := make([]int32, n.Batch)
	chunk := 256
	if n.Classify {
		chunk = 4
	}
	serve.Run(detail, chunk, func(steps int) float64 {
		var l *tensors.Tensor
		for range steps {
			for i, r := range n.Next() {
				rows[i] = int32(r)
			}
			t := tensors.FromFlatDataAndDimensions(rows, n.Batch, 1)
			l = step.MustExec1(t)
			t.MustFinalizeAll()
		}
		return float64(tensors.ToScalar[float32](l))
	})
}

func inference(n *serve.Net, backend compute.Backend, store *model.Store, scope *model.Scope, detail string) {
	vars := parameters(n, scope)
	call := model.MustNewExec(backend, store, func(_ *model.Scope, x *Node) *Node { return forward(vars, x) })
	x := tensors.FromFlatDataAndDimensions(n.X[n.Sizes[0]:2*n.Sizes[0]], 1, n.Sizes[0])
	serve.Run(detail, 200, func(calls int) float64 {
		var v float32
		for range calls {
			y := call.MustExec1(x)
			tensors.MustConstFlatData(y, func(flat []float32) { v = flat[0] })
			y.MustFinalizeAll()
		}
		return float64(v)
	})
}

func notebook(backend compute.Backend, store *model.Store, scope *model.Scope, detail string) {
	w1 := scope.VariableWithValue("w1", tensors.FromFlatDataAndDimensions(serve.Uniform(12), 3, 4))
	w2 := scope.VariableWithValue("w2", tensors.FromFlatDataAndDimensions(serve.Uniform(4), 4, 1))
	step := model.MustNewExec(backend, store, func(_ *model.Scope, x, y *Node) *Node {
		g := x.Graph()
		a, b := w1.NodeValue(g), w2.NodeValue(g)
		l := MulScalar(ReduceAllSum(Square(Sub(Sigmoid(MatMul(Sigmoid(MatMul(x, a)), b)), y))), 0.5)
		grads := Gradient(l, a, b)
		w1.SetNodeValue(Sub(a, MulScalar(grads[0], 5)))
		w2.SetNodeValue(Sub(b, MulScalar(grads[1], 5)))
		return l
	})
	x := tensors.FromFlatDataAndDimensions(serve.NotebookX, 4, 3)
	y := tensors.FromFlatDataAndDimensions(serve.NotebookY, 4, 1)
	serve.Run(detail, 200, func(steps int) float64 {
		var l *tensors.Tensor
		for range steps {
			l = step.MustExec1(x, y)
		}
		return tensors.ToScalar[float64](l)
	})
}
