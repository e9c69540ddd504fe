package train

import (
	"cmp"
	"context"
	"iter"
	"math"
	"time"

	"github.com/gradus-ml/gradus/internal/kernel"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// Steps is the training loop: an iterator over updates, each yielded after it was made. It ends
// when a criterion fires, the epochs are used up, ctx ends, or a value stops being finite (and
// Halvings does not let the run go back). In the last two cases it yields an error without an
// update: one that wraps ErrInterrupted, or a *DivergedError. After break, or when ctx ended,
// calling Steps again continues with the next update, exactly as if nothing had happened. After a
// value that is not finite, it yields the same error again.
func (t *Trainer[T]) Steps(ctx context.Context) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) { t.run(ctx, 1, yield) }
}

// Strides is Steps for a body that need not see every update. For a tiny network, many updates
// are made at once, at the speed of Run, and only the last of them is yielded. One iteration
// takes no longer than one update or about 10 us.
func (t *Trainer[T]) Strides(ctx context.Context) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) { t.run(ctx, tinyMost, yield) }
}

// run is the loop of Steps, Strides and Run. The kernel for tiny networks makes up to most
// epochs before the loop yields.
func (t *Trainer[T]) run(ctx context.Context, most int, yield func(Step, error) bool) {
	if t.finished && t.together.failed() == nil {
		if failed := t.failure; t.result.Reason == ReasonDiverged {
			yield(Step{N: failed.Step, Epoch: failed.Epoch, Loss: failed.Loss, LearningRate: failed.LearningRate}, &failed)
		}
		return
	}
	t.since = time.Now()
	defer func() { t.elapsed, t.since = t.Elapsed(), time.Time{} }()
	defer t.stream.close()
	if t.cfg.Threads > 1 {
		workers := team.New(t.cfg.Threads)
		t.crew.use(workers, t.cfg.Threads)
		defer func() {
			t.stopPrefetch()
			t.crew.use(nil, 1)
			workers.Close()
		}()
	}
	t.result.Reason = ""
	if err := t.begin(); err != nil {
		yield(Step{N: t.result.Steps, Epoch: t.epoch + 1}, err)
		return
	}
	prefetches, updates := t.prefetches(), 0
	for !t.finished {
		if updates++; prefetches && updates > prefetched && t.prefetch == nil { // a loop that is soon left has no use for it
			t.startPrefetch()
		}
		if t.together.ended(ctx) {
			if err := t.compareWeights(); err != nil {
				yield(Step{N: t.result.Steps, Epoch: t.epoch + 1}, err)
				return
			}
			t.result.Reason = ReasonInterrupted
			yield(t.interrupted(ctx))
			return
		}
		var before []T
		if t.position == 0 {
			before = t.good
		}
		at := most
		if t.observer.Alone() {
			at = 1
		}
		s, made, err := t.tinyEpochs(at)
		if !made {
			s, err = t.course.step(t)
		}
		if err == nil && t.due() {
			err = t.compareWeights()
		}
		if failed, diverged := err.(*DivergedError); diverged {
			if t.retreat(failed) {
				continue
			}
			t.diverge(failed)
			yield(s, failed)
			return
		}
		if err != nil { // from the stream or from the other ranks
			yield(Step{N: t.result.Steps, Epoch: t.epoch + 1}, err)
			return
		}
		if !t.finished {
			t.observer.Observe(s, before)
		}
		if !yield(s, nil) {
			return
		}
	}
}

// diverge ends the run with that error. It adds to the error the first layer with a value that is not finite, since
// the tape still has the pass, and what may help. It gives the network its last finite values.
func (t *Trainer[T]) diverge(failed *DivergedError) {
	t.finished = true
	t.result.Reason = ReasonDiverged
	t.divergence = failed
	t.divergence.Layer = t.together.lastRank(t.notFinite())
	copy(t.net.Values(), t.good)
	t.lossAt = -1
	t.divergence.Remedies = t.observer.Advise()
	t.failure = *t.divergence
}

