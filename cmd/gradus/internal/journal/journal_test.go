package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/lock"
)

type piece struct {
	Name  string
	Score *float64
}

type head struct {
	Data string `json:"data"`
	Seed int    `json:"seed"`
}

// If the end of the file is lost, the pieces before it are known, and the others can be written
// again.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	path := filepath.Join(dir, "pieces.jsonl")
	work := head{"table", 1}
	score := 0.1 + 0.2
	want := []piece{{"a", &score}, {"b", nil}}
	if j, _, err := Open[piece](dir, "pieces.jsonl", "search", head{"other", 7}); err != nil { // work without a piece
		t.Fatal(err)
	} else {
		j.Close()
	}
	for i := range want {
		j, known, err := Open[piece](dir, "pieces.jsonl", "search", work)
		if err != nil || len(known) != i || i > 0 && !reflect.DeepEqual(known, want[:i]) {
			t.Fatalf("the journal holds %+v (%v)", known, err)
		}
		if err := j.Add(want[i]); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Open[piece](dir, "pieces.jsonl", "search", work); !errors.Is(err, lock.ErrHeld) || !strings.Contains(err.Error(), "the search in "+dir) {
			t.Errorf("opened twice: got %v, want lock.ErrHeld", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := j.Add(want[i]); err == nil || !strings.HasPrefix(err.Error(), "cannot write "+path+": ") {
			t.Errorf("writing to a closed journal gives %v", err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		if err := os.WriteFile(path, whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		j, known, err := Open[piece](dir, "pieces.jsonl", "search", work)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		for _, p := range want[len(known):] {
			if err := j.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		j.Close()
		if got, _ := os.ReadFile(path); string(got) != string(whole) {
			t.Fatalf("cut after %d bytes and continued: %q", cut, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pieces.jsonl")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, want string }{
		{`{"data":"table","seed":2}` + "\n", "the search in " + dir + " is a different one (seed differs)"},
		{`{"data":"other","seed":2}` + "\n", "(data, seed differs)"},
		{`{"data":"table","seed":1,"more":3}` + "\n", "(more differs)"},
		{"nonsense\n", "(its first line differs)"},
		{`{"data":"table","seed":1}` + "\nnonsense\n", path + ", line 2: this is damaged"},
	} {
		write(c.file)
		if _, _, err := Open[piece](dir, "pieces.jsonl", "search", head{"table", 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v\nwant %s", c.file, err, c.want)
		}
		if got, _ := os.ReadFile(path); string(got) != c.file {
			t.Errorf("%q has become %q", c.file, got)
		}
	}
	if _, _, err := Open[piece](path, "pieces.jsonl", "search", head{}); err == nil || !strings.Contains(err.Error(), "the folder "+path+" cannot be made") || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file where the folder should be gives %v", err)
	}
}

// FuzzOpen checks that Open returns pieces or an error, whatever a journal's file holds. After an error the file is
// unchanged. Otherwise a piece can be added, and no earlier one is lost.
func FuzzOpen(f *testing.F) {
	const first = `{"data":"table","seed":1}` + "\n"
	for _, s := range []string{"", first, first + `{"Name":"a","Score":1}` + "\n" + `{"Na`, first + "null\n", first + "[]\n", "{}\n", "\n\n", "{\"data\":7}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "pieces.jsonl")
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		j, known, err := Open[piece](dir, "pieces.jsonl", "search", head{"table", 1})
		if err != nil {
			if after, _ := os.ReadFile(path); string(after) != string(raw) {
				t.Errorf("refused (%v), and changed from %q to %q", err, raw, after)
			}
			return
		}
		if err := j.Add(piece{Name: "last"}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		j, again, err := Open[piece](dir, "pieces.jsonl", "search", head{"table", 1})
		if err != nil || len(again) != len(known)+1 || again[len(known)].Name != "last" || len(known) > 0 && !reflect.DeepEqual(again[:len(known)], known) {
			t.Fatalf("%q: %+v, and with one more %+v (%v)", raw, known, again, err)
		}
		j.Close()
	})
}
