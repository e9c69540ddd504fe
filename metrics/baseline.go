package metrics

// The baselines score a guess that is the same for every row. A network that is no better
// has learned nothing from its inputs. The guess is an argument, since it must come from
// the training rows and not from those it is scored on.

// MeanBaseline scores a guess that is always the training mean of each output. The
// targets y are rows × len(mean).
func MeanBaseline(y, mean, w []float64, more ...string) (Scores, error) {
	r, err := Regression(y, repeat(mean, y, len(mean)), len(mean), w, more...)
	return r.Scores, err
}

// MajorityBaseline scores a guess that is always the most frequent training class (the
// first of equals), on class indices y. share holds each class's share of the training
// rows. These shares are the guessed probabilities and so determine log_loss. Its
// balanced_accuracy is one over the number of classes that occur, or 0, and its auc is
// one half. For a binary target share has two entries, and the scores are those of Binary.
func MajorityBaseline(y, share, w []float64, more ...string) (Scores, error) {
	if len(share) == 2 {
		r, err := Binary(y, repeat(share[1:], y, 1), w, more...)
		return r.Scores, err
	}
	r, err := Multiclass(y, repeat(share, y, 1), len(share), w, more...)
	return r.Scores, err
}

// LabelBaseline is MajorityBaseline for labels y, rows × len(share). share holds each
// label's share of ones among the training rows. A label with a share of more than half is guessed.
func LabelBaseline(y, share, w []float64, more ...string) (Scores, error) {
	r, err := Multilabel(y, repeat(share, y, len(share)), len(share), w, more...)
	return r.Scores, err
}

// repeat returns one guess for each row of y.
func repeat(guess, y []float64, cols int) []float64 {
	if cols < 1 || len(guess) < 1 {
		panic("metrics: a baseline needs a guess for each output")
	}
	out := make([]float64, 0, len(y)/cols*len(guess))
	for range len(y) / cols {
		out = append(out, guess...)
	}
	return out
}
