package lab

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

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

// Each breakpoint stops Run and a step by an epoch, says which it was, lets the next Run go on
// although it still holds, and is gone when it is cleared.
func TestEachBreakpointStopsRunAndEpoch(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		name    string
		example string
		change  map[string]string
		set     Breakpoints
		says    string
	}{
		{"loss", "circles", nil, Breakpoints{Loss: number(0.6)}, "Breakpoint: the loss is "},
		{"weight", "circles", nil, Breakpoints{Weight: number(1.5)}, "Breakpoint: the weight "},
		{"dead", "circles", map[string]string{"activation": "relu", "lr": "20", "optimizer": "sgd"}, Breakpoints{Dead: true}, "is dead"},
		{"dead", "circles", map[string]string{"activation": "relu", "lr": "20", "optimizer": "sgd"}, Breakpoints{Dead: true, Loss: number(-1), Weight: number(1e9)}, "is dead"},
	} {
		holds := func(f *Frame) bool {
			switch c.name {
			case "loss":
				return f.Loss <= *c.set.Loss
			case "weight":
				return slices.ContainsFunc(f.Net.Params(), func(w float64) bool { return math.Abs(w) >= *c.set.Weight })
			}
			cfg := f.Fit.Config()
			return slices.ContainsFunc(examine(f.Net, cfg.Loss, cfg.Reduction, f.Training).Units, func(u UnitHealth) bool { return u.Dead })
		}
		for _, way := range []string{"run", "epoch"} {
			s := newSession(t, c.example)
			if err := s.Change(c.change); err != nil {
				t.Fatal(err)
			}
			s.SetBreakpoints(c.set)
			f := s.Frame()
			if holds(f) {
				t.Fatalf("%s: it holds from the start", c.name)
			}
			if way == "run" {
				s.Run(Full)
				for begun := time.Now(); s.Frame().Running && time.Since(begun) < 30*time.Second; {
					time.Sleep(time.Millisecond)
				}
			} else {
				for range 200 {
					if err := s.Epoch(ctx); err != nil {
						t.Fatal(err)
					}
					if s.Frame().Broke != "" {
						break
					}
				}
			}
			f = s.Frame()
			if f.Running || f.Broke != c.name || !strings.Contains(f.Note, c.says) || !holds(f) {
				t.Fatalf("%s by %s: at update %d, broke %q, told %q", c.name, way, f.At, f.Broke, f.Note)
			}
			at := f.At
			s2 := newSession(t, c.example)
			if err := s2.Change(c.change); err != nil {
				t.Fatal(err)
			}
			for range at - 1 {
				s2.Batch()
				if holds(s2.Frame()) {
					t.Fatalf("%s by %s: it stopped at update %d, and held at %d", c.name, way, at, s2.Frame().At)
				}
			}
			if err := s.Epoch(ctx); err != nil || s.Frame().At <= at {
				t.Errorf("%s by %s: it cannot be passed: %v", c.name, way, err)
			}
			if err := s.Goto(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if err := s.Goto(ctx, at+2); err != nil || s.Frame().At != at+2 || s.Frame().Broke != "" {
				t.Errorf("%s: the timeline stops at it: %v", c.name, err)
			}
			if err := s.change(func(name string) string {
				return map[string]string{"field": c.name}[name]
			}); err != nil {
				t.Fatal(err)
			}
			if b := s.Frame().Breaks; b.Loss != nil && c.name == "loss" || b.Weight != nil && c.name == "weight" || b.Dead && c.name == "dead" {
				t.Errorf("%s: cleared, there is %+v", c.name, b)
			}
			if err := s.change(func(name string) string { return map[string]string{"field": "all"}[name] }); err != nil {
				t.Fatal(err)
			}
			if b := s.Frame().Breaks; b != (Breakpoints{}) {
				t.Errorf("%s: all cleared, there is %+v", c.name, b)
			}
		}
	}
}

// Long work is cancelled at once and leaves nothing running and nothing shown.
func TestCancel(t *testing.T) {
	s := newSession(t, "spirals")
	if err := s.Change(map[string]string{"hidden": "120,120", "epochs": "100000"}); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]func(context.Context, *Frame) (any, error){"verify": verify, "race": race(raceRates), "surface": surface("principal", nil)}
	for name, work := range jobs {
		before := goleak.IgnoreCurrent()
		s.begin(name, work)
		if text := execute("panel-"+name, s.Frame()); !strings.Contains(text, `data-do="cancel" data-job="`+name+`"`) {
			t.Errorf("%s: while it is at work there is no way to cancel: %s", name, text)
		}
		time.Sleep(20 * time.Millisecond)
		if j, ok := s.Frame().Jobs[name]; !ok || !j.busy {
			t.Fatalf("%s: it is done before it can be cancelled: %v", name, j.err)
		}
		s.cancel(name)
		if _, there := s.Frame().Jobs[name]; there {
			t.Errorf("%s: cancelled, it is still there", name)
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("%s: cancelled, something is running: %v", name, err)
		}
		if _, there := s.Frame().Jobs[name]; there {
			t.Errorf("%s: cancelled, it has a result", name)
		}
	}
	// Going to a far update too: by Pause, and by who asked going away.
	if err := s.Goto(ctx, 30); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"pause", "leave", "another"} {
		before := goleak.IgnoreCurrent()
		leaving, leave := context.WithCancel(ctx)
		gone := make(chan error)
		go func() { gone <- s.Goto(leaving, 1<<30) }()
		for !s.Frame().Running {
			time.Sleep(time.Millisecond)
		}
		switch how {
		case "pause":
			s.Pause()
		case "leave":
			leave()
		case "another":
			if err := s.Goto(ctx, 3); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-gone; err == nil {
			t.Errorf("%s: it went all the way", how)
		}
		f := s.Frame()
		if f.Running || how == "another" && f.At != 3 {
			t.Errorf("%s: running %v at update %d", how, f.Running, f.At)
		}
		if !bits(f.Net.Params(), plain(t, f.Setup, s.table, f.At)) {
			t.Errorf("%s: the weights at update %d are others than those of a plain run", how, f.At)
		}
		leave()
		if err := goleak.Find(before); err != nil {
			t.Errorf("%s: something is running: %v", how, err)
		}
	}
}

// A session with two viewers is watched as long as one of them is there.
func TestTwoViewers(t *testing.T) {
	s := newSession(t, "notebook")
	first, second := s.Watch(), s.Watch()
	first()
	if idle := s.Idle(); idle != 0 {
		t.Errorf("with a viewer left it has been idle for %v", idle)
	}
	second()
	time.Sleep(time.Millisecond)
	if s.Idle() == 0 {
		t.Error("without a viewer it is not idle")
	}
}
