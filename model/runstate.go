package model

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Network returns a copy of the run's network in its present state, in float64.
func (f *Fit) Network() *nn.Network[float64] {
	switch r := f.runner.(type) {
	case runnerOf[float32]:
		return nn.ConvertNetwork[float64](r.trainer.Network())
	case runnerOf[float64]:
		return r.trainer.Network().Clone()
	}
	return nil
}

// NextRows returns which training rows the next update uses, counted among the training
// rows, as train.Trainer's Next does.
func (f *Fit) NextRows() []int {
	switch r := f.runner.(type) {
	case runnerOf[float32]:
		return r.trainer.Next()
	case runnerOf[float64]:
		return r.trainer.Next()
	}
	return nil
}

// Preview returns the effect of the next update on the parameter with that index, as
// train.Trainer's Preview does.
func (f *Fit) Preview(index int) (train.Preview, bool) {
	switch r := f.runner.(type) {
	case runnerOf[float32]:
		return r.trainer.Preview(index)
	case runnerOf[float64]:
		return r.trainer.Preview(index)
	}
	return train.Preview{}, false
}

// Ahead returns the parameters after the next update, nil after the last one, as
// train.Trainer's Ahead does.
func (f *Fit) Ahead() []float64 {
	switch r := f.runner.(type) {
	case runnerOf[float32]:
		var out []float64
		for _, v := range r.trainer.Ahead() {
			out = append(out, float64(v))
		}
		return out
	case runnerOf[float64]:
		return r.trainer.Ahead()
	}
	return nil
}

// NextRate returns the learning rate of the next update.
func (f *Fit) NextRate() float64 {
	switch r := f.runner.(type) {
	case runnerOf[float32]:
		return r.trainer.NextRate()
	case runnerOf[float64]:
		return r.trainer.NextRate()
	}
	return 0
}

// Part holds rows of a table as the run sees them.
type Part struct {
	Rows []int              // their positions in Table
	X, Y nn.Matrix[float64] // encoded
	W    []float64          // the weight of each row in the loss; nil for ones, and for test rows
}

// Parts returns the run's training, validation and test rows, encoded in float64. The targets of
// training are smoothed if the run smooths labels. For rows from a separate table, Rows counts in that table.
func (f *Fit) Parts() (training, validation, test Part, err error) {
	defer spill.Guard(&err)()
	encoded := func(own *data.Table, rows []int, weighed bool) (p Part) {
		if err != nil || len(rows) == 0 {
			return p
		}
		if own == nil {
			own = f.tables.Train
		}
		var s train.Set[float64]
		if own == f.tables.Train && len(rows) == len(f.parts.train) && &rows[0] == &f.parts.train[0] {
			s, _, err = encodeTraining[float64](f, len(rows))
		} else {
			s, _, err = encode[float64](f.wide, own, rows)
		}
		if weighed && err == nil {
			err = weigh(f, &s, own, rows)
		}
		return Part{Rows: slices.Clone(rows), X: s.X, Y: s.Y, W: s.W}
	}
	training = encoded(nil, f.parts.train, true)
	training.Y = train.Smoothed(training.Y, f.recipe.config.LabelSmoothing, f.recipe.config.Loss)
	validation = encoded(f.tables.Validation, f.parts.validation, true)
	test = encoded(f.tables.Test, f.parts.test, false)
	return training, validation, test, err
}

// Finished turns the network's outputs for some rows into predictions, Model's Outputs numbers for each row, as Predict
// returns them.
func (f *Fit) Finished(outputs nn.Matrix[float64]) []float64 {
	raw := make([]float64, outputs.Rows*outputs.Cols)
	outputs.Float64s(raw)
	return f.judged().finishRows(raw)
}

// ScoreOutputs scores the network's outputs for rows of a Part whose encoded targets are given. It returns the predictions
// as Finished does, and the targets y as the metrics take them: values in the target's own unit, or the numbers of classes.
// A smoothed target counts as the class that it is closest to. w has the rows' weights; nil means that all are equal.
func (f *Fit) ScoreOutputs(outputs, targets nn.Matrix[float64], w []float64) (p, y []float64, report metrics.Report, err error) {
	p = f.Finished(outputs)
	truth := make([]float64, targets.Rows*targets.Cols)
	targets.Float64s(truth)
	if f.Encoding.Task == data.Binary || f.Encoding.Task == data.Multilabel {
		for i, v := range truth {
			truth[i] = math.Round(v)
		}
	}
	report, y, err = f.judged().compare(p, truth, w, nil)
	return p, y, report, err
}

// judged returns a model that only scores predictions.
func (f *Fit) judged() *Model {
	return &Model{Encoding: f.Encoding, Options: f.Options, Loss: f.recipe.loss, Threshold: f.recipe.threshold}
}
