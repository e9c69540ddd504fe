package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/data"
)

// Options say what a server allows. A zero field means the default.
type Options struct {
	MaxBody     int64         // bytes of a request's body, also after decompression; default 32 MiB
	MaxHeld     int64         // bytes of all requests' bodies at the same time; default 8 times MaxBody
	MaxRows     int           // per request; default 100,000
	MaxReasons  int           // rows of a request that asks for reasons; default 100
	MaxRequests int           // requests served at the same time, further ones get 503; default 256
	BodyTimeout time.Duration // for a request's body to arrive; default 30 s
	Token       string        // required in all requests except those about health; "": none
	AnyHost     bool          // requests under names other than this machine's loopback names are served too
	Log         *slog.Logger  // default: none
	LogRequests bool          // every request, not only those that fail
	Version     string        // of gradus
	Strict      bool          // a category that was not in the training rows is refused instead of predicted

	// Background has, by the model's name, the rows that represent an unknown column. The training rows are the
	// best choice. Without background rows there are no reasons.
	Background map[string]*data.Table

	plain bool // for tests: no scanner, only encoding/json
}

// Server answers requests for predictions.
type Server struct {
	o        Options
	models   []*modelFile
	mux      *http.ServeMux
	slots    chan struct{}
	held     atomic.Int64 // bytes of bodies
	memories sync.Pool    // of *memory
	draining atomic.Bool
	metrics  *metrics
	log      *slog.Logger
}

// New loads the models and returns a server for them.
func New(sources []Source, o Options) (*Server, error) {
	if o.MaxBody == 0 {
		o.MaxBody = 32 << 20
	}
	if o.MaxHeld == 0 {
		o.MaxHeld = 8 * o.MaxBody
	}
	if o.MaxRows == 0 {
		o.MaxRows = 100_000
	}
	if o.MaxReasons == 0 {
		o.MaxReasons = 100
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 256
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = 30 * time.Second
	}
	s := &Server{o: o, slots: make(chan struct{}, o.MaxRequests), log: o.Log}
	s.memories.New = func() any { return new(memory) }
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	seen := map[string]bool{}
	for _, source := range sources {
		key := source.Name + "/" + source.Version
		if seen[key] {
			return nil, fmt.Errorf("there are two models named %s of version %s: give one another name, as NAME=FILE, or version, as NAME/VERSION=FILE", source.Name, source.Version)
		}
		seen[key] = true
		m, err := open(source, o.Background[source.Name])
		if err != nil {
			return nil, err
		}
		s.models = append(s.models, m)
	}
	if len(s.models) == 0 {
		return nil, errors.New("there is no model to serve")
	}
	for name, table := range o.Background {
		if !slices.Contains(s.names(), name) {
			return nil, fmt.Errorf("%s is given as the background of a model %s, and there is no such model; the models are %s", table.Name(), name, strings.Join(s.names(), ", "))
		}
	}
	s.metrics = newMetrics(s)
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	for pattern, f := range map[string]func(*exchange) error{
		"GET /v2":                s.serverMetadata,
		"GET /v2/{$}":            s.serverMetadata,
		"GET /v2/models/{model}": s.modelMetadata,
		"GET /v2/models/{model}/versions/{version}":        s.modelMetadata,
		"GET /v2/models/{model}/ready":                     s.modelReady,
		"GET /v2/models/{model}/versions/{version}/ready":  s.modelReady,
		"POST /v2/models/{model}/infer":                    s.infer,
		"POST /v2/models/{model}/versions/{version}/infer": s.infer,
		"POST /v2/repository/index":                        s.repositoryIndex,
		"GET /v1/models":                                   s.v1List,
		"GET /v1/models/{model}":                           s.v1Model,
		"POST /v1/models/{call}":                           s.v1Predict,
		"POST /invocations":                                s.invocations,
		"POST /predict":                                    s.predict,
		"GET /metrics":                                     s.serveMetrics,
		"GET /openapi.json":                                s.openAPI,
		"GET /{$}":                                         s.page,
		"GET /page/{file}":                                 s.pageFile,
		"/": func(x *exchange) error {
			return refuse(http.StatusNotFound, "there is nothing at %s %s; /openapi.json lists what there is", x.r.Method, x.r.URL.Path)
		},
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.handle(w, r, f) })
	}
	s.mux.HandleFunc("GET /v2/health/live", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"live": true})
	})
	s.mux.HandleFunc("GET /v2/health/ready", func(w http.ResponseWriter, _ *http.Request) {
		status := http.StatusOK
		if s.draining.Load() {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, map[string]bool{"ready": status == http.StatusOK})
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	s.mux.ServeHTTP(w, r)
}

// Drain makes the server report that it is not ready, so that it gets no new requests. It still
// answers those that arrive.
func (s *Server) Drain() { s.draining.Store(true) }

// Watch checks at each interval whether a model's file has changed, and loads the new model if
// it is valid. It stops when ctx ends. Requests in progress keep the model they started with.
func (s *Server) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.Reload()
		}
	}
}

// Reload does what Watch does, once.
func (s *Server) Reload() {
	for _, m := range s.models {
		changed, err := m.reload()
		switch {
		case err != nil:
			s.metrics.reloads.add(m, "failed", 1)
			s.log.Error("the model's file has changed and cannot be used; the old model stays", "model", m.Name, "version", m.Version, "error", err)
		case changed:
			s.metrics.reloads.add(m, "taken", 1)
			s.log.Info("the model's file has changed and was taken", "model", m.Name, "version", m.Version, "weights_sha256", m.now().sha)
		}
	}
}

// exchange is one request and its response.
type exchange struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	id    string
	model *modelFile // once it is known
	rows  int
	held  int64 // bytes reserved for its body

	memory *memory // of a POST
}

