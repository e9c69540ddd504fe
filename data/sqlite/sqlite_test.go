package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

const people = "../../cmd/gradus/internal/cli/testdata/formats/people.db"

func TestRefuses(t *testing.T) {
	good, err := os.ReadFile(people)
	if err != nil {
		t.Fatal(err)
	}
	write := func(raw []byte) string {
		path := filepath.Join(t.TempDir(), "a.db")
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	scribbled := bytes.Clone(good)
	copy(scribbled[4096:], bytes.Repeat([]byte{0xff}, 4096))
	for name, c := range map[string]struct {
		path, query string
		kind        error
		want        string
	}{
		"none":           {"sqlite:nowhere.db", "", data.ErrNoFile, "no such file"},
		"a folder":       {"sqlite:" + t.TempDir(), "", data.ErrFolder, "is a folder"},
		"cut short":      {write(good[:5000]), "", data.ErrDamaged, "SQLite database"},
		"no database":    {write([]byte("x,y\n1,2\n")), "", data.ErrDamaged, "SQLite database"},
		"scribbled on":   {write(scribbled), "", data.ErrDamaged, "SQLite database"},
		"a wrong query":  {"sqlite:" + people, "select absent from people", data.ErrOption, "no such column"},
		"a change":       {"sqlite:" + people, "delete from people", data.ErrOption, "not one that reads rows"},
		"two":            {"sqlite:" + people, "select 1; select 2", data.ErrOption, "not one that reads rows"},
		"bytes":          {"sqlite:" + people, "select x'00' as a, 1 as b", data.ErrFormat, `column "a" holds bytes`},
		"no rows":        {"sqlite:" + people, "select * from people where 0", data.ErrEmpty, "no rows"},
		"an empty query": {"sqlite:" + people, " ", data.ErrOption, "not one that reads rows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := data.Read(c.path, data.ReadOptions{Query: c.query})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%v is no %v with %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := data.Read(data.Stdin, data.ReadOptions{Stdin: bytes.NewReader(good)}); !errors.Is(err, data.ErrFormat) {
		t.Error(err)
	}
}
