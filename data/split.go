package data

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/rng"
)

// Split parts 0..n-1 into those to keep and a fraction to hold out, both in ascending
// order. It depends on nothing but its arguments.
//
// strata gives the class of each, or is nil. Every class holds out its own share,
// rounded to the nearest whole number, but never all of its members: a class with one
// member is kept. Which members are held out is decided by a permutation of the class
// drawn for (seed, purpose, class).
//
// It panics unless the fraction is at least 0 and below 1.
func Split(n int, strata []int, fraction float64, seed uint64, purpose rng.Purpose) (keep, held []int) {
	if !(fraction >= 0 && fraction < 1) {
		panic("data: Split: the fraction must be at least 0 and below 1")
	}
	if strata != nil && len(strata) != n {
		panic("data: Split: strata must have a class for each of n")
	}
	members := make(map[int][]int)
	for i := range n {
		class := 0
		if strata != nil {
			class = strata[i]
		}
		members[class] = append(members[class], i)
	}
	out := make([]bool, n)
	for class, group := range members { // the order does not matter: each class has draws of its own
		perm := make([]int, len(group))
		rng.Perm(perm, seed, purpose, uint64(class))
		share := min(int(math.Round(fraction*float64(len(group)))), len(group)-1)
		for _, i := range perm[:share] {
			out[group[i]] = true
		}
	}
	keep, held = make([]int, 0, n), []int{}
	for i := range n {
		if out[i] {
			held = append(held, i)
		} else {
			keep = append(keep, i)
		}
	}
	return slices.Clip(keep), held
}
