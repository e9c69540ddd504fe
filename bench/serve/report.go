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

// report has the results so far. It is kept between runs.
type report struct {
	Tables []*tableOf `json:"tables"`
	Rows   float64    `json:"rows"` // per second, of PredictRows; the maximum over all runs
}

// tableOf has a server's lines.
type tableOf struct {
	Server   string   `json:"server"`
	Date     string   `json:"date"`
	Versions []string `json:"versions"`
	Failed   string   `json:"failed,omitempty"`
	Lines    []*line  `json:"lines"`
}

// line is one case of a server, the best of its runs. Other work on the machine makes a figure
// worse and never better.
type line struct {
	Form        string  `json:"form"`
	Rows        int     `json:"rows"`
	Connections int     `json:"connections"`
	Runs        int     `json:"runs"`
	Failed      string  `json:"failed,omitempty"`
	Full        figures `json:"full"` // of the run with the most requests per second
	Half        figures `json:"half"` // at half of that rate, at most 10,000 per second; of the run with the lowest p99 among those that reached the rate
}

// table returns a server's table, with a line for each case.
func (r *report) table(server server) *tableOf {
	i := slices.IndexFunc(r.Tables, func(t *tableOf) bool { return t.Server == server.name })
	if i < 0 {
		t := &tableOf{Server: server.name}
		for _, form := range server.forms {
			for _, rows := range []int{1, 1000} {
				for _, connections := range []int{1, 16, 256} {
					t.Lines = append(t.Lines, &line{Form: form.name, Rows: rows, Connections: connections})
				}
			}
		}
		r.Tables = append(r.Tables, t)
		return t
	}
	return r.Tables[i]
}

// measure measures a server's cases again, first those with the fewest runs.
func (s *suite) measure(ctx context.Context, server server, t *tableOf) error {
	t.Date, t.Versions = time.Now().Format(time.DateOnly), versions(ctx, s)
	port, err := freePort()
	if err != nil {
		return err
	}
	p, err := server.start(ctx, s, port)
	if err != nil {
		return err
	}
	defer p.stop()
	lines := slices.Clone(t.Lines)
	slices.SortStableFunc(lines, func(a, b *line) int { return a.Runs - b.Runs })
	for _, l := range lines {
		rows, err := s.rows(l.Rows)
		if err != nil {
			return err
		}
		form := server.forms[slices.IndexFunc(server.forms, func(f form) bool { return f.name == l.Form })]
		r := form.request(local(port, ""), rows)
		var full, half figures
		if _, err = load(r, l.Connections, 0, s.seconds/4); err == nil { // warm up
			full, err = load(r, l.Connections, 0, s.seconds)
		}
		rate := min(max(full.PerSecond, l.Full.PerSecond)/2, 10_000)
		if err == nil {
			half, err = load(r, l.Connections, rate, s.seconds)
		}
		if ctx.Err() != nil {
			return nil // the program was told to end
		}
		if err != nil {
			if l.Runs == 0 { // figures of an earlier run are kept
				l.Failed = err.Error()
			}
			continue
		}
		l.Failed = ""
		if l.Runs++; l.Runs == 1 || full.PerSecond > l.Full.PerSecond {
			l.Full = full
		}
		if came, before := min(half.PerSecond, 0.95*rate), min(l.Half.PerSecond, 0.95*rate); came > before || came == before && half.P99 < l.Half.P99 {
			l.Half = half
		}
		fmt.Fprintf(os.Stderr, "%s, %s, %d rows, %d connections: %.0f/s, p50 %s, p99 %s; at %.0f/s p99 %s\n", server.name, l.Form, l.Rows, l.Connections,
			full.PerSecond, milli(full.P50), milli(full.P99), half.PerSecond, milli(half.P99))
	}
	return nil
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

// markdown returns SERVE.md.
func (s *suite) markdown(r *report) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Serving, measured

Written by bench/serve. One core of %s serves, another sends: fortio's fast client, over connections that stay open,
each with one request at a time. The net has 10 inputs, 64 and 32 hidden units and one output; a request has 1 or
1,000 rows of examples/data/diabetes.csv. requests/s, p50 and p99 are of as many requests as there can be; the next
two are how many came when half as many were sent, 10,000 a second at most, and their p99. Every answer has the status 200. A measurement takes %v, and a line
is the best of its runs, since the machine and its host are shared.

| server | asked by | rows | connections | requests/s | p50 | p99 | at half load | its p99 | runs |
|---|---|---|---|---|---|---|---|---|---|
`, processor(), s.seconds)
	for _, t := range r.Tables {
		if t.Failed != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", t.Server, strings.ReplaceAll(t.Failed, "\n", " "))
		}
		failed := ""
		for _, l := range t.Lines {
			switch {
			case l.Failed != "" && failed == l.Form: // once is enough
			case l.Failed != "":
				failed = l.Form
				fmt.Fprintf(&b, "| %s | %s | | | fails: %s |\n", t.Server, l.Form, l.Failed)
			case l.Runs > 0:
				fmt.Fprintf(&b, "| %s | %s | %d | %d | %.0f | %s | %s | %.0f | %s | %d |\n", t.Server, l.Form, l.Rows, l.Connections, l.Full.PerSecond, milli(l.Full.P50), milli(l.Full.P99), l.Half.PerSecond, milli(l.Half.P99), l.Runs)
			}
		}
	}
	fmt.Fprintf(&b, "\n`Model.PredictRows`, called with the same 1,000 rows on the server's core, without a server: %.0f rows/s, which would be %.0f requests/s of 1,000 rows.\n", r.Rows, r.Rows/1000)
	if i := len(r.Tables) - 1; i >= 0 {
		fmt.Fprintf(&b, "\nMeasured on %s with %s.\n", r.Tables[i].Date, strings.Join(r.Tables[i].Versions, ", "))
	}
	return b.String()
}
