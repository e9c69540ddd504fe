package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/internal/mpi"
	"github.com/gradus-ml/gradus/train"
)

// The members of an ensemble need no exchange with each other. With Options.Ranks, member k is trained by rank k mod P
// of P. Ten times a second the ranks meet and tell each other which members have ended, so every rank ends with all
// members, and each member has the bits that it has in one process.

// meetEvery is the time between two meetings. A rank that waits for the others in a meeting may keep a core busy, so all
// ranks sleep in between.
const meetEvery = 100 * time.Millisecond

// ranks returns the processes that share the members, or nil for one process.
func (b *bag) ranks() train.Ranks {
	if r := b.fit.Options.Ranks; r != nil && r.Size() > 1 {
		return r
	}
	return nil
}

// rankOf returns the rank that trains member k.
func (b *bag) rankOf(k int) int { return k % b.ranks().Size() }

// here reports whether this process trains member k.
func (b *bag) here(k int) bool { return b.ranks() == nil || b.rankOf(k) == b.ranks().Rank() }

// MembersOfRank returns how many members of an ensemble a rank trains.
func (f *Fit) MembersOfRank(rank int) int {
	p := f.Options.Ranks.Size()
	return (f.Members() - rank + p - 1) / p
}

// A rankReport is what a rank tells the others in a meeting.
type rankReport struct {
	Ended   map[int]json.RawMessage // the runs of members that have ended since the last meeting: FoldRun
	Reached map[int]json.RawMessage // if no member has ended and the rank stopped: its members as they are
	Failed  map[int]rankError       // why members could not be trained
	Stop    string                  // why the rank stops: see bag.stopped
	Done    bool                    // the rank's members have ended or stopped
}

// A rankError is the error of a member as another rank gets it. It wraps what callers look for.
type rankError struct {
	Text     string
	Diverged *train.DivergedError
	Refused  *OptionError
}

func (e rankError) Error() string { return e.Text }

// Unwrap returns the error that is not nil, if there is one.
func (e rankError) Unwrap() error {
	switch {
	case e.Diverged != nil:
		return e.Diverged
	case e.Refused != nil:
		return e.Refused
	}
	return nil
}

// same returns an error if the options or the tables of a rank differ from those of rank 0.
func (b *bag) same() error {
	o := b.fit.Options
	o.Threads = 0
	text, err := json.Marshal(struct {
		Options Options
		Tables  map[string]string
	}{o, b.fit.Fingerprints()})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	sums, err := mpi.Share(b.ranks(), sum[:])
	if err != nil {
		return err
	}
	for r := range sums {
		if string(sums[r]) != string(sums[0]) {
			return fmt.Errorf("the configuration of rank %d differs from that of rank 0: give every rank the same flags and tables", r)
		}
	}
	return nil
}

// meet meets the other ranks until the members of all of them have ended or stopped. woken is closed when this rank has
// something to tell early, done when its members have ended or stopped. Then failures has their errors, and meet adds
// those of the other ranks. stop is called if a rank stops.
func (b *bag) meet(woken, done <-chan struct{}, failures []error, why func() string, stop func(why string)) error {
	var taking sync.WaitGroup
	failed := make([]error, len(b.members)) // to take what came
	defer func() {
		taking.Wait()
		for k, err := range failed {
			failures[k] = cmp.Or(failures[k], err)
		}
	}()
	take := func(runs map[int]json.RawMessage, ended bool) {
		for k, text := range runs {
			taking.Go(func() {
				run := new(FoldRun)
				if failed[k] = run.unmarshal(text, b.fit.Options.Custom); failed[k] == nil {
					failed[k] = b.take(k, run, ended)
				}
			})
		}
	}
	told := false // that this rank is done
	for {
		select {
		case <-woken:
			woken = nil
		case <-done:
			done = nil
		case <-time.After(meetEvery):
		}
		mine := rankReport{Stop: why(), Done: done == nil, Ended: packed(b.news(), failures)}
		if mine.Done && !told {
			told = true
			taking.Wait()
			mine.Reached = packed(b.reached(), failures)
			mine.Failed = failuresOf(failures, b.here)
		}
		text, err := json.Marshal(mine)
		if err != nil {
			return err
		}
		texts, err := mpi.Share(b.ranks(), text)
		if err != nil {
			return err
		}
		all := true
		for rank, text := range texts {
			var said rankReport
			if err := json.Unmarshal(text, &said); err != nil {
				return fmt.Errorf("what rank %d says cannot be read: %w", rank, err)
			}
			all = all && said.Done
			if said.Stop != "" {
				stop(said.Stop)
			}
			if rank != b.ranks().Rank() {
				take(said.Ended, true)
				take(said.Reached, false)
				for k, err := range said.Failed {
					failures[k] = err
				}
			}
		}
		if all {
			return nil
		}
	}
}

// tell remembers that a member has ended, for the next meeting.
func (b *bag) tell(k int) {
	b.box.Lock()
	defer b.box.Unlock()
	b.untold = append(b.untold, k)
}

// news returns the runs of the members that have ended since it was called before.
func (b *bag) news() map[int]*FoldRun {
	b.box.Lock()
	defer b.box.Unlock()
	runs := map[int]*FoldRun{}
	for _, k := range b.untold {
		runs[k] = b.members[k].run()
	}
	b.untold = nil
	return runs
}

// reached returns the runs of this rank's members in progress, if no member of any rank is known to have ended.
func (b *bag) reached() map[int]*FoldRun {
	runs := map[int]*FoldRun{}
	for k, m := range b.members {
		m.lock.Lock()
		defer m.lock.Unlock()
		if m.ended {
			return nil
		}
		if b.here(k) && m.fit != nil && m.fit.Epoch() > 0 && m.score(b.inFolds) == nil {
			runs[k] = m.run()
		}
	}
	return runs
}

// packed returns runs as they are sent. It sets the errors of those that cannot be sent.
func packed(runs map[int]*FoldRun, failures []error) map[int]json.RawMessage {
	texts := map[int]json.RawMessage{}
	for k, run := range runs {
		text, err := json.Marshal(run)
		if err != nil {
			failures[k] = err
			continue
		}
		texts[k] = text
	}
	return texts
}

// failuresOf returns the errors of some members in the form that other ranks get.
func failuresOf(failures []error, which func(k int) bool) map[int]rankError {
	all := map[int]rankError{}
	for k, err := range failures {
		if err == nil || !which(k) {
			continue
		}
		e := rankError{Text: err.Error()}
		errors.As(err, &e.Diverged)
		errors.As(err, &e.Refused)
		all[k] = e
	}
	return all
}
