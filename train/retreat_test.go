package train

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// linear returns a network whose weights grow without bound if the rate is too large.
func linear(t testing.TB) *nn.Network[float32] {
	t.Helper()
	n, err := nn.New[float32](3, nn.Seed(5), nn.Dense{Units: 8}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A run that went back to its beginning ends like a run that began with the lower rate.
func TestHalvedRateIsAFreshRun(t *testing.T) {
	d := Data[float32]{problem[float32](37), problem[float32](9)}
	for _, rule := range []optim.Optimizer{optim.SGD{}, optim.Momentum{Momentum: 0.9}} {
		for _, method := range []Method{Batch, MiniBatch, Stochastic} {
			c := Config{Method: method, Optimizer: rule, LearningRate: 64, Epochs: 60, BatchSize: 10, Halvings: 12, KeepBest: true, Schedule: optim.Cosine{}}
			halved := linear(t)
			run := func(n *nn.Network[float32]) (Result, string) {
				tr, err := New(n, c, d)
				if err != nil {
					t.Fatal(err)
				}
				found := Watch(tr)
				r, err := tr.Run(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				return r, found()
			}
			r, told := run(halved)
			if len(r.Retreats) == 0 || r.Reason != ReasonEpochs {
				t.Fatalf("%s, %s: got %+v, want len(r.Retreats) != 0 and r.Reason = ReasonEpochs", rule, method, r)
			}
			for i, q := range r.Retreats {
				if q.To > q.Epoch || q.Step < 1 || q.LearningRate != 64/float64(uint(2)<<i) {
					t.Errorf("%s, %s: retreat %d is wrong: %+v", rule, method, i, q)
				}
			}
			last := r.Retreats[len(r.Retreats)-1]
			if last.To != 1 {
				continue
			}
			c.LearningRate, c.Halvings = last.LearningRate, 0
			fresh := linear(t)
			f, freshly := run(fresh)
			if !slices.Equal(halved.Params(), fresh.Params()) || f.Steps != r.Steps || f.BestEpoch != r.BestEpoch || len(f.History) != len(r.History) {
				t.Errorf("%s, %s: a run with the rate %v from the beginning ends differently", rule, method, last.LearningRate)
			}
			if told != freshly {
				t.Errorf("%s, %s: with the rate %v from the beginning the diagnosis is %s, and after the retreats it is %s", rule, method, last.LearningRate, freshly, told)
			}
		}
	}
}

// bump is a schedule with a rate that is far too large in one epoch, as long as the base rate is above a limit.
type bump struct{ epoch int }

func (bump) String() string { return "bump" }
func (b bump) Rate(base float64, at optim.Position) float64 {
	if at.Epoch() == b.epoch && base > 0.003 {
		return base * 1e30
	}
	return base
}

// A run that diverges late goes back to the best epoch, and the history before that epoch stays.
func TestRetreatKeepsWhatWasGood(t *testing.T) {
	d := Data[float32]{Train: problem[float32](37)}
	c := Config{Optimizer: optim.NewAdam(), LearningRate: 0.01, Epochs: 30, BatchSize: 10, Halvings: 5, Schedule: bump{20}}
	r := mustRun(t, linear(t), c, d)
	if len(r.Retreats) != 2 || r.Epochs != 30 || len(r.History) != 30 || r.Steps != 30*4 {
		t.Fatalf("got %d epochs, %d points, %d updates and the retreats %+v, want 30, 30, 120 and two retreats", r.Epochs, len(r.History), r.Steps, r.Retreats)
	}
	back := r.Retreats[0]
	if back.Epoch != 21 || back.To < 15 || back.LearningRate != 0.005 || r.Retreats[1].LearningRate != 0.0025 {
		t.Errorf("got %+v, want back.Epoch = 21 and back.To >= 15 and back.LearningRate = 0.005 and r.Retreats[1].LearningRate = 0.0025", r.Retreats)
	}
	c.Schedule, c.Halvings = optim.Constant{}, 0
	for i, p := range mustRun(t, linear(t), c, d).History {
		q := r.History[i]
		if q.Epoch != i+1 || i+1 < r.Retreats[1].To && i+1 < back.To && q.Loss != p.Loss {
			t.Errorf("epoch %d: got %+v, want the loss of %+v, the run without the bump", i+1, q, p)
		}
	}
}

func TestHalvingsAreBounded(t *testing.T) {
	tr, err := New(linear(t), Config{Optimizer: optim.SGD{}, LearningRate: 1e30, Epochs: 5, Halvings: 3}, Data[float32]{Train: problem[float32](37)})
	if err != nil {
		t.Fatal(err)
	}
	Watch(tr)
	r, err := tr.Run(context.Background())
	var failed *DivergedError
	if !errors.As(err, &failed) || failed.Halved != 3 || len(r.Retreats) != 3 || !strings.Contains(err.Error(), "after the rate was halved 3 times") {
		t.Errorf(`got %v, %+v, want a DivergedError and failed.Halved = 3 and len(r.Retreats) = 3 and "after the rate was halved 3 times" in err.Error()`, err, r.Retreats)
	}
	fresh := func(c Config) string { // the first remedy of the error
		tr, err := New(linear(t), c, Data[float32]{Train: problem[float32](37)})
		if err != nil {
			t.Fatal(err)
		}
		Watch(tr)
		_, err = tr.Run(context.Background())
		var failed *DivergedError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return failed.Remedies[0].String()
	}
	if want := fresh(Config{Optimizer: optim.SGD{}, LearningRate: 1e30 / 8, Epochs: 5}); failed.Remedies[0].String() != want || !strings.Contains(err.Error(), want) {
		t.Errorf("after the rate was halved the advice is %q (%v), want %q as with that rate from the beginning", failed.Remedies[0].String(), err, want)
	}
	if _, again := tr.Run(context.Background()); again == nil || again.Error() != err.Error() {
		t.Errorf("a second Run returns %v, want the same error", again)
	}
}
