package model

import (
	"runtime/debug"
	"sync"

	"github.com/gradus-ml/gradus/internal/memory"
)

// Room is the memory that several runs at the same time share. Each waits in Prepare until
// what it needs is left beside the others, and gives it back with Fit.Release. The zero value
// is ready to use.
type Room struct {
	lock  sync.Mutex
	free  *sync.Cond // something was given back
	have  memory.Limit
	known bool
	runs  int     // that are prepared
	taken float64 // bytes that they need
}

// available is replaced by tests.
var available = memory.Available

// take waits until there is room for need bytes and takes it. Where nothing else is running
// and they do not fit all the same, it returns what there is.
func (r *Room) take(need float64) (have memory.Limit, ok bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.free == nil {
		r.free = sync.NewCond(&r.lock)
	}
	for {
		if r.runs == 0 {
			r.taken = 0
			r.have, r.known = available()
			if r.known && need > float64(r.have.Bytes) { // what earlier runs have left may be in the way
				debug.FreeOSMemory()
				r.have, r.known = available()
			}
		}
		switch {
		case !r.known || r.taken+need <= float64(r.have.Bytes):
			r.runs++
			r.taken += need
			return r.have, true
		case r.runs == 0:
			return r.have, false
		}
		r.free.Wait()
	}
}

// give gives back all but the bytes that are kept.
func (r *Room) give(need, kept float64) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.runs--
	r.taken -= need - kept
	r.free.Broadcast()
}
