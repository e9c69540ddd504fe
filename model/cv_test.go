package model

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every row is in one fold, and a model that has not seen it predicts it. The number of folds that run
// at the same time changes nothing.
func TestCrossValidate(t *testing.T) {
	table := claims(t)
	for _, change := range []func(*Options){
		func(*Options) {},
		func(o *Options) {
			o.Targets, o.Ignore = []string{"amount"}, []string{"kind", "three", "d"}
			o.SampleWeight = "w"
		},
		func(o *Options) { o.Group = "g" },
		func(o *Options) { o.Split = "time:d" },
		func(o *Options) {
			o.Threshold, o.Metrics, o.ClassWeight = "auto:f1", []string{"f1", "auc"}, []string{"balanced"}
		},
	} {
		o := few("kind")
		change(&o)
		var runs []*CV
		for _, threads := range []int{1, 2, 5} {
			o.Threads = threads
			calls := 0
			cv, err := CrossValidate(context.Background(), Tables{Train: table}, o, 4, func(int, *Model) { calls++ })
			if err != nil {
				t.Fatal(err)
			}
			if calls != 4 {
				t.Errorf("got %d calls, want 4", calls)
			}
			runs = append(runs, cv)
		}
		cv := runs[0]
		for _, other := range runs[1:] {
			if !slices.Equal(cv.Predictions, other.Predictions) || !slices.Equal(cv.Fold, other.Fold) || fmt.Sprint(cv.Mean, cv.SD, cv.Pooled) != fmt.Sprint(other.Mean, other.SD, other.Pooled) {
				t.Errorf("%+v: the results change with the number of threads", o)
			}
			for i := range cv.Folds {
				if cv.Folds[i].WeightsSHA256() != other.Folds[i].WeightsSHA256() {
					t.Errorf("%+v: the network of fold %d changes with the number of threads", o, i)
				}
			}
		}
		if byTime := o.Split != ""; !byTime && len(cv.Rows) != 120 || byTime && (len(cv.Rows) < 90 || len(cv.Rows) > 100) || !slices.IsSorted(cv.Rows) {
			t.Errorf("%+v: %d rows are in a fold", o, len(cv.Rows))
		}
		width := cv.Folds[0].Outputs()
		for i, r := range cv.Rows {
			p, _, err := cv.Folds[cv.Fold[i]].Predict(table)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p[r*width:][:width], cv.Predictions[i*width:][:width]) {
				t.Fatalf("%+v: row %d was predicted by another fold", o, r)
			}
			for j, s := range cv.Rows {
				if o.Group != "" && cv.Fold[i] != cv.Fold[j] && table.Cell(r, 3) == table.Cell(s, 3) {
					t.Fatalf("the group %s is in two folds", table.Cell(r, 3))
				}
			}
			if i > 10 {
				break // each row costs a prediction of the whole table
			}
		}
		for _, s := range cv.Mean {
			sum, squares := 0.0, 0.0
			for _, m := range cv.Folds {
				v, _ := m.Training.Metrics.Test.Get(s.Name)
				sum += v / 4
			}
			for _, m := range cv.Folds {
				v, _ := m.Training.Metrics.Test.Get(s.Name)
				squares += (v - sum) * (v - sum) / 3
			}
			sd, _ := cv.SD.Get(s.Name)
			if math.Abs(s.Value-sum) > 1e-12 || math.Abs(sd-math.Sqrt(squares)) > 1e-12 {
				t.Errorf("%s: %v ± %v, want %v ± %v", s.Name, s.Value, sd, sum, math.Sqrt(squares))
			}
		}
	}
	for want, c := range map[string]struct {
		k int
		o func(*Options)
	}{
		"Folds 1: give a whole number of at least 2":                                        {1, func(*Options) {}},
		"Folds: 121 folds need as many rows, and 120 have a target":                         {121, func(*Options) {}},
		`Folds: 30 folds need as many groups, and the column "g" has 12`:                    {30, func(o *Options) { o.Group = "g" }},
		"Test: every row is a test row once in a cross-validation":                          {3, func(o *Options) { half := 0.5; o.Test = &half }},
		"fold 1 of 3: options: Metrics: there is no metric":                                 {3, func(o *Options) { o.Metrics = []string{"rmse"} }},
		"Folds: fold 1 of 5 would have no rows: too many rows have the same time; take few": {5, func(o *Options) { o.Split = "time:w" }},
	} {
		o := few("kind")
		c.o(&o)
		if _, err := CrossValidate(context.Background(), Tables{Train: table}, o, c.k, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := CrossValidate(ctx, Tables{Train: table}, few("kind"), 3, nil); err == nil {
		t.Error("a canceled context does not end the cross-validation")
	}
}

// Folds that were trained elsewhere and came back as model files equal those of this machine. If several
// fail, the error is that of the lowest fold, whichever failed first.
func TestFoldsElsewhere(t *testing.T) {
	table := claims(t)
	o := few("kind")
	want, err := CrossValidate(context.Background(), Tables{Train: table}, o, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	there := o
	o.Elsewhere = func(ctx context.Context, i int) (*FoldRun, error) {
		r, err := TrainFold(ctx, Tables{Train: table}, there, 4, i)
		if err != nil {
			return nil, err
		}
		var file bytes.Buffer
		if err := r.Model.Write(&file); err != nil {
			return nil, err
		}
		m, err := Read(&file)
		return &FoldRun{Model: m, Notes: r.Notes}, err
	}
	got, err := CrossValidate(context.Background(), Tables{Train: table}, o, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Predictions, want.Predictions) || !reflect.DeepEqual(got.Notes, want.Notes) || fmt.Sprint(got.Mean, got.SD, got.Baseline, got.Pooled) != fmt.Sprint(want.Mean, want.SD, want.Baseline, want.Pooled) {
		t.Errorf("folds trained elsewhere give %v, want %v", got.Mean, want.Mean)
	}
	if _, err := TrainFold(context.Background(), Tables{Train: table}, there, 4, 4); err == nil {
		t.Error("a fifth fold of four was trained, want an error")
	}
	second := make(chan bool)
	o.Elsewhere = func(ctx context.Context, i int) (*FoldRun, error) {
		switch i {
		case 1:
			<-second
		case 2:
			defer close(second)
		default:
			<-second
			return TrainFold(ctx, Tables{Train: table}, there, 4, i)
		}
		return nil, fmt.Errorf("no luck with %d", i)
	}
	if _, err := CrossValidate(context.Background(), Tables{Train: table}, o, 4, nil); err == nil || err.Error() != "fold 2 of 4: no luck with 1" {
		t.Error(err)
	}
}

// Members that were trained elsewhere make the same ensemble as those of this machine.
func TestMembersElsewhere(t *testing.T) {
	table := claims(t)
	o := few("kind")
	o.Members = 3
	want, _, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	there, err := Prepare(Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Elsewhere = there.TrainMember
	got, f, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	scores := func(m *Model) string { return fmt.Sprint(*m.Training.Metrics.Train, *m.Training.Metrics.OutOfFold) }
	if got.WeightsSHA256() != want.WeightsSHA256() || scores(got) != scores(want) || got.Training.Steps != want.Training.Steps {
		t.Errorf("members trained elsewhere give %s, want %s", scores(got), scores(want))
	}
	if _, err := there.TrainMember(context.Background(), 3); err == nil || f.Members() != 3 {
		t.Error("a fourth member of three was trained, want an error")
	}
}

// A member that is prepared by itself has the same weights, rows and scores as in its ensemble.
func TestMemberAlone(t *testing.T) {
	table := claims(t)
	o := few("kind")
	o.Members = 3
	whole, _, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Prepare(Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range whole.Members() {
		own, err := f.PrepareMember(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range own.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := own.Model()
		if err != nil {
			t.Fatal(err)
		}
		if got.WeightsSHA256() != want.WeightsSHA256() || got.Training.Steps != want.Training.Steps || got.Training.Rows != want.Training.Rows ||
			fmt.Sprint(*got.Training.Metrics.Train) != fmt.Sprint(*want.Training.Metrics.Train) {
			t.Errorf("member %d by itself is %s of %d updates, among the others %s of %d", k, got.WeightsSHA256(), got.Training.Steps, want.WeightsSHA256(), want.Training.Steps)
		}
	}
	if _, err := f.PrepareMember(-1); err == nil {
		t.Error("a member before the first was prepared, want an error")
	}
}

// All rows together are decided as in their folds, each of which has its own threshold.
func TestPooledDecisionsAreThoseOfTheFolds(t *testing.T) {
	table := blockTable(t, 400, class)
	cv, err := CrossValidate(context.Background(), Tables{Train: table}, Options{Seed: 5, Epochs: 4, Hidden: []int{4}, Threshold: "auto:f1"}, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, thresholds := [2][2]float64{}, map[float64]bool{}
	for _, m := range cv.Folds {
		thresholds[m.Threshold] = true
		for i := range want {
			for j := range want[i] {
				want[i][j] += m.Training.Metrics.Test.Confusion[i][j]
			}
		}
	}
	if len(thresholds) < 2 {
		t.Fatalf("the folds have the thresholds %v, want several", thresholds)
	}
	for i := range want {
		for j := range want[i] {
			if got := cv.Pooled.Confusion[i][j]; got != want[i][j] {
				t.Errorf("together %v rows of class %d are predicted as %d, in the folds %v", got, i, j, want[i][j])
			}
		}
	}
	if got, _ := cv.Pooled.Get("accuracy"); got != (want[0][0]+want[1][1])/400 {
		t.Errorf("the accuracy of all rows is %v, want %v", got, (want[0][0]+want[1][1])/400)
	}
}