// rowAt returns the row at a position of the epoch's order.
func (t *Trainer[T]) rowAt(i int) int {
	if t.order == nil {
		return i
	}
	return int(t.order[i])
}

// batch returns the rows at positions from .. to-1: gathered, as a view, or from the stream. Only
// the stream can fail.
func (t *Trainer[T]) batch(from, to int) (Set[T], error) {
	switch {
	case t.stream != nil && t.stream.all.Rows() > 0:
		return t.stream.all, nil
	case t.stream != nil:
		b, err := t.stream.take(t.epoch, from, to)
		t.weight = t.stream.weight
		return b, err
	case t.order == nil:
		return t.data.Train.slice(from, to), nil
	}
	if t.prefetch != nil {
		if b, ok := t.prefetch.take(t.number()); ok {
			return b, nil
		}
	}
	start, end := t.ownRows(to - from)
	return t.gather.take(t.data.Train, t.order[from:to], start, end), nil
}

// update makes one update from a batch.
func (t *Trainer[T]) update(b Set[T], at optim.Position) (Step, error) {
	scale := t.cfg.Reduction.Scale(b.Rows(), b.W)
	s := Step{N: t.result.Steps + 1, Updates: 1, Rows: b.Rows(), weight: b.Weight(), Validation: math.NaN(), Score: math.NaN()}
	s.LearningRate = t.rate(at)
	t.now = optim.Step{LearningRate: s.LearningRate, N: s.N}
	if t.parts != nil && !t.whole && t.together == nil && t.cfg.ClipNorm == 0 && t.cfg.shards(b.Rows()) == 1 {
		t.latest = t.tape
		t.net.ForwardTraining(t.tape, b.Feed(t.tape, 0, b.Rows(), t.room), t.noise(0))
		t.tape.UseWeights(b.W)
		s.Loss = t.net.BackpropUpdate(t.tape, t.cfg.Loss, b.Y, scale, updater[T]{t}) * scale
	} else {
		s.Loss = t.gradient(b, scale) * scale
		if err := cmp.Or(t.together.failed(), t.stream.failed()); err != nil {
			return s, err
		}
		t.net.AddPenalty(t.cfg.Penalty, 0, t.grad)
		t.freeze(t.grad)
		if t.cfg.GradientNorm {
			s.GradientNorm = math.Sqrt(kernel.SumSquares(t.grad))
		}
		t.clip()
		if t.parts == nil {
			t.decay(t.net.Params(), t.now.LearningRate)
			optim.Update(t.cfg.Optimizer, t.now, t.net.Params(), t.grad, t.slots)
		} else {
			if t.applyPart == nil {
				t.applyPart = t.applyGrad
			}
			t.crew.spread(len(t.parts), updateWork*len(t.grad), t.applyPart)
		}
	}
	for l := range t.net.Depth() {
		if t.cfg.layerRate(l) > 0 {
			t.net.UpdateLayerState(t.tape, l)
		}
	}
	t.constrain()
	t.takeAverage(s.N)
	if s.Loss-s.Loss != 0 {
		return s, &DivergedError{Epoch: t.epoch + 1, Step: s.N, Loss: s.Loss, LearningRate: s.LearningRate}
	}
	t.result.Steps++
	t.result.Rows += b.Rows()
	return s, nil
}

// updateWork is about how many multiply-adds the update of one parameter takes as long as.
const updateWork = 8

// noise selects the dropout masks of the current update, for the rows of a batch that start at row.
func (t *Trainer[T]) noise(row int) nn.Noise {
	return nn.Noise{Seed: t.cfg.Seed, Step: t.result.Steps, Row: row}
}

// updater makes the current update of a part of the parameters, on the goroutine that has just
// computed its gradient.
type updater[T nn.Float] struct{ *Trainer[T] }

// Memory returns a part's parameters and the optimizer's state for them.
func (t updater[T]) Memory(part int) [][]T { return t.parts[part] }

// Descent reports whether Update is only the optimizer's own step, and that step is plain descent.
func (t updater[T]) Descent() (rate, mu float64, ok bool) {
	if t.cfg.Penalty != (nn.Penalty{}) || t.cfg.ClipValue > 0 || t.cfg.WeightDecay > 0 || t.cfg.LayerRates != nil {
		return 0, 0, false
	}
	return optim.Descent(t.cfg.Optimizer, t.now)
}

