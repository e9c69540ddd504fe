package serve

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

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
		{"POST", "/predict?model=binary", strings.Replace(row, "1,", `1e999,`, 1), 400, "the number 1e999 is out of range", nil},
		{"POST", "/predict?model=binary&intervals=0.9", row, 400, `the parameter "intervals" is not known: give counts, interval`, nil},
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
		{"POST", "/invocations?model=binary", `{"dataframe_split":{"columns":["x","x"],"data":[[1]]}}`, 400, `"x" appears twice`, nil},
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
		{"POST", infer, input(`{"name":"x","shape":[1],"datatype":"FP64","data":[1]},{"name":"x","shape":[1],"datatype":"FP64","data":[1]}`), 400, `"x" appears twice`, nil},
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
			t.Errorf("%s %s %.80s: got %d %s, want %d with %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.words)
		}
		if strings.Contains(v.Error, "row: row") {
			t.Errorf("%s %s %.80s: the error names the row twice: %s", c.method, c.path, c.body, v.Error)
		}
		if w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s %s: the answer has no request id", c.method, c.path)
		}
	}
	for _, raw := range []string{"\x05\x00\x00\x00ab", "\x01", "\x00\x00\x00\x00\x00", "\xff\xff\xff\xff"} {
		header := fmt.Sprintf(`{"inputs":[{"name":"color","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]}`, len(raw))
		if w := call(t, s, "POST", infer, header+raw, headerLength, strconv.Itoa(len(header))); w.Code != 400 {
			t.Errorf("%q: got %d %s, want status 400", raw, w.Code, w.Body)
		}
	}
}
