package data

import (
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/internal/rng"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	strata := slices.Repeat([]int{0, 0, 0, 0, 1}, 20)
	strata[7] = 2 // the only one of its class
	keep, held := Split(len(strata), strata, 0.25, 1, rng.SplitTest)
	count := [3]int{}
	for _, i := range held {
		count[strata[i]]++
	}
	if len(keep)+len(held) != 100 || count != [3]int{20, 5, 0} { // round(79/4), round(20/4), 0
		t.Errorf("%d kept, %v held", len(keep), count)
	}
	_, again := Split(len(strata), strata, 0.25, 1, rng.SplitTest)
	_, other := Split(len(strata), strata, 0.25, 2, rng.SplitTest)
	_, purpose := Split(len(strata), strata, 0.25, 1, rng.SplitValidation)
	if !slices.Equal(held, again) || slices.Equal(held, other) || slices.Equal(held, purpose) {
		t.Error("the split does not follow from seed and purpose alone")
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		fraction := rapid.Float64Range(0, 0.999).Draw(t, "fraction")
		var strata []int
		if rapid.Bool().Draw(t, "stratified") {
			strata = rapid.SliceOfN(rapid.IntRange(0, 5), n, n).Draw(t, "strata")
		}
		keep, held := Split(n, strata, fraction, rapid.Uint64().Draw(t, "seed"), rng.SplitTest)
		if !slices.IsSorted(keep) || !slices.IsSorted(held) {
			t.Fatal("not in ascending order")
		}
		all := slices.Sorted(slices.Values(slices.Concat(keep, held)))
		if len(all) != n {
			t.Fatalf("%d of %d", len(all), n)
		}
		for i, v := range all {
			if i != v {
				t.Fatalf("%d is missing or twice", i)
			}
		}
		kept := map[int]bool{}
		for _, i := range keep {
			if strata != nil {
				kept[strata[i]] = true
			}
		}
		for _, i := range held {
			if strata != nil && !kept[strata[i]] {
				t.Fatalf("nothing of class %d is kept", strata[i])
			}
		}
	})
}
