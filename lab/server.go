package lab

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/lesson"
	"github.com/gradus-ml/gradus/plot"
)

// Limits of a server.
const (
	MaxUpload            = 16 << 20 // bytes of a table
	MaxSessions          = 100      // in all
	MaxSessionsOfVisitor = 8        // the longest unwatched gives way
	maxIdle              = 10 * time.Minute
	frameEvery           = 100 * time.Millisecond
)

// Options say how a Server serves.
type Options struct {
	Table *data.Table // that new sessions begin with; nil: the first example
	Token string      // that a visitor needs; "" on loopback
	Name  string      // tells this server's cookies from those of another port
}

// Server serves the page and its sessions. It is an http.Handler; Close ends all sessions.
type Server struct {
	table   *data.Table
	token   string
	name    string
	handler http.Handler
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*entry
}

// entry is a session with who watches it.
type entry struct {
	*Session
	visitor string
	pending *Setup // of a link, until the table with its fingerprint is there

	mu       sync.Mutex
	watchers map[chan struct{}]bool
}

// wake tells the watchers that there is something new; none is waited for.
func (e *entry) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not yet looked at what came before
		}
	}
}

// NewToken returns a token for Options.
func NewToken() string { return secret() }

// NewServer returns a server.
func NewServer(o Options) *Server {
	s := &Server{table: o.Table, token: o.Token, name: o.Name, sessions: map[string]*entry{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	assets, _ := fs.Sub(pageFiles, "page")
	mux.Handle("GET /page/", http.StripPrefix("/page/", http.FileServerFS(assets)))
	mux.HandleFunc("POST /session", s.open)
	mux.HandleFunc("POST /do", s.with(s.do))
	mux.HandleFunc("POST /table", s.with(s.upload))
	mux.HandleFunc("GET /events", s.with(s.events))
	mux.HandleFunc("GET /data.csv", s.with(s.dataCSV))
	mux.HandleFunc("GET /history.csv", s.with(s.historyCSV))
	mux.HandleFunc("GET /figure.svg", s.with(s.figure))
	mux.HandleFunc("GET /report.html", s.with(s.report))
	mux.HandleFunc("GET /model.safetensors", s.with(s.model))
	s.handler = s.guard(mux)
	s.work.Go(s.sweep)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends all sessions.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	for id, e := range s.sessions {
		delete(s.sessions, id)
		defer e.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
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

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(s.cookie("visitor")); err != nil {
		http.SetCookie(w, &http.Cookie{Name: s.cookie("visitor"), Value: secret(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var b bytes.Buffer
	if err := panels.ExecuteTemplate(&b, "page", panelData{}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(b.Bytes())
}

// open makes a session for a page that was just loaded.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
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
	if err := e.begins(r.FormValue("link"), s.table); err != nil {
		e.tell(err)
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
	reply(w, map[string]any{"id": id, "frame": whole(e.Frame())})
}

// begins loads what a link asks for, or the server's table.
func (e *entry) begins(link string, table *data.Table) error {
	if link == "" {
		if table == nil {
			return nil
		}
		return e.Load(ownSetup(), table)
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
		return e.Load(setup, t)
	}
	setup.Example = ""
	if table != nil && table.Fingerprint()[:16] == setup.Fingerprint {
		return e.Load(setup, table)
	}
	e.pending = &setup
	return fmt.Errorf("this link is of a table with the fingerprint %s, and a link holds no rows: drop that table on the page", setup.Fingerprint)
}

// ownSetup is what a table of one's own begins with: a net that can be looked at.
func ownSetup() Setup {
	s := Setup{}
	s.Options.Hidden, s.Options.Activation, s.Options.Optimizer, s.Options.Scale = []int{4}, "tanh", "adam", data.ScaleStandard
	s.Options.LR, s.Options.Seed, s.Options.Precision, s.Options.Epochs = new(0.01), 1, "float64", 200
	return s
}

// room makes room for a session, or refuses it.
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
		next(w, r, e)
	}
}

// tell shows a complaint on the page.
func (s *Session) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(err)
	s.touch()
}

// message is what the page's script gets: the parts that have changed.
type message struct {
	Version uint64            `json:"v"`
	At      int               `json:"at"`
	Most    int               `json:"most"`
	Running bool              `json:"running"`
	Example string            `json:"example"`
	HTML    map[string]string `json:"html"`
}

func whole(f *Frame) message {
	return message{f.Version, f.At, f.Most, f.Running, f.Setup.Example, Render(f)}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// events sends frames as long as the page is there, at most ten a second. A frame is drawn
// when it can be sent: a slow page gets fewer, and holds up nothing.
func (s *Server) events(w http.ResponseWriter, r *http.Request, e *entry) {
	wake := make(chan struct{}, 1)
	wake <- struct{}{} // for the first frame
	e.mu.Lock()
	e.watchers[wake] = true
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.watchers, wake)
		e.mu.Unlock()
	}()
	defer e.Watch()()

	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{}) // the server's own is for requests
	sent := map[string]string{}
	beat := time.NewTicker(10 * time.Second)
	defer beat.Stop()
	for {
		var text []byte
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-e.Session.ctx.Done():
			return
		case <-beat.C:
			text = []byte(":\n\n") // finds out whether the page is still there
		case <-wake:
			m := whole(e.Frame())
			for id, part := range m.HTML {
				if sent[id] == part {
					delete(m.HTML, id)
				}
				sent[id] = part
			}
			frame, err := json.Marshal(m)
			if err != nil {
				return
			}
			text = append(append([]byte("data: "), frame...), "\n\n"...)
		}
		control.SetWriteDeadline(time.Now().Add(20 * time.Second))
		if _, err := w.Write(text); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-time.After(frameEvery):
		}
	}
}

// do does what a button or a field asks for, and answers with the page's parts.
func (s *Server) do(w http.ResponseWriter, r *http.Request, e *entry) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
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
	case "sample":
		e.Sample()
	case "batch":
		e.Batch()
	case "epoch":
		e.Epoch(r.Context())
	case "back":
		err = e.Back(r.Context())
	case "goto":
		err = e.Goto(r.Context(), min(number("n"), e.Frame().Most)) // what lies ahead is for Run
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
	case "tab":
		e.Look(func(v *View) { v.Tab = get("tab") })
	case "row":
		e.Look(func(v *View) { v.Row = number("row") })
	case "weight":
		var a lesson.Address
		if a, err = parseAddress(get("weight")); err == nil {
			e.Look(func(v *View) { v.Weight = a })
		}
	case "digits":
		e.Look(func(v *View) { v.Digits = get("on") == "true" })
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
		if a, err = parseAddress(get("second")); err == nil {
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
	case "phase":
		e.Look(e.phase(number("by")))
	default:
		err = fmt.Errorf("there is nothing to do that is called %q", get("do"))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		e.tell(err)
	}
	reply(w, whole(e.Frame()))
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

func (s *Session) setSpeed(speed Speed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speed = speed
	s.touch()
}

// parseAddress reads L.I.J or L.b.J.
func parseAddress(text string) (lesson.Address, error) {
	bad := fmt.Errorf("%w: %q is no weight; give LAYER.INPUT.UNIT such as 0.2.1, or LAYER.b.UNIT for a bias, counted from 0", ErrSetup, text)
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 {
		return lesson.Address{}, bad
	}
	var n [3]int
	for i, p := range parts {
		if i == 1 && p == "b" {
			n[1] = -1
			continue
		}
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 {
			return lesson.Address{}, bad
		}
		n[i] = v
	}
	return lesson.Address{Layer: n[0], In: n[1], Unit: n[2]}, nil
}

// upload takes a table of one's own.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, e *entry) {
	name := filepath.Base(strings.ReplaceAll(or(r.URL.Query().Get("name"), "table.csv"), `\`, "/"))
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxUpload))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err = fmt.Errorf("%s is larger than the %d MB that the page takes; use a part of it, or gradus train", name, MaxUpload>>20)
	case err == nil:
		err = e.take(name, raw)
	}
	if err != nil {
		e.tell(err)
	}
	reply(w, whole(e.Frame()))
}

// take reads a table and starts anew with it.
func (e *entry) take(name string, raw []byte) error {
	read, err := data.Read(data.Stdin, data.ReadOptions{Stdin: bytes.NewReader(raw)})
	if err != nil {
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), data.StdinName+": "))
	}
	rows := make([][]string, read.Rows())
	for i := range rows {
		for j := range read.Columns() {
			rows[i] = append(rows[i], read.Cell(i, j))
		}
	}
	t, err := data.NewTable(name, read.Columns(), rows)
	if err != nil {
		return err
	}
	setup := ownSetup()
	if e.pending != nil && t.Fingerprint()[:16] == e.pending.Fingerprint {
		setup = *e.pending
	}
	if err := e.Load(setup, t); err != nil {
		return err
	}
	e.pending = nil
	e.Look(func(v *View) { v.Tab = "data" })
	return nil
}

func (s *Server) dataCSV(w http.ResponseWriter, _ *http.Request, e *entry) {
	f := e.Frame()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	WriteTable(w, f.Table)
}

func (s *Server) historyCSV(w http.ResponseWriter, _ *http.Request, e *entry) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	out.Write([]string{"epoch", "steps", "loss", "validation", "rate"})
	for _, p := range e.Frame().History {
		validation := ""
		if p.Validation == p.Validation {
			validation = exact(p.Validation)
		}
		out.Write([]string{strconv.Itoa(p.Epoch), strconv.Itoa(p.Steps), exact(p.Loss), validation, exact(p.Rate)})
	}
	out.Flush()
}

// model is the model as it stands, a file as gradus train writes it.
func (s *Server) model(w http.ResponseWriter, _ *http.Request, e *entry) {
	m, err := e.Model()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	m.Write(w)
}

// report is the run as one page.
func (s *Server) report(w http.ResponseWriter, _ *http.Request, e *entry) {
	m, err := e.Model()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	f := e.Frame()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", reportPolicy)
	report := f.Report(m)
	report.Found = e.diagnose()
	WriteReport(w, report)
}

// figure is one of the page's pictures by itself.
func (s *Server) figure(w http.ResponseWriter, r *http.Request, e *entry) {
	fig := e.Frame().Figure(r.URL.Query().Get("name"))
	if fig == nil {
		http.Error(w, "there is no such picture", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	plot.Write(w, "svg", fig)
}

// Figure returns the page's picture of that name, nil if there is none.
func (f *Frame) Figure(name string) plot.Figure {
	switch name {
	case "network":
		n := f.Picture(0, 0)
		n.Bare, n.Title = false, fmt.Sprintf("Row %d, after %s", f.Training.Rows[f.View.Row], plural(f.At, "update", "updates"))
		return n
	case "loss":
		return f.Curve(0, 0)
	case "fit":
		fig, _ := f.Plane(0, 0)
		return fig
	case "race":
		if r, ok := f.Jobs["race"].result.(*Raced); ok && len(r.Tracks) > 0 {
			return r.Chart(f.View.Axis, 0, 0)
		}
	case "surface":
		if s, ok := f.Jobs["surface"].result.(*Surface); ok {
			return s.Field
		}
	case "check":
		if v, ok := f.Jobs["verify"].result.(*Verified); ok {
			return v.Curve(0, 0)
		}
	}
	return nil
}
