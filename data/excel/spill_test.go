package excel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// TestSpills: rows that do not fit in memory go to the disk, and the table is the same. Its last row is the total.
func TestSpills(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<row r="1">`)
	for _, name := range []string{"x", "flag", "word", "late", "y"} {
		fmt.Fprintf(&b, `<c t="inlineStr"><is><t>%s</t></is></c>`, name)
	}
	b.WriteString(`</row>`)
	const rows = 200_000
	for i := range rows {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%d"><v>%g</v></c><c t="b"><v>%d</v></c><c t="str"><v>w%d</v></c>`, i+2, i+2, float64(i)/7, i%2, i%5)
		if i > rows/2 {
			fmt.Fprintf(&b, `<c r="D%d"><v>%d</v></c>`, i+2, i)
		}
		if i%7 > 0 {
			fmt.Fprintf(&b, `<c r="E%d"><v>%d</v></c>`, i+2, i%11)
		}
		b.WriteString(`</row>`)
	}
	fmt.Fprintf(&b, `<row r="%d"><c t="str"><v>Total</v></c><c r="E%d"><v>100</v></c></row>`, rows+2, rows+2)
	path := filepath.Join(t.TempDir(), "t.xlsx")
	if err := os.WriteFile(path, sheetOf(t, b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	written.Spills(t, path, data.ReadOptions{}, 6<<20)
}
