package lab

import (
	"testing"
	"time"
)

// Frames, and a viewer who never reads them, do not change or delay a run.
func TestRunWhileLooking(t *testing.T) {
	s := newSession(t, "circles")
	leave := s.Watch()
	defer leave()
	s.Run(Full)
	eventually(t, "the run ends", func() bool {
		Render(s.Frame())
		return s.Frame().Ended != ""
	})
	f := s.Frame()
	if f.Running || f.At != 1600 {
		t.Errorf("running %v at update %d of 1600", f.Running, f.At)
	}
	if !bits(f.Net.Params(), plain(t, f.Setup, s.table, 1600)) {
		t.Error("the weights differ from those of a plain run")
	}
}

// A session with two viewers is watched as long as one of them is there.
func TestTwoViewers(t *testing.T) {
	s := newSession(t, "notebook")
	first, second := s.Watch(), s.Watch()
	first()
	if idle := s.Idle(); idle != 0 {
		t.Errorf("with one viewer left the session has been idle for %v, want 0", idle)
	}
	second()
	time.Sleep(time.Millisecond)
	if s.Idle() == 0 {
		t.Error("the session is not idle without a viewer")
	}
}

// Between its last update and the end of its goroutine, a run counts as ended.
func TestEndedIsNotRunning(t *testing.T) {
	s := newSession(t, "notebook")
	s.mu.Lock()
	s.running, s.run.ended = true, "epochs"
	s.mu.Unlock()
	if f := s.Frame(); f.Running {
		t.Error("a run that has ended is shown as running")
	}
	s.mu.Lock()
	s.running = false
	s.mu.Unlock()
}
