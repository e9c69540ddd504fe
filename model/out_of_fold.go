package model

import (
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
)

// OutOfFold returns, for each row, the mean prediction of the members of an ensemble that were not
// trained on it. It returns nil if there are no such rows, because members share the rows that choose
// the epoch, or because the run is of one network. m is the latest model of the run, or one that an
// earlier run with the same tables and options made.
func (f *Fit) OutOfFold(m *Model) (j *Judged, err error) {
	defer spill.Guard(&err)()
	if f.bag == nil || !f.bag.inFolds {
		return nil, nil
	}
	t, width := f.tables.Train, m.Outputs()
	sums, members := map[int][]float64{}, map[int]float64{}
	j = &Judged{What: "out-of-fold", Table: t}
	taken := f.bag.taken
	if taken == nil { // the model is of an earlier run
		var err error
		if taken, err = f.bag.again(m); err != nil {
			return nil, err
		}
	}
	for _, member := range taken {
		all := member.says
		if m.ofBounds {
			all = member.bounds
		}
		if m.Shrinkage != nil && f.bag.taken != nil { // the run's own members have no shrinkage yet
			all = m.Shrinkage.of(m.Task(), all)
		}
		for i, row := range member.rows {
			says := all[i*width:][:width]
			if members[row]++; sums[row] == nil {
				sums[row] = slices.Clone(says)
				j.Rows = append(j.Rows, row)
				continue
			}
			for k, v := range says {
				sums[row][k] += v
			}
		}
	}
	if len(j.Rows) == 0 {
		return nil, nil
	}
	slices.Sort(j.Rows)
	for _, row := range j.Rows {
		for _, v := range sums[row] {
			j.Says = append(j.Says, v/members[row])
		}
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	j.targets = make([]float64, len(j.Rows)*m.Encoding.Outputs())
	if err := data.Targets(b, j.Rows, j.targets); err != nil {
		return nil, err
	}
	if j.W, err = f.sampleWeights(t, j.Rows); err != nil {
		return nil, err
	}
	_, j.Truth, err = m.compare(j.Says, j.targets, j.W, nil)
	return j, err
}

// again computes the predictions of the members of an earlier model for their folds; nil for a model
// with other members.
func (b *bag) again(m *Model) (all []*member, err error) {
	members := m.Members()
	if len(members) > len(b.members) || len(members) < len(b.members) && len(b.turns) < 2 {
		return nil, nil
	}
	for _, own := range members {
		k := slices.IndexFunc(b.members, func(m *member) bool { return m.options.Seed == own.Options.Seed })
		if k < 0 { // a recipe's members may be left out, but no others
			return nil, nil
		}
		one := &member{model: own, rows: pick(b.fit.Schema.Rows, b.members[k].tables.fold.validation)}
		if err := one.predict(b.fit.tables.Train); err != nil {
			return nil, err
		}
		if m.ofBounds {
			one.bounds = one.says
		}
		all = append(all, one)
	}
	return all, nil
}

// scoreOutOfFold sets the scores of the out-of-fold predictions, if there are any.
func (f *Fit) scoreOutOfFold(m *Model) error {
	j, err := f.OutOfFold(m)
	if j == nil || err != nil {
		return err
	}
	report, y, err := m.compare(j.Says, j.targets, j.W, f.Options.Metrics)
	if err != nil {
		return err
	}
	report.Set("loss", m.meanLoss(j.Says, j.targets, j.W)/setWeight(j.W, len(j.Rows)))
	m.Training.Metrics.OutOfFold = &report
	m.Training.Guess = m.learnGuess(y, j.W)
	m.findWorse("out-of-fold", &report, y, j.W)
	m.Training.Metrics.Baseline, err = m.scoreGuess(y, j.W, m.Options.Metrics)
	return err
}

// bestThreshold chooses the threshold on the out-of-fold predictions.
func (f *Fit) bestThreshold(m *Model) error {
	j, err := f.OutOfFold(m)
	if j == nil || err != nil {
		return err
	}
	m.Threshold, err = metrics.BestThreshold(f.recipe.thresholdBy, j.Truth, second(j.Says), j.W)
	return err
}
