// Command service predicts rows over HTTP with a model file, and loads the new model when the file changes,
// without dropping a request:
//
//	go run ./examples/service -listen 127.0.0.1:8080 iris.safetensors
//	curl -d '{"petal_length_cm": 1.4, ...}' http://127.0.0.1:8080/predict
//
// It shows how little code a custom service needs. gradus serve is a service with limits, access control and metrics.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

func main() {
	log.SetFlags(0)
	listen := flag.String("listen", "127.0.0.1:8080", "where to listen")
	every := flag.Duration("reload", time.Second, "how often to look at the file")
	strict := flag.Bool("strict", false, "refuse categories that were not in the training rows")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("name a model file")
	}
	if err := run(*listen, flag.Arg(0), *every, *strict); err != nil {
		log.Fatal(err)
	}
}

func run(listen, path string, every time.Duration, strict bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := &service{path: path, strict: strict}
	if _, err := s.reload(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	go s.watch(ctx, every)
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Shutdown(context.Background()) // lets current requests finish
	}()
	log.Printf("listening on http://%s", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// service answers requests with its current model.
type service struct {
	path    string
	strict  bool
	current atomic.Pointer[model.Model]
	size    int64     // of the file when it was last checked
	changed time.Time // the file's modification time then
}

func (s *service) watch(ctx context.Context, every time.Duration) {
	ticks := time.Tick(every)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		switch taken, err := s.reload(); {
		case err != nil:
			log.Printf("the model stays as it is: %v", err)
		case taken:
			log.Printf("a new model: %s", s.current.Load().WeightsSHA256()[:12])
		}
	}
}

// reload loads the model in the file if the file has changed and the model is sound. A request that has begun
// ends with the model it began with, because it holds a pointer to it.
func (s *service) reload() (taken bool, err error) {
	info, err := os.Stat(s.path)
	if err != nil {
		if s.current.Load() != nil {
			err = nil // the file is being replaced
		}
		return false, err
	}
	if info.Size() == s.size && info.ModTime().Equal(s.changed) {
		return false, nil
	}
	s.size, s.changed = info.Size(), info.ModTime() // so that a broken file is reported once
	m, err := model.Load(s.path)
	if err != nil {
		return false, err
	}
	if err := m.PredictValues(make([]data.Value, len(m.Columns())), make([]float64, m.Outputs())); err != nil {
		return false, fmt.Errorf("%s does not predict a row of missing values: %w", s.path, err)
	}
	if old := s.current.Load(); old != nil && (!slices.Equal(old.Columns(), m.Columns()) || !slices.Equal(old.Classes(), m.Classes())) {
		return false, fmt.Errorf("%s has other columns or classes than the model that is served", s.path)
	}
	s.current.Store(m)
	return true, nil
}

// ServeHTTP answers POST /predict with a model.Prediction, or with the model.RowError that says what is wrong.
// The request's body is a JSON object with a value for each column.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/predict" {
		http.NotFound(w, r)
		return
	}
	var row map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&row); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	p, err := s.current.Load().PredictRow(row, model.PredictOptions{Strict: s.strict})
	var wrong *model.RowError
	switch {
	case errors.As(err, &wrong):
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(wrong)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		json.NewEncoder(w).Encode(p)
	}
}
