package metrics

import (
	"fmt"
	"slices"
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

// Names lists the metrics of a kind in the order of reports.
func (k Kind) Names() []string {
	switch k {
	case OfNumbers:
		return []string{"loss", "rmse", "mae", "mape", "r2"}
	case OfTwo:
		return []string{"loss", "accuracy", "balanced_accuracy", "precision", "precision_macro", "recall", "recall_macro", "f1", "f1_macro", "f1_micro", "auc",
			"average_precision", "log_loss", "brier", "calibration_error"}
	case OfClasses:
		return []string{"loss", "accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "auc",
			"average_precision", "log_loss", "brier", "calibration_error"}
	}
	return []string{"loss", "accuracy", "label_accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "auc",
		"average_precision", "log_loss", "brier", "calibration_error"}
}

// ParseNames reads the names of metrics of a kind; "-" is accepted for "_". For an unknown
// name the error lists the names of the kind.
func (k Kind) ParseNames(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		n := strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
		if !slices.Contains(k.Names(), n) {
			return nil, fmt.Errorf("there is no metric %q for this task; choose from %s", name, strings.Join(k.Names(), ", "))
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// HigherIsBetter reports whether a higher value of the metric is better.
func HigherIsBetter(name string) bool {
	switch name {
	case "loss", "rmse", "mae", "mape", "log_loss", "brier", "calibration_error":
		return false
	}
	return true
}

// NeedsProbabilities reports whether a metric is meaningless for scores that only rank.
func NeedsProbabilities(name string) bool {
	return name == "log_loss" || name == "brier" || name == "calibration_error"
}
