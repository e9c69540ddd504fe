package data

import (
	"math"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
)

// Beyond the range of the training rows. What a network has learned about a column ends where the
// training rows end. Beyond that, the column's inputs continue in a straight line for one width of the
// range and then stay constant. The clipped value follows its tangent; the rank goes on as if values
// were spread evenly over the range. So a network that found a trend continues it, and a wild cell can
// at most reach one range's width beyond the end.

// fitRange stores the range of sorted values.
func (in *Input) fitRange(sorted []float64) {
	if len(sorted) > 0 && float.Finite(sorted[len(sorted)-1]-sorted[0]) {
		in.Low, in.High = sorted[0], sorted[len(sorted)-1]
	}
}

// beyond returns how far x is above High, or below Low as a negative number, up to the range's width.
func (in *Input) beyond(x float64) float64 {
	switch {
	case x > in.High:
		return min(x-in.High, in.High-in.Low)
	case x < in.Low:
		return max(x-in.Low, in.Low-in.High)
	}
	return 0
}

// scaled returns (x - Center) / Scale. With Clip it is softly clipped within the range, and continues in a straight line beyond
// it.
func (in *Input) scaled(x float64) float64 {
	if in.Scale == 0 {
		return 0
	}
	if !in.Clip {
		return (x - in.Center) / in.Scale
	}
	d := in.beyond(x)
	if d == 0 { // within the range, or the range is unknown
		return softClip((x - in.Center) / in.Scale)
	}
	edge := in.Low
	if d > 0 {
		edge = in.High
	}
	z := (edge - in.Center) / in.Scale
	q := z / 3
	w := 1 + float64(q*q)
	return softClip(z) + d/in.Scale/float64(w*math.Sqrt(w))
}

// rangeProblem returns what is wrong with the range, or "".
func (in *Input) rangeProblem() string {
	if !float.Finite(in.Low) || !float.Finite(in.High) || !float.Finite(in.High-in.Low) || in.Low > in.High {
		return "has a range that is not finite, or whose ends are in the wrong order"
	}
	return ""
}

// rangeText formats the ends of the range; dates are written as dates.
func (in *Input) rangeText() (low, high string) {
	if in.Kind != KindDate {
		return formatNumber(in.Low), formatNumber(in.High)
	}
	day := func(days float64) string {
		layout := time.DateOnly
		if in.Clock {
			layout = layoutSecond
		}
		return time.Unix(int64(math.Round(days*86400)), 0).UTC().Format(layout)
	}
	return day(in.Low), day(in.High)
}
