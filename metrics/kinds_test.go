package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestParseNames(t *testing.T) {
	got, err := OfTwo.ParseNames([]string{"balanced-accuracy", "auc", "auc"})
	if err != nil || !slices.Equal(got, []string{"balanced_accuracy", "auc"}) {
		t.Errorf("got %q, %v, want %q and no error", got, err, []string{"balanced_accuracy", "auc"})
	}
	for name, want := range map[string]string{
		"pinball:0.9": "", "tweedie-deviance:1.2": "", "rmse:2": "the metric rmse takes no parameter", "pinball:1": "between 0 and 1", "pinball:x": "between 0 and 1",
	} {
		if _, err := OfNumbers.ParseNames([]string{name}); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("ParseNames of %s says %v, want %q", name, err, want)
		}
	}
	const want = `there is no metric "rmse" for this task; choose from loss, accuracy, balanced_accuracy, precision, precision_macro, recall, recall_macro, f1, f1_macro, f1_micro, auc, average_precision, log_loss, brier, calibration_error`
	if _, err := OfTwo.ParseNames([]string{"rmse"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// Every metric has a place in reports.
	for _, k := range []Kind{OfNumbers, OfTwo, OfClasses, OfLabels} {
		at := -1
		for _, name := range k.Names() {
			if place(name) >= len(table) || place(name) <= at {
				t.Errorf("%s of kind %d has place %d, want a place in reports after %d", name, k, place(name), at)
			}
			at = place(name)
		}
	}
}

// A report has all metrics that are named. If a prediction is NaN, all of them
// are NaN.
func TestMoreMetrics(t *testing.T) {
	m := must(t)
	y, p := []float64{0, 1, 1}, []float64{0.25, 0.75, 0.5}
	bad := []float64{0.25, 0.75, math.NaN()}
	for _, c := range []struct {
		kind   Kind
		report func(p []float64, more ...string) Report
	}{
		{OfNumbers, func(p []float64, more ...string) Report {
			return m(Regression([]float64{0.5, 1, 2}, p, 1, nil, more...))
		}},
		{OfTwo, func(p []float64, more ...string) Report { return m(Binary(y, p, nil, more...)) }},
		{OfLabels, func(p []float64, more ...string) Report { return m(Multilabel(y, p, 1, nil, more...)) }},
		{OfClasses, func(p []float64, more ...string) Report {
			both := make([]float64, 0, 2*len(p))
			for _, v := range p {
				both = append(both, 1-v, v)
			}
			return m(Multiclass(y, both, 2, nil, more...))
		}},
	} {
		names := c.kind.Names()[1:] // the trainer knows the loss
		plain, all, none := c.report(p), c.report(p, names...), c.report(bad, names...)
		if len(all.Scores) != len(names) || len(plain.Scores) >= len(names) {
			t.Errorf("kind %d: %d of %d metrics when all are named, and %d when none are; want all, and fewer", c.kind, len(all.Scores), len(names), len(plain.Scores))
		}
		for _, name := range names {
			if v, ok := all.Get(name); !ok || v != v {
				t.Errorf("kind %d: %s = %v, %v, want a number", c.kind, name, v, ok)
			}
			if v, ok := none.Get(name); !ok || v == v {
				t.Errorf("kind %d: %s of a NaN = %v, %v, want NaN", c.kind, name, v, ok)
			}
		}
	}
}

// The threshold changes the predicted classes and nothing else.
func TestBinaryAt(t *testing.T) {
	y, p := []float64{0, 0, 1, 1}, []float64{0.125, 0.25, 0.25, 0.75}
	r := must(t)(BinaryAt(0.2, y, p, nil, "f1"))
	wantJSON(t, "threshold", r.Scores.Only([]string{"accuracy", "f1", "auc"}), `{"accuracy":0.75,"f1":0.8,"auc":0.875}`)
}

// The test compares the result with many thresholds that are tried one by one.
func TestBestThreshold(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 1 + r.IntN(12)
		y, p := make([]float64, n), make([]float64, n)
		var w []float64
		if r.IntN(2) == 0 {
			w = make([]float64, n)
		}
		for i := range y {
			y[i], p[i] = float64(r.IntN(2)), float64(r.IntN(9))/8
			if w != nil {
				w[i] = float64(r.IntN(4))
			}
		}
		for _, name := range ThresholdNames() {
			got, err := BestThreshold(name, y, p, w)
			if err != nil {
				t.Fatal(err)
			}
			value := func(threshold float64) float64 {
				v, ok := must(t)(BinaryAt(threshold, y, p, w, name)).Get(name)
				if !ok { // without weight
					return 0
				}
				return v
			}
			for k := range 64 {
				// No threshold is below 0, so a row with p = 0 is never guessed positive.
				if at := float64(k) / 64; value(at) > value(got)+1e-12 {
					t.Fatalf("%s of y %v, p %v, w %v: threshold %v gives %v, but %v gives %v", name, y, p, w, got, value(got), at, value(at))
				}
			}
			if value(0.5) == value(got) && got != 0.5 {
				t.Fatalf("%s of y %v, p %v, w %v: threshold %v is no better than 0.5", name, y, p, w, got)
			}
			if !(got > 0 && got < 1) {
				t.Fatalf("the threshold is %v, want one between 0 and 1", got)
			}
		}
	}
	if _, err := BestThreshold("auc", nil, nil, nil); err == nil || err.Error() != `no threshold is chosen by "auc"; choose from accuracy, balanced_accuracy, f1, f1_macro` {
		t.Error(err)
	}
}
