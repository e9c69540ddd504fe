package serve

import (
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// asked sends a body to one of the endpoints whose bodies the scanner reads. A positive way is the number of bytes of
// JSON before binary data.
func asked(t testing.TB, s *Server, body string, way int) *httptest.ResponseRecorder {
	switch {
	case way > 0:
		return call(t, s, "POST", "/v2/models/multiclass/infer", body, headerLength, strconv.Itoa(way))
	case way == 0:
		return call(t, s, "POST", "/v2/models/multiclass/infer", body)
	case way == -1:
		return call(t, s, "POST", "/predict?counts=true&model=regression", body)
	case way == -2:
		return call(t, s, "POST", "/v1/models/binary:predict", body)
	}
	return call(t, s, "POST", "/invocations?model=multilabel", body)
}

// twins returns two servers of the same models. The second one reads only with encoding/json.
func twins(t testing.TB, o Options) (scanning, plain *Server) {
	t.Helper()
	scanning, _ = served(t, o)
	var sources []Source
	for _, m := range scanning.models {
		sources = append(sources, m.Source)
	}
	o.plain = true
	plain, err := New(sources, o)
	if err != nil {
		t.Fatal(err)
	}
	return scanning, plain
}

// bodies returns bodies of each shape, and for each the way in which asked sends it.
func bodies(t testing.TB) map[string]int {
	row := text(t, someRows[0])
	header, tail := binaryRequest(t)
	list := `["2024-02-03",1.25,"red",true]`
	return map[string]int{
		text(t, map[string]any{"inputs": tensors()}): 0,
		text(t, map[string]any{"id": "a\"b", "inputs": tensors(), "outputs": []any{map[string]any{"name": "label", "parameters": map[string]any{"binary_data": true}}}, "parameters": map[string]any{"counts": true}}): 0,
		header + tail:                       len(header),
		text(t, someRows):                   -1,
		row:                                 -1,
		" [ " + row + " ,\n" + row + "\t] ": -1,
		`[` + list + `]`:                    -1,
		`{"instances":` + text(t, someRows) + `}`:         -2,
		`{"instances":[` + list + `,` + list + `]}`:       -2,
		`{"dataframe_records":` + text(t, someRows) + `}`: -3,
		`{"inputs":[` + list + `]}`:                       -3,
		`{"dataframe_split":{"columns":["day","x","other","color","flag"],"data":[["2024-02-03",1,2,"red",true],[null,null,null,null,null]]}}`: -3,
	}
}

// TestScannerReads: bodies of the usual shapes are read by the scanner.
func TestScannerReads(t *testing.T) {
	s, _ := served(t, Options{})
	for body, way := range bodies(t) {
		m, err := s.find([]string{"multiclass", "regression", "binary", "multilabel"}[max(0, -way)], "")
		if err != nil {
			t.Fatal(err)
		}
		scan := scanner{b: []byte(body)}
		x := exchange{s: s, memory: new(memory)}
		r := x.empty(m.now())
		ok := false
		switch {
		case way >= 0:
			if way > 0 {
				scan.b = scan.b[:way]
			}
			ok = scan.infer(new(inferRequest), &x.memory.elements, 1000)
		case strings.HasPrefix(body, `{"x"`), strings.HasPrefix(body, `{"color"`):
			ok = scan.row(r)
		case way == -1:
			ok = scan.rows(r, 1000)
		case strings.HasPrefix(body, `{"dataframe_split`):
			ok = scan.split(r, 1000)
		default:
			ok = scan.named(r, 1000, "instances", "inputs", "dataframe_records")
		}
		if !ok || !scan.end() {
			t.Errorf("the scanner stops at %d of %s", scan.i, body)
		}
	}
}

// TestScanner: the scanner reads a body as encoding/json does. Odd and wrong bodies get the same
// answers.
func TestScanner(t *testing.T) {
	scanning, plain := twins(t, Options{MaxRows: 20})
	try := func(body string, way int) {
		t.Helper()
		got, want := asked(t, scanning, body, way), asked(t, plain, body, way)
		if got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("%q by way %d: got %d %s, want %d %s", body, way, got.Code, got.Body, want.Code, want.Body)
		}
	}
	row := func(x string) string { return `{"x":` + x + `,"color":"red","flag":true,"day":"2024-02-03"}` }
	for _, x := range []string{
		"0", "-0", "-0.0", "1e5", "1E+5", "1e-5", "-1.5e-3", "123456789012345678901234567890", "0.1", "1e308", "1e309", "-1e309", "5e-324", "1e-400", "01", "1.", ".5", "-", "+1", "1e", "1e+", "0x1", "NaN", "Infinity",
		"null", "nul", "nullx", "true", "false", "tru", `""`, `"1"`, `"NA"`, `"1`, `"a\u0031"`, `"\u00e9"`, `"\ud800"`, `"\x"`, "\"\xff\"", "\"\u00e9\"", "\"\x01\"", "\"\u2028\"", "[1]", "{}", "1,", `1,"x":2`, `[1],"x":2`, `1,"x":[2]`, `1,"other":{"a":[1]}`, `1,"other":"t"`, "1 2", "\x00", "1\x00",
	} {
		for _, body := range []string{row(x), "[" + row(x) + "]", "[" + row(x) + "," + row("1") + "]", row(x) + "x", row(x) + " ", " " + row(x), row(x) + "\x00", "[" + row(x) + ",]", "[," + row(x) + "]", "[" + row(x)} {
			try(body, -1)
			try(`{"instances":`+body+`}`, -2)
			try(`{"Instances":`+body+`}`, -2)
			try(`{"instances":`+body+`,"instances":[]}`, -2)
			try(`{"inputs":`+body+`,"dataframe_records":`+body+`}`, -3)
		}
		tensor := `{"name":"x","shape":[1],"datatype":"FP64","data":[` + x + `]}`
		rest := `,{"name":"color","shape":[1],"datatype":"BYTES","data":["red"]},{"name":"flag","shape":[1,1],"datatype":"BOOL","data":[[true]]},{"name":"day","shape":[1],"datatype":"BYTES","data":[null]}]`
		for _, body := range []string{
			`{"inputs":[` + tensor + rest + `}`, `{"inputs":[` + tensor + rest + `,"id":` + x + `}`, `{"inputs":[` + tensor + rest + `,"parameters":{"counts":` + x + `}}`, `{"inputs":[` + tensor + rest + `,"inputs":[` + tensor + rest + `}`,
			`{"inputs":[` + tensor + rest + `,"other":` + x + `}`, `{"inputs":[` + strings.Replace(tensor, "[1]", "["+x+"]", 1) + rest + `}`, `{"inputs":[` + strings.Replace(tensor, "["+x+"]", "[[[[[["+x+"]]]]]]", 1) + rest + `}`,
			`{"inputs":[` + strings.Replace(tensor, `"data"`, `"Data"`, 1) + rest + `}`, `{"outputs":[{"name":"label","parameters":{"binary_data":` + x + `}}],"inputs":[` + tensor + rest + `}`,
		} {
			try(body, 0)
		}
	}
	for body, way := range bodies(t) {
		try(body, way)
		for i := range body {
			try(body[:i], way)
			if i%3 == 0 {
				try(body[:i]+","+body[i:], way)
				try(body[:i]+body[i+1:], way)
			}
		}
	}
	for _, n := range []int{20, 21} {
		try("["+strings.Repeat(row("1")+",", n-1)+row("1")+"]", -1)
	}
	for _, body := range []string{"[]", "[[]]", "{}", "[[1,2,3]]", "[[1,2,3,4,5]]", `{"dataframe_split":{"columns":["x","x","color","flag","day"],"data":[]}}`, `{"dataframe_split":{"data":[],"columns":["x","color","flag","day"]}}`,
		`{"dataframe_split":{"columns":["x","color","flag","day"],"data":[]}}`, `{"dataframe_split":{"columns":["x","color","flag","day"],"data":[[1,2,3]]}}`, `{"dataframe_split":{"columns":["x","color","flag","day"],"data":[[1,"red",true,null,1]]}}`} {
		for way := range 4 {
			try(body, -way)
			try(`{"instances":`+body+`}`, -way)
		}
	}
}

