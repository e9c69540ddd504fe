package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/train"
)

// numbered returns rows that hold their own number.
func numbered(rows int, weighted bool) (train.Set[float32], Layout) {
	l := Layout{Rows: rows, BlockRows: 7, Inputs: 3, Outputs: 2, Weighted: weighted, Key: [32]byte{1, 2}}
	s := newSet[float32](rows, l)
	for i := range rows {
		for j := range 3 {
			s.X.Row(i)[j] = float32(10*i + j)
		}
		s.Y.Row(i)[0], s.Y.Row(i)[1] = float32(i), -float32(i)
		if weighted {
			s.W[i] = float64(i) + 0.5
		}
	}
	return s, l
}

// epochOf reads an epoch and returns the numbers of its rows as they come.
func epochOf(t *testing.T, s train.Stream[float32], epoch int) []int {
	t.Helper()
	var rows []int
	for part, err := range s.Open(epoch) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range part.Rows() {
			n := int(part.Y.Row(i)[0])
			rows = append(rows, n)
			if part.X.Row(i)[2] != float32(10*n+2) || part.Y.Row(i)[1] != -float32(n) || part.W != nil && part.W[i] != float64(n)+0.5 {
				t.Fatalf("row %d has the values of another row", n)
			}
		}
	}
	return rows
}

func TestFileAndMemoryGiveTheSameRows(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		for _, rows := range []int{1, 7, 8, 100, 2500} {
			for _, buffer := range []int{1, 3, 1000} {
				set, l := numbered(rows, weighted)
				o := Order{Rows: rows, BlockRows: l.BlockRows, BufferBlocks: buffer, Seed: 9}
				memory := Memory[float32]{set, l.BlockRows}
				file, err := Create(t.TempDir(), "", l, memory.Read, func() []byte { return nil })
				if err != nil {
					t.Fatal(err)
				}
				a, b := Stream[float32](memory, o, l), Stream[float32](file, o, l)
				var before []int
				for epoch := range 3 {
					x, y := epochOf(t, a, epoch), epochOf(t, b, epoch)
					if !slices.Equal(x, y) {
						t.Fatalf("%d rows, buffers of %d, epoch %d: %v in memory, %v in a file", rows, buffer, epoch, x, y)
					}
					sorted := slices.Sorted(slices.Values(x))
					for i, row := range sorted {
						if row != i {
							t.Fatalf("got row %d, want row %d", row, i)
						}
					}
					if len(x) != rows || rows > 10 && slices.Equal(x, before) {
						t.Fatalf("%d rows of %d, and the order of epoch %d is that of the one before: %v", len(x), rows, epoch, slices.Equal(x, before))
					}
					if o.Buffers() == 1 {
						perm := make([]int, rows)
						rng.Perm(perm, 9, rng.Shuffle, uint64(epoch))
						if !slices.Equal(x, perm) {
							t.Fatal("one buffer is not shuffled like a run without blocks")
						}
					}
					before = x
				}
				o.Still = true
				if x := epochOf(t, Stream[float32](file, o, l), 1); !slices.IsSorted(x) {
					t.Fatalf("without shuffling: %v", x)
				}
				file.Close()
			}
		}
	}
}

// A stream can be left in the middle and opened again.
func TestStreamIsLeft(t *testing.T) {
	set, l := numbered(5000, false)
	o := Order{Rows: 5000, BlockRows: 7, BufferBlocks: 200, Seed: 9}
	s := Stream[float32](Memory[float32]{set, 7}, o, l)
	want := epochOf(t, s, 4)
	for range s.Open(2) {
		break
	}
	if got := epochOf(t, s, 4); !slices.Equal(got, want) {
		t.Error("the order of an epoch changed after a stream was left")
	}
}

func TestOpenFindsEveryChange(t *testing.T) {
	set, l := numbered(40, true)
	dir := t.TempDir()
	file, err := Create(dir, "rows", l, Memory[float32]{set, l.BlockRows}.Read, func() []byte { return []byte("a text") })
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	path := filepath.Join(dir, "rows")
	file, err = Open[float32](path, l)
	if err != nil || string(file.Text) != "a text" {
		t.Fatalf("Open: %v", err)
	}
	file.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range raw {
		if at > 80 && at < headerSize {
			continue // zeros fill the header, and the test tries only a few of them
		}
		damaged := bytes.Clone(raw)
		damaged[at] ^= 1
		os.WriteFile(path, damaged, 0o644)
		if _, err := Open[float32](path, l); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d changed: got %v, want ErrDamaged", at, err)
		}
	}
	for _, n := range []int{0, 10, headerSize, len(raw) / 2, len(raw) - 1} {
		os.WriteFile(path, raw[:n], 0o644)
		if _, err := Open[float32](path, l); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: got %v, want ErrDamaged", n, err)
		}
	}
	os.WriteFile(path, raw, 0o644)
	l.Key[5]++
	if _, err := Open[float32](path, l); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: got %v, want ErrDamaged", err)
	}
	if _, err := Open[float32](filepath.Join(dir, "none"), l); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want fs.ErrNotExist", err)
	}
}

func TestCreateLeavesNothingBehind(t *testing.T) {
	_, l := numbered(40, false)
	dir := t.TempDir()
	wrong := errors.New("a cell is wrong")
	if _, err := Create(dir, "rows", l, func(block int, into train.Set[float32]) error {
		if block == 3 {
			return wrong
		}
		return nil
	}, func() []byte { return nil }); !errors.Is(err, wrong) {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("the failed Create left %v behind", files)
	}
	if _, err := Create(filepath.Join(dir, "none"), "", l, func(int, train.Set[float32]) error { return nil }, nil); !errors.Is(err, ErrDisk) || strings.Count(fmt.Sprint(err), "\n") > 0 {
		t.Errorf("no folder: got %v, want ErrDisk in one line", err)
	}
}
