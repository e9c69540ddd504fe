package lab

import (
	"context"
	"errors"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// run is a model.Fit with its place on the timeline.
type run struct {
	fit      *model.Fit
	at       int        // number of updates made
	last     train.Step // the last update
	ended    string     // why there is no next update, or ""
	memories memories
}

// step makes the next update. mu is held.
func (s *Session) step() bool {
	if !s.run.step(s.ctx) {
		return false
	}
	s.seen, s.moved = 0, nil
	s.measure()
	if s.run.at > s.most {
		s.most = s.run.at
		if s.run.last.EpochEnd || s.run.at < 64 {
			if s.trail.wants(s.run.at) {
				s.trail.add(s.run.at, s.run.fit.Network().Params())
			}
		}
	}
	if err := s.run.memories.keep(&s.run); err != nil {
		s.say(err)
	}
	return true
}

// step makes one update. It returns false if there is none.
func (r *run) step(ctx context.Context) bool {
	if r.ended != "" {
		return false
	}
	made := false
	for step, err := range r.fit.Steps(ctx) {
		if errors.Is(err, train.ErrInterrupted) {
			return false
		}
		if err != nil {
			r.ended = err.Error()
			return false
		}
		r.last, r.at, made = step, step.N, true
		break
	}
	if !made {
		r.ended = r.fit.Result().Reason
	}
	return made
}

// Sample looks at the next row of the coming update, and makes the update after its last row.
func (s *Session) Sample() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
	s.say(nil)
	rows := s.run.fit.NextRows()
	if len(rows) == 0 {
		s.step() // finds out why there is no next update
	} else if s.seen < len(rows) {
		s.view.Row = rows[s.seen]
		if s.seen++; s.seen == len(rows) {
			before := s.run.fit.Network().Params()
			if s.step() {
				s.moved = before
			}
		}
	}
	s.touch()
}

// Batch makes the next update.
func (s *Session) Batch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
	s.say(nil)
	before := s.run.fit.Network().Params()
	if s.step() {
		s.moved = before
	}
	s.touch()
}

// Epoch makes updates up to the end of the epoch or to a breakpoint.
func (s *Session) Epoch(ctx context.Context) error {
	return s.move(ctx, func() bool { return s.step() && !s.hit() && !s.run.last.EpochEnd })
}

// Goto moves the run to any update, back or forward, exactly. It restores the last memory that is
// not after that update, and makes the updates from there. Breakpoints do not end it.
func (s *Session) Goto(ctx context.Context, n int) error {
	n = max(0, n)
	var failed error
	defer s.aim(0)
	err := s.move(ctx, func() bool {
		s.seen, s.moved, s.goal = 0, nil, n
		if n < s.run.at || s.run.memories.between(s.run.at, n) {
			failed = s.run.recall(n)
			return failed == nil && s.run.at < n
		}
		return s.run.at < n && s.step() && s.run.at < n
	})
	if failed != nil {
		return failed
	}
	return err
}

// aim records the update that the run is moving to. 0 is none.
func (s *Session) aim(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goal != n {
		s.goal = n
		s.touch()
	}
}

// Back undoes the last update, or the last look at a row.
func (s *Session) Back(ctx context.Context) error {
	s.mu.Lock()
	at, seen := s.run.at, s.seen
	s.mu.Unlock()
	if seen > 0 {
		at++ // rows of the next update were looked at, but the update was not made
	}
	return s.Goto(ctx, at-1)
}

// measure adds the current loss over all training rows to the course of the run. It does so at the
// start, after each epoch that train.Keeps accepts, and, if it is cheap, also after each update that train.Keeps
// accepts. The number at the top, the curve, the race and history.csv all show this loss. It is not the loss of an
// update's own rows before the update. mu is held.
func (s *Session) measure() {
	r := &s.run
	newer := func(h train.History) bool { return len(h) == 0 || r.at > h[len(h)-1].Steps }
	epoch := newer(s.history) && (r.at == 0 || r.last.EpochEnd && train.Keeps(r.last.Epoch))
	update := newer(s.course) && (epoch || train.Keeps(r.at) && passWork(s.start, s.training) < cheap)
	if !epoch && !update {
		return
	}
	p := train.Point{Validation: math.NaN(), LearningRate: r.fit.NextRate()}
	if r.at > 0 {
		p.Epoch, p.Steps, p.Validation, p.LearningRate = r.last.Epoch, r.at, r.last.Validation, r.last.LearningRate
	}
	if p.Loss = r.fit.Result().Loss; !float.Finite(p.Loss) {
		return
	}
	if epoch {
		s.history = append(s.history, p)
	}
	if update {
		s.course = append(s.course, p)
	}
}

// cheap is the maximum number of multiply-adds of a pass over all rows that is made after single updates. They
// take a millisecond or two.
const cheap = 5e6

// passWork returns the number of multiply-adds of a pass over all rows.
func passWork(n *nn.Network[float64], p model.Part) int { return 2 * len(n.Params()) * p.X.Rows }
