package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"unsafe"
)

// eachISA runs f with the kernels switched to each instruction set but generic.
func eachISA(t *testing.T, f func(t *testing.T)) {
	was := ISA()
	defer SelectISA(was)
	for _, name := range ISAs() {
		if name == "generic" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if err := SelectISA(name); err != nil {
				t.Fatal(err)
			}
			f(t)
		})
	}
}

// lengths returns the slices' lengths in the tests: every short one, and a few around a chunk.
func lengths() (n []int) {
	for i := range 101 {
		n = append(n, i)
	}
	return append(n, 1000, slowChunk-1, slowChunk, slowChunk+1, 2*chunk+37)
}

// specials returns the values that go wrong first.
func specials[T Float]() []T {
	list := []float64{0, 1, 0.5, 2, 3, 9, 10, 18, 18.1, 20, 38, 50, 87.5, 88.72283, 88.7229, 89, 103.9, 103.98, 105, 127, 128,
		700, 709.78, 709.79, 710, 745.1, 745.14, 746, 1e4, 1e-8, 1e-20, 0x1p-126, 0x1p-149, 0x1p-140, 0x1p-1022, 0x1p-1074, 0x1p-1060,
		math.MaxFloat32, math.MaxFloat64, math.Inf(1), math.NaN(), math.Ln2 / 2, math.Ln2, 1.5 * math.Ln2}
	var out []T
	for _, v := range list {
		out = append(out, T(v), T(-v))
	}
	return out
}

// fillWith sets x to numbers of every size, with specials among them where asked.
func fillWith[T Float](r *rand.Rand, x []T, special bool) {
	s := specials[T]()
	for i := range x {
		switch k := r.IntN(20); {
		case special && k < 6:
			x[i] = s[r.IntN(len(s))]
		case special && k == 7 && unsafe.Sizeof(x[0]) == 4:
			x[i] = T(math.Float32frombits(r.Uint32()))
		case special && k == 7:
			x[i] = T(math.Float64frombits(r.Uint64()))
		case k < 12:
			x[i] = T(r.NormFloat64())
		default:
			x[i] = T(r.NormFloat64() * 30)
		}
	}
}

// guarded is a slice between words that must not change.
type guarded[T Float] struct {
	all []T
	x   []T
}

const guard = 12345.678

func newGuarded[T Float](n, offset int) guarded[T] {
	g := guarded[T]{all: make([]T, n+offset+40)}
	for i := range g.all {
		g.all[i] = T(float32(guard))
	}
	g.x = g.all[offset : offset+n : offset+n]
	return g
}

func (g guarded[T]) check(t *testing.T, what string, offset int) {
	t.Helper()
	for i, v := range g.all {
		if (i < offset || i >= offset+len(g.x)) && v != T(float32(guard)) {
			t.Fatalf("%s wrote to index %d of %d", what, i-offset, len(g.x))
		}
	}
}

// elementwise is a kernel for the tests. It changes its slices, which have the same length.
type elementwise[T Float] struct {
	name   string
	slices int
	run    func(x [][]T)
	// positive says which slices have no negative numbers, like Adam's v.
	positive int
}

var activations = map[string]Activation{"relu": ReLU, "leaky-relu": LeakyReLU, "elu": ELU, "selu": SELU, "sigmoid": LogisticUnit,
	"tanh": TanhUnit, "softplus": SoftplusUnit, "exp": ExpUnit, "gelu": GELU, "silu": SiLU, "mish": Mish, "identity": Identity}

