// Package written has the files that other programs wrote for the tests of the readers.
package written

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Dir is their folder, as the test of a reader sees it; make.py beside them wrote them.
const Dir = "../../cmd/gradus/internal/cli/testdata/formats"

// File is one of them.
func File(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Read reads the bytes of a file as data.Read reads standard input.
func Read(raw []byte, opt data.ReadOptions) (*data.Table, error) {
	opt.Stdin = bytes.NewReader(raw)
	return data.Read(data.Stdin, opt)
}
