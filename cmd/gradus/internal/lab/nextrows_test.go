package lab

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/optim"
)

// The next update does what the page says, with any optimizer. Each new number in the optimizer's
// equations is a number of the run.
func TestNextRows(t *testing.T) {
	type coming struct {
		example string
		change  map[string]string
	}
	var cases []coming
	for _, e := range Examples() {
		cases = append(cases, coming{e.Name, nil})
	}
	for _, rule := range slices.Concat(optim.Optimizers(), optim.Solvers()) {
		cases = append(cases, coming{"circles", map[string]string{"optimizer": rule, "lr": "", "method": "auto"}})
	}
	cases = append(cases,
		coming{"circles", map[string]string{"norm": "batch", "dropout": "0.3"}},
		coming{"circles", map[string]string{"norm": "layer", "input-dropout": "0.3", "precision": "float32", "class-weight": "balanced"}},
		coming{"notebook", map[string]string{"l1": "0.01", "l2": "0.1", "weight-decay": "0.01", "clip-value": "0.01", "max-norm": "1", "optimizer": "momentum"}},
		coming{"notebook", map[string]string{"optimizer": "rmsprop", "momentum": "0.5", "lr": "0.01", "warmup": "9", "schedule": "plateau"}},
	)
	for _, c := range cases {
		s := newSession(t, c.example)
		if err := s.Change(c.change); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			f := s.Frame()
			p := f.Preview
			if p == nil && f.Next == nil {
				break // the run has ended
			}
			if p == nil {
				t.Fatalf("%v: the page has no next update", c)
			}
			text := Render(f)["panel"]
			for what, want := range map[string]string{
				"the next weight": `id="next" data-value="` + full(p.After) + `"`, "the rule": `id="rule"`,
			} {
				if !strings.Contains(text, want) && (what != "the rule" || f.Fit.Config().Solver == nil) {
					t.Errorf("%v: the page lacks %s: %s", c, what, text)
				}
			}
			for _, v := range append([]float64{p.After}, p.StateAfter...) {
				if v := math.Abs(v); f.Fit.Config().Solver == nil && v != 0 && !strings.Contains(text, full(v)) {
					t.Errorf("%v: the equations lack %v: %s", c, v, text)
				}
			}
			s.Batch()
			f = s.Frame()
			i, _ := f.Net.Index(f.View.Weight.Layer, f.View.Weight.In, f.View.Weight.Unit)
			if got := f.Net.Params()[i]; got != p.After {
				t.Errorf("%v: the weight is %v, want the announced %v", c, got, p.After)
			}
			if f.Last.Loss != p.Loss || f.Last.LearningRate != p.Rate {
				t.Errorf("%v: the batch's loss was %v at rate %v, want the announced %v and %v", c, f.Last.Loss, f.Last.LearningRate, p.Loss, p.Rate)
			}
		}
	}
}

// With the reduction sum and no batch normalization, the gradients of an update's rows add up to the
// update's gradient.
func TestRowsAddUpToTheGradient(t *testing.T) {
	for _, change := range []map[string]string{
		nil, {"dropout": "0.4", "input-dropout": "0.2"}, {"norm": "layer"}, {"class-weight": "outer=3"}, {"label-smoothing": "0.3"},
	} {
		s := newSession(t, "circles")
		if err := s.Change(map[string]string{"reduction": "sum", "batch-size": "8", "lr": "0.001"}); err == nil {
			err = s.Change(change)
			if err != nil {
				t.Fatal(err)
			}
		}
		s.Batch()
		f := s.Frame()
		sum := 0.0
		for _, r := range f.NextRows().Rows {
			sum += r.Gradient
		}
		if g := f.Preview.Gradient; math.Abs(sum-g) > 1e-12*math.Abs(g) {
			t.Errorf("%v: the rows add up to %v, want the gradient %v", change, sum, g)
		}
	}
}

// The table of equations has every optimizer, and nothing else.
func TestEveryOptimizerHasEquations(t *testing.T) {
	found := 0
	for _, name := range optim.Optimizers() {
		for _, momentum := range []*float64{nil, new(0.5)} {
			r, err := optim.ParseOptimizer(name, optim.Hyper{Momentum: momentum})
			if err != nil || momentum != nil && name != "rmsprop" {
				continue // it has no momentum, or always has one
			}
			found++
			if of := updateOf(r); len(of.equations) == 0 || len(of.slots) != r.Slots() {
				t.Errorf("%s: %d equations, and letters for %d of %d vectors of state", name, len(of.equations), len(of.slots), r.Slots())
			}
		}
	}
	if found != len(updates) {
		t.Errorf("the table has %d lines, and there are %d optimizers with and without momentum", len(updates), found)
	}
}
