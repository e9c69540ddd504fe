package diagnosis

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Diagnose says why the run, in its current state, fell short of what it could have reached: a
// short list, causes before consequences, empty for a healthy run. It looks at the current
// weights, at what the watcher saw during the run, at the history and at the data, and changes
// nothing. For a run over a stream, whose rows are gone, it returns nothing.
func (w *Watcher[T]) Diagnose() []Finding {
	at := w.run.Progress()
	if w.rows.Rows() == 0 || at.Updates == 0 && at.Diverged == nil {
		return nil
	}
	d := diagnosis[T]{
		watcher: w, names: w.names, at: at,
		cfg: w.run.Config(), net: w.run.Network(), tape: w.run.Tape(), data: w.run.Data(), history: w.run.History(),
	}
	d.keepsBest = d.cfg.KeepBest && d.data.Validation.Rows() > 0
	d.judge(w.run.FullLoss())
	d.now = w.look(finalRows)
	d.rows()
	d.layers()
	d.descent()
	d.heldOut()
	if !d.explained() {
		d.consequences()
	}
	d.notFinite()
	Sort(d.found)
	return d.found
}

// diagnosis is the state of one Diagnose.
type diagnosis[T nn.Float] struct {
	watcher *Watcher[T]
	names   Names
	cfg     train.Config
	net     *nn.Network[T]
	tape    *nn.Tape[T]
	data    train.Data[T]
	history train.History
	at      train.Progress

	keepsBest bool // the run ends with the weights of its best epoch
	outcome
	now   look // at the final weights; the tape holds its rows until another pass
	found []Finding
}

// outcome is the result of the run, in losses per row. A loss is judged by its distance above
// the least possible loss, which is 0 for most losses.
type outcome struct {
	least    float64 // of predicting every target exactly
	base     float64 // of always guessing the mean target
	loss     float64
	gain     float64 // 1 - (loss-least)/(base-least)
	diverged bool
	missed   bool // a tolerance or target loss was asked for and not reached
}

// failed reports whether the run is no better than a guess, or missed its goal.
func (o outcome) failed() bool { return o.diverged || o.missed || o.gain < littleGain }

const (
	littleGain = 0.05 // gain below which a run is no better than a guess
	halfGain   = 0.5  // gain below which a run has learned less than half
	mostGain   = 0.9  // gain above which a run has learned most
)

// judge sets the outcome of a run with that loss over all training rows.
func (d *diagnosis[T]) judge(loss float64) {
	rows := d.data.Train.Rows()
	o := outcome{loss: loss / d.cfg.Reduction.Scale(rows, nil) / float64(rows), diverged: d.at.Diverged != nil}
	o.base, o.least = d.guessLoss()
	o.gain = 1 - (o.loss-o.least)/o.guess()
	if o.guess() <= 0 { // one row, or a constant target: there is no guess to beat
		o.gain = 1
	}
	if !float.Finite(o.loss) {
		o.gain = math.Inf(-1)
	}
	asked := d.cfg.Method == train.PerSample
	for _, c := range criteria(d.cfg.Stop) {
		switch c.(type) {
		case train.Tolerance, train.TargetLoss:
			asked = true
		}
	}
	o.missed = asked && d.at.Reason == train.ReasonEpochs
	d.outcome = o
}

// criteria returns the parts of a criterion.
func criteria(c train.Stop) []train.Stop {
	switch c := c.(type) {
	case nil:
		return nil
	case train.Any:
		var parts []train.Stop
		for _, p := range c {
			parts = append(parts, criteria(p)...)
		}
		return parts
	}
	return []train.Stop{c}
}

// guess returns how far the loss of always guessing the mean target is above the least.
func (o outcome) guess() float64 { return o.base - o.least }

// guessLoss returns two losses per row, over up to 8,192 rows: base for a constant output equal
// to the targets' mean, and least for outputs equal to the targets.
func (d *diagnosis[T]) guessLoss() (base, least float64) {
	y := d.data.Train.Y
	n := min(8192, y.Rows)
	mean := make([]float64, y.Cols)
	for i := range n {
		for j, v := range y.Row(d.row(i, n)) {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	for i := range n {
		for j, v := range y.Row(d.row(i, n)) {
			y := float64(v)
			loss := nn.LossOf(d.cfg.Loss, j)
			own := loss.L(y, y)
			if !float.Finite(own) || d.cfg.Loss == nn.Hinge { // 0·log 0; and hinge is 0 beyond its target
				own = 0
			}
			least += own
			if base += own; mean[j] != y {
				base += loss.L(y, mean[j]) - own
			}
		}
	}
	return base / float64(n), least / float64(n)
}

func (d *diagnosis[T]) add(code string, layer, epoch int, try []train.Remedy, evidence string, args ...any) {
	f := Finding{Code: code, Epoch: epoch, Remedies: try, Evidence: fmt.Sprintf(evidence, args...)}
	if layer >= 0 {
		f.Layer = &layer
	}
	d.found = append(d.found, f)
}

func (d *diagnosis[T]) has(which ...string) bool {
	return slices.ContainsFunc(d.found, func(f Finding) bool { return slices.Contains(which, f.Code) })
}

// explained reports whether the findings so far explain constant outputs.
func (d *diagnosis[T]) explained() bool {
	return d.has(TargetOutOfRange, TargetOutlier, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients, ShrunkWeights,
		RateTooLarge, DeadRows, DeadUnits, SaturatedUnits, VanishingGradients, Oscillation, RateTooSmall, Unfinished)
}

// since returns the epoch of the first look from which holds is true in every look up to the end.
func (d *diagnosis[T]) since(holds func(look) bool) int {
	epoch := d.now.epoch
	for _, k := range slices.Backward(d.watcher.looks) {
		if !holds(k) {
			break
		}
		epoch = k.epoch
	}
	return epoch
}

// sampled returns how many rows the last look had.
func (d *diagnosis[T]) sampled() int { return d.watcher.rows.Rows() }

// row returns the training row that is number i of n.
func (d *diagnosis[T]) row(i, n int) int { return spread(i, n, d.data.Train.Rows()) }

// against compares the loss with a guess's. It is the loss over all training rows with the
// weights that are kept, so it differs from the history's.
func (o outcome) against() string {
	const kept = "over all training rows the weights that are kept have a loss of "
	if o.guess() <= 0 {
		return kept + num(o.loss)
	}
	if o.least != 0 {
		return fmt.Sprintf(kept+"%s, always guessing the mean costs %s and predicting every target exactly %s", num(o.loss), num(o.base), num(o.least))
	}
	return fmt.Sprintf(kept+"%s, and always guessing the mean costs %s", num(o.loss), num(o.base))
}

// notFinite says where a value first stopped being finite.
func (d *diagnosis[T]) notFinite() {
	if e := d.at.Diverged; e != nil {
		layer := e.Layer
		d.add(NotFinite, layer, e.Epoch, set("LearningRate", d.slower()),
			"in epoch %d, update %d, %s; the last finite weights are those from before epoch %d", e.Epoch, e.Step, e.Where(), e.Epoch)
	}
}

// num writes a number with at most 4 digits.
func num(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
