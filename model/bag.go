package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/train"
)

// mostFolds is the largest number of folds that the rows of an ensemble are dealt into. If there are
// more members, they use further folds from a new deal.
const mostFolds = 8

// bag is the run of an ensemble. Each of its members is a separate run. The rows are dealt into folds.
// A member is trained on all folds but one, which chooses its epoch. So every row is trained on, and
// for each row the predictions of the members that have not seen it are an honest estimate for new
// rows.
//
// A member has the same bits as when it is trained by itself, so the number of members trained at the
// same time does not matter.
type bag struct {
	fit     *Fit // the fit of the ensemble
	members []*member
	workers int           // members trained at the same time
	turns   []string      // the recipes of the members, in turn
	given   Options       // of the ensemble, before the first member resolved them
	inFolds bool          // otherwise they share the validation rows and differ only by their seeds
	own     *SharedMemory // nil: the run shares memory with others

	box    sync.Mutex
	untold []int // members that have ended here, and that the other ranks have not been told of

	hooks      sync.Mutex
	begin, end func(k int, f *Fit) error

	wall     time.Duration // of earlier calls of run
	since    time.Time     // when run was called; zero outside of it
	restored atomic.Int64  // nanoseconds of earlier training of members that were restored
	stopped  string        // why run ended before its members did: "interrupted", "max-time" or ""
	taken    []*member     // the members of the latest model
	worse    []data.Note   // why the members of a recipe were left out
}

// member is one member of the ensemble. It is prepared when its turn comes, and releases its rows when
// it has ended, so only members in progress take memory.
type member struct {
	tables  Tables
	fold    *fold
	options Options

	lock sync.Mutex // held while it is trained or looked at
	fit  *Fit       // nil: its turn has not come, or it has ended

	model       *Model // set when it has ended, or when a model was asked for while it was in progress
	result      train.Result
	found       []diagnosis.Finding // of its run
	ended       bool
	begun       bool      // begin was called
	rows        []int     // which chose its epoch
	predictions []float64 // predictions for rows, unless these are shared by all members and there are no cross-fitted ones
	bounds      []float64 // predictions of the bounds for these rows, if there are any

	crossFitted bool // predictions and bounds are at epochs that the row did not choose
}

// bagged turns the run into one of several members. The schema must be known. Only the first member is
// prepared.
func (f *Fit) bagged() (err error) {
	tables, o := f.tables, f.Options
	weightless := f.Rows.Weightless
	if f.recipe, err = f.Options.resolve(f.Schema.Task, outputsOf(f.Schema)); err != nil {
		return err
	}
	if f.Options.Loss == "hinge" {
		return refuse("Members", nil, "hinge gives decision values, which have no mean that could be judged: train one network, or take another loss")
	}
	if err := f.Options.rows(&f.recipe, f.Schema); err != nil {
		return err
	}
	b := &bag{fit: f}
	own := o.Members
	if r := b.ranks(); r != nil {
		own = f.MembersOfRank(r.Rank())
	}
	b.workers = max(1, min(own, cmp.Or(o.Threads, runtime.GOMAXPROCS(0))))
	keep, folds, err := b.deal()
	if err != nil {
		return err
	}
	room := tables.Memory
	if room == nil {
		b.own = new(SharedMemory)
		room = b.own
	}
	if b.turns = o.recipes(f.Schema); !b.inFolds || o.Members < leastInTurn {
		b.turns = b.turns[:1]
	}
	b.given = o
	for k, fold := range folds {
		t := tables
		fold.schema, fold.weightless, fold.sources = f.Schema, weightless, f.sources
		t.Memory = room
		b.members = append(b.members, &member{tables: t, fold: &fold, options: b.optionsOf(k)})
	}
	first, err := prepareFold(b.members[0].tables, b.members[0].options, nil, b.members[0].fold)
	if err != nil {
		return err
	}
	b.members[0].fit = first
	b.alike(&first.Options)
	notes := f.Notes
	*f = Fit{
		Options: first.Options, Schema: first.Schema, Encoding: first.Encoding, wide: first.wide, Notes: first.Notes, Rows: first.Rows,
		tables: tables, fold: f.fold, parts: first.parts, recipe: first.recipe, imputed: first.imputed, ownEpochs: first.ownEpochs,
		sources: f.sources, bag: b, runner: b,
	}
	f.Options.Members, f.Options.Threads, f.Options.MaxTime, f.Options.Recipe = o.Members, o.Threads, o.MaxTime, o.Recipe
	f.Options.Stage, f.Options.Refuse, f.Options.Shrink = o.Stage, o.Refuse, o.Shrink
	f.Options.Elsewhere, f.Options.Ranks = o.Elsewhere, o.Ranks
	for _, n := range notes {
		if !slices.ContainsFunc(f.Notes, func(said data.Note) bool { return slices.Equal(said, n) }) {
			f.Notes = append(f.Notes, n)
		}
	}
	if b.inFolds { // every row is trained on
		f.imputed = addCounts(f.Imputed(), first.heldIn)
		if keep, err = f.heavy(keep); err != nil {
			return err
		}
		f.Rows.Weightless = first.Rows.Weightless
		f.parts.train, f.parts.validation = f.pick(f.Schema.Rows, keep), nil
		f.countRows()
	}
	if tables.Memory == nil {
		go f.sum()
	}
	return nil
}

