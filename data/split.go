package data

import (
	"math"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
)

// Split divides 0..n-1 into those to keep and a fraction to hold out, both in ascending
// order. The result depends only on its arguments.
//
// strata gives the class of each, or is nil. Every class holds out its own share,
// rounded to the nearest whole number, but never all of its members: a class with one
// member is kept. Which members are held out is decided by a permutation of the class
// drawn for (seed, purpose, class). Splits with different purposes are drawn independently: 3 is that of
// the test rows of package model, 4 that of its validation rows.
//
// The lists are where the cells of the table are, in memory or on the disk. A fraction below 0 or of at least 1 is an error. So is a length of strata other than n.
func (t *Table) Split(n int, strata []int, fraction float64, seed uint64, purpose uint8) (keep, held []int, err error) {
	disk := t.disk
	if err := checkSplit(n, strata, fraction); err != nil {
		return nil, nil, err
	}
	defer spill.Guard(&err)()
	sizes, members := membersOf(disk, n, strata)
	out := make([]bool, n)
	most := 0
	for class, size := range sizes { // the order does not matter: each class has its own draws
		perm := spill.Must[int](disk, size)
		rng.Perm(perm, seed, rng.Purpose(purpose), uint64(class))
		share := min(int(math.Round(fraction*float64(size))), size-1)
		for _, i := range perm[:share] {
			if strata != nil {
				i = members[class][i]
			}
			out[i] = true
		}
		most += share
		spill.Free(disk, perm)
		spill.Free(disk, members[class])
	}
	keep, held = spill.Must[int](disk, n-most)[:0], spill.Must[int](disk, most)[:0]
	for i := range n {
		if out[i] {
			held = append(held, i)
		} else {
			keep = append(keep, i)
		}
	}
	return keep, held, nil
}

// membersOf returns the size and the members of each class. Without strata there is one class, whose members are nil.
func membersOf(disk *Spill, n int, strata []int) (sizes map[int]int, members map[int][]int) {
	sizes, members = map[int]int{}, map[int][]int{}
	if strata == nil && n > 0 {
		sizes[0] = n
	}
	for _, class := range strata {
		sizes[class]++
	}
	for class, size := range sizes {
		if strata != nil {
			members[class] = spill.Must[int](disk, size)[:0]
		}
	}
	for i, class := range strata {
		members[class] = append(members[class], i)
	}
	return sizes, members
}

// checkSplit refuses invalid arguments of a split.
func checkSplit(n int, strata []int, fraction float64) error {
	switch {
	case n < 0:
		return fail(ErrOption, "there cannot be %d rows to split", n)
	case strata != nil && len(strata) != n:
		return fail(ErrOption, "%s cannot be split by the classes of %d: give each row its class, or nil", plural.Of(n, "row"), len(strata))
	case !(fraction >= 0 && fraction < 1):
		return fail(ErrOption, "%v is not a fraction of the rows to hold out: give at least 0 and less than 1", fraction)
	}
	return nil
}

// checkFolds refuses invalid arguments of folds.
func checkFolds(n int, strata []int, k int) error {
	if err := checkSplit(n, strata, 0); err != nil {
		return err
	}
	if k < 1 || k > n {
		return fail(ErrOption, "%d rows or groups cannot be dealt into %s: give at least 1 fold and at most as many as there are", n, plural.Of(k, "fold"))
	}
	return nil
}
