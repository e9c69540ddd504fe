package kernel

// Normalization of rows. hat is first s = x·W + b and then the normalized s. The backward
// passes take g = dL/dz, where z is the input of the activation. A standard deviation is always
// in the form rstd, 1/√(variance + epsilon).

// BatchNorm is hat[i] = (hat[i] - mean[i])·rstd[i]; z[i] = FMA(hat[i], gamma[i], beta[i]).
func BatchNorm[T Float](z, hat, mean, rstd, gamma, beta []T) {
	hat, mean, rstd, gamma, beta = hat[:len(z)], mean[:len(z)], rstd[:len(z)], gamma[:len(z)], beta[:len(z)]
	if !vectors() {
		for i, s := range hat {
			hat[i] = (s - mean[i]) * rstd[i]
			z[i] = FMA(hat[i], gamma[i], beta[i])
		}
		return
	}
	for len(z) > 0 {
		n := min(len(z), chunk)
		batchNormVector(&z[0], &hat[0], &mean[0], &rstd[0], &gamma[0], &beta[0], n)
		z, hat, mean, rstd, gamma, beta = z[n:], hat[n:], mean[n:], rstd[n:], gamma[n:], beta[n:]
	}
}

// BatchNormBack is g[i] = k[i]·FMA(-hat[i], c[i], g[i] - a[i]).
func BatchNormBack[T Float](g, hat, k, a, c []T) {
	hat, k, a, c = hat[:len(g)], k[:len(g)], a[:len(g)], c[:len(g)]
	if !vectors() {
		for i, gi := range g {
			g[i] = k[i] * FMA(-hat[i], c[i], gi-a[i])
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		batchNormBackVector(&g[0], &hat[0], &k[0], &a[0], &c[0], n)
		g, hat, k, a, c = g[n:], hat[n:], k[n:], a[n:], c[n:]
	}
}

// AddSquares is d := x[i] - mean[i]; sum[i] = FMA(d, d, sum[i]).
func AddSquares[T Float](sum, x, mean []T) {
	x, mean = x[:len(sum)], mean[:len(sum)]
	if !vectors() {
		for i, xi := range x {
			d := xi - mean[i]
			sum[i] = FMA(d, d, sum[i])
		}
		return
	}
	for len(sum) > 0 {
		n := min(len(sum), chunk)
		addSquaresVector(&sum[0], &x[0], &mean[0], n)
		sum, x, mean = sum[n:], x[n:], mean[n:]
	}
}

// AddProducts is sum[i] = FMA(x[i], y[i], sum[i]).
func AddProducts[T Float](sum, x, y []T) {
	x, y = x[:len(sum)], y[:len(sum)]
	if !vectors() {
		for i, xi := range x {
			sum[i] = FMA(xi, y[i], sum[i])
		}
		return
	}
	for len(sum) > 0 {
		n := min(len(sum), chunk)
		addProductsVector(&sum[0], &x[0], &y[0], n)
		sum, x, y = sum[n:], x[n:], y[n:]
	}
}

// LayerNorm is BatchNorm with the mean and the variance of hat itself, each a sum in 16 lanes
// divided by the length. It returns rstd.
func LayerNorm[T Float](z, hat, gamma, beta []T, epsilon T) (rstd T) {
	hat, gamma, beta = hat[:len(z)], gamma[:len(z)], beta[:len(z)]
	n := T(len(z))
	mean := laneSum(hat) / n
	if !vectors() {
		for i := range hat {
			hat[i] -= mean
			z[i] = hat[i] * hat[i]
		}
	} else {
		for x, square := hat, z; len(x) > 0; {
			n := min(len(x), chunk)
			centerVector(&square[0], &x[0], n, mean)
			x, square = x[n:], square[n:]
		}
	}
	rstd = 1 / Sqrt(laneSum(z)/n+epsilon)
	if !vectors() {
		for i := range hat {
			hat[i] *= rstd
			z[i] = FMA(hat[i], gamma[i], beta[i])
		}
		return rstd
	}
	for len(z) > 0 {
		n := min(len(z), chunk)
		layerNormVector(&z[0], &hat[0], &gamma[0], &beta[0], n, rstd)
		z, hat, gamma, beta = z[n:], hat[n:], gamma[n:], beta[n:]
	}
	return rstd
}

// LayerNormBack turns g = dL/dz of a row into dL/ds. With n elements,
//
//	g[i] *= gamma[i]
//	g[i] = rstd·FMA(-hat[i], Σg·hat/n, g[i] - Σg/n)
//
// where the sums are of 16 lanes. product is overwritten.
func LayerNormBack[T Float](g, hat, gamma, product []T, rstd T) {
	hat, gamma, product = hat[:len(g)], gamma[:len(g)], product[:len(g)]
	if !vectors() {
		for i := range g {
			g[i] *= gamma[i]
			product[i] = g[i] * hat[i]
		}
	} else {
		for p, g, hat, gamma := product, g, hat, gamma; len(p) > 0; {
			n := min(len(p), chunk)
			productsVector(&p[0], &g[0], &hat[0], &gamma[0], n)
			p, g, hat, gamma = p[n:], g[n:], hat[n:], gamma[n:]
		}
	}
	a, c := laneSum(g)/T(len(g)), laneSum(product)/T(len(g))
	if !vectors() {
		for i, gi := range g {
			g[i] = rstd * FMA(-hat[i], c, gi-a)
		}
		return
	}
	for len(g) > 0 {
		n := min(len(g), chunk)
		layerNormBackVector(&g[0], &hat[0], n, rstd, a, c)
		g, hat = g[n:], hat[n:]
	}
}

// laneSum returns the sum of x in 16 lanes and a tree, as in LossSum.
func laneSum[T Float](x []T) T {
	var lanes [sumLanes]T
	whole := len(x) / sumLanes
	ColumnSums(lanes[:], x, whole, sumLanes)
	for l, v := range x[whole*sumLanes:] {
		lanes[l] += v
	}
	return sumOf(lanes)
}

// Drop sets dst[i] to src[i]·s where keep[i] > 0, else to 0. dst may be src.
func Drop[T Float](dst, src, keep []T, s T) {
	src, keep = src[:len(dst)], keep[:len(dst)]
	if !vectors() {
		for i, k := range keep {
			if k > 0 {
				dst[i] = src[i] * s
			} else {
				dst[i] = 0
			}
		}
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		dropVector(&dst[0], &src[0], &keep[0], n, s)
		dst, src, keep = dst[n:], src[n:], keep[n:]
	}
}
