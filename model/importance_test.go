package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/metrics"
)

// The importance is the change of the score when the column is shuffled in the table.
func TestImportance(t *testing.T) {
	table := claims(t)
	for _, c := range []struct{ target, metric string }{{"kind", ""}, {"kind", "log_loss"}, {"amount", ""}, {"amount", "loss"}, {"three", "auc"}} {
		m, _ := mustTrain(t, table, few(c.target))
		o := ImportanceOptions{Repeats: 3, Seed: 7}
		if c.metric != "" {
			o.Metrics = []string{c.metric}
		}
		var runs []*Importance
		for _, threads := range []int{1, 3} {
			o.Threads = threads
			got, err := m.Importance(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, got)
		}
		got := runs[0]
		if fmt.Sprint(got) != fmt.Sprint(runs[1]) {
			t.Errorf("%v: the results change with the number of threads", c)
		}
		if want := map[string]string{"kind": "accuracy", "amount": "r2"}[c.target]; c.metric == "" && got.Metric != want {
			t.Errorf("%v: the metric is %s, want the default of the task", c, got.Metric)
		}
		base, err := m.Evaluate(table, EvaluateOptions{Metrics: []string{got.Metric}})
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := base.Get(got.Metric); math.Abs(b-got.Score) > 1e-12*math.Abs(b) {
			t.Errorf("%v: the score is %v, want %v", c, got.Score, b)
		}
		// If some columns are known already, only the others are measured.
		o.Known = map[string][]float64{}
		for _, col := range got.Columns[:len(got.Columns)/2] {
			o.Known[col.Name] = col.Drops
		}
		o.Done = func(column string, drops []float64) error {
			if o.Known[column] != nil {
				t.Errorf("%v: %s is measured again, or twice", c, column)
			}
			o.Known[column] = drops
			return nil
		}
		if again, err := m.Importance(context.Background(), table, o); err != nil || fmt.Sprint(again) != fmt.Sprint(got) || len(o.Known) != len(got.Columns) {
			t.Errorf("%v: continued, it gives %v (%v)\nwant %v", c, again, err, got)
		}
		full := errors.New("full")
		o.Known, o.Done = nil, func(string, []float64) error { return full }
		if _, err := m.Importance(context.Background(), table, o); err != full {
			t.Errorf("%v: got %v, want the error of the full journal", c, err)
		}
		for _, col := range got.Columns {
			place := slices.Index(m.Columns(), col.Name)
			perm := make([]int, table.Rows())
			for r := range 3 {
				rng.Perm(perm, 7, rng.Permute, uint64(place)<<24|uint64(r))
				var cells [][]string
				for row := range table.Rows() {
					var line []string
					for i, name := range table.Columns() {
						from := row
						if name == col.Name {
							from = perm[row]
						}
						line = append(line, table.Cell(from, i))
					}
					cells = append(cells, line)
				}
				shuffled, err := data.NewTable("shuffled", table.Columns(), cells)
				if err != nil {
					t.Fatal(err)
				}
				report, err := m.Evaluate(shuffled, EvaluateOptions{Metrics: []string{got.Metric}})
				if err != nil {
					t.Fatal(err)
				}
				v, _ := report.Get(got.Metric)
				want := got.Score - v
				if !metrics.HigherIsBetter(got.Metric) {
					want = -want
				}
				if math.Abs(col.Drops[r]-want) > 1e-9 {
					t.Errorf("%v: %s, shuffle %d: %v, want %v", c, col.Name, r, col.Drops[r], want)
				}
			}
		}
		if !slices.IsSortedFunc(got.Columns, func(a, b ColumnImportance) int { return int(math.Copysign(1, b.Mean-a.Mean)) }) {
			t.Errorf("%v: the most important column is not first: %v", c, got.Columns)
		}
	}
	m, _ := mustTrain(t, table, few("kind"))
	for want, o := range map[string]ImportanceOptions{
		"Metrics: importance is measured by one metric, and 2 are named": {EvaluateOptions: EvaluateOptions{Metrics: []string{"auc", "f1"}}},
		`Metrics: there is no metric "rmse" for this task`:               {EvaluateOptions: EvaluateOptions{Metrics: []string{"rmse"}}},
		"Repeats -1: give a whole number of at least 1":                  {Repeats: -1},
		`there is no column "v" which weighs the rows`:                   {EvaluateOptions: EvaluateOptions{SampleWeight: "v"}},
	} {
		if _, err := m.Importance(context.Background(), table, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
