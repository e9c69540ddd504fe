package serve

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table has inputs of every kind and targets of every task.
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

// train makes a model of a task with a seed and saves it.
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

// served is a server of a model of each task, named as the task, and the models.
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

// someRows are rows as JSON and as typed values.
var someRows = []map[string]any{
	{"x": 1.25, "color": "red", "flag": true, "day": "2024-02-03"},
	{"x": nil, "color": "dark blue", "flag": "no", "day": "2024-03-01", "not a column": 7.0},
	{"x": -3.0, "color": nil, "flag": nil, "day": nil},
	{"x": "4.5", "color": "never seen", "flag": 1.0, "day": "2023-12-31"},
}

// want is what a model predicts of someRows.
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

// answer decodes the JSON of an answer that must be 200.
func answer(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("status %d, %v: %.300s", w.Code, err, w.Body)
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

// tensors are someRows as an inference request has them.
func tensors() []map[string]any {
	var list []map[string]any
	for _, c := range []struct{ name, kind string }{{"day", "BYTES"}, {"x", "FP64"}, {"color", "BYTES"}, {"flag", "BYTES"}} {
		var values []any
		for _, row := range someRows {
			v := row[c.name]
			if b, ok := v.(bool); ok {
				v = strconv.FormatBool(b)
			}
			if f, ok := v.(float64); ok && c.kind == "BYTES" {
				v = fmt.Sprint(f)
			}
			values = append(values, v)
		}
		list = append(list, map[string]any{"name": c.name, "datatype": c.kind, "shape": []int{len(values), 1}, "data": values})
	}
	return list
}

// TestEveryWay: every way to ask gives what the model itself says, for every task.
func TestEveryWay(t *testing.T) {
	s, models := served(t, Options{})
	for task, m := range models {
		out, said := want(t, m)
		same := func(way string, got []float64) {
			t.Helper()
			if len(got) != len(out) {
				t.Fatalf("%s, %s: %d numbers, want %d", task, way, len(got), len(out))
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
				t.Errorf("%s, %s: labels %q, want %q", task, way, got, labels)
			}
		}

		// The protocol in JSON.
		path := "/v2/models/" + string(task) + "/infer"
		v := answer(t, call(t, s, "POST", path, text(t, map[string]any{"id": "7", "inputs": tensors(), "parameters": map[string]any{"counts": true}})))
		if v["id"] != "7" || v["model_name"] != string(task) || v["model_version"] != "1" {
			t.Errorf("%s: %v", task, v)
		}
		counts := v["parameters"].(map[string]any)
		if counts["missing"] != 4.0 || counts["missing.x"] != 1.0 || counts["unseen"] != 1.0 || counts["unseen.color"] != 1.0 {
			t.Errorf("%s: counts %v", task, counts)
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
				t.Fatalf("%s: status %d, %v: %.300s", task, w.Code, err, w.Body)
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
				t.Errorf("%d bytes are left", len(raw))
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
				t.Errorf("%s: alone %v, among others %v", task, single, row)
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
				t.Errorf("%s, %s: %s, want %s", task, way, two, one)
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
			t.Errorf("%s: %s, want %s", task, one, text(t, expected))
		}
	}
}

// binaryRequest is someRows with the binary extension: doubles, texts, and everything asked for in
// binary.
func binaryRequest(t testing.TB) (header, tail string) {
	t.Helper()
	var b []byte
	list := tensors()
	for _, in := range list {
		before := len(b)
		for _, v := range in["data"].([]any) {
			if in["datatype"] == "FP64" {
				x := math.NaN()
				switch v := v.(type) {
				case float64:
					x = v
				case string:
					x, _ = strconv.ParseFloat(v, 64)
				}
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
				continue
			}
			s, _ := v.(string)
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		delete(in, "data")
		in["parameters"] = map[string]any{"binary_data_size": len(b) - before}
	}
	return text(t, map[string]any{"inputs": list, "parameters": map[string]any{"binary_data_output": true}}), string(b)
}

func pack(t testing.TB, how, s string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	default:
		return s
	}
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestMatrix: a model of numbers takes one tensor for all columns, of any type of number.
func TestMatrix(t *testing.T) {
	iris, err := data.Read("../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), iris, model.Options{Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "iris.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	s, err := New([]Source{{"iris", "1", path}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 3)
	if err := m.PredictValues([]data.Value{data.Number(5), data.Number(3), data.Number(2), data.Number(1)}, out); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"FP64", "FP32", "INT64", "INT8", "UINT16"} {
		v := answer(t, call(t, s, "POST", "/v2/models/iris/infer", `{"inputs":[{"name":"input-0","shape":[2,4],"datatype":"`+kind+`","data":[[5,3,2,1],[5,3,2,1]]}],"outputs":[{"name":"probabilities"}]}`))
		p := v["outputs"].([]any)[0].(map[string]any)["data"]
		if text(t, p) != text(t, append(out, out...)) {
			t.Errorf("%s: %v, want %v twice", kind, p, out)
		}
	}
	for kind, raw := range map[string]string{"INT32": "\x05\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00", "UINT8": "\x05\x03\x02\x01", "INT16": "\x05\x00\x03\x00\x02\x00\x01\x00"} {
		header := fmt.Sprintf(`{"inputs":[{"name":"all","shape":[1,4],"datatype":"%s","parameters":{"binary_data_size":%d}}],"outputs":[{"name":"probabilities"}]}`, kind, len(raw))
		v := answer(t, call(t, s, "POST", "/v2/models/iris/infer", header+raw, headerLength, strconv.Itoa(len(header))))
		if p := v["outputs"].([]any)[0].(map[string]any)["data"]; text(t, p) != text(t, out) {
			t.Errorf("%s: %v, want %v", kind, p, out)
		}
	}
	if v := answer(t, call(t, s, "POST", "/predict", `[[5,3,2,1]]`)); text(t, v["predictions"].([]any)[0].(map[string]any)["probabilities"].(map[string]any)["setosa"]) != text(t, out[0]) {
		t.Errorf("a row as a list: %v", v)
	}
}

// TestMetadata: what the server says of itself and its models.
func TestMetadata(t *testing.T) {
	s, models := served(t, Options{Version: "v9"})
	if v := answer(t, call(t, s, "GET", "/v2", "")); v["name"] != "gradus" || v["version"] != "v9" {
		t.Error(v)
	}
	for task, m := range models {
		v := answer(t, call(t, s, "GET", "/v2/models/"+string(task)+"/versions/1", ""))
		if n := len(v["inputs"].([]any)); n != len(m.Columns()) || v["platform"] != "gradus" || text(t, v["versions"]) != `["1"]` {
			t.Errorf("%s: %v", task, v)
		}
		for _, path := range []string{"/v2/models/" + string(task) + "/ready", "/v1/models/" + string(task)} {
			if v := answer(t, call(t, s, "GET", path, "")); v["ready"] != true {
				t.Errorf("%s: %v", path, v)
			}
		}
	}
	if v := answer(t, call(t, s, "GET", "/v1/models", "")); len(v["models"].([]any)) != 4 {
		t.Error(v)
	}
	if v := answer(t, call(t, s, "GET", "/openapi.json", "")); v["openapi"] != "3.1.0" || v["paths"].(map[string]any)["/v1/models/binary:predict"] == nil {
		t.Error(v)
	}
	if w := call(t, s, "GET", "/", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `data-model="binary"`) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the page: %d %.200s", w.Code, w.Body)
	}
	for _, file := range []string{"page.js", "page.css"} {
		if w := call(t, s, "GET", "/page/"+file, ""); w.Code != 200 || w.Body.Len() < 100 {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
	if w := call(t, s, "POST", "/v2/repository/index", "{}"); w.Code != 200 || strings.Count(w.Body.String(), "READY") != 4 {
		t.Errorf("index: %d %s", w.Code, w.Body)
	}
}

// TestRefusals: each wrong request is answered with a status and one sentence.
func TestRefusals(t *testing.T) {
	s, _ := served(t, Options{MaxBody: 2000, MaxRows: 5})
	infer, row := "/v2/models/binary/infer", `{"x":1,"color":"red","flag":true,"day":"2024-02-03"}`
	input := func(parts string) string { return `{"inputs":[` + parts + `]}` }
	for _, c := range []struct {
		method, path, body string
		status             int
		words              string
		headers            []string
	}{
		{"GET", "/nothing", "", 404, "nothing at GET /nothing", nil},
		{"GET", "/v2/models/none", "", 404, `no model "none"`, nil},
		{"GET", "/v2/models/binary/versions/7", "", 404, `of version "7"`, nil},
		{"GET", "/page/x.js", "", 404, `"x.js"`, nil},
		{"POST", "/v1/models/binary:explain", "{}", 404, "POST /v1/models/M:predict", nil},
		{"POST", "/v1/models/none:predict", "{}", 404, `no model "none"`, nil},
		{"POST", "/v1/models/binary:predict", "{}", 400, `no "instances"`, nil},
		{"POST", "/v1/models/binary:predict", `{"instances":[7]}`, 400, "row 0 is neither", nil},
		{"POST", "/v1/models/binary:predict", `{"instances":[[1,2]]}`, 400, "row 0 has 2 values", nil},
		{"POST", "/v1/models/binary:predict", `{"instances":7}`, 400, "not the JSON that was expected", nil},
		{"POST", "/predict", row, 400, "several models", nil},
		{"POST", "/predict?model=none", row, 404, `no model "none"`, nil},
		{"POST", "/predict?model=binary", "", 400, "the body is empty", nil},
		{"POST", "/predict?model=binary", "7", 400, "not the JSON", nil},
		{"POST", "/predict?model=binary", row + "x", 400, "something follows", nil},
		{"POST", "/predict?model=binary", `{"x":1}`, 400, `no value for the column "color"`, nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "1,", `"word",`, 1), 400, `row 0: column "x": the value "word" is not a number`, nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "1,", `"inf",`, 1), 400, `not a finite`, nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "1,", `[1],`, 1), 400, `column "x" holds an object or a list`, nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "1,", `1e999,`, 1), 400, "JSON", nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "true", `"maybe"`, 1), 400, `column "flag"`, nil},
		{"POST", "/predict?model=binary", strings.Replace(row, "2024-02-03", `3rd of May`, 1), 400, `column "day"`, nil},
		{"POST", "/predict?model=binary", "[" + strings.Repeat(row+",", 5) + row + "]", 413, "6 rows, and this server takes 5", nil},
		{"POST", "/predict?model=binary", strings.Repeat(" ", 2001) + row, 413, "2000 bytes", nil},
		{"POST", "/predict?model=binary", pack(t, "gzip", strings.Repeat(" ", 1e6)+row), 413, "2000 bytes", []string{"Content-Encoding", "gzip"}},
		{"POST", "/predict?model=binary", row, 400, "not gzip", []string{"Content-Encoding", "gzip"}},
		{"POST", "/predict?model=binary", row, 400, "not deflate", []string{"Content-Encoding", "deflate"}},
		{"POST", "/predict?model=binary", pack(t, "gzip", row)[:40], 400, "cannot be read", []string{"Content-Encoding", "gzip"}},
		{"POST", "/predict?model=binary", row, 415, `"br"`, []string{"Content-Encoding", "br"}},
		{"POST", "/predict?model=binary", row, 403, "refused", []string{"Origin", "http://evil.example"}},
		{"POST", "/predict?model=binary", row, 421, "not called", []string{"Host", "evil.example"}},
		{"POST", "/invocations?model=binary", "{}", 400, "dataframe_split", nil},
		{"POST", "/invocations?model=binary", `{"dataframe_split":{"columns":["x"],"data":[[1]]}}`, 400, `lack "color"`, nil},
		{"POST", "/invocations?model=binary", `{"dataframe_split":{"columns":["x","x"],"data":[[1]]}}`, 400, `"x" comes twice`, nil},
		{"POST", "/invocations?model=binary", `{"dataframe_split":{"columns":["x","color","flag","day"],"data":[[1]]}}`, 400, "row 0 has 1 values", nil},
		{"POST", infer, "", 400, "the body is empty", nil},
		{"POST", infer, "{}", 400, "no inputs", nil},
		{"POST", infer, "[]", 400, "not the JSON", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1]}`), 400, `no input "color"`, nil},
		{"POST", infer, input(`{"name":"z","shape":[1],"datatype":"FP64","data":[1]}`), 400, `no input "z"`, nil},
		{"POST", infer, input(`{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2]}`), 400, "takes [N] or [N, 1]", nil},
		{"POST", infer, input(`{"name":"x","shape":[-1],"datatype":"FP64","data":[1]}`), 400, "the shape [-1]", nil},
		{"POST", infer, input(`{"name":"x","shape":[],"datatype":"FP64","data":[1]}`), 400, "the shape []", nil},
		{"POST", infer, input(`{"name":"x","shape":[1000000000],"datatype":"FP64","data":[1]}`), 413, "1000000000 rows", nil},
		{"POST", infer, input(`{"name":"x","shape":[2],"datatype":"FP64","data":[1]}`), 400, "1 elements, not 2", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1,2]}`), 400, "2 elements, not 1", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP16","data":[1]}`), 400, `datatype "FP16"`, nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":7}`), 400, "no list of data", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[{}]}`), 400, "an object among its data", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1]},{"name":"x","shape":[1],"datatype":"FP64","data":[1]}`), 400, `"x" comes twice`, nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1]},{"name":"day","shape":[2],"datatype":"BYTES","data":["",""]}`), 400, "has 2 rows", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":8}}`), 400, "0 bytes of binary data are left", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":-1}}`), 400, "binary_data_size of -1", nil},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1],"parameters":{"binary_data_size":0}}`), 400, "give one of them", nil},
		{"POST", infer, "{}", 400, headerLength, []string{headerLength, "3"}},
		{"POST", infer, "{}", 400, headerLength, []string{headerLength, "-1"}},
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1]}`) + "rest", 400, "4 bytes follow", []string{headerLength, "66"}},
	} {
		w := call(t, s, c.method, c.path, c.body, c.headers...)
		var v struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != c.status || !strings.Contains(v.Error, c.words) {
			t.Errorf("%s %s %.80s: %d %s, want %d with %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.words)
		}
		if w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no request id", c.method, c.path)
		}
	}
	for _, raw := range []string{"\x05\x00\x00\x00ab", "\x01", "\x00\x00\x00\x00\x00", "\xff\xff\xff\xff"} {
		header := fmt.Sprintf(`{"inputs":[{"name":"color","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]}`, len(raw))
		if w := call(t, s, "POST", infer, header+raw, headerLength, strconv.Itoa(len(header))); w.Code != 400 {
			t.Errorf("%q: %d %s", raw, w.Code, w.Body)
		}
	}
}

// TestToken: with a token nothing but health is answered without it.
func TestToken(t *testing.T) {
	s, _ := served(t, Options{Token: "secret", AnyHost: true})
	for _, path := range []string{"/v2", "/metrics", "/", "/openapi.json", "/v1/models"} {
		if w := call(t, s, "GET", path, "", "Host", "models.example"); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s without a token: %d %v", path, w.Code, w.Header())
		}
		if w := call(t, s, "GET", path, "", "Authorization", "Bearer wrong"); w.Code != 401 {
			t.Errorf("%s with a wrong token: %d", path, w.Code)
		}
		if w := call(t, s, "GET", path, "", "Host", "models.example", "Authorization", "Bearer secret"); w.Code != 200 {
			t.Errorf("%s with the token: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/v2/health/live", "/v2/health/ready"} {
		if w := call(t, s, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// started serves on a real port until the test ends.
func started(t *testing.T, s http.Handler) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL
}

// TestBusy: beyond the limit requests are refused at once, to be sent again; slow clients cannot
// hold a place for ever, and their places come free.
func TestBusy(t *testing.T) {
	s, _ := served(t, Options{MaxRequests: 2, BodyTimeout: 300 * time.Millisecond})
	url := started(t, s)
	var slow []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /predict?model=binary HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
		slow = append(slow, c)
	}
	row := `{"x":1,"color":"red","flag":true,"day":"2024-02-03"}`
	post := func() *http.Response {
		r, err := http.Post(url+"/predict?model=binary", "application/json", strings.NewReader(row))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return r
	}
	refused := false
	for begun := time.Now(); !refused && time.Since(begun) < 250*time.Millisecond; {
		r := post()
		refused = r.StatusCode == 503 && r.Header.Get("Retry-After") == "1"
	}
	if !refused {
		t.Error("no request was refused beside two slow ones")
	}
	for begun := time.Now(); post().StatusCode != 200; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the places of slow clients do not come free")
		}
	}
	for _, c := range slow {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 12)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 400" {
			t.Errorf("a slow client was told %q, %v", b, err)
		}
	}
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes are held after all requests", n)
	}
}

