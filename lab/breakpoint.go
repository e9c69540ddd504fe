package lab

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/lesson"
)

// Breakpoints end Run at the first update after which one of them holds.
type Breakpoints struct {
	Loss   *float64 // the loss over all training rows is at most this
	Weight *float64 // the size of some parameter is at least this
	Dead   bool     // some hidden unit lets no gradient through on any training row looked at
}

// SetBreakpoints replaces the breakpoints.
func (s *Session) SetBreakpoints(b Breakpoints) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = b
	s.touch()
}

// hit reports whether a breakpoint holds, and says which. mu is held.
func (s *Session) hit() bool {
	b := s.breaks
	if b.Loss != nil {
		if loss := s.run.fit.Result().Loss; loss <= *b.Loss {
			s.note = fmt.Sprintf("Breakpoint: the loss is %s, at most %s.", exact(loss), exact(*b.Loss))
			return true
		}
	}
	if b.Weight == nil && !b.Dead {
		return false
	}
	net := s.run.fit.Network()
	if b.Weight != nil {
		for i, w := range net.Params() {
			if math.Abs(w) >= *b.Weight {
				l, in, unit := net.Locate(i)
				s.note = fmt.Sprintf("Breakpoint: the weight %s is %s.", lesson.Address{Layer: l, In: in, Unit: unit}, exact(w))
				return true
			}
		}
	}
	if b.Dead {
		for _, u := range examine(net, s.run.fit.Config().Loss, s.run.fit.Config().Reduction, s.training).Units {
			if u.Dead {
				s.note = fmt.Sprintf("Breakpoint: unit %d of layer %d lets no gradient through on any row.", u.Unit, u.Layer)
				return true
			}
		}
	}
	return false
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
		if ok = err == nil && x-x == 0; !ok {
			return fmt.Errorf("%w: the breakpoint %q is no number", ErrSetup, text)
		}
		*to = &x
		return nil
	}
	var err error
	switch get("field") {
	case "loss":
		err = number("value", &b.Loss)
	case "weight":
		err = number("value", &b.Weight)
	case "dead":
		b.Dead = get("on") == "true"
	}
	if err == nil {
		s.SetBreakpoints(b)
	}
	return err
}