func elementwiseKernels[T Float]() (list []elementwise[T]) {
	for name, f := range activations {
		list = append(list,
			elementwise[T]{name: name, slices: 2, run: func(x [][]T) { Apply(f, x[0], x[1], 0.3) }},
			elementwise[T]{name: name + " in place", slices: 1, run: func(x [][]T) { Apply(f, x[0], x[0], 0.3) }},
			elementwise[T]{name: name + " slope", slices: 3, run: func(x [][]T) { TimesSlope(f, x[0], x[1], x[2], 0.3) }})
	}
	step := AdamStep[T]{Rate: -0.01, Root: 1.25, B1: 0.9, C1: 0.1, B2: 0.999, C2: 0.001, Epsilon: 1e-8, Keep: 1}
	decay := step
	decay.Keep = 0.99
	rule := RuleStep[T]{Rate: -0.01, Mu: 0.9, B1: 0.9, C1: 0.1, B2: 0.999, C2: 0.001, Root: 1.25, Ahead: -0.003, Epsilon: 1e-8}
	for _, cols := range []int{1, 3, 10, 16, 17, 40} {
		for _, withDelta := range []bool{true, false} {
			list = append(list, elementwise[T]{name: fmt.Sprintf("softmax and cross-entropy of %d, delta %v", cols, withDelta), slices: 4, run: func(x [][]T) {
				n := len(x[0]) / cols * cols
				Softmax(x[1][:n], x[2][:n], cols)
				var s LossSum
				var delta []T
				if withDelta {
					delta = x[3][:n]
				}
				for i, y := range x[0] {
					x[0][i] = min(Abs(y), 1)
					if x[0][i] < 0.9 {
						x[0][i] = 0
					}
				}
				CrossEntropy(&s, x[0][:n], x[2][:n], x[1][:n], delta, cols, 0.37)
				if len(x[0]) > n { // a place for the sum
					x[3][n] = T(s.Total())
				}
			}})
		}
	}
	loss := func(x []T, s *LossSum) {
		if len(x) > 0 {
			x[0] = T(s.Total())
		}
	}
	list = append(list,
		elementwise[T]{name: "binary cross-entropy", slices: 3, run: func(x [][]T) {
			var s LossSum
			BinaryCrossEntropy(&s, 0, x[0], x[1], x[2], nil, 0.37)
			loss(x[0], &s)
		}},
		elementwise[T]{name: "binary cross-entropy delta", slices: 4, run: func(x [][]T) {
			var s LossSum
			BinaryCrossEntropy(&s, 0, x[0], x[1], x[2], x[3], 0.37)
			loss(x[0], &s)
		}},
		elementwise[T]{name: "squares", slices: 2, run: func(x [][]T) {
			var s LossSum
			Squares(&s, 0, x[0], x[1], nil, 0.37)
			loss(x[0], &s)
		}},
		elementwise[T]{name: "squares delta", slices: 3, run: func(x [][]T) {
			var s LossSum
			Squares(&s, 0, x[0], x[1], x[2], 0.37)
			loss(x[0], &s)
		}})
	return append(list,
		elementwise[T]{name: "sgd", slices: 2, run: func(x [][]T) { SGD(x[0], x[1], -0.3) }},
		elementwise[T]{name: "momentum", slices: 3, run: func(x [][]T) { Momentum(x[0], x[1], x[2], -0.3, 0.9) }},
		elementwise[T]{name: "nesterov", slices: 3, run: func(x [][]T) { Nesterov(x[0], x[1], x[2], -0.3, 0.9) }},
		elementwise[T]{name: "adam", slices: 4, positive: 3, run: func(x [][]T) { Adam(x[0], x[1], x[2], x[3], step) }},
		elementwise[T]{name: "adamw", slices: 4, positive: 3, run: func(x [][]T) { Adam(x[0], x[1], x[2], x[3], decay) }},
		elementwise[T]{name: "scale", slices: 1, run: func(x [][]T) { Scale(x[0], 0.37) }},
		elementwise[T]{name: "add", slices: 2, run: func(x [][]T) { Add(x[0], x[1]) }},
		elementwise[T]{name: "batch norm", slices: 6, run: func(x [][]T) { BatchNorm(x[0], x[1], x[2], x[3], x[4], x[5]) }},
		elementwise[T]{name: "batch norm back", slices: 5, run: func(x [][]T) { BatchNormBack(x[0], x[1], x[2], x[3], x[4]) }},
		elementwise[T]{name: "add squares", slices: 3, run: func(x [][]T) { AddSquares(x[0], x[1], x[2]) }},
		elementwise[T]{name: "add products", slices: 3, run: func(x [][]T) { AddProducts(x[0], x[1], x[2]) }},
		elementwise[T]{name: "layer norm", slices: 4, run: func(x [][]T) { LayerNorm(x[0], x[1], x[2], x[3], 1e-5) }},
		elementwise[T]{name: "layer norm back", slices: 4, run: func(x [][]T) { LayerNormBack(x[0], x[1], x[2], x[3], 0.37) }},
		elementwise[T]{name: "drop", slices: 3, run: func(x [][]T) { Drop(x[0], x[1], x[2], 1.25) }},
		elementwise[T]{name: "drop in place", slices: 2, run: func(x [][]T) { Drop(x[0], x[0], x[1], 1.25) }},
		elementwise[T]{name: "adagrad", slices: 3, positive: 2, run: func(x [][]T) { AdaGrad(x[0], x[1], x[2], rule) }},
		elementwise[T]{name: "rmsprop", slices: 3, positive: 2, run: func(x [][]T) { RMSProp(x[0], x[1], x[2], rule) }},
		elementwise[T]{name: "rmsprop with momentum", slices: 4, positive: 2, run: func(x [][]T) { RMSPropMomentum(x[0], x[1], x[2], x[3], rule) }},
		elementwise[T]{name: "adadelta", slices: 4, positive: 2, run: func(x [][]T) { AdaDelta(x[0], x[1], x[2], x[3], rule) }},
		elementwise[T]{name: "amsgrad", slices: 5, positive: 3, run: func(x [][]T) { AMSGrad(x[0], x[1], x[2], x[3], x[4], rule) }},
		elementwise[T]{name: "nadam", slices: 4, positive: 3, run: func(x [][]T) { NAdam(x[0], x[1], x[2], x[3], rule) }},
		elementwise[T]{name: "lion", slices: 3, run: func(x [][]T) { Lion(x[0], x[1], x[2], rule) }},
		elementwise[T]{name: "add scaled", slices: 2, run: func(x [][]T) { AddScaled(x[0], x[1], 0.37) }},
		elementwise[T]{name: "add sign", slices: 2, run: func(x [][]T) { AddSign(x[0], x[1], 0.37) }},
		elementwise[T]{name: "clamp", slices: 1, run: func(x [][]T) { Clamp(x[0], 0.37) }},
		elementwise[T]{name: "approach", slices: 2, run: func(x [][]T) { Approach(x[0], x[1], 0.37) }},
		elementwise[T]{name: "sum of squares", slices: 2, run: func(x [][]T) {
			if len(x[0]) > 0 {
				x[1][0] = T(SumSquares(x[0]))
			}
		}},
	)
}

