package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/train"
)

func TestCacheIsReused(t *testing.T) {
	table := blockTable(t, 3000, amount)
	o := Options{Seed: 5, Epochs: 2, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4}
	tight(t, 150_000)
	tables := Tables{Train: table, Spill: spillOf(t), Cache: t.TempDir()}
	encoded := 0
	o.Encoded = func(rows, of int) { encoded = rows }
	first, f := trainTo(t, tables, o)
	files, _ := filepath.Glob(filepath.Join(tables.Cache, "*"))
	if len(files) != 1 || encoded != f.Rows.Train {
		t.Fatalf("%d rows were encoded into %v, want the training rows in one file", encoded, files)
	}
	encoded = 0
	again, g := trainTo(t, tables, o)
	if encoded != 0 || again.WeightsSHA256() != first.WeightsSHA256() || !slices.Equal(f.Imputed(), g.Imputed()) {
		t.Errorf("%d rows were encoded anew, weights %s and %s", encoded, first.WeightsSHA256(), again.WeightsSHA256())
	}
	other := o
	other.Seed = 6 // other validation rows
	if trainTo(t, tables, other); encoded == 0 {
		t.Error("the rows of another seed were taken from the cache")
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{3, 40, 5000, len(raw) / 2, len(raw) - 1} {
		encoded = 0
		damaged := bytes.Clone(raw)
		damaged[at] ^= 4
		os.WriteFile(files[0], damaged, 0o644)
		m, f := trainTo(t, tables, o)
		if encoded == 0 || m.WeightsSHA256() != first.WeightsSHA256() || !strings.Contains(fmt.Sprint(f.Notes), "written anew") {
			t.Errorf("byte %d changed: %d rows were encoded, notes %q", at, encoded, f.Notes)
		}
	}
}

// If bytes on the disk change during a run, the run ends with an error. The model reached so far is available.
func TestDamageDuringTheRun(t *testing.T) {
	table := blockTable(t, 3000, amount)
	tight(t, 150_000)
	tables := Tables{Train: table, Spill: spillOf(t), Cache: t.TempDir()}
	f, err := Prepare(tables, Options{Seed: 5, Epochs: 5, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	files, _ := filepath.Glob(filepath.Join(tables.Cache, "*"))
	var failed error
	for s, err := range f.Steps(context.Background()) {
		if err != nil {
			failed = err
		}
		if s.N == 3 && err == nil {
			file, err := os.OpenFile(files[0], os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := file.Stat()
			b := make([]byte, 1)
			for at := int64(5000); at < info.Size()-1000; at += 1000 {
				file.ReadAt(b, at)
				b[0] ^= 1
				file.WriteAt(b, at)
			}
			file.Close()
		}
	}
	if !errors.Is(failed, train.ErrStream) || !strings.Contains(failed.Error(), "block") {
		t.Errorf("the run ended with %v, want ErrStream that names the block", failed)
	}
	if m, err := f.Model(); err != nil || m.Training.Steps < 3 {
		t.Errorf("the model reached so far is %+v, %v, want at least 3 updates", m, err)
	}
}

// The encoded rows of each fold have their own file in the cache, and other files in it are removed.
func TestFoldsKeepTheirCache(t *testing.T) {
	o := Options{Seed: 5, Epochs: 1, Hidden: []int{4}, BlockRows: 64, BufferBlocks: 4}
	tight(t, 150_000)
	disk := spillOf(t)
	tables := Tables{Train: blockTable(t, 9000, amount), Spill: disk, Cache: t.TempDir()}
	var sums []string
	encoded := 0
	o.Threads, o.Encoded = 1, func(int, int) { encoded++ }
	for range 2 {
		cv, err := CrossValidate(context.Background(), tables, o, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cv.Folds {
			sums = append(sums, m.WeightsSHA256())
		}
		if files, _ := filepath.Glob(filepath.Join(tables.Cache, "*")); len(files) != 3 || len(sums) == 3 && encoded == 0 {
			t.Fatalf("files %v, %d blocks encoded", files, encoded)
		}
		if len(sums) == 6 && encoded > 0 {
			t.Errorf("%d blocks were encoded again", encoded)
		}
		encoded = 0
	}
	if !slices.Equal(sums[:3], sums[3:]) {
		t.Errorf("the weights of the two runs differ: %v", sums)
	}
	if left, _ := filepath.Glob(filepath.Join(disk.Dir(), "*")); len(left) > 0 {
		t.Errorf("the files %v are left on the disk", left)
	}
}
