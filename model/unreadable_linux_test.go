package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
)

// damage makes every mapped file of a store unreadable: it maps an empty file in its place, so that
// touching its memory is a fault, as on a disk that was removed.
func damage(t *testing.T, s *data.Spill) {
	t.Helper()
	empty, err := os.Create(filepath.Join(t.TempDir(), "empty"))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	found := 0
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, s.Dir()+"/") {
			continue
		}
		var from, to uintptr
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		at := *(*unsafe.Pointer)(unsafe.Pointer(&from))
		if _, err := unix.MmapPtr(int(empty.Fd()), 0, at, to-from, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
			t.Fatal(err)
		}
		found++
	}
	if found == 0 {
		t.Fatalf("no memory is mapped from %s", s.Dir())
	}
}

// Each way into a table whose files cannot be read returns an error. Without a guard on the goroutine that reads,
// the process ends.
func TestUnreadableTable(t *testing.T) {
	memory := blockTable(t, 40_000, amount)
	m, _, err := Train(context.Background(), memory, Options{Epochs: 1, Hidden: []int{}, Seed: 1, Members: 1})
	if err != nil {
		t.Fatal(err)
	}
	bad := onDisk(t, memory)
	damage(t, bad.Spilled())
	ctx := context.Background()
	for name, read := range map[string]func() error{
		"Predict":    func() error { _, _, err := m.Predict(bad); return err },
		"Evaluate":   func() error { _, err := m.Evaluate(bad); return err },
		"Importance": func() error { _, err := m.Importance(ctx, bad, ImportanceOptions{}); return err },
		"Shapley":    func() error { _, err := m.Shapley(ctx, bad, ShapleyOptions{}); return err },
		"Partial":    func() error { _, err := m.Partial(ctx, bad, "a", PartialOptions{}); return err },
		"Row":        func() error { _, _, err := m.Row(bad, 0); return err },
		"Batch":      func() error { _, _, _, _, err := m.Batch(bad, 0); return err },
		"Inspect":    func() error { _, _, err := Inspect(bad, Options{}); return err },
		"Prepare":    func() error { _, err := Prepare(Tables{Train: bad}, Options{}, nil); return err },
		"Weights":    func() error { _, err := data.Weights(bad, "w", []int{0}); return err },
		"Weighing":   func() error { _, _, err := data.Weighing(bad, "w"); return err },
		"Groups":     func() error { _, err := data.Groups(bad, "w", []int{0}); return err },
		"Times":      func() error { _, err := data.Times(bad, "w", []int{0}); return err },
	} {
		if err := read(); !errors.Is(err, data.ErrSpill) {
			t.Errorf("%s: got the error %v, want ErrSpill", name, err)
		}
	}
}

// The predictions of a table on the disk are on the disk too, and the workers write them there.
func TestPredictToUnreadableMemory(t *testing.T) {
	table := blockTable(t, 20_000, amount)
	m, f, err := Train(context.Background(), table, Options{Epochs: 1, Hidden: []int{}, Seed: 1, Members: 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encoding.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	disk := spillOf(t)
	out := spill.Must[float64](disk, len(f.Schema.Rows))
	damage(t, disk)
	if _, err := m.engine.predict(b, f.Schema.Rows, out, nil); !errors.Is(err, data.ErrSpill) {
		t.Errorf("got the error %v, want ErrSpill", err)
	}
}

// A run whose rows on the disk cannot be read any more ends with an error, whether the loop's own goroutine reads them or a
// worker of its team. An error of the loop's body stays the body's.
func TestUnreadableRows(t *testing.T) {
	tight(t, 1<<20)
	bad := onDisk(t, blockTable(t, 20_000, amount))
	damage(t, bad.Spilled())
	for _, threads := range []int{1, 2} {
		o := Options{Epochs: 3, Hidden: []int{64}, Seed: 1, Members: 1, Threads: threads, Validation: new(0.4), BlockRows: 64, BufferBlocks: 7}
		f, err := Prepare(Tables{Train: blockTable(t, 20_000, amount), Spill: spillOf(t)}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Release)
		if !f.spilled {
			t.Fatal("the rows fit in memory, want a run on the disk")
		}
		body := func() (err error) {
			defer spill.Guard(&err)()
			for range f.Steps(context.Background()) {
				bad.Cell(0, 0)
			}
			return nil
		}
		if err := body(); !errors.Is(err, data.ErrSpill) {
			t.Errorf("%d threads: the loop's body panics with %v, want ErrSpill", threads, err)
		}
		var failed error
		for s, err := range f.Strides(context.Background()) {
			if s.N == 2 {
				damage(t, f.tables.Spill)
			}
			failed = err
		}
		if !errors.Is(failed, data.ErrSpill) {
			t.Errorf("%d threads: the loop ends with %v, want ErrSpill", threads, failed)
		}
		if _, err := f.Model(); !errors.Is(err, data.ErrSpill) {
			t.Errorf("%d threads: Model returns %v, want ErrSpill", threads, err)
		}
	}
}

// Fingerprints are computed in the background. If that fails, it does not end the process, and whoever asks for them gets the error.
func TestUnreadableFingerprints(t *testing.T) {
	bad := onDisk(t, blockTable(t, 20_000, amount))
	damage(t, bad.Spilled())
	f := &Fit{sources: sync.OnceValue(func() map[string]Source { return sourcesOf(Tables{Train: bad}) })}
	f.sum()
	asked := func() (err error) {
		defer spill.Guard(&err)()
		f.Fingerprints()
		return nil
	}
	if err := asked(); !errors.Is(err, data.ErrSpill) {
		t.Errorf("got the error %v, want ErrSpill", err)
	}
}
