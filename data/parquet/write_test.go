package parquet

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
	"github.com/gradus-ml/gradus/internal/memory"
)

// TestWrite: a file that was written is read as the same table, even with more than one row group. If
// GRADUS_PARQUET_OUT is set, the file is kept at that path.
func TestWrite(t *testing.T) {
	rows := groupRows + 9
	columns := []Column{{Name: "x"}, {Name: "s", Missing: make([]bool, rows)}}
	for i := range rows {
		columns[0].Numbers = append(columns[0].Numbers, math.Sqrt(float64(i)))
		columns[1].Texts = append(columns[1].Texts, string(rune('a'+i%26)))
		columns[1].Missing[i] = i%7 == 3
	}
	var out bytes.Buffer
	if err := Write(&out, columns); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("GRADUS_PARQUET_OUT"); path != "" {
		os.WriteFile(path, out.Bytes(), 0o666)
	}
	table, err := written.Read(out.Bytes(), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if table.Rows() != rows {
		t.Fatalf("table.Rows() = %v, want %v", table.Rows(), rows)
	}
	for i := range rows {
		if x, _ := table.Number(i, 0); x != columns[0].Numbers[i] || table.Missing(i, 1) != columns[1].Missing[i] || !table.Missing(i, 1) && table.Cell(i, 1) != columns[1].Texts[i] {
			t.Fatalf("row %d: got %v and %q, want what was written", i, x, table.Cell(i, 1))
		}
	}
}

// TestSpills: a file that does not fit in memory is read onto the disk, one row group at a time. The cells are the
// same.
func TestSpills(t *testing.T) {
	rows := 3*groupRows + 9
	columns := []Column{{Name: "x"}, {Name: "whole then wide"}, {Name: "s", Missing: make([]bool, rows)}, {Name: "late"}}
	for i := range rows {
		wide, late := float64(i%1000), ""
		if i > 2*groupRows {
			wide, late = math.Sqrt(float64(i)), "w"+string(rune('a'+i%26))
		}
		columns[0].Numbers = append(columns[0].Numbers, math.Sqrt(float64(i)))
		columns[1].Numbers = append(columns[1].Numbers, wide)
		columns[2].Texts = append(columns[2].Texts, string(rune('a'+i*7%26)))
		columns[2].Missing[i] = i%7 == 3
		columns[3].Texts = append(columns[3].Texts, late)
	}
	var out bytes.Buffer
	if err := Write(&out, columns); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "t.parquet")
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	disk, err := data.NewSpill(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer disk.Close()
	all, err := data.Read(path, data.ReadOptions{Spill: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Allow(0)
	if !memory.Leave(11 << 20) { // bytes: room for two row groups, but not for four
		t.Skip("the amount of memory is not known on this system")
	}
	var seen []data.Progress
	if _, err := data.Read(path, data.ReadOptions{}); !errors.Is(err, data.ErrLarge) {
		t.Fatalf("without a disk: got %v, want ErrLarge", err)
	}
	spilled, err := data.Read(path, data.ReadOptions{Spill: disk, Progress: func(p data.Progress) { seen = append(seen, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if all.Spilled() != nil || spilled.Spilled() == nil {
		t.Fatal("the wrong table is on the disk")
	}
	if all.Rows() != rows || spilled.Rows() != rows || all.Fingerprint() != spilled.Fingerprint() {
		dbg(t, all, spilled)
		t.Errorf("want %d rows, got %d in memory and %d on the disk, or the cells differ", rows, all.Rows(), spilled.Rows())
	}
	if n := len(seen); n != 4*len(columns) || seen[n-1].Share != 1 {
		t.Errorf("got the progress %v, want a report for each column of 4 row groups, the last with the share 1", seen)
	}
}

func dbg(t *testing.T, a, b *data.Table) {
	for j := range 4 {
		n := 0
		for i := range a.Rows() {
			if a.Cell(i, j) != b.Cell(i, j) || a.Missing(i, j) != b.Missing(i, j) {
				if n < 3 {
					t.Errorf("column %d, row %d: %q in memory, %q on the disk", j, i, a.Cell(i, j), b.Cell(i, j))
				}
				n++
			}
		}
		t.Log(j, n)
	}
	t.Log(a.Fingerprint(), a.Fingerprint(), b.Fingerprint(), b.Fingerprint())
}
