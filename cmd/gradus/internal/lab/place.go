package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
)

// place is the place within a run that an address leads to.
type place struct {
	tab    string
	step   int // step of the lesson; 0: none
	row    int
	at     int
	weight string // "": the run's own choice
}

// mostGoing limits how long opening an address may make updates.
const mostGoing = 5 * time.Second

func placeOf(form url.Values) place {
	number := func(name string) int {
		n, _ := strconv.Atoi(form.Get(name)) // 0 if there is none
		return max(0, n)
	}
	return place{form.Get("tab"), number("step"), number("row"), number("at"), form.Get("weight")}
}

// Address returns the address of what is shown, in the form of the page's own address.
func (f *Frame) Address() string {
	q := url.Values{"c": {f.Setup.Link()}, "tab": {f.View.tab()}, "weight": {f.View.Weight.String()}}
	for name, n := range map[string]int{"step": f.View.Lesson, "row": f.View.Row, "at": f.At} {
		if n > 0 {
			q.Set(name, strconv.Itoa(n))
		}
	}
	return "/?" + q.Encode()
}

// goTo goes to a place, as far as the place exists.
func (s *Session) goTo(ctx context.Context, p place) error {
	s.Look(func(v *View) {
		v.Tab = cmp.Or(p.tab, v.Tab)
		if p.step <= len(guide) {
			v.Lesson = p.step
		}
		if p.row > 0 {
			v.Row = p.row
		}
		if w, err := lesson.ParseAddress(p.weight); err == nil {
			v.Weight = w
		}
	})
	if p.at == 0 {
		return nil
	}
	ctx, end := context.WithTimeout(ctx, mostGoing)
	defer end()
	if err := s.Goto(ctx, p.at); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.mention(fmt.Sprintf("The address leads to update %d, which is far away: the run stands at update %d.", p.at, s.Frame().At))
	return nil
}
