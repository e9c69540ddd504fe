package model

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/nn"
)

// ImportanceOptions say how Importance measures; the zero value of a field is its default.
type ImportanceOptions struct {
	EvaluateOptions        // Metrics[0] is the metric that is measured; default: r2, or accuracy
	Repeats         int    // the number of shuffles per column; default 5
	Seed            uint64 // of the shuffles; the command line's default is 1
	Threads         int    // default: all cores; does not affect the result

	// Known has the drops of columns that an earlier call with the same model, rows and
	// options has measured. They are not measured again.
	Known map[string][]float64
	// Done, if not nil, is called for every measured column, one call at a time, in no fixed
	// order. After an error no further column is started.
	Done func(column string, drops []float64) error
	// Predicted, if not nil, is called with the number of rows predicted so far and the number of all. A row counts once
	// for each shuffle and network. Only one call runs at a time, and none during Done.
	Predicted func(rows, of int)
}

// Importance is the worth of each column to a model on some rows. It is how much a metric
// gets worse when the column's cells are shuffled among the rows, so that they carry no
// information (Breiman 2001; scikit-learn's permutation_importance). Columns with the same
// information can replace each other, and both may look worthless.
type Importance struct {
	Metric  string             `json:"metric"`
	Rows    int                `json:"rows"`
	Repeats int                `json:"repeats"`
	Score   float64            `json:"score"`           // with no column shuffled
	Columns []ColumnImportance `json:"columns"`         // the most important first
	Notes   []string           `json:"notes,omitempty"` // what is worth knowing about the rows, one sentence each
}

// MarshalJSON writes null for a number that is not finite.
func (i Importance) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(i) }

// UnmarshalJSON reads null as NaN.
func (i *Importance) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, i) }

// ColumnImportance is the worth of one column.
type ColumnImportance struct {
	Name  string    `json:"name"`
	Mean  float64   `json:"importance"` // how much worse the score is, mean over the repeats
	SD    float64   `json:"sd"`         // sample standard deviation; 0 for one repeat
	Drops []float64 `json:"drops"`      // one per repeat
}

// MarshalJSON writes null for a number that is not finite.
func (c ColumnImportance) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *ColumnImportance) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// Importance measures the worth of each column on the labeled rows of a table. If ctx ends there
// is no result, and the error wraps what ended ctx. Done has been called for the columns measured until then.
//
// Where the encoded rows do not fit in memory, or the table is on the disk, they are encoded part by part for each shuffle,
// and only the cells of the column that is shuffled are read out of order. The result is the same.
func (m *Model) Importance(ctx context.Context, t *data.Table, o ImportanceOptions) (i *Importance, err error) {
	defer spill.Guard(&err)()
	if o.Metrics == nil {
		o.Metrics = []string{"accuracy"}
		if m.Task() == data.Regression {
			o.Metrics = []string{"r2"}
		}
	}
	if len(o.Metrics) != 1 {
		return nil, refuse("Metrics", nil, "importance is measured by one metric, and %d are named", len(o.Metrics))
	}
	o.Repeats = cmp.Or(o.Repeats, 5)
	if o.Repeats < 1 {
		return nil, refuse("Repeats", o.Repeats, "give a whole number of at least 1")
	}
	l, err := m.labeled(t, &o.EvaluateOptions)
	if err != nil {
		return nil, err
	}
	judge := *m
	judge.Threshold = o.Threshold
	return judge.importance(ctx, t, l, o)
}

// shuffled is a network with the rows of a table. It predicts the rows with the cells of one column shuffled.
type shuffled interface {
	// predict takes the cells of column c from the rows in perm, unless perm is nil. The loss is summed.
	predict(ctx context.Context, c int, perm []int, withLoss bool) (out []float64, loss float64, err error)
}

type shuffledOf[T nn.Float] struct {
	m     *Model
	net   *nn.Network[T]
	b     *data.Binding
	rows  []int
	w     []float64
	x     nn.Matrix[T] // the encoded rows; without numbers if they are encoded part by part whenever they are predicted
	cores int          // that predict
	tell  func(rows int)
}

