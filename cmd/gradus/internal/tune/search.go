package tune

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
)

// Trial is one training run of a search.
type Trial struct {
	Trial   int      `json:"trial"` // from 0
	Rung    int      `json:"rung"`
	Epochs  int      `json:"epochs"`
	Values  []string `json:"values"` // of the space's dimensions
	Score   *float64 `json:"score"`  // lower is better, or higher with Search.Higher; null: it diverged or could not be trained
	Failure string   `json:"failure,omitempty"`
	Seconds float64  `json:"seconds"`
}

// less orders trials from the best to the worst. Failed trials come last. Of two equal trials the earlier comes first.
func (s *Search) less(a, b Trial) int {
	score := func(t Trial) float64 {
		switch {
		case t.Score == nil:
			return math.Inf(1)
		case s.Higher:
			return -*t.Score
		}
		return *t.Score
	}
	return cmp.Or(cmp.Compare(score(a), score(b)), cmp.Compare(a.Trial, b.Trial))
}

// Search is a space and how to search it.
type Search struct {
	Space Space
	Rungs []Rung
	Seed  uint64
	Jobs  int // trials at a time
	// Higher: a higher score is better.
	Higher bool
	// Run runs a trial and fills in the result. It is called from several goroutines.
	Run func(ctx context.Context, t *Trial) error
	// Done is called for every trial that has ended, one at a time, in no particular order.
	Done func(Trial) error
}

// Do runs the trials that known does not hold and returns the trials of every rung, the best first.
// When ctx ends, it returns the trials so far and ctx's error.
func (s *Search) Do(ctx context.Context, known []Trial) ([][]Trial, error) {
	type key struct{ trial, rung int }
	ended := map[key]Trial{}
	for _, t := range known {
		ended[key{t.Trial, t.Rung}] = t
	}
	var results [][]Trial
	var next []int // the trials of the rung
	for i := range s.Rungs[0].Trials {
		next = append(next, i)
	}
	for r, rung := range s.Rungs {
		trials := make([]Trial, len(next))
		var todo []int
		for i, n := range next {
			t, is := ended[key{n, r}]
			if !is {
				t = Trial{Trial: n, Rung: r, Epochs: rung.Epochs, Values: s.Space.Draw(s.Seed, n)}
				todo = append(todo, i)
			}
			trials[i] = t
		}
		made, err := s.make(ctx, trials, todo)
		if err != nil {
			done := slices.DeleteFunc(trials, func(t Trial) bool { return !made[t.Trial] && ended[key{t.Trial, r}].Values == nil })
			slices.SortFunc(done, s.less)
			return append(results, done), err
		}
		slices.SortFunc(trials, s.less)
		results = append(results, trials)
		if r+1 < len(s.Rungs) {
			next = nil
			for _, t := range trials[:min(s.Rungs[r+1].Trials, len(trials))] {
				next = append(next, t.Trial)
			}
		}
	}
	return results, nil
}

// make runs the trials at the indices todo, several at a time, and returns which of them ended.
func (s *Search) make(ctx context.Context, trials []Trial, todo []int) (map[int]bool, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	made := map[int]bool{}
	var lock sync.Mutex
	var workers sync.WaitGroup
	work := make(chan int)
	for range max(1, s.Jobs) {
		workers.Go(func() {
			for i := range work {
				t := trials[i]
				err := s.Run(ctx, &t)
				lock.Lock()
				if err == nil && ctx.Err() == nil {
					err = s.Done(t)
					trials[i], made[t.Trial] = t, true
				}
				if err != nil {
					cancel(err)
				}
				lock.Unlock()
			}
		})
	}
	for _, i := range todo {
		select {
		case work <- i:
		case <-ctx.Done():
		}
	}
	close(work)
	workers.Wait()
	if ctx.Err() != nil {
		return made, context.Cause(ctx)
	}
	return made, nil
}
