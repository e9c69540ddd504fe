package parquet

import (
	"bytes"
	"math"
	"os"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestWrite: what is written is read back, more than one group of rows too. GRADUS_PARQUET_OUT keeps the file.
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
		t.Fatal(table.Rows())
	}
	for i := range rows {
		if x, _ := table.Number(i, 0); x != columns[0].Numbers[i] || table.Missing(i, 1) != columns[1].Missing[i] || !table.Missing(i, 1) && table.Cell(i, 1) != columns[1].Texts[i] {
			t.Fatalf("row %d: %v %q", i, x, table.Cell(i, 1))
		}
	}
}