func newShuffled[T nn.Float](m *Model, net *nn.Network[T], b *data.Binding, l labeled, streamed bool, cores int, tell func(rows int)) (shuffled, data.Counts, error) {
	s := shuffledOf[T]{m, net, b, l.rows, l.w, nn.Matrix[T]{Rows: len(l.rows), Cols: m.Encoding.Width()}, cores, tell}
	if streamed {
		counts, err := data.CountInputs[T](b, l.rows)
		return s, counts, err
	}
	s.x = nn.NewMatrix[T](s.x.Rows, s.x.Cols)
	counts, err := data.Inputs(b, l.rows, s.x.Data)
	return s, counts, err
}

// shuffledPart is the number of rows that are predicted at once.
const shuffledPart = 256

func (s shuffledOf[T]) predict(ctx context.Context, c int, perm []int, withLoss bool) (out []float64, loss float64, err error) {
	rows, disk := len(s.rows), s.b.Spilled()
	raw := spill.Must[float64](disk, rows*s.net.Outputs())
	losses := make([]float64, (rows+shuffledPart-1)/shuffledPart)
	err = spill.Each(len(losses), s.cores, func() func(int) error {
		p := newShuffledRows(s, c)
		return func(i int) (err error) {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			from := i * shuffledPart
			if losses[i], err = p.predict(from, min(from+shuffledPart, rows), perm, withLoss, raw); err == nil {
				s.tell(min(shuffledPart, rows-from))
			}
			return err
		}
	})
	if err != nil {
		return nil, 0, err
	}
	for _, l := range losses { // in order, whichever core predicted them
		loss += l
	}
	if out = s.m.finishRowsIn(disk, raw); &out[0] != &raw[0] {
		spill.Free(disk, raw)
	}
	return out, loss, nil
}

// shuffledRows are the rows that a core predicts at once.
type shuffledRows[T nn.Float] struct {
	shuffledOf[T]
	from, to int // the inputs of the column that is shuffled
	only     *data.Binding
	places   []int // of the rows that the column's cells are taken from
	cells    nn.Matrix[T]
	batch, y nn.Matrix[T]
	tape     *nn.Tape[T]
}

func newShuffledRows[T nn.Float](s shuffledOf[T], c int) *shuffledRows[T] {
	n := min(shuffledPart, len(s.rows))
	p := &shuffledRows[T]{shuffledOf: s, batch: nn.NewMatrix[T](n, s.x.Cols), y: nn.NewMatrix[T](n, s.net.Outputs()), tape: s.net.NewTape(n)}
	p.from, p.to = s.m.Encoding.Span(c)
	if s.x.Data == nil {
		p.only, p.places, p.cells = s.b.Only(c), make([]int, n), nn.NewMatrix[T](n, p.to-p.from)
	}
	return p
}

// predict writes the outputs for the rows in [from, to) to their places in out, and returns their loss.
func (p *shuffledRows[T]) predict(from, to int, perm []int, withLoss bool, out []float64) (loss float64, err error) {
	x := p.batch.Slice(0, to-from)
	if perm != nil {
		perm = perm[from:to]
	}
	if err := p.fill(x, p.rows[from:to], from, perm); err != nil {
		return 0, err
	}
	z := p.net.Forward(p.tape, x)
	if withLoss {
		if p.w != nil {
			p.tape.UseWeights(p.w[from:to])
		}
		y := p.y.Slice(0, to-from)
		if err := data.Targets(p.b, p.rows[from:to], y.Data[:y.Rows*y.Cols]); err != nil {
			return 0, err
		}
		loss = p.net.Loss(p.tape, p.m.Loss, y)
	}
	z.Float64s(out[from*z.Cols:])
	return loss, nil
}

