package serve

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"
)

func pack(t testing.TB, how, s string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	default:
		return s
	}
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestToken: if the server has a token, it answers only health checks without it.
func TestToken(t *testing.T) {
	s, _ := served(t, Options{Token: "secret", AnyHost: true})
	for _, path := range []string{"/v2", "/metrics", "/", "/openapi.json", "/v1/models"} {
		if w := call(t, s, "GET", path, "", "Host", "models.example"); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s without a token: got %d %v, want 401 with Bearer", path, w.Code, w.Header())
		}
		if w := call(t, s, "GET", path, "", "Authorization", "Bearer wrong"); w.Code != 401 {
			t.Errorf("%s with a wrong token: got %d, want 401", path, w.Code)
		}
		if w := call(t, s, "GET", path, "", "Host", "models.example", "Authorization", "Bearer secret"); w.Code != 200 {
			t.Errorf("%s with the token: got %d %s, want 200", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/v2/health/live", "/v2/health/ready"} {
		if w := call(t, s, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: got %v, want 200", path, w.Code)
		}
	}
}