func TestElementwise(t *testing.T) {
	t.Run("float32", testElementwise[float32])
	t.Run("float64", testElementwise[float64])
}

// testElementwise compares the vector code with the Go loops, which SelectISA("generic") chooses.
func testElementwise[T Float](t *testing.T) {
	eachISA(t, func(t *testing.T) {
		isa := ISA()
		r := rand.New(rand.NewPCG(1, 2))
		for _, k := range elementwiseKernels[T]() {
			for _, n := range lengths() {
				if n > 3000 && testing.Short() {
					continue
				}
				for _, withSpecials := range []bool{false, true} {
					if testing.Short() && n > 40 && withSpecials != (n%3 == 0) {
						continue
					}
					offset := r.IntN(17)
					got, want := make([]guarded[T], k.slices), make([][]T, k.slices)
					x := make([][]T, k.slices)
					for i := range got {
						got[i] = newGuarded[T](n, offset)
						x[i] = got[i].x
						fillWith(r, x[i], withSpecials)
						if k.positive != 0 && i == k.positive {
							for j := range x[i] {
								x[i][j] = Abs(x[i][j])
							}
						}
						want[i] = append([]T(nil), x[i]...)
					}
					before := append([][]T(nil), want...)
					for i := range before {
						before[i] = append([]T(nil), want[i]...)
					}
					k.run(x)
					SelectISA("generic")
					k.run(want)
					SelectISA(isa)
					for i := range x {
						got[i].check(t, k.name, offset)
						for j := range x[i] {
							if !sameBits(x[i][j], want[i][j]) {
								var in []T
								for _, b := range before {
									in = append(in, b[j])
								}
								t.Fatalf("%s: n = %d, slice %d, element %d of %v: got %v, want the Go code's %v", k.name, n, i, j, in, x[i][j], want[i][j])
							}
						}
					}
				}
			}
		}
	})
}

