package model_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
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
