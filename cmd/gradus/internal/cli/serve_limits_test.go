package cli

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// On an address other than loopback, gradus serve makes and prints a token. Requests without it are refused, except for those
// about health. TLS works with a self-signed certificate.
func TestServeOffLoopback(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	at := ownAddress()
	public := certificate(t, net.IP(at.AsSlice()))
	url, token, end := servingAt(t, "0.0.0.0:0", "m.safetensors", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	if token == "" && !at.IsLoopback() {
		t.Fatal("no token is printed")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	ask := func(path, token, body string) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, url+path, strings.NewReader(body))
		if body == "" {
			r, err = http.NewRequest(http.MethodGet, url+path, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		return answer.StatusCode
	}
	row := `[[5,3,2,1]]`
	for _, c := range []struct {
		path, token, body string
		want              int
	}{
		{"/v2/health/ready", "", "", 200}, {"/v2", "", "", 401}, {"/metrics", "", "", 401}, {"/", "", "", 401}, {"/predict", "", row, 401},
		{"/predict", "wrong", row, 401}, {"/predict", token, row, 200}, {"/metrics", token, "", 200},
	} {
		if got := ask(c.path, c.token, c.body); got != c.want {
			t.Errorf("%s with the token %q: got status %d, want %d", c.path, c.token, got, c.want)
		}
	}
	if code, log := end(); code != statusDone {
		t.Errorf("got exit status %d, want 0: %s", code, log)
	}
}

// The server of the command has the timeouts that docs/serve.md states.
func TestServeTimeouts(t *testing.T) {
	s := httpServer(nil, nil)
	if s.ReadHeaderTimeout != 10*time.Second || s.WriteTimeout != 2*time.Minute || s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 64<<10 {
		t.Errorf("got the timeouts %v for a header, %v for an answer and %v for an idle connection, and %d bytes of header", s.ReadHeaderTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
	// The limits work for a header that does not end, for one that is too large, and for a connection without
	// requests.
	s.Handler = http.NotFoundHandler()
	s.ReadHeaderTimeout, s.IdleTimeout = 100*time.Millisecond, 200*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go s.Serve(l)
	for what, c := range map[string]struct{ send, want string }{
		"half a header":      {"GET / HTTP/1.1\r\nHost: x\r\nX-", ""},
		"too large a header": {"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", "HTTP/1.1 431"},
		"an idle connection": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go io.WriteString(conn, c.send)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		said, err := io.ReadAll(conn) // until the server closes the connection
		if err, ok := err.(net.Error); ok && err.Timeout() {
			t.Errorf("%s: the server does not close the connection", what)
		}
		if !strings.HasPrefix(string(said), c.want) {
			t.Errorf("%s: got %.80q, want it to begin with %q", what, said, c.want)
		}
	}
}

// The flags for limits work. A request that is too large gets 413, and one too many gets 503 with Retry-After.
func TestServeLimits(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", "--members", "1", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	url, end := serving(t, "m.safetensors", "--max-body", "1", "--max-rows", "2", "--max-requests", "1")
	post := func(body string) *http.Response {
		t.Helper()
		r, err := http.Post(url+"/predict", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return r
	}
	for body, want := range map[string]int{
		`[[5,3,2,1],[5,3,2,1]]`: 200, `[[5,3,2,1],[5,3,2,1],[5,3,2,1]]`: 413, strings.Repeat(" ", 1<<20) + `[[5,3,2,1]]`: 413,
	} {
		if r := post(body); r.StatusCode != want {
			t.Errorf("%d bytes: got status %d, want %d", len(body), r.StatusCode, want)
		}
	}
	slow, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 11\r\n\r\n[[5,3")
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if r := post(`[[5,3,2,1]]`); r.StatusCode == 503 && r.Header.Get("Retry-After") == "1" {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("during a slow request no other request was refused in 10 s")
		}
	}
	// The slow request has begun, so the server must not end before it.
	done := make(chan struct{})
	go func() {
		defer close(done)
		if code, log := end(); code != statusDone {
			t.Errorf("got exit status %d, want 0: %s", code, log)
		}
	}()
	time.Sleep(50 * time.Millisecond)
	select {
	case <-done:
		t.Error("the server ended before a request that had begun")
	default:
	}
	io.WriteString(slow, ",2,1]]")
	slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("a request that had begun: got %q and the error %v, want status 200", line, err)
	}
	http.DefaultClient.CloseIdleConnections()
	<-done
}
