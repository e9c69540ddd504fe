package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Session is one run that can be moved forward and back, together with its visitor's view of it. Its
// methods may be called from any goroutine.
type Session struct {
	mu      sync.Mutex
	changed func() // called after every change, with mu held; must not block
	ctx     context.Context
	close   context.CancelFunc
	work    sync.WaitGroup // goroutines of this session

	setup Setup
	table *data.Table
	print string // the table's fingerprint
	text  int64  // bytes of the table's cells
	held  int64  // estimated bytes of the session
	run   run
	start *nn.Network[float64] // before the first update

	training, validation, test model.Part

	most     int           // the furthest update the timeline has reached
	history  train.History // up to most, by epochs
	course   train.History // the same loss by updates, if it is cheap
	trail    trail         // parameters along the way, for the surface
	moved    []float64     // the parameters before the last update, if it was made by hand
	goal     int           // the update that the run is moving to; 0: none
	seen     int           // how many rows of the next update were already looked at
	note     string        // what to tell the visitor
	failed   bool          // the note is an error
	running  bool
	stop     context.CancelFunc // stops the current motion
	motion   int                // counts the motions of the run
	speed    Speed
	breaks   Breakpoints
	holding  map[string]bool // which breakpoints held after the last update
	broke    string          // the breakpoint that ended the last motion
	view     View
	jobs     map[string]*job
	version  uint64
	revealed string // the outcome of a fault
	audience audience
}

var errClosed = errors.New("this page's run is gone; load the page again")

// NewSession returns a session on the first example. changed, if not nil, is called whenever
// there is something new to look at.
func NewSession(changed func()) (*Session, error) {
	if changed == nil {
		changed = func() {}
	}
	s := &Session{changed: changed, speed: Steady, jobs: map[string]*job{}}
	s.heard()
	s.ctx, s.close = context.WithCancel(context.Background())
	if err := s.LoadExample(Examples()[0].Name); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Close ends what the session is doing and waits for it.
func (s *Session) Close() {
	s.close()
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	held.Add(-s.held)
	s.held = 0
}

// LoadExample starts over with an example.
func (s *Session) LoadExample(name string) error {
	e := ExampleOf(name)
	if e == nil {
		return fmt.Errorf("%w: there is no example %q", ErrSetup, name)
	}
	t, err := e.Table()
	if err != nil {
		return err
	}
	return s.Load(e.Setup, t)
}

// Welcome starts the run that the page opens with. It learns two classes, at a speed that the eye can
// follow, or rests before the first update.
func (s *Session) Welcome(moves bool) error {
	if err := s.LoadExample("circles"); err != nil {
		return err
	}
	s.Look(func(v *View) { v.Tab = "start" })
	if moves {
		s.Run(Steady)
	}
	return nil
}

// Load starts over with a setup on a table. On an error the session is unchanged.
func (s *Session) Load(setup Setup, t *data.Table) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
	return s.load(setup, t)
}

// prepare prepares the run of a setup on a table, if the page can show it. need is the bytes that the session then holds.
// They include text, the bytes of the table's cells. mu is held.
func (s *Session) prepare(setup Setup, t *data.Table) (fit *model.Fit, need, text int64, err error) {
	if layers := len(setup.Options.Hidden); layers > MaxLayers {
		return nil, 0, 0, fmt.Errorf("%w: the network has %d hidden layers and the page takes %d; use fewer layers, or gradus train", ErrLimit, layers, MaxLayers)
	}
	if n := setup.Options.Members; n > MaxMembers || n*t.Rows() > MaxCells {
		return nil, 0, 0, fmt.Errorf("%w: the ensemble has %d networks and the page takes %d, for tables of %d rows at most; use fewer, or gradus train", ErrLimit, n, MaxMembers, MaxCells/n)
	}
	if err := setup.shown(); err != nil {
		return nil, 0, 0, err
	}
	if text = s.text; s.table != t {
		text = textOf(t)
	}
	none, o := 0, setup.Options
	o.Patience, o.Threads, o.Custom = &none, 1, custom
	o.Refuse = func(n model.Size) error {
		need = estimate(t, text, n)
		return refuse(t, text, s.held)(n)
	}
	if fit, err = model.Prepare(model.Tables{Train: t}, o, nil); err != nil {
		return nil, 0, 0, err
	}
	if n := fit.Members(); n > 1 || setup.Member != 0 {
		whole := fit
		defer whole.Release()
		if setup.Member < 0 || setup.Member >= n {
			return nil, 0, 0, fmt.Errorf("%w: there is no network %d; give 0 to %d", ErrSetup, setup.Member, n-1)
		}
		if fit, err = whole.PrepareMember(setup.Member); err != nil {
			return nil, 0, 0, err
		}
	}
	return fit, need, text, nil
}

