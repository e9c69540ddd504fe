// Package spill provides memory that is backed by files, so that code that knows nothing about files
// can work on data larger than memory. The system keeps in memory what is in use, and the rest on disk.
package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/memory"
)

// ErrSpill is wrapped by the error of a disk that has no space for temporary files or cannot be read.
var ErrSpill = errors.New("temporary files")

// A Store is memory in the files of one folder. The files have no names, so nothing is left of
// them when the process ends, however it ends. Many goroutines can use one Store. A nil Store
// is ordinary memory.
type Store struct {
	dir string

	lock    sync.Mutex
	regions map[uintptr][]byte // by the address of their first byte
	closed  chan struct{}
}

// least is the size in bytes from which a slice is in a file. Smaller ones are ordinary memory.
const least = 1 << 16

// New prepares a store in a folder, which must exist.
func New(dir string) (*Store, error) {
	if !supported {
		return nil, fmt.Errorf("%w: a table that does not fit in memory cannot be kept on the disk on this operating system; use Linux, macOS or FreeBSD, or a part of the rows", ErrSpill)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is not a folder", ErrSpill, dir)
	}
	s := &Store{dir: dir, regions: map[uintptr][]byte{}, closed: make(chan struct{})}
	go s.ebb()
	return s, nil
}

// Dir returns the folder.
func (s *Store) Dir() string { return s.dir }

// ebbs is how often the contents of the files are removed from the process's memory. They stay
// in the system's cache as long as nothing else needs it, and come back when they are touched.
const ebbs = 100 * time.Millisecond

func (s *Store) ebb() {
	tick := time.NewTicker(ebbs)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-tick.C:
		}
		s.lock.Lock()
		for _, r := range s.regions {
			release(r)
		}
		s.lock.Unlock()
	}
}

// Close releases all memory of the store. None of its slices may be used afterward.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.regions == nil {
		return nil
	}
	close(s.closed)
	var err error
	for at, r := range s.regions {
		err = errors.Join(err, unmap(r))
		mapped.Delete(at)
	}
	s.regions = nil
	return err
}

// Make returns a slice of n zeros in a file of the store, or in ordinary memory if it is small. E must
// not contain pointers.
func Make[E any](s *Store, n int) ([]E, error) {
	var e E
	size := int(unsafe.Sizeof(e))
	if s == nil || n*size < least {
		return make([]E, n), nil
	}
	r, err := s.region(n * size)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&r[0])), n), nil
}

// Must is Make for code that returns no errors. It panics with an error that Guard recovers.
func Must[E any](s *Store, n int) []E {
	e, err := Make[E](s, n)
	if err != nil {
		panic(err)
	}
	return e
}

// Free releases the memory of a slice from Make before Close does. The slice must begin where Make's slice
// began. For ordinary memory it does nothing.
func Free[E any](s *Store, e []E) {
	if s == nil || cap(e) == 0 {
		return
	}
	at := address(e)
	s.lock.Lock()
	defer s.lock.Unlock()
	if r, ok := s.regions[at]; ok {
		delete(s.regions, at)
		mapped.Delete(at)
		unmap(r) // cannot fail for a mapped region
	}
}

// region maps a new file of that size. Disk space is reserved for every byte.
func (s *Store) region(size int) ([]byte, error) {
	f, err := os.CreateTemp(s.dir, ".gradus-*.spill")
	if err != nil {
		return nil, s.failed(size, err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return nil, s.failed(size, err)
	}
	if err := reserve(f, size); err != nil {
		return nil, s.failed(size, err)
	}
	r, err := mapFile(f, size)
	if err != nil {
		return nil, s.failed(size, err)
	}
	at := address(r)
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.regions == nil {
		unmap(r)
		return nil, s.failed(size, fs.ErrClosed)
	}
	s.regions[at] = r
	mapped.Store(at, size)
	return r, nil
}

// A Failure is the error of a store.
type Failure struct {
	text  string
	cause error
}

func (f *Failure) Error() string   { return f.text }
func (f *Failure) Unwrap() []error { return []error{ErrSpill, f.cause} }

func (s *Store) failed(size int, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if p, ok := errors.AsType[*os.SyscallError](err); ok {
		err = p.Err
	}
	return &Failure{fmt.Sprintf("the folder %s cannot take %s of temporary files (%v): free some room, or name a folder on a larger disk",
		s.dir, memory.Size(float64(size)), err), err}
}

// mapped has the sizes of all regions by their first address.
var mapped sync.Map

// Guard, called as defer Guard(&err)(), turns two panics of the function into its error: that of Must, and the fault
// of memory in a store whose disk cannot be read. Any other panic continues. It guards one goroutine only, so each
// goroutine that touches such memory needs it.
func Guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			*err = failureOf(r)
		}
	}
}

// Raise, called as defer Raise()(), is Guard for a function that returns no error. Where the fault would end the process, it
// panics with an error that wraps ErrSpill, which a Guard of a caller, or the caller's own recover, takes.
func Raise() func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			panic(failureOf(r))
		}
	}
}

// failureOf returns what a panic says about a store. If it says nothing, the panic continues.
func failureOf(r any) *Failure {
	if f, ok := r.(*Failure); ok {
		return f
	}
	if fault, ok := r.(interface{ Addr() uintptr }); ok && inRegion(fault.Addr()) {
		return &Failure{"the temporary files cannot be read back: the disk may be damaged, or was removed", fs.ErrInvalid}
	}
	panic(r)
}

func inRegion(addr uintptr) (found bool) {
	mapped.Range(func(at, size any) bool {
		found = addr >= at.(uintptr) && addr-at.(uintptr) < uintptr(size.(int))
		return !found
	})
	return found
}

// address returns the address of a slice's memory.
func address[E any](e []E) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(e))) }