// optionsOf returns the options of member k, from those of the ensemble.
func (b *bag) optionsOf(k int) Options {
	own := b.given
	if len(b.turns) > 1 {
		own.Recipe = b.turns[k%len(b.turns)]
	}
	own.Members, own.MaxTime, own.Shrink, own.Elsewhere, own.Ranks = 0, 0, false, nil, nil // all are shrunk by the same amount
	own.Threads = max(1, cmp.Or(own.Threads, runtime.GOMAXPROCS(0))/b.workers)
	own.Metrics, own.Targets = slices.Clone(own.Metrics), slices.Clone(own.Targets)
	if k > 0 {
		own.Stage, own.Refuse, own.Encoded = nil, nil, nil
		own.Seed = rng.Uint64(own.Seed, rng.Member, uint64(k), 0) >> 32 // a number that every JSON reader can hold
	}
	return own
}

// alike makes all members take their rows in the order of the first one: in the same blocks, or in memory.
func (b *bag) alike(first *Options) {
	for _, m := range b.members {
		if m.options.BlockRows, m.options.BufferBlocks = first.BlockRows, first.BufferBlocks; !first.blocked() {
			m.tables.Spill = nil
		}
	}
}

// deal holds out the test rows, and deals the others to the members. keep are the rows of all
// members, as indexes into the schema's rows.
func (b *bag) deal() (keep []int, folds []fold, err error) {
	f, o := b.fit, &b.fit.Options
	part, err := f.holder()
	if err != nil {
		return nil, nil, asOption(err)
	}
	f.Notes = nil // the first member repeats the notes of the holder
	keep, test, err := f.holdTest(part)
	if err != nil {
		return nil, nil, err
	}
	shared := f.tables.Validation != nil || o.Validation != nil || o.timeColumn() != "" || len(keep) < FewRows || o.perSample()
	repeats := (o.Members + mostFolds - 1) / mostFolds
	k := (o.Members + repeats - 1) / repeats
	for repeat := 0; !shared && len(folds) < o.Members; repeat++ {
		seed := o.Seed
		if repeat > 0 {
			seed = rng.Uint64(o.Seed, rng.Member, uint64(repeat), 1)
		}
		of, groups, err := o.deal(f.Schema, f.tables.Train, keep, k, seed)
		if err != nil {
			return nil, nil, asOption(err)
		}
		if of == nil {
			if k, shared = groups, groups < 2; !shared {
				repeat--
			}
			continue
		}
		for i := range min(k, o.Members-len(folds)) {
			part, size := fold{test: test}, 0
			for _, f := range of {
				if f == i {
					size++
				}
			}
			disk := f.tables.Train.Spilled()
			part.validation, part.train = spill.Must[int](disk, size)[:0], spill.Must[int](disk, len(keep)-size)[:0]
			for at, place := range keep {
				if of[at] == i {
					part.validation = append(part.validation, place)
				} else {
					part.train = append(part.train, place)
				}
			}
			folds = append(folds, part)
		}
	}
	if b.inFolds = !shared; b.inFolds {
		f.noteLonely("the member whose fold it is in does not train on")
		return keep, folds, nil
	}
	f.noteLonely(keptInTraining)
	keep, held, err := f.holdValidation(part, keep)
	if err != nil {
		return nil, nil, err
	}
	if held == nil {
		held = []int{}
	}
	return keep, slices.Repeat([]fold{{train: keep, validation: held, test: test}}, o.Members), nil
}

