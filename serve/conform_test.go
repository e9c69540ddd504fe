package serve

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
)

// TestConforms: every answer has the form of openapi.json, and answers of the Open Inference Protocol have the
// form of testdata/protocol.json, for every task and every kind of request.
func TestConforms(t *testing.T) {
	python := os.Getenv("GRADUS_SERVE_PYTHON")
	if python == "" {
		python = need.Tool(t, "python3")
	}
	err := exec.Command(python, "-c", "import jsonschema, openapi_spec_validator").Run()
	need.That(t, err == nil, "a python3 with the package openapi-spec-validator, or GRADUS_SERVE_PYTHON that names one")
	s, models := explaining(t, Options{Version: "test"})
	type exchange struct {
		Method   string            `json:"method"`
		Path     string            `json:"path"`
		Query    map[string]string `json:"query,omitempty"`
		Request  any               `json:"request,omitempty"`
		Protocol bool              `json:"protocol"` // the request uses no extension of the protocol
		Status   int               `json:"status"`
		Answer   any               `json:"answer"`
	}
	var exchanges []exchange
	ask := func(method, path string, request any, protocol bool) {
		t.Helper()
		e := exchange{Method: method, Path: path, Request: request, Protocol: protocol}
		if at, err := url.Parse(path); err == nil && at.RawQuery != "" {
			e.Query = map[string]string{}
			for name, values := range at.Query() {
				e.Query[name] = values[0]
			}
		}
		body := ""
		if request != nil {
			body = text(t, request)
		}
		w := call(t, s, method, path, body)
		e.Status = w.Code
		if err := json.Unmarshal(w.Body.Bytes(), &e.Answer); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		exchanges = append(exchanges, e)
	}
	for _, path := range []string{"/v2", "/v2/", "/v2/health/live", "/v2/health/ready", "/v1/models", "/v2/models/none", "/v2/models/none/ready"} {
		ask("GET", path, nil, false)
	}
	known := someRows[:1] // no cell is missing
	for task, m := range models {
		for _, path := range []string{"/v1/models/%s", "/v2/models/%s", "/v2/models/%s/ready", "/v2/models/%s/versions/1", "/v2/models/%s/versions/1/ready", "/v2/models/%s/versions/9"} {
			ask("GET", fmt.Sprintf(path, task), nil, false)
		}
		more := map[string]any{"reasons": true, "counts": true}
		query := "&reasons=true&counts=true"
		if name := parameter(task); name != "" {
			more[name] = sure
			query += fmt.Sprintf("&%s=%v", name, sure)
		}
		var inputs []map[string]any // the first of someRows
		for _, in := range m.Encoding.Inputs {
			kind, value := "BYTES", fmt.Sprint(known[0][in.Name])
			tensor := map[string]any{"name": in.Name, "shape": []int{1, 1}, "datatype": kind, "data": []any{value}}
			if in.Kind == data.KindNumber {
				tensor["datatype"], tensor["data"] = "FP64", [][]any{{known[0][in.Name]}}
			}
			inputs = append(inputs, tensor)
		}
		infer := fmt.Sprintf("/v2/models/%s/infer", task)
		ask("POST", infer, map[string]any{"inputs": inputs}, true)
		ask("POST", infer, map[string]any{"id": "42", "inputs": inputs, "parameters": more, "outputs": []any{map[string]any{"name": "reasons"}, map[string]any{"name": "base"}}}, true)
		ask("POST", strings.Replace(infer, "/infer", "/versions/1/infer", 1), map[string]any{"id": "a b", "inputs": tensors(), "parameters": more}, false)
		ask("POST", infer, map[string]any{"inputs": []any{}}, false)
		ask("POST", strings.Replace(infer, "/infer", "/versions/9/infer", 1), map[string]any{"inputs": inputs}, false)
		ask("POST", fmt.Sprintf("/predict?model=%s", task), someRows[0], false)
		ask("POST", fmt.Sprintf("/predict?model=%s&version=1", task), someRows[:2], false)
		ask("POST", fmt.Sprintf("/predict?model=%s%s", task, query), someRows[:2], false)
		ask("POST", fmt.Sprintf("/predict?model=%s&reasons=7", task), someRows, false)
		ask("POST", fmt.Sprintf("/v1/models/%s:predict", task), map[string]any{"instances": someRows[:2]}, false)
		ask("POST", fmt.Sprintf("/v1/models/%s:predict", task), map[string]any{}, false)
		ask("POST", fmt.Sprintf("/invocations?model=%s", task), map[string]any{"dataframe_records": someRows[:2]}, false)
		ask("POST", "/predict?model=none", someRows, false)
	}
	raw := text(t, map[string]any{"openapi": json.RawMessage(call(t, s, "GET", "/openapi.json", "").Body.Bytes()), "exchanges": exchanges})
	path := filepath.Join(t.TempDir(), "exchanges.json")
	if err := os.WriteFile(path, []byte(raw), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("testdata", "conform.py"), path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
