package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// useISA selects an instruction set until the test ends.
func useISA(tb testing.TB, name string) {
	tb.Helper()
	before := ISA()
	if err := SelectISA(name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := SelectISA(before); err != nil {
			tb.Fatal(err)
		}
	})
}

// sameBits reports whether two numbers are the same to the bit; any NaN equals any NaN.
func sameBits[T Float](x, y T) bool {
	if x != x || y != y {
		return x != x && y != y
	}
	return x == y && math.Signbit(float64(x)) == math.Signbit(float64(y))
}

// special draws numbers that arithmetic may treat specially.
func special[T Float](r *rand.Rand) T {
	switch r.IntN(12) {
	case 0:
		return T(math.NaN())
	case 1:
		return T(math.Inf(1 - 2*r.IntN(2)))
	case 2, 3:
		return T(math.Copysign(0, r.Float64()-0.5))
	case 4, 5: // subnormal, or giving subnormal products
		if unsafe.Sizeof(T(0)) == 4 {
			return T(math.Ldexp(r.Float64()-0.5, -60-r.IntN(90)))
		}
		return T(math.Ldexp(r.Float64()-0.5, -500-r.IntN(580)))
	case 6: // few bits: midpoints between two float32
		return T(math.Ldexp(float64(r.IntN(1<<12)), r.IntN(24)-12))
	case 7: // large: sums overflow
		if unsafe.Sizeof(T(0)) == 4 {
			return T(math.Ldexp(r.Float64()-0.5, 128))
		}
		return T(math.Ldexp(r.Float64()-0.5, 1024))
	}
	return T(r.NormFloat64())
}

// A product is a case of Gemm: its sizes, whether A and B are stored transposed, and how
// many elements lie between the rows of each matrix.
type product struct {
	m, n, k            int
	transA, transB     bool
	padA, padB, padC   int
	accumulate, strict bool // strict: with special values
}

func (p product) String() string {
	form := [2]string{"N", "T"}
	b := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return fmt.Sprintf("%s%s m=%d n=%d k=%d pads=%d,%d,%d accumulate=%v special=%v", form[b(p.transA)], form[b(p.transB)],
		p.m, p.n, p.k, p.padA, p.padB, p.padC, p.accumulate, p.strict)
}

// matrix returns a view of a matrix whose slice ends with its last element.
func matrix[T Float](pool []T, rows, cols, pad int, transposed bool) View[T] {
	if transposed {
		return matrix(pool, cols, rows, pad, false).T()
	}
	n := 0
	if rows > 0 && cols > 0 {
		n = (rows-1)*(cols+pad) + cols
	}
	return View[T]{pool[:n:n], cols + pad, 1}
}

// A checker is the memory for check.
type checker[T Float] struct {
	r                      *rand.Rand
	normal, odd, got, want []T
}

func newChecker[T Float](seed uint64, size int) *checker[T] {
	r := rand.New(rand.NewPCG(seed, 7))
	c := &checker[T]{r: r, normal: fill(r, make([]T, 2*size)), odd: make([]T, 2*size), got: make([]T, size), want: make([]T, size)}
	for i := range c.odd {
		c.odd[i] = special[T](r)
	}
	return c
}

// check compares Gemm on every instruction set with the generic one, including the words around C and
// between its rows.
func (c *checker[T]) check(tb testing.TB, p product) {
	tb.Helper()
	pool := c.normal
	if p.strict {
		pool = c.odd
	}
	at := c.r.IntN(len(pool) / 8)
	a := matrix(pool[at:], p.m, p.k, p.padA, p.transA)
	b := matrix(pool[c.r.IntN(len(pool)/8):], p.k, p.n, p.padB, p.transB)
	const guard = 37
	size := p.m*(p.n+p.padC) + 2*guard
	before := pool[len(pool)-size-at:][:size]
	view := func(data []T) View[T] {
		copy(data, before)
		v := matrix(data[guard:], p.m, p.n, p.padC, false)
		v.Row = max(v.Row, 1)
		return v
	}
	want := view(c.want[:size])
	defer func(before isa) { active = before }(active)
	active = generic
	Gemm(p.m, p.n, p.k, a, b, want, p.accumulate)
	for _, set := range machineISAs() {
		active = set
		Gemm(p.m, p.n, p.k, a, b, view(c.got[:size]), p.accumulate)
		for i, x := range c.got[:size] {
			if !sameBits(x, c.want[i]) {
				row, col := (i-guard)/(p.n+p.padC), (i-guard)%(p.n+p.padC)
				tb.Fatalf("%s %v: element %d, %d = %x, want %x", isaNames[set], p, row, col, x, c.want[i])
			}
		}
	}
}

