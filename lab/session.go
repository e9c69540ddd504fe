package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// ErrLimit is wrapped by the refusal of what is too large for the page.
var ErrLimit = errors.New("too large for the lab")

// What one session may hold. A run beyond it is for the command line.
const (
	MaxParameters = 200_000
	MaxCells      = 4_000_000 // rows times encoded inputs
)

// MaxBytes is what all sessions of the program may hold together, by estimate.
const MaxBytes = 2 << 30

// held is what they hold now.
var held atomic.Int64

// estimate is what a session on a fit takes: its table, the rows encoded twice (for the trainer
// and for the page), and its memories and trail when they are full.
func estimate(t *data.Table, fit *model.Fit, params int) int64 {
	cells := int64(t.Rows()) * int64(len(t.Columns()))
	rows := int64(fit.Rows.Train+fit.Rows.Validation+fit.Rows.Test) * int64(fit.Encoding.Width()+fit.Encoding.Outputs())
	trail := int64(0)
	if params <= trailParams {
		trail = mostTrail * 8 * int64(params)
	}
	return 1<<20 + 12*cells + 16*rows + min(memoryBytes, mostMemories*32*int64(params)) + trail
}

// Speed is how fast Run goes.
type Speed string

const (
	Slow   Speed = "slow"   // two updates a second, to watch each
	Steady Speed = "steady" // forty a second
	Full   Speed = "full"   // as fast as the machine
)

func (s Speed) pause() time.Duration {
	switch s {
	case Slow:
		return 500 * time.Millisecond
	case Steady:
		return 25 * time.Millisecond
	}
	return 0
}

// Breakpoints end Run at the first update after which one of them holds.
type Breakpoints struct {
	Loss   *float64 // the loss over all training rows is at most this
	Weight *float64 // the size of some parameter is at least this
	Dead   bool     // some hidden unit lets no gradient through on any training row looked at
}

// View is what the visitor looks at.
type View struct {
	Tab    string // of the panel at the side
	Phase  int    // how much of the pass over the sample is shown: see Frame.phases; 0 all
	Row    int    // the sample, counted among the training rows
	Weight lesson.Address
	Digits bool   // all digits of every number, instead of six
	Axis   string // of the race: epochs, updates, gradients or seconds
	Race   string // methods, optimisers or rates
	Plane  string // of the surface: weights, random or principal
	Second lesson.Address
	AxisX  string // columns of the fit's plane
	AxisY  string
	Guess  string // what the visitor predicts of the fault
	Fault  string
	Lesson int // step of the guided lesson; 0: not in it
}

// Session is one run that is moved forwards and backwards, and what its visitor looks at. Its
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
	held  int64  // bytes, by estimate
	run   run
	start *nn.Network[float64] // before the first update

	training, validation, test model.Part

	most     int           // the furthest update the timeline has reached
	history  train.History // up to there
	trail    trail         // parameters along the way, for the surface
	moved    []float64     // the parameters before the last update, if it was made by hand
	seen     int           // rows of the next update already looked at
	note     string        // what to tell the visitor
	failed   bool          // the note is a complaint
	running  bool
	stop     context.CancelFunc // of Run
	speed    Speed
	breaks   Breakpoints
	view     View
	jobs     map[string]*job
	version  uint64
	revealed string    // what a fault came to
	frozen   time.Time // when the last viewer left; zero while there is one
}

// run is a model.Fit with its place on the timeline.
type run struct {
	fit      *model.Fit
	at       int        // updates made
	last     train.Step // the last of them
	ended    string     // why there is no next update, or ""
	memories memories
}

