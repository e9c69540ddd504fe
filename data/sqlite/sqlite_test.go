package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

const people = written.Dir + "/people.db"

// TestUnread: a column with bytes is left out, and the others are read.
func TestUnread(t *testing.T) {
	table, err := data.Read("sqlite:"+people, data.ReadOptions{Query: "select whole, case when rowid = 3 then x'00' else whole end as a, y from people order by rowid"})
	if err != nil {
		t.Fatal(err)
	}
	written.Unread(t, table, map[string]string{"a": "holds bytes, as in row 2, which are not read: cast"})
	if _, ok := table.Number(59, 2); table.Rows() != 60 || !ok {
		t.Errorf("got %d rows, the last with y = %q, want 60 rows and a number", table.Rows(), table.Cell(59, 2))
	}
}

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
		"bytes":          {"sqlite:" + people, "select x'00' as a", data.ErrFormat, `no column can be read: column "a" holds bytes, as in row 0, which are not read: cast`},
		"no rows":        {"sqlite:" + people, "select * from people where 0", data.ErrEmpty, "no rows"},
		"an empty query": {"sqlite:" + people, " ", data.ErrOption, "not one that reads rows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := data.Read(c.path, data.ReadOptions{Query: c.query})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := data.Read(data.Stdin, data.ReadOptions{Stdin: bytes.NewReader(good)}); !errors.Is(err, data.ErrFormat) {
		t.Error(err)
	}
}
