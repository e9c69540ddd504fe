package kernel

//go:generate go -C gen run . ..

import (
	"math"
	"unsafe"
)

// View is a matrix in a slice: element (i, j) is at index i*Row + j*Col. Transposing swaps the
// two, so one product serves A·B, Aᵀ·B and A·Bᵀ.
type View[T Float] struct {
	Data     []T
	Row, Col int
}

// T returns the transposed view.
func (v View[T]) T() View[T] { return View[T]{v.Data, v.Col, v.Row} }

// Gemm computes C = A·B, or C += A·B when accumulate is set, where C is m by n and the
// inner dimension is k:
//
//	c := 0, or C[i][j]
//	for p := 0; p < k; p++ { c = FMA(A[i][p], B[p][j], c) }
//	C[i][j] = c
//
// C must have Col == 1 and must not overlap A or B. B needs Row == 1 or Col == 1. Strides must
// not be negative. Gemm panics if a slice is too short for its matrix.
func Gemm[T Float](m, n, k int, a, b, c View[T], accumulate bool) {
	GemmFetch(m, n, k, a, b, c, accumulate, nil)
}

// GemmFetch is Gemm that also prefetches the slices in next into the cache, for the code that
// runs next.
func GemmFetch[T Float](m, n, k int, a, b, c View[T], accumulate bool, next [][]T) {
	var from View[T]
	if accumulate {
		from = c
	}
	gemm(m, n, k, a, b, c, from, nil, next)
}

// GemmBias is Gemm with chains that start from the bias, one number for each column of C. nil
// means zeros.
func GemmBias[T Float](m, n, k int, a, b, c View[T], bias []T) {
	if bias != nil {
		bias = bias[:n]
	}
	gemm(m, n, k, a, b, c, View[T]{bias, 0, 1}, nil, nil)
}

// Descend updates the weights W by their gradient G = A·B. W and V are m by n, stored row by row:
//
//	V = FMA(mu, V, G)        W = FMA(rate, V, W)
//
// or if V is nil, W = FMA(rate, G, W). This is Gemm followed by Momentum or SGD, to the bit. grad
// is memory for G; G may or may not be left there. The slices in next are prefetched into the cache.
func Descend[T Float](m, n, k int, a, b View[T], w, v []T, rate, mu T, grad []T, next [][]T) {
	w, grad = w[:m*n], grad[:m*n]
	if v != nil {
		v = v[:m*n]
	}
	if k > 0 && active != generic && descendsTiles[T](active, n, k) {
		gemm(m, n, k, a, b, View[T]{w, n, 1}, View[T]{}, &descent[T]{v, rate, mu}, next)
		return
	}
	gemm(m, n, k, a, b, View[T]{grad, n, 1}, View[T]{}, nil, next)
	if v == nil {
		SGD(w, grad, rate)
	} else {
		Momentum(w, grad, v, rate, mu)
	}
}

// gemm is the product whose chains start from the elements of from. from is C, or one row
// repeated for all rows, or empty: zeros.
func gemm[T Float](m, n, k int, a, b, c, from View[T], d *descent[T], next [][]T) {
	if m == 0 || n == 0 {
		return
	}
	// One test for everything that could be negative or make the products below overflow.
	if uint64(m|n|k|a.Row|a.Col|b.Row|b.Col|c.Row)>>31 != 0 {
		panic("kernel: Gemm: a size or stride is negative or above 2^31")
	}
	if c.Col != 1 || m > 1 && c.Row < n || c.short(m, n) {
		panic("kernel: Gemm: C is too small or its columns are not side by side")
	}
	if k == 0 {
		for i := range m {
			start(c.Data[i*c.Row:][:n], from, i)
		}
		return
	}
	if a.short(m, k) || b.short(k, n) {
		panic("kernel: Gemm: A or B is too small")
	}
	if b.Col != 1 && n == 1 {
		b.Col = 1 // its one column needs no step
	}
	if b.Col != 1 && b.Row != 1 {
		if k > 1 {
			panic("kernel: Gemm: neither the rows nor the columns of B are in one piece")
		}
		b.Row = 1
	}
	if set := active; set != generic {
		gemmTiles(set, m, n, k, a, b, c, from, d, next)
	} else {
		gemmGo(m, n, k, a, b, c, from)
	}
}

// Row computes z = x·W + b for one row x, with the chains of Gemm. W is len(x) by len(z),
// stored row by row. If b is nil, the chains start from 0.
func Row[T Float](z, x, w, b []T) {
	m, k := len(z), len(x)
	if b != nil {
		b = b[:m]
	}
	if set := active; set != generic && m > 0 && k > 0 && k <= rowSteps {
		rowTiles(set, z, x, w[:k*m], b)
	} else {
		GemmBias(1, m, k, View[T]{x, k, 1}, View[T]{w, m, 1}, View[T]{z, m, 1}, b)
	}
}

// at returns a pointer to element (i, j), or nil in an empty view.
func (v *View[T]) at(i, j int) *T {
	if v.Data == nil {
		return nil
	}
	return &v.Data[i*v.Row+j*v.Col]
}

