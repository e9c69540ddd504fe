package lab

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// visitor talks to a server as the page's script does.
type visitor struct {
	t      testing.TB
	url    string
	client *http.Client
	id     string
}

func visit(t testing.TB, url string) *visitor {
	t.Helper()
	v := &visitor{t: t, url: url, client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(v.client.CloseIdleConnections)
	var made struct {
		ID    string
		Frame message
	}
	v.decode(v.post("/session", nil), &made)
	if v.id = made.ID; v.id == "" {
		t.Fatal("no session")
	}
	return v
}

func (v *visitor) post(path string, form url.Values) *http.Response {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodPost, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.url)
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp
}

func (v *visitor) decode(resp *http.Response, into any) {
	v.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.t.Fatalf("%v %s %s", err, resp.Status, b)
	}
	if err := json.Unmarshal(b, into); err != nil {
		v.t.Fatal(err)
	}
}

// do does something and returns the frame.
func (v *visitor) do(pairs ...string) message {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	var m message
	v.decode(v.post("/do?s="+v.id, form), &m)
	return m
}

func newServer(t testing.TB, o Options) (*Server, string) {
	t.Helper()
	s := NewServer(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.Close() })
	return s, web.URL
}

func TestGuard(t *testing.T) {
	s := NewServer(Options{})
	defer s.Close()
	ask := func(s *Server, method, target, host string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		what, method, target, host string
		headers                    []string
		want                       int
	}{
		{"the page", "GET", "/", "127.0.0.1:80", nil, 200},
		{"by name", "GET", "/", "localhost:80", nil, 200},
		{"by IPv6", "GET", "/", "[::1]:80", nil, 200},
		{"another name for this address", "GET", "/", "evil.example", nil, 421},
		{"a name that begins alike", "GET", "/", "localhost.evil.example", nil, 421},
		{"an address elsewhere", "GET", "/", "192.0.2.1:80", nil, 421},
		{"a session", "POST", "/session", "127.0.0.1:80", []string{"Origin", "http://127.0.0.1:80"}, 200},
		{"without an origin", "POST", "/session", "127.0.0.1:80", nil, 403},
		{"from another page", "POST", "/session", "127.0.0.1:80", []string{"Origin", "http://evil.example"}, 403},
		{"from another port", "POST", "/session", "127.0.0.1:80", []string{"Origin", "http://127.0.0.1:81"}, 403},
		{"from a page without origin", "POST", "/session", "127.0.0.1:80", []string{"Origin", "null"}, 403},
		{"an image of another page", "GET", "/page/lab.js", "127.0.0.1:80", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a link of another page", "GET", "/?c=x", "127.0.0.1:80", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"no session", "GET", "/data.csv?s=guessed", "127.0.0.1:80", nil, 410},
		{"a file beside the page", "GET", "/page/../server.go", "127.0.0.1:80", nil, 307},
		{"no page", "GET", "/secret", "127.0.0.1:80", nil, 404},
	} {
		w := ask(s, c.method, c.target, c.host, c.headers...)
		if w.Code != c.want {
			t.Errorf("%s: %d, not %d: %s", c.what, w.Code, c.want, w.Body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", c.what, csp)
		}
	}
	page := ask(s, "GET", "/", "127.0.0.1:80").Body.String()
	for _, bad := range []string{"<style", "style=", "onclick", "http://", "https://"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}

	// Behind a token.
	s2 := NewServer(Options{Token: NewToken(), Name: "1"})
	defer s2.Close()
	if w := ask(s2, "GET", "/", "192.0.2.1:80"); w.Code != 401 || strings.Contains(w.Body.String(), s2.token) {
		t.Errorf("without the token: %d %s", w.Code, w.Body)
	}
	if w := ask(s2, "GET", "/?token=wrong", "192.0.2.1:80"); w.Code != 401 {
		t.Errorf("with a wrong token: %d", w.Code)
	}
	if w := ask(s2, "GET", "/", "evil.example"); w.Code != 421 {
		t.Errorf("under another name: %d", w.Code)
	}
	w := ask(s2, "GET", "/?c=x&token="+s2.token, "192.0.2.1:80")
	if w.Code != 303 || w.Header().Get("Location") != "/?c=x" {
		t.Fatalf("with the token: %d to %q", w.Code, w.Header().Get("Location"))
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %v", cookie)
	}
	if w := ask(s2, "GET", "/", "192.0.2.1:80", "Cookie", cookie.Name+"="+cookie.Value); w.Code != 200 {
		t.Errorf("with its cookie: %d", w.Code)
	}
	if w := ask(s2, "POST", "/session", "192.0.2.1:80", "Origin", "http://192.0.2.1:80"); w.Code != 401 {
		t.Errorf("a session without the cookie: %d", w.Code)
	}
}

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
		t.Errorf("a large table is answered with %q", note)
	}
	if m := v.do("do", "build", "hidden", "5000,5000"); !strings.Contains(m.HTML["note"], "parameters") {
		t.Errorf("a large network is answered with %q", m.HTML["note"])
	}
	for _, c := range []struct{ pairs, want string }{
		{"do=weight&weight=9.9.9", "no weight 9.9.9"},
		{"do=weight&weight=x", "is no weight"},
		{"do=row&row=-7", ""},
		{"do=goto&n=-5", ""},
		{"do=example&example=none", "no example"},
		{"do=build&lr=-1", "learning rate"},
		{"do=build&colour=red", "no field"},
		{"do=build&target=none", "none"},
		{"do=lesson&step=99", "steps 1 to 10"},
		{"do=fault&fault=none", "no fault"},
		{"do=breaks&field=loss&value=x", "no number"},
		{"do=dance", "nothing to do"},
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
			t.Errorf("hidden layers %.20s are answered with %q", hidden, m.HTML["note"])
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
		"Latin-1":          {"caf\xe9,b\n1,2\n", "UTF-8"},
		"twice a name":     {"a,a\n1,2\n", "both named"},
		"HTML":             {"<script>alert(1)</script>,<b>y\n1,<i>\n2,<u>\n1,<i>\n2,<u>\n", ""},
	} {
		m := upload(strings.NewReader(c.body))
		if note := html.UnescapeString(m.HTML["note"]); !strings.Contains(note, c.want) || c.want != "" && !strings.Contains(note, "t.csv") {
			t.Errorf("%s is answered with %q, not with %q", what, note, c.want)
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
		t.Errorf("with the memory full, another table is answered with %q", note)
	}
	held.Add(-full)
	if m := v.do("do", "example", "example", "spirals"); m.Example != "spirals" {
		t.Errorf("with memory again, the example is %q: %s", m.Example, m.HTML["note"])
	}
	if note := visitNote(t, web, "no-link"); !strings.Contains(note, "cut short") {
		t.Errorf("a broken link is answered with %q", note)
	}
	average := Setup{Example: "notebook", Options: ExampleOf("notebook").Setup.Options}
	average.Options.EMA = 0.5
	if note := visitNote(t, web, average.Link()); !strings.Contains(note, "does not have") {
		t.Errorf("a link with a running average is answered with %q", note)
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

// Sessions are limited in all, and by visitor, whose longest unwatched page gives way.
func TestSessionsAreLimited(t *testing.T) {
	s, web := newServer(t, Options{})
	first := visit(t, web) // visitors of this test have no cookie: all are one
	for range MaxSessionsOfVisitor {
		visit(t, web)
	}
	s.mu.Lock()
	n, there := len(s.sessions), s.sessions[first.id] != nil
	s.mu.Unlock()
	if n != MaxSessionsOfVisitor || there {
		t.Errorf("%d sessions, the first there: %v", n, there)
	}
	resp := first.post("/do?s="+first.id, url.Values{"do": {"batch"}})
	resp.Body.Close()
	if resp.StatusCode != http.StatusGone {
		t.Errorf("a session that gave way answers %s", resp.Status)
	}
}

// Visitors are separate: what one does, another does not see.
func TestVisitorsAreSeparate(t *testing.T) {
	_, web := newServer(t, Options{})
	a, b := visit(t, web), visit(t, web)
	a.do("do", "batch")
	a.do("do", "example", "example", "xor")
	if m := b.do("do", "batch"); m.At != 1 || m.Example != "notebook" {
		t.Errorf("the other visitor is at update %d of %s", m.At, m.Example)
	}
}

// A page that reads nothing, or goes away, holds up neither the run nor the server.
func TestSlowAndClosedPages(t *testing.T) {
	s, web := newServer(t, Options{})
	v := visit(t, web)
	ctx, leave := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, web+"/events?s="+v.id, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := v.client.Do(req) // and then it is never read
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	v.do("do", "build", "tolerance", "", "epochs", "10000000")
	v.do("do", "run", "speed", "full")
	before := v.do("do", "tab", "tab", "fit").At
	time.Sleep(time.Second)
	after := v.do("do", "tab", "tab", "weight").At
	if after < before+1000 {
		t.Errorf("beside a page that reads nothing the run made %d updates in a second", after-before)
	}
	leave()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.mu.Lock()
		idle := s.sessions[v.id].Idle()
		s.mu.Unlock()
		if idle > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a page that went away still counts as watching")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var minute = flag.Bool("minute", false, "have twenty visitors for a minute instead of two seconds")

// Twenty visitors at once, each with a run at full speed and a page that is drawn: no error,
// and bounded memory.
func TestTwentyVisitors(t *testing.T) {
	long := 2 * time.Second
	if *minute {
		long = time.Minute
	}
	_, web := newServer(t, Options{})
	var visitors []*visitor
	for i := range 20 {
		v := &visitor{t: t, url: web, client: &http.Client{Transport: &http.Transport{}}}
		t.Cleanup(v.client.CloseIdleConnections)
		req, _ := http.NewRequest(http.MethodPost, web+"/session", nil)
		req.Header.Set("Origin", web)
		req.AddCookie(&http.Cookie{Name: "gradus-visitor-", Value: fmt.Sprint(i)})
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var made struct{ ID string }
		v.decode(resp, &made)
		v.id = made.ID
		visitors = append(visitors, v)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var work sync.WaitGroup
	frames := make([]atomic.Int64, len(visitors))
	tabs := []string{"weight", "fit", "health", "race", "build"}
	names := []string{"circles", "notebook", "spirals", "sine", "notebook-rate-50"}
	for i, v := range visitors {
		v.do("do", "example", "example", names[i%len(names)])
		v.do("do", "build", "epochs", "100000000", "tolerance", "")
		v.do("do", "tab", "tab", tabs[i/4])
		v.do("do", "run", "speed", "full")
		work.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, web+"/events?s="+v.id, nil)
			resp, err := v.client.Do(req)
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			defer resp.Body.Close()
			lines := bufio.NewReader(resp.Body)
			for {
				line, err := lines.ReadBytes('\n')
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				if bytes.HasPrefix(line, []byte("data: ")) {
					frames[i].Add(1)
				}
			}
		})
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var peak uint64
	begin := heap()
	fewest := func() (n int64) {
		n = frames[0].Load()
		for i := range frames {
			n = min(n, frames[i].Load())
		}
		return n
	}
	// With the race detector on a busy machine a frame can take seconds.
	for begun := time.Now(); time.Since(begun) < long || fewest() < 5 && time.Since(begun) < long+2*time.Minute; time.Sleep(long / 20) {
		peak = max(peak, heap())
	}
	for i, v := range visitors {
		if m := v.do("do", "pause"); m.At == 0 || strings.Contains(m.HTML["note"], "bad") {
			t.Errorf("visitor %d stands at update %d, told %q", i, m.At, m.HTML["note"])
		}
	}
	stop()
	work.Wait()
	if n := fewest(); n < 5 {
		t.Errorf("some visitor saw %d frames", n)
	}
	t.Logf("20 visitors for %v: the heap went from %d MB to %d MB at most; every visitor saw %d frames or more", long, begin>>20, peak>>20, fewest())
	if peak > begin+200<<20 {
		t.Errorf("the heap went from %d to %d MB", begin>>20, peak>>20)
	}
}

// BenchmarkWatched is a run at full speed, alone and with a page that gets ten frames a second:
// updates/s are to be compared.
func BenchmarkWatched(b *testing.B) {
	for _, example := range []string{"notebook", "spirals"} {
		for _, watched := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/watched=%v", example, watched), func(b *testing.B) {
				_, web := newServer(b, Options{})
				v := visit(b, web)
				v.do("do", "example", "example", example)
				v.do("do", "build", "epochs", "100000000", "tolerance", "")
				ctx, stop := context.WithCancel(context.Background())
				var page sync.WaitGroup
				if watched {
					page.Go(func() {
						req, _ := http.NewRequestWithContext(ctx, http.MethodGet, web+"/events?s="+v.id, nil)
						if resp, err := v.client.Do(req); err == nil {
							io.Copy(io.Discard, resp.Body)
							resp.Body.Close()
						}
					})
				}
				v.do("do", "run", "speed", "full")
				time.Sleep(300 * time.Millisecond)
				b.ResetTimer()
				before, begun := v.do("do", "look").At, time.Now()
				for range b.N {
					time.Sleep(time.Second)
				}
				b.ReportMetric(float64(v.do("do", "look").At-before)/time.Since(begun).Seconds(), "updates/s")
				stop()
				page.Wait()
			})
		}
	}
}

