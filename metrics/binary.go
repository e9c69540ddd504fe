package metrics

import (
	"math"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// epsilon is how far log_loss keeps a probability from 0 and 1. It is float64's machine
// epsilon, as in scikit-learn for float64, so one row costs at most 36.04. (For float32
// predictions scikit-learn uses float32's epsilon, and a row costs at most 15.94. Here it
// does not depend on the precision.)
const epsilon = 0x1p-52

// Binary compares the probability p of the second class with the classes y, 0 or 1:
//
//	accuracy          = weight of the rows guessed right / Σ w; the guess is 1 if p > 0.5
//	balanced_accuracy = mean of the recalls of the classes that occur
//	auc               = AUC(y, p, w); left out if only one class occurs
//	log_loss          = -Σ w·log(p of the row's class) / Σ w, p kept within [2^-52, 1-2^-52]
//
// A p of exactly 0.5 goes to class 0, just as Multiclass takes the first of equals. More
// metrics are added if they are named (Kind.Names).
func Binary(y, p, w []float64, more ...string) (Report, error) {
	return BinaryAt(0.5, y, p, w, more...)
}

// BinaryAt is Binary with a given threshold: the guess is 1 if p > threshold.
func BinaryAt(threshold float64, y, p, w []float64, more ...string) (Report, error) {
	rows := shape(y, 1, p, 1, w)
	if err := checkWeights(w); err != nil {
		return Report{}, err
	}
	if err := checkClasses(y, 1, 2); err != nil {
		return Report{}, err
	}
	n := total(w, rows)
	if !(n > 0) {
		return Report{}, nil
	}
	return binary(threshold, y, p, w, n, more), nil
}

// binary is BinaryAt for rows with a total weight n > 0.
func binary(threshold float64, y, p, w []float64, n float64, more []string) Report {
	var r Report
	var sorted ranking
	if hasNaN(p) {
		r.setNaN("accuracy", "balanced_accuracy", "log_loss")
		r.setNaN(more...)
	} else {
		confusion := square(2)
		var loss float64
		for i, v := range p {
			guess := 0
			if v > threshold {
				guess = 1
			}
			confusion[int(y[i])][guess] += weight(w, i)
			if y[i] == 0 {
				v = 1 - v
			}
			loss += float64(weight(w, i) * logLoss(v))
		}
		r.setConfusion(confusion)
		r.Set("log_loss", loss/n)
		r.setF1(confusion, more)
		r.setByClass(confusion, more)
		if wants(more, "brier") {
			r.Set("brier", Brier(y, p, w))
		}
		if wants(more, "calibration_error") {
			r.Set("calibration_error", CalibrationError(y, p, w))
		}
		if wants(more, "average_precision") {
			if ap, ok := sorted.averagePrecision(y, 1, p, 1, 0, w); ok {
				r.Set("average_precision", ap)
			}
		}
	}
	if auc, ok := sorted.auc(y, 1, p, 1, 0, w); ok {
		r.Set("auc", auc)
	}
	return r
}

// logLoss returns the log loss of a row whose own class had probability p.
func logLoss(p float64) float64 { return -kernel.Log(min(max(p, epsilon), 1-epsilon)) }

// setConfusion sets the confusion matrix and the scores that depend only on it.
func (r *Report) setConfusion(confusion [][]float64) {
	var right, all, recalls, present float64
	for class, row := range confusion {
		var n float64
		for _, v := range row {
			n += v
		}
		if n > 0 {
			recalls += row[class] / n
			present++
		}
		right += row[class]
		all += n
	}
	r.Confusion = confusion
	r.Set("accuracy", right/all)
	r.Set("balanced_accuracy", recalls/present)
}

func (r *Report) setNaN(names ...string) {
	for _, name := range names {
		r.Set(name, math.NaN())
	}
}

// square returns a k × k matrix of zeros.
func square(k int) [][]float64 {
	flat, rows := make([]float64, k*k), make([][]float64, k)
	for i := range rows {
		rows[i] = flat[i*k : (i+1)*k : (i+1)*k]
	}
	return rows
}
