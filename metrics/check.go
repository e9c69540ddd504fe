package metrics

import (
	"fmt"
	"math"
	"slices"
)

// shape returns the number of rows of a table of targets and one of predictions. It
// panics if the lengths do not match.
func shape(y []float64, yCols int, p []float64, pCols int, w []float64) int {
	if yCols < 1 || pCols < 1 || len(y)%yCols != 0 || len(y)/yCols*pCols != len(p) || len(p)%pCols != 0 {
		panic(fmt.Sprintf("metrics: %d targets in rows of %d do not fit %d predictions in rows of %d", len(y), yCols, len(p), pCols))
	}
	rows := len(y) / yCols
	if w != nil && len(w) != rows {
		panic(fmt.Sprintf("metrics: %d weights do not fit %d rows", len(w), rows))
	}
	return rows
}

// checkWeights reports a weight that is negative or not finite. Rows count from 0.
func checkWeights(w []float64) error {
	for i, v := range w {
		if !(v >= 0 && v <= math.MaxFloat64) {
			return fmt.Errorf("row %d: the weight is %v; it must be finite and at least 0", i, v)
		}
	}
	return nil
}

// checkClasses reports a target that is not the index of one of k classes.
func checkClasses(y []float64, cols, k int) error {
	for i, v := range y {
		if !(v >= 0 && v < float64(k)) || v != float64(int(v)) {
			return fmt.Errorf("row %d: the target is %v; it must be the index of a class, 0 to %d", i/cols, v, k-1)
		}
	}
	return nil
}

// weight returns a row's weight: 1 without weights.
func weight(w []float64, row int) float64 {
	if w == nil {
		return 1
	}
	return w[row]
}

// total returns the weight of all rows.
func total(w []float64, rows int) float64 {
	if w == nil {
		return float64(rows)
	}
	var sum float64
	for _, v := range w {
		sum += v
	}
	return sum
}

func hasNaN(x []float64) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// column copies column j of a table.
func column(x []float64, cols, j int) []float64 {
	out := make([]float64, len(x)/cols)
	for i := range out {
		out[i] = x[i*cols+j]
	}
	return out
}

// wants reports whether an optional metric was requested.
func wants(more []string, name string) bool { return slices.Contains(more, name) }
