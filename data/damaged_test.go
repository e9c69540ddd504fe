package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// TestDamagedFiles: a table that is cut short or has a changed byte is read, or is refused in one sentence that names
// the file. This holds for every encoding and compression. Nothing panics, and memory is bounded.
func TestDamagedFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("größe,ort,y\n")
	for i := range 400 {
		fmt.Fprintf(&b, "%d.5,\"Köln, %d\",%d\n", i*37%101, i%9, i%2)
	}
	text := b.String()
	wide := func(low, high int) []byte {
		var out []byte
		for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
			pair := [2]byte{}
			pair[low], pair[high] = byte(u), byte(u>>8)
			out = append(out, pair[:]...)
		}
		return out
	}
	encoded := map[string][]byte{
		"utf-8": []byte(text), "utf-16le": wide(0, 1), "utf-16be": wide(1, 0),
		"windows-1252": []byte(strings.NewReplacer("ö", "\xf6", "ß", "\xdf").Replace(text)),
	}
	packed := map[string]func([]byte) []byte{
		"": bytes.Clone,
		".gz": func(raw []byte) []byte {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			w.Write(raw)
			w.Close()
			return out.Bytes()
		},
		".zst": func(raw []byte) []byte {
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			return w.EncodeAll(raw, nil)
		},
	}
	dir := t.TempDir()
	for encoding, raw := range encoded {
		for ending, pack := range packed {
			whole := pack(raw)
			path := filepath.Join(dir, encoding+".csv"+ending)
			read := func(what string, content []byte) (*Table, error) {
				t.Helper()
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				table, err := Read(path, ReadOptions{})
				runtime.ReadMemStats(&after)
				if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
					t.Errorf("%s%s %s: %d MiB were allocated, want at most 64", encoding, ending, what, taken>>20)
				}
				if err == nil {
					return table, nil
				}
				if s := err.Error(); !strings.HasPrefix(s, path) || strings.Contains(s, "\n") || len(s) > len(path)+400 || strings.Contains(s, "panic") {
					t.Errorf(`%s%s %s: got %q, want s to begin with path and no "\n" in s and len(s) <= len(path)+400 and no "panic" in s`, encoding, ending, what, s)
				}
				var f *failure
				var r *RowError
				if !errors.As(err, &f) && !(errors.As(err, &r) && r.Err != nil) {
					t.Errorf("%s%s %s: the error %v has no kind", encoding, ending, what, err)
				}
				return nil, err
			}
			table, err := read("whole", whole)
			if err != nil || table.Rows() != 400 || table.Columns()[0] != "größe" || table.Cell(5, 1) != "Köln, 5" {
				t.Fatalf(`%s%s: got %v, want no error and table.Rows() = 400 and table.Columns()[0] = "größe" and table.Cell(5, 1) = "Köln, 5"`, encoding, ending, err)
			}
			const places = 12
			for i := 1; i < places; i++ {
				at := i * len(whole) / places
				table, err := read(fmt.Sprintf("cut at %d", at), whole[:at])
				if ending != "" && err == nil {
					t.Errorf("%s%s cut at %d of %d bytes: got %d rows and no error, want an error", encoding, ending, at, len(whole), table.Rows())
				}
				changed := bytes.Clone(whole)
				changed[at] ^= 0xff
				table, err = read(fmt.Sprintf("changed at %d", at), changed)
				if ending == ".gz" && err == nil && at > 20 {
					t.Errorf("%s%s changed at %d: got %d rows and no error, want an error", encoding, ending, at, table.Rows())
				}
			}
		}
	}
}
