package data

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The values at every place, and the quantiles between them, are those of sorted values.
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
			for i := range n {
				moved := slices.Clone(values)
				if got := nth(moved, i); got != sorted[i] || moved[i] != got {
					t.Fatalf("place %d of %v is %v, want %v", i, values, got, sorted[i])
				}
				if slices.Sort(moved); !slices.Equal(moved, sorted) {
					t.Fatalf("nth lost values of %v", values)
				}
			}
			for _, q := range []float64{0, 0.1, 0.25, 0.5, 0.75, 1} {
				at := q * float64(n-1)
				i := int(at)
				want := sorted[i]
				if i+1 < n {
					want += (sorted[i+1] - sorted[i]) * (at - float64(i))
				}
				if got := quantile(slices.Clone(values), q); got != want {
					t.Fatalf("quantile %v of %v is %v, want %v", q, values, got, want)
				}
			}
		}
	}
}
