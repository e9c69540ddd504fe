package optim

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// readOracle reads what testdata/oracle.py wrote: ten steps of torch.optim (for lion, of optax) in float64, and learning rates.
func readOracle(t *testing.T, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

type oracleRule struct {
	Name, Rule                      string
	LR                              float64
	Momentum, Beta1, Beta2, Epsilon *float64
	WeightDecay                     *float64 `json:"weight_decay"`
	L2                              float64
	Gradients, Params               [][]float64
}

func (c oracleRule) parse(t *testing.T) Optimizer {
	t.Helper()
	r, err := ParseOptimizer(c.Rule, Hyper{c.Momentum, c.Beta1, c.Beta2, c.Epsilon, c.WeightDecay})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run makes ten updates of w from the start with the oracle's gradients, in one precision.
func run[T Float](r Optimizer, c oracleRule, start []float64) [][]float64 {
	w, slots := make([]T, len(start)), make([][]T, r.Slots())
	for i := range slots {
		slots[i] = make([]T, len(start))
	}
	for i, v := range start {
		w[i] = T(v)
	}
	var out [][]float64
	g := make([]T, len(start))
	for n, grad := range c.Gradients {
		for i := range grad {
			g[i] = T(grad[i] + c.L2*float64(w[i]))
		}
		Update(r, Step{LearningRate: c.LR, N: n + 1}, w, g, slots)
		row := make([]float64, len(w))
		for i, v := range w {
			row[i] = float64(v)
		}
		out = append(out, row)
	}
	return out
}

func TestRulesAgainstOracle(t *testing.T) {
	var file struct {
		Start []float64
		Rules []oracleRule
	}
	readOracle(t, &file)
	covered := map[string]bool{}
	for _, c := range file.Rules {
		r := c.parse(t)
		covered[c.Rule] = true
		for _, p := range []struct {
			name string
			got  [][]float64
			tol  float64
		}{
			{"float64", run[float64](r, c, file.Start), 1e-12},
			{"float32", run[float32](r, c, file.Start), 1e-5},
		} {
			for n := range c.Params {
				for i, want := range c.Params[n] {
					if got := p.got[n][i]; !(math.Abs(got-want) <= p.tol*max(1, math.Abs(want))) {
						t.Errorf("%s in %s, step %d: w[%d] = %v, want %v", c.Name, p.name, n+1, i, got, want)
					}
				}
			}
		}
	}
	for _, name := range Optimizers() {
		if !covered[name] {
			t.Errorf("the oracle has no %s", name)
		}
	}
}

func TestSchedulesAgainstOracle(t *testing.T) {
	var file struct {
		Schedules []struct {
			Name                        string
			Base                        float64
			Epochs, Warmup, Rows, Every int
			PerEpoch                    int `json:"steps_per_epoch"`
			Scores, Rates               []float64
		}
	}
	readOracle(t, &file)
	covered := map[string]bool{}
	for _, c := range file.Schedules {
		s, err := ParseSchedule(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(c.Name, ":")
		covered[name] = true
		at := Position{StepsPerEpoch: c.PerEpoch, Epochs: c.Epochs, Rows: c.Rows}
		for i, want := range c.Rates {
			at.Step = i * c.Every
			if got := RateAt(s, c.Warmup, c.Base, at); !(math.Abs(got-want) <= 2e-16+1e-15*want) {
				t.Errorf("%s with a warm-up of %d, update %d: the rate is %v, want %v", c.Name, c.Warmup, at.Step, got, want)
			}
			if w, ok := s.(Watcher); ok {
				at.Scores = w.Watch(at.Scores, c.Scores[i])
			}
		}
	}
	for _, name := range Schedules() {
		if !covered[name] {
			t.Errorf("the oracle has no %s", name)
		}
	}
}

func TestParseErrors(t *testing.T) {
	x := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name string
		h    Hyper
		want string
	}{
		{"sdg", Hyper{}, `optimizer "sdg" is not known; choose one of sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, nadam, adamw, lion`},
		{"sgd", Hyper{Momentum: x(0.9)}, "the optimizer sgd has no momentum"},
		{"adam", Hyper{WeightDecay: x(0.1)}, "the optimizer adam has no weight-decay"},
		{"momentum", Hyper{Momentum: x(1)}, "momentum is 1; it must be at least 0 and less than 1"},
		{"adam", Hyper{Beta2: x(math.NaN())}, "beta2 is NaN; it must be at least 0 and less than 1"},
		{"adam", Hyper{Epsilon: x(0)}, "epsilon is 0; it must be greater than 0"},
		{"adamw", Hyper{WeightDecay: x(-1)}, "weight-decay is -1; it must be at least 0"},
	} {
		if _, err := ParseOptimizer(c.name, c.h); err == nil || err.Error() != c.want {
			t.Errorf("ParseOptimizer(%q, %+v) = %v, want %s", c.name, c.h, err, c.want)
		}
	}
	for _, s := range []string{"stairs", "constant:1", "step:0", "step:1.5", "step:3:2", "exponential:0", "cosine:-1", "cosine:x", "step:3:.5:1",
		"inverse:0", "polynomial:-1", "cosine-restarts:0", "cosine-restarts:2:1.5", "one-cycle:2", "one-cycle:.3:0.5", "plateau:1:0", "plateau:1:1:1:1"} {
		if _, err := ParseSchedule(s); err == nil {
			t.Errorf("ParseSchedule(%q) succeeded, want an error", s)
		}
	}
	for _, s := range []string{"constant", "step:30:0.1", "exponential:0.95", "cosine", "cosine:0.1", "inverse:0.5",
		"polynomial:2:0.1", "cosine-restarts:10:2:0", "one-cycle:0.3:25:10000", "plateau:10:0.1:0"} {
		got, err := ParseSchedule(s)
		if err != nil || got.String() != s {
			t.Errorf("ParseSchedule(%q) = %v, %v, want the same name and no error", s, got, err)
		}
	}
}

func TestUpdateAllocatesNothing(t *testing.T) {
	for _, name := range Optimizers() {
		r, err := ParseOptimizer(name, Hyper{})
		if err != nil {
			t.Fatal(err)
		}
		w, g, slots := make([]float32, 64), make([]float32, 64), [][]float32{make([]float32, 64), make([]float32, 64), make([]float32, 64)}
		n := 0
		if a := testing.AllocsPerRun(100, func() {
			n++
			Update(r, Step{LearningRate: 0.1, N: n}, w, g, slots[:r.Slots()])
		}); a != 0 {
			t.Errorf("%s allocates %v times in an update, want 0", name, a)
		}
	}
}