// Update applies the penalty, the clipping, the weight decay and the optimizer.
func (t updater[T]) Update(part int, grad []T) {
	from, _ := t.net.Part(part)
	t.net.AddPenalty(t.cfg.Penalty, from, grad)
	if t.cfg.ClipValue > 0 {
		kernel.Clamp(grad, T(t.cfg.ClipValue))
	}
	t.apply(part, grad)
}

// closeEpoch scores the epoch, records it and checks the stop criteria.
func (t *Trainer[T]) closeEpoch(s *Step) error {
	t.stream.close()
	t.epoch++
	s.EpochEnd = true
	s.EpochLoss = t.epochLoss
	t.judgeEpoch()
	if t.data.Validation.Rows() > 0 {
		s.Validation, s.Score = t.validate()
		if err := t.together.failed(); err != nil {
			return err
		}
		if s.Validation-s.Validation != 0 {
			return &DivergedError{Epoch: t.epoch, Step: s.N, Loss: s.Validation, LearningRate: s.LearningRate}
		}
		t.cross.judge(t.data.Validation.Parts, t.out)
		if t.better(s) {
			s.Best = true
			t.bestScore, t.bestLoss, t.bestEpoch = s.Score, s.Validation, t.epoch
			if t.best != nil {
				copy(t.best, t.judged().Values())
			}
		}
	}
	if w, ok := t.cfg.Schedule.(optim.Watcher); ok {
		score := s.Validation
		if t.data.Validation.Rows() == 0 {
			score = s.EpochLoss
		}
		t.scores = w.Watch(t.scores, score)
	}
	if Keeps(t.epoch) {
		t.record(s)
	}
	if c := fired(t.cfg.Stop, t.seen()); c != nil {
		return t.finish(c.Reason(), *s)
	}
	return nil
}

// better reports whether an epoch's score is better by MinDelta than the best so far, or equal
// with a lower loss: with few rows, many epochs have the same accuracy. A NaN is never better.
func (t *Trainer[T]) better(s *Step) bool {
	switch {
	case t.bestEpoch == 0:
		return s.Score == s.Score
	case t.cfg.Score != nil && s.Score == t.bestScore:
		return s.Validation < t.bestLoss
	case t.cfg.Higher:
		return s.Score > t.bestScore+t.cfg.MinDelta
	}
	return s.Score < t.bestScore-t.cfg.MinDelta
}

// finish ends the run, unless its last update produced a value that is not finite.
func (t *Trainer[T]) finish(reason string, s Step) error {
	if last := t.result.History; len(last) == 0 || last[len(last)-1].Epoch != t.epoch {
		t.record(&s) // the last epoch is always kept
	}
	loss := t.fullLossOn(t.together)
	if err := t.together.failed(); err != nil {
		return err
	}
	if loss-loss != 0 {
		return &DivergedError{Epoch: t.epoch, Step: s.N, Loss: loss, LearningRate: s.LearningRate}
	}
	t.keepBest()
	t.finished = true
	t.fullLossOn(t.together) // of the weights that were kept, if they are others
	t.result.Reason = reason
	switch reason {
	case Tolerance{}.Reason(), TargetLoss{}.Reason(), Patience{}.Reason(), ReasonMinimum:
		t.result.Converged = true
	}
	return nil
}

// record adds the epoch that has just ended to the history.
func (t *Trainer[T]) record(s *Step) {
	t.result.History = append(t.result.History, Point{
		Epoch: t.epoch, Steps: t.result.Steps, Loss: s.EpochLoss, Validation: s.Validation,
		LearningRate: s.LearningRate, Seconds: t.Elapsed().Seconds(),
	})
}

// keepGood remembers the network's values if they are all finite.
func (t *Trainer[T]) keepGood() {
	if kernel.AllFinite(t.net.Values()) {
		copy(t.good, t.net.Values())
		t.beginEpoch()
	}
}
