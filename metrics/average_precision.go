package metrics

import "math"

// AveragePrecision is Σ_n (R_n - R_{n-1})·P_n over the thresholds from the highest score
// down. P_n and R_n are the precision and the recall of the class (y = 1) among the rows
// with at least that score. It is not interpolated, as in scikit-learn's
// average_precision_score. Equal scores are one threshold. If no row of the class has
// weight, it is not defined and the second result is false.
func AveragePrecision(y, p, w []float64) (ap float64, ok bool) {
	shape(y, 1, p, 1, w)
	return new(ranking).averagePrecision(y, 1, p, 1, 0, w)
}

// averagePrecision is AveragePrecision for the rows of the given class, by column at of p, rows × cols.
func (r *ranking) averagePrecision(y []float64, class float64, p []float64, cols, at int, w []float64) (ap float64, ok bool) {
	var in float64
	for i, v := range y {
		if v == class {
			in += weight(w, i)
		}
	}
	if !(in > 0) {
		return 0, false
	}
	rows, nan := r.of(p, cols, at)
	if nan {
		return math.NaN(), true
	}
	score := func(i int) float64 { return p[int(rows[i])*cols+at] }
	var found, all float64
	for end := len(rows); end > 0; { // the highest first; equal scores in the order of their rows
		from := end - 1
		for from > 0 && score(from-1) == score(end-1) {
			from--
		}
		before := found
		for _, row := range rows[from:end] {
			w := weight(w, int(row))
			all += w
			if y[row] == class {
				found += w
			}
		}
		if found > before {
			ap += float64((found - before) / in * (found / all))
		}
		end = from
	}
	return ap, true
}
