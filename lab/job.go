package lab

import (
	"context"
)

// job is work in the background whose result is shown when it is there.
type job struct {
	cancel context.CancelFunc
	busy   bool
	result any
	err    error
	at     int // the update whose weights it looked at
}

// start runs work on a look at the present, in place of a job of that name.
func (s *Session) begin(name string, work func(context.Context, *Frame) (any, error)) {
	f := s.Frame()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	if old := s.jobs[name]; old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	j := &job{cancel: cancel, busy: true, at: f.At}
	s.jobs[name] = j
	s.touch()
	s.work.Go(func() {
		defer cancel()
		result, err := work(ctx, f)
		s.mu.Lock()
		defer s.mu.Unlock()
		j.busy, j.result, j.err = false, result, err
		if s.jobs[name] == j {
			s.touch()
		}
	})
}
