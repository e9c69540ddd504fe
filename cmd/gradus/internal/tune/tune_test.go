package tune

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

func space(t *testing.T, specs ...string) Space {
	t.Helper()
	var s Space
	for _, spec := range specs {
		d, err := ParseDimension(spec)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, d)
	}
	return s
}

func TestDraw(t *testing.T) {
	s := space(t, "hidden=32|64,64|128", "lr=1e-4..0.1:log", "dropout=0..0.5", "batch-size=16..18:int", "--units=1..1000:log:int")
	seen := map[string]int{}
	below := 0
	for trial := range 3000 {
		v := s.Draw(7, trial)
		if !reflect.DeepEqual(v, s.Draw(7, trial)) {
			t.Fatal("a draw is not a function of seed and trial")
		}
		seen[v[0]]++
		seen["batch "+v[3]]++
		n := make([]float64, len(v))
		for i := 1; i < len(v); i++ {
			x, err := strconv.ParseFloat(v[i], 64)
			if err != nil || x < s[i].Low || x > s[i].High || s[i].Integers && x != math.Trunc(x) {
				t.Fatalf("--%s %s lies outside %v..%v (%v)", s[i].Flag, v[i], s[i].Low, s[i].High, err)
			}
			n[i] = x
		}
		if n[1] < math.Sqrt(1e-4*0.1) {
			below++
		}
	}
	for _, value := range []string{"32", "64,64", "128", "batch 16", "batch 17", "batch 18"} {
		if seen[value] < 850 || seen[value] > 1150 {
			t.Errorf("%s was drawn %d times of 3000, want about 1000", value, seen[value])
		}
	}
	if below < 1350 || below > 1650 {
		t.Errorf("%d of 3000 rates lie below the geometric mean, want about 1500", below)
	}
	// A search with the same seed must repeat these draws.
	if got, want := strings.Join(s.Draw(1, 0), " "), "32 0.0219 0.095 18 35"; got != want {
		t.Errorf("draw (1, 0) is %q, want %q", got, want)
	}
}

func TestParseDimensionRefuses(t *testing.T) {
	for _, spec := range []string{"", "lr", "lr=", "=1|2", "lr=1..x", "lr=..1", "lr=2..1", "lr=0..1:log", "lr=-1..1:log", "lr=1..2:exp", "lr=1..Inf", "lr=NaN..1"} {
		if d, err := ParseDimension(spec); err == nil {
			t.Errorf("%q is parsed as %+v, want an error", spec, d)
		}
	}
}

func TestHalving(t *testing.T) {
	for _, c := range []struct {
		trials, epochs int
		want           []Rung
	}{
		{27, 270, []Rung{{27, 10}, {9, 30}, {3, 90}, {1, 270}}},
		{30, 100, []Rung{{30, 3}, {10, 11}, {3, 33}, {1, 100}}},
		{2, 100, []Rung{{2, 100}}},
		{9, 1, []Rung{{9, 1}}},
		{100, 9, []Rung{{100, 1}, {33, 3}, {11, 9}}},
	} {
		if got := Halving(c.trials, c.epochs); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d trials, %d epochs: %v, want %v", c.trials, c.epochs, got, c.want)
		}
	}
}

// bowl is a trial with a known score: the distance of x from 3, plus 1 divided by the epochs.
func bowl(_ context.Context, t *Trial) error {
	x, err := strconv.ParseFloat(t.Values[0], 64)
	if err != nil {
		return err
	}
	if x > 9 {
		t.Failure = "diverged"
		return nil
	}
	score := math.Abs(x-3) + 1/float64(t.Epochs)
	t.Score = &score
	return nil
}

func results(t *testing.T, jobs int, known []Trial, run func(context.Context, *Trial) error) ([][]Trial, []Trial, error) {
	t.Helper()
	var journal []Trial
	s := Search{
		Space: space(t, "x=0..10"), Rungs: Halving(27, 90), Seed: 3, Jobs: jobs, Run: run,
		Done: func(tr Trial) error { journal = append(journal, tr); return nil },
	}
	r, err := s.Do(context.Background(), known)
	return r, journal, err
}

func TestSearch(t *testing.T) {
	want, all, err := results(t, 1, nil, bowl)
	if err != nil || len(all) != 27+9+3+1 {
		t.Fatalf("got %d trials (%v), want 40", len(all), err)
	}
	last := want[len(want)-1]
	if len(last) != 1 || last[0].Epochs != 90 {
		t.Fatalf("the last rung is %+v, want one trial of 90 epochs", last)
	}
	for _, tr := range want[0] {
		if tr.Score != nil && math.Abs(*tr.Score-1.0/3) < math.Abs(*want[0][0].Score-1.0/3) {
			t.Errorf("%+v is better than the first", tr)
		}
	}
	if want[0][26].Failure == "" {
		t.Error("the failed trial is missing or not last")
	}
	for jobs := 2; jobs < 5; jobs++ {
		if got, _, err := results(t, jobs, nil, bowl); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d jobs give another result (%v)", jobs, err)
		}
	}
	for known := range len(all) {
		calls := atomic.Int32{}
		got, _, err := results(t, 2, all[:known], func(ctx context.Context, tr *Trial) error {
			calls.Add(1)
			return bowl(ctx, tr)
		})
		if err != nil || !reflect.DeepEqual(got, want) || int(calls.Load()) != len(all)-known {
			t.Fatalf("continued after %d trials: another result, or %d made anew (%v)", known, calls.Load(), err)
		}
	}
	broken := errors.New("broken")
	_, journal, err := results(t, 2, nil, func(ctx context.Context, tr *Trial) error {
		if tr.Trial == 11 {
			return broken
		}
		return bowl(ctx, tr)
	})
	if !errors.Is(err, broken) || len(journal) < 10 {
		t.Errorf("a trial that cannot run gives %v after %d other trials, want the error after 10 or more", err, len(journal))
	}
}
