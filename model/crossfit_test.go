package model

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// fewRows returns a table with y = a + noise, three inputs, the person of each row, three rows each, and whether y is positive.
func fewRows(t *testing.T, rows int, seed uint64) *data.Table {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, uint64(rows)))
	var cells [][]string
	for i := range rows {
		a, b, c := random.NormFloat64(), random.NormFloat64(), random.NormFloat64()
		y := a + random.NormFloat64()
		cells = append(cells, []string{fmt.Sprint(a), fmt.Sprint(b), fmt.Sprint(c), fmt.Sprint("g", i/3), fmt.Sprint(y), fmt.Sprint(y > 0)})
	}
	table, err := data.NewTable("few", []string{"a", "b", "c", "person", "y", "positive"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// trainedMember trains a member of a run by itself.
func trainedMember(t *testing.T, f *Fit, k int) *Fit {
	t.Helper()
	one, err := f.PrepareMember(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range one.Strides(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return one
}

// In tables of few rows, intervals contain as many new rows as their level says, and out-of-fold scores are not better than
// those of new rows, although each fold chose its member's epoch.
func TestFewRowsAreHonest(t *testing.T) {
	const tables, rows, level = 40, 64, 0.9
	inside, oof, fresh := 0.0, 0.0, 0.0
	for seed := range uint64(tables) {
		o := Options{Targets: []string{"y"}, Ignore: []string{"person", "positive"}, Members: 4, Seed: seed, Shrink: true}
		m, f, err := Train(context.Background(), fewRows(t, rows, seed), o)
		if err != nil {
			t.Fatal(err)
		}
		test := fewRows(t, 2000, 100+seed)
		p, _, err := m.Predict(test)
		if err != nil {
			t.Fatal(err)
		}
		intervals, err := m.Intervals(p, level)
		if err != nil {
			t.Fatal(err)
		}
		off := 0.0
		for i, v := range intervals {
			y, _ := test.Number(i, 4)
			if v.Lower <= y && y <= v.Upper {
				inside += 1.0 / 2000 / tables
			}
			off += math.Pow(p[i]-y, 2) / 2000
		}
		j, err := f.OutOfFold(m)
		if err != nil || !j.CrossFitted || !m.Training.CrossFitted {
			t.Fatalf("the rows out of fold are not cross-fitted: %v", err)
		}
		rmse, _ := m.Training.Metrics.OutOfFold.Get("rmse")
		oof, fresh = oof+rmse/tables, fresh+math.Sqrt(off)/tables
	}
	t.Logf("%.3f of new rows inside; rmse %.3f out of fold and %.3f on new rows", inside, oof, fresh)
	if inside < level-0.02 || inside > level+0.05 {
		t.Errorf("%.3f of new rows are inside of their intervals, want the level %v", inside, level)
	}
	if oof < 0.97*fresh {
		t.Errorf("the rmse out of fold is %.3f, and %.3f on new rows: the first is too good", oof, fresh)
	}
}

// Predictions out of fold are the outputs that the member's trainer kept for its fold, in the unit of the target.
func TestOutOfFoldIsCrossFitted(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"plain":  func(*Options) {},
		"groups": func(o *Options) { o.Group, o.Ignore = "person", []string{"positive"} },
		"bounds": func(o *Options) { o.Interval = 0.8 },
		"classes": func(o *Options) {
			o.Targets, o.Ignore, o.Calibrate = []string{"positive"}, []string{"person", "y"}, true
		},
	} {
		o := Options{Targets: []string{"y"}, Ignore: []string{"person", "positive"}, Members: 4, Epochs: 30, Seed: 2}
		change(&o)
		table := fewRows(t, 90, 1)
		m, f, err := Train(context.Background(), table, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		j, err := f.OutOfFold(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		others := 0
		for k, own := range m.Members() {
			one := trainedMember(t, f, k)
			run := one.runner.(runnerOf[float32])
			parts := run.trainer.Data().Validation.Parts
			if name == "groups" {
				groups, err := data.Groups(table, "person", one.parts.validation)
				if err != nil || !slices.Equal(parts, groups) {
					t.Errorf("%s: the parts are %v, want the groups %v", name, parts, groups)
				}
			}
			outputs := run.trainer.CrossFitted()
			kept, err := own.predictOf(table, one.parts.validation)
			if err != nil {
				t.Fatal(err)
			}
			each, width := len(outputs)/len(one.parts.validation), m.Outputs()
			for i, row := range one.parts.validation {
				want := outputs[i*each]*own.Encoding.Targets[0].Scale + own.Encoding.Targets[0].Center
				if name == "classes" {
					want = temper([]float64{1 - outputs[i], outputs[i]}, 2, own.Temperature)[0]
				}
				at, _ := slices.BinarySearch(j.Rows, row)
				if got := j.Says[at*width]; math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
					t.Errorf("%s: row %d is predicted as %v out of fold, want %v", name, row, got, want)
				}
				if j.Says[at*width] != kept[i*width] {
					others++
				}
			}
		}
		if others == 0 {
			t.Errorf("%s: no row is predicted otherwise than by the kept networks, so the test holds little", name)
		}
	}
}

// The run of a member keeps its cross-fitted predictions as JSON. Predictions for other rows than its own are refused.
func TestFoldRunKeepsPredictions(t *testing.T) {
	for _, interval := range []float64{0, 0.8} {
		o := Options{Targets: []string{"y"}, Ignore: []string{"person", "positive"}, Members: 3, Epochs: 5, Interval: interval}
		f, err := Prepare(Tables{Train: fewRows(t, 90, 1)}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		run, err := f.TrainMember(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Predictions) != len(run.Rows) || interval > 0 && len(run.Bounds) != 2*len(run.Rows) {
			t.Fatalf("there are %d predictions and %d bounds for %d rows", len(run.Predictions), len(run.Bounds), len(run.Rows))
		}
		text, err := json.Marshal(run)
		if err != nil {
			t.Fatal(err)
		}
		var again FoldRun
		if err := json.Unmarshal(text, &again); err != nil || !slices.Equal(again.Predictions, run.Predictions) || !slices.Equal(again.Bounds, run.Bounds) {
			t.Errorf("read back, the predictions are %v and the bounds %v, want %v and %v; the error is %v", again.Predictions, again.Bounds, run.Predictions, run.Bounds, err)
		}
		for _, change := range []func(r *FoldRun){
			func(r *FoldRun) { r.Predictions = r.Predictions[1:] },
			func(r *FoldRun) { r.Rows = r.Rows[1:] },
			func(r *FoldRun) { r.Bounds = append(slices.Clone(r.Bounds), 1) },
		} {
			wrong := *run
			change(&wrong)
			if text, err = json.Marshal(&wrong); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &again); err == nil || !strings.Contains(err.Error(), "which take") {
				t.Errorf("got the error %v, want one about the number of predictions or bounds", err)
			}
		}
	}
}

// One network's intervals, and those of members that share the validation rows, are of cross-fitted predictions as well.
func TestValidationIsCrossFitted(t *testing.T) {
	table, validation := fewRows(t, 60, 5), fewRows(t, 24, 6)
	for _, members := range []int{1, 3} {
		o := Options{Targets: []string{"y"}, Ignore: []string{"person", "positive"}, Members: members, Epochs: 60, Seed: 4}
		f, err := trained(context.Background(), Tables{Train: table, Validation: validation}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		of := m.Members()
		if len(of) == 0 {
			of = []*Model{m}
		}
		sum := make([]float64, 24)
		for k, own := range of {
			one := f
			if members > 1 {
				one = trainedMember(t, f, k)
			}
			for i, v := range one.runner.crossFitted(own) {
				sum[i] += v
			}
		}
		var off []float64
		for i, v := range sum {
			y, _ := validation.Number(i, 4)
			off = append(off, math.Abs(v/float64(len(of))-y))
		}
		slices.Sort(off)
		if got := m.Conformal.Targets[0].All.Kept; !slices.EqualFunc(got, off, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%d members: the errors for intervals are %v, want %v", members, got, off)
		}
	}
}