// Frames ten times a second cost a run at full speed a few percent: what drawing them takes.
func TestFramesCostLittle(t *testing.T) {
	s := newSession(t, "spirals")
	Render(s.Frame()) // fonts are read once
	const n = 10
	begun := time.Now()
	for range n {
		Render(s.Frame())
	}
	each := time.Since(begun) / n
	t.Logf("a frame takes %v to draw", each)
	if each > 60*time.Millisecond {
		t.Errorf("a frame takes %v; ten a second would be most of a core", each)
	}
}

// Sessions that are closed hold nothing.
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
}

// A report holds the run and needs nothing else.
func TestReport(t *testing.T) {
	s := newSession(t, "circles")
	if err := s.Goto(context.Background(), 100); err != nil {
		t.Fatal(err)
	}
	m, err := s.Model()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteReport(&b, s.Frame().Report(m)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{m.WeightsSHA256(), model.Describe(2, s.Frame().Net.Layers()), "Confusion matrix", "<svg", exact(m.Training.Loss)} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", " src=", " href=", "url("} {
		if strings.Contains(text, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
}

// What a page shows and gives away has a table's name, and nothing of the folders it was in.
func TestNamesWithoutFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secret-folder")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"my people.csv": "gradus train 'my people.csv' ", "-x.tsv": "gradus train ./-x.tsv ", "p.csv.gz": "gradus train p.csv.gz "} {
		path := filepath.Join(dir, file)
		text := "a,b\n1,2\n2,3\n3,4\n4,6\n"
		var packed bytes.Buffer
		switch filepath.Ext(file) {
		case ".tsv":
			text = strings.ReplaceAll(text, ",", "\t")
		case ".gz":
			z := gzip.NewWriter(&packed)
			io.WriteString(z, text)
			z.Close()
			text = packed.String()
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		table, err := data.Read(path, data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, web := newServer(t, Options{Table: table})
		v := visit(t, web)
		var all []string
		for _, tab := range tabs {
			for _, part := range v.do("do", "tab", "tab", tab.Name).HTML {
				all = append(all, part)
			}
		}
		all = append(all, v.do("do", "build", "target", "none").HTML["note"], v.do("do", "build", "target", "b", "loss", "poisson", "output-activation", "exp").HTML["note"])
		for _, name := range []string{"/report.html", "/history.csv", "/data.csv", "/model.safetensors", "/figure.svg?name=network"} {
			sep := "?"
			if strings.Contains(name, "?") {
				sep = "&"
			}
			resp, err := v.client.Get(web + name + sep + "s=" + v.id)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v %s", name, err, resp.Status)
			}
			all = append(all, string(b))
		}
		found := false
		for _, part := range all {
			if strings.Contains(part, "secret-folder") {
				t.Errorf("%s: its folder is in %.300s", file, part)
			}
			found = found || strings.Contains(html.UnescapeString(part), want)
		}
		if !found {
			t.Errorf("%s: no command says %q", file, want)
		}
	}
}
