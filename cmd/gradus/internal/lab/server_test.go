package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
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
	if made.Frame.Example == "circles" { // not a table of the test
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
		v.t.Fatalf("got %v %s %s, want no error and status http.StatusOK", err, resp.Status, b)
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

// The number of sessions is limited, in total and for each visitor. The page that was not watched for the longest time is closed.
func TestSessionsAreLimited(t *testing.T) {
	s, web := newServer(t, Options{})
	first := visit(t, web) // visitors of this test have no cookie, so they count as one
	for range MaxSessionsOfVisitor {
		visit(t, web)
	}
	s.mu.Lock()
	n, there := len(s.sessions), s.sessions[first.id] != nil
	s.mu.Unlock()
	if n != MaxSessionsOfVisitor || there {
		t.Errorf("got %d sessions and the first one there: %v, want MaxSessionsOfVisitor and false", n, there)
	}
	resp := first.post("/do?s="+first.id, url.Values{"do": {"batch"}})
	resp.Body.Close()
	if resp.StatusCode != http.StatusGone {
		t.Errorf("a closed session answers %s, want 410 Gone", resp.Status)
	}
}

// Visitors are separate. No visitor sees what another one does.
func TestVisitorsAreSeparate(t *testing.T) {
	_, web := newServer(t, Options{})
	a, b := visit(t, web), visit(t, web)
	a.do("do", "batch")
	a.do("do", "example", "example", "xor")
	if m := b.do("do", "batch"); m.At != 1 || m.Example != "notebook" {
		t.Errorf("the other visitor is at update %d of %s, want 1 of notebook", m.At, m.Example)
	}
}

// A page that reads nothing, or goes away, delays neither the run nor the server.
func TestSlowAndClosedPages(t *testing.T) {
	s, web := newServer(t, Options{})
	v := visit(t, web)
	ctx, leave := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, web+"/events?s="+v.id, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := v.client.Do(req) // its body is never read
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	v.do("do", "build", "tolerance", "", "epochs", "10000000")
	v.do("do", "run", "speed", "full")
	before := v.do("do", "tab", "tab", "fit").At
	eventually(t, "the run goes on beside a page that reads nothing", func() bool { return v.do("do", "look").At > before+1000 })
	leave()
	eventually(t, "a page that went away no longer counts as watching", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sessions[v.id].Idle() > 0
	})
}

// BenchmarkWatched measures a run at full speed, alone and with a page that gets ten frames a second.
// Compare their updates/s.
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
