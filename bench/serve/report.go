package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

var (
	allRows        = []int{1, 1000}
	allConnections = []int{1, 16, 256}
)

// report is what has been measured, kept between runs.
type report struct {
	Tables []tableOf `json:"tables"`
	Rows   float64   `json:"rows"` // a second, of PredictRows
}

// tableOf are a server's lines.
type tableOf struct {
	Server   string   `json:"server"`
	Date     string   `json:"date"`
	Versions []string `json:"versions"`
	Failed   string   `json:"failed,omitempty"`
	Lines    []line   `json:"lines"`
}

// line is one case of a server.
type line struct {
	Form   string  `json:"form"`
	Rows   int     `json:"rows"`
	Failed string  `json:"failed,omitempty"`
	Full   figures `json:"full"`
	Half   figures `json:"half"` // at half the requests a second, 10,000 at most
}

// measure measures the cases of a server that are not in the report yet, or were disturbed, and
// calls save after each.
func (s *suite) measure(ctx context.Context, server server, before tableOf, save func(tableOf)) tableOf {
	t := tableOf{Server: server.name, Date: time.Now().Format(time.DateOnly), Versions: versions(ctx, s)}
	quiet := func(form string, rows, connections int) *line {
		for i, l := range before.Lines {
			if l.Form == form && l.Rows == rows && l.Full.Connections == connections && l.Failed == "" && max(l.Full.Others, l.Half.Others) < disturbed {
				return &before.Lines[i]
			}
		}
		return nil
	}
	missing := 0
	for _, f := range server.forms {
		for _, n := range allRows {
			for _, c := range allConnections {
				if quiet(f.name, n, c) == nil {
					missing++
				}
			}
		}
	}
	if missing == 0 {
		return before
	}
	port, err := freePort()
	if err != nil {
		t.Failed = err.Error()
		return t
	}
	p, err := server.start(ctx, s, port)
	if err != nil {
		t.Failed = err.Error()
		return t
	}
	defer p.stop()
	pid := p.cmd.Process.Pid // taskset becomes the server
	for _, form := range server.forms {
		for _, n := range allRows {
			rows, err := s.rows(n)
			if err != nil {
				t.Failed = err.Error()
				return t
			}
			r := form.request(local(port, ""), rows)
			_, err = load(r, 4, 0, s.seconds/4) // warm
			for _, connections := range allConnections {
				if ctx.Err() != nil {
					return t
				}
				if l := quiet(form.name, n, connections); l != nil {
					t.Lines = append(t.Lines, *l)
					continue
				}
				l := line{Form: form.name, Rows: n}
				var full, half []figures
				for range s.rounds {
					var f figures
					if err == nil {
						f, err = s.quiet(pid, func() (figures, error) { return load(r, connections, 0, s.seconds) })
						full = append(full, f)
					}
					if err == nil {
						rate := min(f.PerSecond/2, 10_000)
						f, err = s.quiet(pid, func() (figures, error) { return load(r, connections, rate, s.seconds) })
						half = append(half, f)
					}
				}
				if ctx.Err() != nil {
					return t
				}
				if err != nil {
					l.Failed = err.Error()
					t.Lines = append(t.Lines, l)
					break
				}
				l.Full, l.Half = median(full), median(half)
				t.Lines = append(t.Lines, l)
				save(t)
				fmt.Fprintf(os.Stderr, "%s, %s, %d rows, %d connections: %.0f/s, p50 %s, p99 %s; at half p99 %s; others took %.0f and %.0f %% of a core\n", server.name, form.name, n, connections,
					l.Full.PerSecond, milli(l.Full.P50), milli(l.Full.P99), milli(l.Half.P99), 100*l.Full.Others, 100*l.Half.Others)
			}
		}
	}
	return t
}

func (r *report) of(name string) tableOf {
	for _, t := range r.Tables {
		if t.Server == name {
			return t
		}
	}
	return tableOf{}
}

// put adds a table, with what was measured before of cases that it lacks.
func (r *report) put(t tableOf) {
	for _, old := range r.of(t.Server).Lines {
		if !slices.ContainsFunc(t.Lines, func(l line) bool {
			return l.Form == old.Form && l.Rows == old.Rows && l.Full.Connections == old.Full.Connections
		}) {
			t.Lines = append(t.Lines, old)
		}
	}
	for i := range r.Tables {
		if r.Tables[i].Server == t.Server {
			r.Tables[i] = t
			return
		}
	}
	r.Tables = append(r.Tables, t)
}

func (s *suite) readReport() (*report, error) {
	r := &report{}
	raw, err := os.ReadFile(s.path("report.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(raw, r)
}

func (s *suite) writeReport(r *report) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("report.json"), b, 0o666)
}

func milli(seconds float64) string { return fmt.Sprintf("%.3g ms", 1000*seconds) }

// markdown is SERVE.md.
func (s *suite) markdown(r *report) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Serving, measured

Written by bench/serve. One core of %s serves, another sends: fortio's fast client, over connections that stay open,
each with one request at a time. The net has 10 inputs, 64 and 32 hidden units and one output; a request has 1 or
1,000 rows of examples/data/diabetes.csv. The first three figures are of as many requests as there can be, the last is
the 99th percentile at half as many, 10,000 a second at most. Every answer has the status 200. A measurement takes %v;
the last column is what other programs took of the machine's cores meanwhile, in percent of one.

| server | asked by | rows | connections | requests/s | p50 | p99 | p99 at half load | others |
|---|---|---|---|---|---|---|---|---|
`, processor(), s.seconds)
	for _, t := range r.Tables {
		if t.Failed != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", t.Server, strings.ReplaceAll(t.Failed, "\n", " "))
		}
		for _, l := range t.Lines {
			if l.Failed != "" {
				fmt.Fprintf(&b, "| %s | %s | %d | | fails: %s |\n", t.Server, l.Form, l.Rows, l.Failed)
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %.0f | %s | %s | %s |\n", t.Server, l.Form, l.Rows, l.Full.Connections, l.Full.PerSecond, milli(l.Full.P50), milli(l.Full.P99), milli(l.Half.P99))
		}
	}
	fmt.Fprintf(&b, "\nModel.PredictRows, called with the same 1,000 rows on the server's core, without a server: %.0f rows/s, which would be %.0f requests/s of 1,000 rows.\n", r.Rows, r.Rows/1000)
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n- %s: measured on %s (%s).", t.Server, t.Date, strings.Join(t.Versions, ", "))
	}
	return b.String() + "\n"
}
