package serve

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table returns a table with inputs of every kind and targets of every task.
func table(t testing.TB) *data.Table {
	t.Helper()
	columns := []string{"x", "color", "flag", "day", "amount", "other", "yesno", "kind", "l1", "l2"}
	var cells [][]string
	for i := range 80 {
		x := float64(i*37%80) / 10
		row := []string{
			fmt.Sprint(x), []string{"red", "green", "dark blue"}[i%3], []string{"yes", "no"}[i/3%2],
			time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			fmt.Sprint(3*x - 1.5), fmt.Sprint(1000 - x), []string{"no", "yes"}[i%2], []string{"a", "b", `c "quoted"`}[i*37%80/27], fmt.Sprint(i % 2), fmt.Sprint(i / 2 % 2),
		}
		if i%9 == 4 {
			row[0], row[1] = "", "NA"
		}
		cells = append(cells, row)
	}
	table, err := data.NewTable("mixed", columns, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var targets = map[data.Task][]string{
	data.Regression: {"amount", "other"}, data.Binary: {"yesno"}, data.Multiclass: {"kind"}, data.Multilabel: {"l1", "l2"},
}

// train trains a model of a task with a seed and saves it.
func train(t testing.TB, task data.Task, seed uint64, path string) *model.Model {
	t.Helper()
	o := model.Options{Targets: targets[task], Hidden: []int{6}, Epochs: 3, Seed: seed}
	for other, names := range targets {
		if other != task {
			o.Ignore = append(o.Ignore, names...)
		}
	}
	m, _, err := model.Train(context.Background(), table(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return m
}

// served returns a server with one model for each task, named like the task, and the models.
func served(t testing.TB, o Options) (*Server, map[data.Task]*model.Model) {
	t.Helper()
	dir := t.TempDir()
	models := map[data.Task]*model.Model{}
	var sources []Source
	for task := range targets {
		path := filepath.Join(dir, string(task)+".safetensors")
		models[task] = train(t, task, 1, path)
		sources = append(sources, Source{string(task), "1", path})
	}
	s, err := New(sources, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, models
}

// someRows are rows with values of the types that JSON has.
var someRows = []map[string]any{
	{"x": 1.25, "color": "red", "flag": true, "day": "2024-02-03"},
	{"x": nil, "color": "dark blue", "flag": "no", "day": "2024-03-01", "not a column": 7.0},
	{"x": -3.0, "color": nil, "flag": nil, "day": nil},
	{"x": "4.5", "color": "never seen", "flag": 1.0, "day": "2023-12-31"},
}

// want returns what a model predicts for someRows.
func want(t testing.TB, m *model.Model) (out []float64, said []model.Prediction) {
	t.Helper()
	for _, row := range someRows {
		p, err := m.PredictRow(row)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, p)
		if p.Values != nil {
			out = append(out, p.Values...)
		} else {
			out = append(out, p.Probabilities...)
		}
	}
	return out, said
}

// call sends a request to a handler. Headers come in pairs.
func call(t testing.TB, s http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// answer decodes the JSON of an answer, whose status must be 200.
func answer(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("got the status %d, %v, want 200: %.300s", w.Code, err, w.Body)
	}
	return v
}

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEveryWay: every kind of request gives the model's own prediction, for every task.
func TestEveryWay(t *testing.T) {
	s, models := served(t, Options{})
	for task, m := range models {
		out, said := want(t, m)
		same := func(way string, got []float64) {
			t.Helper()
			if len(got) != len(out) {
				t.Fatalf("%s, %s: got %d numbers, want %d", task, way, len(got), len(out))
			}
			for i := range out {
				if math.Float64bits(got[i]) != math.Float64bits(out[i]) {
					t.Errorf("%s, %s: number %d is %v, want %v", task, way, i, got[i], out[i])
				}
			}
		}
		sameLabels := func(way string, got []string) {
			t.Helper()
			var labels []string
			for _, p := range said {
				if p.Labels != nil {
					labels = append(labels, p.Labels...)
				} else {
					labels = append(labels, p.Class)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(labels) {
				t.Errorf("%s, %s: got the labels %q, want %q", task, way, got, labels)
			}
		}

		// The protocol in JSON.
		path := "/v2/models/" + string(task) + "/infer"
		v := answer(t, call(t, s, "POST", path, text(t, map[string]any{"id": "7", "inputs": tensors(), "parameters": map[string]any{"counts": true}})))
		if v["id"] != "7" || v["model_name"] != string(task) || v["model_version"] != "1" {
			t.Errorf(`%s: got %v, want v["id"] = "7" and v["model_name"] = string(task) and v["model_version"] = "1"`, task, v)
		}
		counts := v["parameters"].(map[string]any)
		if counts["missing"] != 4.0 || counts["missing.x"] != 1.0 || counts["unseen"] != 1.0 || counts["unseen.color"] != 1.0 {
			t.Errorf("%s: got the counts %v, want 4 missing and 1 unseen", task, counts)
		}
		for _, o := range v["outputs"].([]any) {
			o := o.(map[string]any)
			if o["name"] == "label" {
				var labels []string
				for _, l := range o["data"].([]any) {
					labels = append(labels, l.(string))
				}
				sameLabels("v2", labels)
				continue
			}
			var got []float64
			for _, x := range o["data"].([]any) {
				got = append(got, x.(float64))
			}
			same("v2", got)
		}

		// The protocol in binary, both ways.
		header, tail := binaryRequest(t)
		for _, packed := range []string{"", "gzip", "deflate"} {
			w := call(t, s, "POST", path, pack(t, packed, header+tail), headerLength, strconv.Itoa(len(header)), "Content-Encoding", packed)
			n, err := strconv.Atoi(w.Header().Get(headerLength))
			if err != nil || w.Code != 200 {
				t.Fatalf("%s: got the status %d, %v, want 200: %.300s", task, w.Code, err, w.Body)
			}
			raw := w.Body.Bytes()
			var said struct {
				Outputs []struct {
					Name       string
					Shape      []int
					Parameters map[string]int
				}
			}
			if err := json.Unmarshal(raw[:n], &said); err != nil {
				t.Fatal(err)
			}
			raw = raw[n:]
			for _, o := range said.Outputs {
				part := raw[:o.Parameters["binary_data_size"]]
				raw = raw[len(part):]
				if o.Name == "label" {
					var labels []string
					for len(part) > 0 {
						n := binary.LittleEndian.Uint32(part)
						labels, part = append(labels, string(part[4:4+n])), part[4+n:]
					}
					sameLabels("binary", labels)
					continue
				}
				got := make([]float64, len(part)/8)
				if _, err := binary.Decode(part, binary.LittleEndian, got); err != nil {
					t.Fatal(err)
				}
				same("binary", got)
			}
			if len(raw) > 0 {
				t.Errorf("%d bytes are left, want 0", len(raw))
			}
		}

		// Rows as objects, one and several.
		v = answer(t, call(t, s, "POST", "/predict?counts=true&model="+string(task), text(t, someRows)))
		var got []float64
		var labels []string
		for i, row := range v["predictions"].([]any) {
			row := row.(map[string]any)
			single := answer(t, call(t, s, "POST", "/predict?model="+string(task), text(t, someRows[i])))
			if text(t, single) != text(t, row) {
				t.Errorf("%s: the answer for a row is %v alone and %v among others", task, single, row)
			}
			p, _ := row["probabilities"].(map[string]any)
			names := m.Classes()
			if names == nil {
				names = m.Targets()
			}
			for _, name := range names {
				if p != nil {
					got = append(got, p[name].(float64))
				} else {
					got = append(got, row[name].(float64))
				}
			}
			for _, y := range m.Targets() {
				if p != nil {
					labels = append(labels, row[y].(string))
				}
			}
		}
		same("plain", got)
		if task != data.Regression {
			sameLabels("plain", labels)
		}

		// The short answers.
		short := func(v map[string]any) string { return text(t, v["predictions"]) }
		one := short(answer(t, call(t, s, "POST", "/v1/models/"+string(task)+":predict", text(t, map[string]any{"instances": someRows}))))
		var lists [][]any
		for _, row := range someRows {
			lists = append(lists, []any{row["day"], "ignored", row["flag"], row["color"], row["x"]})
		}
		split := map[string]any{"columns": []string{"day", "another", "flag", "color", "x"}, "data": lists}
		for way, body := range map[string]any{
			"dataframe_split": split, "dataframe_records": someRows, "instances": someRows, "inputs": someRows,
		} {
			if two := short(answer(t, call(t, s, "POST", "/invocations?model="+string(task), text(t, map[string]any{way: body})))); two != one {
				t.Errorf("%s, %s: got %s, want %s", task, way, two, one)
			}
		}
		var expected []any
		for _, p := range said {
			switch {
			case p.Labels != nil:
				expected = append(expected, p.Labels)
			case p.Values != nil:
				expected = append(expected, p.Values)
			default:
				expected = append(expected, p.Class)
			}
		}
		if one != text(t, expected) {
			t.Errorf("%s: got %s, want %s", task, one, text(t, expected))
		}
	}
}

// started serves on a real port until the test ends, and returns the server's URL.
func started(t testing.TB, s http.Handler) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL
}
