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
	Seconds      float64 `json:"seconds"`              // time in the loop by its end, in seconds
}

// MarshalJSON writes null for a number that is not finite.
func (p Point) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Point) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// History is the course of a run. It keeps the first 511 epochs. After that, each time the
// number of epochs doubles, it keeps 256 nearly evenly spaced ones. Which ones depends only on
// the epoch's number.
type History []Point

// Keeps reports whether the history keeps that epoch. It keeps one of every 2, 4, 8, ...
// epochs, alternating between the first and the second, so that a loss that jumps up and down
// from epoch to epoch still shows both.
func Keeps(epoch int) bool {
	if epoch < 512 {
		return true
	}
	shift := bits.Len(uint(epoch)) - 9
	group := epoch >> shift
	return epoch-group<<shift == group&1
}

// nextKept returns the first epoch at or after the given one that the history keeps.
func nextKept(epoch int) int {
	for ; !Keeps(epoch); epoch++ {
		shift := bits.Len(uint(epoch)) - 9
		group := epoch >> shift
		if kept := group<<shift + group&1; epoch <= kept {
			return kept
		}
		epoch = (group+1)<<shift - 1 // the next group begins after this epoch
	}
	return epoch
}

// Best returns the point with the lowest validation score. ok is false if there is none.
func (h History) Best() (best Point, ok bool) {
	for _, p := range h {
		if p.Validation == p.Validation && (!ok || p.Validation < best.Validation) {
			best, ok = p, true
		}
	}
	return best, ok
}
