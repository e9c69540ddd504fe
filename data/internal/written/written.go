// Package written gives tests of the readers the files that other programs wrote.
package written

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Dir is the folder of the files, relative to a reader's test. make.py in that folder wrote them.
const Dir = "../internal/written/testdata"

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

// Unread checks that Infer leaves out the columns of a table that are not read, and only those, for the given reasons.
func Unread(t testing.TB, table *data.Table, want map[string]string) {
	t.Helper()
	s, err := data.Infer(table, data.SchemaOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	for _, d := range s.Dropped {
		if why := want[d.Name]; why == "" || !strings.Contains(d.Reason.String(), why) {
			t.Errorf("column %q is left out because it %v, want %q", d.Name, d.Reason, why)
		}
	}
	if len(s.Dropped) != len(want) {
		t.Errorf("%d columns are left out, want %d", len(s.Dropped), len(want))
	}
}
