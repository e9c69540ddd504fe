package model

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// ShapleyOptions say how Shapley measures; the zero value of a field is its default.
type ShapleyOptions struct {
	Rows           []int       // rows of the table to explain; default: all
	Background     *data.Table // its rows represent an unknown column; default: the table that is explained
	BackgroundRows int         // at most this many of its rows, drawn by Seed; default 100
	Method         string      // "exact", "permutation", or "" for exact up to 10 columns
	Pairs          int         // of permutations for each background row; default 2
	LogOdds        bool        // explain ln(p/(1-p)) instead of a probability p
	Seed           uint64      // of the permutations and the background rows; the command line's default is 1
	Threads        int         // default: all cores; does not affect the result
}

// The defaults and limits of Shapley.
const (
	shapleyBackground = 100 // rows
	shapleyPairs      = 2
	exactByDefault    = 10 // columns
	exactAtMost       = 20 // columns: 2^20 predictions for each background row
	shapleyPieces     = 10 // parts into which the background rows of an explained row are divided, for the cores
)

// leastOdds is the least probability whose log-odds are taken, and 1 less the greatest. It is
// about the limit of float32.
const leastOdds = 1e-7

// Shapley has the Shapley values of single predictions by input column: how much each column's cell
// moves the prediction away from the mean prediction for the background rows. For a row x, a
// background row b and a set S of columns, let f(x_S, b) be the prediction for a row with the cells
// of x in S and those of b elsewhere. The worth of S in the game is v(S) = mean over b of f(x_S,
// b). The value of column i among n is
//
//	phi_i = sum over S without i of |S|! (n-|S|-1)! / n! · (v(S and i) - v(S))
//
// so that base + sum of phi_i = prediction, where base is the mean prediction for the background rows.
// (Shapley 1953; interventional values as in Lundberg and Lee 2017 and Janzing, Minorics and Blöbaum 2020.)
// "exact" is that sum. "permutation" changes the columns of b to those of x one by one, in random orders and
// in each order backwards as well (antithetic sampling: Mitchell, Cooper, Frank and Holmes 2022). Every
// background row has its own orders. A column's value is the mean of the changes it causes. Both methods are
// additive except for rounding. Columns in which x and b have the same encoding change nothing and are left
// out of a game.
//
// The values of an ensemble are the means of its members' values, since its prediction is the mean of theirs
// and phi is linear in f. All members are sampled with the same orders, so the error is at most the mean of
// their standard errors.
type Shapley struct {
	Columns        []string     `json:"columns"`
	Outputs        []string     `json:"outputs"` // what is explained: targets, the second of two classes, each of more classes, or labels
	LogOdds        bool         `json:"log_odds,omitempty"`
	Method         string       `json:"method"`          // "exact" or "permutation"
	BackgroundRows int          `json:"background_rows"` // number of background rows used
	Pairs          int          `json:"pairs,omitempty"` // of permutations for each background row
	Base           []float64    `json:"base"`            // for each output, the mean prediction for the background rows
	Rows           []ShapleyRow `json:"rows"`
	Importance     [][]float64  `json:"importance"`      // by output and column: the mean of |value| over the rows
	Notes          []string     `json:"notes,omitempty"` // what is worth knowing about the rows' cells, one sentence each
}

// ShapleyRow has the values of the columns of one row.
type ShapleyRow struct {
	Row        int         `json:"row"` // index in the table, starting at 0
	Cells      []string    `json:"cells"`
	Prediction []float64   `json:"prediction"`       // by output
	Values     [][]float64 `json:"values"`           // by output and column
	Errors     [][]float64 `json:"errors,omitempty"` // standard errors of the sampling; none for exact values

	// Levels are the ranks of the cells among those of all rows, for colors: 0 for the least, 1 for
	// the greatest; NaN for categories, which have no order.
	Levels []float64 `json:"-"`
}

// MarshalJSON writes null for a number that is not finite.
func (s Shapley) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *Shapley) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

// MarshalJSON writes null for a number that is not finite.
func (s ShapleyRow) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *ShapleyRow) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