// fill writes the encoded rows to x, with the column's cells from the rows in perm. The first row has the index at.
func (p *shuffledRows[T]) fill(x nn.Matrix[T], rows []int, at int, perm []int) error {
	if p.only == nil {
		for i := range x.Rows {
			copy(x.Row(i), p.x.Row(at+i))
			if perm != nil {
				copy(x.Row(i)[p.from:p.to], p.x.Row(perm[i])[p.from:p.to])
			}
		}
		return nil
	}
	if _, err := data.Inputs(p.b, rows, x.Data[:x.Rows*x.Cols]); err != nil || perm == nil {
		return err
	}
	places := p.places[:len(perm)]
	for i, from := range perm {
		places[i] = p.rows[from]
	}
	if _, err := data.Inputs(p.only, places, p.cells.Data[:len(places)*p.cells.Cols]); err != nil {
		return err
	}
	for i := range places {
		copy(x.Row(i)[p.from:p.to], p.cells.Row(i))
	}
	return nil
}

// streams reports whether the encoded rows are not kept, because the table is on the disk or there is no memory for them.
func (m *Model) streams(l labeled) bool {
	size := 0.0
	for _, member := range m.each() {
		number := 8.0
		if member.Network32() != nil {
			number = 4
		}
		size += number * float64(len(l.rows)) * float64(member.Encoding.Width())
	}
	have, known := available()
	return l.b.Spilled() != nil || known && size > float64(have.Bytes)
}

// each returns the networks of the model.
func (m *Model) each() []*Model {
	if members := m.Members(); members != nil {
		return members
	}
	return []*Model{m}
}

// shuffle prepares each network of the model to predict shuffled rows on that many cores. The networks report how many rows
// they have predicted.
func (m *Model) shuffle(l labeled, streamed bool, cores int, tell func(rows int)) (all []shuffled, counts data.Counts, err error) {
	for k, member := range m.each() {
		b, err := l.b.As(member.Encoding)
		if err != nil {
			return nil, nil, err
		}
		var s shuffled
		var c data.Counts
		if net := member.Network32(); net != nil {
			s, c, err = newShuffled(member, net, b, l, streamed, cores, tell)
		} else {
			s, c, err = newShuffled(member, member.Network64(), b, l, streamed, cores, tell)
		}
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, s); k == 0 {
			counts = c
		} else {
			counts = fewest(counts, c)
		}
	}
	return all, counts, nil
}

// A measurement measures the importance of all columns.
type measurement struct {
	m        *Model
	o        ImportanceOptions
	networks []shuffled
	workers  int // columns measured at the same time
	disk     *data.Spill
	columns  []string
	rows     int
	targets  []float64
	truth    []float64 // the targets in the form that the metrics take
	w        []float64
	base     float64     // the score of the unchanged rows
	drops    [][]float64 // how much worse the score is, for each column and repeat
	todo     []int       // columns that are not known

	lock      sync.Mutex // of what is told
	predicted int        // rows
}

