// Package written gives tests of the readers the files that other programs wrote.
package written

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Dir is the folder of the files, relative to a reader's test. make.py in that folder wrote them.
const Dir = "../../cmd/gradus/internal/cli/testdata/formats"

// File returns the content of one of the files.
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
