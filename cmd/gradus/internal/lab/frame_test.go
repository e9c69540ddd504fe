package lab

import "testing"

// BenchmarkFrame is what drawing all panels of a page costs.
func BenchmarkFrame(b *testing.B) {
	s := newSession(b, "spirals")
	for b.Loop() {
		Render(s.Frame())
	}
}
