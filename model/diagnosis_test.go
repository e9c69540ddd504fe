package model_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// TestDiagnosis is a small version of bench/faults, on the shipped tables. The first finding has the code of the fault,
// and a healthy run has no findings.
func TestDiagnosis(t *testing.T) {
	sgd := func(rate float64, epochs int) model.Options {
		none := 0.0
		return model.Options{Optimizer: "sgd", LearningRate: &rate, Epochs: epochs, Validation: &none}
	}
	with := func(o model.Options, change func(*model.Options)) model.Options {
		change(&o)
		return o
	}
	for _, c := range []struct {
		table, want, names string // names is what the evidence or the advice has to contain
		options            model.Options
		leak               bool
	}{
		{table: "iris"}, {table: "wine"}, {table: "breast_cancer"}, {table: "diabetes"}, {table: "penguins"},
		{table: "iris", options: with(sgd(0.05, 100), func(o *model.Options) { o.Activation = "tanh" })},
		{table: "diabetes", want: diagnosis.RateTooLarge, names: "LearningRate ", options: sgd(50, 20)},
		{table: "wine", want: diagnosis.RateTooSmall, names: "LearningRate 0.001", options: sgd(1e-6, 100)},
		{table: "diabetes", want: diagnosis.Unfinished, names: "Epochs 30", options: sgd(0.003, 3)},
		{table: "breast_cancer", want: diagnosis.UnscaledInputs, names: `"worst_area"`, options: with(sgd(0.01, 100), func(o *model.Options) { o.Scale, o.Activation = "none", "tanh" })},
		{table: "diabetes", want: diagnosis.TargetOutOfRange, names: "OutputActivation identity", options: model.Options{OutputActivation: "sigmoid"}},
		{table: "iris", want: diagnosis.IdenticalUnits, names: "Init auto", options: model.Options{Init: "zeros", Activation: "tanh"}},
		{table: "penguins", want: diagnosis.VanishingGradients, names: "layer 10", options: with(sgd(0.1, 60), func(o *model.Options) {
			o.Hidden, o.Activation = []int{16, 16, 16, 16, 16, 16, 16, 16, 16, 16}, "sigmoid"
		})},
		{table: "diabetes", want: diagnosis.LeakingColumn, names: "Ignore after", leak: true},
		{table: "wine", want: diagnosis.LeakingColumn, names: "Ignore after", leak: true},
	} {
		t.Run(strings.TrimSpace(c.table+" "+c.want), func(t *testing.T) {
			table, err := data.Read(filepath.Join("../examples/data", c.table+".csv"), data.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if c.leak {
				table = leaking(t, table)
			}
			c.options.Seed = 1
			_, fit, err := model.Train(context.Background(), table, c.options)
			var diverged *train.DivergedError
			if err != nil && !errors.As(err, &diverged) {
				t.Fatal(err)
			}
			found := fit.Diagnose()
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("a healthy run has the findings %+v, want none", found)
				}
				return
			}
			if len(found) == 0 || found[0].Code != c.want {
				t.Fatalf("the findings are %+v, want the fault first", found)
			}
			text := found[0].Evidence
			for _, r := range found[0].Remedies {
				if text += r.String(); r.Option != "" && !reflect.ValueOf(model.Options{}).FieldByName(r.Option).IsValid() {
					t.Errorf("%s is not a field of Options", r.Option)
				}
			}
			if !strings.Contains(text, c.names) {
				t.Errorf("%q is not in %+v", c.names, found[0])
			}
		})
	}
}

// leaking adds a column with the target in another form.
func leaking(t *testing.T, from *data.Table) *data.Table {
	t.Helper()
	last := len(from.Columns()) - 1
	var rows [][]string
	for r := range from.Rows() {
		row := []string{}
		for c := range last + 1 {
			row = append(row, from.Cell(r, c))
		}
		known := from.Cell(r, last) + "0" // ten times a number, or another name for a class
		rows = append(rows, append([]string{known}, row...))
	}
	out, err := data.NewTable("leaking", append([]string{"after"}, from.Columns()...), rows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
