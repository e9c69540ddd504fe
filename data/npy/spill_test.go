package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
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

// TestArchiveSpills: the arrays of an archive that do not fit in memory go to the disk together, part by part, and the table is
// the same: of a matrix by rows or by columns, of a vector, and of an array that is not read. A compressed matrix by columns
// must fit as a whole.
func TestArchiveSpills(t *testing.T) {
	const rows = 300_000
	var byRows, byColumns, y []byte
	for i := range rows {
		for j := range 3 {
			byRows = binary.LittleEndian.AppendUint64(byRows, math.Float64bits(math.Sqrt(float64(3*i+j))))
		}
		y = binary.LittleEndian.AppendUint32(y, uint32(i%11))
	}
	for j := range 2 {
		for i := range rows {
			byColumns = binary.LittleEndian.AppendUint32(byColumns, math.Float32bits(float32(i*(j+1)%17)/10))
		}
	}
	header := func(descr string, byColumn, shape string) string {
		return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, byColumn, shape)
	}
	for _, c := range []struct {
		name   string
		method uint16
	}{{"stored", zip.Store}, {"compressed", zip.Deflate}} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			z := zip.NewWriter(&out)
			add := func(name string, raw []byte) {
				t.Helper()
				w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: c.method})
				if err == nil {
					_, err = w.Write(raw)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			add("X.npy", array(header("<f8", "False", fmt.Sprintf("(%d, 3)", rows)), byRows...))
			if c.method == zip.Store {
				add("F.npy", array(header("<f4", "True", fmt.Sprintf("(%d, 2)", rows)), byColumns...))
			}
			add("cube.npy", array(header("<f8", "False", "(1, 1, 1)"), make([]byte, 8)...))
			add("y.npy", array(header("<i4", "False", fmt.Sprintf("(%d,)", rows)), y...))
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "t.npz")
			if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			written.Spills(t, path, data.ReadOptions{}, 9<<20)

			// A byte that changes is found by the archive's checksum.
			if c.method != zip.Store {
				return
			}
			raw := out.Bytes()
			raw[bytes.Index(raw, byRows[:64])+1000] ^= 1
			if err := os.WriteFile(path, raw, 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := data.Read(path, data.ReadOptions{}); !errors.Is(err, data.ErrDamaged) {
				t.Errorf("with a changed byte: got %v, want ErrDamaged", err)
			}
		})
	}
}

// TestColumnsSpill: a matrix that lies column by column goes to the disk part by part.
func TestColumnsSpill(t *testing.T) {
	const rows = 500_000
	var raw []byte
	for j := range 3 {
		for i := range rows {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(math.Sqrt(float64(i*(j+1)))))
		}
	}
	path := filepath.Join(t.TempDir(), "t.npy")
	whole := array(fmt.Sprintf("{'descr': '<f8', 'fortran_order': True, 'shape': (%d, 3), }\n", rows), raw...)
	if err := os.WriteFile(path, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	written.Spills(t, path, data.ReadOptions{}, 9<<20)
}