// Shapley explains the predictions for rows of a table. If ctx ends there is no result, and the
// error wraps what ended ctx.
func (m *Model) Shapley(ctx context.Context, t *data.Table, o ShapleyOptions) (s *Shapley, err error) {
	defer spill.Guard(&err)()
	if m.ensemble != nil {
		return m.ensemble.shapley(o, func(m *Model) (*Shapley, error) { return m.Shapley(ctx, t, o) })
	}
	g := game{m: m, o: o}
	if err := g.resolve(); err != nil {
		return nil, err
	}
	rows := o.Rows
	if rows == nil {
		rows = someRows(t.Rows(), t.Rows(), 0)
	}
	x, err := g.look(t, rows)
	if err != nil {
		return nil, err
	}
	from := t
	if o.Background != nil {
		from = o.Background
	}
	if err := g.lookBehind(from); err != nil {
		return nil, err
	}
	out, err := g.shapley(ctx, x)
	if err != nil {
		return nil, err
	}
	out.describe(m, t, x)
	return out, nil
}

// explained returns the names of the outputs that are explained: of two classes only the second.
func (m *Model) explained() []string {
	switch m.Task() {
	case data.Binary:
		return m.Classes()[1:]
	case data.Multiclass:
		return m.Classes()
	}
	return m.Targets()
}

// someRows returns no more than most rows in ascending order. If there are more rows, they are drawn by the
// seed.
func someRows(rows, most int, seed uint64) []int {
	perm := make([]int, rows)
	if rows <= most {
		for i := range perm {
			perm[i] = i
		}
		return perm
	}
	rng.Perm(perm, seed, rng.Sample, backgroundDraw)
	perm = perm[:most]
	slices.Sort(perm)
	return perm
}

// backgroundDraw separates the draw of background rows from other draws of rng.Sample.
const backgroundDraw = 0x5A9

// describe sets what follows from the values and the table.
func (s *Shapley) describe(m *Model, t *data.Table, x looked) {
	columns := len(s.Columns)
	for i := range s.Rows {
		r := &s.Rows[i]
		r.Row, r.Levels = x.rows[i], make([]float64, columns)
		for _, name := range s.Columns {
			r.Cells = append(r.Cells, t.Cell(x.rows[i], t.Index(name)))
		}
	}
	s.weigh()
	for c := range columns {
		from, _ := m.Encoding.Span(c)
		if m.Encoding.Inputs[c].Kind == data.KindCategory {
			for i := range s.Rows {
				s.Rows[i].Levels[c] = math.NaN()
			}
			continue
		}
		sorted := make([]float64, len(s.Rows))
		for i := range sorted {
			sorted[i] = x.x.At(i, from)
		}
		slices.Sort(sorted)
		for i := range s.Rows {
			v := x.x.At(i, from)
			below, _ := slices.BinarySearch(sorted, v)
			upTo, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
			s.Rows[i].Levels[c] = 0.5
			if others := below + len(sorted) - upTo; others > 0 {
				s.Rows[i].Levels[c] = float64(below) / float64(others)
			}
		}
	}
}

// weigh sets Importance from the values.
func (s *Shapley) weigh() {
	s.Importance = make([][]float64, len(s.Outputs))
	for k := range s.Importance {
		s.Importance[k] = make([]float64, len(s.Columns))
		for _, r := range s.Rows {
			for c, v := range r.Values[k] {
				s.Importance[k][c] += math.Abs(v) / float64(len(s.Rows))
			}
		}
	}
}

// game is the prediction as a game of the columns.
type game struct {
	m          *Model
	o          ShapleyOptions
	background looked
}

