// Package spill gives memory that stands in files, so that what is larger than memory can be worked
// on by code that knows nothing of files: the system keeps in memory what is in use, and the rest on
// the disk.
package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/memory"
)

// ErrSpill is wrapped by the error of a disk that has no room for temporary files, or cannot be read.
var ErrSpill = errors.New("temporary files")

// A Store is memory in the files of one folder. The files have no names, so nothing is left of
// them when the process ends, however it ends. Many goroutines can use one. A nil Store is
// ordinary memory.
type Store struct {
	dir string

	lock    sync.Mutex
	regions map[uintptr][]byte // by the address of their first byte
	closed  chan struct{}
}

// least is how many bytes a slice has that stands in a file; fewer are ordinary memory.
const least = 1 << 16

// New prepares a store in a folder, which must be there.
func New(dir string) (*Store, error) {
	if !supported {
		return nil, fmt.Errorf("%w: a table that does not fit in memory cannot be worked on from the disk on this operating system; use Linux, macOS or FreeBSD, or a part of the rows", ErrSpill)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is no folder for them", ErrSpill, dir)
	}
	s := &Store{dir: dir, regions: map[uintptr][]byte{}, closed: make(chan struct{})}
	go s.ebb()
	return s, nil
}

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// ebbs is how often what stands in files is put out of the process's memory. It stays in the
// system's cache, so long as nothing else needs that, and comes back when it is touched.
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

// Close gives all memory of the store back. No slice of it may be used afterwards.
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
// hold no pointers.
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

// Must is Make for code that returns no errors: it panics with one, which Catch makes an error again.
func Must[E any](s *Store, n int) []E {
	e, err := Make[E](s, n)
	if err != nil {
		panic(err)
	}
	return e
}

// Free gives the memory of a slice from Make back before Close does. The slice must begin where that of Make
// began. Of ordinary memory it does nothing.
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
		unmap(r) // cannot fail of what was mapped
	}
}

// region maps a new file of that size, of which the disk has promised to have room for every byte.
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

// mapped are the sizes of all regions by their first address.
var mapped sync.Map

// Catch, deferred, makes the panic of Must an error, and that of a region whose disk cannot be
// read, where debug.SetPanicOnFault was called. Any other panic goes on.
func Catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Failure:
		*err = r
	default:
		fault, ok := r.(interface{ Addr() uintptr })
		if ok && inRegion(fault.Addr()) {
			*err = &Failure{"the temporary files cannot be read back: the disk may be damaged, or was taken away", fs.ErrInvalid}
			return
		}
		panic(r)
	}
}

func inRegion(addr uintptr) (found bool) {
	mapped.Range(func(at, size any) bool {
		found = addr >= at.(uintptr) && addr-at.(uintptr) < uintptr(size.(int))
		return !found
	})
	return found
}

// address is where a slice's memory begins.
func address[E any](e []E) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(e))) }
