package data

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gradus-ml/gradus/internal/spill"
)

// parallel calls f for every i below n, on all cores, in any order.
func parallel(n int, f func(i int)) { parallelWith(n, func(i int, _ *struct{}) { f(i) }) }

// parallelWith is parallel with memory that each core has for itself.
func parallelWith[R any](n int, f func(i int, room *R)) {
	cores := min(n, runtime.GOMAXPROCS(0))
	if cores <= 1 {
		var room R
		for i := range n {
			f(i, &room)
		}
		return
	}
	var next atomic.Int64
	var team sync.WaitGroup
	var failed atomic.Pointer[error] // a disk error, which the caller must see
	for range cores {
		team.Go(func() {
			var err error
			defer func() {
				if err != nil {
					failed.Store(&err)
				}
			}()
			defer spill.Guard(&err)()
			var room R
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i, &room)
			}
		})
	}
	team.Wait()
	if err := failed.Load(); err != nil {
		panic(*err)
	}
}