// NewSession returns a session on the first example. changed, if not nil, is called whenever
// there is something new to look at.
func NewSession(changed func()) (*Session, error) {
	if changed == nil {
		changed = func() {}
	}
	s := &Session{changed: changed, speed: Steady, jobs: map[string]*job{}, frozen: time.Now()}
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

// LoadExample starts anew with an example.
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

// Load starts anew with a setup on a table. On an error the session is as it was.
func (s *Session) Load(setup Setup, t *data.Table) error {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(setup, t)
}

func (s *Session) load(setup Setup, t *data.Table) error {
	if err := setup.shown(); err != nil {
		return err
	}
	none := 0
	setup.Options.Patience, setup.Options.Threads, setup.Options.Custom = &none, 1, custom
	fit, err := model.Prepare(model.Tables{Train: t}, setup.Options, nil)
	if err != nil {
		return err
	}
	net := fit.Network()
	if n := len(net.Params()); n > MaxParameters {
		return fmt.Errorf("%w: the network has %d parameters and the page takes %d; use smaller hidden layers, or gradus train", ErrLimit, n, MaxParameters)
	}
	if n := fit.Encoding.Width() * fit.Rows.Train; n > MaxCells {
		return fmt.Errorf("%w: %d rows of %d inputs; use a part of the rows, or gradus train", ErrLimit, fit.Rows.Train, fit.Encoding.Width())
	}
	need := estimate(t, fit, len(net.Params()))
	if now := held.Load() - s.held; now+need > MaxBytes {
		return fmt.Errorf("%w: all pages together would hold %d MB, and %d MB are the most; close a page, or use a smaller table or network", ErrLimit, (now+need)>>20, MaxBytes>>20)
	}
	training, validation, test, err := fit.Parts()
	if err != nil {
		return err
	}
	held.Add(need - s.held)
	s.held = need
	for _, j := range s.jobs {
		j.cancel()
	}
	s.jobs = map[string]*job{}
	s.view.Fault, s.view.Guess = "", ""
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
	s.most, s.history, s.seen, s.moved, s.note, s.failed = 0, nil, 0, nil, "", false
	s.trail, s.revealed = trail{}, ""
	s.trail.add(0, net.Params())
	if s.view.Row >= training.X.Rows {
		s.view.Row = 0
	}
	if !exists(net, s.view.Weight) || s.view.Weight == (lesson.Address{}) {
		s.view.Weight = steepest(net, fit.Config().Loss, training)
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

// steepest is the first layer's weight with the largest gradient on the first row, which
// lesson.Explain chooses by itself.
func steepest(net *nn.Network[float64], loss nn.Loss, p model.Part) lesson.Address {
	e, err := lesson.Explain(net, lesson.ExplainOptions{Loss: loss}, p.X.Row(0), p.Y.Row(0))
	if err != nil {
		return lesson.Address{}
	}
	return e.Weight
}

// another is a parameter beside that one, for a plane through two.
func another(net *nn.Network[float64], a lesson.Address) lesson.Address {
	i, err := net.Index(a.Layer, a.In, a.Unit)
	if err != nil {
		i = 0
	}
	l, in, unit := net.Locate((i + 1) % len(net.Params()))
	return lesson.Address{Layer: l, In: in, Unit: unit}
}

// touch says that there is something new. mu is held.
func (s *Session) touch() {
	s.version++
	s.changed()
}

// Change starts anew with fields of the form changed.
func (s *Session) Change(values map[string]string) error {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	setup, err := s.setup.With(values)
	if err != nil {
		return err
	}
	return s.load(setup, s.table)
}

// Look changes what is looked at.
func (s *Session) Look(change func(*View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view
	change(&v)
	if v.Row < 0 || v.Row >= s.training.X.Rows {
		v.Row = s.view.Row
	}
	if !exists(s.start, v.Weight) {
		s.say(fmt.Errorf("the network has no weight %s; give LAYER.INPUT.UNIT such as 0.2.1, or LAYER.b.UNIT for a bias, counted from 0", v.Weight))
		v.Weight = s.view.Weight
	}
	if !exists(s.start, v.Second) {
		v.Second = s.view.Second
	}
	s.view = v
	s.touch()
}

// say sets what the visitor is told. mu is held.
func (s *Session) say(err error) {
	s.note, s.failed = "", err != nil
	if err != nil {
		s.note = err.Error()
	}
}

// step makes the next update. mu is held.
func (s *Session) step() bool {
	if !s.run.step(s.ctx) {
		return false
	}
	s.seen, s.moved = 0, nil
	if s.run.at > s.most {
		s.most = s.run.at
		if s.run.last.EpochEnd || s.run.at < 64 {
			if s.trail.wants(s.run.at) {
				s.trail.add(s.run.at, s.run.fit.Network().Params())
			}
		}
	}
	if err := s.run.memories.keep(&s.run); err != nil {
		s.say(err)
	}
	return true
}

// step makes one update; false says that there is none.
func (r *run) step(ctx context.Context) bool {
	if r.ended != "" {
		return false
	}
	made := false
	for step, err := range r.fit.Steps(ctx) {
		if err != nil {
			r.ended = err.Error()
			return false
		}
		r.last, r.at, made = step, step.N, true
		break
	}
	if !made {
		if r.ended = r.fit.Result().Reason; r.ended == train.ReasonInterrupted {
			r.ended = ""
		}
	}
	return made
}

// Sample looks at the next row of the coming update, and makes the update after its last row.
func (s *Session) Sample() {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	rows := s.run.fit.NextRows()
	if len(rows) == 0 {
		s.step() // finds out why there is none
	} else if s.seen < len(rows) {
		s.view.Row = rows[s.seen]
		if s.seen++; s.seen == len(rows) {
			before := s.run.fit.Network().Params()
			if s.step() {
				s.moved = before
			}
		}
	}
	s.touch()
}

// Batch makes the next update.
func (s *Session) Batch() {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	before := s.run.fit.Network().Params()
	if s.step() {
		s.moved = before
	}
	s.touch()
}

// Epoch makes updates up to the end of the epoch.
func (s *Session) Epoch(ctx context.Context) {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	for s.ctx.Err() == nil && ctx.Err() == nil && s.step() && !s.run.last.EpochEnd {
	}
	s.remember()
	s.touch()
}

// Goto moves the run to any update: forwards by making it, backwards exactly.
func (s *Session) Goto(ctx context.Context, n int) error {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(nil)
	err := s.goTo(ctx, max(0, n))
	s.touch()
	return err
}

func (s *Session) goTo(ctx context.Context, n int) error {
	s.remember()
	s.seen, s.moved = 0, nil
	if n < s.run.at {
		if err := s.run.rewind(n); err != nil {
			return err
		}
	}
	for s.run.at < n && ctx.Err() == nil && s.ctx.Err() == nil && s.step() {
	}
	s.remember()
	return ctx.Err()
}

// Back undoes the last update, or the looking at a row.
func (s *Session) Back(ctx context.Context) error {
	s.mu.Lock()
	at, seen := s.run.at, s.seen
	s.mu.Unlock()
	if seen > 0 {
		at++ // looked at, not yet made
	}
	return s.Goto(ctx, at-1)
}

// remember keeps the longest history. mu is held.
func (s *Session) remember() {
	if h := s.run.fit.Result().History; len(h) > len(s.history) {
		s.history = h
	}
}

// Run makes updates until Pause, a breakpoint or the end.
func (s *Session) Run(speed Speed) {
	s.Pause()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.say(nil)
	s.speed = speed
	if s.run.ended != "" {
		s.touch()
		return
	}
	if !s.frozen.IsZero() { // somebody has just asked for it
		s.frozen = time.Now()
	}
	ctx, stop := context.WithCancel(s.ctx)
	s.running, s.stop = true, stop
	s.touch()
	s.work.Go(func() { s.loop(ctx) })
}

// Pause ends Run. The update under way is finished.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause()
}

func (s *Session) pause() {
	if s.running {
		s.stop()
		s.running = false
		s.remember()
		s.touch()
	}
}

// slice is how long Run keeps the session for itself; a frame is taken between two.
const slice = 10 * time.Millisecond

// turns are how many runs compute at once, of all sessions: the machine has a core left to
// answer with, if it has more than one. Whoever waits gets the next in turn.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// abandoned is after how long without a viewer Run pauses.
const abandoned = 15 * time.Second

func (s *Session) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
		s.mu.Lock()
		if ctx.Err() != nil { // paused, or another Run
			s.mu.Unlock()
			<-turns
			return
		}
		begun := time.Now()
		more := true
		for more && time.Since(begun) < slice && ctx.Err() == nil {
			if more = s.step(); more && s.hit() {
				more = false
			}
			if s.speed != Full {
				break
			}
		}
		s.remember()
		if !s.frozen.IsZero() && time.Since(s.frozen) > abandoned {
			s.note, more = "Paused, since nobody was watching.", false
		}
		if !more {
			s.pause()
		}
		pause := s.speed.pause()
		s.touch()
		s.mu.Unlock()
		<-turns
		if !more {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(pause, 50*time.Microsecond)): // lets a waiting frame in
		}
	}
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

// Watch counts a viewer: it returns what to call when the viewer leaves.
func (s *Session) Watch() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = time.Time{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frozen = time.Now()
	}
}

// Idle returns for how long nobody has been watching.
func (s *Session) Idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen.IsZero() {
		return 0
	}
	return time.Since(s.frozen)
}

// Model returns the model as it stands.
func (s *Session) Model() (*model.Model, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run.fit.Model()
}

// diagnose asks the engine what is wrong with the run as it stands.
func (s *Session) diagnose() []train.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run.fit.Diagnose()
}

// job is work in the background whose result is shown when it is there.
type job struct {
	cancel context.CancelFunc
	busy   bool
	result any
	err    error
	at     int // the update whose weights it looked at
}

// start runs work on a look at the present, in place of a job of that name.
func (s *Session) begin(name string, work func(context.Context, *Frame) (any, error)) {
	f := s.Frame()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	if old := s.jobs[name]; old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	j := &job{cancel: cancel, busy: true, at: f.At}
	s.jobs[name] = j
	s.touch()
	s.work.Go(func() {
		defer cancel()
		result, err := work(ctx, f)
		s.mu.Lock()
		defer s.mu.Unlock()
		j.busy, j.result, j.err = false, result, err
		if s.jobs[name] == j {
			s.touch()
		}
	})
}
