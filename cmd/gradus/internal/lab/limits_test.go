package lab

import (
	"bytes"
	"compress/gzip"
	"html"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	_, web := newServer(t, Options{})
	v := visit(t, web)
	upload := func(body io.Reader) message {
		req, err := http.NewRequest(http.MethodPost, web+"/table?name=t.csv&s="+v.id, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", web)
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var m message
		v.decode(resp, &m)
		return m
	}
	if note := upload(strings.NewReader("a,b\n" + strings.Repeat("1,2\n", MaxUpload/4))).HTML["note"]; !strings.Contains(note, "larger than the 16 MB") {
		t.Errorf("a large table: got the note %q, want the limit of 16 MB", note)
	}
	if m := v.do("do", "build", "hidden", "5000,5000"); !strings.Contains(m.HTML["note"], "parameters") {
		t.Errorf("a large network: got the note %q, want one about its parameters", m.HTML["note"])
	}
	for _, c := range []struct{ pairs, want string }{
		{"do=weight&weight=9.9.9", "no weight 9.9.9"},
		{"do=weight&weight=x", "is not a weight"},
		{"do=row&row=-7", ""},
		{"do=goto&n=-5", ""},
		{"do=example&example=none", "no example"},
		{"do=build&lr=-1", "Rate -1: give a finite number greater than 0"},
		{"do=build&color=red", "no field"},
		{"do=build&target=none", "none"},
		{"do=lesson&step=99", "steps 1 to 10"},
		{"do=fault&fault=none", "no fault"},
		{"do=breaks&field=loss&value=x", "is not a number"},
		{"do=dance", `no action &#34;dance&#34;`},
	} {
		form, _ := url.ParseQuery(c.pairs)
		var m message
		v.decode(v.post("/do?s="+v.id, form), &m)
		if !strings.Contains(m.HTML["note"], c.want) || m.At != 0 {
			t.Errorf("%s is answered with %q at update %d", c.pairs, m.HTML["note"], m.At)
		}
	}
	if m := v.do("do", "goto", "n", "1000000000"); m.At != 0 {
		t.Errorf("the timeline goes to update %d, ahead of the run", m.At)
	}
	for _, hidden := range []string{"5000,5000", "100000,100000", "199999", "1000000000", strings.Repeat("9,", 5000) + "9"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := v.do("do", "build", "hidden", hidden)
		runtime.ReadMemStats(&after)
		if !strings.Contains(m.HTML["note"], "class=\"bad\"") {
			t.Errorf("hidden layers %.20s: got the note %q, want a refusal", hidden, m.HTML["note"])
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
			t.Errorf("hidden layers %.20s took %d MB before they were refused", hidden, took>>20)
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.WriteString(z, "a,b\n")
	for range 1000 {
		io.WriteString(z, strings.Repeat("1,2\n", 100_000))
	}
	z.Close()
	for what, c := range map[string]struct{ body, want string }{
		"a bomb":           {bomb.String(), "more than the 16777216 bytes"},
		"many columns":     {strings.Repeat("a,", 1_000_000) + "\n" + strings.Repeat("1,", 1_000_000) + "\n", "columns"},
		"nothing":          {"", "empty"},
		"a header":         {"a,b\n", "no rows"},
		"a picture":        {"\x89PNG\r\n\x1a\n\x00\x00", "not"},
		"one class":        {"a,b\n1,x\n2,x\n3,x\n", "b"},
		"one row":          {"a,b\n1,2\n", ""},
		"one column":       {"a\n1\n2\n", "no column"},
		"no targets":       {"a,b\n1,\n2,\n", "b"},
		"infinite numbers": {"a,b\n1e308,1\n-1e308,2\n1e308,3\n0,4\n", ""},
		"NULs":             {"a,b\n\x00,1\n", "NUL"},
		"an open quote":    {"a,b\n\"1,2\n", "closed"},
		"broken UTF-8":     {"caf\xe9,\u00e9\n1,2\n", "UTF-8"},
		"Latin-1":          {"caf\xe9,b\n1,2\n", ""},
		"twice a name":     {"a,a\n1,2\n", ""},
		"HTML":             {"<script>alert(1)</script>,<b>y\n1,<i>\n2,<u>\n1,<i>\n2,<u>\n", ""},
	} {
		m := upload(strings.NewReader(c.body))
		if note := html.UnescapeString(m.HTML["note"]); !strings.Contains(note, c.want) || c.want != "" && !strings.Contains(note, "t.csv") {
			t.Errorf("%s: got the note %q, want %q", what, note, c.want)
		}
		for _, tab := range tabs {
			for name, part := range v.do("do", "tab", "tab", tab.Name).HTML {
				for _, bad := range []string{"<script", "<b>y", "<i>", "<u>", "template:"} {
					if strings.Contains(part, bad) {
						t.Errorf("%s: %s of the tab %s has %q: %s", what, name, tab.Name, bad, part)
					}
				}
			}
		}
		v.do("do", "run", "speed", "full")
		v.do("do", "epoch")
	}
	full := int64(MaxBytes) - held.Load()
	held.Add(full)
	if note := v.do("do", "example", "example", "spirals").HTML["note"]; !strings.Contains(note, "all pages together") {
		t.Errorf("with the memory full, another table: got the note %q, want a refusal", note)
	}
	held.Add(-full)
	if m := v.do("do", "example", "example", "spirals"); m.Example != "spirals" {
		t.Errorf("with memory again, the example is %q, want spirals: %s", m.Example, m.HTML["note"])
	}
	if note := visitNote(t, web, "no-link"); !strings.Contains(note, "cut short") {
		t.Errorf("a broken link: got the note %q, want one that says cut short", note)
	}
	average := Setup{Example: "notebook", Options: ExampleOf("notebook").Setup.Options}
	average.Options.EMA = 0.5
	if note := visitNote(t, web, average.Link()); !strings.Contains(note, "does not have") {
		t.Errorf("a link with a running average: got the note %q, want one that says does not have", note)
	}
}

// visitNote opens a link and returns what the page says.
func visitNote(t *testing.T, web, link string) string {
	t.Helper()
	v := &visitor{t: t, url: web, client: &http.Client{Transport: &http.Transport{}}}
	defer v.client.CloseIdleConnections()
	var made struct{ Frame message }
	v.decode(v.post("/session", url.Values{"link": {link}}), &made)
	return made.Frame.HTML["note"]
}

// A closed session holds no memory.
func TestClosedSessionsHoldNothing(t *testing.T) {
	before := held.Load()
	s, err := NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	if held.Load() <= before {
		t.Error("a session holds nothing")
	}
	s.Close()
	if held.Load() != before {
		t.Errorf("a closed session holds %d bytes", held.Load()-before)
	}
	if err := s.LoadExample("spirals"); err == nil || held.Load() != before {
		t.Errorf("a closed session takes another example (%v) and holds %d bytes", err, held.Load()-before)
	}
}
