package spill

import (
	"errors"
	"math"
	"math/bits"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/internal/team"
)

func TestMakeKeepsWhatIsWritten(t *testing.T) {
	s, err := New(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	const n = 1 << 20
	a, err := Make[uint32](s, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if a[i] != 0 {
			t.Fatalf("a new slice has %d at index %d, want 0", a[i], i)
		}
		a[i] = uint32(i)
	}
	time.Sleep(3 * ebbs) // meanwhile the slice is moved out of memory
	for i, v := range a {
		if v != uint32(i) {
			t.Fatalf("got %d at index %d", v, i)
		}
	}
	if files, _ := os.ReadDir(s.Dir()); len(files) != 0 {
		t.Errorf("the folder holds %v, want no file", files)
	}
	if len(s.regions) != 1 {
		t.Errorf("got %d regions for one slice, want 1", len(s.regions))
	}
	Free(s, a[:0])
	if len(s.regions) != 0 {
		t.Errorf("%d regions are left, want 0", len(s.regions))
	}
	if small := Must[byte](s, 10); len(small) != 10 || len(s.regions) != 0 {
		t.Error("a small slice is in a file")
	}
}

func TestNilStoreIsOrdinaryMemory(t *testing.T) {
	a := Must[int](nil, 1<<20)
	if len(a) != 1<<20 {
		t.Errorf("got %d numbers, want 1<<20", len(a))
	}
	Free(nil, a)
	var s *Store
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestGuard(t *testing.T) {
	s, err := New(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	most := math.MaxInt >> 8 // 32 PiB, which no disk has
	if bits.UintSize == 32 {
		t.Skip("a disk may have room for any size that 32 bits can count")
	}
	full := func() (err error) {
		defer Guard(&err)()
		Must[byte](s, most)
		return nil
	}
	if err := full(); !errors.Is(err, ErrSpill) {
		t.Errorf("no room: got %v, want ErrSpill", err)
	}
	defer func() {
		if r := recover(); r != "other" {
			t.Errorf("another panic became %v", r)
		}
	}()
	func() {
		var err error
		defer Guard(&err)()
		panic("other")
	}()
}

// A truncated mapped file causes a fault, like a disk that cannot be read.
func TestGuardOfAFault(t *testing.T) {
	s, err := New(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	f, err := os.CreateTemp(s.Dir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 20
	if err := reserve(f, size); err != nil {
		t.Fatal(err)
	}
	r, err := mapFile(f, size)
	if err != nil {
		t.Fatal(err)
	}
	s.regions[address(r)] = r
	mapped.Store(address(r), size)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	read := func() (err error) {
		defer Guard(&err)()
		for _, b := range r {
			if b != 0 {
				return errors.New("not zero")
			}
		}
		return nil
	}
	if err := read(); !errors.Is(err, ErrSpill) {
		t.Errorf("a region that cannot be read: got %v, want ErrSpill", err)
	}
	raised := func() (got any) {
		defer func() { got = recover() }()
		defer Raise()()
		return r[0]
	}
	if err, is := raised().(error); !is || !errors.Is(err, ErrSpill) {
		t.Errorf("a region that cannot be read: got the panic %v, want ErrSpill", err)
	}
	workers := team.New(2)
	defer workers.Close()
	spread := func() (err error) {
		defer Guard(&err)()
		var begun sync.WaitGroup
		begun.Add(2)
		workers.Do(2, func(piece int) {
			begun.Done()
			begun.Wait() // so that each goroutine has a piece
			if r[piece*size/2] != 0 {
				t.Error("not zero")
			}
		})
		return nil
	}
	for range 3 {
		if err := spread(); !errors.Is(err, ErrSpill) {
			t.Errorf("a region that cannot be read by a team: got %v, want ErrSpill", err)
		}
	}
}