// TestHeld: the bodies of all requests together are bounded.
func TestHeld(t *testing.T) {
	s, _ := served(t, Options{MaxBody: 4000, MaxHeld: 1000})
	w := call(t, s, "POST", "/predict?model=binary", strings.Repeat(" ", 3000)+"{}")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes are held after all requests", n)
	}
}

// TestReload: while requests come, the file is replaced again and again, also by broken ones; each
// answer is that of one of the models, and none is lost.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	var models [2]*model.Model
	var files [2][]byte
	var answers [2]string
	for i := range models {
		models[i] = train(t, data.Multiclass, uint64(i+1), path)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = raw
		s, err := New([]Source{{"m", "1", path}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = call(t, s, "POST", "/predict", text(t, someRows)).Body.String()
	}
	if answers[0] == answers[1] {
		t.Fatal("the two models answer alike")
	}
	var log bytes.Buffer
	s, err := New([]Source{{"m", "1", path}}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var done sync.WaitGroup
	var asked [2]atomic.Int64
	for range 4 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				w := call(t, s, "POST", "/predict", text(t, someRows))
				switch w.Body.String() {
				case answers[0]:
					asked[0].Add(1)
				case answers[1]:
					asked[1].Add(1)
				default:
					t.Errorf("neither model answers %d %.200s", w.Code, w.Body)
					return
				}
			}
		})
	}
	put := func(raw []byte, at int) {
		t.Helper()
		temporary := path + ".new"
		if err := os.WriteFile(temporary, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1e9+at), 0)
		if err := os.Chtimes(temporary, when, when); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temporary, path); err != nil {
			t.Fatal(err)
		}
		s.Reload()
	}
	other := filepath.Join(dir, "other.safetensors")
	train(t, data.Binary, 1, other)
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		put(files[i%2], 4*i)
		if sha := s.models[0].now().sha; sha != models[i%2].WeightsSHA256() {
			t.Fatalf("the new model was not taken: %s", &log)
		}
		put(files[i%2][:len(files[i%2])-8], 4*i+1) // cut short
		put([]byte("nonsense"), 4*i+2)
		put(foreign, 4*i+3) // of another task
		if sha := s.models[0].now().sha; sha != models[i%2].WeightsSHA256() {
			t.Fatal("a broken model was taken")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	close(stop)
	done.Wait()
	if asked[0].Load() == 0 || asked[1].Load() == 0 {
		t.Errorf("the models answered %d and %d times", asked[0].Load(), asked[1].Load())
	}
	t.Logf("%d requests while the file was replaced 120 times", asked[0].Load()+asked[1].Load())
	m := call(t, s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{`gradus_reloads_total{model="m",version="1",result="failed"} 90`, `gradus_reloads_total{model="m",version="1",result="taken"} 30`} {
		if !strings.Contains(m, line) {
			t.Errorf("the metrics lack %s:\n%s", line, m)
		}
	}
	if !strings.Contains(log.String(), "other columns or targets") || !strings.Contains(log.String(), "cut short") {
		t.Errorf("the log does not say why: %.500s", &log)
	}
}

// TestWatch takes a changed file by itself.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	train(t, data.Binary, 1, path)
	s, err := New([]Source{{"m", "1", path}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.Watch(ctx, time.Millisecond) })
	next := train(t, data.Binary, 2, path)
	for begun := time.Now(); s.models[0].now().sha != next.WeightsSHA256(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the changed file was not taken")
		}
	}
	cancel()
	done.Wait()
}