func (s *Session) load(setup Setup, t *data.Table) error {
	if s.ctx.Err() != nil { // otherwise it would hold memory that nobody releases
		return errClosed
	}
	fit, need, text, err := s.prepare(setup, t)
	if err != nil {
		return err
	}
	net := fit.Network()
	training, validation, test, err := fit.Parts()
	if err != nil {
		return err
	}
	held.Add(need - s.held)
	s.held, s.text = need, text
	for _, j := range s.jobs {
		j.cancel()
	}
	s.jobs = map[string]*job{}
	s.view.Fault, s.view.Guess, s.view.Phase = "", "", 0
	if s.table != t {
		s.print = t.Fingerprint()[:16]
		s.view.AxisX, s.view.AxisY = "", ""
	}
	setup.Fingerprint = ""
	if setup.Example == "" {
		setup.Fingerprint = s.print
	}
	s.setup, s.table, s.start = setup, t, net
	s.training, s.validation, s.test = training, validation, test
	s.run = run{fit: fit}
	s.most, s.history, s.course, s.seen, s.moved, s.note, s.failed = 0, nil, nil, 0, nil, "", false
	s.trail, s.revealed = trail{}, ""
	s.trail.add(0, net.Params())
	s.measure()
	if s.view.Row >= training.X.Rows {
		s.view.Row = 0
	}
	if !exists(net, s.view.Weight) || s.view.Weight == (lesson.Address{}) {
		s.view.Weight = steepest(net, fit.Config().Loss, training)
	}
	if !s.view.Unit.of(net) || s.view.Unit == (Unit{}) {
		s.view.Unit = Unit{s.view.Weight.Layer + 1, s.view.Weight.Unit}
	}
	if !exists(net, s.view.Second) || s.view.Second == s.view.Weight {
		s.view.Second = another(net, s.view.Weight)
	}
	if err := s.run.memories.keep(&s.run); err != nil {
		return err
	}
	s.touch()
	return nil
}

// exists reports whether the network has that parameter.
func exists(net *nn.Network[float64], a lesson.Address) bool {
	_, err := net.Index(a.Layer, a.In, a.Unit)
	return err == nil
}

// steepest returns the first layer's weight with the largest gradient on the first row. That is the
// default of lesson.Explain.
func steepest(net *nn.Network[float64], loss nn.Loss, p model.Part) lesson.Address {
	b := gather(p, among(firstRows(p.X.Rows), 0, p.X.Rows), 0)
	e, err := lesson.Explain(net, lesson.ExplainOptions{Loss: loss, Batch: b}, p.X.Row(0), p.Y.Row(0))
	if err != nil {
		return lesson.Address{}
	}
	return e.Weight
}

// another returns the parameter after the given one, for a plane through both.
func another(net *nn.Network[float64], a lesson.Address) lesson.Address {
	i, err := net.Index(a.Layer, a.In, a.Unit)
	if err != nil {
		i = 0
	}
	l, in, unit := net.Locate((i + 1) % len(net.Params()))
	return lesson.Address{Layer: l, In: in, Unit: unit}
}

// touch announces a change. mu is held.
func (s *Session) touch() {
	s.version++
	s.changed()
}

// Change starts over with fields of the form changed.
func (s *Session) Change(values map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
	setup, err := s.setup.With(values)
	if err != nil {
		return err
	}
	return s.load(setup, s.table)
}

// say sets the message to the visitor. mu is held.
func (s *Session) say(err error) {
	s.note, s.broke, s.failed = "", "", err != nil
	if err != nil {
		s.note = words(err)
	}
}

// mention adds to the message to the visitor. The addition is not an error.
func (s *Session) mention(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note = strings.TrimSpace(s.note + " " + text)
	s.touch()
}

// Model returns the current model. The run may go on while the model is scored.
func (s *Session) Model(ctx context.Context) (*model.Model, error) {
	s.mu.Lock()
	fit := s.run.fit
	m := fit.Unscored()
	s.mu.Unlock()
	return m, fit.Score(ctx, m)
}
