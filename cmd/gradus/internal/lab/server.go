package lab

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// The limits of a server.
const (
	MaxSessions          = 100 // in total
	MaxSessionsOfVisitor = 8   // a new one replaces the one that has been unwatched longest
	maxIdle              = 10 * time.Minute
	frameEvery           = 100 * time.Millisecond
	mostSilent           = 35 * time.Second // after this time without a request, a page gets no more frames
	beatEvery            = 10 * time.Second // after three times this the page's script considers the connection lost
)

// Options say how a Server serves.
type Options struct {
	Table *data.Table // the table that new sessions begin with; nil: the first example
	Token string      // the token that a visitor needs; "" on loopback
	Name  string      // distinguishes this server's cookies from those of another port
}

// Server serves the page and its sessions. It is an http.Handler. Close ends all sessions.
type Server struct {
	table   *data.Table
	token   string
	name    string
	handler http.Handler
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	receiving chan struct{} // a turn for each table being received
	reading   sync.Mutex    // one table is read at a time, because its text takes more memory than the table

	mu       sync.Mutex
	sessions map[string]*entry
	streams  map[string][]*stream // by visitor, each with the oldest first
}

// NewToken returns a token for Options.
func NewToken() string { return secret() }

// NewServer returns a server.
func NewServer(o Options) *Server {
	if o.Table != nil {
		o.Table = o.Table.Named(baseName(o.Table.Name()))
	}
	s := &Server{table: o.Table, token: o.Token, name: o.Name, sessions: map[string]*entry{}, streams: map[string][]*stream{}, receiving: make(chan struct{}, mostReceiving)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	assets, _ := fs.Sub(pageFiles, "page")
	mux.Handle("GET /page/", http.StripPrefix("/page/", http.FileServerFS(assets)))
	mux.HandleFunc("POST /session", s.open)
	mux.HandleFunc("POST /do", s.with(s.do))
	mux.HandleFunc("POST /table", s.with(s.upload))
	mux.HandleFunc("POST /here", s.with(func(w http.ResponseWriter, _ *http.Request, _ *entry) { w.WriteHeader(http.StatusNoContent) }))
	mux.HandleFunc("GET /events", s.with(s.events))
	mux.HandleFunc("GET /data.csv", s.with(s.dataCSV))
	mux.HandleFunc("GET /history.csv", s.with(s.historyCSV))
	mux.HandleFunc("GET /figure.svg", s.with(s.figure))
	mux.HandleFunc("GET /sheet.html", s.with(s.sheet))
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