// resolve sets options that were not given, and refuses invalid ones.
func (g *game) resolve() error {
	o, columns := &g.o, len(g.m.Encoding.Inputs)
	if o.Method == "" {
		o.Method = "permutation"
		if columns <= exactByDefault {
			o.Method = "exact"
		}
	}
	o.BackgroundRows, o.Pairs = cmp.Or(o.BackgroundRows, shapleyBackground), cmp.Or(o.Pairs, shapleyPairs)
	switch {
	case o.Method != "exact" && o.Method != "permutation":
		return refuse("Method", nil, "%q is not known; give exact or permutation", o.Method)
	case o.Method == "exact" && columns > exactAtMost:
		return refuse("Method", nil, "exact values of %d columns take 2^%d predictions for each background row; up to %d columns are possible, and permutation takes any number", columns, columns, exactAtMost)
	case o.BackgroundRows < 1:
		return refuse("BackgroundRows", o.BackgroundRows, "give a whole number of at least 1")
	case o.Pairs < 1 || o.Pairs > 1<<20:
		return refuse("Pairs", o.Pairs, "give a whole number of at least 1 and at most 2^20")
	case o.LogOdds && g.m.Task() == data.Regression:
		return refuse("LogOdds", nil, "they need probabilities, and the task is regression")
	}
	return nil
}

// lookBehind draws the background rows from a table.
func (g *game) lookBehind(from *data.Table) (err error) {
	g.background, err = g.look(from, someRows(from.Rows(), g.o.BackgroundRows, g.o.Seed))
	return err
}

// shapley plays the game for rows.
func (g *game) shapley(ctx context.Context, x looked) (*Shapley, error) {
	b := g.background
	out := &Shapley{
		Columns: g.m.Columns(), Outputs: g.m.explained(), LogOdds: g.o.LogOdds, Method: g.o.Method,
		BackgroundRows: b.x.Rows, Base: make([]float64, b.predictions.Cols), Notes: CellNotes(x.counts),
	}
	if g.o.Method == "permutation" {
		out.Pairs = g.o.Pairs
	}
	for i := range b.x.Rows {
		for k, v := range b.predictions.Row(i) {
			out.Base[k] += v / float64(b.x.Rows)
		}
	}
	var err error
	out.Rows, err = g.play(ctx, x)
	for i := range out.Rows {
		out.Rows[i].Prediction = slices.Clone(x.predictions.Row(i))
	}
	return out, err
}

// looked holds rows of a table, encoded, with the model's predictions for them.
type looked struct {
	rows        []int              // of the table
	x           nn.Matrix[float64] // one row each
	predictions nn.Matrix[float64] // the explained outputs
	counts      data.Counts
}

// look encodes rows and predicts them.
func (g *game) look(t *data.Table, rows []int) (l looked, err error) {
	if len(rows) == 0 {
		return l, refuse("Rows", nil, "%s has no rows", t.Name())
	}
	for _, row := range rows {
		if row < 0 || row >= t.Rows() {
			return l, refuse("Row", nil, "%s has no row %d; it has rows 0 to %d", t.Name(), row, t.Rows()-1)
		}
	}
	b, err := g.m.Encoding.Bind(t)
	if err != nil {
		return l, err
	}
	p, counts, err := g.m.predictRows(b, rows, nil) // refuses values that the network's precision cannot hold
	if err != nil {
		return l, err
	}
	l = looked{rows: rows, x: nn.NewMatrix[float64](len(rows), g.m.Encoding.Width()), counts: counts}
	if _, err = data.Inputs(b, rows, l.x.Data); err != nil {
		return l, err
	}
	l.predictions = nn.NewMatrix[float64](len(rows), g.m.Encoding.Outputs())
	g.explain(p, l.predictions.Data)
	return l, nil
}

// explain computes the explained values from predictions.
func (g *game) explain(p, out []float64) {
	if g.m.Task() == data.Binary {
		p = second(p)
	}
	for i, v := range p {
		if g.o.LogOdds {
			v = min(max(v, leastOdds), 1-leastOdds)
			v = math.Log(v) - math.Log(1-v)
		}
		out[i] = v
	}
}

