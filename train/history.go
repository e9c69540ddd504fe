package train

import (
	"math/bits"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// Point is one epoch of a History.
type Point struct {
	Epoch        int     `json:"epoch"`                // from 1
	Steps        int     `json:"steps"`                // updates made by its end
	Loss         float64 `json:"loss"`                 // the row-weighted mean of its batches' losses, each before its update
	Validation   float64 `json:"validation,omitempty"` // the validation score after it; NaN without validation rows
	LearningRate float64 `json:"rate"`                 // the learning rate of its last update
	Seconds      float64 `json:"seconds"`              // time spent by its end
}

// MarshalJSON writes null for a number that is not finite.
func (p Point) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Point) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// History is the course of a run. It keeps the first 511 epochs and then, of every
// doubling of their number, 256 nearly evenly spaced ones: a rule on the epoch's number
// alone.
type History []Point

// Keeps reports whether the history keeps that epoch: of every 2, 4, 8, ... epochs one,
// the first and the second in turn, so that a loss which jumps up and down from epoch to
// epoch still shows both.
func Keeps(epoch int) bool {
	if epoch < 512 {
		return true
	}
	shift := bits.Len(uint(epoch)) - 9
	group := epoch >> shift
	return epoch-group<<shift == group&1
}

// nextKept returns the first epoch from that one on which the history keeps.
func nextKept(epoch int) int {
	for ; !Keeps(epoch); epoch++ {
		shift := bits.Len(uint(epoch)) - 9
		group := epoch >> shift
		if kept := group<<shift + group&1; epoch <= kept {
			return kept
		}
		epoch = (group+1)<<shift - 1 // with which the next group begins
	}
	return epoch
}

// Best returns the point with the lowest validation score; ok is false when there is none.
func (h History) Best() (best Point, ok bool) {
	for _, p := range h {
		if p.Validation == p.Validation && (!ok || p.Validation < best.Validation) {
			best, ok = p, true
		}
	}
	return best, ok
}
