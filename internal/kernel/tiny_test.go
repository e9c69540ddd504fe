package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// tinyShapes calls f with every shape that sizes and biases can make, and with activations
// drawn from r.
func tinyShapes(r *rand.Rand, f func(TinyShape)) {
	fs := []Activation{Identity, ReLU, LogisticUnit, TanhUnit}
	for size := range 8 * 4 * 4 * 4 {
		for range 3 {
			f(TinyShape{
				Inputs: 1 + size%8, Hidden: 1 + size/8%4, Outputs: 1 + size/32%4, Rows: 1 + size/128,
				HiddenF: fs[r.IntN(4)], OutputF: fs[r.IntN(4)], HiddenBias: r.IntN(2) == 1, OutputBias: r.IntN(2) == 1,
			})
		}
	}
}

func (s TinyShape) params() int {
	n := (s.Inputs + s.Outputs) * s.Hidden
	if s.HiddenBias {
		n += s.Hidden
	}
	if s.OutputBias {
		n += s.Outputs
	}
	return n
}

// tinyNumber draws a normal number, or one that may be treated specially.
func tinyNumber[T Float](r *rand.Rand, special bool) T {
	if special {
		list := []float64{0, math.Copysign(0, -1), 1e-30, -1e-38, 0x1p-140, -0x1p-1070, 1e-200, -1e-300, 40, -800, 1e10, -1e30}
		if i := r.IntN(2 * len(list)); i < len(list) {
			return T(list[i])
		}
	}
	return T(r.NormFloat64())
}

func tinyOf[T Float](r *rand.Rand, s TinyShape, special bool) (t *Tiny[T], params []T) {
	numbers := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = tinyNumber[T](r, special)
		}
		return x
	}
	t = NewTiny(s, numbers(s.Rows*s.Inputs), numbers(s.Rows*s.Outputs))
	t.Rate, t.Factor = T(-0.1-r.Float64()), []T{1, 2, 0.25}[r.IntN(3)]
	t.Half, t.Scale = []float64{1, 0.5}[r.IntN(2)], []float64{1, 1 / float64(s.Rows)}[r.IntN(2)]
	params = numbers(s.params())
	t.SetParams(params)
	return t, params
}

func TestTiny(t *testing.T) {
	t.Run("float32", testTiny[float32])
	t.Run("float64", testTiny[float64])
}

// testTiny compares the vector code with the Go code: losses, parameters, and where a run stops.
func testTiny[T Float](t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 9))
		n, compared := 0, 0
		tinyShapes(r, func(s TinyShape) {
			for _, special := range []bool{false, true} {
				n++
				got, p := tinyOf[T](r, s, special)
				want := *got
				want.mem = slices.Clone(got.mem)
				epochs := 1 + r.IntN(12)
				losses, wanted := make([]float64, epochs), make([]float64, epochs)
				// A first run finds a limit that stops the run somewhere on the way.
				probe := want
				probe.mem = slices.Clone(want.mem)
				probe.runGo(wanted)
				switch n % 3 {
				case 1:
					got.Target = wanted[r.IntN(epochs)]
				case 2:
					got.Tolerance = math.Abs(r.NormFloat64())
				}
				want.Target, want.Tolerance = got.Target, got.Tolerance
				clear(wanted)
				for i := range 4 {
					want.mem[tinyRate+i], want.mem[tinyFactor+i] = got.Rate, got.Factor
				}
				doneWant, done := want.runGo(wanted), got.Run(losses)
				what := fmt.Sprintf("%+v, special %v, %d epochs, target %v, tolerance %v", s, special, epochs, got.Target, got.Tolerance)
				gotP, wantP := make([]T, len(p)), make([]T, len(p))
				got.Params(gotP)
				want.Params(wantP)
				for _, w := range wantP {
					if w-w != 0 {
						return
					}
				}
				for _, l := range wanted {
					if l-l != 0 {
						return
					}
				}
				compared++
				if done != doneWant {
					t.Fatalf("%s: the run made %d epochs, want the Go code's %d", what, done, doneWant)
				}
				for i := range done {
					if !sameBits(losses[i], wanted[i]) {
						t.Fatalf("%s: loss %d is %v, want the Go code's %v", what, i, losses[i], wanted[i])
					}
				}
				for i := range p {
					if !sameBits(gotP[i], wantP[i]) {
						t.Fatalf("%s: parameter %d is %v, want the Go code's %v", what, i, gotP[i], wantP[i])
					}
				}
			}
		})
		if compared < n/2 {
			t.Errorf("only %d of %d runs stayed finite, want at least half", compared, n)
		}
	})
}

func TestTinyAllocatesNothing(t *testing.T) {
	for _, isa := range ISAs() {
		useISA(t, isa)
		s := TinyShape{Inputs: 3, Hidden: 4, Outputs: 2, Rows: 4, HiddenF: TanhUnit}
		tiny, p := tinyOf[float32](rand.New(rand.NewPCG(1, 2)), s, false)
		losses := make([]float64, 3)
		if n := testing.AllocsPerRun(10, func() {
			tiny.SetParams(p)
			tiny.Run(losses)
			tiny.Params(p)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", isa, n)
		}
	}
}

func BenchmarkTiny(b *testing.B) {
	s := TinyShape{Inputs: 3, Hidden: 4, Outputs: 1, Rows: 4, HiddenF: LogisticUnit, OutputF: LogisticUnit}
	for _, isa := range ISAs() {
		useISA(b, isa)
		b.Run("impl="+isa, func(b *testing.B) {
			t, _ := tinyOf[float64](rand.New(rand.NewPCG(1, 2)), s, false)
			losses := make([]float64, 128)
			for b.Loop() {
				t.Run(losses)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/128, "ns/epoch")
		})
	}
}
