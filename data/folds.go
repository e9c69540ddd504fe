package data

import (
	"cmp"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
)

// SplitGroups is Split by whole groups. It goes through the groups in an order drawn for
// (seed, purpose), and holds out each group that brings the number of held-out rows nearer
// to the fraction. groups gives the group of each row, starting at 0. A group is never on
// both sides, and at least one group is kept.
func SplitGroups(groups []int, fraction float64, seed uint64, purpose uint8) (keep, held []int, err error) {
	size, err := groupSizes(groups)
	if err != nil {
		return nil, nil, err
	}
	if err := checkSplit(len(groups), nil, fraction); err != nil {
		return nil, nil, err
	}
	perm := make([]int, len(size))
	rng.Perm(perm, seed, rng.Purpose(purpose), 0)
	out := make([]bool, len(size))
	want, have := float64(fraction*float64(len(groups))), 0.0 // rounded, so that it is not fused with what follows
	for _, g := range perm {
		if n := float64(size[g]); have+n < float64(len(groups)) && math.Abs(have+n-want) < math.Abs(have-want) {
			out[g] = true
			have += n
		}
	}
	keep, held = parts(len(groups), func(i int) bool { return out[groups[i]] })
	return keep, held, nil
}

// SplitLast is Split by time: it holds out the last rows. Rows of one time stay together.
// Rows that the fraction would separate are all kept, unless nothing would be held out then.
func SplitLast(times []float64, fraction float64) (keep, held []int, err error) {
	n := len(times)
	if err := checkSplit(n, nil, fraction); err != nil {
		return nil, nil, err
	}
	if err := checkTimes(times); err != nil {
		return nil, nil, err
	}
	cut := math.Inf(1) // nothing is held out
	if share := min(int(math.Round(fraction*float64(n))), n-1); share > 0 {
		cut = cutBetween(slices.Sorted(slices.Values(times)), n-share)
	}
	keep, held = parts(n, func(i int) bool { return times[i] > cut })
	return keep, held, nil
}

// cutBetween returns the time after which the second part of sorted times begins, near the
// given place. It is after all times equal to the one before the place, or in front of
// them if nothing follows. If all times are equal, there is no second part.
func cutBetween(sorted []float64, place int) float64 {
	cut := sorted[place-1]
	if cut < sorted[len(sorted)-1] {
		return cut
	}
	for i := place - 1; i > 0; i-- {
		if sorted[i-1] < cut {
			return sorted[i-1]
		}
	}
	return cut
}

// Folds deals rows into k folds of nearly equal size and returns the fold of each. strata
// gives the class of each row; nil means a single class. Every class is spread evenly over the folds. The order
// is drawn for (seed, class). k is at least 1 and at most n. The lists are where the cells of the table are, in memory or on the disk.
func (t *Table) Folds(n int, strata []int, k int, seed uint64) (fold []int, err error) {
	disk := t.disk
	if err := checkFolds(n, strata, k); err != nil {
		return nil, err
	}
	defer spill.Guard(&err)()
	sizes, members := membersOf(disk, n, strata)
	fold = spill.Must[int](disk, n)
	next := 0 // dealing continues where the previous class ended, which keeps the sizes equal
	for _, class := range sortedKeys(sizes) {
		group := members[class]
		perm := spill.Must[int](disk, sizes[class])
		rng.Perm(perm, seed, rng.Fold, uint64(class))
		for _, i := range perm {
			if group != nil {
				i = group[i]
			}
			fold[i] = next % k
			next++
		}
		spill.Free(disk, perm)
		spill.Free(disk, group)
	}
	return fold, nil
}

// GroupFolds deals whole groups into k folds, the largest first. Each goes to the fold
// with the fewest rows so far, as in scikit-learn's GroupKFold. The seed decides the
// order of groups of equal size. k is at least 1 and at most the number of groups.
func GroupFolds(groups []int, k int, seed uint64) ([]int, error) {
	size, err := groupSizes(groups)
	if err != nil {
		return nil, err
	}
	there := len(size) // groups that have rows
	for _, n := range size {
		if n == 0 {
			there--
		}
	}
	if err := checkFolds(there, nil, k); err != nil {
		return nil, err
	}
	order := make([]int, len(size))
	rng.Perm(order, seed, rng.Fold, 0)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size[b], size[a]) })
	rows, of := make([]int, k), make([]int, len(size))
	for _, g := range order {
		lightest := 0
		for f := range rows {
			if rows[f] < rows[lightest] {
				lightest = f
			}
		}
		of[g] = lightest
		rows[lightest] += size[g]
	}
	fold := make([]int, len(groups))
	for i, g := range groups {
		fold[i] = of[g]
	}
	return fold, nil
}

// TimeFolds divides rows by time into k+1 blocks of nearly equal size and returns the block
// of each, starting at -1. Fold f is tested on block f and trained on all blocks before it.
// Rows of one time are in one block. k is at least 1 and at most the number of rows.
func TimeFolds(times []float64, k int) ([]int, error) {
	if err := checkFolds(len(times), nil, k); err != nil {
		return nil, err
	}
	if err := checkTimes(times); err != nil {
		return nil, err
	}
	sorted := slices.Sorted(slices.Values(times))
	block := make([]int, len(times))
	for i := range block {
		block[i] = -1
	}
	for b := range k {
		cut := sorted[max(1, (b+1)*len(times)/(k+1))-1]
		for i, v := range times {
			if v > cut {
				block[i] = b
			}
		}
	}
	return block, nil
}

// checkTimes refuses times that cannot be ordered.
func checkTimes(times []float64) error {
	for i, v := range times {
		if !float.Finite(v) {
			return fail(ErrOption, "the time of row %d is %v: give every row a finite number", i, v)
		}
	}
	return nil
}

// groupSizes counts the rows of groups, which are numbered starting at 0.
func groupSizes(groups []int) ([]int, error) {
	var size []int
	for i, g := range groups {
		if g < 0 {
			return nil, fail(ErrOption, "row %d is in the group %d: number the groups from 0", i, g)
		}
		for g >= len(size) {
			size = append(size, 0)
		}
		size[g]++
	}
	return size, nil
}

// parts splits 0..n-1 by whether they are held out.
func parts(n int, out func(int) bool) (keep, held []int) {
	keep, held = []int{}, []int{}
	for i := range n {
		if out(i) {
			held = append(held, i)
		} else {
			keep = append(keep, i)
		}
	}
	return keep, held
}
