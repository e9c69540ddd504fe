//go:build mpi && (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Built reports whether the program can call an MPI library.
const Built = true

// handles are the values of a library's constants. Only since MPI 5 does the standard fix them.
type handles struct {
	world, bytes, inPlace, errorsReturn uintptr
	funneled                            uintptr
}

var (
	ofStandard = handles{world: 0x101, bytes: 0x247, inPlace: 1, errorsReturn: 0x143, funneled: 1024} // the ABI of MPI 5
	ofMPICH    = handles{world: 0x44000000, bytes: 0x4c00010d, inPlace: ^uintptr(0), errorsReturn: 0x54000001, funneled: 1}
)

// ofOpenMPI returns the handles of Open MPI, which are addresses in the library.
func ofOpenMPI(lib uintptr) (handles, error) {
	h := handles{inPlace: 1, funneled: 1}
	for name, at := range map[string]*uintptr{"ompi_mpi_comm_world": &h.world, "ompi_mpi_byte": &h.bytes, "ompi_mpi_errors_return": &h.errorsReturn} {
		var err error
		if *at, err = purego.Dlsym(lib, name); err != nil {
			return h, err
		}
	}
	return h, nil
}

// The names of the library files, by vendor.
var (
	standard = []string{"libmpi_abi.so.1", "libmpi_abi.so.0"}
	mpich    = []string{"libmpi.so.12", "libmpich.so.12"} // MPICH since 3.1, Intel MPI, Cray MPICH, MVAPICH
	openMPI  = []string{"libmpi.so.40"}                   // since 4
)

// names returns the libraries to try, the launcher's first.
func names() []string {
	if own := os.Getenv("GRADUS_MPI"); own != "" {
		return []string{own}
	}
	var all []string
	order := [][]string{standard, mpich, openMPI}
	if os.Getenv("OMPI_COMM_WORLD_RANK") != "" || os.Getenv("PMIX_RANK") != "" && os.Getenv("PMI_RANK") == "" {
		order = [][]string{openMPI, standard, mpich}
	}
	for _, o := range order {
		all = append(all, o...)
	}
	return all
}

// A world is an MPI library in use. One thread makes all of its calls, as MPI_THREAD_FUNNELED requires.
type world struct {
	handles
	library    string
	rank, size int

	calls chan func()
	done  chan struct{}
	fn    map[string]uintptr
}

var functions = []string{"MPI_Init_thread", "MPI_Comm_rank", "MPI_Comm_size", "MPI_Comm_set_errhandler", "MPI_Get_library_version",
	"MPI_Allgatherv", "MPI_Alltoallv", "MPI_Error_string", "MPI_Abort", "MPI_Finalize"}

// Start opens the MPI library and joins the job. The variable GRADUS_MPI names a library to use instead of the
// one that would be found.
func Start() (World, error) {
	w := &world{calls: make(chan func()), done: make(chan struct{}), fn: map[string]uintptr{}}
	var lib uintptr
	var name string
	var failed []string
	for _, name = range names() {
		var err error
		if lib, err = purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL); err == nil {
			break
		}
		failed = append(failed, name)
	}
	if lib == 0 {
		return nil, fmt.Errorf("no MPI library can be opened (tried %s): install Open MPI or MPICH, put its folder into LD_LIBRARY_PATH, or name the file in GRADUS_MPI", strings.Join(failed, ", "))
	}
	w.handles = ofMPICH
	if h, err := ofOpenMPI(lib); err == nil {
		w.handles = h
	} else if strings.Contains(name, "libmpi_abi") {
		w.handles = ofStandard
	}
	for _, f := range functions {
		var err error
		if w.fn[f], err = purego.Dlsym(lib, f); err != nil {
			return nil, fmt.Errorf("%s has no function %s, so it is not an MPI library: name another one in GRADUS_MPI", name, f)
		}
	}
	go func() {
		runtime.LockOSThread()
		for f := range w.calls {
			f()
			w.done <- struct{}{}
		}
	}()
	if err := w.join(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// do makes a call on the thread.
func (w *world) do(f func()) {
	w.calls <- f
	<-w.done
}

// join initializes MPI and asks for the rank of this process.
func (w *world) join() error {
	var provided, rank, size int32
	if err := w.call("MPI_Init_thread", func(fn uintptr) uintptr {
		r, _, _ := purego.SyscallN(fn, 0, 0, w.funneled, uintptr(unsafe.Pointer(&provided)))
		return r
	}); err != nil {
		return err
	}
	w.do(func() { purego.SyscallN(w.fn["MPI_Comm_set_errhandler"], w.handles.world, w.errorsReturn) })
	for name, to := range map[string]*int32{"MPI_Comm_rank": &rank, "MPI_Comm_size": &size} {
		if err := w.call(name, func(fn uintptr) uintptr {
			r, _, _ := purego.SyscallN(fn, w.handles.world, uintptr(unsafe.Pointer(to)))
			return r
		}); err != nil {
			return err
		}
	}
	w.rank, w.size = int(rank), int(size)
	text, length := make([]byte, 1<<14), int32(0) // more than any library's MPI_MAX_LIBRARY_VERSION_STRING
	if err := w.call("MPI_Get_library_version", func(fn uintptr) uintptr {
		r, _, _ := purego.SyscallN(fn, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&length)))
		return r
	}); err != nil {
		return err
	}
	w.library, _, _ = strings.Cut(strings.Join(strings.Fields(string(text[:length])), " "), ",")
	w.library, _, _ = strings.Cut(strings.Replace(w.library, "MPICH Version: ", "MPICH v", 1), " MPICH Release date")
	if job, many := Launched(); many && job.Size != w.size {
		return fmt.Errorf("the launcher has started %d processes and the library (%s) sees %d of them: the two belong to different implementations of MPI; name the launcher's own library in GRADUS_MPI", job.Size, w.library, w.size)
	}
	return nil
}

