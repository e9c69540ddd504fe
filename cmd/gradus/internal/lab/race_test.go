package lab

import (
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/train"
)

// A lane's name says what it runs: method, batch size, optimizer and rate.
func TestLanesSayWhatTheyRun(t *testing.T) {
	for _, c := range []struct {
		example string
		change  map[string]string
		kind    string
		want    []string
	}{
		{"notebook", nil, raceMethods, []string{"batch, sgd, rate 3", "stochastic, sgd, rate 3", "mini-batch of 2, sgd, rate 3"}},
		{"notebook-per-sample", nil, raceMethods, []string{"batch, sgd, rate 80", "stochastic, sgd, rate 80", "mini-batch of 2, sgd, rate 80", "per-sample, sgd, rate 80"}},
		{"notebook-per-sample", nil, raceRates, []string{"per-sample, sgd, rate 8", "per-sample, sgd, rate 80", "per-sample, sgd, rate 240", "per-sample, sgd, rate 800"}},
		{"circles", map[string]string{"momentum": "0.5"}, raceOptimizers, []string{"mini-batch of 20, sgd, rate 1", "mini-batch of 20, momentum 0.5, rate 0.1", "mini-batch of 20, nesterov, rate 0.1", "mini-batch of 20, adam, rate 0.05"}},
		{"circles", map[string]string{"norm": "batch"}, raceMethods, []string{"batch, momentum, rate 0.1", "mini-batch of 20, momentum, rate 0.1"}},
		{"circles", map[string]string{"optimizer": "lion", "lr": ""}, raceOptimizers, []string{"mini-batch of 20, lion, rate 0.0001", "mini-batch of 20, sgd, rate 0.01", "mini-batch of 20, momentum, rate 0.01", "mini-batch of 20, nesterov, rate 0.01", "mini-batch of 20, adam, rate 0.001"}},
		{"circles", map[string]string{"optimizer": "lbfgs", "lr": "", "method": "auto"}, raceOptimizers, []string{"batch, lbfgs", "batch, sgd, rate 0.01", "batch, momentum, rate 0.01", "batch, nesterov, rate 0.01", "batch, adam, rate 0.001"}},
	} {
		s := newSession(t, c.example)
		if err := s.Change(c.change); err != nil {
			t.Fatal(err)
		}
		f := s.Frame()
		result, err := race(c.kind)(ctx, f)
		if err != nil {
			t.Fatalf("%s %s: %v", c.example, c.kind, err)
		}
		r := result.(*Raced)
		var got []string
		for i, track := range r.Tracks {
			got = append(got, track.Name)
			if method, _, _ := strings.Cut(track.Name, " "); train.Method(strings.TrimSuffix(method, ",")) != r.Lanes[i].Config.Method {
				t.Errorf("the lane %q runs %s", track.Name, r.Lanes[i].Config.Method)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s: the lanes are %q, want %q", c.example, c.kind, got, c.want)
		}
		if !strings.Contains(r.Common, "epoch") {
			t.Errorf("the settings that all lanes share are %q, want the epochs among them", r.Common)
		}
	}
	s := newSession(t, "circles")
	if err := s.Change(map[string]string{"optimizer": "lbfgs", "lr": "", "method": "auto"}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{raceMethods, raceRates} {
		if _, err := race(kind)(ctx, s.Frame()); err == nil || !strings.Contains(err.Error(), "lbfgs") {
			t.Errorf("a race of %s with lbfgs: got %v, want an error that names lbfgs", kind, err)
		}
	}
}
