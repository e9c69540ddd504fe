package lab

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/optim"
)

var ctx = context.Background()

func newSession(t *testing.T, example string) *Session {
	t.Helper()
	s, err := NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.LoadExample(example); err != nil {
		t.Fatal(err)
	}
	return s
}

func params(s *Session) []float64 { return s.Frame().Net.Params() }

// bits compares to the last bit.
func bits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// plain trains as gradus train does and returns the parameters after so many updates.
func plain(t *testing.T, s Setup, table *data.Table, updates int) []float64 {
	t.Helper()
	o := s.Options
	none := 0
	o.Patience = &none
	f, err := model.Prepare(model.Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if updates > 0 {
		for _, err := range f.Steps(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == updates {
				break
			}
		}
	}
	if n != updates {
		t.Fatalf("only %d updates", n)
	}
	return f.Network().Params()
}

// A thousand updates forwards and back again to the start: the same bits at every place, for
// every method, and for rules that remember.
func TestThousandStepsAndBackAgain(t *testing.T) {
	cases := []struct {
		example string
		change  map[string]string
	}{
		{"notebook", nil},
		{"notebook-stochastic", nil},
		{"notebook-mini-batch", map[string]string{"optimizer": "adam", "lr": "0.01", "tolerance": ""}},
		{"notebook-per-sample", map[string]string{"tolerance": "1e-12", "lr": "0.5", "epochs": "300"}},
		{"circles", map[string]string{"precision": "float32", "schedule": "cosine"}},
		{"spirals", map[string]string{"validation": "0.2"}},
	}
	for _, c := range cases {
		t.Run(c.example, func(t *testing.T) {
			s := newSession(t, c.example)
			if err := s.Change(c.change); err != nil {
				t.Fatal(err)
			}
			start := params(s)
			seen := map[int][]float64{0: start}
			for range 1000 {
				s.Batch()
				f := s.Frame()
				seen[f.At] = f.Net.Params()
			}
			if len(seen) != 1001 {
				t.Fatalf("%d places after 1000 updates", len(seen))
			}
			if want := plain(t, s.Frame().Setup, s.table, 1000); !bits(seen[1000], want) {
				t.Error("after 1000 updates the weights differ from those of a plain run")
			}
			for _, n := range []int{999, 998, 512, 511, 37, 1, 0, 640, 3, 1000} {
				if err := s.Goto(ctx, n); err != nil {
					t.Fatal(err)
				}
				f := s.Frame()
				if f.At != n || f.Most != 1000 {
					t.Fatalf("at update %d of %d, asked for %d of 1000", f.At, f.Most, n)
				}
				if !bits(f.Net.Params(), seen[n]) {
					t.Errorf("back at update %d the weights are others", n)
				}
			}
			for range 20 {
				if err := s.Back(ctx); err != nil {
					t.Fatal(err)
				}
				if f := s.Frame(); !bits(f.Net.Params(), seen[f.At]) {
					t.Errorf("one back, at update %d, the weights are others", f.At)
				}
			}
			if err := s.Goto(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if !bits(params(s), start) {
				t.Error("back at the start the weights are others")
			}
		})
	}
}

// Sample looks at the rows of a batch in turn and makes the update after the last.
func TestSampleByRows(t *testing.T) {
	s := newSession(t, "notebook-mini-batch")
	for update := range 6 {
		next := s.Frame().Next
		for i, row := range next {
			s.Sample()
			f := s.Frame()
			if f.View.Row != row {
				t.Fatalf("row %d is shown, the next was %d", f.View.Row, row)
			}
			if want := update + (i+1)/len(next); f.At != want {
				t.Fatalf("after row %d of %d: update %d, not %d", i+1, len(next), f.At, want)
			}
		}
	}
	s.Sample()
	if err := s.Back(ctx); err != nil {
		t.Fatal(err)
	}
	if f := s.Frame(); f.At != 6 || f.Seen != 0 {
		t.Errorf("back from looking at a row stands at update %d, row %d", f.At, f.Seen)
	}
}

// What the page says the next update will do is what it does, whatever the rule, and each new
// number in the rule's equations is one that the run has.
func TestComingIsWhatComes(t *testing.T) {
	type coming struct {
		example string
		change  map[string]string
	}
	var cases []coming
	for _, e := range Examples() {
		cases = append(cases, coming{e.Name, nil})
	}
	for _, rule := range slices.Concat(optim.Rules(), optim.Solvers()) {
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
				t.Fatalf("%v: nothing is coming", c)
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
				t.Errorf("%v: the weight is %v, the page had said %v", c, got, p.After)
			}
			if f.Last.Loss != p.Loss || f.Last.Rate != p.Rate {
				t.Errorf("%v: the batch's loss was %v at rate %v, the page had said %v and %v", c, f.Last.Loss, f.Last.Rate, p.Loss, p.Rate)
			}
		}
	}
}

