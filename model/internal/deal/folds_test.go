package deal

import (
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/internal/rng"
	"pgregory.net/rapid"
)

// Folds have equal sizes, and equal shares of every class.
func TestFolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 200).Draw(t, "n")
		k := rapid.IntRange(2, min(n, 12)).Draw(t, "k")
		var strata []int
		if rapid.Bool().Draw(t, "stratified") {
			strata = rapid.SliceOfN(rapid.IntRange(0, 4), n, n).Draw(t, "strata")
		}
		seed := rapid.Uint64().Draw(t, "seed")
		of := must(t)(Folds(nil, n, strata, k, seed))
		spread := func(in func(i int) bool) int {
			count := make([]int, k)
			for i, f := range of {
				if in(i) {
					count[f]++
				}
			}
			return slices.Max(count) - slices.Min(count)
		}
		if spread(func(int) bool { return true }) > 1 {
			t.Fatal("the sizes of the folds differ by more than one row")
		}
		for class := range 5 {
			if strata != nil && spread(func(i int) bool { return strata[i] == class }) > 1 {
				t.Fatalf("class %d is not spread evenly", class)
			}
		}
		if !slices.Equal(of, must(t)(Folds(nil, n, strata, k, seed))) {
			t.Fatal("the same arguments give other folds")
		}
	})
	if slices.Equal(must(t)(Folds(nil, 50, nil, 5, 1)), must(t)(Folds(nil, 50, nil, 5, 2))) {
		t.Error("the seed has no effect")
	}
}

// Groups stay whole in folds and on both sides of a split. The split is about as large as asked.
func TestGroupsStayWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 200).Draw(t, "n")
		groups := rapid.SliceOfN(rapid.IntRange(0, 11), n, n).Draw(t, "groups")
		seed := rapid.Uint64().Draw(t, "seed")
		k := rapid.IntRange(1, min(6, len(slices.Compact(slices.Sorted(slices.Values(groups)))))).Draw(t, "k")
		home := map[int]int{}
		for i, f := range must(t)(GroupFolds(groups, k, seed)) {
			if h, ok := home[groups[i]]; ok && h != f || f < 0 || f >= k {
				t.Fatalf("group %d is in the folds %d and %d of %d", groups[i], h, f, k)
			}
			home[groups[i]] = f
		}
		fraction := rapid.Float64Range(0, 0.99).Draw(t, "fraction")
		keep, held := whole(t)(SplitGroups(groups, fraction, seed, rng.SplitTest))
		side := map[int]bool{}
		for _, i := range keep {
			side[groups[i]] = true
		}
		for _, i := range held {
			if side[groups[i]] {
				t.Fatalf("group %d is on both sides", groups[i])
			}
		}
		if len(keep) == 0 || len(keep)+len(held) != n {
			t.Fatalf("%d rows are kept and %d are held out, want %d in all and at least one kept", len(keep), len(held), n)
		}
	})
	// As with scikit-learn's GroupKFold, the largest group is alone and the others are together.
	of := must(t)(GroupFolds([]int{0, 0, 0, 0, 1, 1, 2, 2}, 2, 1))
	if of[0] == of[4] || of[4] != of[6] {
		t.Errorf("got %v, want of[0] != of[4] and of[4] = of[6]", of)
	}
	_, held := whole(t)(SplitGroups(slices.Repeat([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10), 0.3, 1, rng.SplitTest))
	if len(held) != 30 {
		t.Errorf("%d of 100 rows are held out, want 30", len(held))
	}
}

// The rows held out are later than the rows kept, and rows of the same time stay together.
func TestByTime(t *testing.T) {
	for _, c := range []struct {
		times    []float64
		fraction float64
		held     []int
	}{
		{[]float64{5, 1, 4, 2, 3}, 0.4, []int{0, 2}},
		{[]float64{1, 2, 2, 2, 3}, 0.4, []int{4}},     // the twos stay
		{[]float64{1, 2, 2, 2}, 0.25, []int{1, 2, 3}}, // or nothing would be held out
		{[]float64{2, 2, 2, 2}, 0.5, []int{}},
		{[]float64{1, 2, 3}, 0, []int{}},
		{[]float64{1, 2}, 0.9, []int{1}},
	} {
		if _, held := whole(t)(SplitLast(c.times, c.fraction)); !slices.Equal(held, c.held) {
			t.Errorf("%v of %v: the rows %v are held out, want %v", c.fraction, c.times, held, c.held)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		times := make([]float64, n)
		for i := range times {
			times[i] = float64(rapid.IntRange(0, 30).Draw(t, "time"))
		}
		keep, held := whole(t)(SplitLast(times, rapid.Float64Range(0, 0.99).Draw(t, "fraction")))
		for _, i := range keep {
			for _, j := range held {
				if times[i] >= times[j] {
					t.Fatalf("the time %v is kept and %v is held out, want every kept time to be earlier", times[i], times[j])
				}
			}
		}
		if len(keep) == 0 || len(keep)+len(held) != n {
			t.Fatal("a row is on neither side, or no row is kept")
		}
		k := rapid.IntRange(1, min(n, 5)).Draw(t, "k")
		block := must(t)(TimeFolds(times, k))
		for i := range times {
			for j := range times {
				if times[i] == times[j] && block[i] != block[j] || times[i] < times[j] && block[i] > block[j] {
					t.Fatalf("the times %v and %v are in the blocks %d and %d", times[i], times[j], block[i], block[j])
				}
			}
		}
	})
	if got := must(t)(TimeFolds([]float64{6, 5, 4, 3, 2, 1}, 2)); !slices.Equal(got, []int{1, 1, 0, 0, -1, -1}) {
		t.Errorf("got %v, want %v", got, []int{1, 1, 0, 0, -1, -1})
	}
}

func second[T any](_ T, err error) error { return err }

// must returns the folds, and fails the test if there is an error.
func must(t interface{ Fatal(...any) }) func([]int, error) []int {
	return func(of []int, err error) []int {
		if err != nil {
			t.Fatal(err)
		}
		return of
	}
}