// OnMember sets functions that are called for the members of an ensemble while Steps or Strides trains
// them. begin is called before a member's first update, when it can be restored from its own checkpoint.
// end is called after its last update. Only one is called at a time, on another goroutine than the body
// of the loop. An error ends the run. For a single network they are not called.
func (f *Fit) OnMember(begin, end func(k int, member *Fit) error) {
	if f.bag != nil {
		f.bag.begin, f.bag.end = begin, end
	}
}

// EachRunning calls do with each member that is prepared and has not ended. The member is not
// trained during the call. A single network has no members.
func (f *Fit) EachRunning(do func(k int, member *Fit) error) error {
	if f.bag == nil {
		return nil
	}
	var all error
	for k, m := range f.bag.members {
		m.lock.Lock()
		if m.fit != nil {
			all = errors.Join(all, do(k, m.fit))
		}
		m.lock.Unlock()
	}
	return all
}

// Members returns how many networks the run trains.
//
// Each of several networks is trained without one fold of the rows, which chooses its epoch. Classes are
// spread evenly over the folds, and groups stay whole. There are as many folds as members, up to 8; more
// members use further folds from a new deal. The first member has the seed of the run. In some runs all
// members share the validation rows and differ only by their seeds: Options.Validation or a table gives these rows, the
// time decides on them, or there are too few rows to hold any out. Such a run has no out-of-fold predictions.
func (f *Fit) Members() int { return max(1, f.Options.Members) }

// told calls one of the hooks.
func (b *bag) told(hook func(k int, f *Fit) error, k int, f *Fit) error {
	if hook == nil {
		return nil
	}
	b.hooks.Lock()
	defer b.hooks.Unlock()
	return hook(k, f)
}

// seconds returns the wall-clock time spent so far.
func (b *bag) seconds() time.Duration {
	all := b.wall + time.Duration(b.restored.Load())/time.Duration(b.workers)
	if !b.since.IsZero() {
		all += time.Since(b.since)
	}
	return all
}

// pause is how often a member reports its steps and checks whether time is up.
const pause = 10 * time.Millisecond

// lost returns the error of ranks that cannot go on.
func (b *bag) lost(err error) error {
	return fmt.Errorf("%w: rank %d of %d: %w", train.ErrRanks, b.ranks().Rank(), b.ranks().Size(), err)
}

func (b *bag) finished() bool {
	return !slices.ContainsFunc(b.members, func(m *member) bool { return !m.ended })
}

// train continues a member until it ends or ctx does.
func (b *bag) train(ctx context.Context, k int, steps chan<- train.Step, over func() bool) error {
	m := b.members[k]
	if over() {
		return nil
	}
	f := m.fit
	if f == nil {
		var err error
		if f, err = prepareFold(m.tables, m.options, nil, m.fold); err != nil {
			if ctx.Err() != nil { // the wait for memory may have been canceled
				return nil
			}
			return err
		}
	}
	if !m.begun {
		if err := b.told(b.begin, k, f); err != nil {
			return err
		}
		m.begun = true
		b.restored.Add(int64(f.runner.elapsed()))
	}
	last, err := b.stride(ctx, k, f, steps, over)
	if err == nil && m.ended {
		steps <- last // not under the lock, which the receiver of the steps may be waiting for
	}
	return err
}