// The rows listed for an update are what its gradient is made of: with the reduction sum and no
// batch normalisation they add up to it.
func TestRowsAddUpToTheGradient(t *testing.T) {
	for _, change := range []map[string]string{
		nil, {"dropout": "0.4", "input-dropout": "0.2"}, {"norm": "layer"}, {"class-weight": "outer=3"},
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
		for _, r := range f.Coming().Rows {
			sum += r.Gradient
		}
		if g := f.Preview.Gradient; math.Abs(sum-g) > 1e-12*math.Abs(g) {
			t.Errorf("%v: the rows add up to %v, the gradient is %v", change, sum, g)
		}
	}
}

// Frames, and a viewer who never looks at them, do not change a run or hold it up.
func TestRunWhileLooking(t *testing.T) {
	s := newSession(t, "circles")
	leave := s.Watch()
	defer leave()
	s.Run(Full)
	deadline := time.Now().Add(30 * time.Second)
	for s.Frame().Ended == "" {
		if time.Now().After(deadline) {
			t.Fatal("the run has not ended")
		}
		Render(s.Frame())
	}
	f := s.Frame()
	if f.Running || f.At != 1600 {
		t.Errorf("running %v at update %d of 1600", f.Running, f.At)
	}
	if !bits(f.Net.Params(), plain(t, f.Setup, s.table, 1600)) {
		t.Error("the weights differ from those of a plain run")
	}
}

func TestBreakpoints(t *testing.T) {
	wait := func(s *Session) *Frame {
		t.Helper()
		for range 3000 {
			if f := s.Frame(); !f.Running {
				return f
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatal("Run never pauses")
		return nil
	}
	s := newSession(t, "notebook")
	limit := 0.09
	s.SetBreakpoints(Breakpoints{Loss: &limit})
	s.Run(Full)
	f := wait(s)
	before := plain(t, f.Setup, s.table, f.At-1)
	if f.Loss > limit || !strings.Contains(f.Note, "loss") {
		t.Errorf("paused at the loss %v, saying %q", f.Loss, f.Note)
	}
	s2 := newSession(t, "notebook")
	if err := s2.Goto(ctx, f.At-1); err != nil || !bits(params(s2), before) {
		t.Fatal(err)
	}
	if loss := s2.Frame().Loss; loss <= limit {
		t.Errorf("the update before had the loss %v: it should have paused there", loss)
	}
	weight := 3.0
	s.SetBreakpoints(Breakpoints{Weight: &weight})
	s.Run(Full)
	if f := wait(s); !slices.ContainsFunc(f.Net.Params(), func(w float64) bool { return math.Abs(w) >= 3 }) {
		t.Errorf("paused with weights %v, saying %q", f.Net.Params(), f.Note)
	}
	s = newSession(t, "notebook-one-2000")
	s.SetBreakpoints(Breakpoints{Dead: true})
	s.Run(Full)
	if f := wait(s); !strings.Contains(f.Note, "no gradient") && f.Ended == "" {
		t.Errorf("paused saying %q, ended %q", f.Note, f.Ended)
	}
}
