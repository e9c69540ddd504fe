package lab

import (
	"context"
)

// job is background work. Its result is shown when it is ready.
type job struct {
	cancel context.CancelFunc
	busy   bool
	result any
	err    error
	at     int // the update whose weights it examined
}

// jobTurns limits how many jobs of all sessions compute at once, as turns does for runs. So other jobs
// do not distort the seconds of a race.
var jobTurns = make(chan struct{}, cap(turns))

// begin starts work on the present frame. It replaces a job of the same name.
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

// cancel ends a running job. The job leaves no result.
func (s *Session) cancel(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[name]; j != nil && j.busy {
		j.cancel()
		delete(s.jobs, name)
		s.touch()
	}
}
