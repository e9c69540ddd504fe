package cli

import (
	"runtime/debug"
	"strings"
	"testing"
)

// With a large table in memory, the garbage collector runs more often. With a small one, it runs as often as usual.
func TestLargeTableTightensTheCollector(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	place(t, map[string]string{"small.csv": "x,y\n1,2\n2,3\n", "large.csv": "x,y\n" + strings.Repeat("1,2\n2,3\n", largeCells/4)})
	for _, c := range []struct {
		file string
		want int
	}{{"small.csv", 100}, {"large.csv", largePercent}} {
		if r := call("inspect", c.file); r.code > 1 {
			t.Fatal(r.err)
		}
		if got := debug.SetGCPercent(100); got != c.want {
			t.Errorf("after %s, the garbage collector's percentage is %d, want %d", c.file, got, c.want)
		}
	}
}
