package metrics

import "math"

// AUC is the area under the ROC curve. It is the probability that a row of the class (y
// = 1) has a higher score p than a row outside it (any other y). A tie counts one half.
//
//	auc = Σ_{i in, j out} w_i·w_j·([p_i > p_j] + [p_i = p_j]/2) / (Σ_in w · Σ_out w)
//
// It is computed in one pass over the sorted rows, and is exact while the products of the
// counts stay below 2⁵³. If either side has no weight, it is not defined and the second
// result is false. Only the order of the scores matters; infinite scores are allowed.
func AUC(y, p, w []float64) (auc float64, ok bool) {
	shape(y, 1, p, 1, w)
	return new(ranking).auc(y, 1, p, 1, 0, w)
}

// auc is AUC for the rows of the given class against all others, by column at of p, rows × cols.
func (r *ranking) auc(y []float64, class float64, p []float64, cols, at int, w []float64) (auc float64, ok bool) {
	var in, out float64
	for i, v := range y {
		if v == class {
			in += weight(w, i)
		} else {
			out += weight(w, i)
		}
	}
	if !(in > 0 && out > 0) {
		return 0, false
	}
	rows, nan := r.of(p, cols, at)
	if nan {
		return math.NaN(), true
	}
	score := func(i int) float64 { return p[int(rows[i])*cols+at] }
	var sum, below float64 // the wins so far; the weight outside the class below this score
	for i := 0; i < len(rows); {
		var tieIn, tieOut float64
		for p := score(i); i < len(rows) && score(i) == p; i++ {
			if row := int(rows[i]); y[row] == class {
				tieIn += weight(w, row)
			} else {
				tieOut += weight(w, row)
			}
		}
		sum += float64(tieIn * (below + float64(tieOut/2)))
		below += tieOut
	}
	return sum / float64(in*out), true
}
