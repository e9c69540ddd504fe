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
	"github.com/gradus-ml/gradus/internal/rng"
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
func (m *Model) Importance(ctx context.Context, t *data.Table, o ImportanceOptions) (*Importance, error) {
	if o.Metrics == nil {
		o.Metrics = []string{"accuracy"}
		if m.Task() == data.Regression {
			o.Metrics = []string{"r2"}
		}
	}
	if len(o.Metrics) != 1 {
		return nil, refuse("Metrics", nil, "importance is measured by one metric, and %d are named", len(o.Metrics))
	}
	o.Repeats = or(o.Repeats, 5)
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

// shuffled is a network with the encoded rows of a table. It predicts the rows with the cells of one
// column shuffled.
type shuffled interface {
	// predict takes the cells of column c from the rows in perm, unless perm is nil. The loss is summed.
	predict(c int, perm []int, withLoss bool) (out []float64, loss float64)
}

type shuffledOf[T nn.Float] struct {
	m    *Model
	net  *nn.Network[T]
	x, y nn.Matrix[T]
	w    []float64
}

func newShuffled[T nn.Float](m *Model, net *nn.Network[T], b *data.Binding, l labeled) (shuffled, data.Counts, error) {
	s := shuffledOf[T]{m, net, nn.NewMatrix[T](len(l.rows), m.Encoding.Width()), nn.NewMatrix[T](len(l.rows), m.Encoding.Outputs()), l.w}
	counts, err := data.Inputs(b, l.rows, s.x.Data)
	if err != nil {
		return nil, nil, err
	}
	return s, counts, data.Targets(b, l.rows, s.y.Data)
}

func (s shuffledOf[T]) predict(c int, perm []int, withLoss bool) (out []float64, loss float64) {
	const part = 256
	rows := s.x.Rows
	from, to := s.m.Encoding.Span(c)
	batch, tape := nn.NewMatrix[T](min(part, rows), s.x.Cols), s.net.NewTape(min(part, rows))
	out = make([]float64, 0, len(s.y.Data))
	for at := 0; at < rows; at += part {
		end := min(at+part, rows)
		batch := batch.Slice(0, end-at)
		for i := range batch.Rows {
			copy(batch.Row(i), s.x.Row(at+i))
			if perm != nil {
				copy(batch.Row(i)[from:to], s.x.Row(perm[at+i])[from:to])
			}
		}
		z := s.net.Forward(tape, batch)
		if withLoss {
			if s.w != nil {
				tape.UseWeights(s.w[at:end])
			}
			loss += s.net.Loss(tape, s.m.Loss, s.y.Slice(at, end))
		}
		for i := range z.Rows {
			for _, v := range z.Row(i) {
				out = append(out, float64(v))
			}
		}
	}
	return s.m.finishRows(out, rows), loss
}

// shuffle encodes the rows for each network of the model.
func (m *Model) shuffle(l labeled) (all []shuffled, counts data.Counts, err error) {
	members := m.Members()
	if members == nil {
		members = []*Model{m}
	}
	for k, member := range members {
		b, err := l.b.As(member.Encoding)
		if err != nil {
			return nil, nil, err
		}
		var s shuffled
		var c data.Counts
		if net := member.Network32(); net != nil {
			s, c, err = newShuffled(member, net, b, l)
		} else {
			s, c, err = newShuffled(member, member.Network64(), b, l)
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
	columns  []string
	rows     int
	targets  []float64
	w        []float64
	base     float64     // the score of the unchanged rows
	drops    [][]float64 // how much worse the score is, for each column and repeat
}

func (m *Model) importance(ctx context.Context, t *data.Table, l labeled, o ImportanceOptions) (*Importance, error) {
	networks, counts, err := m.shuffle(l)
	if err != nil {
		return nil, err
	}
	q := &measurement{m: m, o: o, networks: networks, columns: m.Encoding.Columns(), rows: len(l.rows), w: l.w}
	q.targets = make([]float64, q.rows*m.Encoding.Outputs())
	if err := data.Targets(l.b, l.rows, q.targets); err != nil {
		return nil, err
	}
	name, ok := o.Metrics[0], false
	if q.base, ok, err = q.score(0, nil); err != nil {
		return nil, err
	}
	if !ok || math.IsNaN(q.base) || math.IsInf(q.base, 0) {
		return nil, refuse("Metrics", nil, "%s is not defined on the rows of %s that have a target (%s)", name, t.Name(), rowsText(q.rows))
	}
	if err := q.measureAll(ctx); err != nil {
		return nil, err
	}
	out := &Importance{Metric: name, Rows: q.rows, Repeats: o.Repeats, Score: q.base}
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
func (q *measurement) score(c int, perm []int) (v float64, ok bool, err error) {
	name := q.o.Metrics[0]
	out, loss := q.networks[0].predict(c, perm, name == "loss")
	for _, other := range q.networks[1:] {
		says, _ := other.predict(c, perm, false)
		for i, v := range says {
			out[i] += v
		}
	}
	if q.m.ensemble != nil {
		q.m.ensemble.divide(out)
		loss = q.m.meanLoss(out, q.targets, q.w)
	}
	if name == "loss" {
		return loss / setWeight(q.w, q.rows), true, nil
	}
	r, _, err := q.m.compare(out, q.targets, q.w, []string{name})
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
		v, ok, err := q.score(c, perm)
		if err != nil {
			return err
		}
		if drops[r] = sign * (q.base - v); !ok || math.IsNaN(drops[r]) || math.IsInf(drops[r], 0) {
			return refuse("Metrics", nil, "%s is no finite number when the column %q is shuffled", name, q.columns[c])
		}
	}
	return nil
}

// measureAll measures the columns that are not yet known, on several cores.
func (q *measurement) measureAll(ctx context.Context) error {
	q.drops = make([][]float64, len(q.columns))
	var todo []int
	for c, column := range q.columns {
		if q.drops[c] = q.o.Known[column]; len(q.drops[c]) != q.o.Repeats {
			todo = append(todo, c)
		}
	}
	var mutex sync.Mutex
	next := 0
	var failed error
	// take ends a column with its error, and returns the next one.
	take := func(ended int, err error) (c int, more bool) {
		mutex.Lock()
		defer mutex.Unlock()
		if err == nil && ended >= 0 && q.o.Done != nil {
			err = q.o.Done(q.columns[ended], q.drops[ended])
		}
		if failed == nil {
			failed = err
		}
		if failed != nil || next == len(todo) {
			return 0, false
		}
		next++
		return todo[next-1], true
	}
	var team sync.WaitGroup
	for range min(len(todo), or(q.o.Threads, runtime.GOMAXPROCS(0))) {
		team.Go(func() {
			perm := make([]int, q.rows)
			for c, more := take(-1, nil); more; c, more = take(c, q.measure(ctx, c, perm)) {
			}
		})
	}
	team.Wait()
	return failed
}

// setWeight returns the total weight of the rows.
func setWeight(w []float64, rows int) float64 {
	if w == nil {
		return float64(rows)
	}
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	return sum
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
