package lab

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/internal/float"
)

// Breakpoints end Run, and a step by an epoch, at the first update after which one of them newly
// holds. A breakpoint that holds already lets the run go on.
type Breakpoints struct {
	Loss   *float64 // the loss over all training rows is at most this
	Weight *float64 // the size of some parameter is at least this
	Dead   bool     // some hidden unit lets no gradient through on any of the examined training rows
}

// SetBreakpoints replaces the breakpoints.
func (s *Session) SetBreakpoints(b Breakpoints) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = b
	s.arm()
	s.touch()
}

// arm records which breakpoints hold at present. mu is held.
func (s *Session) arm() {
	s.holding = map[string]bool{}
	for _, b := range s.breakpoints() {
		_, s.holding[b.name] = b.holds()
	}
}

// hit reports whether a breakpoint has fired, and sets the note that says which one. mu is held.
func (s *Session) hit() bool {
	for _, b := range s.breakpoints() {
		what, holds := b.holds()
		if holds && !s.holding[b.name] && s.broke == "" {
			s.note, s.broke = "Breakpoint: "+what, b.name
		}
		s.holding[b.name] = holds
	}
	return s.broke != ""
}

// breakpoint is a breakpoint that is set. holds reports whether it holds, and describes the condition.
type breakpoint struct {
	name  string
	holds func() (what string, yes bool)
}

// breakpoints returns the breakpoints that are set, in the order in which they are checked.
func (s *Session) breakpoints() (out []breakpoint) {
	fit, b := s.run.fit, s.breaks
	if b.Loss != nil {
		out = append(out, breakpoint{"loss", func() (string, bool) {
			loss := fit.Result().Loss
			return fmt.Sprintf("the loss is %s, at most %s.", exact(loss), exact(*b.Loss)), loss <= *b.Loss
		}})
	}
	if b.Weight != nil {
		out = append(out, breakpoint{"weight", func() (string, bool) {
			net := fit.Network()
			for i, w := range net.Params() {
				if math.Abs(w) >= *b.Weight {
					return fmt.Sprintf("the weight %s is %s, its size at least %s.", address(net, i), exact(w), exact(*b.Weight)), true
				}
			}
			return "", false
		}})
	}
	if b.Dead {
		out = append(out, breakpoint{"dead", func() (string, bool) {
			c := fit.Config()
			for _, u := range examine(fit.Network(), c.Loss, c.Reduction, s.training).Units {
				if u.Dead {
					return fmt.Sprintf("unit %d of layer %d is dead: it lets no gradient through on any row.", u.Unit, u.Layer), true
				}
			}
			return "", false
		}})
	}
	return out
}

// change sets the breakpoint whose field was changed.
func (s *Session) change(get func(string) string) error {
	b := s.Frame().Breaks
	number := func(name string, to **float64) error {
		text, ok := strings.TrimSpace(get(name)), false
		if text == "" {
			*to = nil
			return nil
		}
		x, err := strconv.ParseFloat(text, 64)
		if ok = err == nil && float.Finite(x); !ok {
			return fmt.Errorf("%w: the breakpoint %q is not a number; give a number, or leave the field empty", ErrSetup, text)
		}
		*to = &x
		return nil
	}
	var err error
	switch get("field") {
	case "loss":
		err = number("value", &b.Loss)
	case "weight":
		if err = number("value", &b.Weight); err == nil && b.Weight != nil && *b.Weight <= 0 {
			err = fmt.Errorf("%w: the breakpoint %s cannot be the size of a weight; give a number greater than 0", ErrSetup, exact(*b.Weight))
		}
	case "dead":
		b.Dead = get("on") == "true"
	case "all":
		b = Breakpoints{}
	default:
		err = fmt.Errorf("%w: there is no breakpoint %q", ErrSetup, get("field"))
	}
	if err != nil {
		return err
	}
	s.SetBreakpoints(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broke != "" && (get("field") == s.broke || get("field") == "all") { // its note no longer applies
		s.say(nil)
		s.touch()
	}
	return nil
}
