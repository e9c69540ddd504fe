package lab

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
			t.Errorf("%s: got status %d, want %d: %s", c.what, w.Code, c.want, w.Body)
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

	// This server is behind a token.
	s2 := NewServer(Options{Token: NewToken(), Name: "1"})
	defer s2.Close()
	if w := ask(s2, "GET", "/", "192.0.2.1:80"); w.Code != 401 || strings.Contains(w.Body.String(), s2.token) {
		t.Errorf("without the token: got status %d, want 401 and no token: %s", w.Code, w.Body)
	}
	if w := ask(s2, "GET", "/?token=wrong", "192.0.2.1:80"); w.Code != 401 {
		t.Errorf("with a wrong token: got status %d, want 401", w.Code)
	}
	if w := ask(s2, "GET", "/", "evil.example"); w.Code != 421 {
		t.Errorf("under another name: got status %d, want 421", w.Code)
	}
	w := ask(s2, "GET", "/?c=x&token="+s2.token, "192.0.2.1:80")
	if w.Code != 303 || w.Header().Get("Location") != "/?c=x" {
		t.Fatalf("with the token: got status %d to %q, want 303 to /?c=x", w.Code, w.Header().Get("Location"))
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %v, want HttpOnly and SameSite=Strict", cookie)
	}
	if w := ask(s2, "GET", "/", "192.0.2.1:80", "Cookie", cookie.Name+"="+cookie.Value); w.Code != 200 {
		t.Errorf("with its cookie: got status %d, want 200", w.Code)
	}
	if w := ask(s2, "POST", "/session", "192.0.2.1:80", "Origin", "http://192.0.2.1:80"); w.Code != 401 {
		t.Errorf("a session without the cookie: got status %d, want 401", w.Code)
	}
}
