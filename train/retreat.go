package train

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// Retreat is a return to an earlier epoch with half the learning rate, after a value stopped
// being finite.
type Retreat struct {
	Epoch        int     `json:"epoch"` // where a value was not finite, from 1
	Step         int     `json:"step"`
	To           int     `json:"to"`   // the epoch to whose beginning it went back, from 1
	LearningRate float64 `json:"rate"` // the base learning rate from there on
}

// MarshalJSON writes null for a number that is not finite.
func (r Retreat) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(r) }

// UnmarshalJSON reads null as NaN.
func (r *Retreat) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, r) }

// retreats is what a run with Config.Halvings needs to go back. A loss that grows without bound
// does so over several epochs, so the epoch before is not a safe place. The run goes back to
// the beginning of the epoch with the lowest loss so far.
type retreats struct {
	goodLoss float64 // the lowest epoch loss
	good     []byte  // the state at the beginning of that epoch, as in a checkpoint
	begun    []byte  // the state at the beginning of the current epoch
	fresh    bool    // begun is of this epoch, and has not become good
}

// baseRate returns the rate that the schedule starts from.
func (t *Trainer[T]) baseRate() float64 {
	return math.Ldexp(t.cfg.LearningRate, -len(t.result.Retreats))
}

// earlier returns the part of the state that goes back.
func (t *Trainer[T]) earlier() []entry {
	return slices.DeleteFunc(t.state(), func(e entry) bool { return e.scope&stays != 0 })
}

// beginEpoch remembers the state, if the run may have to go back to it.
func (t *Trainer[T]) beginEpoch() {
	if t.cfg.Halvings == 0 {
		return
	}
	b := bytes.NewBuffer(t.back.begun[:0])
	if err := writeEntries(b, nil, t.earlier()); err != nil {
		panic("train: " + err.Error()) // a Buffer takes everything
	}
	t.back.begun, t.back.fresh = b.Bytes(), true
}

// judgeEpoch makes the beginning of the epoch that has just ended the place to go back to, if
// its loss was the lowest.
func (t *Trainer[T]) judgeEpoch() {
	if b := &t.back; b.fresh && t.epochLoss < b.goodLoss {
		b.goodLoss, b.good, b.begun, b.fresh = t.epochLoss, b.begun, b.good, false
	}
}

// retreat goes back after a divergence, if the run may. Otherwise it only records in the error
// how often the run has gone back.
func (t *Trainer[T]) retreat(failed *DivergedError) bool {
	done := len(t.result.Retreats)
	failed.Halved = done
	from := t.back.good
	if len(from) == 0 {
		from = t.back.begun
	}
	if done >= t.cfg.Halvings || len(from) == 0 {
		return false
	}
	state := t.earlier()
	c, err := ReadCheckpoint(bytes.NewReader(from))
	if err == nil {
		err = c.plausible(t, state)
	}
	if err != nil { // only if someone forged a checkpoint
		return false
	}
	for _, e := range state {
		if err := c.read(e); err != nil {
			panic("train: " + err.Error()) // plausible has ruled this out
		}
	}
	copy(t.good, t.net.Values())
	t.back.fresh = false
	t.lossAt = -1
	h := t.result.History
	for len(h) > 0 && h[len(h)-1].Epoch > t.epoch {
		h = h[:len(h)-1]
	}
	t.result.History = h
	t.result.Retreats = append(t.result.Retreats, Retreat{Epoch: failed.Epoch, Step: failed.Step, To: t.epoch + 1})
	t.result.Retreats[done].LearningRate = t.baseRate()
	return true
}

// String describes the retreat in one sentence.
func (r Retreat) String() string {
	return fmt.Sprintf("Diverged in epoch %d (update %d): went back to the beginning of epoch %d with half the learning rate, %.6g.", r.Epoch, r.Step, r.To, r.LearningRate)
}
