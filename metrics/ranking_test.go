package metrics

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A ranking has the order of a plain stable sort, for scores of every kind.
func TestRanking(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	inf := math.Inf(1)
	odd := []float64{-inf, -math.MaxFloat64, -1, math.Copysign(0, -1), 0, 5e-324, 1, math.MaxFloat64, inf}
	for name, draw := range map[string]func() float64{
		"evenly spread":  r.Float64,
		"normal":         r.NormFloat64,
		"ties":           func() float64 { return float64(r.IntN(5)) },
		"far apart":      func() float64 { return math.Exp(40 * r.NormFloat64()) },
		"with infinity":  func() float64 { return r.Float64() / float64(r.IntN(20)) },
		"odd":            func() float64 { return odd[r.IntN(len(odd))] },
		"only infinite":  func() float64 { return inf * float64(2*r.IntN(2)-1) },
		"few others":     func() float64 { return max(0.5, r.Float64()+0.49) },
		"two scales":     func() float64 { return r.Float64() * []float64{1e-12, 1}[r.IntN(2)] },
		"next to 0":      func() float64 { return 5e-324 * float64(r.IntN(3)) },
		"all equal":      func() float64 { return 0.25 },
		"next to a half": func() float64 { return math.Float64frombits(math.Float64bits(0.5) + uint64(r.IntN(3))) },
	} {
		var used ranking
		for _, n := range []int{0, 1, 2, 15, 16, 40, 12000, 100} { // 100 after 12000, in used memory
			const cols, at = 3, 1
			p, want := make([]float64, n*cols), make([]uint32, n)
			for i := range p {
				p[i] = draw()
			}
			for i := range want {
				want[i] = uint32(i)
			}
			slices.SortStableFunc(want, func(a, b uint32) int { return cmp.Compare(p[a*cols+at], p[b*cols+at]) })
			got, nan := used.of(p, cols, at)
			if nan || !slices.Equal(got, want) {
				t.Fatalf("%s, %d rows: NaN is %v and the order is\n%v, want\n%v", name, n, nan, got, want)
			}
			if n > 0 {
				p[(n-1)*cols+at] = math.NaN()
				if _, nan := used.of(p, cols, at); !nan {
					t.Errorf("%s, %d rows: the NaN of the last row was not found", name, n)
				}
			}
		}
	}
}
