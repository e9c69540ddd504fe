package model

import (
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
)

// OutOfFold returns, for each row, the mean prediction of the members of an ensemble that were not
// trained on it. In folds of up to 4,096 rows, they are a member's predictions at the epoch that is best by the fold's
// other rows: see train.Trainer's CrossFitted. It returns nil if there are no such rows, because members share the
// rows that choose the epoch, or because the run is of one network. m is the latest model of the run, or one that an
// earlier run with the same tables and options made. The predictions of such a model are those of its networks as they are.
func (f *Fit) OutOfFold(m *Model) (j *Judged, err error) {
	defer spill.Guard(&err)()
	if f.bag == nil || !f.bag.inFolds {
		return nil, nil
	}
	t, width := f.tables.Train, m.Outputs()
	taken := f.bag.taken
	if taken == nil { // the model is of an earlier run
		var err error
		if taken, err = f.bag.again(m); err != nil {
			return nil, err
		}
	}
	sums := newByRow(t, width)
	defer sums.free()
	for _, member := range taken {
		all := member.heldOut(m.ofBounds)
		var shrunk []float64
		for i, row := range member.rows {
			says := all[i*width:][:width]
			if m.Shrinkage != nil && f.bag.taken != nil { // the run's own members have no shrinkage yet
				shrunk = append(shrunk[:0], says...)
				m.Shrinkage.move(m.Task(), shrunk)
				says = shrunk
			}
			sums.add(row, says)
		}
	}
	j = &Judged{What: "out-of-fold", Table: t, own: true, CrossFitted: allCrossFitted(taken)}
	if j.Rows, j.Says = sums.means(); len(j.Rows) == 0 {
		return nil, nil
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	j.targets = spill.Must[float64](t.Spilled(), len(j.Rows)*m.Encoding.Outputs())
	if err := data.Targets(b, j.Rows, j.targets); err != nil {
		return nil, err
	}
	if j.W, err = f.sampleWeights(t, j.Rows); err != nil {
		return nil, err
	}
	j.Truth = m.truth(t.Spilled(), j.targets)
	return j, nil
}

// allCrossFitted reports whether all members have cross-fitted predictions.
func allCrossFitted(members []*member) bool {
	return !slices.ContainsFunc(members, func(m *member) bool { return !m.crossFitted })
}

// byRow collects predictions for the rows of a table. It is stored where the table's cells are.
type byRow struct {
	disk  *data.Spill
	width int
	sums  []float64 // width numbers for each row of the table
	times []uint16  // how many predictions a row has
}

func newByRow(t *data.Table, width int) *byRow {
	return &byRow{t.Spilled(), width, spill.Must[float64](t.Spilled(), t.Rows()*width), spill.Must[uint16](t.Spilled(), t.Rows())}
}

// add adds a prediction for a row.
func (r *byRow) add(row int, says []float64) {
	sums := r.sums[row*r.width:][:r.width]
	if r.times[row]++; r.times[row] == 1 {
		copy(sums, says)
		return
	}
	for k, v := range says {
		sums[k] += v
	}
}

// means returns the rows that have predictions, in order, and the mean prediction of each.
func (r *byRow) means() (rows []int, says []float64) {
	n := 0
	for _, times := range r.times {
		if times > 0 {
			n++
		}
	}
	rows, says = spill.Must[int](r.disk, n)[:0], spill.Must[float64](r.disk, n*r.width)[:0]
	for row, times := range r.times {
		if times == 0 {
			continue
		}
		rows = append(rows, row)
		for _, v := range r.sums[row*r.width:][:r.width] {
			says = append(says, v/float64(times))
		}
	}
	return rows, says
}

func (r *byRow) free() {
	spill.Free(r.disk, r.sums)
	spill.Free(r.disk, r.times)
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
		one := &member{model: own, rows: b.fit.pick(b.fit.Schema.Rows, b.members[k].tables.fold.validation)}
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
	defer j.free()
	report, err := m.scores(j.Table.Spilled(), j.Says, j.Truth, j.W, f.Options.Metrics)
	if err != nil {
		return err
	}
	y := j.Truth
	report.Set("loss", m.meanLoss(j.Says, j.targets, j.W)/setWeight(j.W, len(j.Rows)))
	m.Training.Metrics.OutOfFold = &report
	m.Training.CrossFitted = j.CrossFitted
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
	defer j.free()
	m.Threshold, err = metrics.BestThreshold(f.recipe.thresholdBy, j.Truth, second(j.Says), j.W)
	return err
}
