package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestSparse(t *testing.T) {
	t.Run("float32", testSparse[float32])
	t.Run("float64", testSparse[float64])
}

// A sparse matrix has the numbers of the matrix it was taken from, and so does its transpose. Products
// have the bits of the specification. For finite numbers these are the bits of GemmBias.
func testSparse[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	eachISA(t, func(t *testing.T) {
		var s, tr Sparse[T]
		// These rows need more than one call of the assembly.
		x := sparseNumbers[T](r, 8, 20000, 20000, false)
		if !s.Take(x, 8, 20000, 20000) {
			t.Fatal("8 x 20000: not taken")
		}
		checkSparse(t, &s, View[T]{x, 20000, 1}, 8, 20000)
		b := View[T]{fill(r, make([]T, 20000*140)), 140, 1}
		checkSparseProduct(t, &s, 0, 8, 140, b, fill(r, make([]T, 140)), View[T]{x, 20000, 1}, false)
		c := View[T]{make([]T, 8*140), 140, 1}
		if a := testing.AllocsPerRun(3, func() {
			s.Take(x, 8, 20000, 20000)
			tr.Transpose(&s)
			SparseGemm(&s, 0, 8, 140, b, c, nil)
		}); a != 0 {
			t.Errorf("%v allocations, want 0", a)
		}
		for _, rows := range []int{8, 9, 33, 130} {
			for _, cols := range []int{32, 33, 39, 64, 105, 784} {
				for _, odd := range []bool{false, true} {
					stride := cols + r.IntN(5)
					x := sparseNumbers[T](r, rows, cols, stride, odd)
					if !s.Take(x, rows, cols, stride) {
						t.Fatalf("%d x %d: not taken", rows, cols)
					}
					tr.Transpose(&s)
					checkSparse(t, &s, View[T]{x, stride, 1}, rows, cols)
					checkSparse(t, &tr, View[T]{x, 1, stride}, cols, rows)
					for i, n := range []int{1, 2, 5, 8, 15, 16, 17, 31, 64, 70, 127, 129, 300} {
						if testing.Short() && (i+rows+cols)%5 != 0 {
							continue
						}
						b := View[T]{make([]T, cols*(n+3)), n + 3, 1}
						fillWith(r, b.Data, odd)
						bias := fill(r, make([]T, n))
						from, to := r.IntN(rows/2), rows-r.IntN(rows/2)
						checkSparseProduct(t, &s, from, to, n, b, bias, View[T]{x, stride, 1}, odd)
						checkSparseProduct(t, &s, from, to, n, b, nil, View[T]{x, stride, 1}, odd)
						d := View[T]{fill(r, make([]T, rows*n)), n, 1}
						checkSparseProduct(t, &tr, 1, cols-3, n, d, nil, View[T]{x, 1, stride}, odd)
					}
				}
			}
		}
	})
}

// Start and Add take the same matrices as Take, and the results are equal. Add gets a row as the steps between the
// numbers that are not 0 and the values among them that are not 1.
func TestSparseAdd(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	minus := float32(math.Copysign(0, -1))
	taken, left := 0, 0
	for range 400 {
		rows, cols, share := 1+r.IntN(40), 20+r.IntN(60), r.Float64()/2
		if r.IntN(4) == 0 {
			cols, share = 300+r.IntN(600), share/50
		}
		x := make([]float32, rows*cols)
		for i := range x {
			if r.Float64() < share {
				x[i] = []float32{1, 1, 2.5, -3, minus}[r.IntN(5)]
			}
		}
		var want, got Sparse[float32]
		takes := want.Take(x, rows, cols, cols)
		adds := got.Start(rows, cols)
		for i := 0; adds && i < rows; i++ {
			var steps []uint8
			var where []uint16
			var value []float32
			n, last := 0, 0
			for j, v := range x[i*cols:][:cols] {
				if math.Float32bits(v) == 0 {
					continue
				}
				if v != 1 {
					where, value = append(where, uint16(n)), append(value, v)
				}
				for ; j-last >= LongStep; last += LongStep {
					steps = append(steps, LongStep)
				}
				steps = append(steps, uint8(j-last))
				n, last = n+1, j
			}
			adds = got.Add(steps, where, value)
		}
		if adds != takes {
			t.Fatalf("%d x %d, %.2f of them not 0: taken is %v row by row and %v from the matrix", rows, cols, share, adds, takes)
		}
		if !takes {
			left++
			continue
		}
		taken++
		checkSparse(t, &got, View[float32]{x, cols, 1}, rows, cols)
	}
	if taken < 50 || left < 50 {
		t.Errorf("%d matrices are taken and %d are not: the test needs both", taken, left)
	}
}