// TestEveryFloat32 compares every activation with the Go code, and exp, sigmoid and tanh
// also with float64: these three on some millions of float32, and the others on some 100,000. With
// GRADUS_EXHAUSTIVE=1 it takes every float32 (ten minutes for the three), and with 31 every
// 31st.
func TestEveryFloat32(t *testing.T) {
	was := ISA()
	defer SelectISA(was)
	limits := map[string]float64{"exp": 1, "sigmoid": 2.5, "tanh": 2.5} // ulp
	for name, f := range activations {
		limit, measured := limits[name]
		step := uint64(9973)
		if measured && !testing.Short() {
			step = 997
		}
		if every, err := strconv.ParseUint(os.Getenv("GRADUS_EXHAUSTIVE"), 10, 32); err == nil {
			step = max(1, every)
		}
		t.Run(name, func(t *testing.T) {
			x := make([]float32, 0, 4096)
			want, got := make([]float32, cap(x)), make([]float32, cap(x))
			wide, exact := make([]float64, cap(x)), make([]float64, cap(x))
			worst, at := 0.0, float32(0)
			compare := func() {
				SelectISA("generic")
				Apply(f, want[:len(x)], x, 0.3)
				for _, isa := range slices.Backward(ISAs()) { // ends with the fastest
					SelectISA(isa)
					if isa == "generic" {
						continue
					}
					Apply(f, got[:len(x)], x, 0.3)
					for i, v := range x {
						if !sameBits(got[i], want[i]) {
							t.Fatalf("%s: %s(%v) = %v, want the Go code's %v", isa, name, v, got[i], want[i])
						}
					}
				}
				for i, v := range x {
					wide[i] = float64(v)
				}
				Apply(f, exact[:len(x)], wide[:len(x)], 0.3)
				for i, v := range x {
					if y := exact[i]; measured && float32(y) != want[i] && v == v {
						_, e := math.Frexp(y)
						if u := math.Abs(float64(want[i])-y) / math.Ldexp(1, max(e-24, -149)); u > worst {
							worst, at = u, v
						}
					}
				}
				x = x[:0]
			}
			for b := uint64(0); b < 1<<32; b += step {
				x = append(x, math.Float32frombits(uint32(b)))
				if len(x) == cap(x) {
					compare()
				}
			}
			compare()
			if measured {
				t.Logf("worst %.3f ulp at %v", worst, at)
			}
			if worst > limit {
				t.Errorf("%s(%v) is off by %.3f ulp, allowed %v", name, at, worst, limit)
			}
		})
	}
}

func BenchmarkElementwise(b *testing.B) {
	b.Run("float32", benchmarkElementwise[float32])
	b.Run("float64", benchmarkElementwise[float64])
}

func benchmarkElementwise[T Float](b *testing.B) {
	was := ISA()
	defer SelectISA(was)
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range elementwiseKernels[T]() {
		for _, n := range []int{4, 8, 16, 2048} {
			x := make([][]T, k.slices)
			for i := range x {
				x[i] = make([]T, n)
				for j := range x[i] {
					x[i][j] = T(math.Abs(r.NormFloat64()))
				}
			}
			for _, isa := range ISAs() {
				name := isa
				if isa == "generic" {
					name = "go"
				}
				b.Run(fmt.Sprintf("%s/n=%d/impl=%s", k.name, n, name), func(b *testing.B) {
					SelectISA(isa)
					for b.Loop() {
						k.run(x)
					}
					b.ReportMetric(float64(b.N)*float64(n)/float64(b.Elapsed().Nanoseconds()), "elements/ns")
				})
			}
		}
	}
}

