package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// The results of a run survive JSON, with null for numbers that are not finite. Every run without
// validation rows has such numbers, and so has a run that diverged.
func TestRunsInJSON(t *testing.T) {
	tr, err := New(network[float64](t, nn.Identity), Config{Epochs: 3, Method: Batch}, Data[float64]{Train: problem[float64](37)})
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil || !strings.Contains(string(text), `"validation":null,"score":null`) {
			t.Fatalf("%s, %v", text, err)
		}
		var again Step
		if err := json.Unmarshal(text, &again); err != nil || again.N != s.N || again.Loss != s.Loss || again.EpochLoss != s.EpochLoss || !math.IsNaN(again.Validation) || again.EpochEnd != s.EpochEnd {
			t.Errorf("%s is read as %+v, %v", text, again, err)
		}
	}
	r := tr.Result()
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"stop_reason":"epochs"`) || !strings.Contains(string(text), `"best_score":null`) {
		t.Fatalf("%s, %v", text, err)
	}
	var again Result
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if again.Loss != r.Loss || !math.IsNaN(again.BestScore) || !reflect.DeepEqual(withoutNaN(again.History), withoutNaN(r.History)) {
		t.Errorf("%s is read as %+v", text, again)
	}
	diverging, err := New(linear(t), Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Epochs: 5}, Data[float32]{Train: problem[float32](37)})
	if err != nil {
		t.Fatal(err)
	}
	r2, err := diverging.Run(context.Background())
	var failed *DivergedError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	for _, v := range []any{r2, r2.History, failed} {
		if text, err := json.Marshal(v); err != nil {
			t.Errorf("%T: got %s and the error %v, want no error", v, text, err)
		}
	}
}
