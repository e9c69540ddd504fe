package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestSpills: rows that do not fit in memory go to the disk, and the table is the same. Some columns change what they hold in
// later rows, and one has bytes there.
func TestSpills(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := sqlite3.Open("file:" + filepath.ToSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Exec(`
		create table t (x real, whole integer, flag boolean, word text, mixed, late, raw, y real);
		with recursive n(i) as (select 0 union all select i + 1 from n where i < 249999)
		insert into t select i / 7.0, i - 1000, i % 3 = 0, 'w' || (i % 5), case when i > 200000 then 'some' else 3 end,
			case when i > 130000 then i end, case when i = 150000 then x'00' else i end, i % 11 from n`)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	written.Spills(t, "sqlite:"+path, data.ReadOptions{Query: "select * from t order by rowid"}, 12<<20)
}
