package metrics

// Multilabel compares probabilities p with labels y, 0 or 1, both rows × labels. A label is
// guessed where p > 0.5.
//
//	accuracy       = weight of the rows with every label right / Σ w, as in scikit-learn
//	label_accuracy = mean of the labels' accuracies: 1 - Hamming loss
//	auc            = mean of the labels' AUCs, over those that have both values
//	log_loss       = mean of the labels' log losses
//
// Outputs holds each label's own report, that of Binary. scikit-learn has no macro AUC
// where a label has one value only, and no multi-label log loss; Keras and PyTorch average
// the binary cross-entropy over the labels too.
func Multilabel(y, p []float64, labels int, w []float64) (Report, error) {
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
	for j := range labels {
		r.Outputs = append(r.Outputs, binary(column(y, labels, j), column(p, labels, j), w, n))
	}
	r.average("label_accuracy", "accuracy", r.Outputs)
	r.average("auc", "auc", r.Outputs)
	r.average("log_loss", "log_loss", r.Outputs)
	if hasNaN(p) {
		r.setNaN("accuracy")
		return r, nil
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
