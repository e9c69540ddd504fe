package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// entry is a session with its watchers.
type entry struct {
	*Session
	visitor string

	mu       sync.Mutex
	pending  *Setup // the setup of a link, until the table with its fingerprint is there
	awaited  place  // the place that the link leads to then
	watchers map[chan struct{}]bool
	drawn    drawn
}

// wake tells the watchers that there is something new. It does not wait for them.
func (e *entry) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.watchers {
		select {
		case c <- struct{}{}:
		default: // the watcher has not yet handled the previous message
		}
	}
}

// sweep closes sessions that nobody has watched for a while.
func (s *Server) sweep() {
	tick := time.NewTicker(maxIdle / 10)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.mu.Lock()
			var gone []*entry
			for id, e := range s.sessions {
				if e.Idle() > maxIdle {
					delete(s.sessions, id)
					gone = append(gone, e)
				}
			}
			s.mu.Unlock()
			for _, e := range gone {
				e.Close()
			}
		}
	}
}

// open finds the session of a page that was reloaded, or makes one for a new page.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	former := r.PostForm.Get("id")
	s.mu.Lock()
	there := s.sessions[former]
	s.mu.Unlock()
	if there != nil {
		there.heard()
		reply(w, r, map[string]any{"id": former, "frame": there.whole()})
		return
	}
	e := &entry{watchers: map[chan struct{}]bool{}}
	if c, err := r.Cookie(s.cookie("visitor")); err == nil {
		e.visitor = c.Value
	}
	if err := s.room(e.visitor); err != nil {
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	session, err := NewSession(e.wake)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	e.Session = session
	if err := e.begins(r.Context(), r.PostForm.Get("link"), placeOf(r.PostForm), s.table, r.PostForm.Get("still") == ""); err != nil {
		e.tell(err)
	} else if former != "" {
		e.mention("The program no longer had this page's run, so the run started over from the page's address.")
	}
	id := secret()
	s.mu.Lock()
	closed := s.ctx.Err() != nil
	if !closed {
		s.sessions[id] = e
	}
	s.mu.Unlock()
	if closed {
		session.Close()
		http.Error(w, "the lab is closing", http.StatusServiceUnavailable)
		return
	}
	reply(w, r, map[string]any{"id": id, "frame": e.whole(), "table": e.asked() != nil})
}

// begins loads what a link asks for, or the server's table, or the run that the page opens with. That run
// moves by itself unless the visitor wants no motion.
func (e *entry) begins(ctx context.Context, link string, p place, table *data.Table, moves bool) error {
	if link == "" {
		if table == nil {
			return e.Welcome(moves)
		}
		return e.loadOwn(table)
	}
	setup, err := ParseLink(link)
	if err != nil {
		return err
	}
	if example := ExampleOf(setup.Example); example != nil {
		t, err := example.Table()
		if err != nil {
			return err
		}
		if err := e.Load(setup, t); err != nil {
			return err
		}
		return e.goTo(ctx, p)
	}
	setup.Example = ""
	if table != nil && table.Fingerprint()[:16] == setup.Fingerprint {
		if err := e.Load(setup, table); err != nil {
			return err
		}
		return e.goTo(ctx, p)
	}
	e.ask(&setup, p)
	return fmt.Errorf("this link belongs to a table with the fingerprint %s, and a link holds no rows: drop that table on the page", setup.Fingerprint)
}

// ask stores the setup of a link whose table is not there yet. asked returns it.
func (e *entry) ask(s *Setup, p place) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending, e.awaited = s, p
}
func (e *entry) asked() *Setup {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pending
}

// ownSetup returns the setup that the visitor's own table begins with: a network that is small enough to look at.
func ownSetup() Setup {
	s := Setup{}
	s.Options.Hidden, s.Options.Activation, s.Options.Optimizer, s.Options.Scale = []int{4}, "tanh", "adam", data.ScaleStandard
	s.Options.LearningRate, s.Options.Seed, s.Options.Precision, s.Options.Epochs = new(0.01), 1, "float64", 200
	return s
}

// mostTargets is the maximum number of columns tried as the target if the last cannot be one.
const mostTargets = 8

// loadOwn starts over with the visitor's own table. If its last column cannot be a target, it uses the
// nearest earlier column that can, and tells the visitor, who otherwise could not choose another one.
func (s *Session) loadOwn(t *data.Table) error {
	setup := ownSetup()
	refused := s.Load(setup, t)
	if !errors.Is(refused, data.ErrTarget) {
		return refused
	}
	columns := t.Columns()
	for i := len(columns) - 2; i >= max(0, len(columns)-1-mostTargets); i-- {
		setup.Options.Targets = []string{columns[i]}
		if s.Load(setup, t) == nil {
			s.mention(fmt.Sprintf("%v. So %q is the target here; another can be named under Data.", refused, columns[i]))
			return nil
		}
	}
	return refused
}

// room makes room for a new session, or returns an error.
func (s *Server) room(visitor string) error {
	s.mu.Lock()
	own, oldest, all := 0, "", len(s.sessions)
	for id, e := range s.sessions {
		if e.visitor != visitor {
			continue
		}
		if own++; oldest == "" || e.Idle() > s.sessions[oldest].Idle() {
			oldest = id
		}
	}
	var gone *entry
	if own >= MaxSessionsOfVisitor && s.sessions[oldest].Idle() > 0 {
		gone = s.sessions[oldest]
		delete(s.sessions, oldest)
		own, all = own-1, all-1
	}
	s.mu.Unlock()
	if gone != nil {
		gone.Close()
	}
	switch {
	case own >= MaxSessionsOfVisitor:
		return fmt.Errorf("%d pages of this lab are open in your browser, the most there can be; close one", own)
	case all >= MaxSessions:
		return fmt.Errorf("%d pages are open, the most that this lab serves; try again later", all)
	}
	return nil
}

// with finds the request's session.
func (s *Server) with(next func(http.ResponseWriter, *http.Request, *entry)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		e := s.sessions[r.URL.Query().Get("s")]
		s.mu.Unlock()
		if e == nil {
			http.Error(w, "this page's run is gone; load the page again", http.StatusGone)
			return
		}
		e.heard()
		next(w, r, e)
	}
}
