package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ThresholdNames lists the metrics that BestThreshold can optimize.
func ThresholdNames() []string {
	return []string{"accuracy", "balanced_accuracy", "f1", "f1_macro"}
}

// BestThreshold returns the threshold for which the guess p > threshold gives the best value
// of a metric, for targets y of 0 and 1. The thresholds tried are 0.5, the midpoint between
// every two neighboring p, half the smallest p, and the midpoint between the largest p and 1.
// Among equally good ones it takes the nearest to 0.5, then the lower. Without rows, or
// without weight, it returns 0.5.
func BestThreshold(name string, y, p, w []float64) (float64, error) {
	rows := shape(y, 1, p, 1, w)
	if err := checkWeights(w); err != nil {
		return 0.5, err
	}
	if err := checkClasses(y, 1, 2); err != nil {
		return 0.5, err
	}
	if !slices.Contains(ThresholdNames(), name) {
		return 0.5, fmt.Errorf("no threshold is chosen by %q; choose from %s", name, strings.Join(ThresholdNames(), ", "))
	}
	if hasNaN(p) || !(total(w, rows) > 0) {
		return 0.5, nil
	}
	order, _ := new(ranking).of(p, 1, 0)
	// At first every guess is 1; then row after row changes to 0.
	confusion := square(2)
	for i, v := range y {
		confusion[int(v)][1] += weight(w, i)
	}
	best, value := 0.5, math.Inf(-1)
	try := func(threshold float64) {
		var r Report
		r.setConfusion(confusion)
		r.setF1(confusion, []string{name})
		v, _ := r.Get(name)
		if v > value || v == value && math.Abs(threshold-0.5) < math.Abs(best-0.5) {
			best, value = threshold, v
		}
	}
	below, half := 0.0, false
	for i := 0; i <= rows; {
		above := 1.0
		if i < rows {
			above = p[order[i]]
		}
		if above > below {
			try(below + (above-below)/2)
			if !half && below <= 0.5 && above > 0.5 {
				half = true
				try(0.5)
			}
		}
		if i == rows {
			break
		}
		for ; i < rows && p[order[i]] == above; i++ {
			row := int(order[i])
			c := confusion[int(y[row])]
			c[1] = max(0, c[1]-weight(w, row))
			c[0] += weight(w, row)
		}
		below = above
	}
	return best, nil
}
