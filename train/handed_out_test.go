package train

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/optim"
)

// What a run returns is a copy. It does not change as the run continues or goes back to an earlier
// epoch, and changes to it do not reach the run.
func TestHandedOutIsACopy(t *testing.T) {
	c := Config{Optimizer: optim.NewAdam(), LearningRate: 0.01, Epochs: 30, BatchSize: 10, Halvings: 5, Schedule: bump{20}}
	tr, err := New(linear(t), c, Data[float32]{Train: problem[float32](37)})
	if err != nil {
		t.Fatal(err)
	}
	var handed, was []Result
	for s, err := range tr.Steps(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.EpochEnd {
			r := tr.Result()
			kept := r
			kept.History, kept.Retreats = slices.Clone(r.History), slices.Clone(r.Retreats)
			handed, was = append(handed, r), append(was, kept)
			for i := range was[0].History { // a caller overwrites its copy
				h := tr.History()
				h[i].Loss = math.NaN()
				_ = append(h[:i], Point{Epoch: -1})
			}
		}
	}
	if len(tr.Retreats()) == 0 {
		t.Fatal("the run never went back")
	}
	for i := range handed {
		if !reflect.DeepEqual(withoutNaN(handed[i].History), withoutNaN(was[i].History)) || !slices.Equal(handed[i].Retreats, was[i].Retreats) {
			t.Fatalf("the result after step %d has changed since", handed[i].Steps)
		}
	}
	for i, p := range tr.History() {
		if p.Epoch != i+1 || p.Loss-p.Loss != 0 {
			t.Errorf("point %d of the history is %+v, want the next epoch with a finite loss", i, p)
		}
	}
}

// withoutNaN makes histories comparable.
func withoutNaN(h History) History {
	h = slices.Clone(h)
	for i := range h {
		if h[i].Validation != h[i].Validation {
			h[i].Validation = -1
		}
	}
	return h
}
