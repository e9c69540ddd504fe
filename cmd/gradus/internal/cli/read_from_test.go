package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"github.com/gradus-ml/gradus/data"
)

// onlyReader hides all other methods of a reader.
type onlyReader struct{ io.Reader }

// TestReadFrom: a file of every format gives the same table from any reader as by its path.
func TestReadFrom(t *testing.T) {
	files, err := filepath.Glob(written + "/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("got %v %v, want no error and len(files) >= 5", files, err)
	}
	files = append(files, iris)
	formats := map[string]bool{}
	for _, path := range files {
		want, err := data.Read(path, data.ReadOptions{})
		if err != nil {
			continue // make.py, and files that no reader accepts
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for kind, r := range map[string]io.Reader{
			"a file": file, "bytes": bytes.NewReader(raw), "a stream": onlyReader{bytes.NewReader(raw)}, "halves": iotest.HalfReader(bytes.NewReader(raw)),
			"an offset": io.NewSectionReader(bytes.NewReader(append([]byte("....."), raw...)), 5, int64(len(raw))),
		} {
			got, err := data.ReadFrom(r, name, data.ReadOptions{})
			if strings.HasPrefix(string(raw), "SQLite") {
				if !errors.Is(err, data.ErrFormat) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s from %s: %v", name, kind, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s from %s: %v", name, kind, err)
				continue
			}
			if got.Fingerprint() != want.Fingerprint() || got.Name() != name || got.Format() != want.Format() {
				t.Errorf("%s from %s: got the name %s, %d rows and the format %s, want what data.Read gives", name, kind, got.Name(), got.Rows(), got.Format())
			}
			formats[got.Format()] = true
		}
		file.Close()
	}
	if len(formats) < 5 {
		t.Errorf("got the formats %v, want at least 5", formats)
	}
}

func TestReadFromLimits(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "a,b\n"+strings.Repeat("1,2\n", 1000))
	z.Close()
	if table, err := data.ReadFrom(bytes.NewReader(packed.Bytes()), "t.csv.gz", data.ReadOptions{}); err != nil || table.Rows() != 1000 {
		t.Error(err)
	}
	_, err := data.ReadFrom(&packed, "t.csv.gz", data.ReadOptions{MaxBytes: 1000})
	if !errors.Is(err, data.ErrLarge) || !strings.HasPrefix(err.Error(), "t.csv.gz: ") {
		t.Error(err)
	}
	if _, err := data.ReadFrom(strings.NewReader("a\n1\n"), "", data.ReadOptions{}); !errors.Is(err, data.ErrOption) {
		t.Error(err)
	}
	if _, err := data.ReadFrom(iotest.ErrReader(io.ErrUnexpectedEOF), "t.csv", data.ReadOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, data.ErrUnreadable) {
		t.Error(err)
	}
	// If a quote late in the text turns out to be an ordinary character, the text is read again. That needs a reader that can
	// seek.
	late := "a\tb\n" + strings.Repeat("1\tx\n", 500_000) + "2\t\"7 pipe\n"
	for _, r := range []io.Reader{strings.NewReader(late), onlyReader{strings.NewReader(late)}} {
		_, back := r.(io.Seeker)
		if table, err := data.ReadFrom(r, "t.tsv", data.ReadOptions{}); back != (err == nil) || back && table.Cell(500_000, 1) != "\"7 pipe" {
			t.Errorf("the reader can seek: %v: got the error %v", back, err)
		}
	}
}