// sparseNumbers returns numbers that are mostly 0, in some rows and columns all 0.
func sparseNumbers[T Float](r *rand.Rand, rows, cols, stride int, odd bool) []T {
	x := make([]T, (rows-1)*stride+cols)
	var all []T
	all = append(all, x...)
	fillWith(r, all, odd)
	for i := range rows {
		if r.IntN(5) == 0 {
			continue
		}
		for j := range cols {
			if j%7 != 3 && r.IntN(6) == 0 {
				x[i*stride+j] = all[i*stride+j]
			}
		}
	}
	return x
}

func checkSparse[T Float](t *testing.T, s *Sparse[T], x View[T], rows, cols int) {
	t.Helper()
	if s.cols != cols || len(s.begin) != rows+1 || s.begin[0] != 0 {
		t.Fatalf("the sparse matrix is %d x %d, want %d x %d", len(s.begin)-1, s.cols, rows, cols)
	}
	for i := range rows {
		e := s.begin[i]
		for j := range cols {
			if v := *x.at(i, j); v != 0 {
				if e >= s.begin[i+1] || s.at[e] != int32(j) || !sameBits(s.value[e], v) {
					t.Fatalf("%d x %d: row %d does not have %v in column %d", rows, cols, i, v, j)
				}
				e++
			}
		}
		if e != s.begin[i+1] {
			t.Fatalf("%d x %d: row %d has %d numbers, want %d", rows, cols, i, s.begin[i+1]-s.begin[i], e-s.begin[i])
		}
	}
}

func checkSparseProduct[T Float](t *testing.T, s *Sparse[T], from, to, n int, b View[T], bias []T, x View[T], odd bool) {
	t.Helper()
	row := n + 2
	want := make([]T, (to-from)*row)
	sparseGo(s, from, to, n, b, View[T]{want, row, 1}, bias)
	got := newGuarded[T]((to-from)*row, 3)
	before := append([]T(nil), got.x...)
	SparseGemm(s, from, to, n, b, View[T]{got.x, row, 1}, bias)
	got.check(t, "SparseGemm", 3)
	dense := make([]T, (to-from)*row)
	GemmBias(to-from, n, s.cols, View[T]{x.Data[from*x.Row:], x.Row, x.Col}, b, View[T]{dense, row, 1}, bias)
	for i := range want {
		if i%row >= n {
			if !sameBits(got.x[i], before[i]) {
				t.Fatalf("%d columns: column %d of row %d changed", n, i%row, i/row)
			}
			continue
		}
		if !sameBits(got.x[i], want[i]) {
			t.Fatalf("%d columns: element %d, %d is %v, want %v", n, i/row, i%row, got.x[i], want[i])
		}
		if !odd && got.x[i] != dense[i] {
			t.Fatalf("%d columns: element %d, %d is %v, with the zeros %v", n, i/row, i%row, got.x[i], dense[i])
		}
	}
}

// BenchmarkSparse measures the first layer with and without the zeros: finding them, z = x·W and
// dW = xᵀ·delta for a batch of 128 rows.
func BenchmarkSparse(b *testing.B) {
	const rows = 128
	for _, size := range []struct {
		cols, n int
		share   float64
	}{{784, 512, 0.19}, {105, 64, 0.13}, {105, 64, 0.25}, {784, 512, 0.25}, {784, 512, 0.1}, {2000, 64, 0.01}} {
		r := rand.New(rand.NewPCG(1, 1))
		x := make([]float32, rows*size.cols)
		for i := range x {
			if r.Float64() < size.share {
				x[i] = float32(r.NormFloat64())
			}
		}
		w, z := View[float32]{fill(r, make([]float32, size.cols*size.n)), size.n, 1}, View[float32]{make([]float32, rows*size.n), size.n, 1}
		var s, t Sparse[float32]
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%dx%d/%v/%s", size.cols, size.n, size.share, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
			})
		}
		xv := View[float32]{x, size.cols, 1}
		s.Take(x, rows, size.cols, size.cols)
		t.Transpose(&s)
		run("take", func() { s.Take(x, rows, size.cols, size.cols) })
		run("transpose", func() { t.Transpose(&s) })
		run("forward", func() { SparseGemm(&s, 0, rows, size.n, w, z, nil) })
		run("forward with zeros", func() { Gemm(rows, size.n, size.cols, xv, w, z, false) })
		run("gradient", func() { SparseGemm(&t, 0, size.cols, size.n, z, w, nil) })
		run("gradient with zeros", func() { Gemm(size.cols, size.n, rows, xv.T(), z, w, false) })
	}
}
