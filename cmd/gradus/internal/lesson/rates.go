package lesson

import (
	"math"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// RateSweep is the course of a run whose rate grows with every update (Smith 2015): at first
// nothing happens, then the loss falls, and at last it explodes. A tenth of the rate at which it
// is lowest is one to train with.
type RateSweep struct {
	Points []RatePoint

	best float64 // the lowest smoothed loss
	mean float64 // the running mean, from 0
}

// RatePoint is one update.
type RatePoint struct {
	Rate   float64 `json:"rate"`
	Loss   float64 `json:"loss"`     // of the update's batch, before it
	Smooth float64 `json:"smoothed"` // a running mean of the losses, by a factor of 0.95
}

// MarshalJSON writes null for a number that is not finite.
func (r RatePoint) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(r) }

// UnmarshalJSON reads null as NaN.
func (r *RatePoint) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, r) }

// Add takes the next update and reports whether the sweep should go on: it ends where the
// smoothed loss is four times its lowest, as fastai and Lightning have it, or not finite.
func (s *RateSweep) Add(rate, loss float64) bool {
	const keep = 0.95
	s.mean = keep*s.mean + (1-keep)*loss
	p := RatePoint{Rate: rate, Loss: loss, Smooth: s.mean / (1 - math.Pow(keep, float64(len(s.Points)+1)))}
	if !finite(p.Smooth) {
		return false
	}
	s.Points = append(s.Points, p)
	if len(s.Points) == 1 || p.Smooth < s.best {
		s.best = p.Smooth
	}
	// Below 0, where a loss such as Poisson's may be, four times the lowest says nothing.
	return p.Smooth <= 4*s.best || s.best <= 0 && p.Smooth <= s.best+4*math.Abs(s.best)+1
}

// Lowest is the point with the lowest smoothed loss.
func (s *RateSweep) Lowest() int {
	lowest := 0
	for i, p := range s.Points {
		if p.Smooth < s.Points[lowest].Smooth {
			lowest = i
		}
	}
	return lowest
}

// Steepest is the point where the loss falls fastest with the logarithm of the rate, up to the
// lowest: by the slope of the line through the losses around it, a sixth of the sweep, since
// that of neighbors is noise of the batches. ok is false where the smoothed loss never falls by
// a hundredth of itself.
func (s *RateSweep) Steepest() (point int, ok bool) {
	lowest := s.Lowest()
	first := 0.0 // the smoothed loss of a tenth of the sweep, where rates are small
	tenth := len(s.Points)/10 + 1
	if len(s.Points) < 3 || lowest < tenth {
		return 0, false
	}
	for _, p := range s.Points[:tenth] {
		first = max(first, p.Smooth)
	}
	if !(first-s.Points[lowest].Smooth > 0.01*math.Abs(first)) {
		return 0, false
	}
	half := max(1, len(s.Points)/12)
	steepest := math.Inf(1)
	for i := tenth; i <= lowest; i++ {
		if slope := slope(s.Points[max(0, i-half):min(i+half+1, len(s.Points))]); slope < steepest {
			steepest, point = slope, i
		}
	}
	return point, steepest < 0
}

// Suggest is a tenth of the rate at which the smoothed loss is lowest, as fastai had it before
// others. The rate at which the loss falls fastest is often far too small. ok is false where the
// loss does not fall.
func (s *RateSweep) Suggest() (rate float64, ok bool) {
	if _, ok := s.Steepest(); !ok {
		return 0, false
	}
	return s.Points[s.Lowest()].Rate / 10, true
}

// slope is that of the least-squares line through the losses against the logarithm of the rate.
func slope(points []RatePoint) float64 {
	n := float64(len(points))
	x, y := 0.0, 0.0
	for _, p := range points {
		x += math.Log(p.Rate) / n
		y += p.Loss / n
	}
	xy, xx := 0.0, 0.0
	for _, p := range points {
		d := math.Log(p.Rate) - x
		xy += d * (p.Loss - y)
		xx += d * d
	}
	return xy / xx
}
