package model_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// mixed returns a table with inputs of every kind and targets of every task.
func mixed(t testing.TB) *data.Table {
	t.Helper()
	columns := []string{"x", "z", "color", "flag", "day", "amount", "other", "yesno", "kind", "l1", "l2"}
	var cells [][]string
	for i := range 80 {
		x := float64(i*37%80) / 10
		row := []string{
			fmt.Sprint(x), fmt.Sprint(i * 13 % 17), []string{"red", "green", "blue"}[i%3], []string{"yes", "no"}[i/3%2],
			time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			fmt.Sprint(3*x - 1.5), fmt.Sprint(1000 - x), []string{"no", "yes"}[i%2], []string{"a", "b", "c"}[i*37%80/27], fmt.Sprint(i % 2), fmt.Sprint(i / 2 % 2),
		}
		if i%9 == 4 {
			row[1], row[2] = "", "NA"
		}
		cells = append(cells, row)
	}
	table, err := data.NewTable("mixed", columns, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// tasks holds the targets of each task.
var tasks = map[data.Task][]string{
	data.Regression: {"amount", "other"}, data.Binary: {"yesno"}, data.Multiclass: {"kind"}, data.Multilabel: {"l1", "l2"},
}

// fit trains a small model.
func fit(t testing.TB, task data.Task, precision string) *model.Model {
	t.Helper()
	var ignore []string
	for _, targets := range tasks {
		if !slices.Equal(targets, tasks[task]) {
			ignore = append(ignore, targets...)
		}
	}
	m, _, err := model.Train(context.Background(), mixed(t), model.Options{
		Targets: tasks[task], Ignore: ignore, Precision: precision, Hidden: []int{7, 5}, Epochs: 3, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.Task() != task || m.Precision() != precision {
		t.Fatalf("trained %s in %s", m.Task(), m.Precision())
	}
	return m
}

func save(t testing.TB, m *model.Model) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func everyTask(t *testing.T, f func(t *testing.T, m *model.Model)) {
	for task := range tasks {
		for _, precision := range []string{"float32", "float64"} {
			t.Run(string(task)+" "+precision, func(t *testing.T) { f(t, fit(t, task, precision)) })
		}
	}
}

// TestRoundTrip: what was saved is what is loaded, to the bit.
func TestRoundTrip(t *testing.T) {
	everyTask(t, func(t *testing.T, m *model.Model) {
		path := save(t, m)
		again, err := model.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		table := mixed(t)
		before, _, err := m.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		after, counts, err := again.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, after) || len(before) != 80*m.Outputs() {
			t.Error("the predictions differ")
		}
		if counts.Imputed() == 0 || counts.Unseen() != 0 {
			t.Errorf("got the counts %+v, want imputed cells and no unseen level", counts)
		}
		if again.WeightsSHA256() != m.WeightsSHA256() || again.Precision() != m.Precision() || again.Loss != m.Loss || again.Parameters() != m.Parameters() {
			t.Error("the loaded model is another one")
		}
		if fmt.Sprint(again.Training.Rows, again.Training.Epochs, again.Training.Reason, again.Training.Loss) != fmt.Sprint(m.Training.Rows, m.Training.Epochs, m.Training.Reason, m.Training.Loss) {
			t.Errorf("the loaded model has another training record: %+v", again.Training)
		}
		// Saved again, the file is the same.
		one, _ := os.ReadFile(path)
		two, _ := os.ReadFile(save(t, again))
		if string(one) != string(two) {
			t.Error("the file changes when it is saved again")
		}
	})
}

// TestShapedRun: a model that was trained with every option that shapes the updates, or by a solver, is saved and
// loaded like any other. It keeps the options that it was trained with.
func TestShapedRun(t *testing.T) {
	decay := 0.1
	for _, o := range []model.Options{
		{Optimizer: "lion", WeightDecay: &decay, L1: 1e-4, L2: 1e-3, MaxNorm: 2, ClipNorm: 1, ClipValue: 0.5, EMA: 0.9, LabelSmoothing: 0.1,
			Schedule: "one-cycle", Warmup: 2, Epochs: 6},
		{Optimizer: "lbfgs", L2: 1e-3, EMA: 0.5, Epochs: 6},
		{Optimizer: "cg", Epochs: 6},
	} {
		o.Targets, o.Hidden = []string{"kind"}, []int{7}
		m, _, err := model.Train(context.Background(), mixed(t), o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := model.Load(save(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if again.WeightsSHA256() != m.WeightsSHA256() || fmt.Sprintf("%+v", again.Training.History) != fmt.Sprintf("%+v", m.Training.History) {
			t.Errorf("%s: the loaded model is another one", o.Optimizer)
		}
		got := again.Options
		if got.Optimizer != o.Optimizer || got.L1 != o.L1 || got.L2 != o.L2 || got.MaxNorm != o.MaxNorm || got.ClipNorm != o.ClipNorm ||
			got.ClipValue != o.ClipValue || got.EMA != o.EMA || got.LabelSmoothing != o.LabelSmoothing || got.Warmup != o.Warmup ||
			(got.WeightDecay == nil) != (o.WeightDecay == nil) {
			t.Errorf("%s: trained with %+v, but the loaded options are %+v", o.Optimizer, o, got)
		}
		if want := "mini-batch"; o.Optimizer == "lion" && got.Method != want || o.Optimizer != "lion" && got.Method != "batch" {
			t.Errorf("%s: the method is %s", o.Optimizer, got.Method)
		}
	}
}

// TestWaysOfPredicting: Predict, PredictValues and PredictRow agree.
func TestWaysOfPredicting(t *testing.T) {
	everyTask(t, func(t *testing.T, m *model.Model) {
		table := mixed(t)
		all, _, err := m.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		row, out := make([]data.Value, len(m.Columns())), make([]float64, m.Outputs())
		for r := range table.Rows() {
			named := map[string]any{}
			for j, name := range m.Columns() {
				row[j] = data.Text(table.Cell(r, table.Index(name)))
				named[name] = table.Cell(r, table.Index(name))
			}
			want := all[r*m.Outputs():][:m.Outputs()]
			if err := m.PredictValues(row, out); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(out, want) {
				t.Fatalf("row %d: got %v, want the %v of Predict", r, out, want)
			}
			p, err := m.PredictRow(named)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Concat(p.Values, p.Probabilities); !slices.Equal(got, want) {
				t.Fatalf("row %d: got %v, want the %v of Predict", r, got, want)
			}
			sum := 0.0
			for _, x := range p.Probabilities {
				sum += x
			}
			if (m.Task() == data.Binary || m.Task() == data.Multiclass) && math.Abs(sum-1) > 1e-6 {
				t.Fatalf("row %d: the probabilities sum to %v", r, sum)
			}
		}
	})
}

// TestPredictValuesAllocatesNothing: PredictValues does not allocate, even with texts, times and missing values.
func TestPredictValuesAllocatesNothing(t *testing.T) {
	everyTask(t, func(t *testing.T, m *model.Model) {
		out := make([]float64, m.Outputs())
		for _, row := range [][]data.Value{
			{data.Number(1.5), data.Number(3), data.Text("red"), data.Bool(true), data.Time(time.Unix(1.7e9, 0))},
			{data.Text("1.5"), data.Missing(), data.Text("mauve"), data.Text("no"), data.Text("2024-02-29")},
		} {
			if n := testing.AllocsPerRun(100, func() {
				if err := m.PredictValues(row, out); err != nil {
					t.Fatal(err)
				}
			}); n != 0 && !raceEnabled {
				t.Errorf("%v allocations, want 0", n)
			}
		}
	})
}

// TestManyGoroutines: many goroutines share one model. The race detector sees whether they may.
func TestManyGoroutines(t *testing.T) {
	everyTask(t, func(t *testing.T, m *model.Model) {
		row := func(i int) []data.Value {
			return []data.Value{data.Number(float64(i)), data.Missing(), data.Text("red"), data.Bool(i%2 == 0), data.Missing()}
		}
		const n = 16
		want := make([][]float64, n)
		for i := range want {
			want[i] = make([]float64, m.Outputs())
			if err := m.PredictValues(row(i), want[i]); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				out := make([]float64, m.Outputs())
				for range 50 {
					if err := m.PredictValues(row(i), out); err != nil || !slices.Equal(out, want[i]) {
						t.Errorf("goroutine %d: got %v, want %v (%v)", i, out, want[i], err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

func TestPredictRowRefuses(t *testing.T) {
	m := fit(t, data.Binary, "float32")
	good := func() map[string]any {
		return map[string]any{"x": 1, "z": float32(2), "color": "red", "flag": true, "day": time.Now()}
	}
	if _, err := m.PredictRow(good()); err != nil {
		t.Fatal(err)
	}
	for word, change := range map[string]func(map[string]any){
		`"x"`:                func(r map[string]any) { delete(r, "x") },
		"[]int":              func(r map[string]any) { r["x"] = []int{1} },
		`"long"`:             func(r map[string]any) { r["x"] = "long" },
		"is not a boolean":   func(r map[string]any) { r["flag"] = "perhaps" },
		"is not a date":      func(r map[string]any) { r["day"] = 7 },
		"is not a finite":    func(r map[string]any) { r["x"] = math.Inf(1) },
		`"1e400" is not a f`: func(r map[string]any) { r["z"] = "1e400" },
	} {
		r := good()
		change(r)
		if _, err := m.PredictRow(r); !errors.Is(err, model.ErrRow) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got %v, want an error that wraps model.ErrRow and contains these words", word, err)
		}
	}
	more := good()
	more["shape"] = "round" // not a column of the model: a record may have extra ones
	if _, err := m.PredictRow(more); err != nil {
		t.Error(err)
	}
	for _, v := range []any{nil, math.NaN(), int8(1), uint64(2), "NA", data.Number(3), data.Missing()} {
		r := good()
		r["x"] = v
		if _, err := m.PredictRow(r); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	if err := m.PredictValues(make([]data.Value, 5), make([]float64, 1)); !errors.Is(err, model.ErrRow) {
		t.Errorf("room for too few outputs: got %v, want ErrRow", err)
	}
	if err := m.PredictValues(make([]data.Value, 4), make([]float64, 2)); err == nil {
		t.Error("too few values are accepted")
	}
}

func TestLoadErrors(t *testing.T) {
	const text, other = "this is a text file, such as a table, and not a model", "safetensors file"
	cases := map[string]string{filepath.Join(t.TempDir(), "none.safetensors"): "there is no such file", t.TempDir(): "", "model_test.go": text}
	utf16, big := "", ""
	for _, c := range "name,älter\nx,1\n" {
		utf16 += string([]byte{byte(c), 0})
		big += string([]byte{0, byte(c)})
	}
	dir := t.TempDir()
	for name, c := range map[string]struct{ raw, words string }{
		"latin1": {"name,\xe4lter\nx,1\n", text}, "utf16": {utf16, text}, "big": {big, text}, "marked": {"\xff\xfe" + utf16, text}, "bigmarked": {"\xfe\xff" + big, text},
		"png": {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", other}, "gzip": {"\x1f\x8b\x08\x00\x00\x00\x00\x00", other}, "length": {"\x40\x00\x00\x00\x00\x00\x00\x00{}", other},
		"short": {"\x01\x00\x02\x00\x03\x00", other}, "empty": {"", other},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.raw), 0o666); err != nil {
			t.Fatal(err)
		}
		cases[path] = c.words
	}
	for path, words := range cases {
		_, err := model.Load(path)
		if !errors.Is(err, model.ErrFile) || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want an error that wraps ErrFile, begins with %q and contains %q", err, path+": ", words)
		}
	}
}

// TestSaveFails: a Save that fails leaves no file behind.
func TestSaveFails(t *testing.T) {
	m := fit(t, data.Binary, "float32")
	dir := t.TempDir()
	if err := m.Save(dir); err == nil {
		t.Error("a model was saved in place of a folder")
	}
	if err := m.Save(filepath.Join(dir, "none", "m.safetensors")); err == nil {
		t.Error("a model was saved in a folder that does not exist")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("the files %v are left behind", left)
	}
}

// TestContinue: the loop of a Fit can be left and entered again, and ends in the same bits.
func TestContinue(t *testing.T) {
	prepare := func() *model.Fit {
		f, err := model.Prepare(model.Tables{Train: mixed(t)}, model.Options{Targets: []string{"kind"}, Hidden: []int{7}, Epochs: 6, Seed: 3}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	finish := func(f *model.Fit) string {
		for _, err := range f.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		return m.WeightsSHA256()
	}
	whole, broken := prepare(), prepare()
	for range 9 {
		for step, err := range broken.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if step.N%2 == 0 {
				break
			}
		}
	}
	if finish(whole) != finish(broken) {
		t.Error("a run that was left and entered again ends in other weights")
	}
}

// TestTrainDiverges: the model of a run that diverged has the last finite weights.
func TestTrainDiverges(t *testing.T) {
	rate := 1e30
	m, _, err := model.Train(context.Background(), mixed(t), model.Options{Targets: []string{"amount"}, LearningRate: &rate, Seed: 1})
	var diverged *train.DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("got %v, want a DivergedError", err)
	}
	if _, err := model.Load(save(t, m)); err != nil {
		t.Error(err)
	}
}

// Refuse is called before a network is made, and its error ends Prepare.
func TestRefuse(t *testing.T) {
	table, err := data.NewTable("t.csv", []string{"a", "y"}, [][]string{{"1", "2"}, {"2", "3"}, {"4", "4"}, {"3", "6"}})
	if err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	var size model.Size
	_, err = model.Prepare(model.Tables{Train: table}, model.Options{Hidden: []int{30_000, 30_000}, Scale: data.ScaleNone, Method: "batch", Refuse: func(n model.Size) error { size = n; return no }}, nil)
	if want := (model.Size{Parameters: 900_120_001, Inputs: 1, Outputs: 1, Rows: 4, Training: 4, Batch: 4}); !errors.Is(err, no) || size != want {
		t.Errorf("Refuse got %+v, want %+v; Prepare returned %v", size, want, err)
	}
}

// TestPredictNumbers: rows of numbers get the predictions, or the error, of the same rows as values.
func TestPredictNumbers(t *testing.T) {
	iris, err := data.Read("../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]data.Kind{"petal_width_cm": data.KindCategory}
	for i, o := range []model.Options{{Members: 1}, {Members: 3}, {Members: 1, Precision: "float64", Scale: "none"}, {Members: 1, Types: levels}} {
		o.Hidden, o.Epochs = []int{4}, 2
		m, _, err := model.Train(t.Context(), iris, o)
		if err != nil {
			t.Fatal(err)
		}
		columns := len(m.Columns())
		for _, n := range []int{0, 1, 2, 300, 1500} {
			for _, wild := range []float64{1, math.NaN(), 1e300, math.Inf(1)} {
				numbers, values := make([]float64, n*columns), make([]data.Value, n*columns)
				for i := range numbers {
					numbers[i] = float64(i*37%80)/10 - 1
					if i%11 == 3 {
						numbers[i] = math.NaN()
					}
				}
				if n > 0 {
					numbers[len(numbers)-1] = wild
					numbers[len(numbers)/3] = wild
				}
				for i, v := range numbers {
					values[i] = data.Number(v)
				}
				for _, o := range []model.PredictOptions{{}, {Strict: true}} {
					got, want := make([]float64, n*m.Outputs()), make([]float64, n*m.Outputs())
					errGot, errWant := m.PredictNumbers(numbers, got, o), m.PredictRows(values, want, o)
					if fmt.Sprint(errGot) != fmt.Sprint(errWant) {
						t.Fatalf("model %d, %d rows, %v, %+v: PredictNumbers fails with %v, want %v", i, n, wild, o, errGot, errWant)
					}
					if errWant == nil && !slices.Equal(got, want) {
						t.Errorf("model %d, %d rows, %v, %+v: PredictNumbers differs from PredictRows", i, n, wild, o)
					}
				}
			}
		}
	}
}

// TestPredictRows: many rows at once are predicted as each by itself, and an error names its row.
func TestPredictRows(t *testing.T) {
	everyTask(t, func(t *testing.T, m *model.Model) {
		table := mixed(t)
		columns := m.Columns()
		for _, n := range []int{0, 1, 2, 80, 300, 1500} {
			rows := make([]data.Value, 0, n*len(columns))
			for i := range n {
				for _, c := range columns {
					rows = append(rows, data.Text(table.Cell(i%80, table.Index(c))))
				}
			}
			out, one := make([]float64, n*m.Outputs()), make([]float64, m.Outputs())
			if err := m.PredictRows(rows, out); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				if err := m.PredictValues(rows[i*len(columns):][:len(columns)], one); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(one, out[i*len(one):][:len(one)]) {
					t.Fatalf("row %d of %d: got %v, want the %v of the row by itself", i, n, out[i*len(one):][:len(one)], one)
				}
			}
			if n > 1 {
				rows[len(rows)-len(columns)] = data.Text("word")
				if err := m.PredictRows(rows, out); !errors.Is(err, model.ErrRow) || !strings.Contains(err.Error(), fmt.Sprintf("row %d: ", n-1)) {
					t.Errorf("a word in place of a number: got %v, want ErrRow that names the row", err)
				}
			}
		}
	})
}