// start sets row i of C to the values from which its chains start.
func start[T Float](row []T, from View[T], i int) {
	if from.Data == nil {
		clear(row)
	} else {
		copy(row, from.Data[i*from.Row:])
	}
}

// short reports whether the slice is too short for a matrix of this size.
func (v *View[T]) short(rows, cols int) bool {
	return int64(len(v.Data)) <= int64(rows-1)*int64(v.Row)+int64(cols-1)*int64(v.Col)
}

// gemmGo is Gemm in Go, the specification of the others.
func gemmGo[T Float](m, n, k int, a, b, c, from View[T]) {
	for i := range m {
		row := c.Data[i*c.Row:][:n]
		start(row, from, i)
		if b.Col == 1 {
			rowTimesRows(row, a.Data[i*a.Row:], a.Col, b, k)
		} else {
			rowTimesColumns(row, a.Data[i*a.Row:], a.Col, b, k)
		}
	}
}

// rowTimesRows adds Σ_p a[p]·B[p] to c, four rows of B at a time.
func rowTimesRows[T Float](c, a []T, step int, b View[T], k int) {
	p := 0
	for ; p+4 <= k; p += 4 {
		addRows(c, a[p*step], a[(p+1)*step], a[(p+2)*step], a[(p+3)*step],
			b.Data[p*b.Row:], b.Data[(p+1)*b.Row:], b.Data[(p+2)*b.Row:], b.Data[(p+3)*b.Row:])
	}
	for ; p < k; p++ {
		ap := a[p*step]
		for j, bj := range b.Data[p*b.Row:][:len(c)] {
			c[j] = FMA(ap, bj, c[j])
		}
	}
}

// addRows does c[j] = FMA(a3, b3[j], FMA(a2, b2[j], FMA(a1, b1[j], FMA(a0, b0[j], c[j])))).
func addRows[T Float](c []T, a0, a1, a2, a3 T, b0, b1, b2, b3 []T) {
	b0, b1, b2, b3 = b0[:len(c)], b1[:len(c)], b2[:len(c)], b3[:len(c)]
	if unsafe.Sizeof(a0) == 8 {
		for j, s := range c {
			s := math.FMA(float64(a0), float64(b0[j]), float64(s))
			s = math.FMA(float64(a1), float64(b1[j]), s)
			s = math.FMA(float64(a2), float64(b2[j]), s)
			c[j] = T(math.FMA(float64(a3), float64(b3[j]), s))
		}
		return
	}
	for j, z := range c {
		p := float64(a0) * float64(b0[j])
		s := p + float64(z)
		if suspect(s) {
			s = fma32(p, float64(z), s)
		}
		z = T(s)
		p = float64(a1) * float64(b1[j])
		s = p + float64(z)
		if suspect(s) {
			s = fma32(p, float64(z), s)
		}
		z = T(s)
		p = float64(a2) * float64(b2[j])
		s = p + float64(z)
		if suspect(s) {
			s = fma32(p, float64(z), s)
		}
		z = T(s)
		p = float64(a3) * float64(b3[j])
		s = p + float64(z)
		if suspect(s) {
			s = fma32(p, float64(z), s)
		}
		c[j] = T(s)
	}
}

// rowTimesColumns adds Σ_p a[p]·B[p] to c for a B stored by columns: a dot product for
// each column, two at a time so that their chains overlap.
func rowTimesColumns[T Float](c, a []T, step int, b View[T], k int) {
	j := 0
	for ; j+2 <= len(c); j += 2 {
		c[j], c[j+1] = dots(c[j], c[j+1], a, step, b.Data[j*b.Col:][:k], b.Data[(j+1)*b.Col:][:k])
	}
	if j < len(c) {
		s := c[j]
		for p, bp := range b.Data[j*b.Col:][:k] {
			s = FMA(a[p*step], bp, s)
		}
		c[j] = s
	}
}

// dots continues the chains y0 and y1 over a·b0 and a·b1.
func dots[T Float](y0, y1 T, a []T, step int, b0, b1 []T) (T, T) {
	b1 = b1[:len(b0)]
	if unsafe.Sizeof(y0) == 8 {
		s0, s1 := float64(y0), float64(y1)
		for p, b := range b0 {
			ap := float64(a[p*step])
			s0 = math.FMA(ap, float64(b), s0)
			s1 = math.FMA(ap, float64(b1[p]), s1)
		}
		return T(s0), T(s1)
	}
	for p, b := range b0 {
		ap := float64(a[p*step])
		p0, p1 := ap*float64(b), ap*float64(b1[p])
		s0, s1 := p0+float64(y0), p1+float64(y1)
		if suspect(s0) {
			s0 = fma32(p0, float64(y0), s0)
		}
		if suspect(s1) {
			s1 = fma32(p1, float64(y1), s1)
		}
		y0, y1 = T(s0), T(s1)
	}
	return y0, y1
}