// tell adds rows to the number of predicted rows and reports that number.
func (q *measurement) tell(rows int) {
	if q.o.Predicted == nil {
		return
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	q.predicted += rows
	q.o.Predicted(q.predicted, q.rows*len(q.networks)*(1+len(q.todo)*q.o.Repeats))
}

func (m *Model) importance(ctx context.Context, t *data.Table, l labeled, o ImportanceOptions) (out *Importance, err error) {
	q := &measurement{m: m, o: o, workers: cmp.Or(o.Threads, runtime.GOMAXPROCS(0)), disk: l.b.Spilled(), columns: m.Encoding.Columns(), rows: len(l.rows), w: l.w}
	cores, streamed := 1, m.streams(l)
	if streamed { // several columns at the same time would need several columns of the table in memory
		cores, q.workers = q.workers, 1
	}
	var counts data.Counts
	if q.networks, counts, err = m.shuffle(l, streamed, cores, q.tell); err != nil {
		return nil, err
	}
	q.targets = spill.Must[float64](q.disk, q.rows*m.Encoding.Outputs())
	if err := data.Targets(l.b, l.rows, q.targets); err != nil {
		return nil, err
	}
	q.truth = m.truth(q.disk, q.targets)
	q.drops = make([][]float64, len(q.columns))
	for c, column := range q.columns {
		if q.drops[c] = o.Known[column]; len(q.drops[c]) != o.Repeats {
			q.todo = append(q.todo, c)
		}
	}
	name, ok := o.Metrics[0], false
	if q.base, ok, err = q.score(ctx, 0, nil); err != nil {
		return nil, err
	}
	if !ok || math.IsNaN(q.base) || math.IsInf(q.base, 0) {
		return nil, refuse("Metrics", nil, "%s is not defined on the rows of %s that have a target (%s)", name, t.Name(), plural.Of(q.rows, "row"))
	}
	if err := q.measureAll(ctx); err != nil {
		return nil, err
	}
	out = &Importance{Metric: name, Rows: q.rows, Repeats: o.Repeats, Score: q.base}
	out.Notes = (&Evaluation{Left: l.left, Counts: counts, Known: m.Training.known(t)}).Notes()
	for c, name := range q.columns {
		mean, sd := meanSD(q.drops[c])
		out.Columns = append(out.Columns, ColumnImportance{name, mean, sd, q.drops[c]})
	}
	slices.SortStableFunc(out.Columns, func(a, b ColumnImportance) int { return cmp.Compare(b.Mean, a.Mean) })
	return out, nil
}

// score returns the metric with the cells of a column taken from the rows in perm, unless perm is nil. ok
// reports whether it is defined.
func (q *measurement) score(ctx context.Context, c int, perm []int) (v float64, ok bool, err error) {
	name := q.o.Metrics[0]
	out, loss, err := q.networks[0].predict(ctx, c, perm, name == "loss")
	if err != nil {
		return 0, false, err
	}
	defer spill.Free(q.disk, out)
	for _, other := range q.networks[1:] {
		says, _, err := other.predict(ctx, c, perm, false)
		if err != nil {
			return 0, false, err
		}
		for i, v := range says {
			out[i] += v
		}
		spill.Free(q.disk, says)
	}
	if q.m.ensemble != nil {
		q.m.ensemble.divide(out)
		loss = q.m.meanLoss(out, q.targets, q.w)
	}
	if name == "loss" {
		return loss / setWeight(q.w, q.rows), true, nil
	}
	r, err := q.m.scores(q.disk, out, q.truth, q.w, []string{name})
	v, ok = r.Get(name)
	return v, ok, err
}

// measure shuffles one column as many times as requested. perm is a buffer for the rows.
func (q *measurement) measure(ctx context.Context, c int, perm []int) error {
	name, sign := q.o.Metrics[0], 1.0
	if !metrics.HigherIsBetter(name) {
		sign = -1
	}
	drops := make([]float64, q.o.Repeats)
	q.drops[c] = drops
	for r := range drops {
		if ctx.Err() != nil {
			return ended(ctx)
		}
		rng.Perm(perm, q.o.Seed, rng.Permute, uint64(c)<<24|uint64(r))
		v, ok, err := q.score(ctx, c, perm)
		if err != nil {
			return err
		}
		if drops[r] = sign * (q.base - v); !ok || math.IsNaN(drops[r]) || math.IsInf(drops[r], 0) {
			return refuse("Metrics", nil, "%s is not a finite number when the column %q is shuffled", name, q.columns[c])
		}
	}
	return nil
}

// measureAll measures the columns that are not yet known, on several cores.
func (q *measurement) measureAll(ctx context.Context) error {
	return spill.Each(len(q.todo), q.workers, func() func(int) error {
		perm := spill.Must[int](q.disk, q.rows)
		return func(i int) error {
			c := q.todo[i]
			if err := q.measure(ctx, c, perm); err != nil || q.o.Done == nil {
				return err
			}
			q.lock.Lock()
			defer q.lock.Unlock()
			return q.o.Done(q.columns[c], q.drops[c])
		}
	})
}

// meanSD returns the mean and the sample standard deviation. The latter is 0 for one value.
func meanSD(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		sd += float64((v - mean) * (v - mean))
	}
	return mean, math.Sqrt(sd / float64(len(values)-1))
}
