package model_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// memberOptions returns the options of a small ensemble on the table mixed.
func memberOptions(task data.Task, members int) model.Options {
	o := model.Options{Targets: tasks[task], Members: members, Hidden: []int{7, 5}, Epochs: 3, Seed: 1}
	for _, targets := range tasks {
		if !slices.Equal(targets, tasks[task]) {
			o.Ignore = append(o.Ignore, targets...)
		}
	}
	return o
}

func fitMembers(t testing.TB, o model.Options) (*model.Model, *model.Fit) {
	t.Helper()
	m, f, err := model.Train(context.Background(), mixed(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

// An ensemble predicts the mean of its members' predictions, for a table, for one row and for many. It predicts the
// same after it is saved and loaded.
func TestEnsemblePredicts(t *testing.T) {
	for task := range tasks {
		for _, precision := range []string{"float32", "float64"} {
			t.Run(string(task)+" "+precision, func(t *testing.T) {
				o := memberOptions(task, 3)
				o.Precision = precision
				m, _ := fitMembers(t, o)
				table := mixed(t)
				if m.Task() != task || m.Precision() != precision || len(m.Members()) != 3 {
					t.Fatalf("got the task %s in %s with %d members, want 3 members", m.Task(), m.Precision(), len(m.Members()))
				}
				got, counts, err := m.Predict(table)
				if err != nil || counts.Imputed() == 0 || counts.Unseen() != 0 {
					t.Fatalf("got %v %v, want no error and counts.Imputed() != 0 and counts.Unseen() = 0", counts, err)
				}
				want := make([]float64, len(got))
				for _, member := range m.Members() {
					p, _, err := member.Predict(table)
					if err != nil {
						t.Fatal(err)
					}
					for i, v := range p {
						want[i] += v
					}
				}
				for i := range want {
					want[i] /= 3
				}
				if !slices.Equal(got, want) {
					t.Error("the prediction is not the mean of the members'")
				}
				var values []data.Value
				for row := range table.Rows() {
					for _, name := range m.Columns() {
						values = append(values, data.Text(table.Cell(row, table.Index(name))))
					}
				}
				many, one := make([]float64, len(got)), make([]float64, m.Outputs())
				if err := m.PredictRows(values, many); err != nil || !slices.Equal(many, got) {
					t.Error("PredictRows differs from Predict", err)
				}
				n := len(m.Columns())
				for row := range table.Rows() {
					if err := m.PredictValues(values[row*n:][:n], one); err != nil || !slices.Equal(one, got[row*len(one):][:len(one)]) {
						t.Fatal("PredictValues differs from Predict", err)
					}
				}
				if !raceEnabled {
					if n := testing.AllocsPerRun(100, func() { m.PredictValues(values[:n], one) }); n != 0 {
						t.Errorf("PredictValues allocates %v times", n)
					}
					if n := testing.AllocsPerRun(100, func() { m.PredictRows(values, many) }); n != 0 {
						t.Errorf("PredictRows allocates %v times", n)
					}
				}
				path := save(t, m)
				again, err := model.Load(path)
				if err != nil {
					t.Fatal(err)
				}
				if p, _, err := again.Predict(table); err != nil || !slices.Equal(p, got) || again.WeightsSHA256() != m.WeightsSHA256() {
					t.Error("the loaded model is another one", err)
				}
				one1, _ := os.ReadFile(path)
				two, _ := os.ReadFile(save(t, again))
				if !bytes.Equal(one1, two) {
					t.Error("the file changes when it is written again")
				}
				if _, err := nn.Read[float32](bytes.NewReader(one1)); !errors.Is(err, nn.ErrFile) || !strings.Contains(err.Error(), "several networks") {
					t.Errorf("nn.Read returns %v, want an error about several networks", err)
				}
				for _, at := range []int{len(one1) - 1, len(one1) - 200, len(one1) / 2} {
					bad := slices.Clone(one1)
					bad[at] ^= 1
					if _, err := model.Read(bytes.NewReader(bad)); !errors.Is(err, model.ErrFile) {
						t.Errorf("a flipped bit at %d: got %v, want ErrFile", at, err)
					}
				}
				if _, err := model.Read(bytes.NewReader(one1[:len(one1)-40])); !errors.Is(err, model.ErrFile) {
					t.Errorf("a file that is cut short: got %v, want ErrFile", err)
				}
			})
		}
	}
}

// A member is a run of one network on its training rows, scored on its fold. An out-of-fold prediction comes from
// members that have not seen the row.
func TestMembersAreHonest(t *testing.T) {
	table := mixed(t)
	for _, members := range []int{2, 5, 11} { // 11 members have 6 folds, drawn twice
		m, f := fitMembers(t, memberOptions(data.Multiclass, members))
		if got := m.Training.Rows; got != (model.Rows{Train: 80}) || f.Members() != members {
			t.Errorf("%d members have the rows %+v", members, got)
		}
		seen := map[uint64]bool{}
		validation := 0
		for k, member := range m.Members() {
			seed := member.Options.Seed
			if want := rng.Uint64(1, rng.Member, uint64(k), 0) >> 32; k == 0 && seed != 1 || k > 0 && seed != want || seen[seed] {
				t.Errorf("member %d has the seed %d", k, seed)
			}
			seen[seed] = true
			r := member.Training.Rows
			if r.Train+r.Validation != 80 || r.Validation == 0 || r.Test != 0 {
				t.Errorf("member %d has the rows %+v", k, r)
			}
			validation += r.Validation
		}
		if members < 9 && validation != 80 {
			t.Errorf("%d rows are in a fold", validation)
		}
		j, err := f.OutOfFold(m)
		if err != nil || j.What != "out-of-fold" || len(j.Rows) != 80 || !slices.IsSorted(j.Rows) {
			t.Fatalf(`got %v %v, want no error and j.What = "out-of-fold" and len(j.Rows) = 80 and slices.IsSorted(j.Rows)`, j, err)
		}
		whole := make([][]float64, members)
		for k, member := range m.Members() {
			if whole[k], _, err = member.Predict(table); err != nil {
				t.Fatal(err)
			}
		}
		if members > 8 {
			continue
		}
		// Each row's prediction comes from the one member that has not seen it.
		used := map[int]int{}
		for i := range j.Rows {
			says, found := j.Says[3*i:][:3], -1
			for k := range whole {
				if slices.Equal(whole[k][3*i:][:3], says) {
					found = k
				}
			}
			used[found]++
		}
		for k, member := range m.Members() {
			if used[k] != member.Training.Rows.Validation {
				t.Errorf("member %d predicts %d rows out of fold, want the %d of its fold", k, used[k], member.Training.Rows.Validation)
			}
		}
		right := 0.0
		for i, y := range j.Truth {
			says := j.Says[3*i:][:3]
			if slices.Index(says, slices.Max(says)) == int(y) {
				right++
			}
		}
		if got, _ := m.Training.Metrics.OutOfFold.Get("accuracy"); got != right/80 {
			t.Errorf("the out-of-fold accuracy is %v, and %v of 80 are right", got, right)
		}
		if best, of := m.Training.Metrics.Best(); best != m.Training.Metrics.OutOfFold || of != "out-of-fold" {
			t.Errorf("the most honest scores are those of %s, want out-of-fold", of)
		}
	}
}

// The loss of an ensemble is at most about the mean of its members' losses, and equals the loss that training reported.
func TestEnsembleLoss(t *testing.T) {
	for task := range tasks {
		m, _ := fitMembers(t, memberOptions(task, 3))
		table := mixed(t)
		e, err := m.Evaluate(table)
		if err != nil {
			t.Fatal(err)
		}
		loss, _ := e.Get("loss")
		mean := 0.0 // of the members' losses: cross-entropies and squares are convex
		for _, member := range m.Members() {
			e, err := member.Evaluate(table)
			if err != nil {
				t.Fatal(err)
			}
			own, _ := e.Get("loss")
			mean += own / 3
		}
		if !(loss > 0 && loss <= mean*1.05) { // the members of a regression scale the target differently
			t.Errorf("%s: the loss is %v, want at most about the members' mean of %v", task, loss, mean)
		}
		trained, _ := m.Training.Metrics.Train.Get("loss")
		if math.Abs(trained-loss) > 1e-12 {
			t.Errorf("%s: the training rows have the loss %v in training and %v afterwards", task, trained, loss)
		}
		if name := map[data.Task]string{data.Binary: "log_loss", data.Multiclass: "log_loss"}[task]; name != "" {
			if v, _ := e.Get(name); math.Abs(v-loss) > 1e-6 {
				t.Errorf("%s: the loss is %v and %s %v", task, loss, name, v)
			}
		}
	}
}

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

// If the validation rows are given, are the last in time or are few, all members share them.
func TestMembersShareValidationRows(t *testing.T) {
	for name, change := range map[string]func(*model.Options, *model.Tables){
		"a part":  func(o *model.Options, _ *model.Tables) { v := 0.25; o.Validation = &v },
		"none":    func(o *model.Options, _ *model.Tables) { v := 0.0; o.Validation = &v },
		"in time": func(o *model.Options, _ *model.Tables) { o.Split = "time:day" },
		"a table": func(o *model.Options, t *model.Tables) { t.Validation = t.Train },
	} {
		t.Run(name, func(t *testing.T) {
			o, tables := memberOptions(data.Regression, 3), model.Tables{Train: mixed(t)}
			change(&o, &tables)
			f, err := model.Prepare(tables, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range f.Strides(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
			}
			m, err := f.Model()
			if err != nil {
				t.Fatal(err)
			}
			if m.Training.Metrics.OutOfFold != nil || (m.Training.Metrics.Validation == nil) != (name == "none") {
				t.Errorf("got the scores %+v, want validation scores where there are such rows, and none out of fold", m.Training.Metrics)
			}
			for k, member := range m.Members() {
				if member.Training.Rows != m.Training.Rows {
					t.Errorf("member %d has the rows %+v, want the %+v of the ensemble", k, member.Training.Rows, m.Training.Rows)
				}
			}
			if m.Members()[0].WeightsSHA256() == m.Members()[1].WeightsSHA256() {
				t.Error("two members are the same")
			}
			o.Members = 0
			f, err = model.Prepare(tables, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range f.Strides(context.Background()) {
			}
			if one, err := f.Model(); err != nil || one.WeightsSHA256() != m.Members()[0].WeightsSHA256() {
				t.Error("the first member differs from the single network of the same call", err)
			}
		})
	}
}

// Groups stay whole in the folds of the members. If there are more members than groups, folds are drawn again.
func TestMembersOfGroups(t *testing.T) {
	o := memberOptions(data.Regression, 4)
	o.Group = "color" // red, green and blue, and NA in some rows, which is refused
	if _, _, err := model.Train(context.Background(), mixed(t), o); err == nil {
		t.Fatal("a row without a group is accepted")
	}
	o.Group = "kind"
	o.Ignore = slices.DeleteFunc(o.Ignore, func(name string) bool { return name == "kind" })
	m, f := fitMembers(t, o)
	j, err := f.OutOfFold(m)
	if err != nil || len(j.Rows) != 80 {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	table := mixed(t)
	for row := range table.Rows() {
		sizes[table.Cell(row, table.Index("kind"))]++
	}
	for k, member := range m.Members() {
		whole := false
		for _, n := range sizes {
			whole = whole || n == member.Training.Rows.Validation
		}
		if !whole {
			t.Errorf("the fold of member %d has %d rows, want the size of one of the groups %v", k, member.Training.Rows.Validation, sizes)
		}
	}
}

// A cross-validation trains an ensemble in each fold.
func TestCrossValidateMembers(t *testing.T) {
	o := memberOptions(data.Binary, 3)
	cv, err := model.CrossValidate(context.Background(), model.Tables{Train: mixed(t)}, o, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range cv.Folds {
		if len(m.Members()) != 3 || m.Training.Metrics.Test == nil || m.Training.Metrics.OutOfFold == nil || m.Training.Rows.Train+m.Training.Rows.Test != 80 {
			t.Errorf("fold %d: %d members, rows %+v", i, len(m.Members()), m.Training.Rows)
		}
	}
}

// Options that no ensemble can have are refused in one sentence.
func TestMembersRefused(t *testing.T) {
	m, _ := fitMembers(t, memberOptions(data.Binary, 2))
	file, err := model.LoadWeights(save(t, m))
	if err != nil {
		t.Fatal(err)
	}
	for want, try := range map[string]func() error{
		"Members -2: give a whole number of at least 1": func() error {
			o := memberOptions(data.Binary, -2)
			_, _, err := model.Train(context.Background(), mixed(t), o)
			return err
		},
		"Members: hinge gives decision values": func() error {
			o := memberOptions(data.Binary, 2)
			o.Loss = "hinge"
			_, _, err := model.Train(context.Background(), mixed(t), o)
			return err
		},
		"an ensemble of 2 members begins anew": func() error {
			_, err := model.Prepare(model.Tables{Train: mixed(t)}, memberOptions(data.Binary, 2), file)
			return err
		},
		"are those of several networks": func() error {
			_, err := model.Prepare(model.Tables{Train: mixed(t)}, memberOptions(data.Binary, 0), file)
			return err
		},
	} {
		if err := try(); !errors.Is(err, model.ErrOptions) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

// Shapley values and dependence curves of an ensemble explain the ensemble's prediction. The values,
// exact or sampled, add up to it. A curve is the mean prediction with the column's cell replaced in every row.
func TestEnsembleReasons(t *testing.T) {
	for _, task := range []data.Task{data.Regression, data.Multiclass} {
		m, _ := fitMembers(t, memberOptions(task, 3))
		table := mixed(t)
		says, _, err := m.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"exact", "permutation"} {
			s, err := m.Shapley(context.Background(), table, model.ShapleyOptions{Rows: []int{3, 0}, BackgroundRows: 10, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range s.Rows {
				for k := range s.Outputs {
					sum := s.Base[k]
					for _, v := range r.Values[k] {
						sum += v
					}
					if want := says[r.Row*len(s.Outputs)+k]; math.Abs(sum-want) > 1e-9*max(1, math.Abs(want)) || math.Abs(r.Prediction[k]-want) > 1e-6*max(1, math.Abs(want)) {
						t.Errorf("%s: the values of row %d add up to %v, want the prediction %v", method, r.Row, sum, want)
					}
				}
			}
		}
		p, err := m.Partial(context.Background(), table, "x", model.PartialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		row, out := make([]data.Value, len(m.Columns())), make([]float64, m.Outputs())
		for at, cell := range p.At {
			mean := make([]float64, m.Outputs())
			for r := range table.Rows() {
				for c, name := range m.Columns() {
					if row[c] = data.Text(table.Cell(r, table.Index(name))); name == "x" {
						row[c] = data.Number(cell)
					}
				}
				if err := m.PredictValues(row, out); err != nil {
					t.Fatal(err)
				}
				for k, v := range out {
					mean[k] += v / float64(table.Rows())
				}
			}
			for k, want := range mean {
				if math.Abs(p.Mean[k][at]-want) > 1e-9*max(1, math.Abs(want)) {
					t.Errorf("at x = %v the curve of output %d is at %v, want the mean prediction %v", cell, k, p.Mean[k][at], want)
				}
			}
		}
		if _, err := m.Shapley(context.Background(), table, model.ShapleyOptions{LogOdds: true}); task == data.Multiclass && !errors.Is(err, model.ErrOptions) {
			t.Errorf("log-odds of a mean: got %v, want ErrOptions", err)
		}
	}
}

// The importance of a column is how much worse the ensemble's score is with its cells shuffled.
func TestEnsembleImportance(t *testing.T) {
	for _, metric := range []string{"accuracy", "loss"} {
		o := memberOptions(data.Multiclass, 3)
		o.Epochs = 60
		m, _ := fitMembers(t, o)
		table := mixed(t)
		e, err := m.Evaluate(table)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := e.Get(metric)
		i, err := m.Importance(context.Background(), table, model.ImportanceOptions{EvaluateOptions: model.EvaluateOptions{Metrics: []string{metric}}})
		if err != nil || math.Abs(i.Score-want) > 1e-12 || i.Columns[0].Name != "x" || !(i.Columns[0].Mean > 0.1) {
			t.Errorf("%s: got %+v, %v, want x first and the score %v of Evaluate", metric, i, err, want)
		}
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

// A class with a single row is noted once. The note says what becomes of the row: a single model trains on it, but the
// member whose fold it is in does not. One note names all such classes.
func TestNoteOfLonelyClasses(t *testing.T) {
	for _, c := range []struct {
		lonely  int
		options model.Options
		want    string
	}{
		{1, model.Options{}, `The class "lone0" has a single row, which is kept in training.`},
		{1, model.Options{Members: 5}, `The class "lone0" has a single row, which the member whose fold it is in does not train on.`},
		{1, model.Options{Members: 3, Validation: new(0.2)}, `The class "lone0" has a single row, which is kept in training.`},
		{12, model.Options{Members: 5}, `12 classes have a single row each, which the member whose fold it is in does not train on: "lone0", "lone1", "lone10", "lone11", "lone2", "lone3", "lone4", "lone5" and 4 more.`},
		{0, model.Options{Members: 5}, ""},
		{1, model.Options{Members: 5, Group: "g"}, ""},
	} {
		var text strings.Builder
		text.WriteString("a,g,y\n")
		for i := range 200 {
			class := []string{"u", "v"}[i%2]
			if i < c.lonely {
				class = fmt.Sprint("lone", i)
			}
			fmt.Fprintf(&text, "%d.5,%d,%s\n", i*37%101, i%20, class)
		}
		table, err := data.ReadFrom(strings.NewReader(text.String()), "t.csv", data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.options.Epochs, c.options.Hidden, c.options.Seed = 1, []int{2}, 1
		f, err := model.Prepare(model.Tables{Train: table}, c.options, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range f.Notes {
			if s := n.String(); strings.Contains(s, "single row") {
				got = append(got, s)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%d lonely classes, %d members: noted %q, want %q", c.lonely, c.options.Members, got, c.want)
		}
	}
}
