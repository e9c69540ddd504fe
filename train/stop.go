package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// State is what a stop criterion sees after an epoch.
type State interface {
	Epoch() int             // number of epochs done
	Elapsed() time.Duration // time spent in the loop
	EpochLoss() float64     // the mean of the epoch's batch losses, each before its update
	FullLoss() float64      // the loss over all training rows now; costs a pass over them
	Within(r float64) bool  // whether every output is within 1e-8 + r·|output| of its target; costs a pass over the rows
	SinceBest() int         // epochs since the best validation score so far; 0 without validation rows
}

// Stop is a criterion that ends a run. The criteria are small values that combine: Any and All
// are criteria too, and so is any other type that implements the interface. If a type has a
// method Validate() error, as these do, New calls it to check the criterion.
type Stop interface {
	Met(State) bool
	// Reason names the criterion in the result: "tolerance".
	Reason() string
}

// The reasons why a run can end, besides those of Stop criteria.
const (
	ReasonEpochs      = "epochs"
	ReasonInterrupted = "interrupted"
	ReasonDiverged    = "diverged"
)

// ErrInterrupted is wrapped by the error of a run that its context ended. The same error wraps the
// context's own error and its cause. The work so far is kept: in Result, in the network, and in
// the Trainer, whose loop can be entered again.
var ErrInterrupted = errors.New("training was interrupted")

// interrupted returns the last values that the loop yields when ctx has ended.
func (t *Trainer[T]) interrupted(ctx context.Context) (Step, error) {
	none := math.NaN()
	s := Step{N: t.result.Steps, Epoch: t.epoch, Loss: none, EpochLoss: none, Validation: none, Score: none}
	err := ctx.Err()
	if err == nil {
		return s, fmt.Errorf("%w after update %d: another rank was asked to end", ErrInterrupted, s.N)
	}
	if cause := context.Cause(ctx); cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return s, fmt.Errorf("%w after update %d: %w", ErrInterrupted, s.N, err)
}

// Tolerance is met when every output is within 1e-8 + R·|output| of its target, as in
// numpy.isclose(target, output, R). The outputs are those after an epoch's last update.
type Tolerance struct{ R float64 }

func (t Tolerance) Met(s State) bool { return s.Within(t.R) }
func (t Tolerance) Validate() error {
	if !(t.R > 0) || math.IsInf(t.R, 0) {
		return fmt.Errorf("the tolerance is %v; it must be a finite number greater than 0", t.R)
	}
	return nil
}
func (Tolerance) Reason() string { return "tolerance" }

// within is numpy.isclose(target, output, rtol) with its default atol.
func within(target, output, rtol float64) bool {
	return math.Abs(target-output) <= 1e-8+float64(rtol*math.Abs(output))
}

// TargetLoss is met when the loss over all training rows is at most L.
type TargetLoss struct{ L float64 }

func (t TargetLoss) Met(s State) bool { return s.FullLoss() <= t.L }
func (t TargetLoss) Validate() error {
	if math.IsNaN(t.L) || math.IsInf(t.L, 0) {
		return fmt.Errorf("the loss to reach is %v; it must be a finite number", t.L)
	}
	return nil
}
func (TargetLoss) Reason() string { return "target-loss" }

// Patience is met when the validation score has not improved for N epochs.
type Patience struct{ N int }

func (p Patience) Met(s State) bool { return s.SinceBest() >= p.N }
func (p Patience) Validate() error {
	if p.N < 1 {
		return fmt.Errorf("the patience is %d epochs; it must be at least 1", p.N)
	}
	return nil
}
func (Patience) Reason() string { return "patience" }

// MaxTime is met after the first epoch that ends later than D. It depends on the clock, so two
// runs with it may differ.
type MaxTime struct{ D time.Duration }

func (m MaxTime) Met(s State) bool { return s.Elapsed() >= m.D }
func (m MaxTime) Validate() error {
	if m.D <= 0 {
		return fmt.Errorf("the time limit is %v; it must be greater than 0", m.D)
	}
	return nil
}
func (MaxTime) Reason() string { return "max-time" }

// Any is met when one of its criteria is. That criterion gives the reason.
type Any []Stop

