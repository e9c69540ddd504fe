package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A column that numbers the rows of each file is not an input of the table of all files, and a note says so.
func TestIndexOfSeveralFiles(t *testing.T) {
	write := func(header string, files ...func(r int) string) []string {
		var paths []string
		dir := t.TempDir()
		for i, row := range files {
			text := rowsOf(header, 60, row)
			paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.csv", i)))
			if err := os.WriteFile(paths[i], []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return paths
	}
	gaps := func(r int) string { return fmt.Sprintf("%d,%d.5,%d", r+r/3, r*7%11, r%5) }
	shuffled := func(r int) string { return fmt.Sprintf("%d,%d.5,%d", r*7%60+r*7%60/3, r*5%13, r%4) }
	twice := func(r int) string { return fmt.Sprintf("%d,%d.5,%d", r/2, r*5%13, r%4) }
	one := func(r int) string { return fmt.Sprintf("%d,%d.5,%d", r, r*7%11, r%5) }
	for name, c := range map[string]struct {
		paths []string
		why   string // "": it is an input
	}{
		"index with gaps":       {write(",x,y", gaps, shuffled), "an index: a first column without a name, of whole numbers that are all different in each file, from 0 to 78"},
		"an index that repeats": {write(",x,y", gaps, twice), ""},
		"row numbers":           {write("row,x,y", one, one, one), "counts the rows: whole numbers from 0 to 59"},
		"row numbers with gaps": {write("row,x,y", one, gaps), ""},
		"a column with a name":  {write("height,x,y", one, one), ""},
	} {
		table, err := ReadAll(c.paths, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Infer(table, SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		why := ""
		for _, d := range s.Dropped {
			why += d.Reason.String()
		}
		if (why == "") != (c.why == "") || !strings.HasPrefix(why, c.why) {
			t.Errorf("%s: dropped because %q, want %q", name, why, c.why)
		}
	}
}
