package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/memory"
)

// TestSpills: an array that does not fit in memory goes to the disk, and the table is the same.
func TestSpills(t *testing.T) {
	const rows = 400_000
	header := fmt.Sprintf("{'descr': [('x', '<f8'), ('n', '<i4'), ('h', '<f4'), ('s', '|S2')], 'fortran_order': False, 'shape': (%d,), }\n", rows)
	var raw []byte
	for i := range rows {
		x := math.Sqrt(float64(i))
		if i < rows/2 {
			x = float64(i % 100)
		}
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
		raw = binary.LittleEndian.AppendUint32(raw, uint32(i-1000))
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(i%7)/10))
		raw = append(raw, 'a'+byte(i%5), 0)
	}
	path := filepath.Join(t.TempDir(), "t.npy")
	whole := array(header, raw...)
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(whole)
	disk, err := data.NewSpill(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer disk.Close()
	want, err := data.Read(path, data.ReadOptions{Spill: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Allow(0)
	if !memory.Leave(14 << 20) {
		t.Skip("the amount of memory is not known on this system")
	}
	if _, err := data.Read(path, data.ReadOptions{}); !errors.Is(err, data.ErrLarge) {
		t.Fatalf("without a disk: got %v, want ErrLarge", err)
	}
	told := 0.0
	got, err := data.Read(path, data.ReadOptions{Spill: disk, Progress: func(p data.Progress) { told = p.Share }})
	if err != nil {
		t.Fatal(err)
	}
	if want.Spilled() != nil || got.Spilled() == nil || told != 1 {
		t.Fatalf("the wrong table is on the disk, or the last share reported is %v, want 1", told)
	}
	if a, b := want.Fingerprint(), got.Fingerprint(); a != b || want.Format() != got.Format() {
		t.Errorf("%d rows as %s in memory, %d as %s on the disk, or the cells differ", want.Rows(), want.Format(), got.Rows(), got.Format())
	}
	for says, b := range map[string][]byte{
		fmt.Sprintf("should hold %d bytes and holds %d", 18*rows, 18*rows-5): whole[:len(whole)-5],
		fmt.Sprintf("continues after the %d rows", rows):                     append(whole, 1),
	} {
		write(b)
		if _, err := data.Read(path, data.ReadOptions{Spill: disk}); !errors.Is(err, data.ErrDamaged) || !strings.Contains(err.Error(), says) {
			t.Errorf("got the error %v, want %s", err, says)
		}
	}
}
