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
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.say(nil)
	s.speed = speed
	if s.run.ended != "" {
		s.touch()
		return
	}
	if !s.frozen.IsZero() { // somebody has just asked for it
		s.frozen = time.Now()
	}
	ctx, stop := context.WithCancel(s.ctx)
	s.running, s.stop = true, stop
	s.touch()
	s.work.Go(func() { s.loop(ctx) })
}

// Pause ends Run. The update under way is finished.
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

// slice is how long Run keeps the session for itself; a frame is taken between two.
const slice = 10 * time.Millisecond

// turns are how many runs compute at once, of all sessions: the machine has a core left to
// answer with, if it has more than one. Whoever waits gets the next in turn.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// abandoned is after how long without a viewer Run pauses.
const abandoned = 15 * time.Second

func (s *Session) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
		s.mu.Lock()
		if ctx.Err() != nil { // paused, or another Run
			s.mu.Unlock()
			<-turns
			return
		}
		begun := time.Now()
		more := true
		for more && time.Since(begun) < slice && ctx.Err() == nil {
			if more = s.step(); more && s.hit() {
				more = false
			}
			if s.speed != Full {
				break
			}
		}
		s.remember()
		if !s.frozen.IsZero() && time.Since(s.frozen) > abandoned {
			s.note, more = "Paused, since nobody was watching.", false
		}
		if !more {
			s.pause()
		}
		pause := s.speed.pause()
		s.touch()
		s.mu.Unlock()
		<-turns
		if !more {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(pause, 50*time.Microsecond)): // lets a waiting frame in
		}
	}
}

// Watch counts a viewer: it returns what to call when the viewer leaves.
func (s *Session) Watch() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = time.Time{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frozen = time.Now()
	}
}

// Idle returns for how long nobody has been watching.
func (s *Session) Idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen.IsZero() {
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
