package model

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// An error about an option has its parts as fields, and its text names no flag.
func TestOptionErrorNamesTheField(t *testing.T) {
	minus := -1.0
	for _, c := range []struct {
		o             Options
		option, value string
	}{
		{Options{LearningRate: &minus}, "LearningRate", "-1"},
		{Options{Epochs: -2}, "Epochs", "-2"},
		{Options{Dropout: 1}, "Dropout", "1"},
		{Options{EMA: 2}, "EMA", "2"},
		{Options{Validation: &minus}, "Validation", "-1"},
		{Options{Recipe: "best"}, "Recipe", "best"},
		{Options{Decimal: "x"}, "Decimal", "x"},
		{Options{Optimizer: "nope"}, "Optimizer", ""},
		{Options{Norm: "batch", Method: "stochastic"}, "Norm", ""},
		{Options{Members: -2}, "Members", "-2"},
		{Options{Split: "time:d", Group: "g"}, "Group", ""},
	} {
		err := c.o.Validate()
		var refused *OptionError
		if !errors.As(err, &refused) || !errors.Is(err, ErrOptions) {
			t.Errorf("%s: got %v, want an OptionError that wraps ErrOptions", c.option, err)
			continue
		}
		if refused.Option != c.option || refused.Value != c.value || refused.Reason == "" || strings.Contains(err.Error(), "--") {
			t.Errorf("got the fields %+v of the error %v, want the option, its value and a reason, and no flag", refused, err)
		}
	}
	if err := (Options{}).Validate(); err != nil {
		t.Error(err)
	}
}

// A second value of options is refused by every call that takes them as an optional argument.
func TestOptionsAreGivenOnce(t *testing.T) {
	table := blockTable(t, 60, amount)
	m, _, err := Train(context.Background(), table, Options{Seed: 1, Members: 1, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	row, out, p := make([]data.Value, len(m.Columns())), make([]float64, m.Outputs()), PredictOptions{}
	_, _, predict := m.Predict(table, p, p)
	_, evaluate := m.Evaluate(table, EvaluateOptions{}, EvaluateOptions{})
	_, made := New(m.Encoding, m.Network64(), NewOptions{}, NewOptions{})
	for name, err := range map[string]error{
		"Predict": predict, "Evaluate": evaluate, "New": made,
		"PredictValues": m.PredictValues(row, out, p, p), "PredictRows": m.PredictRows(row, out, p, p),
	} {
		if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "2 values of model.") {
			t.Errorf("%s with two values of its options: got the error %v", name, err)
		}
	}
}
