package diagnosis

import (
	"math"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

const (
	tooFar     = 1    // |dW| / |W| of the first update, above which the rate is too large
	farAlways  = 0.3  // median |dW| / |W| in the second half of the run, above which the rate is too large
	barelyFar  = 1    // |dW| / |W| summed over the run, below which the rate is too small
	fewUpdates = 200  // updates below which the rate is not called too small
	lateFall   = 0.15 // fall of the loss over the last fifth of the epochs, as a share of its distance above the least, from which on it still falls
	lateGain   = 0.02 // the same fall, as a share of the guess's loss
	leastPairs = 12   // pairs of an epoch and the next, at the end of the history, that an oscillation needs
	steady     = 0.9  // share of these pairs that must alternate between up and down
	widely     = 0.02 // change between epochs, as a share of the loss, above which it is an oscillation
	seen       = 1e-4 // the same change if a tolerance was missed
	worse      = 0.1  // how much the validation score has become worse, as a share of the guess's loss
)

// descent examines how the loss and the weights have moved.
func (d *diagnosis[T]) descent() {
	h := d.history
	moves := d.watcher.moves
	rate := d.slower()
	if d.has(UnscaledInputs, UnscaledTargets, ExplodingGradients, ShrunkWeights, IdenticalUnits) {
		return // such a descent is a consequence of these
	}
	d.oscillation(h)
	highest := math.Inf(-1)
	for _, p := range h {
		highest = max(highest, p.Loss)
	}
	if len(moves) == 0 {
		moves = []float64{0}
	}
	later := slices.Clone(moves[len(moves)/2:])
	slices.Sort(later)
	usual := later[len(later)/2]
	perRow := d.perRow()
	switch {
	case d.has(Oscillation), d.cfg.Solver != nil && !d.diverged: // a solver searches for its rate
	case d.diverged:
		d.add(RateTooLarge, -1, max(1, d.now.epoch), set("LearningRate", rate),
			"at the rate %s the loss left what can be represented; the first update moved a layer's weights by %s of their size", num(d.at.LearningRate), num(moves[0]))
	case d.gain < mostGain && usual > farAlways && len(moves) > 2:
		d.add(RateTooLarge, -1, 1, set("LearningRate", rate),
			"at the rate %s a single update moves a layer's weights by %s of their size; %s", num(d.rate()), num(usual), d.against())
	case (d.gain < halfGain || d.missed) && moves[0] > tooFar:
		d.add(RateTooLarge, -1, 1, set("LearningRate", rate),
			"at the rate %s the first update moved a layer's weights by %s times their size; %s", num(d.at.LearningRate), num(moves[0]), d.against())
	case len(h) > 1 && d.failed() && !d.missed && highest/perRow-d.least > 5*max(d.guess(), h[0].Loss/perRow-d.least):
		d.add(RateTooLarge, -1, 1, set("LearningRate", rate),
			"at the rate %s the loss rose to %s, where always guessing the mean costs %s", num(d.rate()), num(highest/perRow), num(d.base))
	}
	if d.explained() {
		return
	}
	fall := d.fallsLate(h)
	if d.cfg.Solver != nil {
		moves = []float64{barelyFar}
	}
	far := slices.Max(moves) * float64(d.at.Updates)
	falls := fall > 0
	if d.keepsBest && d.at.BestEpoch*10 < d.at.Epochs*9 {
		falls = false // the validation scores say that it is enough
	}
	switch {
	case (falls && d.gain < mostGain || d.failed() || d.gain < halfGain) && far < barelyFar && d.at.Updates >= fewUpdates:
		larger := 10.0
		for far > 0 && far*larger < barelyFar {
			larger *= 10
		}
		d.add(RateTooSmall, -1, 1, set("LearningRate", num(d.at.LearningRate*larger)),
			"an update moves the weights by %s of their size at most, all %d together by less than %s; %s",
			num(slices.Max(moves)), d.at.Updates, num(far), d.against())
	case falls && (d.gain < mostGain || d.missed) && d.at.Reason == train.ReasonEpochs:
		d.add(Unfinished, -1, d.at.Epochs, set("Epochs", strconv.Itoa(10*d.cfg.Epochs)),
			"the loss still falls, by %.0f %% over the last fifth of %s; %s", 100*fall, plural.Of(d.at.Epochs, "epoch"), d.against())
	}
	if best, ok := h.Best(); ok && (!d.keepsBest || d.at.BestEpoch == d.at.Epochs) {
		end := h[len(h)-1]
		if end.Validation > best.Validation+float64(worse*d.guess()) && end.Loss < best.Loss {
			d.add(Overfitting, -1, best.Epoch, set("Patience", "20"),
				"since epoch %d the validation score rose from %s to %s while the training loss fell from %s to %s, and the last weights were kept",
				best.Epoch, num(best.Validation), num(end.Validation), num(best.Loss), num(end.Loss))
		}
	}
}

// slower returns a rate with which the first update would have moved the weights by at most a
// tenth of their size. It is at most a tenth of the current rate. If a run diverged and the
// optimizer's default is below a tenth of the rate, it returns that default when the moves do
// not tell.
func (d *diagnosis[T]) slower() string {
	rate := d.at.LearningRate / 10
	if m := d.watcher.moves; len(m) > 0 && m[0] > 1 {
		rate /= m[0]
	}
	if usual := optim.DefaultLearningRate(d.cfg.Optimizer.String()); d.diverged && usual > 0 && usual < d.at.LearningRate/10 && (len(d.watcher.moves) == 0 || !(rate > usual/100)) {
		rate = usual
	}
	rate, _ = strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 1, 64), 64)
	return strconv.FormatFloat(rate, 'g', -1, 64)
}

