package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
)

// A model is compared with others by what its loss measures, and with a guess that is best for that loss.

// headline returns the metric that says how good the model is if none is named: what its loss measures.
func (m *Model) headline() string {
	if m.Task() != data.Regression {
		return "log_loss"
	}
	return cmp.Or(nn.Facts(m.Loss).Metric, "rmse")
}

// named returns the names of metrics of a regression, or if there are none, the headline, which a report has besides the usual
// metrics.
func (m *Model) named(names []string) []string {
	if len(names) > 0 {
		return names
	}
	return []string{m.headline()}
}

// guessed returns the quantile of the targets that is the guess, or 0 if that is their mean.
func (m *Model) guessed() float64 {
	name, q, _ := strings.Cut(m.headline(), ":")
	switch name {
	case "mae":
		return 0.5
	case "pinball":
		x, _ := strconv.ParseFloat(q, 64) // the loss is valid
		return x
	}
	return 0
}

// Guessed says what a guess that never looks at the inputs is: "the most frequent class", or the number that the model's
// loss is least for: "the mean", "the median" or "the 0.9 quantile".
func (m *Model) Guessed() string {
	switch q := m.guessed(); {
	case m.Task() != data.Regression:
		return "the most frequent class"
	case q == 0:
		return "the mean"
	case q == 0.5:
		return "the median"
	default:
		return fmt.Sprintf("the %v quantile", q)
	}
}

// learnGuess learns a guess that ignores the inputs from the training targets and their weights:
// each class's share, or what Guessed says of each output.
func (m *Model) learnGuess(y, w []float64) []float64 {
	if q := m.guessed(); q != 0 {
		width := m.Encoding.Outputs()
		guess := make([]float64, width)
		for j := range guess {
			guess[j] = quantileOf(y[j:], width, w, q)
		}
		return guess
	}
	width, classes := m.Encoding.Outputs(), len(m.Classes())
	if classes > 0 {
		width = 1
	}
	rows := len(y) / width
	weight := func(row int) float64 {
		if w == nil {
			return 1
		}
		return w[row]
	}
	guess := make([]float64, max(width, classes))
	for i, v := range y {
		if classes > 0 {
			guess[int(v)] += weight(i)
		} else {
			guess[i%width] += float64(weight(i/width) * v)
		}
	}
	total := setWeight(w, rows)
	for j := range guess {
		guess[j] /= total
	}
	return guess
}

// quantileOf returns the least of every width-th number that has at least a share q of the weight at or below it.
func quantileOf(y []float64, width int, w []float64, q float64) float64 {
	rows := make([]int, (len(y)+width-1)/width)
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(y[a*width], y[b*width]) })
	least, sum := q*setWeight(w, len(rows)), 0.0
	for _, row := range rows {
		if w == nil {
			sum++
		} else {
			sum += w[row]
		}
		if sum >= least {
			return y[row*width]
		}
	}
	return y[rows[len(rows)-1]*width]
}
