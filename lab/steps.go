package lab

import (
	"context"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

// run is a model.Fit with its place on the timeline.
type run struct {
	fit      *model.Fit
	at       int        // updates made
	last     train.Step // the last of them
	ended    string     // why there is no next update, or ""
	memories memories
}

// step makes the next update. mu is held.
func (s *Session) step() bool {
	if !s.run.step(s.ctx) {
		return false
	}
	s.seen, s.moved = 0, nil
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

// step makes one update; false says that there is none.
func (r *run) step(ctx context.Context) bool {
	if r.ended != "" {
		return false
	}
	made := false
	for step, err := range r.fit.Steps(ctx) {
		if err != nil {
			r.ended = err.Error()
			return false
		}
		r.last, r.at, made = step, step.N, true
		break
	}
	if !made {
		if r.ended = r.fit.Result().Reason; r.ended == train.ReasonInterrupted {
			r.ended = ""
		}
	}
	return made
}

// Sample looks at the next row of the coming update, and makes the update after its last row.
func (s *Session) Sample() {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	rows := s.run.fit.NextRows()
	if len(rows) == 0 {
		s.step() // finds out why there is none
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
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	before := s.run.fit.Network().Params()
	if s.step() {
		s.moved = before
	}
	s.touch()
}

// Epoch makes updates up to the end of the epoch.
func (s *Session) Epoch(ctx context.Context) {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	for s.ctx.Err() == nil && ctx.Err() == nil && s.step() && !s.run.last.EpochEnd {
	}
	s.remember()
	s.touch()
}

// Goto moves the run to any update: forwards by making it, backwards exactly.
func (s *Session) Goto(ctx context.Context, n int) error {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	err := s.goTo(ctx, max(0, n))
	s.touch()
	return err
}

func (s *Session) goTo(ctx context.Context, n int) error {
	s.remember()
	s.seen, s.moved = 0, nil
	if n < s.run.at {
		if err := s.run.rewind(n); err != nil {
			return err
		}
	}
	for s.run.at < n && ctx.Err() == nil && s.ctx.Err() == nil && s.step() {
	}
	s.remember()
	return ctx.Err()
}

// Back undoes the last update, or the looking at a row.
func (s *Session) Back(ctx context.Context) error {
	s.mu.Lock()
	at, seen := s.run.at, s.seen
	s.mu.Unlock()
	if seen > 0 {
		at++ // looked at, not yet made
	}
	return s.Goto(ctx, at-1)
}

// remember keeps the longest history. mu is held.
func (s *Session) remember() {
	if h := s.run.fit.Result().History; len(h) > len(s.history) {
		s.history = h
	}
}
