package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gradus-ml/gradus/nn"
)

// Diagnose says why the run, as it stands, did not come to what it could have: a short list,
// causes before consequences, empty for a healthy run. It looks at the present weights, at
// what the trainer saw on the way, at the history and at the data, and changes nothing.
// docs/diagnosis.md has every test with its numbers.
func (t *Trainer[T]) Diagnose() []Finding {
	if t.stream != nil {
		return nil // the rows are gone
	}
	if t.result.Steps == 0 && t.result.Reason != ReasonDiverged {
		return nil
	}
	d := diagnosis[T]{Trainer: t, outcome: t.outcome()}
	d.now = t.look(finalRows)
	d.data()
	d.state()
	d.descent()
	d.heldOut()
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

// outcome is what the run came to, in losses a row. A loss is judged by how far it lies above
// the least that it can be, which is 0 of most losses.
type outcome struct {
	least    float64 // of saying every target itself
	base     float64 // of always guessing the mean target
	loss     float64
	gain     float64 // 1 - (loss-least)/(base-least)
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
		loss:     t.FullLoss() / t.cfg.Reduction.Scale(rows) / float64(rows),
		diverged: t.result.Reason == ReasonDiverged,
	}
	o.base, o.least = t.guessLoss()
	o.gain = 1 - (o.loss-o.least)/o.guess()
	if o.guess() <= 0 { // one row, or a constant target: there is no guess to be better than
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

// guess is how far always guessing the mean target lies above the least.
func (o outcome) guess() float64 { return o.base - o.least }

// guessLoss is the loss a row of the constant output that is the targets' mean, and that of the
// targets themselves, over up to 8,192 rows.
func (t *Trainer[T]) guessLoss() (base, least float64) {
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
	for i := range n {
		for j, v := range y.Row(t.sampleRow(i, n)) {
			y := float64(v)
			own := t.cfg.Loss.L(y, y)
			if own-own != 0 || t.cfg.Loss == nn.Hinge { // as 0·log 0; and hinge is 0 beyond its target
				own = 0
			}
			least += own
			if base += own; mean[j] != y {
				base += t.cfg.Loss.L(y, mean[j]) - own
			}
		}
	}
	return base / float64(n), least / float64(n)
}

func (d *diagnosis[T]) add(code string, layer, epoch int, try []Remedy, evidence string, args ...any) {
	f := Finding{Code: code, Epoch: epoch, Remedies: try, Evidence: fmt.Sprintf(evidence, args...)}
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
	return d.has(TargetOutOfRange, TargetOutlier, UnscaledInputs, UnscaledTargets, IdenticalUnits, ExplodingGradients, ShrunkWeights,
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

// sampled is how many rows the last look had.
func (d *diagnosis[T]) sampled() int { return d.watch.rows.Rows() }

// against holds the loss against a guess's. It is that of all training rows with the weights that
// are kept, and so another than the history's.
func (o outcome) against() string {
	const kept = "over all training rows the weights that are kept have a loss of "
	if o.guess() <= 0 {
		return kept + num(o.loss)
	}
	if o.least != 0 {
		return fmt.Sprintf(kept+"%s, always guessing the mean costs %s and saying every target itself %s", num(o.loss), num(o.base), num(o.least))
	}
	return fmt.Sprintf(kept+"%s, and always guessing the mean costs %s", num(o.loss), num(o.base))
}

// notFinite says where a value first stopped being finite.
func (d *diagnosis[T]) notFinite() {
	if e := d.divergence; e != nil {
		layer := e.Layer
		d.add(NotFinite, layer, e.Epoch, set("LearningRate", d.slower()),
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
