package lesson

import (
	"math"
	"testing"
)

// A sweep over a loss that falls around one rate and explodes at another finds both.
func TestRateSweep(t *testing.T) {
	for _, c := range []struct{ falls, explodes float64 }{{1e-3, 1}, {1e-2, 3}, {1e-4, 1e-2}} {
		var s RateSweep
		n := 0
		for ; n < 400; n++ {
			rate := 1e-7 * math.Pow(10, 9*float64(n)/399)
			x := math.Log10(rate / c.falls)
			noise := 0.2 * math.Sin(float64(n*n))
			loss := 3 - 2/(1+math.Exp(-3*x)) + noise
			if rate > c.explodes {
				loss += 50 * (rate/c.explodes - 1)
			}
			if !s.Add(rate, loss) {
				break
			}
		}
		if last := s.Points[len(s.Points)-1].Rate; last < c.explodes || last > 10*c.explodes {
			t.Errorf("the loss explodes at %v and the sweep ends at %v", c.explodes, last)
		}
		i, ok := s.Steepest()
		if got := s.Points[i].Rate; !ok || got < c.falls/3 || got > c.falls*3 {
			t.Errorf("the loss falls fastest at %v; found %v, %v", c.falls, got, ok)
		}
		if got, ok := s.Suggest(); !ok || got != s.Points[s.Lowest()].Rate/10 {
			t.Errorf("the loss is lowest at %v and Suggest gives %v, want a tenth of the lowest rate", s.Points[s.Lowest()].Rate, got)
		}
		if got := s.Points[s.Lowest()].Rate; got < c.falls || got > 2*c.explodes {
			t.Errorf("the loss is lowest between %v and %v; found %v", c.falls, c.explodes, got)
		}
	}

	var rising RateSweep
	for n := range 50 {
		if !rising.Add(1e-3*float64(n+1), 1+0.01*float64(n)) {
			t.Fatal("a slow rise ended the sweep")
		}
	}
	if i, ok := rising.Steepest(); ok {
		t.Errorf("for a loss that only rises, Steepest gives point %d, want none", i)
	}
	if rate, ok := rising.Suggest(); ok {
		t.Errorf("for a loss that only rises, Suggest gives %v, want none", rate)
	}
	var negative RateSweep
	for n := range 50 {
		if !negative.Add(1e-3*float64(n+1), -5-0.1*float64(n)) {
			t.Fatal("a falling loss below 0 ended the sweep")
		}
	}
	if negative.Add(1, math.NaN()) || negative.Add(1, math.Inf(1)) {
		t.Error("a loss that is not finite does not end the sweep")
	}
}
