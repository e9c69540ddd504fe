// Command spago is spaGO as a peer.
//
// Its layers take one column per sample. Here a batch is one matrix with a column per sample, so that
// there are matrix products instead of matrix times vector. The bias is added by a product with a row
// of ones, since the library does not broadcast. The cross-entropy uses products for the same reason,
// and does not subtract the largest logit.
package main

import (
	"fmt"
	"os"

	"github.com/gradus-ml/gradus/bench/peers/golang/serve"
	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	"github.com/nlpodyssey/spago/mat/float"
	"github.com/nlpodyssey/spago/nn"
	"github.com/nlpodyssey/spago/optimizers"
	"github.com/nlpodyssey/spago/optimizers/adam"
	"github.com/nlpodyssey/spago/optimizers/sgd"
)

// net has the parameters that the optimizer changes.
type net struct {
	nn.Module
	W, B []*nn.Param
}

func matrix[T float.DType](rows, cols int, data []T) *mat.Dense[T] {
	return mat.NewDense[T](mat.WithShape(rows, cols), mat.WithBacking(data))
}

func ones[T float.DType](rows, cols int) *mat.Dense[T] {
	m := make([]T, rows*cols)
	for i := range m {
		m[i] = 1
	}
	return matrix(rows, cols, m)
}

// sum adds all elements. The library's gradient of it is a column.
func sum(x mat.Tensor) mat.Tensor {
	return ag.ReduceSum(ag.Reshape(x, x.Value().Size(), 1))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	n := serve.New()
	detail := "spago " + serve.Version("github.com/nlpodyssey/spago")
	if n.Workload == "notebook" {
		notebook(detail)
		return
	}
	m := &net{}
	for l := range len(n.Sizes) - 1 {
		m.W = append(m.W, nn.NewParam(matrix(n.Sizes[l+1], n.Sizes[l], n.Weights(l))))
		m.B = append(m.B, nn.NewParam(matrix(n.Sizes[l+1], 1, make([]float32, n.Sizes[l+1]))))
	}
	batch := n.Batch
	if n.Workload == "inference" {
		batch = 1
	}
	row := ones[float32](1, batch)
	forward := func(x mat.Tensor) mat.Tensor {
		for l := range m.W {
			if batch == 1 {
				x = ag.Affine(m.B[l], m.W[l], x)
			} else {
				x = ag.Add(ag.Mul(m.W[l], x), ag.Mul(m.B[l], row))
			}
			if l+1 < len(m.W) {
				x = ag.ReLU(x)
			}
		}
		return x
	}
	if n.Workload == "inference" {
		x := matrix(n.Sizes[0], 1, n.X[n.Sizes[0]:2*n.Sizes[0]])
		serve.Run(detail, 200, func(calls int) (v float64) {
			for range calls {
				v = forward(x).Value().Item().F64()
			}
			return v
		})
		return
	}
	var o *optimizers.Optimizer
	switch n.Rule {
	case "adam":
		o = optimizers.New(nn.Parameters(m), adam.New(adam.NewConfig(n.Rate, 0.9, 0.999, 1e-8)))
	case "momentum":
		o = optimizers.New(nn.Parameters(m), sgd.New[float32](sgd.NewConfig(n.Rate, 0.9, false)))
	default:
		o = optimizers.New(nn.Parameters(m), sgd.New[float32](sgd.NewConfig(n.Rate, 0, false)))
	}
	in, out := n.Sizes[0], n.Sizes[len(n.Sizes)-1]
	column := ones[float32](1, out)
	share := mat.Scalar(1 / float32(batch))
	chunk := 64
	if n.Classify {
		chunk = 2
	}
	serve.Run(detail, chunk, func(steps int) (value float64) {
		for range steps {
			xs, ys := make([]float32, in*batch), make([]float32, out*batch)
			for j, r := range n.Next() {
				for i := range in {
					xs[i*batch+j] = n.X[r*in+i]
				}
				for i := range out {
					ys[i*batch+j] = n.Y[r*out+i]
				}
			}
			x, y := matrix(in, batch, xs), matrix(out, batch, ys)
			z := forward(x)
			var l mat.Tensor
			if n.Classify {
				l = ag.ProdScalar(ag.Sub(sum(ag.Log(ag.Mul(column, ag.Exp(z)))), sum(ag.Prod(z, y))), share)
			} else {
				l = ag.ProdScalar(sum(ag.Square(ag.Sub(z, y))), share)
			}
			check(ag.Backward(l))
			check(o.Optimize())
			value = l.Value().Item().F64()
		}
		return value
	})
}

func notebook(detail string) {
	m := &net{W: []*nn.Param{nn.NewParam(matrix(4, 3, serve.Uniform(12))), nn.NewParam(matrix(1, 4, serve.Uniform(4)))}}
	t := make([]float64, 12) // one column per sample
	for r := range 4 {
		for i := range 3 {
			t[i*4+r] = serve.NotebookX[r*3+i]
		}
	}
	x, y := matrix(3, 4, t), matrix(1, 4, serve.NotebookY)
	o := optimizers.New(nn.Parameters(m), sgd.New[float64](sgd.NewConfig(5, 0, false)))
	half := mat.Scalar(0.5)
	serve.Run(detail, 100, func(steps int) (value float64) {
		for range steps {
			z := ag.Sigmoid(ag.Mul(m.W[1], ag.Sigmoid(ag.Mul(m.W[0], x))))
			l := ag.ProdScalar(sum(ag.Square(ag.Sub(z, y))), half)
			check(ag.Backward(l))
			check(o.Optimize())
			value = l.Value().Item().F64()
		}
		return value
	})
}