// FuzzInfer: no body makes the server panic or answer with a status of 500, and the scanner reads
// as encoding/json does.
func FuzzInfer(f *testing.F) {
	scanning, plain := twins(f, Options{MaxBody: 1 << 16, MaxRows: 100})
	for body, way := range bodies(f) {
		f.Add(body, way)
	}
	f.Fuzz(func(t *testing.T, body string, way int) {
		got, want := asked(t, scanning, body, way), asked(t, plain, body, way)
		if got.Code >= 500 || got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("got %d %s, want %d %s", got.Code, got.Body, want.Code, want.Body)
		}
	})
}

// TestAppendText: a text is written as encoding/json writes it.
func TestAppendText(t *testing.T) {
	for i := range 0x3000 {
		s := "a" + string(rune(i)) + "b"
		want, err := json.Marshal(s)
		if got := appendText([]byte("x"), s); err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%q: got %s, want %s", s, got, want)
		}
	}
}

// BenchmarkRequest measures a request through the handler, without a network.
func BenchmarkRequest(b *testing.B) {
	scanning, plain := twins(b, Options{})
	for name, s := range map[string]*Server{"scanner": scanning, "encoding/json": plain} {
		for _, n := range []int{1, 1000} {
			rows := make([]map[string]any, n)
			for i := range rows {
				rows[i] = someRows[0]
			}
			body := text(b, rows)
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if w := call(b, s, "POST", "/predict?model=binary", body); w.Code != 200 {
						b.Fatalf("got %v, want status 200", w.Body)
					}
				}
			})
		}
	}
}
