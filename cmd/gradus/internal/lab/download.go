package lab

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/plot"
)

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
		out.Write([]string{strconv.Itoa(p.Epoch), strconv.Itoa(p.Steps), exact(p.Loss), validation, exact(p.LearningRate)})
	}
	out.Flush()
}

// model answers with the current model, as a file in the format of gradus train.
func (s *Server) model(w http.ResponseWriter, r *http.Request, e *entry) {
	m, err := e.Model(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	m.Write(w)
}

// Written is a finished report.
type Written struct {
	HTML []byte
	At   int // updates made
}

// report writes the current state of the session's run as one page. The run may go on meanwhile.
func (s *Session) report(ctx context.Context, _ *Frame) (any, error) {
	s.mu.Lock()
	f, fit := s.frame(), s.run.fit
	m, found := fit.Unscored(), fit.Diagnose()
	s.mu.Unlock()
	if err := fit.Score(ctx, m); err != nil {
		return nil, err
	}
	r := f.Report(m)
	r.Found = option.Findings(found)
	var b bytes.Buffer
	if err := WriteReport(&b, r); err != nil {
		return nil, err
	}
	return &Written{b.Bytes(), f.At}, ctx.Err()
}

// report answers with the finished report.
func (s *Server) report(w http.ResponseWriter, _ *http.Request, e *entry) {
	report, ok := e.Frame().Jobs["report"].result.(*Written)
	if !ok {
		http.Error(w, "no report has been made of this run; make one under Share", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", ReportPolicy)
	w.Write(report.HTML)
}

// figure answers with a single picture of the page.
func (s *Server) figure(w http.ResponseWriter, r *http.Request, e *entry) {
	fig := e.Frame().Figure(r.URL.Query().Get("name"))
	if fig == nil {
		http.Error(w, "there is no such picture", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	plot.Write(w, "svg", fig)
}

// Figure returns the page's picture of that name, or nil if there is none.
func (f *Frame) Figure(name string) plot.Figure {
	switch name {
	case "network":
		n := f.Picture(0, 0)
		n.Bare, n.Title = false, fmt.Sprintf("Row %d, after %s", f.Training.Rows[f.View.Row], plural.Of(f.At, "update"))
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
