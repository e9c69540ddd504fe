package model

import (
	"github.com/gradus-ml/gradus/data"
)

// A network that keeps its best epoch has lower errors on the rows that chose it than on new rows. So what a model
// learns from held-out rows, such as the widths of its intervals, and the out-of-fold scores of an ensemble come from
// predictions at epochs that the row did not choose: see train.Trainer's CrossFitted.

// mostCrossFitted is the most validation rows of a network that are predicted at epochs that others chose. With more
// rows, the choice changes the errors by too little to be measured: docs/intervals.md has a table.
const mostCrossFitted = 4096

// inParts returns the parts into which the validation rows are divided for cross-fitted predictions: the groups of
// Options.Group, or single rows. w are the weights of the rows. It returns nil if there are no such predictions.
func (f *Fit) inParts(w []float64) (parts []int, err error) {
	rows := f.parts.validation
	if !f.recipe.config.KeepBest || len(rows) > mostCrossFitted {
		return nil, nil
	}
	t := f.validationTable()
	if name := f.Options.Group; name != "" && t.Index(name) >= 0 {
		if parts, err = data.Groups(t, name, rows); err != nil {
			return nil, err
		}
	} else {
		for i := range rows {
			parts = append(parts, i)
		}
	}
	first := -1
	for i, part := range parts {
		switch {
		case w != nil && w[i] == 0:
		case first < 0:
			first = part
		case part != first:
			return parts, nil
		}
	}
	return nil, nil // a single part has no others
}

func (r runnerOf[T]) crossFitted(m *Model) []float64 {
	outputs := r.trainer.CrossFitted()
	if outputs == nil {
		return nil
	}
	if m.Options.Interval > 0 {
		own := outputs[:0]
		for j, v := range outputs {
			if isBound(j) == m.ofBounds {
				own = append(own, v)
			}
		}
		outputs = own
	}
	predictions := m.finishRows(outputs)
	if m.Temperature != 1 {
		predictions = temper(predictions, m.Outputs(), m.Temperature)
	}
	m.shrinkRows(predictions)
	return predictions
}

// crossFitted is the mean of the members, which share the validation rows.
func (b *bag) crossFitted(m *Model) []float64 {
	var sum []float64
	for _, member := range b.taken {
		if !member.crossFitted {
			return nil
		}
		own := member.heldOut(m.ofBounds)
		if sum == nil {
			sum = make([]float64, len(own))
		}
		for i, v := range own {
			sum[i] += v
		}
	}
	for i := range sum {
		sum[i] /= float64(len(b.taken))
	}
	m.shrinkRows(sum)
	return sum
}

// shrinkRows moves predictions of rows as the model's shrinkage does, if it has one.
func (m *Model) shrinkRows(predictions []float64) {
	if m.Shrinkage == nil {
		return
	}
	for width := m.Outputs(); len(predictions) > 0; predictions = predictions[width:] {
		m.Shrinkage.move(m.Task(), predictions[:width])
	}
}

// heldBack returns the validation rows of a run with a model's predictions for them, at epochs that the rows did not
// choose, if the run has such. For an ensemble it returns the out-of-fold rows, if there are any.
func (f *Fit) heldBack(m *Model) (*Judged, error) {
	if f.bag != nil && f.bag.inFolds {
		return f.OutOfFold(m)
	}
	if len(f.parts.validation) == 0 {
		return nil, nil
	}
	j, err := f.judge(m, "validation", f.validationTable(), f.parts.validation)
	if err != nil {
		return nil, err
	}
	if predictions := f.runner.crossFitted(m); predictions != nil {
		j.Says = predictions
	}
	return j, nil
}
