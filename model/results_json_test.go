package model_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// TestEvaluationJSON: all that Evaluate finds is the same after it is written as JSON and read again.
func TestEvaluationJSON(t *testing.T) {
	m := fit(t, data.Binary, "float64")
	e, err := m.Evaluate(mixed(t), model.EvaluateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back model.Evaluation
	if err := json.Unmarshal(text, &back); err != nil || back.Rows != e.Rows || len(back.Counts) == 0 || !reflect.DeepEqual(back.Counts, e.Counts) ||
		back.Compared == "" || back.Compared != e.Compared || fmt.Sprint(back.Guess, back.Scores, back.Confusion) != fmt.Sprint(e.Guess, e.Scores, e.Confusion) {
		t.Errorf("got %s, %v, want the evaluation that was written", text, err)
	}
}
