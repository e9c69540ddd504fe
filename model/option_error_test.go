package model

import (
	"errors"
	"strings"
	"testing"
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
