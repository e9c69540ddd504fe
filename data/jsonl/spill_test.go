package jsonl

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestSpills: objects that do not fit in memory go to the disk, and the table is the same. Some of their keys first
// appear in later rows, and some change what they hold.
func TestSpills(t *testing.T) {
	const rows = 300_000
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, `{"a": %.3f, "whole": %d, "color": "c%d", "flag": %v`, r.NormFloat64(), i%1000, r.IntN(5), i%3 == 0)
		if i > rows/2 {
			fmt.Fprintf(&b, `, "late": %d, "word": "w%d"`, i, i%7)
		}
		if i > 3*rows/4 {
			b.WriteString(`, "mixed": "some"`)
		} else {
			b.WriteString(`, "mixed": 3`)
		}
		if i == rows-1 {
			b.WriteString(`, "last": true`)
		}
		b.WriteString("}\n")
	}
	path := filepath.Join(t.TempDir(), "t.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	written.Spills(t, path, data.ReadOptions{}, 9<<20)
	table, err := data.Read(path, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Infer(table, data.SchemaOptions{Targets: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, c := range s.Columns {
		kinds = append(kinds, fmt.Sprint(c.Name, " ", c.Kind))
	}
	if got, want := strings.Join(kinds, ", "), "whole number, color category, flag boolean, mixed category, late number, word category, last boolean"; got != want {
		t.Errorf("the columns are %s, want %s", got, want)
	}
}
