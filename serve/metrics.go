package serve

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// metrics are the numbers that GET /metrics returns, in Prometheus' text format.
type metrics struct {
	s        *Server
	reloads  counters
	requests counters
	rows     counters
	asked    counters
	latency  map[*modelFile]*histogram
}

// counters count by model and label.
type counters struct {
	mu sync.Mutex
	of map[counterKey]int64
}

type counterKey struct {
	m     *modelFile // nil: the request named none
	label string
}

func (c *counters) add(m *modelFile, label string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[counterKey]int64{}
	}
	c.of[counterKey{m, label}] += n
}

// bounds are the upper bounds of the histogram's buckets in seconds.
var bounds = [...]float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram counts durations by bucket.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Int64
	nanos   atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	i := 0
	for i < len(bounds) && d.Seconds() > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.nanos.Add(int64(d))
}

func newMetrics(s *Server) *metrics {
	m := &metrics{s: s, latency: map[*modelFile]*histogram{}}
	for _, model := range s.models {
		m.latency[model] = &histogram{}
	}
	return m
}

// observe counts a request that was answered.
func (m *metrics) observe(x *exchange, status int, took time.Duration) {
	m.requests.add(x.model, strconv.Itoa(status), 1)
	if x.model != nil {
		m.latency[x.model].add(took)
		if status == http.StatusOK {
			m.rows.add(x.model, "", int64(x.rows))
		}
	}
}

func (s *Server) serveMetrics(x *exchange) error {
	var b strings.Builder
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	of := func(m *modelFile) string {
		if m == nil {
			return `model="",version=""`
		}
		return fmt.Sprintf(`model="%s",version="%s"`, m.Name, m.Version)
	}
	counted := func(c *counters, name, label, help string) {
		head(name, "counter", help)
		c.mu.Lock()
		values := maps.Clone(c.of)
		c.mu.Unlock()
		keys := slices.SortedFunc(maps.Keys(values), func(a, b counterKey) int {
			return strings.Compare(of(a.m)+a.label, of(b.m)+b.label)
		})
		for _, k := range keys {
			labels := of(k.m)
			if label != "" {
				labels += fmt.Sprintf(`,%s="%s"`, label, k.label)
			}
			fmt.Fprintf(&b, "%s{%s} %d\n", name, labels, values[k])
		}
	}
	head("gradus_model_info", "gauge", "The models that are served; always 1.")
	for _, m := range s.models {
		fmt.Fprintf(&b, "gradus_model_info{%s,weights_sha256=\"%s\"} 1\n", of(m), m.now().sha)
	}
	counted(&s.metrics.requests, "gradus_requests_total", "code", "Requests for predictions, by the status of the answer.")
	counted(&s.metrics.rows, "gradus_rows_total", "", "Rows that were predicted.")
	counted(&s.metrics.asked, "gradus_asked_rows_total", "for", "Rows for which more than the prediction was asked: interval, sets or reasons.")
	counted(&s.metrics.reloads, "gradus_reloads_total", "result", "Changes of a model's file: taken, or failed and the old model kept.")
	head("gradus_request_seconds", "histogram", "From a request's header to its answer.")
	for _, m := range s.models {
		h := s.metrics.latency[m]
		sum := int64(0)
		for i := range h.buckets {
			sum += h.buckets[i].Load()
			le := "+Inf"
			if i < len(bounds) {
				le = strconv.FormatFloat(bounds[i], 'g', -1, 64)
			}
			fmt.Fprintf(&b, "gradus_request_seconds_bucket{%s,le=\"%s\"} %d\n", of(m), le, sum)
		}
		fmt.Fprintf(&b, "gradus_request_seconds_sum{%s} %g\ngradus_request_seconds_count{%s} %d\n", of(m), float64(h.nanos.Load())/1e9, of(m), sum)
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for _, kind := range []struct {
		name, help string
		of         func(m *modelFile) []atomic.Int64
	}{
		{"gradus_missing_cells_total", "Cells of requests that were missing, by column.", func(m *modelFile) []atomic.Int64 { return m.missing }},
		{"gradus_unseen_cells_total", "Cells of requests with a category that was not in the training rows, by column.", func(m *modelFile) []atomic.Int64 { return m.unseen }},
	} {
		head(kind.name, "counter", kind.help)
		for _, m := range s.models {
			for i, c := range m.now().columns {
				fmt.Fprintf(&b, "%s{%s,column=\"%s\"} %d\n", kind.name, of(m), escape.Replace(c), kind.of(m)[i].Load())
			}
		}
	}
	head("gradus_requests_in_progress", "gauge", "Requests that are being answered.")
	fmt.Fprintf(&b, "gradus_requests_in_progress %d\n", len(s.slots))
	x.w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = x.w.Write([]byte(b.String())) // the client may have disconnected
	return nil
}
