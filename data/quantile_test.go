package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A quantile lies between two neighboring sorted values.
func TestQuantile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 60; n++ {
		for _, kinds := range []int{1, 2, 5, 1000} { // how many different values
			values := make([]float64, n)
			for i := range values {
				values[i] = float64(r.IntN(kinds)) / 7
			}
			switch n % 4 {
			case 1:
				slices.Sort(values)
			case 2:
				slices.SortFunc(values, func(a, b float64) int { return int(7*b) - int(7*a) })
			}
			sorted := slices.Sorted(slices.Values(values))
			for _, q := range []float64{0, 0.1, 0.25, 0.5, 0.75, 1} {
				at := q * float64(n-1)
				i := int(at)
				want := sorted[i]
				if i+1 < n {
					want += (sorted[i+1] - sorted[i]) * (at - float64(i))
				}
				if got := quantile(sorted, q); got != want {
					t.Fatalf("quantile %v of %v is %v, want %v", q, values, got, want)
				}
			}
		}
	}
}

// Numbers are sorted as slices.Sort sorts them, whatever their values and their number.
func TestSortNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var scratch []float64
	for _, n := range []int{0, 1, 100, fewToSort, 3 * fewToSort, 100000} {
		for kind, draw := range []func() float64{
			r.NormFloat64,
			func() float64 { return float64(r.IntN(7)) - 3 },
			func() float64 { return math.Float64frombits(r.Uint64()) },
			func() float64 { return []float64{math.Inf(-1), -1e-320, 0, 5e-324, math.MaxFloat64}[r.IntN(5)] },
		} {
			values := make([]float64, n)
			for i := range values {
				if values[i] = draw(); values[i] != values[i] {
					values[i] = 1
				}
			}
			want := slices.Sorted(slices.Values(values))
			scratch = sortNumbers(values, scratch)
			if !slices.Equal(values, want) {
				t.Fatalf("%d numbers of kind %d are not sorted", n, kind)
			}
		}
	}
}
