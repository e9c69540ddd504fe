package team

import (
	"sync"
	"sync/atomic"
)

// Each does the pieces of work from 0 to n-1 on that many cores, one of which is the caller's. It calls worker once on
// each core, and the function that worker returns once for each piece. So what worker makes belongs to one core.
// Pieces begin in order. After an error no later piece begins, and Each returns the error of the lowest piece, so the
// number of cores does not affect which one. Each is for work that is long beside waking a goroutine; a Team is for
// the other.
func Each(n, cores int, worker func() func(piece int) error) error {
	var next, end atomic.Int64 // the next piece; the lowest one that failed, or n
	end.Store(int64(n))
	var lock sync.Mutex
	var failed error // of piece end
	work := func() {
		do := worker()
		for i := next.Add(1) - 1; i < end.Load(); i = next.Add(1) - 1 {
			err := do(int(i))
			if err == nil {
				continue
			}
			lock.Lock()
			if i < end.Load() {
				end.Store(i)
				failed = err
			}
			lock.Unlock()
		}
	}
	if n <= 0 {
		return nil
	}
	var others sync.WaitGroup
	for range min(n, cores) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return failed
}
