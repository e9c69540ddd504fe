package serve

import (
	"strings"
	"testing"
)

// TestMetrics: the metrics count requests, rows, missing cells and unseen cells.
func TestMetrics(t *testing.T) {
	s, _ := served(t, Options{})
	for range 3 {
		call(t, s, "POST", "/predict?model=binary", text(t, someRows))
	}
	call(t, s, "POST", "/predict?model=binary", "{")
	m := call(t, s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`gradus_requests_total{model="binary",version="1",code="200"} 3`, `gradus_rows_total{model="binary",version="1"} 12`,
		`gradus_missing_cells_total{model="binary",version="1",column="x"} 3`, `gradus_unseen_cells_total{model="binary",version="1",column="color"} 3`,
		`gradus_request_seconds_count{model="binary",version="1"} 3`, `gradus_request_seconds_bucket{model="binary",version="1",le="+Inf"} 3`,
	} {
		if !strings.Contains(m, line+"\n") {
			t.Errorf("the metrics lack %s:\n%s", line, m)
		}
	}
}