// call makes a call on the thread and turns an error code of the library into an error.
func (w *world) call(name string, f func(fn uintptr) uintptr) error {
	var code int32
	w.do(func() { code = int32(f(w.fn[name])) })
	if code == 0 {
		return nil
	}
	text, length := make([]byte, 1<<12), int32(0)
	w.do(func() {
		purego.SyscallN(w.fn["MPI_Error_string"], uintptr(code), uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&length)))
	})
	return fmt.Errorf("%s failed with code %d: %s", name, code, strings.Join(strings.Fields(string(text[:length])), " "))
}

func (w *world) Rank() int       { return w.rank }
func (w *world) Size() int       { return w.size }
func (w *world) Library() string { return w.library }

// layout returns counts and the start of each part, in the form that MPI takes.
func layout(what string, counts []int) (n, at []int32, sum int, err error) {
	n, at = make([]int32, len(counts)), make([]int32, len(counts))
	for i, c := range counts {
		n[i], at[i] = int32(c), int32(sum)
		sum += c
	}
	if sum > math.MaxInt32 {
		return nil, nil, 0, fmt.Errorf("%s of %d bytes is more than the 2 GiB that one call of MPI takes: use fewer shards, or a smaller network", what, sum)
	}
	return n, at, sum, nil
}

// first returns the address of a buffer, which may be empty.
func first(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		b = empty[:]
	}
	return unsafe.Pointer(&b[0])
}

var empty [1]byte

// Gather is MPI_Allgatherv in place.
func (w *world) Gather(all []byte, counts []int) error {
	n, at, sum, err := layout("an exchange", counts)
	if err != nil || sum == 0 {
		return err
	}
	return w.call("MPI_Allgatherv", func(fn uintptr) uintptr {
		r, _, _ := purego.SyscallN(fn, w.inPlace, 0, w.bytes, uintptr(first(all)), uintptr(unsafe.Pointer(&n[0])), uintptr(unsafe.Pointer(&at[0])), w.bytes, w.handles.world)
		return r
	})
}

// Exchange is MPI_Alltoallv.
func (w *world) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	inN, inAt, _, err := layout("an exchange", inCounts)
	if err != nil {
		return err
	}
	outN, outAt, _, err := layout("an exchange", outCounts)
	if err != nil {
		return err
	}
	return w.call("MPI_Alltoallv", func(fn uintptr) uintptr {
		r, _, _ := purego.SyscallN(fn, uintptr(first(out)), uintptr(unsafe.Pointer(&outN[0])), uintptr(unsafe.Pointer(&outAt[0])), w.bytes,
			uintptr(first(in)), uintptr(unsafe.Pointer(&inN[0])), uintptr(unsafe.Pointer(&inAt[0])), w.bytes, w.handles.world)
		return r
	})
}

// Abort is MPI_Abort, which ends the whole job.
func (w *world) Abort(code int) {
	w.do(func() { purego.SyscallN(w.fn["MPI_Abort"], w.handles.world, uintptr(code)) })
	os.Exit(code)
}

// Close is MPI_Finalize.
func (w *world) Close() error {
	return w.call("MPI_Finalize", func(fn uintptr) uintptr {
		r, _, _ := purego.SyscallN(fn)
		return r
	})
}
