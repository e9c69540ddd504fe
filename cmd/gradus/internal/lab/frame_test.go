package lab

import (
	"testing"
	"time"
)

// Frames ten times a second cost a run at full speed a few percent: what drawing them takes.
func TestFramesCostLittle(t *testing.T) {
	s := newSession(t, "spirals")
	Render(s.Frame()) // fonts are read once
	const n = 10
	begun := time.Now()
	for range n {
		Render(s.Frame())
	}
	each := time.Since(begun) / n
	t.Logf("a frame takes %v to draw", each)
	if each > 60*time.Millisecond {
		t.Errorf("a frame takes %v; ten a second would be most of a core", each)
	}
}