func testGemmSweep[T Float](t *testing.T) {
	const most = 100
	c := newChecker[T](11, 2*most*most+100)
	others := []int{0, 1, 7, 16, 17, 33, 64}
	i := 0
	for x := range most {
		if testing.Short() && x%16 > 1 {
			continue
		}
		for _, y := range others {
			for _, z := range others {
				for _, s := range [][3]int{{x, y, z}, {y, x, z}, {y, z, x}} {
					for form := range 3 {
						for _, accumulate := range []bool{false, true} {
							i++
							if testing.Short() && i%17 != x%17 { // a sample of all forms
								continue
							}
							p := product{
								m: s[0], n: s[1], k: s[2],
								transA: form == 1, transB: form == 2, accumulate: accumulate,
								strict: i%3 == 0,
							}
							if i%2 == 0 {
								p.padA, p.padB, p.padC = i/2%4, i/3%5, i/5%3
							}
							c.check(t, p)
						}
					}
				}
			}
		}
	}
}

func TestGemmSweep(t *testing.T) {
	t.Run("float32", testGemmSweep[float32])
	t.Run("float64", testGemmSweep[float64])
}

// At these sizes the driver divides the work: blocks of k, parts of m, packed panels, chunks of calls.
func testGemmLarge[T Float](t *testing.T) {
	c := newChecker[T](12, 1<<20)
	for i, s := range [][3]int{
		{48, 70, 100}, {49, 34, 385}, {5, 300, 770}, {700, 20, 380}, {1500, 3, 390}, {2, 300, 800},
		{1, 1000, 500}, {900, 1, 500}, {61, 100, 150}, {3, 200, 500}, {128, 10, 256}, {400, 64, 64},
	} {
		for form := range 4 {
			if testing.Short() && form != i%4 {
				continue
			}
			p := product{m: s[0], n: s[1], k: s[2], transA: form&1 != 0, transB: form&2 != 0, padA: form, padB: 3 - form, padC: form % 2}
			if form < 2 && i%2 == 0 {
				p.padB = 1100 // far enough apart for panels to be packed
			}
			c.check(t, p)
			p.accumulate, p.strict = true, true
			if p.n == 1 {
				p.padC = 0
			}
			c.check(t, p)
		}
	}
	// Rows of A a multiple of 4096 bytes apart.
	c.check(t, product{m: 50, n: 40, k: 20, padA: 1004})
	c.check(t, product{m: 5, n: 70, k: 400, padA: 624, accumulate: true, strict: true})
}

func TestGemmLarge(t *testing.T) {
	t.Run("float32", testGemmLarge[float32])
	t.Run("float64", testGemmLarge[float64])
}

