package lesson

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// says reports whether a fact matches the pattern.
func says(facts []string, pattern string) bool {
	re := regexp.MustCompile(pattern)
	for _, f := range facts {
		if re.MatchString(f) {
			return true
		}
	}
	return false
}

func TestNotebook(t *testing.T) {
	all, err := Notebook(context.Background(), NotebookSeed)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name      string
		converged bool
		reason    string
		low, high int // epochs
		outputs   []float64
		within    float64
		facts     []string
	}{
		{"one sample", true, "tolerance", 2, 10, []float64{.8}, 0.001,
			[]string{"does not follow from the printed cell", "Of 2000 random starts, 2000 converge at rate 80", "minus sign", "its count would be 5"}},
		{"one sample, rate 2000", false, "epochs", 2000, 2000, []float64{1}, 1e-9,
			[]string{"The output is saturated", "none is larger than 0 ", "of an output about 7e-16 below 1"}},
		{"batch", false, "epochs", 40000, 40000, []float64{.8, .2, .4, .5}, 0.01,
			[]string{"^Row 3 is stuck", "with period two", "printed outputs show a stuck row 3"}},
		{"batch, rate 5", true, "tolerance", 2000, 3500, []float64{.8, .2, .4, .6}, 0.001,
			[]string{"only the rate differs"}},
		{"per-sample", true, "tolerance", 10, 2000, nil, 0,
			[]string{"^4 of the 4 samples converged", "No weights could fit"}},
		{"stochastic", true, "tolerance", 500, 3500, []float64{.8, .2, .4, .6}, 0.001, nil},
		{"mini-batch", true, "tolerance", 500, 3500, []float64{.8, .2, .4, .6}, 0.001, []string{"one sentence, and no code"}},
	}
	if len(all) != len(want) {
		t.Fatalf("got %d experiments, want one per entry of the table", len(all))
	}
	for i, w := range want {
		e := all[i]
		r := e.Result
		if e.Name != w.name || r.Converged != w.converged || r.Reason != w.reason || r.Epochs < w.low || r.Epochs > w.high {
			t.Errorf("%s: converged %v (%s) after %d epochs", e.Name, r.Converged, r.Reason, r.Epochs)
		}
		mse := 0.0
		for k, out := range r.Outputs {
			if w.outputs != nil && math.Abs(out-w.outputs[k]) > w.within*max(1e-3, w.outputs[k])*1.001 {
				t.Errorf("%s: output %d is %v, want %v", e.Name, k, out, w.outputs[k])
			}
			mse += (out - r.Targets[k]) * (out - r.Targets[k]) / float64(len(r.Outputs))
		}
		if math.Abs(mse-r.MSE) > 1e-15 || len(r.Targets) != len(r.Outputs) || len(r.History) == 0 {
			t.Errorf("%s: MSE %v, want %v", e.Name, r.MSE, mse)
		}
		for _, f := range append(w.facts, ".") {
			if !says(e.Known, f) {
				t.Errorf("%s: no fact says %q: %q", e.Name, f, e.Known)
			}
		}
		for _, f := range append(e.Known, e.What) {
			if !strings.HasSuffix(f, ".") || strings.Contains(f, "%!") || strings.Contains(f, "NaN") {
				t.Errorf(`%s: the fact is %q, want one that ends with "." and has no "%%!" and no "NaN"`, e.Name, f)
			}
		}
		if (e.Printed != "") != (i == 0 || i == 2 || i == 4) {
			t.Errorf("%s: printed %q", e.Name, e.Printed)
		}
	}

	// The per-sample run takes the rows in the printed order, brings each within the
	// tolerance, and then forgets it.
	s := all[4].Result.Samples
	for i, row := range []int{0, 2, 3, 1} {
		if s[i].Row != row || !s[i].Converged || math.Abs(s[i].Output-all[4].Result.Targets[row]) > 1e-8+0.001*s[i].Output {
			t.Errorf("sample %d: %+v", i, s[i])
		}
	}
	if all[4].Result.MSE < 0.05 {
		t.Errorf("per-sample forgets nothing: MSE %v", all[4].Result.MSE)
	}
	// The batch run ends like the printed run, as far as two chaotic runs can agree.
	printed := regexp.MustCompile(`0\.\d{8}`).FindAllString(all[2].Printed, 4)
	for k, text := range printed {
		p, _ := strconv.ParseFloat(text, 64)
		if math.Abs(p-all[2].Result.Outputs[k]) > 1e-3 {
			t.Errorf("batch row %d ends at %v, the notebook's at %v", k, all[2].Result.Outputs[k], p)
		}
	}
	// Lanes start from the same weights where the page says so.
	for _, pair := range [][2]int{{0, 1}, {0, 4}, {2, 3}, {2, 5}, {2, 6}} {
		a, b := all[pair[0]].Result.Start.Params(), all[pair[1]].Result.Start.Params()
		for k := range a {
			if a[k] != b[k] || a[k] < -1 || a[k] >= 1 {
				t.Errorf("%s and %s start apart, or outside [-1, 1): %v, %v", all[pair[0]].Name, all[pair[1]].Name, a, b)
				break
			}
		}
	}
}

// The facts about the batch run follow what it does. Three starts end in three ways.
func TestStallFactsFollowTheRun(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		facts []string
		not   []string
	}{
		{10, []string{"^Row 3 is stuck", "^The outputs of the other rows jump back and forth with period two"}, []string{"^Row [012]"}},
		{5, []string{"^Row 0 is stuck", "^Row 2 is stuck", "^Row 3 is stuck", "^The outputs of the other rows have come to rest"}, []string{"^Row 1", "back and forth"}},
		{7, []string{"^No row is stuck, but the outputs jump back and forth with period two"}, []string{"^Row"}},
	} {
		p := &program[2]
		r, err := p.recipe().run(context.Background(), c.seed)
		if err != nil {
			t.Fatal(err)
		}
		known, err := p.known(context.Background(), &p.Experiment, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.facts {
			if !says(known, f) {
				t.Errorf("seed %d: no fact says %q: %q", c.seed, f, known)
			}
		}
		for _, f := range c.not {
			if says(known, f) {
				t.Errorf("seed %d: a fact says %q: %q", c.seed, f, known)
			}
		}
	}
}

// A run from numpy's weights takes numpy's number of epochs.
func TestRecipesMeetTheGoldenRuns(t *testing.T) {
	g := golden(t)[0]
	n := g.network(t)
	tr, err := recipe{hidden: 1, rows: 1, method: train.Batch, batchSize: 1, rate: 80, epochs: 2000}.trainer(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tr.Run(context.Background())
	if err != nil || !r.Converged || r.Epochs != 3 {
		t.Errorf("%+v, %v; numpy converges after 3 epochs", r, err)
	}
	// A network drawn from a seed has the notebook's form: no bias, and sigmoid in every layer.
	for _, l := range n.Layers() {
		if !l.NoBias || l.Activation != nn.Sigmoid {
			t.Errorf("layer %+v, want a sigmoid without a bias", l)
		}
	}
}

func TestNotebookStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if done, err := Notebook(ctx, 1); !errors.Is(err, context.Canceled) || len(done) != 0 {
		t.Errorf("got %d experiments, %v, want none and context.Canceled", len(done), err)
	}
	if s, err := Census(ctx, 80, 10, 1); !errors.Is(err, context.Canceled) || s.Starts != 0 {
		t.Errorf("got %+v, %v, want an error that wraps context.Canceled and s.Starts = 0", s, err)
	}
}
