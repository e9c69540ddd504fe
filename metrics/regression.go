package metrics

import (
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Regression compares predictions yhat with targets y, both rows × outputs:
//
//	rmse = √(Σ w·(y - yhat)² / Σ w)
//	mae  = Σ w·|y - yhat| / Σ w
//	r2   = 1 - Σ w·(y - yhat)² / Σ w·(y - ȳ)²,  ȳ = Σ w·y / Σ w
//
// With several outputs, each metric is the plain mean over the outputs. Their own reports
// are in Outputs. This is scikit-learn's definition, so rmse is not the root of the error
// over all outputs together. The r2 of a constant target is 1 if every prediction is right
// and otherwise 0, as with scikit-learn's force_finite. Whether a target is constant is
// determined from its values; scikit-learn can be misled by the rounding of their mean. A
// single row has no r2. If mape is named, it is also computed:
//
//	mape = Σ w·|y - yhat| / max(|y|, 2^-52) / Σ w, a share and not a percentage
func Regression(y, yhat []float64, outputs int, w []float64, more ...string) (Report, error) {
	rows := shape(y, outputs, yhat, outputs, w)
	if err := checkWeights(w); err != nil {
		return Report{}, err
	}
	var r Report
	n := total(w, rows)
	if !(n > 0) {
		return r, nil
	}
	if outputs == 1 {
		return regression(y, yhat, w, n, more), nil
	}
	for j := range outputs {
		r.Outputs = append(r.Outputs, regression(column(y, outputs, j), column(yhat, outputs, j), w, n, more))
	}
	for _, name := range []string{"rmse", "mae", "mape", "r2"} {
		r.average(name, name, r.Outputs)
	}
	return r, nil
}

// regression is Regression for one output, for rows with a total weight n > 0.
func regression(y, yhat, w []float64, n float64, more []string) Report {
	var r Report
	var squares, absolute, relative float64
	for i, v := range y {
		e := v - yhat[i]
		squares += float64(weight(w, i) * float64(e*e))
		absolute += float64(weight(w, i) * math.Abs(e))
		relative += float64(weight(w, i) * (math.Abs(e) / max(math.Abs(v), epsilon)))
	}
	r.Set("rmse", kernel.Sqrt(squares/n))
	r.Set("mae", absolute/n)
	if wants(more, "mape") {
		r.Set("mape", relative/n)
	}
	if len(y) > 1 {
		r.Set("r2", r2(squares, spread(y, w, n)))
	}
	return r
}

// r2 returns 1 - squares/spread with the convention for a constant target.
func r2(squares, spread float64) float64 {
	switch {
	case spread != 0 || squares != squares:
		return 1 - squares/spread
	case squares == 0:
		return 1
	}
	return 0
}

// spread returns Σ w·(y - ȳ)², exactly 0 if all y that have weight are equal. The mean is
// computed from the distances to the first of them, so that an offset costs no digits.
func spread(y, w []float64, n float64) float64 {
	first := 0
	for weight(w, first) == 0 {
		first++
	}
	var mean float64
	for i := first; i < len(y); i++ {
		mean += float64(weight(w, i) * (y[i] - y[first]))
	}
	mean /= n
	var sum float64
	for i := first; i < len(y); i++ {
		d := y[i] - y[first] - mean
		sum += float64(weight(w, i) * float64(d*d))
	}
	return sum
}
