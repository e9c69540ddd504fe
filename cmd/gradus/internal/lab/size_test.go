package lab

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A frame of the notebook's net is small when sent, and so is the picture under the network.
func TestFramesAreSmall(t *testing.T) {
	const mostFrame, mostSmall = 40_000, 10_000 // bytes
	_, web := newServer(t, Options{})
	v := visit(t, web)
	m := v.do("do", "batch")
	var small bytes.Buffer
	z, _ := gzip.NewWriterLevel(&small, gzip.BestSpeed)
	io.WriteString(z, m.HTML["output"])
	z.Close()
	t.Logf("the picture under the network: %d bytes, compressed %d", len(m.HTML["output"]), small.Len())
	if n := small.Len(); n < 500 || n > mostSmall {
		t.Errorf("the picture under the network has %d compressed bytes, want 500 to 10,000", n)
	}
	for _, tab := range tabs {
		form := url.Values{"do": {"tab"}, "tab": {tab.Name}}
		req, err := http.NewRequest(http.MethodPost, web+"/do?s="+v.id, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", web)
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf(`got %v, %q, want no error and resp.Header.Get("Content-Encoding") = "gzip"`, err, resp.Header.Get("Content-Encoding"))
		}
		t.Logf("%s: %d bytes", tab.Name, len(sent))
		if len(sent) > mostFrame {
			t.Errorf("the reply with the panel %s has %d bytes, want at most 40,000", tab.Name, len(sent))
		}
	}
}
