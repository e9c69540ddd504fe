package lab

import (
	"context"
	"runtime"
	"time"
)

// Speed is how fast Run goes.
type Speed string

const (
	Slow   Speed = "slow"   // two updates a second, to watch each
	Steady Speed = "steady" // forty a second
	Full   Speed = "full"   // as fast as the machine
)

func (s Speed) pause() time.Duration {
	switch s {
	case Slow:
		return 500 * time.Millisecond
	case Steady:
		return 25 * time.Millisecond
	}
	return 0
}

// Run makes updates until Pause, a breakpoint or the end.
func (s *Session) Run(speed Speed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.pause()
	s.say(nil)
	s.speed = speed
	if s.run.ended != "" {
		s.touch()
		return
	}
	if s.viewers == 0 { // somebody has just asked for it
		s.frozen = time.Now()
	}
	ctx, stop := context.WithCancel(s.ctx)
	s.begins(stop)
	s.touch()
	s.work.Go(func() {
		s.drive(ctx, func() bool { return s.step() && !s.hit() }, func() (bool, time.Duration) {
			if s.viewers == 0 && time.Since(s.frozen) > abandoned {
				s.note = "Paused, since nobody was watching."
				return false, 0
			}
			return true, s.speed.pause()
		})
	})
}

// move makes updates until next returns false, and waits for it. When something else moves or
// pauses the run meanwhile, or ctx ends, it returns context.Canceled.
func (s *Session) move(ctx context.Context, next func() bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(s.ctx, stop)()
	s.mu.Lock()
	s.pause()
	s.say(nil)
	s.begins(stop)
	s.mu.Unlock()
	if s.drive(ctx, next, func() (bool, time.Duration) { return true, 0 }) {
		return nil
	}
	return ctx.Err()
}

// begins notes that the run moves, and how that is ended. What moved it before has been paused.
// mu is held.
func (s *Session) begins(stop context.CancelFunc) {
	s.running, s.stop = true, stop
	s.motion++
	s.arm()
}

// Pause ends whatever moves the run. The update under way is finished.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
}

func (s *Session) pause() {
	if s.running {
		s.stop()
		s.running = false
		s.remember()
		s.touch()
	}
}

// slice is how long a run keeps the session for itself; a frame is taken between two.
const slice = 10 * time.Millisecond

// turns are how many runs compute at once, of all sessions: the machine has a core left to
// answer with, if it has more than one. Whoever waits gets the next in turn.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// abandoned is after how long without a viewer Run pauses. A hidden page asks every few seconds,
// but a browser lets one that has been hidden for long do so once a minute.
const abandoned = 90 * time.Second

// drive calls next until it returns false, in slices between which others get at the session.
// Before each it asks pace whether to go on, and how long to rest behind it: where there is a rest,
// a slice is one call. Both are called with mu held. It returns false when ctx ended before.
func (s *Session) drive(ctx context.Context, next func() bool, pace func() (more bool, rest time.Duration)) bool {
	s.mu.Lock()
	motion := s.motion
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.motion == motion { // nothing else has moved it since
			s.pause()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return false
		case turns <- struct{}{}:
		}
		s.mu.Lock()
		begun, more := time.Now(), true
		goOn, rest := pace()
		for goOn && more && ctx.Err() == nil && time.Since(begun) < slice {
			if more = next(); rest > 0 {
				break
			}
		}
		if ctx.Err() == nil {
			s.remember()
			s.touch()
		}
		s.mu.Unlock()
		<-turns
		if !goOn || !more {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(max(rest, 50*time.Microsecond)): // lets a waiting frame in
		}
	}
}

// Watch counts a viewer: it returns what to call when the viewer leaves.
func (s *Session) Watch() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.viewers--
		s.frozen = time.Now()
	}
}

// heard notes that a page has asked for something.
func (s *Session) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = time.Now()
}

// Idle returns for how long nobody has been watching.
func (s *Session) Idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewers > 0 {
		return 0
	}
	return time.Since(s.frozen)
}

func (s *Session) setSpeed(speed Speed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speed = speed
	s.touch()
}
