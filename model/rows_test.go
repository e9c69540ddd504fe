package model

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
)

// claims returns a table with columns that describe its rows: the weights w, the visitors g and the days d.
func claims(t testing.TB) *data.Table {
	t.Helper()
	var cells [][]string
	for i := range 120 {
		x, z := float64(i*37%120)/12, float64(i*13%17)
		kind := "rare"
		if x+z/4 > 4 {
			kind = "common"
		}
		if i%11 == 0 { // some noise
			kind = []string{"common", "rare"}[i%2]
		}
		cells = append(cells, []string{
			fmt.Sprint(x), fmt.Sprint(z), fmt.Sprint(1 + i%3), fmt.Sprintf("visitor %d", i*i%23),
			time.Date(2024, 1, 1+i*7%120, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			fmt.Sprint(2*x + z), []string{"a", "b", "c"}[min(2, i%5)], kind,
		})
	}
	table, err := data.NewTable("claims", []string{"x", "z", "w", "g", "d", "amount", "three", "kind"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// few returns the options of a small, quick run on claims.
func few(target string) Options {
	var ignore []string
	for _, c := range []string{"amount", "three", "kind"} {
		if c != target {
			ignore = append(ignore, c)
		}
	}
	return Options{Targets: []string{target}, Ignore: append(ignore, "d"), Hidden: []int{6}, Epochs: 12, Seed: 3}
}

func mustTrain(t testing.TB, table *data.Table, o Options) (*Model, *Fit) {
	t.Helper()
	m, f, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

// Class weights are sample weights by class. The balanced weight of a class is rows / (classes · rows of the class).
func TestClassWeights(t *testing.T) {
	table, none := claims(t), 0.0
	for _, target := range []string{"kind", "three"} {
		o := few(target)
		o.Validation = &none
		classes := map[string]string{"kind": "rare=2,common=0.5", "three": "b=2,c=0.25"}[target]
		o.ClassWeight = strings.Split(classes, ",")
		m, _ := mustTrain(t, table, o)

		at := table.Index(target)
		counts, columns := map[string]float64{}, append(table.Columns(), "of class")
		var cells [][]string
		for r := range table.Rows() {
			row := make([]string, 0, len(columns))
			for c := range table.Columns() {
				row = append(row, table.Cell(r, c))
			}
			class := table.Cell(r, at)
			counts[class]++
			weight := "1"
			for _, part := range o.ClassWeight {
				if name, w, _ := strings.Cut(part, "="); name == class {
					weight = w
				}
			}
			cells = append(cells, append(row, weight))
		}
		weighted, err := data.NewTable("weighted", columns, cells)
		if err != nil {
			t.Fatal(err)
		}
		s := few(target)
		s.Validation, s.SampleWeight = &none, "of class"
		n, _ := mustTrain(t, weighted, s)
		if m.WeightsSHA256() != n.WeightsSHA256() {
			t.Errorf("%s: class weights and sample weights give other networks", target)
		}
		plain := few(target)
		plain.Validation = &none
		if p, _ := mustTrain(t, table, plain); p.WeightsSHA256() == m.WeightsSHA256() {
			t.Errorf("%s: class weights have no effect", target)
		}

		b := few(target)
		b.Validation, b.ClassWeight = &none, []string{"balanced"}
		balanced, f := mustTrain(t, table, b)
		var explicit []string
		for c, w := range f.recipe.classWeight {
			class := f.Schema.Targets[0].Classes[c]
			if want := 120 / (float64(len(counts)) * counts[class]); math.Abs(w-want) > 1e-15*want {
				t.Errorf("%s: the balanced weight of %s is %v, want %v", target, class, w, want)
			}
			explicit = append(explicit, fmt.Sprintf("%s=%v", class, w))
		}
		b.ClassWeight = explicit
		if e, _ := mustTrain(t, table, b); e.WeightsSHA256() != balanced.WeightsSHA256() {
			t.Errorf("%s: balanced weights and their numbers give other networks", target)
		}
	}
}

// Scores of a run with sample weights are weighted, and the column of weights is not an input.
func TestSampleWeights(t *testing.T) {
	table := claims(t)
	o := few("amount")
	o.SampleWeight = "w"
	m, f := mustTrain(t, table, o)
	if slices.Contains(m.Columns(), "w") {
		t.Error("the weights are an input")
	}
	for _, d := range f.Schema.Dropped {
		if d.Name == "w" && d.Reason.String() != "weighs the rows" {
			t.Errorf("w was dropped: %s", d.Reason)
		}
	}
	p, _, err := m.Predict(table)
	if err != nil {
		t.Fatal(err)
	}
	var sum, weight float64
	for _, r := range f.parts.train {
		y, _ := table.Number(r, table.Index("amount"))
		w, _ := table.Number(r, table.Index("w"))
		sum += w * (y - p[r]) * (y - p[r])
		weight += w
	}
	if got, _ := m.Training.Metrics.Train.Get("rmse"); math.Abs(got-math.Sqrt(sum/weight)) > 1e-9*got {
		t.Errorf("rmse = %v, want the weighted %v", got, math.Sqrt(sum/weight))
	}
	// Evaluate weighs the rows only if it is asked to.
	plain, err := m.Evaluate(table)
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := m.Evaluate(table, EvaluateOptions{SampleWeight: "w", Metrics: []string{"loss", "rmse"}})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := plain.Get("rmse")
	b, _ := weighted.Get("rmse")
	la, _ := plain.Get("loss")
	lb, _ := weighted.Get("loss")
	if a == b || la == lb || len(weighted.Scores) != 2 {
		t.Errorf("unweighted %v, weighted %v, want different scores", plain.Scores, weighted.Scores)
	}
}

// The metric that is named first chooses the epoch that has its best value on the validation rows. The report has this
// value.
func TestMetricChoosesTheEpoch(t *testing.T) {
	for _, c := range []struct{ target, metric string }{
		{"kind", "auc"}, {"kind", "brier"}, {"three", "accuracy"}, {"amount", "mae"}, {"amount", "r2"},
	} {
		o := few(c.target)
		part := 0.3
		o.Validation, o.Metrics, o.Epochs = &part, []string{c.metric, "loss"}, 25
		f, err := Prepare(Tables{Train: claims(t)}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		best, loss, bestEpoch := math.NaN(), 0.0, 0
		for step, err := range f.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if !step.EpochEnd {
				continue
			}
			better := step.Score == best && step.Validation < loss || bestEpoch == 0
			if metrics.HigherIsBetter(c.metric) {
				better = better || step.Score > best
			} else {
				better = better || step.Score < best
			}
			if better {
				best, loss, bestEpoch = step.Score, step.Validation, step.Epoch
			}
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := m.Training.Metrics.Validation.Get(c.metric)
		if !ok || got != best || m.Training.BestEpoch != bestEpoch || len(m.Training.Metrics.Validation.Scores) != 2 {
			t.Errorf("%s by %s: epoch %d with %v, want epoch %d with %v; %v", c.target, c.metric, m.Training.BestEpoch, got, bestEpoch, best, m.Training.Metrics.Validation.Scores)
		}
	}
}

// No group is on two sides, and later rows are held out.
func TestHeldOutByGroupAndTime(t *testing.T) {
	table, part := claims(t), 0.25
	for _, by := range []string{"g", "d"} {
		o := few("kind")
		o.Test, o.Validation = &part, &part
		if by == "g" {
			o.Group = "g"
		} else {
			o.Split = "time:d"
		}
		m, f := mustTrain(t, table, o)
		if slices.Contains(m.Columns(), "g") == (by == "g") {
			t.Errorf("by %s: the inputs are %v", by, m.Columns())
		}
		if f.Rows.Test < 20 || f.Rows.Validation < 14 || f.Rows.Train+f.Rows.Validation+f.Rows.Test != 120 {
			t.Errorf("by %s: %+v", by, f.Rows)
		}
		cell := func(r int) string { return table.Cell(r, table.Index(by)) }
		for i, earlier := range [][]int{f.parts.train, f.parts.validation} {
			for _, later := range [][]int{f.parts.validation, f.parts.test}[i:] {
				for _, a := range earlier {
					for _, b := range later {
						if by == "g" && cell(a) == cell(b) || by == "d" && cell(a) >= cell(b) {
							t.Fatalf("by %s: %s and %s are on different sides", by, cell(a), cell(b))
						}
					}
				}
			}
		}
	}
}

// The threshold is the best one on the validation rows. It is saved in the file, and it decides.
func TestThreshold(t *testing.T) {
	table, part := claims(t), 0.4
	o := few("kind")
	o.Validation, o.Threshold, o.Metrics, o.Epochs = &part, "auto:f1", []string{"auc", "f1"}, 4
	m, f := mustTrain(t, table, o)
	p, _, err := m.Predict(table)
	if err != nil {
		t.Fatal(err)
	}
	var y, positive []float64
	for _, r := range f.parts.validation {
		y = append(y, map[string]float64{"common": 0, "rare": 1}[table.Cell(r, table.Index("kind"))])
		positive = append(positive, p[2*r+1])
	}
	want, err := metrics.BestThreshold("f1", y, positive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Threshold != want || want == 0.5 {
		t.Errorf("the threshold is %v, want %v, and not one half", m.Threshold, want)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.Threshold != m.Threshold {
		t.Errorf("the file has the threshold %v", back.Threshold)
	}
	right := 0
	for r := range table.Rows() {
		class := back.Describe(p[2*r:][:2]).Class
		if decided := class == "rare"; decided != (p[2*r+1] > want) {
			t.Fatalf("p = %v is %s at the threshold %v", p[2*r+1], class, want)
		}
		if class == table.Cell(r, table.Index("kind")) {
			right++
		}
	}
	for _, c := range []struct {
		o    EvaluateOptions
		same bool
	}{{EvaluateOptions{Metrics: []string{"accuracy"}}, true}, {EvaluateOptions{Metrics: []string{"accuracy"}, Threshold: 0.97}, false}} {
		r, err := back.Evaluate(table, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := r.Get("accuracy"); (math.Abs(got-float64(right)/float64(r.Rows)) < 1e-15) != c.same {
			t.Errorf("%+v: accuracy %v of %d right in %d", c.o, got, right, r.Rows)
		}
	}
}

// The sign of a hinge's decision value decides, in all ways of predicting. Scores that need probabilities are left
// out.
func TestHinge(t *testing.T) {
	table := claims(t)
	o := few("kind")
	o.Loss = "hinge"
	m, _ := mustTrain(t, table, o)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := back.Predict(table)
	if err != nil {
		t.Fatal(err)
	}
	both := map[bool]int{}
	for r := range table.Rows() {
		x, _, err := m.Row(table, r)
		if err != nil {
			t.Fatal(err)
		}
		single := nn.NewMatrix[float32](1, len(x))
		for j, v := range x {
			single.Data[j] = float32(v)
		}
		decision := m.Network32().Predict(single).At(0, 0)
		if (decision > 0) != (back.Describe(p[2*r:][:2]).Class == "rare") || p[2*r]+p[2*r+1] != 1 {
			t.Fatalf("the decision value %v gives %v", decision, p[2*r:][:2])
		}
		both[decision > 0]++
		values := []data.Value{}
		for _, c := range back.Columns() {
			values = append(values, data.Text(table.Cell(r, table.Index(c))))
		}
		out := make([]float64, 2)
		if err := back.PredictValues(values, out); err != nil || !slices.Equal(out, p[2*r:][:2]) {
			t.Fatalf("one row gives %v, the table %v", out, p[2*r:][:2])
		}
	}
	if both[true] == 0 || both[false] == 0 {
		t.Errorf("the decisions are %v, want both classes", both)
	}
	if _, has := m.Training.Metrics.Train.Get("log_loss"); has {
		t.Error("there is a log_loss, but the outputs are not probabilities")
	}
	if _, has := m.Training.Metrics.Train.Get("auc"); !has {
		t.Error("there is no auc")
	}
}

// Every option about rows that makes no sense is refused by name.
func TestRowOptionsRefused(t *testing.T) {
	none := 0.0
	for _, c := range []struct {
		target string
		change func(*Options)
		want   string
	}{
		{"kind", func(o *Options) { o.ClassWeight = []string{"red=2"} }, `ClassWeight: "red=2" names no class; give balanced, or CLASS=X of "common", "rare"`},
		{"kind", func(o *Options) { o.ClassWeight = []string{"rare=-1"} }, `ClassWeight: "rare=-1": the weight is not a finite number of at least 0`},
		{"kind", func(o *Options) { o.ClassWeight = []string{"balanced", "rare=1"} }, `ClassWeight: "balanced" names no class`},
		{"kind", func(o *Options) { o.ClassWeight = []string{"rare=0", "common=0"} }, "the weights of all"},
		{"amount", func(o *Options) { o.ClassWeight = []string{"balanced"} }, "ClassWeight: regression has no classes to weigh"},
		{"amount", func(o *Options) { o.SampleWeight = "x y" }, `there is no column "x y" which weighs the rows`},
		{"amount", func(o *Options) { o.SampleWeight = "g" }, `claims: row 0: column "g": the cell "visitor 0" is not a weight`},
		{"amount", func(o *Options) { o.Group = "gg" }, `there is no column "gg" which groups the rows: did you mean "g"`},
		{"amount", func(o *Options) { o.Split = "last" }, `Split last: give random, which spreads classes evenly, or time:COL`},
		{"amount", func(o *Options) { o.Split, o.Group = "time:d", "g" }, "Group: rows are held out by groups or by time, not both"},
		{"amount", func(o *Options) { o.Split = "time:g" }, `the cell "visitor 0" is not a place in time`},
		{"amount", func(o *Options) { o.Metrics = []string{"auc"} }, `Metrics: there is no metric "auc" for this task; choose from loss, pinball, poisson_deviance, gamma_deviance, tweedie_deviance, rmse, mae, mape, r2`},
		{"amount", func(o *Options) { o.Threshold = "0.3" }, "Threshold: it is for two classes, and the task is regression"},
		{"kind", func(o *Options) { o.Threshold = "auto:auc" }, `Threshold: no threshold is chosen by "auc"; choose auto: and one of accuracy, balanced_accuracy, f1, f1_macro`},
		{"kind", func(o *Options) { o.Threshold = "1.5" }, `Threshold: "1.5" is not a probability between 0 and 1, nor auto:METRIC`},
		{"kind", func(o *Options) { o.Threshold, o.Validation = "auto:f1", &none }, "Threshold: it is chosen on validation rows and there are none"},
		{"kind", func(o *Options) { o.Loss, o.Metrics = "hinge", []string{"log_loss"} }, "Metrics: log_loss needs probabilities, and hinge gives decision values"},
		{"three", func(o *Options) { o.Loss = "hinge" }, "Loss: hinge tells two classes apart, and the task is multiclass"},
		{"amount", func(o *Options) { o.Loss = "hinge" }, "Loss: hinge tells two classes apart, and the task is regression"},
		{"amount", func(o *Options) { o.Loss = "focal:3" }, "Loss: focal:3 is for classes, and the task is regression: take auto, or another loss"},
		{"amount", func(o *Options) { o.Loss = "cross-entropy" }, "Loss: cross-entropy is for classes, and the task is regression"},
		{"three", func(o *Options) { o.Loss = "binary-cross-entropy" }, "a probability for each; the output is softmax: use sigmoid, or another loss"},
		{"kind", func(o *Options) { o.Loss = "poisson" }, "Loss: poisson is for amounts, and the target has classes (the task is binary): take auto, or another loss"},
		{"amount", func(o *Options) { o.Loss = "gamma" }, "the amounts of gamma must be greater than 0; the target is 0: use tweedie:1.5 where some are 0"},
	} {
		o := few(c.target)
		c.change(&o)
		_, err := Prepare(Tables{Train: claims(t)}, o, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}
