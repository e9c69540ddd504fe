package main

import (
	"strings"
	"testing"
)

// The report counts the fastest form of a peer and gives the reason of a failure. A bar of a table that was
// not measured is marked as such.
func TestReport(t *testing.T) {
	s := &suite{missing: map[string]string{}}
	book := map[string]figures{"mnist": {Rounds: 3, Lines: []line{
		{Name: "gradus", Threads: 1, Ns: []float64{3e6, 2e6, 1e6}, Share: []float64{0.9, 0.8, 0.86}},
		{Name: "C + OpenBLAS", Form: "slow", Threads: 1, Ns: []float64{5e6, 5e6, 5e6}},
		{Name: "C + OpenBLAS", Form: "fast", Threads: 1, Ns: []float64{2.1e6, 2.1e6, 2.1e6}},
		{Name: "JAX", Form: "scan", Threads: 1, Failed: "no | wheel"},
	}}}
	page := s.report(book)
	for _, want := range []string{
		"| mnist, momentum: share of the peak, % | ≥ 85 | 86.0 | met |",
		"| mnist, momentum: times as fast as C with OpenBLAS at its best | ≥ 1.1 | 1.05 | not met |",
		"| mnist, momentum: times as fast as PyTorch at its best | ≥ 1.5 | - | not measured |",
		"| gradus | 86.0 % of the peak | 1 | 2 ms | 1 ms - 3 ms | 1.00 |",
		"| JAX | scan | 1 | not measured: no \\| wheel |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{9, 1, 5, 2}); got != 3.5 {
		t.Errorf("the median of four numbers is %v, want 3.5", got)
	}
	if got := duration(median([]float64{1500})); got != "1.5 µs" {
		t.Errorf("the duration is %q, want 1.5 µs", got)
	}
}
