package metrics

// Multiclass compares probabilities p, rows × classes, with the class indices y:
//
//	accuracy          = weight of the rows guessed right / Σ w
//	balanced_accuracy = mean of the recalls of the classes that occur
//	auc               = mean of each class's AUC against all others
//	log_loss          = -Σ w·log(p of the row's class) / Σ w, p kept within [2^-52, 1-2^-52]
//
// The guess is the class with the highest p, the first of equals. The auc is the mean over the
// classes that occur, unless only one does; scikit-learn's roc_auc_score (multi_class="ovr")
// fails if any class is missing. The rows of p are used as they are, without dividing by their
// sums. More metrics are added if they are named. average_precision is a mean like auc. brier
// is Σ w·Σ_k (p_k - [k = y])² / Σ w, from 0 to 2.
func Multiclass(y, p []float64, classes int, w []float64, more ...string) (Report, error) {
	rows := shape(y, 1, p, classes, w)
	if err := checkWeights(w); err != nil {
		return Report{}, err
	}
	if err := checkClasses(y, 1, classes); err != nil {
		return Report{}, err
	}
	var r Report
	var sorted ranking
	n := total(w, rows)
	if !(n > 0) {
		return r, nil
	}
	if hasNaN(p) {
		r.setNaN("accuracy", "balanced_accuracy", "log_loss")
		r.setNaN(more...)
	} else {
		confusion := square(classes)
		var loss float64
		for i, v := range y {
			row := p[i*classes : (i+1)*classes]
			confusion[int(v)][argmax(row)] += weight(w, i)
			loss += float64(weight(w, i) * logLoss(row[int(v)]))
		}
		r.setConfusion(confusion)
		r.Set("log_loss", loss/n)
		r.setF1(confusion, more)
		r.setByClass(confusion, more)
		if wants(more, "brier") {
			r.Set("brier", brierOf(y, p, classes, w)/n)
		}
		if wants(more, "calibration_error") {
			right, confidence := make([]float64, rows), make([]float64, rows)
			for i := range y {
				row := p[i*classes : (i+1)*classes]
				guess := argmax(row)
				confidence[i] = row[guess]
				if guess == int(y[i]) {
					right[i] = 1
				}
			}
			r.Set("calibration_error", CalibrationError(right, confidence, w))
		}
		if wants(more, "average_precision") {
			var sum, defined float64
			for c := range classes {
				if ap, ok := sorted.averagePrecision(y, float64(c), p, classes, c, w); ok {
					sum += ap
					defined++
				}
			}
			r.Set("average_precision", sum/defined)
		}
	}
	var sum, defined float64
	for c := range classes {
		if auc, ok := sorted.auc(y, float64(c), p, classes, c, w); ok {
			sum += auc
			defined++
		}
	}
	if defined > 0 {
		r.Set("auc", sum/defined)
	}
	return r, nil
}

// brierOf returns Σ w·Σ_k (p_k - [k = y])².
func brierOf(y, p []float64, classes int, w []float64) float64 {
	var sum float64
	for i := range y {
		var row float64
		for k, v := range p[i*classes : (i+1)*classes] {
			if k == int(y[i]) {
				v--
			}
			row += float64(v * v)
		}
		sum += float64(weight(w, i) * row)
	}
	return sum
}

// ClassIndices turns one-hot targets, rows × classes, into the class indices that
// Multiclass takes. The class is the place of the highest value, the first of equals.
func ClassIndices(oneHot []float64, classes int) []float64 {
	if classes < 1 || len(oneHot)%classes != 0 {
		panic("metrics: ClassIndices: the targets are not whole rows")
	}
	y := make([]float64, len(oneHot)/classes)
	for i := range y {
		y[i] = float64(argmax(oneHot[i*classes : (i+1)*classes]))
	}
	return y
}

// argmax returns the index of the highest value, the first of equals.
func argmax(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
