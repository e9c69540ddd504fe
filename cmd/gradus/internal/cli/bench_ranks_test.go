package cli

import (
	"slices"
	"testing"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/bench"
)

// The verdict names the fastest number of ranks, and the numbers of ranks that are slower than one.
func TestScalingVerdict(t *testing.T) {
	for _, c := range []struct {
		rates []float64 // of 1, 2, 4, 8 ranks
		best  int
		alone []int
		text  string
	}{
		{[]float64{1, 2, 4, 8}, 8, []int{}, "with a fixed batch, more ranks are faster, up to 8"},
		{[]float64{1, 2, 3, 2}, 4, []int{}, "with a fixed batch, 4 ranks are the fastest, and every number of ranks is faster than one"},
		{[]float64{1, 2, 0.5, 0.1}, 2, []int{4, 8}, "with a fixed batch, 2 ranks are the fastest, and 4 ranks are slower than one"},
		{[]float64{1, 0.9, 0.5, 0.1}, 1, []int{2, 4, 8}, "with a fixed batch, one rank is faster than any larger number"},
		{[]float64{1, 0.5, 0.9, 1.5}, 8, []int{2, 4}, "with a fixed batch, 2 ranks are slower than one, and 8 are the fastest"},
	} {
		var points []bench.Point
		for i, r := range c.rates {
			points = append(points, bench.Point{Ranks: 1 << i, Rate: r, SpeedUp: r})
		}
		v := verdict("mnist", "same", points)
		if v.Best != c.best || !slices.Equal(v.Alone, c.alone) || v.text(8) != c.text {
			t.Errorf("%v: got %+v and %q, want %d as the fastest, %v as slower than one, and %q", c.rates, v, v.text(8), c.best, c.alone, c.text)
		}
	}
}