// memory is reused by one request after another, so that a request allocates little.
type memory struct {
	body, answer []byte
	rows         rows
	elements     []data.Value // of tensors
}

// release gives an exchange's memory to later ones. Texts are dropped, and so are slices of more
// than most bytes, since few requests are as large as the largest.
func (x *exchange) release() {
	const most, value = 1 << 20, 40 // bytes
	m := x.memory
	if m == nil {
		return
	}
	x.memory = nil
	m.rows.m = nil
	keep(&m.body, most)
	keep(&m.answer, most)
	keep(&m.rows.out, most/8)
	clear(m.rows.values)
	keep(&m.rows.values, most/value)
	keep(&m.rows.numbers, most/8)
	clear(m.elements)
	keep(&m.elements, most/value)
	x.s.memories.Put(m)
}

// keep drops a slice with a capacity of more than most.
func keep[T any](s *[]T, most int) {
	if *s = (*s)[:0]; cap(*s) > most {
		*s = nil
	}
}

// A refusal is an error with the HTTP status of the response.
type refusal struct {
	status int
	error
}

func (r refusal) Unwrap() error { return r.error }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Errorf(format, args...)}
}

// bad returns a refusal of the content of a request.
func bad(format string, args ...any) error { return refuse(http.StatusBadRequest, format, args...) }

// handle does what every request needs besides its own work.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, f func(*exchange) error) {
	begun := time.Now()
	x := &exchange{s: s, w: w, r: r, id: requestID(r)}
	w.Header().Set("X-Request-Id", x.id)
	recorded := &recorder{ResponseWriter: w, status: http.StatusOK}
	x.w = recorded
	defer func() { s.held.Add(-x.held) }()
	if r.Method == http.MethodPost {
		x.memory = s.memories.Get().(*memory)
		defer x.release()
		// This also applies to the rest of a body that is refused.
		http.NewResponseController(w).SetReadDeadline(begun.Add(s.o.BodyTimeout)) // in a test there may be no connection
	}
	err := s.allowed(r)
	if err == nil && r.Method == http.MethodPost {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			w.Header().Set("Retry-After", "1")
			err = refuse(http.StatusServiceUnavailable, "%d requests are being answered already, as many as this server takes at once; try again in a second", s.o.MaxRequests)
		}
	}
	if err == nil {
		err = f(x)
	}
	if err != nil {
		status := http.StatusInternalServerError
		var refused refusal
		if errors.As(err, &refused) {
			status = refused.status
		}
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		if recorded.written == 0 {
			writeJSON(recorded, status, map[string]string{"error": err.Error()})
		}
		recorded.status = status
	}
	took := time.Since(begun)
	if r.Method == http.MethodPost {
		s.metrics.observe(x, recorded.status, took)
	}
	if s.o.LogRequests || recorded.status >= 500 {
		level := slog.LevelInfo
		if recorded.status >= 500 {
			level = slog.LevelError
		}
		attributes := []slog.Attr{
			slog.String("id", x.id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", recorded.status),
			slog.Duration("took", took), slog.Int("rows", x.rows), slog.Int64("bytes", recorded.written), slog.String("from", r.RemoteAddr),
		}
		if err != nil {
			attributes = append(attributes, slog.String("error", err.Error()))
		}
		s.log.LogAttrs(r.Context(), level, "request", attributes...)
	}
}

// recorder records the response.
type recorder struct {
	http.ResponseWriter
	status  int
	written int64
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// requestID returns the ID sent with the request, or a new one.
func requestID(r *http.Request) string {
	const most = 128 // characters
	id := r.Header.Get("X-Request-Id")
	if id != "" && len(id) <= most && strings.IndexFunc(id, func(c rune) bool { return c < '!' || c > '~' }) < 0 {
		return id
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// body reads a request's body, unpacked, up to the limits.
func (x *exchange) body() ([]byte, error) {
	most := x.s.o.MaxBody
	tooLarge := func() error {
		return refuse(http.StatusRequestEntityTooLarge, "the body is larger than the %d bytes that this server takes; send the rows in parts", most)
	}
	if x.r.ContentLength > most {
		return nil, tooLarge()
	}
	limited := http.MaxBytesReader(x.w, x.r.Body, most)
	unpacked, err := unpack(limited, x.r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	room := 512
	if x.r.ContentLength > 0 && x.r.Header.Get("Content-Encoding") == "" {
		room = int(min(x.r.ContentLength, 1<<20)) + 1
	}
	if err := x.hold(room); err != nil {
		return nil, err
	}
	b := slices.Grow(x.memory.body[:0], room)
	defer func() { x.memory.body = b }()
	for {
		n, err := unpacked.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		var over *http.MaxBytesError
		switch {
		case errors.As(err, &over) || int64(len(b)) > most:
			return nil, tooLarge()
		case err == io.EOF:
			http.NewResponseController(x.w).SetReadDeadline(time.Time{})
			return b, nil
		case err != nil:
			x.w.Header().Set("Connection", "close")
			return nil, bad("the body cannot be read: %w", err)
		case len(b) == cap(b):
			if err := x.hold(cap(b)); err != nil { // twice as much in total
				return nil, err
			}
			b = append(make([]byte, 0, 2*cap(b)), b...)
		}
	}
}

// hold reserves memory for a body.
func (x *exchange) hold(bytes int) error {
	x.held += int64(bytes)
	if x.s.held.Add(int64(bytes)) > x.s.o.MaxHeld {
		x.w.Header().Set("Retry-After", "1")
		return refuse(http.StatusServiceUnavailable, "the bodies of other requests fill the %d bytes that this server has for them; try again in a second", x.s.o.MaxHeld)
	}
	return nil
}
