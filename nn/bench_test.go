package nn

import (
	"testing"
)

func BenchmarkForward(b *testing.B) {
	b.Run("float32", benchmarkForward[float32])
	b.Run("float64", benchmarkForward[float64])
}

func BenchmarkForwardBackprop(b *testing.B) {
	b.Run("float32", benchmarkForwardBackprop[float32])
	b.Run("float64", benchmarkForwardBackprop[float64])
}

func BenchmarkBackprop(b *testing.B) {
	b.Run("float32", benchmarkBackprop[float32])
	b.Run("float64", benchmarkBackprop[float64])
}

const benchmarkRows = 32

// tabular is a net of a usual size for tables: 20-64-64-1.
func tabular[T Float](b *testing.B) (n *Network[T], tape *Tape[T], x, y Matrix[T], grad []T) {
	n = mustNew[T](b, 20, 1, Dense{Units: 64, Activation: ReLU}, Dense{Units: 64, Activation: ReLU}, Dense{Units: 1})
	b.ReportAllocs()
	return n, n.NewTape(benchmarkRows), waves[T](benchmarkRows, 20), waves[T](benchmarkRows, 1), make([]T, len(n.Params()))
}

func benchmarkForward[T Float](b *testing.B) {
	n, tape, x, _, _ := tabular[T](b)
	for b.Loop() {
		n.Forward(tape, x)
	}
}

func benchmarkBackprop[T Float](b *testing.B) {
	n, tape, x, y, grad := tabular[T](b)
	n.Forward(tape, x)
	for b.Loop() {
		n.Backprop(tape, HalfSquared, y, 1./benchmarkRows, grad)
	}
}

func benchmarkForwardBackprop[T Float](b *testing.B) {
	n, tape, x, y, grad := tabular[T](b)
	for b.Loop() {
		n.Forward(tape, x)
		n.Backprop(tape, HalfSquared, y, 1./benchmarkRows, grad)
	}
}