func FuzzGemm(f *testing.F) {
	c32, c64 := newChecker[float32](1, 1<<17), newChecker[float64](1, 1<<17)
	f.Add(uint64(1), uint16(12), uint16(32), uint16(5), uint8(0), uint8(0))
	f.Add(uint64(2), uint16(1), uint16(64), uint16(64), uint8(0xff), uint8(0x11))
	f.Add(uint64(3), uint16(128), uint16(10), uint16(256), uint8(6), uint8(0x72))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, k uint16, flags, pads uint8) {
		p := product{
			m: int(m % 200), n: int(n % 200), k: int(k % 500),
			transA: flags&1 != 0, transB: flags&2 != 0, accumulate: flags&4 != 0, strict: flags&8 != 0,
			padA: int(pads & 3), padB: int(pads >> 2 & 3), padC: int(pads >> 4 & 3),
		}
		c32.r = rand.New(rand.NewPCG(seed, 1)) // which parts of the numbers are multiplied
		c64.r = rand.New(rand.NewPCG(seed, 1))
		c32.check(t, p)
		c64.check(t, p)
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	const n = 65
	r := rand.New(rand.NewPCG(1, 1))
	x, y, z := fill(r, make([]float32, n*n)), fill(r, make([]float32, n*n)), make([]float32, n*n)
	v := func(s []float32) View[float32] { return View[float32]{s, n, 1} }
	for _, name := range ISAs() {
		useISA(t, name)
		if got := testing.AllocsPerRun(10, func() {
			Gemm(n, n, n, v(x), v(y), v(z), false)
			Gemm(n, n, n, v(x).T(), v(y), v(z), true)
			Gemm(n, n, n, v(x), v(y).T(), v(z), false)
			Gemm(1, n, n, v(x), v(y).T(), v(z), false)
			Gemm(3, 4, 2, v(x), v(y), v(z), false)
		}); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

func TestRow(t *testing.T) {
	t.Run("float32", testRow[float32])
	t.Run("float64", testRow[float64])
}

// A row's product has the bits of the specification, with and without a bias, also if it needs more than
// one call of the assembly.
func testRow[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	eachISA(t, func(t *testing.T) {
		for _, k := range []int{0, 1, 2, 20, 64, 5000} {
			for n := range 300 {
				if k == 5000 && n%50 != 1 || testing.Short() && n > 40 && n%7 != k%7 {
					continue
				}
				x, w, bias := make([]T, k), make([]T, k*n), make([]T, n)
				fillWith(r, x, n%2 == 0)
				fillWith(r, w, n%2 == 0)
				fill(r, bias)
				for _, b := range [][]T{nil, bias} {
					want := make([]T, n)
					copy(want, b)
					if n > 0 && k > 0 {
						gemmGo(1, n, k, View[T]{x, k, 1}, View[T]{w, n, 1}, View[T]{want, n, 1}, View[T]{want, n, 1})
					}
					got := newGuarded[T](n, 3)
					Row(got.x, x, w, b)
					got.check(t, "Row", 3)
					for j := range want {
						if !sameBits(got.x[j], want[j]) {
							t.Fatalf("%d inputs, %d outputs: output %d is %v, want %v", k, n, j, got.x[j], want[j])
						}
					}
				}
			}
		}
	})
}

// Prefetching changes nothing, whether there is more to fetch than there are steps, or
// less.
func TestGemmFetch(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, isa := range ISAs() {
		useISA(t, isa)
		for _, m := range []int{1, 12, 13, 48} {
			for _, n := range []int{1, 31, 32, 100} {
				const k = 40
				a := View[float32]{fill(r, make([]float32, m*k)), 1, m}
				b := View[float32]{fill(r, make([]float32, n*k)), n, 1}
				got, want := make([]float32, m*n), make([]float32, m*n)
				Gemm(m, n, k, a, b, View[float32]{want, n, 1}, false)
				for _, next := range [][][]float32{{}, {nil}, {make([]float32, 1)}, {make([]float32, 100), nil, make([]float32, 5)}, {make([]float32, 100000), make([]float32, 1000)}} {
					clear(got)
					GemmFetch(m, n, k, a, b, View[float32]{got, n, 1}, false, next)
					if !slices.Equal(got, want) {
						t.Fatalf("%s: %d x %d: fetching %d slices changes the product", isa, m, n, len(next))
					}
				}
			}
		}
	}
}

// GemmBias equals Gemm with accumulation into rows that hold the bias, to the bit.
func TestGemmBias(t *testing.T) {
	t.Run("float32", testGemmBias[float32])
	t.Run("float64", testGemmBias[float64])
}

func testGemmBias[T Float](t *testing.T) {
	i := 0
	r := rand.New(rand.NewPCG(11, 12))
	for _, k := range []int{0, 1, 9, 100, 500} {
		for _, n := range []int{1, 2, 7, 10, 16, 33, 64, 150} {
			for _, m := range []int{1, 2, 3, 4, 11, 12, 13, 25, 60} {
				if i++; testing.Short() && i%5 != 0 {
					continue
				}
				a, b := View[T]{fill(r, make([]T, m*k)), k, 1}, View[T]{fill(r, make([]T, k*n)), n, 1}
				bias := fill(r, make([]T, n))
				for _, byColumns := range []bool{false, true} {
					if byColumns {
						b.Row, b.Col = 1, k
					}
					for _, nothing := range []bool{false, true} {
						want := make([]T, m*n)
						useISA(t, "generic")
						if !nothing {
							FillRows(want, bias)
						}
						Gemm(m, n, k, a, b, View[T]{want, n, 1}, true)
						for _, isa := range ISAs() {
							useISA(t, isa)
							got := fill(r, make([]T, m*n+3))
							guard := slices.Clone(got[m*n:])
							from := bias
							if nothing {
								from = nil
							}
							GemmBias(m, n, k, a, b, View[T]{got, n, 1}, from)
							if !slices.Equal(got[:m*n], want) || !slices.Equal(got[m*n:], guard) {
								t.Fatalf("%s: %d x %d by %d steps, by columns %v, without bias %v: the product differs from the generic one", isa, m, n, k, byColumns, nothing)
							}
							if m == 1 && !byColumns {
								row := make([]T, n)
								Row(row, a.Data, b.Data, from)
								if !slices.Equal(row, want) {
									t.Fatalf("%s: a row of %d by %d steps, without bias %v: the product differs from the generic one", isa, n, k, nothing)
								}
							}
						}
					}
				}
			}
		}
	}
}

// Descend equals Gemm followed by Momentum or SGD, to the bit, and writes nothing around W and V.
func TestDescend(t *testing.T) {
	t.Run("float32", testDescend[float32])
	t.Run("float64", testDescend[float64])
}

func testDescend[T Float](t *testing.T) {
	i := 0
	const guard = 16
	r := rand.New(rand.NewPCG(9, 10))
	draw := func(n int, odd bool) []T {
		x := fill(r, make([]T, n))
		for i := range x {
			if odd && i%7 == 0 {
				x[i] = special[T](r)
			}
		}
		return x
	}
	for _, k := range []int{0, 1, 5, 128, 500} {
		for _, n := range []int{1, 8, 16, 31, 32, 64, 160} {
			for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 48, 61} {
				if i++; testing.Short() && i%5 != 0 {
					continue
				}
				odd := (m+n+k)%3 == 0
				a := View[T]{draw(m*k, odd), 1, max(1, m)} // xᵀ, as training has it
				b := View[T]{draw(k*n, odd), n, 1}
				w, v := draw(m*n+2*guard, odd), draw(m*n+2*guard, odd)
				rate, mu := T(-0.05), T(0.9)
				for _, velocity := range []bool{false, true} {
					wantW, wantV := slices.Clone(w), slices.Clone(v)
					grad := make([]T, m*n)
					useISA(t, "generic")
					Gemm(m, n, k, a, b, View[T]{grad, n, 1}, false)
					if velocity {
						Momentum(wantW[guard:guard+m*n], grad, wantV[guard:], rate, mu)
					} else {
						SGD(wantW[guard:guard+m*n], grad, rate)
					}
					for _, isa := range ISAs() {
						useISA(t, isa)
						gotW, gotV := slices.Clone(w), slices.Clone(v)
						var in []T
						if velocity {
							in = gotV[guard:]
						}
						Descend(m, n, k, a, b, gotW[guard:], in, rate, mu, grad, [][]T{w, v})
						for i := range w {
							if !sameBits(gotW[i], wantW[i]) || !sameBits(gotV[i], wantV[i]) {
								t.Fatalf("%s: %d x %d by %d steps, velocity %v: element %d is %v and %v, want %v and %v",
									isa, m, n, k, velocity, i-guard, gotW[i], gotV[i], wantW[i], wantV[i])
							}
						}
					}
				}
			}
		}
	}
}

func TestGemmPanicsOnMisuse(t *testing.T) {
	full := make([]float32, 100)
	v := func(n, row, col int) View[float32] { return View[float32]{full[:n], row, col} }
	for _, c := range []struct {
		name    string
		m, n, k int
		a, b, c View[float32]
	}{
		{"negative size", -1, 2, 2, v(4, 2, 1), v(4, 2, 1), v(4, 2, 1)},
		{"negative stride", 2, 2, 2, v(4, -2, 1), v(4, 2, 1), v(4, 2, 1)},
		{"huge stride", 2, 2, 2, v(4, math.MaxInt32, 1), v(4, 2, 1), v(4, 2, 1)},
		{"short A", 2, 2, 2, v(3, 2, 1), v(4, 2, 1), v(4, 2, 1)},
		{"short B", 2, 2, 2, v(4, 2, 1), v(3, 2, 1), v(4, 2, 1)},
		{"short C", 2, 2, 2, v(4, 2, 1), v(4, 2, 1), v(3, 2, 1)},
		{"short C, k = 0", 2, 2, 0, v(4, 2, 1), v(4, 2, 1), v(3, 2, 1)},
		{"rows of C overlap", 2, 2, 2, v(4, 2, 1), v(4, 2, 1), v(4, 1, 1)},
		{"C by columns", 2, 2, 2, v(4, 2, 1), v(4, 2, 1), v(4, 1, 2)},
		{"B in pieces", 2, 2, 2, v(4, 2, 1), v(10, 4, 2), v(4, 2, 1)},
	} {
		for _, name := range ISAs() {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				useISA(t, name)
				defer func() {
					if s, ok := recover().(string); !ok || len(s) < 7 || s[:7] != "kernel:" {
						t.Errorf("got the panic %v, want one that begins with the package's name", s)
					}
				}()
				Gemm(c.m, c.n, c.k, c.a, c.b, c.c, false)
			})
		}
	}
}

