package metrics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Kind is a kind of prediction. It determines which metrics exist.
type Kind uint8

// The kinds of predictions.
const (
	OfNumbers Kind = iota // Regression
	OfTwo                 // Binary
	OfClasses             // Multiclass
	OfLabels              // Multilabel
)

// A metric is a line of the table of metrics.
type metric struct {
	name          string
	of            [4]bool // the kinds that have it
	lower         bool    // a lower value is better
	probabilities bool    // it is meaningless for scores that only rank
	decisions     bool    // it depends only on the predicted classes
	standard      float64 // of a metric with a parameter, as in pinball:0.9: its default; 0: it has none
	low, high     float64 // the parameter lies between them
}

// Sets of kinds, for the table.
var (
	numbers    = [4]bool{OfNumbers: true}
	two        = [4]bool{OfTwo: true}
	labels     = [4]bool{OfLabels: true}
	oneClass   = [4]bool{OfTwo: true, OfClasses: true}
	anyClasses = [4]bool{OfTwo: true, OfClasses: true, OfLabels: true}
	every      = [4]bool{true, true, true, true}
)

// table is the one table of the metrics, in the order of reports. The trainer computes the loss.
var table = []metric{
	{name: "loss", of: every, lower: true},
	{name: "accuracy", of: anyClasses, decisions: true},
	{name: "balanced_accuracy", of: oneClass, decisions: true},
	{name: "label_accuracy", of: labels, decisions: true},
	{name: "precision", of: two, decisions: true},
	{name: "precision_macro", of: anyClasses, decisions: true},
	{name: "recall", of: two, decisions: true},
	{name: "recall_macro", of: anyClasses, decisions: true},
	{name: "f1", of: two, decisions: true},
	{name: "f1_macro", of: anyClasses, decisions: true},
	{name: "f1_micro", of: anyClasses, decisions: true},
	{name: "auc", of: anyClasses},
	{name: "average_precision", of: anyClasses},
	{name: "log_loss", of: anyClasses, lower: true, probabilities: true},
	{name: "brier", of: anyClasses, lower: true, probabilities: true},
	{name: "calibration_error", of: anyClasses, lower: true, probabilities: true},
	{name: "pinball", of: numbers, lower: true, standard: 0.5, low: 0, high: 1},
	{name: "poisson_deviance", of: numbers, lower: true},
	{name: "gamma_deviance", of: numbers, lower: true},
	{name: "tweedie_deviance", of: numbers, lower: true, standard: 1.5, low: 1, high: 2},
	{name: "rmse", of: numbers, lower: true},
	{name: "mae", of: numbers, lower: true},
	{name: "mape", of: numbers, lower: true},
	{name: "r2", of: numbers},
}

// find returns the metric of that name, which may end in a parameter, or one of no kind.
func find(name string) metric {
	if at := place(name); at < len(table) {
		return table[at]
	}
	return metric{name: name}
}

// parameter returns the parameter of a metric that is named with or without one.
func parameter(name string) float64 {
	if _, text, ok := strings.Cut(name, ":"); ok {
		x, _ := strconv.ParseFloat(text, 64)
		return x
	}
	return find(name).standard
}

// Names lists the metrics of a kind in the order of reports.
func (k Kind) Names() []string {
	var names []string
	for _, m := range table {
		if m.of[k] {
			names = append(names, m.name)
		}
	}
	return names
}

// ParseNames reads the names of metrics of a kind; "-" is accepted for "_". A metric with a parameter
// takes it after a colon: pinball:0.9. For an unknown name the error lists the names of the kind.
func (k Kind) ParseNames(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		n := strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
		base, text, given := strings.Cut(n, ":")
		if !slices.Contains(k.Names(), base) {
			return nil, fmt.Errorf("there is no metric %q for this task; choose from %s", name, strings.Join(k.Names(), ", "))
		}
		if m := find(base); given && m.standard == 0 {
			return nil, fmt.Errorf("the metric %s takes no parameter, and %q gives it one", base, name)
		} else if x, err := strconv.ParseFloat(text, 64); given && (err != nil || !(x > m.low && x < m.high)) {
			return nil, fmt.Errorf("metric %q: the parameter of %s is a number between %v and %v, such as %s:%v", name, base, m.low, m.high, base, m.standard)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// HigherIsBetter reports whether a higher value of the metric is better. It is true of a name that is not known.
func HigherIsBetter(name string) bool { return !find(name).lower }

// NeedsProbabilities reports whether a metric is meaningless for scores that only rank.
func NeedsProbabilities(name string) bool { return find(name).probabilities }

// OfDecisions reports whether a metric depends only on the predicted classes, and so on the threshold of two classes.
func OfDecisions(name string) bool { return find(name).decisions }
