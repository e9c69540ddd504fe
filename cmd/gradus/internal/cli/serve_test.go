package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// serving starts gradus serve. It returns the address, and a function that ends the server and returns
// its exit status and its log.
func serving(t *testing.T, args ...string) (url string, end func() (int, string)) {
	t.Helper()
	url, _, end = servingAt(t, "127.0.0.1:0", args...)
	return url, end
}

// servingAt does the same as serving, at a given address. It also returns the token that is printed.
func servingAt(t *testing.T, address string, args ...string) (url, token string, end func() (int, string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var out, errs locked
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--listen", address, "--drain", "0"}, args...), Std{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	for begun := time.Now(); !strings.Contains(out.String(), "Ctrl-C"); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("no address was printed in 10 s: %s %s", &out, &errs)
		}
	}
	url = regexp.MustCompile(`https?://[0-9.]+:\d+`).FindString(out.String())
	if m := regexp.MustCompile(`Bearer (\S+)`).FindStringSubmatch(out.String()); m != nil {
		token = m[1]
	}
	return url, token, func() (int, string) {
		cancel()
		select {
		case code := <-ended:
			return code, errs.String()
		case <-time.After(20 * time.Second):
			t.Fatal("the server has not ended 20 s after its context")
			return 0, ""
		}
	}
}

// gradus serve answers requests, loads a model that has changed, and ends cleanly.
func TestServe(t *testing.T) {
	place(t, nil)
	train := []string{"train", penguins, "--epochs", "2", "--quiet", "-o", "m.safetensors", "--seed"}
	must(t, 0, append(train, "1")...)
	url, end := serving(t, "m.safetensors", "second/7=m.safetensors", "--reload", "5ms", "--log-requests", "--log-format", "json")
	row := `{"island":"Dream","bill_length_mm":40,"bill_depth_mm":18,"flipper_length_mm":181,"body_mass_g":null,"sex":"male"}`
	ask := func() string {
		r, err := http.Post(url+"/predict?model=m", "application/json", strings.NewReader(row))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		if r.StatusCode != 200 {
			t.Fatalf("got %d %s, want status 200", r.StatusCode, b)
		}
		return string(b)
	}
	first := ask()
	if !strings.Contains(first, `"species":"`) || !strings.Contains(first, `"probabilities":{"Adelie":`) {
		t.Errorf("got the answer %s, want a species and its probabilities", first)
	}
	must(t, 0, append(train, "2")...)
	for begun := time.Now(); ask() == first; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the changed model was not loaded in 10 s")
		}
	}
	r, err := http.Get(url + "/v2/models/second/versions/7/ready")
	if err != nil || r.StatusCode != 200 {
		t.Errorf("the second model: got %v and the error %v, want status 200", r, err)
	}
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	code, log := end()
	if code != statusDone || !strings.Contains(log, `"path":"/predict"`) || !strings.Contains(log, "draining") || !strings.Contains(log, "was taken") {
		t.Errorf("got exit status %d and the log %.600s, want 0 and the request, the reload and the shutdown", code, log)
	}
}

// With a certificate, gradus serve uses HTTPS.
func TestServeTLS(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	public := certificate(t, net.IPv4(127, 0, 0, 1))
	url, end := serving(t, "m.safetensors", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--token", "secret")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for token, want := range map[string]int{"": 401, "secret": 200} {
		req, _ := http.NewRequest(http.MethodGet, url+"/v2", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		r, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("with the token %q: got status %d, want %d", token, r.StatusCode, want)
		}
	}
	client.CloseIdleConnections()
	if code, log := end(); code != statusDone {
		t.Errorf("got exit status %d, want 0: %s", code, log)
	}
}

// certificate writes a self-signed certificate for an address of this machine as cert.pem, and its key
// as key.pem.
func certificate(t *testing.T, ip net.IP) (public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{ip}}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, b := range map[string][]byte{"cert.pem": public, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return public
}
