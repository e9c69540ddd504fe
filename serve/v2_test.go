package serve

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// tensors returns someRows as the inputs of an inference request.
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

// binaryRequest returns a request for someRows with the binary extension. Its inputs are doubles and texts, and all
// outputs are requested in binary.
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
	s, err := New([]Source{{"iris", "1", path}}, Options{Background: map[string]*data.Table{"iris": iris}})
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
			t.Errorf("%s: got %v, want %v twice", kind, p, out)
		}
	}
	for kind, raw := range map[string]string{"INT32": "\x05\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00", "UINT8": "\x05\x03\x02\x01", "INT16": "\x05\x00\x03\x00\x02\x00\x01\x00"} {
		header := fmt.Sprintf(`{"inputs":[{"name":"all","shape":[1,4],"datatype":"%s","parameters":{"binary_data_size":%d}}],"outputs":[{"name":"probabilities"}]}`, kind, len(raw))
		v := answer(t, call(t, s, "POST", "/v2/models/iris/infer", header+raw, headerLength, strconv.Itoa(len(header))))
		if p := v["outputs"].([]any)[0].(map[string]any)["data"]; text(t, p) != text(t, out) {
			t.Errorf("%s: got %v, want %v", kind, p, out)
		}
	}
	// Rows of binary numbers get the same answer as rows in JSON, as one tensor and as columns, even with missing cells.
	raw := binary.LittleEndian.AppendUint64(nil, math.Float64bits(5))
	for _, x := range []float64{3, math.NaN(), 1, 6, 2.5, 4, math.NaN()} {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	const rest = `],"parameters":{"counts":true,"reasons":true},"outputs":[{"name":"probabilities"},{"name":"label"},{"name":"reasons"}]}`
	want := call(t, s, "POST", "/v2/models/iris/infer", `{"inputs":[{"name":"all","shape":[2,4],"datatype":"FP64","data":[5,3,null,1,6,2.5,4,null]}`+rest).Body.String()
	header := `{"inputs":[{"name":"all","shape":[2,4],"datatype":"FP64","parameters":{"binary_data_size":64}}` + rest
	if got := call(t, s, "POST", "/v2/models/iris/infer", header+string(raw), headerLength, strconv.Itoa(len(header))).Body.String(); got != want || !strings.Contains(got, `"missing":2`) {
		t.Errorf("rows of binary numbers: got %s, want %s", got, want)
	}
	var columns []string
	var byColumn []byte
	for i, c := range m.Columns() {
		columns = append(columns, fmt.Sprintf(`{"name":"%s","shape":[2],"datatype":"FP64","parameters":{"binary_data_size":16}}`, c))
		byColumn = append(append(byColumn, raw[8*i:][:8]...), raw[32+8*i:][:8]...)
	}
	header = `{"inputs":[` + strings.Join(columns, ",") + rest
	if got := call(t, s, "POST", "/v2/models/iris/infer", header+string(byColumn), headerLength, strconv.Itoa(len(header))).Body.String(); got != want {
		t.Errorf("columns of binary numbers: got %s, want %s", got, want)
	}
	if v := answer(t, call(t, s, "POST", "/predict", `[[5,3,2,1]]`)); text(t, v["predictions"].([]any)[0].(map[string]any)["probabilities"].(map[string]any)["setosa"]) != text(t, out[0]) {
		t.Errorf("a row as a list: got the wrong answer %v", v)
	}
}

// TestMetadata: the server describes itself and its models.
func TestMetadata(t *testing.T) {
	s, models := served(t, Options{Version: "v9"})
	if v := answer(t, call(t, s, "GET", "/v2", "")); v["name"] != "gradus" || v["version"] != "v9" {
		t.Errorf(`got %v, want v["name"] = "gradus" and v["version"] = "v9"`, v)
	}
	for task, m := range models {
		v := answer(t, call(t, s, "GET", "/v2/models/"+string(task)+"/versions/1", ""))
		if n := len(v["inputs"].([]any)); n != len(m.Columns()) || v["platform"] != "gradus" || text(t, v["versions"]) != `["1"]` {
			t.Errorf("%s: the metadata are wrong: %v", task, v)
		}
		for _, path := range []string{"/v2/models/" + string(task) + "/ready", "/v1/models/" + string(task)} {
			if v := answer(t, call(t, s, "GET", path, "")); v["ready"] != true {
				t.Errorf(`%s: got %v, want v["ready"] = true`, path, v)
			}
		}
	}
	if v := answer(t, call(t, s, "GET", "/v1/models", "")); len(v["models"].([]any)) != 4 {
		t.Errorf(`got %v, want len(v["models"].([]any)) = 4`, v)
	}
	if v := answer(t, call(t, s, "GET", "/openapi.json", "")); v["openapi"] != "3.1.0" || v["paths"].(map[string]any)["/v1/models/binary:predict"] == nil {
		t.Errorf(`got %v, want v["openapi"] = "3.1.0" and v["paths"].(map[string]any)["/v1/models/binary:predict"] != nil`, v)
	}
	if w := call(t, s, "GET", "/", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `data-model="binary"`) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the page: got %d %.200s, want status 200 with a form and a strict policy", w.Code, w.Body)
	}
	for _, file := range []string{"page.js", "page.css"} {
		if w := call(t, s, "GET", "/page/"+file, ""); w.Code != 200 || w.Body.Len() < 100 {
			t.Errorf("%s: got %d, want status 200 and w.Body.Len() >= 100", file, w.Code)
		}
	}
	if w := call(t, s, "POST", "/v2/repository/index", "{}"); w.Code != 200 || strings.Count(w.Body.String(), "READY") != 4 {
		t.Errorf("index: got %d %s, want status 200 and 4 models that are ready", w.Code, w.Body)
	}
}
