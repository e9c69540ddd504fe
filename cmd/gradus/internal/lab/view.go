package lab

import (
	"fmt"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// View is what the visitor looks at.
type View struct {
	Tab    string // the panel at the side
	From   string // the panel before Share; a link to the place leads to it
	Phase  int    // how much of the pass over the sample is shown: see Frame.phases; 0: all
	Row    int    // the sample, counted among the training rows
	Weight lesson.Address
	Unit   Unit   // the unit whose numbers are listed
	Digits bool   // all digits of every number, instead of six
	Axis   string // of the race: epochs, updates, gradients or seconds
	Race   string // methods, optimizers or rates
	Plane  string // of the surface: weights, random or principal
	Second lesson.Address
	AxisX  string // columns of the fit's plane
	AxisY  string
	Guess  string // what the visitor predicts for the fault
	Fault  string
	Lesson int  // step of the guided lesson; 0: not in it
	Narrow bool // the page is only as wide as a phone

	Guesses guesses // at the lesson's questions
}

// Look changes the view.
func (s *Session) Look(change func(*View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view
	change(&v)
	if v.Row != s.view.Row || v.Weight != s.view.Weight || v.Unit != s.view.Unit || v.Second != s.view.Second {
		if s.failed { // the error, about such a choice or something else, has been read
			s.say(nil)
		}
	}
	if rows := s.training.X.Rows; v.Row < 0 || v.Row >= rows {
		s.say(fmt.Errorf("there is no such training row; they are counted from 0 to %d", rows-1))
		v.Row = s.view.Row
	}
	if !exists(s.start, v.Weight) {
		s.say(fmt.Errorf("the network has no weight %s; give LAYER.INPUT.UNIT such as 0.2.1, or LAYER.b.UNIT for a bias, counted from 0", v.Weight))
		v.Weight = s.view.Weight
	}
	if v.Weight != s.view.Weight {
		v.Unit = Unit{v.Weight.Layer + 1, v.Weight.Unit}
	} else if !v.Unit.of(s.start) {
		s.say(fmt.Errorf("the network has no unit %s; give LAYER.UNIT such as 0.3, or x.INPUT, counted from 0", v.Unit))
		v.Unit = s.view.Unit
	}
	if !exists(s.start, v.Second) {
		s.say(fmt.Errorf("the network has no weight %s for the plane; give LAYER.INPUT.UNIT such as 0.2.1, or LAYER.b.UNIT for a bias, counted from 0", v.Second))
		v.Second = s.view.Second
	}
	s.view = v
	s.touch()
}

// phase goes to the part of the pass before or after the one shown.
func (s *Session) phase(by int) func(*View) {
	f := s.Frame()
	return func(v *View) {
		now := v.Phase
		if now <= 0 || now > f.phases() {
			now = f.phases()
		}
		if now += by; now > f.phases() {
			now = 1
		}
		if now < 1 {
			now = f.phases()
		}
		v.Phase = now
	}
}
