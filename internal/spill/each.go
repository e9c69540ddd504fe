package spill

import "github.com/gradus-ml/gradus/internal/team"

// Each is team.Each with a Guard on every piece, for work on memory that may be in a store.
func Each(n, cores int, worker func() func(piece int) error) error {
	return team.Each(n, cores, func() func(int) error {
		var do func(int) error // made under the guard, since it may take memory of the store
		return func(i int) (err error) {
			defer Guard(&err)()
			if do == nil {
				do = worker()
			}
			return do(i)
		}
	})
}
