package metrics

import "math"

// calibrationBins is the number of bins of equal width for calibration_error.
const calibrationBins = 15

// Brier is Σ w·(p - y)² / Σ w for the probability p of y = 1, where y is 0 or 1.
func Brier(y, p, w []float64) float64 {
	shape(y, 1, p, 1, w)
	var sum float64
	for i, v := range p {
		d := v - y[i]
		sum += float64(weight(w, i) * float64(d*d))
	}
	return sum / total(w, len(y))
}

// CalibrationError is the expected calibration error, Σ_bins W_b/W · |mean of right - mean
// of p|. The sum is over the 15 bins ((b-1)/15, b/15] of the probability p.
// W_b is the weight of the rows in bin b, and right is 1 or 0. For two classes, p is that
// of the second and right is y. For more classes, p is that of the guess and right says
// whether it was right. The bins are those of Guo et al. 2017; torchmetrics includes the left end instead.
func CalibrationError(right, p, w []float64) float64 {
	shape(right, 1, p, 1, w)
	if hasNaN(p) {
		return math.NaN()
	}
	var gap [calibrationBins]float64
	for i, v := range p {
		b := 0
		for b < calibrationBins-1 && v > float64(b+1)/calibrationBins {
			b++
		}
		gap[b] += float64(weight(w, i) * (right[i] - v))
	}
	var sum float64
	for _, g := range gap {
		sum += math.Abs(g)
	}
	return sum / total(w, len(p))
}