func TestColumnSums(t *testing.T) {
	t.Run("float32", testColumnSums[float32])
	t.Run("float64", testColumnSums[float64])
}

func testColumnSums[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachISA(t, func(t *testing.T) {
		isa := ISA()
		for cols := range 150 {
			for _, rows := range []int{0, 1, 2, 7, 200} {
				stride := cols + r.IntN(3)
				src := make([]T, rows*stride)
				fillWith(r, src, cols%2 == 0)
				got, want := newGuarded[T](cols, 3), make([]T, cols)
				ColumnSums(got.x, src, rows, stride)
				SelectISA("generic")
				ColumnSums(want, src, rows, stride)
				SelectISA(isa)
				got.check(t, "ColumnSums", 3)
				for j := range want {
					if !sameBits(got.x[j], want[j]) {
						t.Fatalf("%d x %d, column %d: got %v, want the Go code's %v", rows, cols, j, got.x[j], want[j])
					}
				}
			}
		}
	})
}

func TestGather(t *testing.T) {
	t.Run("float32", testGather[float32])
	t.Run("float64", testGather[float64])
}

func testGather[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	eachISA(t, func(t *testing.T) {
		for _, cols := range append(lengths(), 784) {
			for _, n := range []int{0, 1, 2, 9, 70} {
				stride := cols + r.IntN(3)
				src := make([]T, 50*stride+cols)
				fillWith(r, src, cols%2 == 0)
				rows := make([]int, n)
				for i := range rows {
					rows[i] = r.IntN(51) // the last of them ends where src does
				}
				got := newGuarded[T](n*cols, 3)
				Gather(got.x, src, cols, stride, rows)
				got.check(t, "Gather", 3)
				for i, v := range got.x {
					if want := src[rows[i/cols]*stride+i%cols]; !sameBits(v, want) {
						t.Fatalf("%d of %d columns: row %d, column %d is %v, want %v", n, cols, i/cols, i%cols, v, want)
					}
				}
			}
		}
	})
}

func TestGatherPanicsOnMisuse(t *testing.T) {
	for _, isa := range ISAs() {
		for _, row := range []int{-1, 3} {
			t.Run(fmt.Sprintf("%s/row %d", isa, row), func(t *testing.T) {
				useISA(t, isa)
				defer func() {
					if recover() == nil {
						t.Error("a row that does not exist was copied")
					}
				}()
				Gather(make([]float32, 10), make([]float32, 30), 10, 10, []int{row})
			})
		}
	}
}

func TestAllFinite(t *testing.T) {
	for _, isa := range ISAs() {
		useISA(t, isa)
		for _, n := range lengths() {
			x := make([]float32, n)
			for i := range x {
				x[i] = math.MaxFloat32
			}
			if !AllFinite(x) {
				t.Fatalf("%s: AllFinite is false for %d finite numbers", isa, n)
			}
			if n == 0 {
				continue
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x[n*2/3] = float32(bad)
				if AllFinite(x) {
					t.Fatalf("%s: AllFinite is true for %d numbers, of which one is %v", isa, n, bad)
				}
			}
		}
	}
}

func TestFillRows(t *testing.T) {
	dst := make([]float64, 3*7)
	FillRows(dst, []float64{1, 2, 3})
	for i, v := range dst {
		if v != float64(i%3+1) {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}

func TestVectorsAllocateNothing(t *testing.T) {
	for _, isa := range ISAs() {
		useISA(t, isa)
		for _, k := range elementwiseKernels[float32]() {
			x := make([][]float32, k.slices)
			for i := range x {
				x[i] = make([]float32, 100)
			}
			if n := testing.AllocsPerRun(10, func() { k.run(x) }); n != 0 {
				t.Errorf("%s: %s allocates %v times", isa, k.name, n)
			}
		}
	}
}
