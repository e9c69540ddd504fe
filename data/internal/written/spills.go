package written

import (
	"errors"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/memory"
)

// Spills checks that a table does not fit in memory when that many bytes are free, and that it then goes to the disk, if there
// is one, with the same cells and types.
func Spills(t *testing.T, path string, opt data.ReadOptions, free uint64) {
	t.Helper()
	disk, err := data.NewSpill(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer disk.Close()
	spilling := opt
	spilling.Spill = disk
	whole, err := data.Read(path, spilling)
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Allow(0)
	if !memory.Leave(free) {
		t.Skip("the amount of memory is not known on this system")
	}
	if _, err := data.Read(path, opt); !errors.Is(err, data.ErrLarge) {
		t.Fatalf("without a disk: got %v, want ErrLarge", err)
	}
	spilled, err := data.Read(path, spilling)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Spilled() != nil || spilled.Spilled() == nil {
		t.Fatal("the wrong table is on the disk")
	}
	if a, b := whole.Fingerprint(), spilled.Fingerprint(); a != b || whole.Format() != spilled.Format() {
		t.Errorf("%d rows of %q as %s in memory, %d of %q as %s on the disk, or the cells differ",
			whole.Rows(), whole.Columns(), whole.Format(), spilled.Rows(), spilled.Columns(), spilled.Format())
	}
	a, err := data.Infer(whole, data.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := data.Infer(spilled, data.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Columns) != len(b.Columns) || len(a.Dropped) != len(b.Dropped) {
		t.Fatalf("%d columns and %d left out in memory, %d and %d on the disk", len(a.Columns), len(a.Dropped), len(b.Columns), len(b.Dropped))
	}
	for i := range a.Columns {
		if x, y := a.Columns[i], b.Columns[i]; x.Name != y.Name || x.Kind != y.Kind {
			t.Errorf("the column %q is %s in memory, and %q is %s on the disk", x.Name, x.Kind, y.Name, y.Kind)
		}
	}
	for i := range a.Dropped {
		if x, y := a.Dropped[i], b.Dropped[i]; x.Name != y.Name || x.Reason.String() != y.Reason.String() {
			t.Errorf("the column %q is left out because it %s in memory, and on the disk %q because it %s", x.Name, x.Reason, y.Name, y.Reason)
		}
	}
	if t.Failed() {
		return
	}
	disk.Close() // like a full disk
	if _, err := data.Read(path, spilling); !errors.Is(err, data.ErrSpill) {
		t.Errorf("with a disk that cannot be written: got %v, want ErrSpill", err)
	}
}
