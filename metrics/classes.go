package metrics

// ClassScore says how well one class is distinguished from the others. Precision is nil for a
// class that is never guessed, Recall for a class that no row has, and F1 for a class that is neither.
type ClassScore struct {
	Class     string   `json:"class"` // its name, set by the caller
	Rows      float64  `json:"rows"`  // the number or the weight of the rows that have the class
	Guessed   float64  `json:"guessed"`
	Precision *float64 `json:"precision"` // the share of the rows guessed to be of the class that are
	Recall    *float64 `json:"recall"`    // the share of the rows of the class that are guessed to be
	F1        *float64 `json:"f1"`        // the harmonic mean of both
}

// ByClass scores every class of a confusion matrix.
func ByClass(confusion [][]float64) []ClassScore {
	out := make([]ClassScore, len(confusion))
	share := func(part, of float64) *float64 {
		if !(of > 0) {
			return nil
		}
		part /= of
		return &part
	}
	for c := range confusion {
		s := &out[c]
		for k := range confusion {
			s.Rows += confusion[c][k]
			s.Guessed += confusion[k][c]
		}
		right := confusion[c][c]
		s.Precision, s.Recall, s.F1 = share(right, s.Guessed), share(right, s.Rows), share(2*right, s.Rows+s.Guessed)
	}
	return out
}

// setByClass sets those of precision, recall and their macro forms that were requested, from a
// confusion matrix:
//
//	precision       = tp / (tp + fp) of the second class of two, 0 where it is never guessed
//	recall          = tp / (tp + fn) of the second class of two, 0 where no row has it
//	precision_macro = mean over the classes that occur or are guessed, 0 for those never guessed
//	recall_macro    = the same of the recalls, 0 for those that do not occur
func (r *Report) setByClass(confusion [][]float64, more []string) {
	or0 := func(x *float64) float64 {
		if x == nil {
			return 0
		}
		return *x
	}
	var precision, recall, classes float64
	all := ByClass(confusion)
	for _, c := range all {
		if c.F1 != nil {
			precision += or0(c.Precision)
			recall += or0(c.Recall)
			classes++
		}
	}
	if len(all) == 2 && wants(more, "precision") {
		r.Set("precision", or0(all[1].Precision))
	}
	if len(all) == 2 && wants(more, "recall") {
		r.Set("recall", or0(all[1].Recall))
	}
	if wants(more, "precision_macro") {
		r.Set("precision_macro", precision/classes)
	}
	if wants(more, "recall_macro") {
		r.Set("recall_macro", recall/classes)
	}
}
