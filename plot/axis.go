package plot

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// position returns the position of v on an axis: v itself, or its logarithm to base 10. It
// reports false for values that cannot be shown: those that are not finite, not positive on a
// logarithmic axis, or so large on a linear one that a difference of two could overflow.
func position(v float64, log bool) (float64, bool) {
	if log {
		return math.Log10(v), v > 0 && !math.IsInf(v, 1)
	}
	return v, math.Abs(v) <= 1e300
}

// span is a range of positions, empty when low > high.
type span struct{ low, high float64 }

func emptySpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s *span) add(p float64) {
	s.low, s.high = min(s.low, p), max(s.high, p)
}

// widened returns the span with a margin at both ends. If the span is empty, or so narrow that
// its ticks would differ only in the seventh digit, it gets a width first.
func (s span) widened(log bool, margin float64) span {
	if s.low > s.high {
		return span{0, 1}
	}
	size := max(math.Abs(s.low), math.Abs(s.high))
	switch {
	case log && s.high-s.low < 1e-6:
		s.low, s.high = s.low-0.5, s.high+0.5
	case !log && size == 0:
		s.low, s.high = -1, 1
	case !log && s.high-s.low < 1e-6*size:
		room := max(0.1*size, 1e-300)
		s.low, s.high = s.low-room, s.high+room
	}
	room := margin * (s.high - s.low)
	return span{s.low - room, s.high + room}
}

// ticks returns about n, at least two, labeled ticks for a span drawn with that length. label
// is the space that a label takes.
func (s span) ticks(log, whole bool, n int, length, label vg.Length) []tick {
	n = max(n, 2)
	if log {
		return s.logTicks(n, float64(label/max(length, 1)))
	}
	return s.linearTicks(whole, n)
}

// linearTicks returns multiples of 1, 2 or 5 times a power of ten, at least two. With whole they
// are integers, and there may be fewer.
func (s span) linearTicks(whole bool, n int) []tick {
	ticks := s.multiples(whole, n)
	for more := n + 1; len(ticks) < 2 && more < n+4; more++ {
		ticks = s.multiples(whole, more)
	}
	return ticks
}

func (s span) multiples(whole bool, n int) []tick {
	step := niceStep((s.high - s.low) / float64(n))
	if whole {
		step = max(step, 1)
	}
	largest := max(math.Abs(s.low), math.Abs(s.high))
	var ticks []tick
	const slack = 1e-9 // of a step, for ends that are ticks except for rounding
	for i := math.Ceil(s.low/step - slack); i*step <= s.high+slack*step; i++ {
		v := i * step
		ticks = append(ticks, tick{v, tickLabel(v, step, largest)})
	}
	return ticks
}

// niceStep returns the smallest of 1, 2, 5 times a power of ten that is at least v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// tickLabel formats v, a multiple of step, with enough digits to distinguish it from its
// neighbors: 0.25, 10k, 2.5M, 4e−5. The largest value on the axis determines the form, so that
// all labels share it.
func tickLabel(v, step, largest float64) string {
	if math.Abs(v) < step/2 {
		return "0"
	}
	unit, suffix := 1.0, ""
	switch {
	case largest >= 1e9 || largest < 1e-3:
		digits := math.Floor(math.Log10(math.Abs(v))+1e-9) - math.Floor(math.Log10(step)+1e-9)
		return exponent(strconv.FormatFloat(v, 'e', int(max(digits, 0)), 64))
	case largest >= 1e6 && step >= 1e4:
		unit, suffix = 1e6, "M"
	case largest >= 1e4 && step >= 1e2:
		unit, suffix = 1e3, "k"
	}
	decimals := max(0, -math.Floor(math.Log10(step/unit)+1e-9))
	return minus(strconv.FormatFloat(v/unit, 'f', int(decimals), 64)) + suffix
}

// logTicks labels powers of ten. A label takes the given share of the axis. If fewer than three
// fit, it labels 1, 2 and 5 times a power, or 1 and 3 times if those would touch. If these are
// too few as well, as within a decade, it labels like a linear axis.
func (s span) logTicks(n int, share float64) []tick {
	first, last := math.Floor(s.low), math.Ceil(s.high)
	label := share * (s.high - s.low) // in decades
	mantissas := []float64{1}
	if math.Floor(s.high)-math.Ceil(s.low) < 2 {
		switch {
		case label <= math.Log10(2):
			mantissas = []float64{1, 2, 5}
		case label <= math.Log10(3):
			mantissas = []float64{1, 3}
		}
	}
	every := max(1, math.Ceil(label), math.Ceil((s.high-s.low)/float64(2*n+1)))

	var ticks []tick
	labeled := 0
	for e := first; e <= last; e++ {
		for m := 1.0; m < 10; m++ {
			p := e + math.Log10(m)
			if p < s.low || p > s.high || m > 1 && every > 1 {
				continue
			}
			mark := tick{at: p}
			if slices.Contains(mantissas, m) && math.Mod(e, every) == 0 {
				mark.label = powerLabel(m, int(e))
				labeled++
			}
			ticks = append(ticks, mark)
		}
	}
	if labeled >= 3 || s.high-s.low > 1 {
		return ticks
	}
	ticks = span{math.Pow(10, s.low), math.Pow(10, s.high)}.linearTicks(false, n)
	for i := range ticks {
		ticks[i].at = math.Log10(ticks[i].at)
	}
	return ticks
}

// powerLabel formats m times ten to the power e: 2e−3, 0.02, 100, 10k.
func powerLabel(m float64, e int) string {
	unit, suffix := 0, ""
	switch {
	case e < -2 || e >= 9:
		return strconv.Itoa(int(m)) + minus("e"+strconv.Itoa(e))
	case e >= 6:
		unit, suffix = 6, "M"
	case e >= 3:
		unit, suffix = 3, "k"
	}
	return strconv.FormatFloat(m*math.Pow10(e-unit), 'f', max(0, -e), 64) + suffix
}
