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
// single row has no r2. These are also computed if they are named:
//
//	mape             = Σ w·|y - yhat| / max(|y|, 2^-52) / Σ w, a share and not a percentage
//	pinball:Q        = Σ w·max(Q·(y - yhat), (Q - 1)·(y - yhat)) / Σ w, 0 < Q < 1, by default 0.5
//	poisson_deviance = 2·Σ w·(y·log(y/yhat) - y + yhat) / Σ w
//	gamma_deviance   = 2·Σ w·(log(yhat/y) + y/yhat - 1) / Σ w
//	tweedie_deviance:P, 1 < P < 2, by default 1.5
//	                 = 2·Σ w·(y^(2-P)/((1-P)(2-P)) - y·yhat^(1-P)/(1-P) + yhat^(2-P)/(2-P)) / Σ w
//
// The deviances are scikit-learn's. They take predictions above 0, and targets of at least 0 (gamma: above 0). Where one is not,
// the score is absent.
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
	for _, name := range append([]string{"rmse", "mae", "r2"}, more...) {
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
	for _, name := range more {
		var of func(y, yhat float64) float64 // NaN for predictions that have none, and for NaN
		switch find(name).name {
		case "pinball":
			q := parameter(name)
			of = func(y, yhat float64) float64 { return max(q*(y-yhat), (q-1)*(y-yhat)) }
		case "poisson_deviance":
			of = deviance(1)
		case "gamma_deviance":
			of = deviance(2)
		case "tweedie_deviance":
			of = deviance(parameter(name))
		default:
			continue
		}
		sum := 0.0
		for i, v := range y {
			sum += float64(weight(w, i) * of(v, yhat[i]))
		}
		if sum == sum || hasNaN(yhat) {
			r.Set(name, sum/n)
		}
	}
	if len(y) > 1 {
		r.Set("r2", r2(squares, spread(y, w, n)))
	}
	return r
}

// deviance returns the deviance of a power, 1 <= p <= 2, for one row. It is NaN where there is none.
func deviance(p float64) func(y, yhat float64) float64 {
	return func(y, yhat float64) float64 {
		if !(yhat > 0) || y < 0 || p == 2 && y == 0 {
			return math.NaN()
		}
		l, own := kernel.Log(yhat), 0.0 // own is the term of y alone
		switch p {
		case 1:
			if y > 0 {
				own = y * (kernel.Log(y) - l)
			}
			return 2 * (own - y + yhat)
		case 2:
			return 2 * (l - kernel.Log(y) + y/yhat - 1)
		}
		if y > 0 {
			own = kernel.Exp((2-p)*kernel.Log(y)) / ((1 - p) * (2 - p))
		}
		return 2 * (own - float64(y*kernel.Exp((1-p)*l))/(1-p) + kernel.Exp((2-p)*l)/(2-p))
	}
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
