package data

import (
	"math"
	"time"
)

// Beyond the training rows' range. What a network has learned of a column ends where the training rows
// end. There its inputs go on straight, for as long as the range is wide, and then stay: the clipped
// value along its tangent, the rank as if values were spread evenly over the range. So a network that
// found a trend in them goes on with the trend, and a wild cell can do no more than the double range.

// fitRange keeps the range of sorted values.
func (in *Input) fitRange(sorted []float64) {
	if len(sorted) > 0 && isFinite(sorted[len(sorted)-1]-sorted[0]) {
		in.Low, in.High = sorted[0], sorted[len(sorted)-1]
	}
}

// beyond is by how much x is above High, or less than 0, below Low, up to the range's width.
func (in *Input) beyond(x float64) float64 {
	switch {
	case x > in.High:
		return min(x-in.High, in.High-in.Low)
	case x < in.Low:
		return max(x-in.Low, in.Low-in.High)
	}
	return 0
}

// scaled is (x - Center) / Scale, where Clip is set softly clipped and beyond the range straight.
func (in *Input) scaled(x float64) float64 {
	if in.Scale == 0 {
		return 0
	}
	if !in.Clip {
		return (x - in.Center) / in.Scale
	}
	d := in.beyond(x)
	if d == 0 { // within the range, or nothing is known of it
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

// rangeProblem finds a range that is none.
func (in *Input) rangeProblem() string {
	if !isFinite(in.Low) || !isFinite(in.High) || !isFinite(in.High-in.Low) || in.Low > in.High {
		return "has a range that is not finite, or whose ends are in the wrong order"
	}
	return ""
}

// rangeText is the range in words, of dates as dates.
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
