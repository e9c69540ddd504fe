package serve

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestBusy: beyond the limit, requests are refused at once and can be sent again. Slow clients cannot
// hold a place forever.
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
		t.Error("no request was refused while two slow ones held all places")
	}
	for begun := time.Now(); post().StatusCode != 200; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the places of slow clients did not become free")
		}
	}
	for _, c := range slow {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 12)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 400" {
			t.Errorf("a slow client got %q, %v, want HTTP/1.1 400", b, err)
		}
	}
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes are held after all requests, want 0", n)
	}
}

// TestHeld: the memory for the bodies of all requests together is bounded.
func TestHeld(t *testing.T) {
	s, _ := served(t, Options{MaxBody: 4000, MaxHeld: 1000})
	w := call(t, s, "POST", "/predict?model=binary", strings.Repeat(" ", 3000)+"{}")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf(`got %d %s, want status 503 and w.Header().Get("Retry-After") != ""`, w.Code, w.Body)
	}
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes are held after all requests, want 0", n)
	}
}

// TestDrain: a draining server says that it is not ready, and still answers.
func TestDrain(t *testing.T) {
	s, _ := served(t, Options{})
	s.Drain()
	if w := call(t, s, "GET", "/v2/health/ready", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"ready":false`) {
		t.Errorf("got %d %s, want status 503 and a server that is not ready", w.Code, w.Body)
	}
	if w := call(t, s, "POST", "/predict?model=binary", text(t, someRows)); w.Code != 200 || w.Header().Get("Connection") != "close" {
		t.Errorf(`got %d %s, want status 200 and w.Header().Get("Connection") = "close"`, w.Code, w.Body)
	}
}

// TestLog: failed requests are logged with their ids, and on request all requests are.
func TestLog(t *testing.T) {
	for _, all := range []bool{false, true} {
		var log bytes.Buffer
		s, _ := served(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), LogRequests: all, MaxBody: 100000, MaxHeld: 2000})
		call(t, s, "POST", "/predict?model=binary", text(t, someRows), "X-Request-Id", "mine")
		call(t, s, "POST", "/predict?model=binary", strings.Repeat(" ", 5000), "X-Request-Id", "other")
		if strings.Contains(log.String(), `"id":"mine"`) != all || !strings.Contains(log.String(), `"id":"other"`) {
			t.Errorf("LogRequests %v: the log is wrong: %s", all, &log)
		}
	}
	s, _ := served(t, Options{})
	if id := call(t, s, "GET", "/v2", "", "X-Request-Id", "mine").Header().Get("X-Request-Id"); id != "mine" {
		t.Errorf("the request id is %q, want mine", id)
	}
	if id := call(t, s, "GET", "/v2", "", "X-Request-Id", "not good").Header().Get("X-Request-Id"); id == "not good" || len(id) != 16 {
		t.Errorf("the request id is %q, want a new one of 16 characters", id)
	}
}

// TestHalfClosed: clients that go away in the middle of a request, or close their half of the connection, do no harm.
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
				t.Errorf("a client that has closed its half got %q, %v, want HTTP/1.1 200", b, err)
			}
		}
		c.Close()
	}
	r, err := http.Post(url+"/predict?model=binary", "application/json", strings.NewReader(body))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("a request after those: got %v %v, want status 200", r, err)
	}
	r.Body.Close()
}
