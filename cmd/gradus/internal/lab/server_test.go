package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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
	v.decode(v.post("/session", map[string][]string{"still": {"1"}}), &made)
	if v.id = made.ID; v.id == "" {
		t.Fatal("no session")
	}
	if made.Frame.Example == "circles" { // not a table of the test's own
		v.do("do", "example", "example", Examples()[0].Name)
		v.do("do", "tab", "tab", usualTab)
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
	eventually(t, "beside a page that reads nothing the run goes on", func() bool { return v.do("do", "look").At > before+1000 })
	leave()
	eventually(t, "a page that went away counts as watching no longer", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sessions[v.id].Idle() > 0
	})
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
				if bytes.HasPrefix(line, []byte("event: beat")) { // which the page's script answers
					here, _ := http.NewRequestWithContext(ctx, http.MethodPost, web+"/here?s="+v.id, nil)
					here.Header.Set("Origin", web)
					if answer, err := v.client.Do(here); err == nil {
						answer.Body.Close()
					}
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
