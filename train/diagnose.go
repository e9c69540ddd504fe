package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
)

// Diagnose says why the run, as it stands, did not come to what it could have: a short list,
// causes before consequences, empty for a healthy run. It looks at the present weights, at
// what the trainer saw on the way, at the history and at the data, and changes nothing.
// docs/diagnosis.md has every test with its numbers.
func (t *Trainer[T]) Diagnose() []Finding {
	if t.result.Steps == 0 && t.result.Reason != ReasonDiverged {
		return nil
	}
	d := diagnosis[T]{Trainer: t, outcome: t.outcome()}
	d.now = t.look(finalRows)
	d.data()
	d.state()
	d.descent()
	if !d.explained() {
		d.consequences()
	}
	d.notFinite()
	slices.SortStableFunc(d.found, func(a, b Finding) int {
		return slices.Index(codes, a.Code) - slices.Index(codes, b.Code)
	})
	return d.found
}

// diagnosis is a Diagnose at work.
type diagnosis[T nn.Float] struct {
	*Trainer[T]
	outcome
	now   look // at the final weights; the tape has its rows until another pass
	found []Finding
}

// outcome is what the run came to, in losses a row.
type outcome struct {
	base     float64 // of always guessing the mean target
	loss     float64
	gain     float64 // 1 - loss/base
	diverged bool
	missed   bool // a tolerance or target loss was asked for and not reached
}

// failed: the run is no better than a guess, or not what was asked for.
func (o outcome) failed() bool { return o.diverged || o.missed || o.gain < littleGain }

const (
	littleGain = 0.05
	halfGain   = 0.5
	mostGain   = 0.9
)

func (t *Trainer[T]) outcome() outcome {
	rows := t.data.Train.Rows()
	o := outcome{
		base:     t.guessLoss(),
		loss:     t.FullLoss() / t.cfg.Reduction.Scale(rows) / float64(rows),
		diverged: t.result.Reason == ReasonDiverged,
	}
	o.gain = 1 - o.loss/o.base
	if o.base <= 0 { // one row, or a constant target: there is no guess to be better than
		o.gain = 1
	}
	if o.loss-o.loss != 0 {
		o.gain = math.Inf(-1)
	}
	asked := t.cfg.Method == PerSample
	for _, c := range criteria(t.cfg.Stop) {
		switch c.(type) {
		case Tolerance, TargetLoss:
			asked = true
		}
	}
	o.missed = asked && t.result.Reason == ReasonEpochs
	return o
}

// criteria are a criterion's parts.
func criteria(c Stop) []Stop {
	switch c := c.(type) {
	case nil:
		return nil
	case Any:
		var parts []Stop
		for _, p := range c {
			parts = append(parts, criteria(p)...)
		}
		return parts
	}
	return []Stop{c}
}

