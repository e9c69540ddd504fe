package data

import (
	"testing"

	"github.com/gradus-ml/gradus/internal/spill"
)

// TestCodes: codes are returned as they were added, in memory and on disk, and take no more bytes than they need.
func TestCodes(t *testing.T) {
	disk, err := spill.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, store := range []*spill.Store{nil, disk} {
		for most, width := range map[uint32]int{255: 1, 256: 2, 1<<16 - 1: 2, 1 << 16: 4, 1<<32 - 1: 4} {
			const n = 200000
			var c codes
			want := make([]uint32, n)
			c.reserve(store, n, n)
			for row := range n {
				want[row] = uint32(row % 256)
				if row%1000 == 999 {
					want[row] = most // from one byte to any width
				}
				c.add(store, want[row])
			}
			if c.len() != n || c.bytes() != width*n {
				t.Fatalf("codes up to %d: got %d codes in %d bytes, want %d bytes", most, c.len(), c.bytes(), width*n)
			}
			for row, code := range want {
				if c.at(row) != code {
					t.Fatalf("codes up to %d: row %d is %d, want %d", most, row, c.at(row), code)
				}
			}
			c.toDisk(disk)
			if c.at(n-1) != want[n-1] || c.at(0) != 0 {
				t.Fatal("the codes changed when they were moved to the disk")
			}
			c.free(disk)
		}
	}
}
