package model_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// If its context ends, every function that takes one returns an error that wraps the context's error and its
// cause. The work done so far is kept.
func TestInterrupted(t *testing.T) {
	reason := errors.New("the machine is needed")
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	wraps := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) {
			t.Errorf("%s: got %v, want context.Canceled and its cause", what, err)
		}
	}
	table := mixed(t)
	o := model.Options{Targets: tasks[data.Binary], Ignore: []string{"amount", "other", "kind", "l1", "l2"}, Hidden: []int{3}, Epochs: 4, Seed: 1}

	m, f, err := model.Train(ended, table, o)
	wraps("Train", err)
	if !errors.Is(err, train.ErrInterrupted) || m == nil || m.Training.Reason != train.ReasonInterrupted || m.Training.Steps != 0 {
		t.Fatalf("Train returns %v and %v, want an untrained model and ErrInterrupted", m, err)
	}
	for _, err := range f.Strides(context.Background()) { // it continues
		if err != nil {
			t.Fatal(err)
		}
	}
	continued, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := model.Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	if continued.WeightsSHA256() != whole.WeightsSHA256() {
		t.Error("the continued run ends with other weights")
	}

	_, err = model.CrossValidate(ended, model.Tables{Train: table}, o, 3, nil)
	if wraps("CrossValidate", err); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("CrossValidate: got %v, want ErrInterrupted", err)
	}
	_, err = whole.Importance(ended, table, model.ImportanceOptions{})
	wraps("Importance", err)
	wraps("Score", f.Score(ended, f.Unscored()))
}
