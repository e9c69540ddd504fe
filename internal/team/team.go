package team

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Team is a number of goroutines that work for one caller. The zero value has no workers:
// the caller does everything.
type Team struct {
	// work is the state of the current job: its number in the high half, and in the low half
	// how many pieces have not been handed out. Taking a piece is one compare-and-swap of both,
	// so no worker can take a piece of a job that it has not seen.
	work atomic.Uint64
	done atomic.Int32 // finished pieces of the current job
	all  atomic.Int32 // how many it has
	f    func(piece int)

	fault   atomic.Pointer[any] // the first fault of memory in a piece of the current job
	parked  atomic.Int32        // workers that sleep
	waiting atomic.Bool         // the caller sleeps until all pieces are done
	mutex   sync.Mutex
	wake    sync.Cond
	ended   sync.Cond
	closed  atomic.Bool
	exited  sync.WaitGroup
}

// spins is how often a worker looks for work before it goes to sleep: about 50 us. yields is how often the caller looks
// whether the others are done, and lets other goroutines run, before it goes to sleep: about 100 us. If another program
// has a worker's core, the worker may then take the caller's.
const (
	spins  = 20000
	yields = 500
)

// New returns a team of n goroutines, including the caller. It must be closed.
func New(n int) *Team {
	t := &Team{}
	t.wake.L, t.ended.L = &t.mutex, &t.mutex
	for range n - 1 {
		t.exited.Go(t.worker)
	}
	return t
}

// Close stops the workers and waits until they have ended.
func (t *Team) Close() {
	t.closed.Store(true)
	t.mutex.Lock()
	t.wake.Broadcast()
	t.mutex.Unlock()
	t.exited.Wait()
}

// Do calls f for every piece from 0 to pieces-1, in any order and on any of the team's
// goroutines, and returns when all are done. f must not call Do. A fault of memory in a piece, as in a mapped file that
// cannot be read, is a panic of Do after all other pieces are done, so its caller can recover from it.
func (t *Team) Do(pieces int, f func(piece int)) {
	if pieces <= 0 {
		return
	}
	t.f = f
	t.done.Store(0)
	t.all.Store(int32(pieces))
	job := t.work.Load()>>32 + 1
	t.work.Store(job<<32 | uint64(pieces))
	if pieces > 1 && t.parked.Load() > 0 {
		t.mutex.Lock()
		t.wake.Broadcast()
		t.mutex.Unlock()
	}
	for t.take() {
	}
	for i := 0; t.done.Load() < int32(pieces); i++ {
		if i > 1000 {
			runtime.Gosched() // a worker may need this core
		}
		if i > 1000+yields {
			t.wait()
		}
	}
	t.f = nil
	if fault := t.fault.Swap(nil); fault != nil {
		panic(*fault)
	}
}

// wait sleeps until all pieces are done.
func (t *Team) wait() {
	t.waiting.Store(true)
	t.mutex.Lock()
	for t.done.Load() < t.all.Load() {
		t.ended.Wait()
	}
	t.mutex.Unlock()
	t.waiting.Store(false)
}

// take does one piece, if there is one left.
func (t *Team) take() bool {
	for {
		w := t.work.Load()
		left := uint32(w)
		if left == 0 {
			return false
		}
		if t.work.CompareAndSwap(w, w-1) {
			// The job cannot end, and f cannot change, before this piece is done.
			t.piece(int(left - 1))
			return true
		}
	}
}

// piece does one piece. It keeps a fault for Do; any other panic continues.
func (t *Team) piece(i int) {
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(interface{ Addr() uintptr }); !is {
				panic(r)
			}
			fault := r
			t.fault.CompareAndSwap(nil, &fault)
		}
		if t.done.Add(1) == t.all.Load() && t.waiting.Load() {
			t.mutex.Lock()
			t.ended.Signal()
			t.mutex.Unlock()
		}
	}()
	t.f(i)
}

func (t *Team) worker() {
	debug.SetPanicOnFault(true) // of this goroutine
	for idle := 0; !t.closed.Load(); {
		if t.take() {
			idle = 0
			continue
		}
		if idle++; idle < spins {
			continue
		}
		idle = 0
		t.mutex.Lock()
		t.parked.Add(1)
		for uint32(t.work.Load()) == 0 && !t.closed.Load() {
			t.wake.Wait()
		}
		t.parked.Add(-1)
		t.mutex.Unlock()
	}
}