// guessLoss is the loss a row of the constant output that is the targets' mean, over up to
// 8,192 rows.
func (t *Trainer[T]) guessLoss() float64 {
	y := t.data.Train.Y
	n := min(8192, y.Rows)
	mean := make([]float64, y.Cols)
	for i := range n {
		for j, v := range y.Row(t.sampleRow(i, n)) {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	sum := 0.0
	for i := range n {
		for j, v := range y.Row(t.sampleRow(i, n)) {
			if mean[j] != float64(v) {
				sum += t.cfg.Loss.L(float64(v), mean[j])
			}
		}
	}
	return sum / float64(n)
}

func (d *diagnosis[T]) add(code string, layer, epoch int, try, evidence string, args ...any) {
	f := Finding{Code: code, Epoch: epoch, Try: try, Evidence: fmt.Sprintf(evidence, args...)}
	if layer >= 0 {
		f.Layer = &layer
	}
	d.found = append(d.found, f)
}

func (d *diagnosis[T]) has(which ...string) bool {
	return slices.ContainsFunc(d.found, func(f Finding) bool { return slices.Contains(which, f.Code) })
}

// explained: what was found is reason enough for outputs that are constant.
func (d *diagnosis[T]) explained() bool {
	return d.has(TargetOutOfRange, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients, ShrunkWeights,
		RateTooLarge, DeadRows, DeadUnits, SaturatedUnits, VanishingGradients, Oscillation, RateTooSmall, Unfinished)
}

// since is the epoch of the first of the looks, up to the end, in which it holds.
func (d *diagnosis[T]) since(holds func(look) bool) int {
	epoch := d.now.epoch
	for _, k := range slices.Backward(d.looks()) {
		if !holds(k) {
			break
		}
		epoch = k.epoch
	}
	return epoch
}

func (d *diagnosis[T]) looks() []look { return d.watch.looks }

const (
	mostDead      = 0.9  // of a layer's units
	mostSaturated = 0.9  // of (row, unit)
	deadRowShare  = 0.3  // of the squared error
	vanished      = 1e-4 // of the last hidden layer's deltas
	exploded      = 1e3
	shrunk        = 0.01 // root mean square of a layer's weights
)

// state looks for layers that no longer learn.
func (d *diagnosis[T]) state() {
	last := d.net.Depth() - 1
	for l := range last + 1 {
		w := d.net.Weights(l)
		if w.Cols > 1 && l < last && identical(w, d.net.Bias(l)) {
			d.add(IdenticalUnits, l, 0, "--init auto",
				"all %d units of layer %d have the same weights, so they get the same gradient and stay one unit; %s",
				w.Cols, l, d.against())
			return
		}
	}
	if !d.failed() && d.gain > mostGain {
		return
	}
	if l, small := d.smallest(); small < shrunk && d.failed() {
		if first := append(d.watch.moves, 0)[0]; first > tooFar && 2*d.decay() < first {
			return // the rate did it, not the decay
		}
		d.add(ShrunkWeights, l, d.now.epoch, "--weight-decay 0, and --init auto if they began so",
			"layer %d's weights have a root mean square of %s, too little to pass anything on; %s", l, num(small), d.against())
		return
	}
	d.deadRows()
	for l := last; l >= 0; l-- {
		k := d.now.layers[l]
		switch {
		case k.dead >= mostDead && !d.has(DeadUnits):
			try := "--lr " + d.slower()
			if l < last && d.net.Layer(l).Activation == nn.ReLU {
				try = "--activation leaky-relu"
			} else if l == last {
				try = "--output-activation identity"
			}
			d.add(DeadUnits, l, d.since(func(k look) bool { return k.layers[l].dead >= mostDead }), try,
				"%.0f %% of layer %d's %d %s units are near 0, with no slope, on all of %d rows looked at: no gradient passes them",
				100*k.dead, l, d.net.Layer(l).Units, d.net.Layer(l).Activation, d.sampled())
		case k.saturated >= mostSaturated && !d.has(SaturatedUnits):
			try := "--lr " + d.slower()
			if len(d.watch.moves) > 0 && d.watch.moves[0] < tooFar {
				try = "--init auto"
			}
			if l == last {
				try += ", or a loss that takes the output's slope out, such as --loss binary-cross-entropy"
			}
			d.add(SaturatedUnits, l, d.since(func(k look) bool { return k.layers[l].saturated >= mostSaturated }), try,
				"%.0f %% of layer %d's %s activations lie where the slope is below a hundredth of its largest: next to no gradient passes",
				100*k.saturated, l, d.net.Layer(l).Activation)
		}
	}
	if d.has(DeadUnits, SaturatedUnits, DeadRows) || last < 2 || !d.failed() {
		return
	}
	first, top := d.now.layers[0].delta, d.now.layers[last].delta
	switch {
	case first == 0 || top == 0:
	case first/top < vanished && !d.missed || first/top < vanished*vanished:
		d.add(VanishingGradients, 0, d.since(func(k look) bool { return k.layers[0].delta/k.layers[last].delta < vanished }),
			"--activation relu or fewer layers in --hidden",
			"dL/dz shrinks from %s in layer %d to %s in layer 0, by a factor of %s over %d layers", num(top), last, num(first), num(top/first), last)
	case first/top > exploded:
		d.add(ExplodingGradients, 0, d.since(func(k look) bool { return k.layers[0].delta/k.layers[last].delta > exploded }),
			"--init auto",
			"dL/dz grows from %s in layer %d to %s in layer 0, by a factor of %s over %d layers", num(top), last, num(first), num(first/top), last)
	}
}

// decay is the part of the weights that the rule takes off them in an update.
func (d *diagnosis[T]) decay() float64 {
	if r, ok := d.cfg.Rule.(optim.AdamW); ok {
		return r.WeightDecay * d.cfg.Rate
	}
	return 0
}

// identical reports columns of W, and biases, that are all the same.
func identical[T nn.Float](w nn.Matrix[T], bias []T) bool {
	for i := range w.Rows {
		r := w.Row(i)
		for _, v := range r {
			if v != r[0] {
				return false
			}
		}
	}
	for _, b := range bias {
		if b != bias[0] {
			return false
		}
	}
	return true
}

// sampled is how many rows the last look had.
func (d *diagnosis[T]) sampled() int { return d.watch.rows.Rows() }

// deadRows looks for rows in which a whole hidden layer is near 0 and which hold much of
// the error.
func (d *diagnosis[T]) deadRows() {
	last := d.net.Depth() - 1
	out, n := d.tape.A(last), d.sampled()
	off := make([]float64, n) // each row's squared error
	total := 0.0
	for i := range n {
		y := d.watch.rows.Y.Row(i)
		for j, a := range out.Row(i) {
			e := float64(a) - float64(y[j])
			off[i] += float64(e * e)
		}
		total += off[i]
	}
	for l := range last {
		k := d.now.layers[l]
		share, worst := 0.0, -1
		for _, i := range k.deadRows {
			share += off[i] / total
			if worst < 0 || off[i] > off[worst] {
				worst = i
			}
		}
		if worst < 0 || share < deadRowShare || len(k.deadRows) > n/2 {
			continue
		}
		a := d.tape.A(l)
		top := 0.0
		for _, v := range a.Row(worst) {
			top = max(top, math.Abs(float64(v)))
		}
		try := "--lr " + d.slower()
		why := ""
		if d.net.Bias(l+1) == nil {
			try += ", or a bias (without --no-bias)"
			why = fmt.Sprintf("; without a bias the output is f(0), here %s for the target %s", num(float64(out.At(worst, 0))), num(float64(d.watch.rows.Y.At(worst, 0))))
		}
		d.add(DeadRows, l, d.since(func(k look) bool {
			return len(k.layers[l].deadRows) > 0
		}), try, "on row %d no activation of layer %d is larger than %s%s. The gradient is gone there, and %s %.0f %% of the squared error",
			d.rowName(worst), l, num(top), why, rowsOf(len(k.deadRows)), 100*share)
		return
	}
}

// rowName is the number, in its table, of a row looked at.
func (d *diagnosis[T]) rowName(i int) int {
	r := d.sampleRow(i, d.sampled())
	if names := d.Names.Rows; r < len(names) {
		return names[r]
	}
	return r
}

const (
	tooFar     = 1    // |dW| / |W| of the first update
	farAlways  = 0.3  // of the updates of the second half
	barelyFar  = 1    // |dW| / |W| summed over the run
	fewUpdates = 200  // below which a run that stopped early is unfinished
	lateFall   = 0.15 // of the loss, in the last fifth of the epochs
	lateGain   = 0.02 // of the guess's loss, likewise
	leastPairs = 12   // of an epoch and the next in the history's end
	steady     = 0.9  // of these, that go up and down in turn
	widely     = 0.02 // of the loss, by which it goes up or down
	seen       = 1e-4 // likewise, where a tolerance was missed
	worse      = 0.1  // of the guess's loss: by how much the validation score has become worse
)

// descent looks at how the loss and the weights have moved.
func (d *diagnosis[T]) descent() {
	h := d.result.History
	moves := d.watch.moves
	rate := d.slower()
	if d.has(UnscaledInputs, UnscaledTargets, ExplodingGradients, ShrunkWeights, IdenticalUnits) {
		return // of which such a descent is a consequence
	}
	d.oscillation(h)
	highest := 0.0
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
	case d.has(Oscillation):
	case d.diverged:
		d.add(RateTooLarge, -1, max(1, d.now.epoch), "--lr "+rate,
			"at the rate %s the loss left what can be represented; the first update moved a layer's weights by %s of their size", num(d.cfg.Rate), num(moves[0]))
	case d.gain < mostGain && usual > farAlways && len(moves) > 2:
		d.add(RateTooLarge, -1, 1, "--lr "+rate,
			"at the rate %s a single update moves a layer's weights by %s of their size; %s", num(d.rate()), num(usual), d.against())
	case (d.gain < halfGain || d.missed) && moves[0] > tooFar:
		d.add(RateTooLarge, -1, 1, "--lr "+rate,
			"at the rate %s the first update moved a layer's weights by %s times their size; %s", num(d.cfg.Rate), num(moves[0]), d.against())
	case d.failed() && !d.missed && highest > 5*max(d.base, h[0].Loss/perRow)*perRow && len(h) > 1:
		d.add(RateTooLarge, -1, 1, "--lr "+rate,
			"at the rate %s the loss rose to %s, where always guessing the mean costs %s", num(d.rate()), num(highest/perRow), num(d.base))
	}
	if d.explained() {
		return
	}
	fall := d.fallsLate(h)
	far := slices.Max(moves) * float64(d.result.Steps)
	falls := fall > 0
	if d.best != nil && d.bestEpoch*10 < d.epoch*9 {
		falls = false // the validation rows say that it is enough
	}
	switch {
	case (falls && d.gain < mostGain || d.failed() || d.gain < halfGain) && far < barelyFar && d.result.Steps >= fewUpdates:
		d.add(RateTooSmall, -1, 1, "--lr "+num(d.cfg.Rate*10),
			"an update moves the weights by %s of their size at most, all %d together by less than %s; %s",
			num(slices.Max(moves)), d.result.Steps, num(far), d.against())
	case falls && (d.gain < mostGain || d.missed) && d.result.Reason == ReasonEpochs:
		d.add(Unfinished, -1, d.epoch, fmt.Sprintf("--epochs %d", 10*d.cfg.Epochs),
			"the loss still falls, by %.0f %% over the last fifth of %s; %s", 100*fall, counted(d.epoch, "epoch"), d.against())
	}
	if best, ok := h.Best(); ok && (d.best == nil || d.bestEpoch == d.epoch) {
		end := h[len(h)-1]
		if end.Validation > best.Validation+float64(worse*d.base) && end.Loss < best.Loss {
			d.add(Overfitting, -1, best.Epoch, "--patience 20",
				"since epoch %d the validation score rose from %s to %s while the training loss fell from %s to %s, and the last weights were kept",
				best.Epoch, num(best.Validation), num(end.Validation), num(best.Loss), num(end.Loss))
		}
	}
}

// against holds the loss against a guess's.
func (o outcome) against() string {
	if o.base <= 0 {
		return "the loss is " + num(o.loss)
	}
	return fmt.Sprintf("the loss is %s and always guessing the mean costs %s", num(o.loss), num(o.base))
}

// slower is a rate with which the first update would have moved the weights by at most a
// tenth of their size, and at most a tenth of the rate. Where that cannot be told it is the
// rule's default, if it is smaller.
func (d *diagnosis[T]) slower() string {
	rate := d.cfg.Rate / 10
	if m := d.watch.moves; len(m) > 0 && m[0] > 1 {
		rate /= m[0]
	}
	if usual := optim.DefaultRate(d.cfg.Rule.String()); d.diverged && usual > 0 && usual < d.cfg.Rate/10 && (len(d.watch.moves) == 0 || !(rate > usual/100)) {
		rate = usual
	}
	return strconv.FormatFloat(rate, 'g', 1, 64)
}

// rate is that of the last update.
func (d *diagnosis[T]) rate() float64 {
	if d.now.epoch > 0 && len(d.result.History) > 0 {
		return d.result.History[len(d.result.History)-1].Rate
	}
	return d.cfg.Schedule.Rate(d.cfg.Rate, optim.Position{StepsPerEpoch: 1, Epochs: d.cfg.Epochs})
}

// fallsLate is by which part of itself the loss has fallen in the last fifth of the epochs; 0
// where that is little, or the rate has come to its end.
func (d *diagnosis[T]) fallsLate(h History) float64 {
	if d.cfg.Method == PerSample || len(h) == 0 || h[len(h)-1].Rate < d.cfg.Rate/10 {
		return 0
	}
	perRow := d.perRow()
	end, mark := h[len(h)-1].Loss/perRow, h[0].Loss/perRow
	if d.best == nil {
		end = min(end, d.loss)
	}
	for _, p := range h {
		if p.Epoch*5 <= d.epoch*4 {
			mark = p.Loss / perRow
		}
	}
	if mark-end < lateFall*end || mark-end < lateGain*d.base {
		return 0
	}
	return (mark - end) / mark
}

// perRow is what a loss of the history, that of a batch, is divided by to be that of a row.
func (d *diagnosis[T]) perRow() float64 {
	return d.cfg.Reduction.Scale(d.cfg.BatchSize) * float64(d.cfg.BatchSize)
}

// oscillation looks for a loss that goes up in every epoch of one parity and down in those
// of the other.
func (d *diagnosis[T]) oscillation(h History) {
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
	if pairs < leastPairs || d.cfg.Method == PerSample {
		return
	}
	slices.Sort(gaps)
	gap, level := gaps[pairs/2], (sum[0]+sum[1])/(n[0]+n[1])
	a, b := sum[0]/n[0], sum[1]/n[1]
	even, odd := "down", "up"
	if a > b {
		even, odd = odd, even
		turns = pairs - turns
	}
	if float64(turns) < steady*float64(pairs) || gap <= widely*level && !(d.missed && gap > seen*level) {
		return
	}
	d.add(Oscillation, -1, h[0].Epoch, "--lr "+d.slower(),
		"the loss went %s in even epochs (to %s) and %s in odd ones (to %s) %d times of %d: the rate %s throws the weights across a minimum and back",
		even, num(a), odd, num(b), turns, pairs, num(d.rate()))
}

// consequences looks for what is seen where no cause is.
func (d *diagnosis[T]) consequences() {
	if d.has(LeakingColumn, Overfitting) {
		return
	}
	if d.failed() && !d.missed && d.constantOutput() {
		return
	}
	d.classNeverPredicted()
	if d.failed() && !d.has(ClassNeverPredicted) {
		h := d.result.History
		from, end := h[len(h)/2], h[len(h)-1]
		if end.Loss < (1-lateFall)*from.Loss {
			d.add(Unfinished, -1, d.epoch, fmt.Sprintf("--epochs %d", 10*d.cfg.Epochs),
				"the loss fell from %s in epoch %d to %s in epoch %d; %s", num(from.Loss), from.Epoch, num(end.Loss), end.Epoch, d.against())
			return
		}
		d.add(Plateau, -1, from.Epoch, "--hidden 128,128, or look whether the inputs say anything about the target",
			"the loss has come from %s in epoch %d to %s in epoch %d and no further; %s", num(from.Loss), from.Epoch, num(end.Loss), end.Epoch, d.against())
	}
}

const stillOutput = 0.02 // of the targets' standard deviation

// constantOutput looks for outputs that do not depend on the inputs.
func (d *diagnosis[T]) constantOutput() bool {
	out, y := d.tape.A(d.net.Depth()-1), d.watch.rows.Y
	most := 0.0
	for j := range y.Cols {
		spread, target := deviation(out, j, d.sampled()), deviation(y, j, d.sampled())
		if target > 0 {
			most = max(most, spread/target)
		}
	}
	if most >= stillOutput || d.sampled() < 2 {
		return false
	}
	d.add(ConstantOutput, d.net.Depth()-1, d.now.epoch, "--lr "+d.slower(),
		"over %d rows the outputs vary by %.2g of what the targets do: they say the same whatever the inputs are", d.sampled(), most)
	return true
}

// smallest is the layer whose weights have the least root mean square.
func (d *diagnosis[T]) smallest() (layer int, size float64) {
	size = math.Inf(1)
	for l := range d.net.Depth() {
		sum := 0.0
		w := d.net.Weights(l).Data
		for _, v := range w {
			sum += float64(float64(v) * float64(v))
		}
		if s := math.Sqrt(sum / float64(len(w))); s < size {
			layer, size = l, s
		}
	}
	return layer, size
}

func deviation[T nn.Float](m nn.Matrix[T], col, rows int) float64 {
	mean, sum := 0.0, 0.0
	for i := range rows {
		mean += float64(m.At(i, col)) / float64(rows)
	}
	for i := range rows {
		off := float64(m.At(i, col)) - mean
		sum += float64(off * off)
	}
	return math.Sqrt(sum / float64(rows))
}

// notFinite says where a value first stopped being finite.
func (d *diagnosis[T]) notFinite() {
	if e := d.divergence; e != nil {
		layer := e.Layer
		d.add(NotFinite, layer, e.Epoch, "--lr "+d.slower(),
			"in epoch %d, update %d, %s; the last finite weights are those from before epoch %d", e.Epoch, e.Step, e.where(), e.Epoch)
	}
}

// num writes a number with at most 4 digits.
func num(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// counted writes "1 row" and "2 rows".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// rowsOf names dead rows after one was described.
func rowsOf(n int) string {
	if n == 1 {
		return "this row has"
	}
	return fmt.Sprintf("%d such rows together have", n)
}