// TestVersions: without a version a request means the greatest one.
func TestVersions(t *testing.T) {
	dir := t.TempDir()
	var sources []Source
	for i, version := range []string{"2", "10", "9"} {
		path := filepath.Join(dir, version)
		train(t, data.Binary, uint64(i+1), path)
		sources = append(sources, Source{"m", version, path})
	}
	s, err := New(sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, version := range map[string]string{"/v2/models/m/infer": "10", "/v2/models/m/versions/2/infer": "2"} {
		if v := answer(t, call(t, s, "POST", path, text(t, map[string]any{"inputs": tensors()}))); v["model_version"] != version {
			t.Errorf("%s: version %v", path, v["model_version"])
		}
	}
	if _, err := New(append(sources, sources[0]), Options{}); err == nil || !strings.Contains(err.Error(), "two models named m") {
		t.Errorf("twice the same: %v", err)
	}
	if _, err := New(nil, Options{}); err == nil {
		t.Error("a server of nothing")
	}
}

func TestParseSource(t *testing.T) {
	for s, want := range map[string]Source{
		"dir/iris.safetensors": {"iris", "1", "dir/iris.safetensors"}, "a=b/c.d": {"a", "1", "b/c.d"}, "a/3=x": {"a", "3", "x"}, "my model.safetensors": {"my-model", "1", "my model.safetensors"},
	} {
		if got, err := ParseSource(s); err != nil || got != want {
			t.Errorf("%s: %+v %v", s, got, err)
		}
	}
	for _, s := range []string{"=x", "a b=x", "a/=x", "/1=x", "é=x", ".hidden"} {
		if got, err := ParseSource(s); err == nil {
			t.Errorf("%s: %+v", s, got)
		}
	}
}

// TestDrain: a server that drains says that it is not ready and answers all the same.
func TestDrain(t *testing.T) {
	s, _ := served(t, Options{})
	s.Drain()
	if w := call(t, s, "GET", "/v2/health/ready", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"ready":false`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call(t, s, "POST", "/predict?model=binary", text(t, someRows)); w.Code != 200 || w.Header().Get("Connection") != "close" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestLog: a failed request is logged with its id, all of them when asked.
func TestLog(t *testing.T) {
	for _, all := range []bool{false, true} {
		var log bytes.Buffer
		s, _ := served(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), LogRequests: all, MaxBody: 100000, MaxHeld: 2000})
		call(t, s, "POST", "/predict?model=binary", text(t, someRows), "X-Request-Id", "mine")
		call(t, s, "POST", "/predict?model=binary", strings.Repeat(" ", 5000), "X-Request-Id", "other")
		if strings.Contains(log.String(), `"id":"mine"`) != all || !strings.Contains(log.String(), `"id":"other"`) {
			t.Errorf("all %v: %s", all, &log)
		}
	}
	s, _ := served(t, Options{})
	if id := call(t, s, "GET", "/v2", "", "X-Request-Id", "mine").Header().Get("X-Request-Id"); id != "mine" {
		t.Errorf("the request id is %q", id)
	}
	if id := call(t, s, "GET", "/v2", "", "X-Request-Id", "not good").Header().Get("X-Request-Id"); id == "not good" || len(id) != 16 {
		t.Errorf("the request id is %q", id)
	}
}

// TestMetrics counts requests, rows, missing and unseen cells.
func TestMetrics(t *testing.T) {
	s, _ := served(t, Options{})
	for range 3 {
		call(t, s, "POST", "/predict?model=binary", text(t, someRows))
	}
	call(t, s, "POST", "/predict?model=binary", "{")
	m := call(t, s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`gradus_requests_total{model="binary",version="1",code="200"} 3`, `gradus_rows_total{model="binary",version="1"} 12`,
		`gradus_missing_cells_total{model="binary",version="1",column="x"} 3`, `gradus_unseen_cells_total{model="binary",version="1",column="color"} 3`,
		`gradus_request_seconds_count{model="binary",version="1"} 3`, `gradus_request_seconds_bucket{model="binary",version="1",le="+Inf"} 3`,
	} {
		if !strings.Contains(m, line+"\n") {
			t.Errorf("the metrics lack %s:\n%s", line, m)
		}
	}
}

// TestHalfClosed: clients that go away in the middle, or close their half, harm nothing.
func TestHalfClosed(t *testing.T) {
	s, _ := served(t, Options{})
	url := started(t, s)
	body := text(t, someRows)
	for i := range 30 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /predict?model=binary HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n", len(body))
		switch i % 3 {
		case 0:
			io.WriteString(c, body[:10])
		case 1:
			io.WriteString(c, body)
			c.(*net.TCPConn).CloseWrite()
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			b := make([]byte, 12)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 200" {
				t.Errorf("a client that has closed its half is told %q, %v", b, err)
			}
		}
		c.Close()
	}
	r, err := http.Post(url+"/predict?model=binary", "application/json", strings.NewReader(body))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("afterwards: %v %v", r, err)
	}
	r.Body.Close()
}

// FuzzInfer: no body makes the server panic or answer with a status of 500.
func FuzzInfer(f *testing.F) {
	s, _ := served(f, Options{MaxBody: 1 << 16, MaxRows: 100})
	f.Add(text(f, map[string]any{"inputs": tensors()}), 0)
	header, tail := binaryRequest(f)
	f.Add(header+tail, len(header))
	f.Add(text(f, someRows), -1)
	f.Add(`{"dataframe_split":{"columns":["x"],"data":[[1]]}}`, -2)
	f.Fuzz(func(t *testing.T, body string, length int) {
		var w *httptest.ResponseRecorder
		switch {
		case length > 0:
			w = call(t, s, "POST", "/v2/models/multiclass/infer", body, headerLength, strconv.Itoa(length))
		case length == 0:
			w = call(t, s, "POST", "/v2/models/multiclass/infer", body)
		case length == -1:
			w = call(t, s, "POST", "/predict?model=regression", body)
		default:
			w = call(t, s, "POST", "/invocations?model=multilabel", body)
		}
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// BenchmarkPredict is one row as JSON through the handler, without a network.
func BenchmarkPredict(b *testing.B) {
	s, _ := served(b, Options{})
	body := text(b, someRows[0])
	b.ReportAllocs()
	for b.Loop() {
		if w := call(b, s, "POST", "/predict?model=binary", body); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
