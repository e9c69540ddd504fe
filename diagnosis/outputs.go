package diagnosis

import (
	"fmt"
	"math"
	"strconv"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// consequences reports what can be seen when no cause was found.
func (d *diagnosis[T]) consequences() {
	if d.has(LeakingColumn, Overfitting, WorseThanGuessing) {
		return
	}
	if d.failed() && !d.missed && d.constantOutput() {
		return
	}
	d.classNeverPredicted()
	if d.failed() && d.cfg.Method == train.PerSample && d.at.Reason == (train.Tolerance{}).Reason() {
		d.add(ForgottenRows, -1, d.at.Epochs, set("Method", string(train.Stochastic)),
			"each row was learned in its own turn, and the turns of later rows undid that: %s", d.against())
		return
	}
	if d.failed() && !d.has(ClassNeverPredicted) {
		h := d.history
		if len(h) < 2 {
			return // one epoch shows no trend
		}
		from, end := h[min(len(h)/2, len(h)-2)], h[len(h)-1] // two different ones
		if least := d.least * d.perRow(); end.Loss-least < (1-lateFall)*(from.Loss-least) {
			d.add(Unfinished, -1, d.at.Epochs, set("Epochs", strconv.Itoa(10*d.cfg.Epochs)),
				"the mean loss of an epoch's batches fell from %s in epoch %d to %s in epoch %d; %s", num(from.Loss), from.Epoch, num(end.Loss), end.Epoch, d.against())
			return
		}
		d.add(Plateau, -1, from.Epoch, set("Hidden", "128,128", advice(lookAtInputs)),
			"the mean loss of an epoch's batches went from %s in epoch %d to %s in epoch %d and no further; %s", num(from.Loss), from.Epoch, num(end.Loss), end.Epoch, d.against())
	}
}

// heldOut compares the validation loss of the weights that are kept with that of a guess.
func (d *diagnosis[T]) heldOut() {
	y := d.data.Validation.Y
	if y.Rows == 0 || d.diverged || d.cfg.Loss == nn.Hinge || len(d.history) == 0 {
		return
	}
	loss, epoch := d.history[len(d.history)-1].Validation, d.at.Epochs
	if d.keepsBest && d.at.BestEpoch > 0 {
		loss, epoch = d.at.BestLoss, d.at.BestEpoch
	}
	mean := make([]float64, y.Cols)
	training := d.data.Train
	for i := range training.Rows() {
		w := rowWeight(training.W, i)
		for j, v := range training.Y.Row(i) {
			mean[j] += float64(w * float64(v))
		}
	}
	for j := range mean {
		mean[j] /= training.Weight()
	}
	var guess, least float64
	for i := range y.Rows {
		w := rowWeight(d.data.Validation.W, i)
		for j, v := range y.Row(i) {
			loss := nn.LossOf(d.cfg.Loss, j)
			own := loss.L(float64(v), float64(v))
			if !float.Finite(own) { // 0·log 0
				own = 0
			}
			least += float64(w * own)
			guess += float64(w * loss.L(float64(v), mean[j]))
		}
	}
	all := d.data.Validation.Weight()
	if f, ok := WorseThanGuess("validation", y.Rows, loss, guess/all, least/all); ok {
		f.Epoch = epoch
		d.found = append(d.found, f)
	}
}

// rowWeight returns the weight of a row.
func rowWeight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

const stillOutput = 0.02 // standard deviation of the outputs, as a share of that of the targets, below which outputs are constant

// constantOutput looks for outputs that do not depend on the inputs.
func (d *diagnosis[T]) constantOutput() bool {
	out, y := d.tape.A(d.net.Depth()-1), d.watcher.rows.Y
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
	d.add(ConstantOutput, d.net.Depth()-1, d.now.epoch, set("LearningRate", d.slower()),
		"over %d rows the outputs vary by %.2g of what the targets do: they say the same whatever the inputs are", d.sampled(), most)
	return true
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

const (
	classRows  = 2048 // training rows that are looked at
	classShare = 0.02 // a class with a smaller share of the rows does not count as missed; 1/(2k) with k > 2 classes
	classLeast = 10   // rows that such a class has at least
)

// classNeverPredicted looks for a class that some rows have but the network never predicts.
func (d *diagnosis[T]) classNeverPredicted() {
	classes := d.classes()
	if classes == 0 {
		return
	}
	all := &d.data.Train
	n := min(classRows, all.Rows())
	have, given := make([]int, classes), make([]int, classes)
	row := d.watcher.rows.X
	for from := 0; from < n; from += row.Rows {
		part := row.Slice(0, min(row.Rows, n-from))
		for i := range part.Rows {
			r := d.row(from+i, n)
			all.Cells(r, 0, part.Cols, part.Row(i))
			have[d.classOf(r)]++
		}
		out := d.net.Forward(d.tape, part)
		for i := range out.Rows {
			given[classOf(out.Row(i))]++
		}
	}
	share := classShare
	if classes > 2 {
		share = 0.5 / float64(classes)
	}
	for c, rows := range have {
		if given[c] == 0 && rows >= classLeast && float64(rows) >= share*float64(n) {
			name := fmt.Sprintf("class %d", c)
			if classes == d.net.Outputs() || d.net.Outputs() == 1 && len(d.names.Outputs) == 2 {
				name = "the class " + d.outputName(c)
			}
			d.add(ClassNeverPredicted, d.net.Depth()-1, d.now.epoch, set("ClassWeight", "balanced"),
				"%s is in %d of %d rows and never predicted", name, rows, n)
			return
		}
	}
}
