package lab

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Speed is how fast Run goes.
type Speed string

const (
	Slow   Speed = "slow"   // two updates a second, to watch each
	Steady Speed = "steady" // forty a second
	Full   Speed = "full"   // as fast as the machine can
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

// Run makes updates until Pause, a breakpoint or the end of the run.
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
	s.heard() // the visitor has just asked for it
	ctx, stop := context.WithCancel(s.ctx)
	s.begins(stop)
	s.touch()
	s.work.Go(func() {
		s.drive(ctx, func() bool { return s.step() && !s.hit() }, func() (bool, time.Duration) {
			if s.Idle() > abandoned {
				s.note = "Paused, because nobody was watching."
				return false, 0
			}
			return true, s.speed.pause()
		})
	})
}

// move calls next until it returns false, and waits for that. If something else moves or
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

// begins records that the run moves, and how to stop it. An earlier motion has already been paused.
// mu is held.
func (s *Session) begins(stop context.CancelFunc) {
	s.running, s.stop = true, stop
	s.motion++
	s.arm()
}

// Pause stops whatever moves the run. The current update is finished.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
}

func (s *Session) pause() {
	if s.running {
		s.stop()
		s.running = false
		s.touch()
	}
}

// slice is how long a run keeps the session locked. Frames are taken between slices.
const slice = 10 * time.Millisecond

// turns limits how many runs of all sessions compute at once. It leaves one core free for
// answers if the machine has more than one. Those who wait get their turns in order.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// abandoned is how long Run goes on without a viewer before it pauses. A hidden page asks every few seconds,
// but a browser lets a page that has been hidden for long ask only once a minute.
const abandoned = 90 * time.Second

// drive calls next until it returns false. It does so in slices, and between slices others can use the
// session. Before each slice it asks pace whether to go on, and how long to rest after the slice. If there
// is a rest, the slice is one call. Both are called with mu held. drive returns false if ctx ended first.
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
		case <-time.After(max(rest, 50*time.Microsecond)): // lets a waiting frame proceed
		}
	}
}

// audience records who watches a session. It has its own lock, so that the search for sessions that
// nobody watches does not wait for a busy session.
type audience struct {
	mu      sync.Mutex
	viewers int
	last    time.Time // when a viewer left, or a page asked for something
}

// Watch counts a viewer. It returns the function to call when the viewer leaves.
func (s *Session) Watch() (leave func()) {
	a := &s.audience
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.viewers--
		a.last = time.Now()
	}
}

// heard records that a page has asked for something.
func (s *Session) heard() {
	s.audience.mu.Lock()
	defer s.audience.mu.Unlock()
	s.audience.last = time.Now()
}

// silent returns for how long no page has asked for anything.
func (s *Session) silent() time.Duration {
	s.audience.mu.Lock()
	defer s.audience.mu.Unlock()
	return time.Since(s.audience.last)
}

// Idle returns for how long nobody has been watching.
func (s *Session) Idle() time.Duration {
	a := &s.audience
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers > 0 {
		return 0
	}
	return time.Since(a.last)
}

func (s *Session) setSpeed(speed Speed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speed = speed
	s.touch()
}
