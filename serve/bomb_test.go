package serve

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"testing"
)

// TestBombs: a small body that unpacks into a large one is refused at the limit, and takes no more memory than the limit allows.
func TestBombs(t *testing.T) {
	const limit, inflated = 1 << 20, 128 << 20 // bytes
	s, _ := served(t, Options{MaxBody: limit})
	for encoding, writer := range map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	} {
		var packed bytes.Buffer
		w := writer(&packed)
		blanks := bytes.Repeat([]byte{' '}, 1<<20)
		for range inflated / len(blanks) {
			if _, err := w.Write(blanks); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || packed.Len() > limit {
			t.Fatalf("packing failed with %v, or gave more than the limit: %d bytes", err, packed.Len())
		}
		for _, path := range []string{"/predict?model=binary", "/v1/models/binary:predict", "/v2/models/binary/infer", "/invocations?model=binary"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			answer := call(t, s, "POST", path, packed.String(), "Content-Encoding", encoding)
			runtime.ReadMemStats(&after)
			if answer.Code != 413 {
				t.Errorf("%s, %s: got %d %.200s, want status 413", encoding, path, answer.Code, answer.Body)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 8*limit {
				t.Errorf("%s, %s: the server allocates %d bytes for a body of at most %d", encoding, path, took, limit)
			}
			if n := s.held.Load(); n != 0 {
				t.Errorf("%s, %s: %d bytes are still held, want 0", encoding, path, n)
			}
		}
	}
	// zstd and brotli are not supported, so nothing is unpacked.
	for _, encoding := range []string{"zstd", "br", "gzip, gzip"} {
		if answer := call(t, s, "POST", "/predict?model=binary", "\x28\xb5\x2f\xfd", "Content-Encoding", encoding); answer.Code != 415 {
			t.Errorf("%s: got %d %.200s, want status 415", encoding, answer.Code, answer.Body)
		}
	}
}
