package need

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A recorder stands for a test that is skipped or fails.
type recorder struct{ testing.TB }

func (r *recorder) Helper()           {}
func (r *recorder) Skip(args ...any)  { panic("skip: " + fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) { panic("fatal: " + fmt.Sprint(args...)) }

func record(f func(testing.TB)) (what string) {
	defer func() {
		if p := recover(); p != nil {
			what = p.(string)
		}
	}()
	f(&recorder{})
	return ""
}

func TestData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	find := func(tb testing.TB) { Data(tb, "a.csv") }
	t.Setenv("GRADUS_DATA", "")
	t.Setenv("GRADUS_MUST_RUN", "")
	const unset = "needs a.csv: set GRADUS_DATA to the folder of tables"
	if got := record(find); got != "skip: "+unset {
		t.Errorf("without the variable: got %q, want a skip", got)
	}
	t.Setenv("GRADUS_MUST_RUN", "1")
	if got := record(find); got != "fatal: "+unset {
		t.Errorf("where it must run: got %q, want a failure", got)
	}
	t.Setenv("GRADUS_DATA", dir)
	if got := record(find); got != "" {
		t.Errorf("with the file there: got %q, want neither a skip nor a failure", got)
	}
	if got := Data(t, "a.csv"); got != filepath.Join(dir, "a.csv") {
		t.Errorf("got the path %q, want the file in the folder", got)
	}
}

func TestThat(t *testing.T) {
	t.Setenv("GRADUS_MUST_RUN", "")
	if got := record(func(tb testing.TB) { That(tb, false, "luck") }); got != "skip: needs luck" {
		t.Errorf("got %q, want %q", got, "skip: needs luck")
	}
	if got := record(func(tb testing.TB) { That(tb, true, "luck") }); got != "" {
		t.Errorf("got %q, want %q", got, "")
	}
}

func TestTool(t *testing.T) {
	t.Setenv("GRADUS_MUST_RUN", "")
	if got := record(func(tb testing.TB) { Tool(tb, "no-such-program") }); got == "" {
		t.Error("a program that does not exist was found")
	}
	if got := record(func(tb testing.TB) { Tool(tb, "go") }); got != "" {
		t.Errorf("got %q, want %q", got, "")
	}
}
