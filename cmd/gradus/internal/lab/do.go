package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// tell shows a complaint on the page.
func (s *Session) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(err)
	s.touch()
}

// do does what a button or a field asks for, and answers with the page's parts.
func (s *Server) do(w http.ResponseWriter, r *http.Request, e *entry) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	get := r.PostForm.Get
	number := func(name string) int {
		n, err := strconv.Atoi(get(name))
		if err != nil {
			return -1
		}
		return n
	}
	var err error
	switch get("do") {
	case "look": // the answer is all there is to do
	case "narrow":
		e.Look(func(v *View) { v.Narrow = get("on") == "true" })
	case "sample":
		e.Sample()
	case "batch":
		e.Batch()
	case "epoch":
		err = e.Epoch(r.Context())
	case "back":
		err = e.Back(r.Context())
	case "goto":
		n := number("n")
		if get("ahead") == "" { // the timeline's
			n = min(n, e.Frame().Most)
		}
		err = e.Goto(r.Context(), n)
	case "run":
		e.Run(Speed(or(get("speed"), string(Steady))))
	case "pause":
		e.Pause()
	case "speed":
		e.setSpeed(Speed(get("speed")))
	case "example":
		err = e.LoadExample(get("example"))
	case "build":
		values := map[string]string{}
		for name := range r.PostForm {
			if name != "do" {
				values[name] = get(name)
			}
		}
		err = e.Change(values)
	case "watch":
		err = e.Welcome(true)
	case "tab":
		e.Look(func(v *View) {
			if now := v.tab(); now != "share" {
				v.From = now
			}
			v.Tab = get("tab")
		})
	case "row":
		e.Look(func(v *View) { v.Row = number("row") })
	case "weight":
		var a lesson.Address
		if a, err = lesson.ParseAddress(get("weight")); err == nil {
			e.Look(func(v *View) { v.Weight, v.Tab = a, or(get("tab"), v.Tab) })
		}
	case "unit":
		var u Unit
		if u, err = parseUnit(get("unit")); err == nil {
			e.Look(func(v *View) { v.Unit, v.Tab = u, "unit" })
		}
	case "digits":
		e.Look(func(v *View) { v.Digits = get("on") == "true" })
	case "cancel":
		e.cancel(get("job"))
	case "report":
		e.begin("report", e.Session.report)
	case "verify":
		e.begin("verify", verify)
	case "race":
		kind := or(get("kind"), raceMethods)
		e.Look(func(v *View) { v.Race = kind })
		e.begin("race", race(kind))
	case "axis":
		e.Look(func(v *View) { v.Axis = get("axis") })
	case "surface":
		plane := or(get("plane"), "principal")
		raced, _ := e.Frame().Jobs["race"].result.(*Raced)
		e.Look(func(v *View) { v.Plane = plane })
		e.begin("surface", surface(plane, raced))
	case "second":
		var a lesson.Address
		if a, err = lesson.ParseAddress(get("second")); err == nil {
			e.Look(func(v *View) { v.Second = a })
		}
	case "columns":
		e.Look(func(v *View) { v.AxisX, v.AxisY = or(get("x"), v.AxisX), or(get("y"), v.AxisY) })
	case "breaks":
		err = e.change(get)
	case "fault":
		err = e.TryFault(get("fault"))
	case "guess":
		err = e.Guess(r.Context(), get("guess"))
	case "lesson":
		err = e.Visit(number("step"))
	case "answer":
		err = e.Answer(number("answer"))
	case "phase":
		if to := number("to"); to > 0 {
			e.Look(func(v *View) { v.Phase = to })
		} else {
			by, _ := strconv.Atoi(get("by"))
			e.Look(e.phase(by))
		}
	default:
		err = fmt.Errorf("there is nothing to do that is called %q", get("do"))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		e.tell(err)
	}
	reply(w, r, e.since(r))
}
