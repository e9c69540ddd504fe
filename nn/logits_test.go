package nn

import (
	"math"
	"testing"
)

// logits returns a network whose inputs are the logits of its output layer.
func logits[T Float](t testing.TB, out Activation, units int) *Network[T] {
	n := mustNew[T](t, units, 1, Dense{Units: units, Activation: out, NoBias: true, Init: Zeros})
	for i := range units {
		n.Weights(0).Row(i)[i] = 1
	}
	return n
}

func TestFarLogits(t *testing.T) {
	t.Run("float32", farLogits[float32])
	t.Run("float64", farLogits[float64])
}

func farLogits[T Float](t *testing.T) {
	inf := math.Inf(1)
	for _, size := range []float64{1e4, 1e30} {
		far := float64(T(size))
		for _, c := range []struct {
			loss     Loss
			out      Activation
			z, y     []float64
			want     float64
			gradient []float64 // with respect to z
		}{
			{CrossEntropy, Softmax, []float64{far, 0, -far}, []float64{1, 0, 0}, 0, []float64{0, 0, 0}},
			{CrossEntropy, Softmax, []float64{far, 0, -far}, []float64{0, 1, 0}, far, []float64{1, -1, 0}},
			{CrossEntropy, Softmax, []float64{far, 0, -far}, []float64{0, 0, 1}, 2 * far, []float64{1, 0, -1}},
			{CrossEntropy, Softmax, []float64{far, 0, -far}, []float64{0, 0.5, 0.5}, 1.5 * far, []float64{1, -0.5, -0.5}},
			{CrossEntropy, Softmax, []float64{far, far, -far}, []float64{1, 0, 0}, math.Ln2, []float64{-0.5, 0.5, 0}},
			{CrossEntropy, Softmax, []float64{-far, -far, -far}, []float64{0, 1, 0}, math.Log(3), []float64{1. / 3, -2. / 3, 1. / 3}},
			{BinaryCrossEntropy, Sigmoid, []float64{far, -far}, []float64{1, 0}, 0, []float64{0, 0}},
			{BinaryCrossEntropy, Sigmoid, []float64{far, -far}, []float64{0, 1}, 2 * far, []float64{1, -1}},
			{BinaryCrossEntropy, Sigmoid, []float64{far, -far}, []float64{0.5, 0.5}, far, []float64{0.5, -0.5}},
			{Poisson, Exp, []float64{-far, -far}, []float64{3, 0}, 3 * far, []float64{-3, 0}},
			{Poisson, Softplus, []float64{-far, -far}, []float64{3, 0}, 3 * far, []float64{-3, 0}},
			{Poisson, Softplus, []float64{far}, []float64{3}, far - 3*math.Log(far), []float64{1 - 3/far}},
			// The output e^z is larger than every float. It is infinite, and never NaN.
			{Poisson, Exp, []float64{far}, []float64{3}, inf, []float64{inf}},
			{Poisson, Exp, []float64{far}, []float64{0}, inf, []float64{inf}},
		} {
			n := logits[T](t, c.out, len(c.z))
			z, y := Convert[T](FromRows([][]float64{c.z})), Convert[T](FromRows([][]float64{c.y}))
			tape, grad := n.NewTape(1), make([]T, len(n.Params()))
			n.Forward(tape, z)
			got := n.Backprop(tape, c.loss, y, 1, grad)
			if again := n.Loss(tape, c.loss, y); !near(got, c.want, 1e-6, 0) || again != got {
				t.Errorf("%s on %s, z = %v, y = %v: Backprop gives the loss %v and Loss gives %v, want %v", c.loss, c.out, c.z, c.y, got, again, c.want)
			}
			for j, want := range c.gradient {
				if d := float64(tape.Delta(0).At(0, j)); !near(d, want, 2e-7, 0) {
					t.Errorf("%s on %s, z = %v, y = %v: dL/dz[%d] = %v, want %v", c.loss, c.out, c.z, c.y, j, d, want)
				}
			}
		}
	}
}

// Every pair of loss and output works between 0 and the extremes. Where the plain formula works, the pair agrees
// with it. Elsewhere the loss is finite, and the delta has the right sign and size.
func TestLogitsSweep(t *testing.T) {
	t.Run("float32", func(t *testing.T) { logitsSweep[float32](t, 2e-6) })
	t.Run("float64", func(t *testing.T) { logitsSweep[float64](t, 1e-14) })
}

func logitsSweep[T Float](t *testing.T, rel float64) {
	for _, c := range []struct {
		loss Loss
		out  Activation
		most float64
	}{{CrossEntropy, Softmax, 2000}, {BinaryCrossEntropy, Sigmoid, 2000}, {Poisson, Exp, 88}, {Poisson, Softplus, 2000}} {
		units := 1
		if c.out == Softmax {
			units = 2
		}
		n := logits[T](t, c.out, units)
		tape, grad := n.NewTape(1), make([]T, len(n.Params()))
		z, y := NewMatrix[T](1, units), NewMatrix[T](1, units)
		for at := -2000.0; at <= c.most; at += 0.37 {
			for target := range 2 {
				z.Data[0], y.Data[0] = T(at), T(target)
				if units == 2 {
					y.Data[1] = T(1 - target)
				}
				out := n.Forward(tape, z)
				loss := n.Backprop(tape, c.loss, y, 1, grad)
				delta := float64(tape.Delta(0).At(0, 0))
				v := float64(z.Data[0])

				plainLoss, plainDelta := 0.0, 0.0
				sigma := 1 / (1 + math.Exp(-v))
				switch {
				case c.out == Exp:
					plainLoss, plainDelta = math.Exp(v)-float64(target)*v, math.Exp(v)-float64(target)
				case c.out == Softplus:
					soft := max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
					log := math.Log(soft)
					if v < -700 {
						log = v
					}
					plainLoss, plainDelta = soft-float64(target)*log, sigma
					if target == 1 {
						plainDelta = sigma - 1 // far below 0, sigma/soft is 1
						if v > -30 {
							plainDelta = sigma - sigma/soft
						}
					}
				default: // softmax over (z, 0) is a sigmoid
					plainLoss = max(v, 0) - float64(target)*v + math.Log1p(math.Exp(-math.Abs(v)))
					plainDelta = sigma - float64(target)
				}
				// An absolute error is allowed too, because the loss is a difference of numbers as large as z.
				if room := rel * (1 + math.Abs(v)); !near(loss, plainLoss, rel, room) || loss < -1 {
					t.Fatalf("%s on %s, z = %v, y = %d: loss %v, want %v", c.loss, c.out, v, target, loss, plainLoss)
				}
				if !near(delta, plainDelta, rel*100, rel) {
					t.Fatalf("%s on %s, z = %v, y = %d: delta %v, want %v (output %v)", c.loss, c.out, v, target, delta, plainDelta, out.Data[0])
				}
			}
		}
	}
}
