package model_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// Threads, breaks and interruptions change no bit of an ensemble. With one member, the file is that of a single network.
func TestEnsembleBits(t *testing.T) {
	o := memberOptions(data.Regression, 4)
	o.Test = new(float64)
	*o.Test = 0.2
	whole, _ := fitMembers(t, o)
	sum := whole.WeightsSHA256()
	if r := whole.Training.Rows; r.Test != 16 || r.Train != 64 || whole.Training.Metrics.Test == nil || whole.Training.Metrics.OutOfFold == nil {
		t.Errorf("got the rows %+v, want 16 test rows, 64 training rows, and scores of both", r)
	}
	for _, threads := range []int{1, 2, 3, 8} {
		o := o
		o.Threads = threads
		if m, _ := fitMembers(t, o); m.WeightsSHA256() != sum {
			t.Errorf("%d threads give other weights", threads)
		}
	}
	o.Epochs = 400
	o.Hidden = []int{64, 64}
	whole, _ = fitMembers(t, o)
	f, err := model.Prepare(model.Tables{Train: mixed(t)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	breaks := 0
	for done := false; !done; breaks++ {
		done = true
		ctx, stop := context.WithTimeout(context.Background(), time.Duration(5+10*breaks)*time.Millisecond)
		for _, err := range f.Strides(ctx) {
			if err != nil && !errors.Is(err, train.ErrInterrupted) {
				t.Fatal(err)
			}
			done = err == nil
			if breaks%3 == 1 {
				done = false
				break
			}
		}
		done = done && ctx.Err() == nil
		stop()
	}
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	if breaks < 2 || m.WeightsSHA256() != whole.WeightsSHA256() {
		t.Errorf("after %d breaks the weights differ, or there were fewer than 2 breaks", breaks)
	}
	single := memberOptions(data.Binary, 0)
	one, _ := fitMembers(t, single)
	single.Members = 1
	same, _ := fitMembers(t, single)
	var a, b bytes.Buffer
	one.Training.Seconds, same.Training.Seconds = 0, 0
	one.Training.History, same.Training.History = nil, nil
	if one.Write(&a) != nil || same.Write(&b) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) || len(same.Members()) != 0 {
		t.Error("the file of one member differs from that of one network")
	}
}

// An interrupted ensemble has the members that have ended. If none has, it has the members as far as they are trained.
func TestEnsembleInterrupted(t *testing.T) {
	o := memberOptions(data.Binary, 3)
	o.Threads = 1
	f, err := model.Prepare(model.Tables{Train: mixed(t)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := 0
	f.OnMember(nil, func(k int, member *model.Fit) error {
		if ended++; ended == 2 {
			stop()
		}
		return nil
	})
	var failed error
	for _, err := range f.Strides(ctx) {
		failed = err
	}
	m, err := f.Model()
	if err != nil || !errors.Is(failed, train.ErrInterrupted) || !errors.Is(failed, context.Canceled) {
		t.Fatalf("got %v %v, want no error and failed to wrap train.ErrInterrupted and failed to wrap context.Canceled", failed, err)
	}
	if len(m.Members()) != 2 || m.Training.Reason != train.ReasonInterrupted || !slices.ContainsFunc(f.Said(), func(n data.Note) bool { return n.String() == "1 of the 3 members had not ended and is left out." }) {
		t.Errorf("got %d members, the reason %s and the notes %q, want 2 members and a note about the third", len(m.Members()), m.Training.Reason, f.Said())
	}
	if j, err := f.OutOfFold(m); err != nil || len(j.Rows) == 0 || len(j.Rows) == 80 {
		t.Error("the out-of-fold rows are not those of two folds", err)
	}
	for _, err := range f.Strides(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	whole, _ := fitMembers(t, memberOptions(data.Binary, 3))
	if m, err := f.Model(); err != nil || m.WeightsSHA256() != whole.WeightsSHA256() || len(f.Said()) != len(f.Notes) {
		t.Error("the continued run ends with another model", err)
	}
	var none *model.Model
	dead, end := context.WithCancel(context.Background())
	end()
	if none, _, err = model.Train(dead, mixed(t), o); !errors.Is(err, train.ErrInterrupted) || none == nil || none.Training.Steps != 0 {
		t.Errorf("interrupted before the first update: %v, %v", none, err)
	}
	o.MaxTime = time.Nanosecond
	if m, _, err := model.Train(context.Background(), mixed(t), o); err != nil || m.Training.Reason != "max-time" {
		t.Errorf("without time: %v, %v", m, err)
	}
}

// Between steps, the caller may look at any of the members that are being trained.
func TestEachRunning(t *testing.T) {
	o := memberOptions(data.Binary, 5)
	o.Epochs, o.Threads = 1_000_000, 3 // far more epochs than the test waits for
	o.Patience = new(int)
	f, err := model.Prepare(model.Tables{Train: mixed(t)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	looks := 0
	for _, err := range f.Strides(context.Background()) {
		if err == nil {
			err = f.EachRunning(func(k int, member *model.Fit) error {
				looks++
				kept.Reset()
				return member.Checkpoint(&kept)
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if looks >= 3 {
			break
		}
	}
	if looks == 0 {
		t.Error("no running member was seen")
	}
	if err := f.Checkpoint(&kept); err == nil {
		t.Error("an ensemble wrote a checkpoint, want an error")
	}
}
