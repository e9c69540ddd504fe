package model_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// TestHeadline: what a loss measures is in the report, compares the model with a guess that is best for it and with a linear model
// of the same loss, and is what importance goes by.
func TestHeadline(t *testing.T) {
	x, y := make([]float64, 400), make([]float64, 400)
	for i := range x {
		x[i] = float64(i*37%400) / 400
		y[i] = 1 + x[i]*float64(1+i*53%400)/100 // skewed: mean, median and quantiles differ
	}
	table, err := data.FromColumns("t", "x", x, "y", y)
	if err != nil {
		t.Fatal(err)
	}
	sorted := slices.Sorted(slices.Values(y))
	at := func(q float64) float64 { return sorted[int(q*400)-1] }
	mean := 0.0
	for _, v := range y {
		mean += v / 400
	}
	for loss, want := range map[string]struct {
		metric, importance, guessed string
		guess                       float64
	}{
		"": {"rmse", "r2", "the mean", mean}, "squared": {"rmse", "r2", "the mean", mean},
		"absolute": {"mae", "mae", "the median", at(0.5)}, "huber:2": {"mae", "mae", "the median", at(0.5)}, "log-cosh": {"mae", "mae", "the median", at(0.5)},
		"quantile:0.9": {"pinball:0.9", "pinball:0.9", "the 0.9 quantile", at(0.9)},
		"poisson":      {"poisson_deviance", "poisson_deviance", "the mean", mean}, "gamma": {"gamma_deviance", "gamma_deviance", "the mean", mean},
		"tweedie:1.2": {"tweedie_deviance:1.2", "tweedie_deviance:1.2", "the mean", mean},
	} {
		m, f, err := model.Train(context.Background(), table, model.Options{Targets: []string{"y"}, Loss: loss, Epochs: 20, Seed: 1, Validation: new(float64)})
		if err != nil {
			t.Fatalf("%s: %v", loss, err)
		}
		if err := f.CompareLinear(context.Background(), m); err != nil {
			t.Fatalf("%s: %v", loss, err)
		}
		if g := m.Training.Guess[0]; m.Guessed() != want.guessed || g < want.guess-1e-9 || g > want.guess+1e-9 {
			t.Errorf("loss %q: the guess is %s, %v, want %s, %v", loss, m.Guessed(), g, want.guessed, want.guess)
		}
		own, ok := m.Training.Metrics.Train.Get(want.metric)
		guess, _ := m.Training.Metrics.Baseline.Get(want.metric)
		linear, _ := m.Training.Metrics.Linear.Scores.Get(want.metric)
		if text := m.Compared(); !ok || !strings.HasPrefix(text, want.metric+" of the training rows ") || !strings.Contains(text, "of always guessing "+want.guessed+" ") {
			t.Errorf("loss %q is compared by %q, want by %s with %s", loss, text, want.metric, want.guessed)
		}
		if !(linear > 0 && linear < guess && own > 0) {
			t.Errorf("loss %q: %s is %v, of the linear model %v and of the guess %v, want a linear model that is better than the guess", loss, want.metric, own, linear, guess)
		}
		i, err := m.Importance(context.Background(), table, model.ImportanceOptions{Repeats: 1, Seed: 1})
		if err != nil || i.Metric != want.importance {
			t.Errorf("loss %q: importance is measured by %v (%v), want %s", loss, i, err, want.importance)
		}
	}
}