func TestISA(t *testing.T) {
	names := ISAs()
	if names[len(names)-1] != "generic" {
		t.Errorf("ISAs() = %v, want generic last", names)
	}
	for _, name := range names {
		useISA(t, name)
		if ISA() != name {
			t.Errorf("ISA() = %s after SelectISA(%s)", ISA(), name)
		}
		if set, err := chooseISA(name); err != nil || isaNames[set] != name {
			t.Errorf("GRADUS_ISA=%s gives %v, %v", name, set, err)
		}
	}
	for _, name := range []string{"sse9", "AVX2", " "} {
		if set, err := chooseISA(name); err == nil || set != generic {
			t.Errorf("GRADUS_ISA=%q gives %s, %v; want generic and an error", name, isaNames[set], err)
		}
		if err := SelectISA(name); err == nil {
			t.Errorf("SelectISA(%q) gives no error", name)
		}
	}
	for _, known := range isaNames {
		if _, err := findISA(known); (err == nil) != contains(names, known) {
			t.Errorf("findISA(%s) = %v on a machine with %v", known, err, names)
		}
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func TestPeakFMA(t *testing.T) {
	for _, name := range ISAs() {
		useISA(t, name)
		f32, f64 := PeakFMA[float32](time.Millisecond), PeakFMA[float64](time.Millisecond)
		t.Logf("%s: float32 %.1f, float64 %.1f GFLOP/s", name, f32, f64)
		if !(f32 > 0 && f64 > 0) || math.IsInf(f32+f64, 0) {
			t.Errorf("%s: peaks %v and %v", name, f32, f64)
		}
	}
}
