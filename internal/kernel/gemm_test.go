package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func fill[T Float](r *rand.Rand, s []T) []T {
	for i := range s {
		s[i] = T(r.NormFloat64())
	}
	return s
}

// exactFMA32 returns x*y+z, computed in 2,000 bits and rounded once.
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
		t.Error("no input showed double rounding: the test cannot tell a correct FMA from a wrong one")
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	if got := FMA(inf, 2, 1); got != inf {
		t.Errorf("FMA(Inf, 2, 1) = %v, want +Inf", got)
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

// benchmarked lists the shapes m by n by k: cubes, the products of one training step of the
// network 784-512-256-10 at batch 128 and of 20-64-64-1 at batch 32, one sample through
// the latter, and the notebook's 4 rows through 3-4-1.
var benchmarked = []struct {
	name    string
	form    string
	m, n, k int
}{
	{"cube=32", "NN", 32, 32, 32},
	{"cube=64", "NN", 64, 64, 64},
	{"cube=96", "NN", 96, 96, 96},
	{"cube=128", "NN", 128, 128, 128},
	{"cube=256", "NN", 256, 256, 256},
	{"cube=512", "NN", 512, 512, 512},
	{"cube=1024", "NN", 1024, 1024, 1024},
	{"cube=256", "TN", 256, 256, 256},
	{"cube=256", "NT", 256, 256, 256},
	{"mnist1", "NN", 128, 512, 784},
	{"mnist2", "NN", 128, 256, 512},
	{"mnist3", "NN", 128, 10, 256},
	{"mnist3", "TN", 256, 10, 128},
	{"mnist2", "TN", 512, 256, 128},
	{"mnist1", "TN", 784, 512, 128},
	{"mnist3", "NT", 128, 256, 10},
	{"mnist2", "NT", 128, 512, 256},
	{"tabular1", "NN", 32, 64, 20},
	{"tabular2", "NN", 32, 64, 64},
	{"tabular3", "NN", 32, 1, 64},
	{"tabular3", "TN", 64, 1, 32},
	{"tabular2", "TN", 64, 64, 32},
	{"tabular1", "TN", 20, 64, 32},
	{"tabular3", "NT", 32, 64, 1},
	{"tabular2", "NT", 32, 64, 64},
	{"one1", "NN", 1, 64, 20},
	{"one2", "NN", 1, 64, 64},
	{"one3", "NN", 1, 1, 64},
	{"notebook1", "NN", 4, 4, 3},
	{"notebook2", "NN", 4, 1, 4},
}

// benchGemm reports GFLOP/s and the share of the peak that the same instruction set
// reached just before.
func benchGemm[T Float](b *testing.B, precision string) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range benchmarked {
		x, y, z := fill(r, make([]T, s.m*s.k)), fill(r, make([]T, s.k*s.n)), make([]T, s.m*s.n)
		v, w := View[T]{x, s.k, 1}, View[T]{y, s.n, 1}
		if s.form == "TN" {
			v = View[T]{x, 1, s.m}
		}
		if s.form == "NT" {
			w = View[T]{y, 1, s.k}
		}
		for _, impl := range ISAs() {
			b.Run(fmt.Sprintf("%s/%s/%s/m=%d/n=%d/k=%d/impl=%s", precision, s.form, s.name, s.m, s.n, s.k,
				strings.Replace(impl, "generic", "go", 1)), func(b *testing.B) {
				useISA(b, impl)
				peak := PeakFMA[T](20 * time.Millisecond)
				product := func() { Gemm(s.m, s.n, s.k, v, w, View[T]{z, s.n, 1}, false) }
				// Other programs may use the machine, so these are the median and the best of short runs.
				var times []float64
				runs := 1
				for b.Loop() {
					start := time.Now()
					for range runs {
						product()
					}
					t := time.Since(start)
					times = append(times, float64(t.Nanoseconds())/float64(runs))
					if t < 20*time.Microsecond {
						runs *= 2
						times = times[:0]
					}
				}
				slices.Sort(times)
				flops := 2 * float64(s.m*s.n*s.k)
				speed := flops / times[len(times)/2]
				b.ReportMetric(times[len(times)/2], "ns/product")
				b.ReportMetric(speed, "GFLOP/s")
				b.ReportMetric(100*flops/times[0]/peak, "%best")
				b.ReportMetric(100*speed/peak, "%peak")
			})
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	benchGemm[float32](b, "float32")
	benchGemm[float64](b, "float64")
}
