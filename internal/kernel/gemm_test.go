package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func fill[T Float](r *rand.Rand, s []T) []T {
	for i := range s {
		s[i] = T(r.NormFloat64())
	}
	return s
}

// exactFMA32 is x*y+z in 200 bits, rounded once.
func exactFMA32(x, y, z float32) float32 {
	f := func(v float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(v)) }
	s := f(x)
	s.Mul(s, f(y)).Add(s, f(z))
	out, _ := s.Float32()
	return out
}

func TestFMA32RoundsOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	twice := 0
	for range 300000 {
		// Few significant bits and close exponents make midpoints common; some are subnormal.
		f := func() float32 {
			m := float32(int32(r.Uint32()) >> (8 + r.IntN(20)))
			return m * float32(math.Pow(2, float64(r.IntN(20)-10-70*r.IntN(2))))
		}
		x, y, z := f(), f(), f()
		want := exactFMA32(x, y, z)
		if got := FMA(x, y, z); got != want {
			t.Fatalf("FMA(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
		if float32(math.FMA(float64(x), float64(y), float64(z))) != want {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no input showed double rounding: the test cannot tell a right FMA from a wrong one")
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	if got := FMA(inf, 2, 1); got != inf {
		t.Errorf("FMA(Inf, 2, 1) = %v", got)
	}
	if got := FMA(inf, 0, 1); got == got {
		t.Errorf("FMA(Inf, 0, 1) = %v, want NaN", got)
	}
	if got := FMA(nan, 0, 1); got == got {
		t.Errorf("FMA(NaN, 0, 1) = %v, want NaN", got)
	}
}

// naive is the definition in Gemm's comment.
func naive[T Float](m, n, k int, a, b, c View[T], accumulate bool) {
	for i := range m {
		for j := range n {
			var s T
			if accumulate {
				s = c.Data[i*c.Row+j]
			}
			for p := range k {
				s = FMA(a.Data[i*a.Row+p*a.Col], b.Data[p*b.Row+j*b.Col], s)
			}
			c.Data[i*c.Row+j] = s
		}
	}
}

func testGemm[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sizes := []int{0, 1, 2, 3, 4, 5, 7, 16, 17, 33}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				const pad = 3
				for _, form := range []struct {
					name string
					a, b View[T]
				}{
					{"NN", View[T]{nil, k + pad, 1}, View[T]{nil, n + pad, 1}},
					{"TN", View[T]{nil, 1, m + pad}, View[T]{nil, n + pad, 1}},
					{"NT", View[T]{nil, k + pad, 1}, View[T]{nil, 1, k + pad}},
				} {
					for _, acc := range []bool{false, true} {
						a, b := form.a, form.b
						a.Data = fill(r, make([]T, (max(m, k)+1)*(max(m, k)+pad)))
						b.Data = fill(r, make([]T, (max(n, k)+1)*(max(n, k)+pad)))
						got := fill(r, make([]T, (m+1)*(n+pad)))
						want := append([]T(nil), got...)
						Gemm(m, n, k, a, b, View[T]{got, n + pad, 1}, acc)
						naive(m, n, k, a, b, View[T]{want, n + pad, 1}, acc)
						for i := range want {
							if got[i] != want[i] {
								t.Fatalf("%s m=%d n=%d k=%d accumulate=%v: element %d = %v, want %v",
									form.name, m, n, k, acc, i, got[i], want[i])
							}
						}
					}
				}
			}
		}
	}
}

func TestGemm(t *testing.T) {
	t.Run("float32", testGemm[float32])
	t.Run("float64", testGemm[float64])
}

func benchGemm[T Float](b *testing.B) {
	const m, n, k = 128, 64, 64
	r := rand.New(rand.NewPCG(5, 6))
	x, w, z := fill(r, make([]T, m*k)), fill(r, make([]T, k*n)), make([]T, m*n)
	for _, f := range []struct {
		name string
		w    View[T]
	}{{"NN", View[T]{w, n, 1}}, {"NT", View[T]{w, 1, k}}} {
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				Gemm(m, n, k, View[T]{x, k, 1}, f.w, View[T]{z, n, 1}, false)
			}
			b.ReportMetric(2*m*n*k*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	b.Run(fmt.Sprintf("float%d/impl=go", 32), benchGemm[float32])
	b.Run(fmt.Sprintf("float%d/impl=go", 64), benchGemm[float64])
}
