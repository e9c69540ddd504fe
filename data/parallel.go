package data

import (
	"runtime"

	"github.com/gradus-ml/gradus/internal/spill"
)

// parallel calls f for every i below n, on all cores, in any order. A failure of the disk is a panic on the caller's
// goroutine, which spill.Guard turns into an error.
func parallel(n int, f func(i int)) { parallelWith(n, func(i int, _ *struct{}) { f(i) }) }

// parallelWith is parallel with memory that each core has for itself.
func parallelWith[R any](n int, f func(i int, room *R)) {
	err := spill.Each(n, runtime.GOMAXPROCS(0), func() func(int) error {
		room := new(R)
		return func(i int) error {
			f(i, room)
			return nil
		}
	})
	if err != nil {
		panic(err)
	}
}
