package model

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/train"
)

// run trains the members, some at the same time, until all have ended or it is told to stop. If
// called again, it continues. On several ranks it trains those of this rank and takes the others as they end.
func (b *bag) run(ctx context.Context, yield func(train.Step, error) bool) {
	b.since, b.stopped = time.Now(), ""
	defer func() { b.wall, b.since = b.wall+time.Since(b.since), time.Time{} }()
	if b.ranks() != nil {
		if err := b.same(); err != nil {
			yield(train.Step{}, b.lost(err))
			return
		}
		if m := b.members[0]; m.fit != nil && !b.here(0) { // it was prepared for its encoding
			m.fit.Release()
			m.fit = nil
		}
	}
	r := &bagRun{bag: b, steps: make(chan train.Step), failures: make([]error, len(b.members))}
	r.inner, r.stop = context.WithCancel(ctx)
	defer r.stop()
	if b.own != nil {
		b.own.reopen()
		defer context.AfterFunc(r.inner, b.own.leave)()
	}
	r.start()
	left := false
	for s := range r.steps { // to the end, so that no sender blocks
		if !left && !yield(s, nil) {
			left = true
			r.stop()
		}
	}
	if err := r.end(ctx, left); err != nil && !left {
		yield(train.Step{}, err)
	}
}

// A bagRun is the training of an ensemble until it ends or is stopped.
type bagRun struct {
	*bag
	inner    context.Context // ends when no member is to go on
	stop     context.CancelFunc
	steps    chan train.Step // closed at the end
	failures []error         // of each member
	apart    error           // why the ranks cannot go on
	late     atomic.Bool     // the time is up
	told     atomic.Bool     // another rank has stopped
}

// over stops the run if its time is up, and reports whether it is.
func (r *bagRun) over() bool {
	if limit := r.fit.Options.MaxTime; limit == 0 || r.seconds() < limit {
		return false
	}
	r.late.Store(true)
	r.stop()
	return true
}

// start starts the training of members, and closes steps when all have ended, on all ranks.
func (r *bagRun) start() {
	workers := r.workers
	if r.fit.Options.Elsewhere != nil {
		workers = len(r.members)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		team.Each(len(r.members), workers, func() func(int) error { return r.one }) // the errors are in failures
	}()
	go func() {
		defer close(r.steps)
		if r.ranks() != nil {
			r.apart = r.meet(r.inner.Done(), done, r.failures, r.why, r.otherStops)
			r.stop()
		}
		<-done
	}()
}

// one trains a member, and stops the run if that fails.
func (r *bagRun) one(k int) error {
	if r.inner.Err() != nil || !r.here(k) || r.members[k].ended {
		return nil
	}
	if r.failures[k] = r.member(k); r.failures[k] != nil {
		r.stop()
	}
	return r.failures[k]
}

func (r *bagRun) member(k int) (err error) {
	defer spill.Guard(&err)()
	if r.fit.Options.Elsewhere != nil {
		return r.elsewhere(r.inner, k, r.over)
	}
	return r.train(r.inner, k, r.steps, r.over)
}

// why says why this rank stops, "" if it does not.
func (r *bagRun) why() string {
	switch {
	case r.late.Load():
		return "max-time"
	case r.inner.Err() != nil:
		return train.ReasonInterrupted
	}
	return ""
}

// otherStops stops this rank for the reason that another rank gave.
func (r *bagRun) otherStops(why string) {
	if why == "max-time" {
		r.late.Store(true)
	}
	r.told.Store(true)
	r.stop()
}

// end sets why the run stopped, and returns the error. left says that the caller left the loop.
func (r *bagRun) end(ctx context.Context, left bool) error {
	if r.apart != nil {
		r.stopped = train.ReasonInterrupted
		return r.lost(r.apart)
	}
	for k, err := range r.failures {
		if err != nil {
			where := ""
			if !r.here(k) {
				where = fmt.Sprintf(", on rank %d", r.rankOf(k))
			}
			r.stopped = train.ReasonDiverged
			return fmt.Errorf("member %d of %d%s: %w", k, len(r.members), where, err)
		}
	}
	switch {
	case left || r.finished():
	case r.late.Load():
		r.stopped = "max-time"
	case ctx.Err() != nil:
		r.stopped = train.ReasonInterrupted
		return fmt.Errorf("%w: %w", train.ErrInterrupted, ended(ctx))
	case r.told.Load():
		r.stopped = train.ReasonInterrupted
		return fmt.Errorf("%w: another rank was told to stop", train.ErrInterrupted)
	}
	return nil
}
