package lab

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestBreakpoints(t *testing.T) {
	wait := func(s *Session) *Frame {
		t.Helper()
		eventually(t, "a run pauses", func() bool { return !s.Frame().Running })
		return s.Frame()
	}
	s := newSession(t, "notebook")
	limit := 0.09
	s.SetBreakpoints(Breakpoints{Loss: &limit})
	s.Run(Full)
	f := wait(s)
	before := plain(t, f.Setup, s.table, f.At-1)
	if f.Loss > limit || !strings.Contains(f.Note, "loss") {
		t.Errorf("paused at the loss %v with the note %q, want at most 0.09 and a note about the loss", f.Loss, f.Note)
	}
	s2 := newSession(t, "notebook")
	if err := s2.Goto(ctx, f.At-1); err != nil || !bits(params(s2), before) {
		t.Fatal(err)
	}
	if loss := s2.Frame().Loss; loss <= limit {
		t.Errorf("the update before had the loss %v, so the run should have paused there", loss)
	}
	weight := 3.0
	s.SetBreakpoints(Breakpoints{Weight: &weight})
	s.Run(Full)
	if f := wait(s); !slices.ContainsFunc(f.Net.Params(), func(w float64) bool { return math.Abs(w) >= 3 }) {
		t.Errorf("paused with the weights %v and the note %q, want a weight of size 3 or more", f.Net.Params(), f.Note)
	}
	s = newSession(t, "notebook-one-2000")
	s.SetBreakpoints(Breakpoints{Dead: true})
	s.Run(Full)
	if f := wait(s); !strings.Contains(f.Note, "no gradient") && f.Ended == "" {
		t.Errorf("paused with the note %q and the end %q, want a note about a unit with no gradient, or an ended run", f.Note, f.Ended)
	}
}

// Each breakpoint stops Run and a step by an epoch, and the page says which one it was. The next Run continues
// although the condition still holds. A cleared breakpoint is gone.
func TestEachBreakpointStopsRunAndEpoch(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		name    string
		example string
		change  map[string]string
		set     Breakpoints
		says    string
	}{
		{"loss", "circles", nil, Breakpoints{Loss: number(0.6)}, "Breakpoint: the loss is "},
		{"weight", "circles", nil, Breakpoints{Weight: number(1.5)}, "Breakpoint: the weight "},
		{"dead", "circles", map[string]string{"activation": "relu", "lr": "20", "optimizer": "sgd"}, Breakpoints{Dead: true}, "is dead"},
		{"dead", "circles", map[string]string{"activation": "relu", "lr": "20", "optimizer": "sgd"}, Breakpoints{Dead: true, Loss: number(-1), Weight: number(1e9)}, "is dead"},
	} {
		holds := func(f *Frame) bool {
			switch c.name {
			case "loss":
				return f.Loss <= *c.set.Loss
			case "weight":
				return slices.ContainsFunc(f.Net.Params(), func(w float64) bool { return math.Abs(w) >= *c.set.Weight })
			}
			cfg := f.Fit.Config()
			return slices.ContainsFunc(examine(f.Net, cfg.Loss, cfg.Reduction, f.Training).Units, func(u UnitHealth) bool { return u.Dead })
		}
		for _, way := range []string{"run", "epoch"} {
			s := newSession(t, c.example)
			if err := s.Change(c.change); err != nil {
				t.Fatal(err)
			}
			s.SetBreakpoints(c.set)
			f := s.Frame()
			if holds(f) {
				t.Fatalf("%s: the condition holds from the start", c.name)
			}
			if way == "run" {
				s.Run(Full)
				eventually(t, c.name+" pauses", func() bool { return !s.Frame().Running })
			} else {
				for range 200 {
					if err := s.Epoch(ctx); err != nil {
						t.Fatal(err)
					}
					if s.Frame().Broke != "" {
						break
					}
				}
			}
			f = s.Frame()
			if f.Running || f.Broke != c.name || !strings.Contains(f.Note, c.says) || !holds(f) {
				t.Fatalf("%s by %s: at update %d got the breakpoint %q and the note %q", c.name, way, f.At, f.Broke, f.Note)
			}
			at := f.At
			s2 := newSession(t, c.example)
			if err := s2.Change(c.change); err != nil {
				t.Fatal(err)
			}
			for range at - 1 {
				s2.Batch()
				if holds(s2.Frame()) {
					t.Fatalf("%s by %s: the run stopped at update %d, but the condition already held at %d", c.name, way, at, s2.Frame().At)
				}
			}
			if err := s.Epoch(ctx); err != nil || s.Frame().At <= at {
				t.Errorf("%s by %s: the run does not continue past the breakpoint: %v", c.name, way, err)
			}
			if f := s.Frame(); f.Broke != "" { // only if the condition no longer held in between
				for s2.Frame().At < f.At-1 {
					s2.Batch()
				}
				if holds(s2.Frame()) {
					t.Errorf("%s by %s: the run stopped again at update %d, although the condition has held all along", c.name, way, f.At)
				}
			}
			if err := s.Goto(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if err := s.Goto(ctx, at+2); err != nil || s.Frame().At != at+2 || s.Frame().Broke != "" {
				t.Errorf("%s: the timeline stops at the breakpoint: %v", c.name, err)
			}
			if err := s.change(func(name string) string {
				return map[string]string{"field": c.name}[name]
			}); err != nil {
				t.Fatal(err)
			}
			if b := s.Frame().Breaks; b.Loss != nil && c.name == "loss" || b.Weight != nil && c.name == "weight" || b.Dead && c.name == "dead" {
				t.Errorf("%s: after it was cleared, the breakpoints are %+v", c.name, b)
			}
			if err := s.change(func(name string) string { return map[string]string{"field": "all"}[name] }); err != nil {
				t.Fatal(err)
			}
			if b := s.Frame().Breaks; b != (Breakpoints{}) {
				t.Errorf("%s: after all were cleared, the breakpoints are %+v, want none", c.name, b)
			}
		}
	}
}
