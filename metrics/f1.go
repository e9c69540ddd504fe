package metrics

// setF1 sets those of f1, f1_macro and f1_micro that were requested, from a confusion matrix:
//
//	f1 of a class = 2·tp / (2·tp + fp + fn), 0 where the class was never right
//	f1            = that of the second class of two
//	f1_macro      = mean over the classes that occur or are guessed
//	f1_micro      = the same of tp, fp and fn summed over the classes: the accuracy
func (r *Report) setF1(confusion [][]float64, more []string) {
	if !wants(more, "f1") && !wants(more, "f1_macro") && !wants(more, "f1_micro") {
		return
	}
	var right, all, sum, classes, second float64
	for c := range confusion {
		var of, guessed float64 // rows of the class, rows guessed to be of it
		for k := range confusion {
			of += confusion[c][k]
			guessed += confusion[k][c]
		}
		right += confusion[c][c]
		all += of
		if of+guessed > 0 {
			second = 2 * confusion[c][c] / (of + guessed)
			sum += second
			classes++
		} else {
			second = 0
		}
	}
	if wants(more, "f1") && len(confusion) == 2 {
		r.Set("f1", second)
	}
	if wants(more, "f1_macro") {
		r.Set("f1_macro", sum/classes)
	}
	if wants(more, "f1_micro") {
		r.Set("f1_micro", right/all)
	}
}
