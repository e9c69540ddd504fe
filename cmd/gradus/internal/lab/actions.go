package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// asked is a request from a button or a field of the page.
type asked struct {
	*entry
	ctx context.Context
	r   *http.Request
}

func (a asked) get(name string) string { return a.r.PostForm.Get(name) }

// number returns the whole number in a field, or -1 if there is none.
func (a asked) number(name string) int {
	n, err := strconv.Atoi(a.get(name))
	if err != nil {
		return -1
	}
	return n
}

// look changes the view.
func (a asked) look(change func(*View)) error {
	a.Look(change)
	return nil
}

// at changes the view by the weight's address in a field of that name.
func (a asked) at(name string, change func(*View, lesson.Address)) error {
	w, err := lesson.ParseAddress(a.get(name))
	if err != nil {
		return err
	}
	return a.look(func(v *View) { change(v, w) })
}

// actions are all requests that a page can make, by the names that the page uses.
var actions = map[string]func(asked) error{
	"look": func(asked) error { return nil }, // the request only wants the answer

	// The run moves.
	"sample": func(a asked) error { a.Sample(); return nil },
	"batch":  func(a asked) error { a.Batch(); return nil },
	"epoch":  func(a asked) error { return a.Epoch(a.ctx) },
	"back":   func(a asked) error { return a.Back(a.ctx) },
	"goto": func(a asked) error {
		n := a.number("n")
		if a.get("ahead") == "" { // from the timeline
			n = min(n, a.Frame().Most)
		}
		return a.Goto(a.ctx, n)
	},
	"run":    func(a asked) error { a.Run(Speed(cmp.Or(a.get("speed"), string(Steady)))); return nil },
	"pause":  func(a asked) error { a.Pause(); return nil },
	"speed":  func(a asked) error { a.setSpeed(Speed(a.get("speed"))); return nil },
	"breaks": func(a asked) error { return a.change(a.get) },

	// Another run begins.
	"example": func(a asked) error { return a.LoadExample(a.get("example")) },
	"watch":   func(a asked) error { return a.Welcome(true) },
	"build": func(a asked) error {
		values := map[string]string{}
		for name := range a.r.PostForm {
			if name != "do" {
				values[name] = a.get(name)
			}
		}
		return a.Change(values)
	},
	"fault":  func(a asked) error { return a.TryFault(a.get("fault")) },
	"guess":  func(a asked) error { return a.Guess(a.ctx, a.get("guess")) },
	"lesson": func(a asked) error { return a.Visit(a.number("step")) },
	"answer": func(a asked) error { return a.Answer(a.number("answer")) },

	// The view changes.
	"narrow": func(a asked) error { return a.look(func(v *View) { v.Narrow = a.get("on") == "true" }) },
	"tab": func(a asked) error {
		return a.look(func(v *View) {
			if now := v.tab(); now != "share" {
				v.From = now
			}
			v.Tab = a.get("tab")
		})
	},
	"row": func(a asked) error { return a.look(func(v *View) { v.Row = a.number("row") }) },
	"weight": func(a asked) error {
		return a.at("weight", func(v *View, w lesson.Address) { v.Weight, v.Tab = w, cmp.Or(a.get("tab"), v.Tab) })
	},
	"second": func(a asked) error {
		return a.at("second", func(v *View, w lesson.Address) { v.Second = w })
	},
	"unit": func(a asked) error {
		u, err := parseUnit(a.get("unit"))
		if err != nil {
			return err
		}
		return a.look(func(v *View) { v.Unit, v.Tab = u, "unit" })
	},
	"phase": func(a asked) error {
		if to := a.number("to"); to > 0 {
			return a.look(func(v *View) { v.Phase = to })
		}
		by, _ := strconv.Atoi(a.get("by"))
		return a.look(a.phase(by))
	},
	"digits": func(a asked) error { return a.look(func(v *View) { v.Digits = a.get("on") == "true" }) },
	"axis":   func(a asked) error { return a.look(func(v *View) { v.Axis = a.get("axis") }) },
	"columns": func(a asked) error {
		return a.look(func(v *View) { v.AxisX, v.AxisY = cmp.Or(a.get("x"), v.AxisX), cmp.Or(a.get("y"), v.AxisY) })
	},

	// A job begins or ends.
	"verify": func(a asked) error { a.begin("verify", verify); return nil },
	"race": func(a asked) error {
		kind := cmp.Or(a.get("kind"), raceMethods)
		a.Look(func(v *View) { v.Race = kind })
		a.begin("race", race(kind))
		return nil
	},
	"surface": func(a asked) error {
		plane := cmp.Or(a.get("plane"), "principal")
		raced, _ := a.Frame().Jobs["race"].result.(*Raced)
		a.Look(func(v *View) { v.Plane = plane })
		a.begin("surface", surface(plane, raced))
		return nil
	},
	"report": func(a asked) error { a.begin("report", a.Session.report); return nil },
	"cancel": func(a asked) error { a.cancel(a.get("job")); return nil },
}

// do performs what a button or a field asks for, and answers with the page's parts.
func (s *Server) do(w http.ResponseWriter, r *http.Request, e *entry) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	name := r.PostForm.Get("do")
	err := fmt.Errorf("the page has no action %q", name)
	if action := actions[name]; action != nil {
		err = action(asked{e, r.Context(), r})
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		e.tell(err)
	}
	reply(w, r, e.since(r))
}

// tell shows an error on the page.
func (s *Session) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(err)
	s.touch()
}