// play returns the values of each row. A piece of work is a row with a part of the background. The
// parts are added in order, so the number of cores does not affect the result.
func (g *game) play(ctx context.Context, x looked) ([]ShapleyRow, error) {
	columns, outputs := len(g.m.Encoding.Inputs), x.predictions.Cols
	rows := make([]ShapleyRow, x.x.Rows)
	parts := min(shapleyPieces, g.background.x.Rows)
	type state struct {
		mutex sync.Mutex
		parts []tally
		left  int
	}
	states := make([]state, len(rows))
	for i := range states {
		states[i].left = parts
	}
	err := team.Each(len(rows)*parts, cmp.Or(g.o.Threads, runtime.GOMAXPROCS(0)), func() func(int) error {
		p := newPlayer(g)
		return func(n int) error {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			row, part := n/parts, n%parts
			sum := newTally(outputs, columns)
			for b := part * g.background.x.Rows / parts; b < (part+1)*g.background.x.Rows/parts; b++ {
				p.versus(x, row, b, sum)
			}
			s := &states[row]
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if s.parts == nil {
				s.parts = make([]tally, parts)
			}
			s.parts[part] = sum
			if s.left--; s.left == 0 {
				rows[row] = g.total(s.parts)
				s.parts = nil
			}
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// tally has sums over background rows for each output and column, output by output: of the values,
// and of the variances of their sampling.
type tally struct{ values, variances []float64 }

func newTally(outputs, columns int) tally {
	return tally{make([]float64, outputs*columns), make([]float64, outputs*columns)}
}

// total turns the sums of the parts into means over the background.
func (g *game) total(parts []tally) ShapleyRow {
	columns, n := len(g.m.Encoding.Inputs), float64(g.background.x.Rows)
	sum := newTally(g.background.predictions.Cols, columns)
	for _, p := range parts {
		for i := range p.values {
			sum.values[i] += p.values[i]
			sum.variances[i] += p.variances[i]
		}
	}
	var r ShapleyRow
	for from := 0; from < len(sum.values); from += columns {
		values, errors := sum.values[from:from+columns], sum.variances[from:from+columns]
		for c := range values {
			values[c] /= n
			errors[c] = math.Sqrt(errors[c]) / n
		}
		r.Values = append(r.Values, values)
		if g.o.Method == "permutation" && g.o.Pairs > 1 {
			r.Errors = append(r.Errors, errors)
		}
	}
	return r
}

// player makes the predictions of a game, on one goroutine.
type player struct {
	g           *game
	differ      []int              // the columns in which the two rows are encoded differently
	rows        nn.Matrix[float64] // encoded
	raw         []float64          // the network's outputs for them
	predictions []float64          // explained values of all rows of a game
	perm        []int
	pair        []float64 // the values by one pair of permutations, output by output
	squares     []float64
}

// playerRows is the number of rows that a player predicts at once.
const playerRows = 512

func newPlayer(g *game) *player {
	outputs, columns := g.background.predictions.Cols, len(g.m.Encoding.Inputs)
	return &player{
		g: g, rows: nn.NewMatrix[float64](playerRows, g.m.Encoding.Width()), raw: make([]float64, playerRows*outputs),
		pair: make([]float64, outputs*columns), squares: make([]float64, outputs*columns),
	}
}

// versus adds to sum the values of the game of row against the background row b.
func (p *player) versus(x looked, row, b int, sum tally) {
	own, other := x.x.Row(row), p.g.background.x.Row(b)
	p.differ = p.differ[:0]
	for c := range p.g.m.Encoding.Inputs {
		from, to := p.g.m.Encoding.Span(c)
		if !slices.Equal(own[from:to], other[from:to]) {
			p.differ = append(p.differ, c)
		}
	}
	n := len(p.differ)
	switch {
	case n == 0:
	case n == 1:
		for k, v := range x.predictions.Row(row) {
			sum.values[k*len(p.g.m.Encoding.Inputs)+p.differ[0]] += v - p.g.background.predictions.At(b, k)
		}
	case p.g.o.Method == "exact" || n < 16 && 1<<n <= 2*(n-1)*p.g.o.Pairs:
		p.exact(own, other, sum)
	default:
		p.sample(x, row, b, sum)
	}
}

// predict sets says to the explained values of count rows, which fill writes one by one.
func (p *player) predict(count int, fill func(i int, row []float64)) {
	g, outputs := p.g, p.g.background.predictions.Cols
	p.predictions = slices.Grow(p.predictions[:0], count*outputs)[:count*outputs]
	for from := 0; from < count; from += playerRows {
		n := min(playerRows, count-from)
		for i := range n {
			fill(from+i, p.rows.Row(i))
		}
		raw := p.raw[:n*outputs]
		g.m.engine.predictEncoded(p.rows.Slice(0, n), raw)
		g.explain(g.m.finishRows(raw), p.predictions[from*outputs:][:n*outputs])
	}
}

// put copies the inputs of a column from one encoded row to another.
func (p *player) put(to, from []float64, column int) {
	begin, end := p.g.m.Encoding.Span(column)
	copy(to[begin:end], from[begin:end])
}

// exact goes over all sets of the columns in which the two rows differ.
func (p *player) exact(own, other []float64, sum tally) {
	n, columns, outputs := len(p.differ), len(p.g.m.Encoding.Inputs), p.g.background.predictions.Cols
	p.predict(1<<n, func(set int, row []float64) {
		copy(row, other)
		for i, c := range p.differ {
			if set>>i&1 == 1 {
				p.put(row, own, c)
			}
		}
	})
	weight := make([]float64, n) // by the size s of a set: s! (n-s-1)! / n!
	weight[0] = 1 / float64(n)
	for s := 1; s < n; s++ {
		weight[s] = weight[s-1] * float64(s) / float64(n-s)
	}
	for i, c := range p.differ {
		for k := range outputs {
			value := 0.0
			for set := range 1 << n {
				if set>>i&1 == 0 {
					with := set | 1<<i
					value += weight[bits.OnesCount(uint(set))] * (p.predictions[with*outputs+k] - p.predictions[set*outputs+k])
				}
			}
			sum.values[k*columns+c] += value
		}
	}
}

// sample goes through pairs of random orders of the columns in which the two rows differ.
func (p *player) sample(x looked, row, b int, sum tally) {
	own, other := x.x.Row(row), p.g.background.x.Row(b)
	n, pairs, columns, outputs := len(p.differ), p.g.o.Pairs, len(p.g.m.Encoding.Inputs), x.predictions.Cols
	p.perm = slices.Grow(p.perm[:0], n*pairs)[:n*pairs]
	for r := range pairs {
		rng.Perm(p.perm[r*n:][:n], p.g.o.Seed, rng.Permute, shapleyOrder|uint64(x.rows[row])<<32|uint64(b)<<20|uint64(r))
	}
	// A walk from the background row to the row has n-1 rows in between; a pair is two walks.
	inner := n - 1
	at := func(walk, step int) int { // the column that the walk changes at the step, as an index into differ
		order := p.perm[walk/2*n:][:n]
		if walk%2 == 1 {
			step = n - 1 - step
		}
		return order[step]
	}
	p.predict(2*pairs*inner, func(i int, to []float64) {
		walk, step := i/inner, i%inner
		copy(to, other)
		for s := range step + 1 {
			p.put(to, own, p.differ[at(walk, s)])
		}
	})
	clear(p.squares)
	mean := make([]float64, outputs*columns)
	for r := range pairs {
		clear(p.pair)
		for walk := 2 * r; walk < 2*r+2; walk++ {
			for k := range outputs {
				before := p.g.background.predictions.At(b, k)
				for step := range n {
					after := x.predictions.At(row, k)
					if step < inner {
						after = p.predictions[(walk*inner+step)*outputs+k]
					}
					p.pair[k*columns+p.differ[at(walk, step)]] += (after - before) / 2
					before = after
				}
			}
		}
		for i, v := range p.pair {
			mean[i] += v / float64(pairs)
			p.squares[i] += v * v
		}
	}
	for i, v := range mean {
		sum.values[i] += v
		if pairs > 1 {
			sum.variances[i] += max(0, (p.squares[i]-float64(pairs)*v*v)/float64(pairs-1)/float64(pairs))
		}
	}
}

// shapleyOrder separates the orders of Shapley values from other permutations.
const shapleyOrder = 1 << 63