// stride continues a member that is ready. It holds the member's lock, except while it sends a step.
func (b *bag) stride(ctx context.Context, k int, f *Fit, steps chan<- train.Step, over func() bool) (last train.Step, err error) {
	m := b.members[k]
	m.lock.Lock()
	defer m.lock.Unlock()
	m.fit = f
	at := time.Now()
	for s, err := range f.Strides(ctx) {
		if errors.Is(err, train.ErrInterrupted) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		if last = s; time.Since(at) < pause {
			continue
		}
		m.lock.Unlock()
		steps <- s
		m.lock.Lock()
		if over() {
			return last, nil
		}
		at = time.Now()
	}
	if err := m.score(b.inFolds); err != nil {
		return last, err
	}
	if err := b.told(b.end, k, f); err != nil {
		return last, err
	}
	m.ended = true
	f.Release()
	m.fit = nil
	b.tell(k)
	return last, nil
}

// score makes the member's model and its predictions for its fold.
func (m *member) score(inFolds bool) error {
	m.result = m.fit.Result()
	m.model = m.fit.Unscored()
	m.found = m.model.Training.Diagnosis // of this run only
	m.model.Options.Threads = 0          // a property of the machine that does not affect the result
	if err := m.fit.Score(context.Background(), m.model); err != nil {
		return err
	}
	m.rows = m.fit.parts.validation
	m.predictions = m.fit.runner.crossFitted(m.model)
	if m.crossFitted = m.predictions != nil; m.crossFitted {
		if m.model.bounds != nil {
			m.bounds = m.fit.runner.crossFitted(m.model.bounds)
		}
		return nil
	}
	if !inFolds {
		return nil
	}
	return m.predict(m.fit.tables.Train)
}

// heldOut returns the predictions for the rows that chose the member's epoch, or those of its bounds.
func (m *member) heldOut(ofBounds bool) []float64 {
	if ofBounds {
		return m.bounds
	}
	return m.predictions
}

// predict sets the member's predictions for its rows.
func (m *member) predict(t *data.Table) (err error) {
	if m.predictions, err = m.model.predictOf(t, m.rows); err == nil && m.model.bounds != nil {
		m.bounds, err = m.model.bounds.predictOf(t, m.rows)
	}
	return err
}

// run returns the result of a member that has been scored.
func (m *member) run() *FoldRun {
	run := &FoldRun{Model: m.model, Of: m.result, Found: m.found, Rows: m.rows}
	if m.crossFitted {
		run.Predictions, run.Bounds = m.predictions, m.bounds
	}
	return run
}

// model makes the ensemble from the members that have ended, or if none has, from those in
// progress. It sets only the scores of the members.
func (b *bag) model() *Model {
	b.taken = nil
	for _, m := range b.members {
		if m.ended {
			b.taken = append(b.taken, m)
		}
	}
	none := b.taken == nil
	for _, m := range b.members {
		m.lock.Lock()
		switch {
		case !none:
		case m.fit == nil && m.model != nil: // what another rank reached
			b.taken = append(b.taken, m)
		case m.fit != nil && (b.taken == nil || m.fit.Epoch() > 0):
			if m.score(b.inFolds) == nil {
				b.taken = append(b.taken, m)
			}
		}
		m.lock.Unlock()
	}
	m := newEnsemble(modelsOf(b.taken))
	switch kept, err := b.keepBetter(m, b.taken); {
	case err != nil:
		b.worse = []data.Note{data.Notef("The recipes of the members could not be compared, so all members are kept: %v.", err)}
	case len(kept) < len(b.taken):
		b.taken, m = kept, newEnsemble(modelsOf(kept))
	}
	m.Options, m.Threshold = b.fit.Options, b.fit.recipe.threshold
	r := b.result()
	m.Training = Training{
		Reason: r.Reason, Converged: r.Converged, Epochs: r.Epochs, Steps: r.Steps, Seconds: r.Seconds, Loss: r.Loss,
		Rows: b.fit.Rows, Diagnosis: b.diagnose(),
	}
	if b.fit.fold == nil {
		m.Training.Tables = b.fit.sources()
	}
	return m
}

