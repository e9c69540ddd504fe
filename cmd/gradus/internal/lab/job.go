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

// jobTurns are how many jobs compute at once, of all sessions, as turns are for runs: the seconds
// of a race are then its own.
var jobTurns = make(chan struct{}, cap(turns))

// begin starts work on a look at the present, in place of a job of that name.
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
	s.say(nil)
	s.touch()
	s.work.Go(func() {
		defer cancel()
		select {
		case <-ctx.Done():
			return
		case jobTurns <- struct{}{}:
		}
		result, err := work(ctx, f)
		<-jobTurns
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.jobs[name] == j { // nobody has canceled it
			j.busy, j.result, j.err = false, result, err
			s.touch()
		}
	})
}

// cancel ends a job that is at work; it leaves no result.
func (s *Session) cancel(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[name]; j != nil && j.busy {
		j.cancel()
		delete(s.jobs, name)
		s.touch()
	}
}
