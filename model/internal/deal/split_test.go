package deal

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/rng"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	strata := slices.Repeat([]int{0, 0, 0, 0, 1}, 20)
	strata[7] = 2 // the only one of its class
	keep, held := whole(t)(Split(nil, len(strata), strata, 0.25, 1, rng.SplitTest))
	count := [3]int{}
	for _, i := range held {
		count[strata[i]]++
	}
	if len(keep)+len(held) != 100 || count != [3]int{20, 5, 0} { // round(79/4), round(20/4), 0
		t.Errorf("%d rows are kept, and %v of the classes are held out, want [20 5 0] and 100 rows in all", len(keep), count)
	}
	_, again := whole(t)(Split(nil, len(strata), strata, 0.25, 1, rng.SplitTest))
	_, other := whole(t)(Split(nil, len(strata), strata, 0.25, 2, rng.SplitTest))
	_, purpose := whole(t)(Split(nil, len(strata), strata, 0.25, 1, rng.SplitValidation))
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
		keep, held := whole(t)(Split(nil, n, strata, fraction, rapid.Uint64().Draw(t, "seed"), rng.SplitTest))
		if !slices.IsSorted(keep) || !slices.IsSorted(held) {
			t.Fatal("the rows are not in ascending order")
		}
		all := slices.Sorted(slices.Values(slices.Concat(keep, held)))
		if len(all) != n {
			t.Fatalf("the two sides have %d rows, want %d", len(all), n)
		}
		for i, v := range all {
			if i != v {
				t.Fatalf("row %d is missing or comes twice", i)
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
				t.Fatalf("no row of class %d is kept", strata[i])
			}
		}
	})
}

// whole returns the two sides of a split, and fails the test if there is an error.
func whole(t interface{ Fatal(...any) }) func(keep, held []int, err error) ([]int, []int) {
	return func(keep, held []int, err error) ([]int, []int) {
		if err != nil {
			t.Fatal(err)
		}
		return keep, held
	}
}

// Every function refuses arguments from which no split or folds can be made.
func TestSplitsRefuse(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	groups, times := []int{0, 0, 1, 1, 2}, []float64{1, 2, 3, 4, 5}
	first := func(_, _ []int, err error) error { return err }
	for _, fraction := range []float64{nan, -0.1, 1, 1.5, inf, -inf} {
		for _, err := range []error{
			first(Split(nil, 5, nil, fraction, 1, rng.SplitTest)),
			first(SplitGroups(groups, fraction, 1, rng.SplitTest)),
			first(SplitLast(times, fraction)),
		} {
			refuses(t, err, fmt.Sprintf("%v is not a fraction of the rows to hold out: give at least 0 and less than 1", fraction))
		}
	}
	for _, k := range []int{math.MinInt, -1, 0, 6, math.MaxInt} {
		const why = "%d rows or groups cannot be dealt into %d folds: give at least 1 fold and at most as many as there are"
		for _, err := range []error{second(Folds(nil, 5, nil, k, 1)), second(TimeFolds(times, k))} {
			refuses(t, err, fmt.Sprintf(why, 5, k))
		}
		refuses(t, second(GroupFolds(groups, k, 1)), fmt.Sprintf(why, 3, k))
	}
	refuses(t, second(GroupFolds(groups, 4, 1)), "3 rows or groups cannot be dealt into 4 folds: give at least 1 fold and at most as many as there are")
	for _, err := range []error{second(Folds(nil, 0, nil, 1, 1)), second(GroupFolds(nil, 1, 1)), second(TimeFolds(nil, 1))} {
		refuses(t, err, "0 rows or groups cannot be dealt into 1 fold: give at least 1 fold and at most as many as there are")
	}
	for _, err := range []error{second(Folds(nil, 5, []int{1}, 2, 1)), first(Split(nil, 5, []int{1}, 0.5, 1, rng.SplitTest))} {
		refuses(t, err, "5 rows cannot be split by the classes of 1: give each row its class, or nil")
	}
	for _, err := range []error{first(Split(nil, -1, nil, 0.5, 1, rng.SplitTest)), second(Folds(nil, -1, nil, 1, 1))} {
		refuses(t, err, "there cannot be -1 rows to split")
	}
	for _, err := range []error{first(SplitGroups([]int{0, -1}, 0.5, 1, rng.SplitTest)), second(GroupFolds([]int{0, -1}, 1, 1))} {
		refuses(t, err, "row 1 is in the group -1: number the groups from 0")
	}
	for _, err := range []error{first(SplitLast([]float64{1, nan}, 0.5)), second(TimeFolds([]float64{1, nan}, 1))} {
		refuses(t, err, "the time of row 1 is NaN: give every row a finite number")
	}
	for _, of := range [][]int{must(t)(Folds(nil, 5, nil, 1, 1)), must(t)(GroupFolds(groups, 1, 1))} {
		if !slices.Equal(of, make([]int, 5)) {
			t.Errorf("one fold is %v, want all zeros", of)
		}
	}
	if of := must(t)(Folds(nil, 5, nil, 5, 1)); !slices.Equal(slices.Sorted(slices.Values(of)), []int{0, 1, 2, 3, 4}) {
		t.Errorf("5 folds of 5 rows are %v, want one row in each", of)
	}
}

// refuses checks that an error is an ErrOption with a text.
func refuses(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, data.ErrOption) || err.Error() != want {
		t.Errorf("got the error %v, want an ErrOption with the text %q", err, want)
	}
}
