package lesson

import (
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// RateSweep is the course of a run whose rate grows with every update (Smith 2015). At first
// nothing happens, then the loss falls, and finally it explodes. A tenth of the rate at which the loss
// is lowest is a good rate for training.
type RateSweep struct {
	Points []RatePoint

	best float64 // the lowest smoothed loss
	mean float64 // the running mean, which starts at 0
}

// RatePoint is one update.
type RatePoint struct {
	Rate   float64 `json:"rate"`
	Loss   float64 `json:"loss"`     // of the update's batch, before the update
	Smooth float64 `json:"smoothed"` // a running mean of the losses, with a factor of 0.95
}

// MarshalJSON writes null for a number that is not finite.
func (r RatePoint) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(r) }

// UnmarshalJSON reads null as NaN.
func (r *RatePoint) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, r) }

// Add adds the next update and reports whether the sweep should go on. The sweep ends when the smoothed
// loss is more than four times its lowest, as in fastai and Lightning, or not finite.
func (s *RateSweep) Add(rate, loss float64) bool {
	const keep = 0.95
	s.mean = keep*s.mean + (1-keep)*loss
	p := RatePoint{Rate: rate, Loss: loss, Smooth: s.mean / (1 - math.Pow(keep, float64(len(s.Points)+1)))}
	if !float.Finite(p.Smooth) {
		return false
	}
	s.Points = append(s.Points, p)
	if len(s.Points) == 1 || p.Smooth < s.best {
		s.best = p.Smooth
	}
	// A loss such as Poisson's may be below 0, where four times the lowest loss means nothing.
	return p.Smooth <= 4*s.best || s.best <= 0 && p.Smooth <= s.best+4*math.Abs(s.best)+1
}

// Lowest returns the index of the point with the lowest smoothed loss.
func (s *RateSweep) Lowest() int {
	lowest := 0
	for i, p := range s.Points {
		if p.Smooth < s.Points[lowest].Smooth {
			lowest = i
		}
	}
	return lowest
}

// Steepest returns the index of the point, up to the lowest, where the loss falls fastest with the
// logarithm of the rate. The slope is that of the line through the losses in a sixth of the sweep around the
// point, because the slope between neighbors is noise of the batches. ok is false if the smoothed loss never
// falls by a hundredth of itself.
func (s *RateSweep) Steepest() (point int, ok bool) {
	lowest := s.Lowest()
	first := 0.0 // the largest smoothed loss in the first tenth of the sweep, where rates are small
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

// Suggest returns a tenth of the rate at which the smoothed loss is lowest, as fastai did before
// others. The rate at which the loss falls fastest is often far too small. ok is false if the loss
// does not fall.
func (s *RateSweep) Suggest() (rate float64, ok bool) {
	if _, ok := s.Steepest(); !ok {
		return 0, false
	}
	return s.Points[s.Lowest()].Rate / 10, true
}

// slope returns the slope of the least-squares line through the losses against the logarithm of the rate.
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
