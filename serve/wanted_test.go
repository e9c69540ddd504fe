package serve

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// explaining is like served, but gives every model a background.
func explaining(t testing.TB, o Options) (*Server, map[data.Task]*model.Model) {
	t.Helper()
	o.Background = map[string]*data.Table{}
	for task := range targets {
		o.Background[string(task)] = table(t)
	}
	return served(t, o)
}

// truth is what the models themselves predict for someRows.
type truth struct {
	intervals []model.Interval
	sets      [][]string
	reasons   *model.Shapley
}

const sure = 0.75 // the level that the tests request, as a share

func trueOf(t testing.TB, m *model.Model) (v truth) {
	t.Helper()
	out, _ := want(t, m)
	var err error
	switch m.Task() {
	case data.Regression:
		v.intervals, err = m.Intervals(out, sure)
	case data.Binary, data.Multiclass:
		v.sets, err = m.Sets(out, sure)
	}
	if err != nil {
		t.Fatal(err)
	}
	var values []data.Value
	for _, row := range someRows {
		for _, name := range m.Columns() {
			value, err := data.ValueOf(row[name])
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	}
	x, err := m.Explainer(table(t), model.ShapleyOptions{Seed: 1})
	if err == nil {
		v.reasons, err = x.Explain(t.Context(), values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// parameter asks for the intervals or sets that a task can have; "" asks for none.
func parameter(task data.Task) string {
	return map[data.Task]string{data.Regression: "interval", data.Binary: "sets", data.Multiclass: "sets"}[task]
}

// Intervals from learned bounds are those of the model: each row has its own width.
func TestPredictLearnedIntervals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	o := model.Options{Targets: targets[data.Regression], Ignore: []string{"yesno", "kind", "l1", "l2"}, Hidden: []int{6}, Epochs: 30, Interval: sure}
	m, _, err := model.Train(t.Context(), table(t), o)
	if err == nil {
		err = m.Save(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := New([]Source{{"m", "1", path}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var values []data.Value
	for _, row := range someRows {
		for _, name := range m.Columns() {
			value, err := data.ValueOf(row[name])
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	}
	by := m.Bounds(sure)
	says := make([]float64, len(someRows)*by.Outputs())
	if err := by.PredictRows(values, says); err != nil {
		t.Fatal(err)
	}
	want, err := by.Intervals(says, sure)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Intervals []map[string]model.Interval }
	if w := call(t, s, "POST", fmt.Sprintf("/predict?interval=%v", sure), text(t, someRows)); json.Unmarshal(w.Body.Bytes(), &got) != nil || w.Code != 200 {
		t.Fatalf("%d: %.300s", w.Code, w.Body)
	}
	for i, row := range got.Intervals {
		for j, name := range m.Targets() {
			if row[name] != want[2*i+j] {
				t.Errorf("row %d: the interval of %s is %v, want %v", i, name, row[name], want[2*i+j])
			}
		}
	}
	if a, b := want[0], want[2*2]; len(got.Intervals) != len(someRows) || math.Abs((a.Upper-a.Lower)-(b.Upper-b.Lower)) < 1e-9 {
		t.Errorf("%d rows, and the intervals %v and %v have the same width", len(got.Intervals), a, b)
	}
}

// The answer to POST /predict has the model's intervals, sets and reasons.
func TestPredictMore(t *testing.T) {
	s, models := explaining(t, Options{})
	for task, m := range models {
		v := trueOf(t, m)
		path := fmt.Sprintf("/predict?model=%s&reasons=true", task)
		if name := parameter(task); name != "" {
			path += fmt.Sprintf("&%s=%v", name, sure)
		}
		var got struct {
			Predictions []map[string]any
			Intervals   []map[string]model.Interval
			Sets        [][]string
			Reasons     []map[string]struct {
				Base    float64
				Columns map[string]float64
			}
		}
		w := call(t, s, "POST", path, text(t, someRows))
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%s: got %d, %v: %.300s, want no error and status 200", task, w.Code, err, w.Body)
		}
		if len(got.Predictions) != len(someRows) || len(got.Reasons) != len(someRows) {
			t.Fatalf("%s: got %s, want len(got.Predictions) = len(someRows) and len(got.Reasons) = len(someRows)", task, w.Body)
		}
		for i, in := range v.intervals {
			j := i % len(m.Targets())
			if own := got.Intervals[i/len(m.Targets())][m.Targets()[j]]; own != in {
				t.Errorf("%s: interval %d is %v, want %v", task, i, own, in)
			}
		}
		if fmt.Sprint(got.Sets) != fmt.Sprint(v.sets) {
			t.Errorf("%s: got the sets %v, want %v", task, got.Sets, v.sets)
		}
		for i, row := range v.reasons.Rows {
			for k, name := range v.reasons.Outputs {
				own := got.Reasons[i][name]
				if own.Base != v.reasons.Base[k] || len(own.Columns) != len(m.Columns()) {
					t.Errorf("%s, row %d: %v", task, i, own)
				}
				for c, column := range m.Columns() {
					if own.Columns[column] != row.Values[k][c] {
						t.Errorf("%s, row %d: the reason of %s is %v, want %v", task, i, column, own.Columns[column], row.Values[k][c])
					}
				}
			}
		}
		// One row gives a list of one.
		one := answer(t, call(t, s, "POST", path, text(t, someRows[1])))
		if text(t, one["predictions"].([]any)[0]) != text(t, got.Predictions[1]) || len(one["reasons"].([]any)) != 1 {
			t.Errorf(`%s: got %v, want text(t, one["predictions"].([]any)[0]) = text(t, got.Predictions[1]) and len(one["reasons"].([]any)) = 1`, task, one)
		}
	}
	page := call(t, s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`gradus_asked_rows_total{model="regression",version="1",for="interval"} 5`, `gradus_asked_rows_total{model="binary",version="1",for="sets"} 5`,
		`gradus_asked_rows_total{model="multilabel",version="1",for="reasons"} 5`,
	} {
		if !strings.Contains(page, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	// The page offers what each model can answer.
	form := call(t, s, "GET", "/", "").Body.String()
	if strings.Count(form, `value="reasons"`) != 4 || strings.Count(form, `value="sets"`) != 2 || strings.Count(form, `value="interval"`) != 1 {
		t.Errorf("the page does not offer what each model can answer: %s", form)
	}
}

// An inference request gets intervals, sets and reasons as tensors, in JSON and in binary: all of them, or those that it
// names.
func TestInferMore(t *testing.T) {
	s, models := explaining(t, Options{})
	for task, m := range models {
		v := trueOf(t, m)
		numbers, shapes := map[string][]float64{}, map[string]string{}
		n, targets, columns := len(someRows), len(m.Targets()), len(m.Columns())
		for _, in := range v.intervals {
			numbers["lower"], numbers["upper"] = append(numbers["lower"], in.Lower), append(numbers["upper"], in.Upper)
		}
		shapes["lower"], shapes["upper"] = fmt.Sprint([]int{n, targets}), fmt.Sprint([]int{n, targets})
		for _, set := range v.sets {
			for _, class := range m.Classes() {
				in := 0.0
				for _, c := range set {
					if c == class {
						in = 1
					}
				}
				numbers["set"] = append(numbers["set"], in)
			}
		}
		shapes["set"] = fmt.Sprint([]int{n, len(m.Classes())})
		outputs := len(v.reasons.Outputs)
		for _, row := range v.reasons.Rows {
			numbers["base"] = append(numbers["base"], v.reasons.Base...)
			for _, values := range row.Values {
				numbers["reasons"] = append(numbers["reasons"], values...)
			}
		}
		shapes["base"], shapes["reasons"] = fmt.Sprint([]int{n, outputs}), fmt.Sprint([]int{n, outputs, columns})

		parameters := map[string]any{"reasons": true}
		if name := parameter(task); name != "" {
			parameters[name] = sure
		}
		for _, asBinary := range []bool{false, true} {
			for _, named := range []bool{false, true} {
				request := map[string]any{"inputs": tensors(), "parameters": parameters}
				parameters["binary_data_output"] = asBinary
				names := numbers
				if named {
					request["outputs"] = []any{map[string]any{"name": "reasons"}}
					names = map[string][]float64{"reasons": numbers["reasons"]}
				}
				w := call(t, s, "POST", fmt.Sprintf("/v2/models/%s/infer", task), text(t, request))
				body, tail := w.Body.Bytes(), []byte(nil)
				if asBinary {
					length, err := strconv.Atoi(w.Header().Get(headerLength))
					if err != nil {
						t.Fatalf("%s: %v: %s", task, err, body)
					}
					body, tail = body[:length], body[length:]
				}
				got, gotShapes := readTensors(t, body, tail)
				for name, numbers := range names {
					if text(t, got[name]) != text(t, numbers) || gotShapes[name] != shapes[name] {
						t.Errorf("%s, binary %v: %s %s is %v, want %s %v", task, asBinary, name, gotShapes[name], got[name], shapes[name], numbers)
					}
				}
				if named && len(got) != 1 {
					t.Errorf("%s: got the outputs %v, want only reasons", task, gotShapes)
				}
			}
		}
	}
}

// readTensors reads the outputs of an answer as numbers, and their shapes; texts are left out.
func readTensors(t testing.TB, body, tail []byte) (numbers map[string][]float64, shapes map[string]string) {
	t.Helper()
	var answer struct {
		Outputs []struct {
			Name, Datatype string
			Shape          []int
			Data           []any
			Parameters     struct {
				Size int `json:"binary_data_size"`
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	numbers, shapes = map[string][]float64{}, map[string]string{}
	for _, o := range answer.Outputs {
		raw := tail[:o.Parameters.Size]
		tail = tail[o.Parameters.Size:]
		shapes[o.Name] = fmt.Sprint(o.Shape)
		if o.Datatype == "BYTES" {
			continue
		}
		numbers[o.Name] = nil
		for _, v := range o.Data {
			switch v := v.(type) {
			case float64:
				numbers[o.Name] = append(numbers[o.Name], v)
			case bool:
				numbers[o.Name] = append(numbers[o.Name], map[bool]float64{true: 1}[v])
			}
		}
		for i := 0; i < len(raw); {
			if o.Datatype == "BOOL" {
				numbers[o.Name] = append(numbers[o.Name], float64(raw[i]))
				i++
				continue
			}
			numbers[o.Name] = append(numbers[o.Name], math.Float64frombits(binary.LittleEndian.Uint64(raw[i:])))
			i += 8
		}
	}
	return numbers, shapes
}

// A request that a model cannot answer is refused with a sentence that names the parameter.
func TestMoreRefused(t *testing.T) {
	plain, _ := served(t, Options{})
	s, _ := explaining(t, Options{MaxReasons: 3})
	row := text(t, someRows[0])
	for _, c := range []struct {
		s          *Server
		path, body string
		status     int
		words      string
	}{
		{s, "/predict?model=regression&interval=2", row, 400, "interval is 2: give a share between 0 and 1"},
		{s, "/predict?model=regression&sets=much&reasons=2&interval=wide", row, 400, `interval is "wide", which is not a number`}, // the first of three
		{s, "/predict?model=regression&interval=0", row, 400, "interval is 0: give a share between 0 and 1"},
		{s, "/predict?model=regression&interval=high", row, 400, `interval is "high", which is not a number`},
		{s, "/predict?model=regression&interval=0.999", row, 400, "interval is 0.999: it takes at least 999 validation rows"},
		{s, "/predict?model=regression&sets=0.5", row, 400, "sets: they are for classes"},
		{s, "/predict?model=binary&interval=0.5", row, 400, "interval: it is for amounts"},
		{s, "/predict?model=multilabel&sets=0.5", row, 400, "sets: they are for classes"},
		{s, "/predict?model=binary&reasons=please", row, 400, `reasons is "please": give true or false`},
		{s, "/predict?model=binary&counts=7", row, 400, `counts is "7": give true or false`},
		{s, "/predict?model=binary&reasons=true", text(t, someRows), 413, "reasons of 4 rows, and this server gives those of 3"},
		{plain, "/predict?model=binary&reasons=true", row, 400, "start the server with a background table, ideally the training table"},
		{s, "/v2/models/regression/infer", `"parameters":{"interval":"0.5"}`, 400, "interval is 0.5, which is not a number"},
		{s, "/v2/models/regression/infer", `"parameters":{"reasons":1}`, 400, "reasons is 1: give true or false"},
		{s, "/v2/models/regression/infer", `"parameters":{"sets":0.5}`, 400, "sets: they are for classes"},
		{s, "/v2/models/regression/infer", `"outputs":[{"name":"reasons"}]`, 400, `no output "reasons"; the model has variable, and with the parameters`},
	} {
		if strings.HasPrefix(c.path, "/v2") { // the body is what follows the inputs
			c.body = strings.TrimSuffix(text(t, map[string]any{"inputs": tensors()}), "}") + "," + c.body + "}"
		}
		w := call(t, c.s, "POST", c.path, c.body)
		var v struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != c.status || !strings.Contains(v.Error, c.words) {
			t.Errorf("%s %.80s: got %d %s, want %d with %q", c.path, c.body, w.Code, w.Body, c.status, c.words)
		}
	}
}

// A server does not start with a background that does not fit its model or belongs to none. The error says so in a
// sentence.
func TestBackgroundRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	train(t, data.Binary, 1, path)
	other, err := data.NewTable("other", []string{"x"}, [][]string{{"1"}, {"2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		of   *data.Table
		want string
	}{{"m", other, "other as its background"}, {"n", table(t), "background of a model n, and there is no such model; the models are m"}} {
		_, err := New([]Source{{"m", "1", path}}, Options{Background: map[string]*data.Table{c.name: c.of}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
