package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestCells: the cells are those of the CSV.
func TestCells(t *testing.T) {
	for _, name := range []string{"pyarrow", "plain-v2-zstd", "delta-gzip", "length-lz4", "int96-none", "pandas", "fastparquet", "polars", "duckdb"} {
		p, err := data.Read(filepath.Join(written.Dir, name+".parquet"), data.ReadOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := data.Read(filepath.Join(written.Dir, "people.csv"), data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.Columns(), c.Columns()) || p.Rows() != c.Rows() || !strings.HasPrefix(p.Format(), "Parquet") {
			t.Errorf("%s: got %v, %d rows, %s, want the columns and rows of the CSV file, as Parquet", name, p.Columns(), p.Rows(), p.Format())
			continue
		}
		for col := range p.Columns() {
			for row := range p.Rows() {
				if got, want := p.Cell(row, col), strings.TrimSuffix(c.Cell(row, col), ".0"); got != want && got != strings.ToLower(want) || p.Missing(row, col) != c.Missing(row, col) {
					t.Errorf("%s: row %d, column %d: got %q, want %q", name, row, col, got, want)
				}
			}
		}
	}
}

// TestCategories: whole numbers that were stored as categories are read as categories.
func TestCategories(t *testing.T) {
	table, err := data.Read(filepath.Join(written.Dir, "codes.parquet"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Infer(table, data.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Columns[0].Kind != data.KindCategory {
		t.Errorf("code is taken for a %s, want a category", s.Columns[0].Kind)
	}
}

// TestUnread: columns whose values cannot be cells of a table are left out, and the others are read.
func TestUnread(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"spoiled.parquet": {"list": "holds lists, which are not read: flatten", "words": "holds lists", "struct": "holds structs", "map": "holds maps", "pair": "holds lists", "bytes": "holds bytes", "span": "holds spans of time, which are not read: write them as numbers"},
		"list.parquet":    {"a": "holds lists"},
		"struct.parquet":  {"a": "holds structs"},
	} {
		table, err := written.Read(written.File(t, name), data.ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "spoiled.parquet" {
			continue
		}
		written.Unread(t, table, want)
		if got := table.Cell(23, table.Index("color")) + table.Cell(23, table.Index("y")); got != "blue2" {
			t.Errorf("%s: the cells of the last row are %q, want blue2", name, got)
		}
	}
}

// TestRefuses: damaged files and files without a table are refused in one sentence.
func TestRefuses(t *testing.T) {
	good := written.File(t, "pyarrow.parquet")
	with := func(at int, b ...byte) []byte {
		raw := bytes.Clone(good)
		if at < 0 {
			at += len(raw)
		}
		copy(raw[at:], b)
		return raw
	}
	for name, c := range map[string]struct {
		raw  []byte
		kind error
		want string
	}{
		"cut short":              {good[:len(good)-100], data.ErrDamaged, "does not end with a footer"},
		"a magic alone":          {[]byte("PAR1"), data.ErrDamaged, "no footer"},
		"a footer too long":      {with(-8, 0xff, 0xff, 0xff, 0x7f), data.ErrDamaged, "longer than the file"},
		"a footer too short":     {with(-8, 3, 0, 0, 0), data.ErrDamaged, "footer cannot be read"},
		"encrypted":              {with(-4, []byte("PARE")...), data.ErrFormat, "encrypted"},
		"a page of zeros":        {with(4, make([]byte, 60)...), data.ErrDamaged, `in column "num"`},
		"a page of ones":         {with(4, bytes.Repeat([]byte{0xff}, 60)...), data.ErrDamaged, `in column "num"`},
		"a codec":                {written.File(t, "brotli.parquet"), data.ErrFormat, "no column can be read: column \"a\" holds pages compressed with Brotli"},
		"a file inside a footer": {append(bytes.Clone(good[:4]), good[len(good)-8:]...), data.ErrDamaged, "longer than the file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := written.Read(c.raw, data.ReadOptions{})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := written.Read(good, data.ReadOptions{MaxColumns: 3}); !errors.Is(err, data.ErrLarge) {
		t.Error(err)
	}
	if _, err := written.Read(good, data.ReadOptions{MaxBytes: 1000}); !errors.Is(err, data.ErrLarge) {
		t.Error(err)
	}
}

// TestBombs: a file that claims to hold more than it does takes no memory for the claim.
func TestBombs(t *testing.T) {
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	const most = 32 << 20
	zeros := bytes.Repeat([]byte{0}, 1<<16)
	for codec := range 8 {
		if n := allocated(func() {
			var z inflater
			if out, err := z.inflate(codec, zeros, 1<<30); err == nil {
				t.Errorf("codec %d: zeros were decompressed into %d bytes, want an error", codec, len(out))
			}
			z.close()
		}); n > most {
			t.Errorf("codec %d: %d bytes were allocated for a page that does not exist, want at most 32 MiB", codec, n)
		}
	}
	run := binary.AppendUvarint(nil, 1<<40) // one value, repeated very often
	if n := allocated(func() {
		if got, err := hybrid(append(run, 1), 1, 1000, nil); err != nil || len(got) != 1000 {
			t.Errorf("len(got) = %v, %v, want 1000 and no error", len(got), err)
		}
		if _, err := hybrid(binary.AppendUvarint(nil, 1<<40|1), 32, 1000, nil); err == nil {
			t.Error("packed values that do not exist were read")
		}
		if _, _, err := delta([]byte{0x80, 1, 4, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}, 1000, nil); err == nil {
			t.Error("differences that do not exist were read")
		}
	}); n > most {
		t.Errorf("%d bytes were allocated for runs, want at most 32 MiB", n)
	}
}

// FuzzRead: no bytes make the reader panic or take much memory, and a table that was read has rows.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"pyarrow.parquet", "plain-v2-zstd.parquet", "delta-gzip.parquet", "length-lz4.parquet", "int96-none.parquet", "list.parquet", "codes.parquet", "spoiled.parquet"} {
		f.Add(written.File(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !bytes.HasPrefix(raw, []byte(magic)) {
			raw = append([]byte(magic), raw...)
		}
		table, err := written.Read(raw, data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100})
		if err != nil {
			if !strings.HasPrefix(err.Error(), data.StdinName) {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		table.Fingerprint()
		if table.Rows() == 0 {
			t.Error("a table without rows was read")
		}
	})
}
