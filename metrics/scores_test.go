package metrics

import (
	"encoding/json"
	"math"
	"testing"
)

func TestScoresKeepTheirOrder(t *testing.T) {
	var s Scores
	for i, name := range []string{"r2", "mine", "auc", "loss", "accuracy", "yours", "rmse", "auc"} {
		s.Set(name, float64(i))
	}
	raw, err := json.Marshal(s)
	const want = `{"loss":3,"accuracy":4,"auc":7,"rmse":6,"r2":0,"mine":1,"yours":5}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v, want %s", raw, err, want)
	}
	if v, ok := s.Get("rmse"); v != 6 || !ok {
		t.Errorf("rmse = %v, %v, want 6", v, ok)
	}
	if v, ok := s.Get("mae"); ok {
		t.Errorf("mae = %v, want none", v)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Report
		want string
	}{
		{"nothing", Report{}, `{}`},
		{"scores", Report{Scores: Scores{{"accuracy", 0.97}, {"log_loss", math.NaN()}, {"mae", math.Inf(1)}, {`a "b"`, 1e-300}}},
			`{"accuracy":0.97,"log_loss":null,"mae":null,"a \"b\"":1e-300}`},
		{"confusion", Report{Scores: Scores{{"auc", 0.5}}, Confusion: [][]float64{{16, 8}, {3, 13.25}}},
			`{"auc":0.5,"confusion":[[16,8],[3,13.25]]}`},
		{"confusion alone", Report{Confusion: [][]float64{{1}}}, `{"confusion":[[1]]}`},
		{"outputs", Report{Scores: Scores{{"rmse", 2}}, Outputs: []Report{{Scores: Scores{{"rmse", 1}}}, {Scores: Scores{{"rmse", math.NaN()}}}}},
			`{"rmse":2,"outputs":[{"rmse":1},{"rmse":null}]}`},
	} {
		raw, err := json.Marshal(c.r)
		if err != nil || string(raw) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, raw, err, c.want)
			continue
		}
		var back Report
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Errorf("%s: reading it back: %v", c.name, err)
			continue
		}
		if again, err := json.Marshal(back); err != nil || string(again) != c.want {
			t.Errorf("%s, read back: %s, %v, want %s", c.name, again, err, c.want)
		}
	}
	for _, bad := range []string{`[]`, `7`, `{"auc":"high"}`, `{"confusion":3}`, `{"outputs":[1]}`} {
		var r Report
		if err := json.Unmarshal([]byte(bad), &r); err == nil {
			t.Errorf("reading %s succeeded, want an error", bad)
		}
	}
	var s Scores
	if err := json.Unmarshal([]byte(`{"auc":null,"loss":2}`), &s); err != nil || len(s) != 2 || s[0] != (Score{"loss", 2}) || !math.IsNaN(s[1].Value) {
		t.Errorf(`got %v, %v, want no error and len(s) = 2 and s[0] = (Score{"loss", 2}) and math.IsNaN(s[1].Value)`, s, err)
	}
}