// Met reports whether any criterion is met.
func (a Any) Met(s State) bool { return a.first(s) != nil }

// Validate reports the first criterion that makes no sense.
func (a Any) Validate() error { return validateAll(a) }

// Reason names all criteria. Result.Reason has the one that fired.
func (a Any) Reason() string { return join(a, " or ") }

func (a Any) first(s State) Stop {
	for _, c := range a {
		if f := fired(c, s); f != nil {
			return f
		}
	}
	return nil
}

// All is met when all of its criteria are.
type All []Stop

// Met reports whether every criterion is met. An empty All never is.
func (a All) Met(s State) bool {
	for _, c := range a {
		if !c.Met(s) {
			return false
		}
	}
	return len(a) > 0
}

// Validate reports the first criterion that makes no sense.
func (a All) Validate() error { return validateAll(a) }

func validateAll(stops []Stop) error {
	for i, s := range stops {
		if s == nil {
			return fmt.Errorf("the stop criterion %d is nil; leave it out", i)
		}
		if err := validate(s); err != nil {
			return err
		}
	}
	return nil
}

// Reason names all criteria.
func (a All) Reason() string { return join(a, " and ") }

func join(stops []Stop, with string) string {
	names := make([]string, len(stops))
	for i, s := range stops {
		names[i] = s.Reason()
	}
	return strings.Join(names, with)
}

// fired returns the criterion within c that is met, or nil.
func fired(c Stop, s State) Stop {
	if any, ok := c.(Any); ok {
		return any.first(s)
	}
	if c != nil && c.Met(s) {
		return c
	}
	return nil
}

// DivergedError is the error of a run in which a value stopped being finite. The trainer's
// network then has the last weights known to be finite.
type DivergedError struct {
	Epoch        int      `json:"epoch"` // where the value was seen, from 1
	Step         int      `json:"step"`
	Layer        int      `json:"layer"`              // the first layer with such a value, from 0; -1: only in the loss
	Loss         float64  `json:"loss"`               // the batch's loss there
	LearningRate float64  `json:"rate"`               // the learning rate there
	Halved       int      `json:"halved"`             // how often the run had gone back with half the rate before
	Remedies     []Remedy `json:"remedies,omitempty"` // what the run's Observer advised
}

// MarshalJSON writes null for a number that is not finite.
func (d DivergedError) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(d) }

// UnmarshalJSON reads null as NaN.
func (d *DivergedError) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, d) }

func (e *DivergedError) Error() string { return e.Text(Remedy.String) }

// Text returns the error's sentence. remedy formats the remedy.
func (e *DivergedError) Text(remedy func(Remedy) string) string {
	halved := ""
	if e.Halved > 0 {
		halved = fmt.Sprintf(", after the rate was halved %d times", e.Halved)
	}
	try := "a smaller learning rate"
	if len(e.Remedies) > 0 {
		first := e.Remedies[0]
		if try = remedy(first); first.Option == "LearningRate" {
			try = "a smaller learning rate, " + try
		}
	}
	return fmt.Sprintf("training diverged: %s in epoch %d (update %d, learning rate %v)%s; try %s", e.Where(), e.Epoch, e.Step, e.LearningRate, halved, try)
}

// Where says which values were not finite: "the loss is NaN".
func (e *DivergedError) Where() string {
	if e.Layer < 0 {
		return fmt.Sprintf("the loss is %v", e.Loss)
	}
	return fmt.Sprintf("the loss is %v (layer %d is the first with a value that is not finite)", e.Loss, e.Layer)
}

// notFinite returns the first layer with a value that is not finite on the tape, or -1 if there
// is none.
func (t *Trainer[T]) notFinite() int {
	if t.latest.Shards() == 0 {
		return -1
	}
	from, to := t.latest.Shard(t.latest.Shards() - 1)
	for l := range t.net.Depth() {
		for i := from; i < to; i++ {
			for j, z := range t.latest.Z(l).Row(i) {
				if a := t.latest.A(l).At(i, j); !float.Finite(z) || !float.Finite(a) {
					return l
				}
			}
		}
	}
	return -1
}
