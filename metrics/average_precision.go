package metrics

import (
	"math"
	"slices"
)

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
	if r.of(p, cols, at) {
		return math.NaN(), true
	}
	rows := *r
	slices.SortFunc(rows, func(a, b ranked) int { // the highest first; equal scores in the order of their rows
		switch {
		case a.p > b.p:
			return -1
		case a.p < b.p:
			return 1
		}
		return a.row - b.row
	})
	var found, all float64
	for i := 0; i < len(rows); {
		before := found
		for p := rows[i].p; i < len(rows) && rows[i].p == p; i++ {
			row := rows[i].row
			all += weight(w, row)
			if y[row] == class {
				found += weight(w, row)
			}
		}
		if found > before {
			ap += float64((found - before) / in * (found / all))
		}
	}
	return ap, true
}
