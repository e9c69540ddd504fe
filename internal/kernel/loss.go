package kernel

// sumLanes is the number of lanes of a sum. Term i is added to lane i%16, in order, and the
// lanes in a tree (sumOf). The vectors do the same, so their width changes nothing.
const sumLanes = 16

// LossSum is a sum in progress, in float64.
type LossSum [sumLanes]float64

// Total returns the sum.
func (s *LossSum) Total() float64 { return sumOf(*s) }

// sumOf adds lane l and l+8, then l+4, l+2, l+1.
func sumOf[T Float](s [sumLanes]T) T {
	for half := sumLanes / 2; half > 0; half /= 2 {
		for l := range half {
			s[l] += s[l+half]
		}
	}
	return s[0]
}

// greatest returns the largest element of x, or NaN if there is one.
func greatest[T Float](x []T) T {
	top := x[0]
	for _, v := range x[1:] {
		top = max(top, v)
	}
	return top
}

// rowsPerCall is the most rows of cols elements that one call of a vector kernel gets.
func rowsPerCall(cols int) int { return max(1, min(128, slowChunk/2/cols)) }

// Softmax sets each row of dst to the softmax of that row of src, e^x / Σ e^x. Both hold rows
// of cols elements that follow each other. dst may be src. Subtracting the largest x first
// keeps e^x in range. The sum has 16 lanes of T.
func Softmax[T Float](dst, src []T, cols int) {
	dst = dst[:len(src)]
	if !vectors() {
		for ; len(src) > 0; dst, src = dst[cols:], src[cols:] {
			dst, src := dst[:cols], src[:cols]
			top := greatest(src)
			var sum [sumLanes]T
			for j, v := range src {
				dst[j] = Exp(v - top)
				sum[j%sumLanes] += dst[j]
			}
			total := sumOf(sum)
			for j := range dst {
				dst[j] /= total
			}
		}
		return
	}
	for len(src) > 0 {
		n := min(len(src), rowsPerCall(cols)*cols)
		softmaxVector(&dst[0], &src[0], n/cols, cols)
		dst, src = dst[n:], src[n:]
	}
}

// CrossEntropy adds, for rows of cols elements, Σ_j y_j·(lse - z_j) with lse = log Σ e^z to s,
// where a = softmax(z). If delta is not nil, it becomes (a·Σ_j y_j - y) · factor, which is factor·dL/dz.
//
// The largest z is subtracted from every z, as in softmax. Then the largest a is 1/Σ e^z, and
// lse is -log of it. A term with y_j = 0 is 0.
func CrossEntropy[T Float](s *LossSum, y, z, a, delta []T, cols int, factor T) {
	z, a = z[:len(y)], a[:len(y)]
	if delta != nil {
		delta = delta[:len(y)]
	}
	for len(y) > 0 {
		n := min(len(y), rowsPerCall(cols)*cols)
		switch {
		case !vectors():
			n = cols
			crossEntropyRow(s, y[:n], z[:n], a[:n], delta[:min(n, len(delta))], factor)
		case delta == nil:
			crossEntropyVector(&s[0], &y[0], &z[0], &a[0], n/cols, cols)
		default:
			crossEntropyDeltaVector(&s[0], &y[0], &z[0], &a[0], &delta[0], n/cols, cols, factor)
		}
		y, z, a = y[n:], z[n:], a[n:]
		if delta != nil {
			delta = delta[n:]
		}
	}
}

func crossEntropyRow[T Float](s *LossSum, y, z, a, delta []T, factor T) {
	top, lse := greatest(z), -Log(greatest(a))
	var sum [sumLanes]T
	for j, yj := range y {
		sum[j%sumLanes] += yj
		if yj != 0 {
			s[j%sumLanes] += float64(T(yj * (lse - (z[j] - top))))
		}
	}
	total := sumOf(sum)
	for j := range delta {
		delta[j] = FMA(a[j], total, -y[j]) * factor
	}
}

// BinaryCrossEntropy adds max(z, 0) - y·z + log(1 + e^-|z|) to s for every element, where
// a = Sigmoid(z). In this order a small loss keeps its digits. If delta is not nil, it becomes
// (a - y)·factor, which is factor·dL/dz. at is the index of the first element among all that s sums.
func BinaryCrossEntropy[T Float](s *LossSum, at int, y, z, a, delta []T, factor T) {
	z, a = z[:len(y)], a[:len(y)]
	if !vectors() || at%sumLanes != 0 {
		for i, yi := range y {
			s[(at+i)%sumLanes] += float64(FMA(-z[i], yi, max(z[i], 0)) + log1pUnit(Exp(-Abs(z[i]))))
		}
		for i := range delta {
			delta[i] = (a[i] - y[i]) * factor
		}
		return
	}
	for len(y) > 0 {
		n := min(len(y), slowChunk)
		if delta == nil {
			binaryCrossEntropyVector(&s[0], &y[0], &z[0], n)
		} else {
			binaryCrossEntropyDeltaVector(&s[0], &y[0], &z[0], &a[0], &delta[0], n, factor)
			delta = delta[n:]
		}
		y, z, a = y[n:], z[n:], a[n:]
	}
}

// Squares adds (a - y)² to s for every element. If delta is not nil, it becomes (a - y)·factor.
// at is the index of the first element among all that s sums.
func Squares[T Float](s *LossSum, at int, y, a, delta []T, factor T) {
	a = a[:len(y)]
	if !vectors() || at%sumLanes != 0 {
		for i, yi := range y {
			d := float64(T(a[i] - yi))
			s[(at+i)%sumLanes] = FMA(d, d, s[(at+i)%sumLanes])
		}
		for i := range delta {
			delta[i] = (a[i] - y[i]) * factor
		}
		return
	}
	for len(y) > 0 {
		n := min(len(y), chunk)
		if delta == nil {
			squaredVector(&s[0], &y[0], &a[0], n)
		} else {
			squaredDeltaVector(&s[0], &y[0], &a[0], &delta[0], n, factor)
			delta = delta[n:]
		}
		y, a = y[n:], a[n:]
	}
}
