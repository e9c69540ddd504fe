package serve

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestStrict: a strict server refuses a category that was not in the training rows, and names its row.
func TestStrict(t *testing.T) {
	body := `[{"x":1,"color":"red","flag":true,"day":"2024-02-03"},{"x":null,"color":"mauve","flag":true,"day":"2024-02-03"}]`
	for _, strict := range []bool{false, true} {
		s, _ := served(t, Options{Strict: strict})
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "http://127.0.0.1/predict?model=binary&counts=true", strings.NewReader(body))
		s.ServeHTTP(w, r)
		status, words := 200, `"unseen.color":1`
		if strict {
			status, words = 400, `row 1: column \"color\": the value \"mauve\" is a category that was not in the training rows`
		}
		if w.Code != status || !strings.Contains(w.Body.String(), words) {
			t.Errorf("strict %v: got the wrong answer %d %s", strict, w.Code, w.Body)
		}
	}
}