// modelsOf returns the models of members.
func modelsOf(members []*member) (models []*Model) {
	for _, m := range members {
		models = append(models, m.model)
	}
	return models
}

// said returns sentences about members that are left out.
func (b *bag) said() []data.Note {
	if n := len(b.members) - len(b.taken); b.stopped != "" && b.taken != nil && n > 0 {
		return []data.Note{data.Notef("%d of the %d members had not ended and %s left out.", n, len(b.members), map[bool]string{true: "is", false: "are"}[n == 1])}
	}
	return b.worse
}

func (b *bag) steps(ctx context.Context) iter.Seq2[train.Step, error] { return b.strides(ctx) }
func (b *bag) strides(ctx context.Context) iter.Seq2[train.Step, error] {
	return func(yield func(train.Step, error) bool) { b.run(ctx, yield) }
}

// result sums the epochs, updates and rows of the members in the model.
func (b *bag) result() train.Result {
	r := train.Result{Converged: b.finished(), Seconds: b.seconds().Seconds(), Reason: b.stopped}
	for _, m := range b.taken {
		own := m.result
		r.Converged = r.Converged && own.Converged
		r.Epochs += own.Epochs
		r.Steps += own.Steps
		r.Rows += own.Rows
		r.Loss += own.Loss / float64(len(b.taken))
		if b.stopped == "" {
			if r.Reason = cmp.Or(r.Reason, own.Reason); r.Reason != own.Reason {
				r.Reason = ReasonMembers
			}
		}
	}
	return r
}

// diagnose merges the findings of the members in the model: each code once, with the number of members
// that have it.
func (b *bag) diagnose() (all []diagnosis.Finding) {
	times := map[string]int{}
	for _, m := range b.taken {
		for _, f := range m.found {
			if times[f.Code]++; times[f.Code] == 1 {
				all = append(all, f)
			}
		}
	}
	diagnosis.Sort(all)
	for i := range all {
		f := &all[i]
		f.Evidence = fmt.Sprintf("in %d of the %d members; of one of them: %s", times[f.Code], len(b.taken), f.Evidence)
	}
	return all
}

// ReasonMembers is the Training's Reason of an ensemble whose members ended for different reasons.
const ReasonMembers = "members"

func (b *bag) engine() engine {
	for _, m := range b.members {
		switch {
		case m.fit != nil:
			return m.fit.runner.engine()
		case m.model != nil:
			return m.model.network()
		}
	}
	return nil // this rank has no member of its own yet
}

func (b *bag) epoch() int             { return b.result().Epochs }
func (b *bag) history() train.History { return nil }
func (b *bag) elapsed() time.Duration { return b.seconds() }
func (b *bag) agreed() bool           { return true }
func (b *bag) encoded(string) any     { return nil }

func (b *bag) retreats() (all []train.Retreat) {
	for _, m := range b.taken {
		all = append(all, m.result.Retreats...)
	}
	return all
}

var errNoCheckpoint = errors.New("an ensemble has no checkpoint of its own, but its members have: see OnMember and EachRunning")

func (b *bag) checkpoint(io.Writer) error      { return errNoCheckpoint }
func (b *bag) restore(*train.Checkpoint) error { return errNoCheckpoint }

// release releases the memory of members that have not ended.
func (b *bag) release() {
	for _, m := range b.members {
		if m.fit != nil {
			m.fit.Release()
		}
	}
}
