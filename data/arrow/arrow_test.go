package arrow

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestCells: the cells are those of the CSV.
func TestCells(t *testing.T) {
	c, err := data.Read(filepath.Join(written.Dir, "people.csv"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pyarrow.arrow", "lz4.arrow", "stream.arrows", "polars.arrow"} {
		a, err := data.Read(filepath.Join(written.Dir, name), data.ReadOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		if a.Rows() != c.Rows() || strings.Join(a.Columns(), ",") != strings.Join(c.Columns(), ",") {
			t.Errorf("%s: got %d rows of %v, want those of the CSV file", name, a.Rows(), a.Columns())
			continue
		}
		for col := range a.Columns() {
			for row := range a.Rows() {
				if got, want := a.Cell(row, col), strings.TrimSuffix(c.Cell(row, col), ".0"); got != want && got != strings.ToLower(want) || a.Missing(row, col) != c.Missing(row, col) {
					t.Errorf("%s: row %d, column %d: got %q, want %q", name, row, col, got, want)
				}
			}
		}
	}
	codes, err := data.Read(filepath.Join(written.Dir, "codes.arrow"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Infer(codes, data.SchemaOptions{})
	if err != nil || s.Columns[0].Kind != data.KindCategory || codes.Cell(2, 0) != "30" {
		t.Errorf(`got %v %v, want no error and s.Columns[0].Kind = data.KindCategory and codes.Cell(2, 0) = "30"`, s, err)
	}
}

// TestUnread: columns whose values cannot be cells of a table are left out, and the others are read.
func TestUnread(t *testing.T) {
	table, err := written.Read(written.File(t, "spoiled.arrows"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written.Unread(t, table, map[string]string{
		"list": "holds lists, which are not read: flatten", "words": "holds lists", "struct": "holds structs", "map": "holds maps", "pair": "holds lists", "bytes": "holds bytes",
		"span": "holds spans of time, which are not read: write them as numbers", "fixed": "holds bytes", "either": "holds values of several types", "runs": "holds runs", "views": "holds lists",
	})
	if got := table.Cell(23, table.Index("color")) + table.Cell(23, table.Index("y")); got != "blue2" {
		t.Errorf("the cells of the last row are %q, want blue2", got)
	}
	if _, err := written.Read(written.File(t, "list.arrow"), data.ReadOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	good := written.File(t, "pyarrow.arrow")
	with := func(at int, b ...byte) []byte {
		raw := bytes.Clone(good)
		copy(raw[at:], b)
		return raw
	}
	for name, c := range map[string]struct {
		raw  []byte
		kind error
		want string
	}{
		"cut in a batch":       {good[:2000], data.ErrDamaged, "cut short or damaged"},
		"cut in the schema":    {good[:100], data.ErrDamaged, "cut short or damaged (after 0 rows)"},
		"a stream that is cut": {written.File(t, "stream.arrows")[:2500], data.ErrDamaged, "cut short or damaged"},
		"a magic alone":        {good[:8], data.ErrDamaged, "cut short or damaged"},
		"a footer too long":    {with(len(good)-10, 0xff, 0xff, 0xff, 0x7f), data.ErrDamaged, "cut short or damaged"},
		"offsets that are no":  {with(len(good)-200, bytes.Repeat([]byte{0xff}, 40)...), data.ErrDamaged, "cut short or damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := written.Read(c.raw, data.ReadOptions{})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := written.Read(good, data.ReadOptions{MaxColumns: 2}); !errors.Is(err, data.ErrLarge) {
		t.Error(err)
	}
}

// FuzzRead: no bytes make the reader panic or take much memory.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"pyarrow.arrow", "lz4.arrow", "stream.arrows", "polars.arrow", "list.arrow", "codes.arrow", "spoiled.arrows"} {
		f.Add(written.File(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 8 || string(raw[:8]) != magic {
			raw = append([]byte(magic), raw...)
		}
		if table, err := written.Read(raw, data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100}); err == nil {
			table.Fingerprint()
		}
	})
}
