package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// only checks that the folder holds one file with that text, and nothing else.
func only(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("the file holds %q, want %q", got, text)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %d files, want 1: %v", len(entries), entries)
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	for _, s := range []string{"first", "second, longer", "", strings.Repeat("x", 1<<17)} {
		if err := Write(path, text(s)); err != nil {
			t.Fatal(err)
		}
		only(t, path, s)
	}
}

func TestWriteFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("new", 1<<16))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v does not wrap the writer's", err)
	}
	if want := "cannot write " + path + ": boom"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	only(t, path, "old")
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ path, want string }{
		{dir, "cannot write " + dir + ": it is a folder: name a file in it"},
		{filepath.Join(dir, "none", "model"), "cannot write " + filepath.Join(dir, "none", "model") + ": the folder " + filepath.Join(dir, "none") + " does not exist"},
	} {
		err := Write(test.path, func(io.Writer) error { t.Error("the writer was called"); return nil })
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("the refused writes left %v behind", entries)
	}
}

func TestMode(t *testing.T) {
	dir := t.TempDir()
	created, err := os.Create(filepath.Join(dir, "created"))
	if err != nil {
		t.Fatal(err)
	}
	created.Close()
	path := filepath.Join(dir, "model")
	if err := Write(path, text("x")); err != nil {
		t.Fatal(err)
	}
	if got, want := mode(t, path), mode(t, created.Name()); got != want {
		t.Errorf("the new file has mode %v, want os.Create's %v", got, want)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := mode(t, path)
	if err := Write(path, text("y")); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != want {
		t.Errorf("the replaced file has mode %v, want its former mode %v", got, want)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestSymlink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("the link's target holds %q, want new", got)
	}
}
