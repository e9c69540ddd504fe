package lesson

import (
	"context"
	"testing"
)

// All starts converge at rate 80, about 11 % at 200 and 1 % at 500. At 2000 nearly all end at 0.5 or
// saturated. Over 20,000 starts of seed 1 the shares that converge are
// 100 %, 10.9 %, 1.1 % and 0.02 %.
func TestCensus(t *testing.T) {
	for _, c := range []struct {
		rate      float64
		starts    int
		low, high float64 // share that converges
		lost      float64 // least share that is stuck or saturated
	}{
		{80, 2000, 1, 1, 0},
		{200, 500, 0.07, 0.15, 0},
		{500, 500, 0.001, 0.03, 0.95},
		{2000, 500, 0, 0.01, 0.99},
	} {
		s, err := Census(context.Background(), c.rate, c.starts, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", s)
		n := float64(c.starts)
		if share := float64(s.Converged) / n; share < c.low || share > c.high {
			t.Errorf("rate %v: %v converge", c.rate, share)
		}
		if lost := float64(s.StuckAtHalf+s.Saturated) / n; lost < c.lost {
			t.Errorf("rate %v: %v are stuck or saturated", c.rate, lost)
		}
		if s.Converged+s.StuckAtHalf+s.Saturated+s.Other != c.starts || s.Starts != c.starts {
			t.Errorf("rate %v: the counts do not add up: %+v", c.rate, s)
		}
		if c.rate == 80 && (s.MedianEpochs > 5 || s.MaxEpochs > 10) {
			t.Errorf("rate 80 takes long: %+v", s)
		}
		if c.rate == 2000 && (s.StuckAtHalf == 0 || s.Saturated == 0) {
			t.Errorf("rate 2000 shows only one way of failing: %+v", s)
		}
	}
}
