package metrics

import (
	"slices"
	"strings"
)

// Multilabel compares probabilities p with labels y, 0 or 1, both rows × labels. A label is
// guessed if p > 0.5.
//
//	accuracy       = weight of the rows with every label right / Σ w, as in scikit-learn
//	label_accuracy = mean of the labels' accuracies: 1 - Hamming loss
//	auc            = mean of the labels' AUCs, over those that have both values
//	log_loss       = mean of the labels' log losses
//
// Outputs holds each label's own report, that of Binary. scikit-learn has no macro AUC
// if a label has only one value, and no multi-label log loss; Keras and PyTorch also average
// the binary cross-entropy over the labels. More metrics are added if they are named. Each is
// the mean over the labels (f1_macro of their f1, and likewise precision and recall), except
// f1_micro, which is computed from the counts summed over the labels.
func Multilabel(y, p []float64, labels int, w []float64, more ...string) (Report, error) {
	rows := shape(y, labels, p, labels, w)
	if err := checkWeights(w); err != nil {
		return Report{}, err
	}
	if err := checkClasses(y, labels, 2); err != nil {
		return Report{}, err
	}
	var r Report
	n := total(w, rows)
	if !(n > 0) {
		return r, nil
	}
	macro := []string{"precision", "recall", "f1"} // the mean over the labels
	own := slices.DeleteFunc(slices.Clone(more), func(name string) bool {
		return strings.HasSuffix(name, "_macro") || strings.HasSuffix(name, "_micro")
	})
	for _, name := range macro {
		if wants(more, name+"_macro") {
			own = append(own, name)
		}
	}
	for j := range labels {
		r.Outputs = append(r.Outputs, binary(0.5, column(y, labels, j), column(p, labels, j), w, n, own))
	}
	for _, name := range []string{"average_precision", "brier", "calibration_error"} {
		r.average(name, name, r.Outputs)
	}
	for _, name := range macro {
		r.average(name+"_macro", name, r.Outputs)
	}
	r.average("label_accuracy", "accuracy", r.Outputs)
	r.average("auc", "auc", r.Outputs)
	r.average("log_loss", "log_loss", r.Outputs)
	if hasNaN(p) {
		r.setNaN("accuracy")
		if wants(more, "f1_micro") {
			r.setNaN("f1_micro")
		}
		return r, nil
	}
	if wants(more, "f1_micro") {
		var right, wrong float64
		for _, o := range r.Outputs {
			right += o.Confusion[1][1]
			wrong += o.Confusion[0][1] + o.Confusion[1][0]
		}
		if right+wrong > 0 {
			r.Set("f1_micro", 2*right/(2*right+wrong))
		} else {
			r.Set("f1_micro", 0)
		}
	}
	var right float64
	for i := range rows {
		all := true
		for j := i * labels; j < (i+1)*labels; j++ {
			all = all && (p[j] > 0.5) == (y[j] == 1)
		}
		if all {
			right += weight(w, i)
		}
	}
	r.Set("accuracy", right/n)
	return r, nil
}