// rate returns the rate of the last update.
func (d *diagnosis[T]) rate() float64 {
	if d.now.epoch > 0 && len(d.history) > 0 {
		return d.history[len(d.history)-1].LearningRate
	}
	return d.cfg.Schedule.Rate(d.at.LearningRate, optim.Position{StepsPerEpoch: 1, Epochs: d.cfg.Epochs})
}

// fallsLate returns the share by which the loss has fallen in the last fifth of the epochs. It
// is 0 if that is little, or if the schedule has lowered the rate to less than a tenth.
func (d *diagnosis[T]) fallsLate(h train.History) float64 {
	if d.cfg.Method == train.PerSample || len(h) == 0 || h[len(h)-1].LearningRate < d.at.LearningRate/10 {
		return 0
	}
	perRow := d.perRow()
	end, mark := h[len(h)-1].Loss/perRow, h[0].Loss/perRow
	if !d.keepsBest {
		end = min(end, d.loss)
	}
	for _, p := range h {
		if p.Epoch*5 <= d.at.Epochs*4 {
			mark = p.Loss / perRow
		}
	}
	if mark-end < lateFall*(end-d.least) || mark-end < lateGain*d.guess() {
		return 0
	}
	return (mark - end) / (mark - d.least)
}

// perRow returns the divisor that turns a batch loss of the history into a loss per row.
func (d *diagnosis[T]) perRow() float64 {
	return d.cfg.Reduction.Scale(d.cfg.BatchSize, nil) * float64(d.cfg.BatchSize)
}

// oscillation looks for a loss that goes up in every epoch of one parity and down in every
// epoch of the other.
func (d *diagnosis[T]) oscillation(h train.History) {
	h = h[len(h)/2:]
	h = h[max(0, len(h)-64):]
	var sum, n [2]float64
	var gaps []float64
	turns := 0
	for i, p := range h {
		parity := p.Epoch & 1
		n[parity]++
		sum[parity] += p.Loss
		if i == 0 || h[i-1].Epoch&1 == parity {
			continue
		}
		gaps = append(gaps, math.Abs(p.Loss-h[i-1].Loss))
		if p.Loss > h[i-1].Loss == (parity == 1) {
			turns++
		}
	}
	pairs := len(gaps)
	if pairs < leastPairs || d.cfg.Method == train.PerSample {
		return
	}
	slices.Sort(gaps)
	gap, level := gaps[pairs/2], (sum[0]+sum[1])/(n[0]+n[1])-d.least*d.perRow()
	a, b := sum[0]/n[0], sum[1]/n[1]
	even, odd := "down", "up"
	if a > b {
		even, odd = odd, even
		turns = pairs - turns
	}
	if float64(turns) < steady*float64(pairs) || gap <= widely*level && !(d.missed && gap > seen*level) {
		return
	}
	d.add(Oscillation, -1, h[0].Epoch, set("LearningRate", d.slower()),
		"the loss went %s in even epochs (to %s) and %s in odd ones (to %s) %d times of %d: the rate %s throws the weights across a minimum and back",
		even, num(a), odd, num(b), turns, pairs, num(d.rate()))
}
