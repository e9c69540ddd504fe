package cli

import (
	"context"
	"crypto/tls"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/serve"
)

// serveCmd is "gradus serve MODEL...".
type serveCmd struct {
	Models      []string      `arg:"" name:"model" help:"Model files: FILE, or NAME=FILE, or NAME/VERSION=FILE."`
	Listen      string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen; port 0 takes a free one. Requests need a token unless they come over loopback."`
	Token       string        `env:"GRADUS_TOKEN" help:"The token that requests must send as Authorization: Bearer TOKEN. Default: none on loopback; elsewhere a new one, which is printed."`
	TLSCert     string        `name:"tls-cert" placeholder:"FILE" help:"A certificate in PEM, for HTTPS."`
	TLSKey      string        `name:"tls-key" placeholder:"FILE" help:"Its key."`
	Reload      time.Duration `default:"2s" help:"How often to check whether a model's file has changed; 0 means never."`
	Drain       time.Duration `default:"1s" help:"How long to keep answering after Ctrl-C or SIGTERM while reporting not to be ready. Requests in progress then have 30 s to finish."`
	MaxBody     int64         `default:"32" placeholder:"MIB" help:"The largest body of a request in MiB, unpacked."`
	MaxRows     int           `default:"100000" help:"The most rows in a request."`
	MaxRequests int           `default:"256" help:"The most requests that are answered at the same time; others get the status 503."`
	MaxReasons  int           `default:"100" help:"The most rows in a request that asks for reasons."`
	Background  []string      `sep:"none" placeholder:"FILE" help:"A table, ideally the training table, for requests that ask for reasons: its rows stand for cells that are not known. With several models: NAME=FILE."`
	Strict      bool          `help:"Refuse rows with a category that was not in the training rows, instead of predicting and counting them."`
	LogRequests bool          `help:"Log every request, not only those that fail."`
	LogFormat   string        `default:"text" enum:"text,json" help:"text or json."`
	Pprof       string        `placeholder:"HOST:PORT" help:"Serve Go's profiles at this address, which must be on loopback."`
}

func (c *serveCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	var sources []serve.Source
	for _, m := range c.Models {
		s, err := serve.ParseSource(m)
		if err != nil {
			return usage{err}
		}
		sources = append(sources, s)
	}
	background, err := c.background(sources)
	if err != nil {
		return err
	}
	var handler slog.Handler = slog.NewTextHandler(e.Err, nil)
	if c.LogFormat == "json" {
		handler = slog.NewJSONHandler(e.Err, nil)
	}
	log := slog.New(handler)
	listener, address, local, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	printed := ""
	if !local && c.Token == "" {
		c.Token = lab.NewToken()
		printed = "Requests need the header Authorization: Bearer " + c.Token + "\n"
	}
	s, err := serve.New(sources, serve.Options{
		MaxBody: c.MaxBody << 20, MaxRows: c.MaxRows, MaxReasons: c.MaxReasons, Background: background, MaxRequests: c.MaxRequests, Token: c.Token, AnyHost: !local,
		Log: log, LogRequests: c.LogRequests, Strict: c.Strict, Version: version(),
	})
	if err != nil {
		return err
	}
	listener, scheme, err := c.secure(listener)
	if err != nil {
		return err
	}
	if c.Pprof != "" {
		stop, err := profiles(c.Pprof)
		if err != nil {
			return err
		}
		defer stop()
	}
	// The garbage collector runs when the heap has doubled. The heap of a small model would double hundreds
	// of times a second. With these bytes it doubles only a few times. They are never touched, and so never in memory.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	e.watch()
	e.printf("gradus serve: %s://%s/\n%sCtrl-C ends it.\n", scheme, address, printed)
	return c.answer(e.ctx, s, httpServer(s, slog.NewLogLogger(handler, slog.LevelWarn)), listener, log)
}

// check refuses invalid flags and flags that do not go together.
func (c *serveCmd) check() error {
	switch {
	case c.MaxBody < 1 || c.MaxBody > 1<<20 || c.MaxRows < 1 || c.MaxReasons < 1 || c.MaxRequests < 1:
		return usagef("--max-body, --max-rows, --max-reasons and --max-requests: give whole numbers of at least 1, --max-body in MiB")
	case c.Reload < 0 || c.Drain < 0:
		return usagef("--reload and --drain: give durations such as 2s, or 0")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return usagef("--tls-cert and --tls-key: give both, or neither")
	}
	return nil
}

// secure makes a listener use TLS if there is a certificate, and returns the scheme of its address.
func (c *serveCmd) secure(listener net.Listener) (net.Listener, string, error) {
	if c.TLSCert == "" {
		return listener, "http", nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, "", usagef("--tls-cert %s, --tls-key %s: %w", c.TLSCert, c.TLSKey, err)
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), "https", nil
}

// answer answers requests until ctx ends, and then finishes those in progress.
func (c *serveCmd) answer(ctx context.Context, s *serve.Server, server *http.Server, listener net.Listener, log *slog.Logger) error {
	watched, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer func() {
		cancel()
		watching.Wait() // a model that it has taken is logged
	}()
	if c.Reload > 0 {
		watching.Go(func() { s.Watch(watched, c.Reload) })
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	s.Drain()
	log.Info("draining: not ready any more, requests are still answered", "for", c.Drain)
	select {
	case err := <-done:
		return err
	case <-time.After(c.Drain):
	}
	end, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	if err := server.Shutdown(end); err != nil {
		log.Warn("requests were still in progress and are cut off", "error", err)
		server.Close()
	}
	return nil
}

// background reads the tables of --background, by the model's name.
func (c *serveCmd) background(models []serve.Source) (map[string]*data.Table, error) {
	tables := map[string]*data.Table{}
	for _, path := range c.Background {
		name, file, named := strings.Cut(path, "=")
		if !named {
			name, file = models[0].Name, path
			if slices.ContainsFunc(models, func(m serve.Source) bool { return m.Name != name }) {
				return nil, usagef("--background %s: there are several models: give NAME=FILE, with the model's name", path)
			}
		}
		if tables[name] != nil {
			return nil, usagef("--background %s: the model %s has a background already; give one for each", path, name)
		}
		t, err := data.Read(file, data.ReadOptions{})
		if err != nil {
			return nil, err
		}
		tables[name] = t
	}
	return tables, nil
}

// httpServer returns a server with the limits that apply before a request reaches its handler.
func httpServer(handler http.Handler, errors *log.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: errors,
	}
}

// profiles serves Go's profiles on loopback until stop is called.
func profiles(at string) (stop func() error, err error) {
	listener, _, local, err := listen("--pprof", at)
	if err != nil {
		return nil, err
	}
	if !local {
		listener.Close()
		return nil, usagef("--pprof %s: profiles reveal much about a program, so they are served only on loopback: give an address such as 127.0.0.1:6060", at)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	return server.Close, nil
}
