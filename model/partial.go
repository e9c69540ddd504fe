package model

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/internal/team"
	"github.com/gradus-ml/gradus/nn"
)

// PartialOptions say how Partial looks at a column; the zero value of a field is its default.
type PartialOptions struct {
	Rows    []int // of the table; default: up to 1000, evenly spread
	Points  int   // most points of the curve; default 40
	Lines   int   // most rows with their own line, evenly spread; default 50
	Threads int   // default: all cores; does not affect the result
}

// The defaults of Partial.
const (
	partialRows   = 1000
	partialPoints = 40
	partialLines  = 50
)

// Partial says how a prediction depends on one column. It holds what the model predicts when the
// cell in that column is the same in every row, and all other cells are unchanged. For a row with
// the other cells x_other and a cell c of the column
//
//	line of the row at c = f(c, x_other)            (individual conditional expectation)
//	mean at c            = mean over the rows of it (partial dependence)
//
// (Friedman 2001; Goldstein, Kapelner, Bleich and Pitkin 2015; scikit-learn's partial_dependence with
// method "brute".) Lines that are not parallel show an interaction of the column with others. Cells
// that never occur together with a row's other cells are predicted as well: the curve may be wrong there.
type Partial struct {
	Column  string        `json:"column"`
	Kind    data.Kind     `json:"kind"`
	Outputs []string      `json:"outputs"` // as in Shapley
	Cells   []string      `json:"cells"`   // the cells that were tried
	At      []float64     `json:"at"`      // their positions: the number itself, the days since 1970-01-01 of a date, else 0, 1, 2, ...
	Mean    [][]float64   `json:"mean"`    // of each output and cell
	Lines   [][][]float64 `json:"lines"`   // of each output, row and cell
	LineOf  []int         `json:"line_of"` // the rows of Lines, starting at 0
	Rows    int           `json:"rows"`    // the number of rows in Mean
}

// MarshalJSON writes null for a number that is not finite.
func (p Partial) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(p) }

// UnmarshalJSON reads null as NaN.
func (p *Partial) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, p) }

// Partial computes how the model's prediction depends on a column, on rows of a table. For numbers and dates it
// uses even steps from the 5th to the 95th percentile of the cells, or the cells themselves if there are no more
// than Points different ones. For categories it uses the most frequent ones. A missing category or boolean is
// also a cell. The curves of an ensemble are the means of its members' curves. If ctx ends there is no result,
// and the error wraps what ended ctx.
func (m *Model) Partial(ctx context.Context, t *data.Table, column string, o PartialOptions) (p *Partial, err error) {
	defer spill.Guard(&err)()
	if m.ensemble != nil {
		return m.ensemble.partial(ctx, t, column, o)
	}
	c := slices.Index(m.Columns(), column)
	if c < 0 {
		return nil, refuse("Column", nil, "the model has no column %q; it has %s", column, quoteList(m.Columns()))
	}
	o.Points, o.Lines = cmp.Or(o.Points, partialPoints), cmp.Or(o.Lines, partialLines)
	if o.Points < 2 || o.Lines < 0 {
		return nil, refuse("Points", nil, "%d points and %d lines are not possible; give at least 2 points and 0 lines", o.Points, o.Lines)
	}
	if o.Rows == nil {
		o.Rows = evenly(t.Rows(), partialRows)
	}
	g := game{m: m}
	x, err := g.look(t, o.Rows)
	if err != nil {
		return nil, err
	}
	b, err := m.Encoding.Bind(t)
	if err != nil {
		return nil, err
	}
	p = &Partial{Column: column, Kind: m.Encoding.Inputs[c].Kind, Outputs: m.explained(), Rows: len(o.Rows)}
	values := p.grid(b, t, c, o)
	if len(values) == 0 {
		return nil, refuse("Column", nil, "the column %q of %s has no cell that can be used", column, t.Name())
	}
	q := &curves{Partial: p, game: g, x: x.x, lines: evenly(len(o.Rows), o.Lines)}
	q.from, q.to = m.Encoding.Span(c)
	if q.cells, err = m.encodeCells(c, values); err != nil {
		return nil, err
	}
	for _, l := range q.lines {
		p.LineOf = append(p.LineOf, o.Rows[l])
	}
	for range p.Outputs {
		p.Mean = append(p.Mean, make([]float64, len(values)))
		of := make([][]float64, len(q.lines))
		for i := range of {
			of[i] = make([]float64, len(values))
		}
		p.Lines = append(p.Lines, of)
	}
	err = team.Each(len(values), cmp.Or(o.Threads, runtime.GOMAXPROCS(0)), func() func(int) error { return q.worker(ctx) })
	if err != nil {
		return nil, err
	}
	return p, nil
}

// encodeCells encodes values of the column c, one row each. The inputs of other columns are not used.
func (m *Model) encodeCells(c int, values []data.Value) (nn.Matrix[float64], error) {
	inputs := nn.NewMatrix[float64](len(values), m.Encoding.Width())
	row := make([]data.Value, len(m.Encoding.Inputs)) // all missing
	for i, v := range values {
		row[c] = v
		if err := data.EncodeRow(m.Encoding, row, inputs.Row(i)); err != nil {
			return inputs, err
		}
	}
	return inputs, nil
}

// curves is a Partial computed by several goroutines, one cell at a time each.
type curves struct {
	*Partial
	game  game
	x     nn.Matrix[float64] // the rows, encoded
	cells nn.Matrix[float64] // a row for each cell; only the inputs [from, to) are used
	from  int
	to    int
	lines []int // the rows that have a line
}

// worker returns a function that computes the curves at one cell.
func (q *curves) worker(ctx context.Context) func(at int) error {
	predictions := make([]float64, q.x.Rows*len(q.Outputs))
	batch := nn.NewMatrix[float64](min(playerRows, q.x.Rows), q.x.Cols)
	return func(at int) error {
		if ctx.Err() != nil {
			return ended(ctx)
		}
		for begin := 0; begin < q.x.Rows; begin += playerRows {
			n := min(playerRows, q.x.Rows-begin)
			for i := range n {
				copy(batch.Row(i), q.x.Row(begin+i))
				copy(batch.Row(i)[q.from:q.to], q.cells.Row(at)[q.from:q.to])
			}
			raw := make([]float64, n*len(q.Outputs))
			q.game.m.engine.predictEncoded(batch.Slice(0, n), raw)
			q.game.explain(q.game.m.finishRows(raw), predictions[begin*len(q.Outputs):])
		}
		for k := range q.Outputs {
			for i := range q.x.Rows {
				q.Mean[k][at] += predictions[i*len(q.Outputs)+k] / float64(q.x.Rows)
			}
			for i, l := range q.lines {
				q.Lines[k][i][at] = predictions[l*len(q.Outputs)+k]
			}
		}
		return nil
	}
}

// evenly returns up to most of the numbers below n, evenly spread.
func evenly(n, most int) []int {
	out := make([]int, min(n, most))
	for i := range out {
		out[i] = i * n / len(out)
	}
	return out
}

// grid sets the cells to try, and returns their values.
func (p *Partial) grid(b *data.Binding, t *data.Table, c int, o PartialOptions) (values []data.Value) {
	gap := false
	add := func(cell string, at float64, v data.Value) {
		p.Cells, p.At, values = append(p.Cells, cell), append(p.At, at), append(values, v)
	}
	if p.Kind == data.KindCategory {
		count := map[string]int{}
		col := t.Index(p.Column)
		for _, row := range o.Rows {
			if b.Gap(row, c) {
				gap = true
				continue
			}
			count[t.Cell(row, col)]++
		}
		cells := make([]string, 0, len(count))
		for cell := range count {
			cells = append(cells, cell)
		}
		slices.SortFunc(cells, func(x, y string) int {
			return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
		})
		for i, cell := range cells[:min(o.Points, len(cells))] {
			add(cell, float64(i), data.Text(cell))
		}
	} else {
		var amounts []float64
		for _, row := range o.Rows {
			if x, ok := b.Amount(row, c); ok {
				amounts = append(amounts, x)
			}
			gap = gap || b.Gap(row, c)
		}
		slices.Sort(amounts)
		for _, x := range steps(amounts, o.Points) {
			switch p.Kind {
			case data.KindBoolean:
				add(strconv.FormatBool(x == 1), x, data.Bool(x == 1))
			case data.KindDate:
				at := time.Unix(int64(math.Round(x*86400)), 0).UTC()
				cell := at.Format(time.DateTime)
				if at.Equal(at.Truncate(24 * time.Hour)) {
					cell = at.Format(time.DateOnly)
				}
				add(cell, x, data.Time(at))
			default:
				add(strconv.FormatFloat(x, 'g', -1, 64), x, data.Number(x))
			}
		}
	}
	if gap && (p.Kind == data.KindCategory || p.Kind == data.KindBoolean) {
		add("(missing)", float64(len(values)), data.Missing())
	}
	return values
}

// steps returns the different numbers among sorted ones. If there are more than most, it returns
// most numbers in even steps from the 5th to the 95th percentile.
func steps(sorted []float64, most int) []float64 {
	different := slices.Compact(slices.Clone(sorted))
	if len(different) <= most {
		return different
	}
	at := func(share float64) float64 {
		place := share * float64(len(sorted)-1)
		below := int(place)
		if below+1 == len(sorted) {
			return sorted[below]
		}
		return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
	}
	low, high := at(0.05), at(0.95)
	if low == high {
		low, high = sorted[0], sorted[len(sorted)-1]
	}
	out := make([]float64, most)
	for i := range out {
		out[i] = low + (high-low)*float64(i)/float64(most-1)
	}
	return out
}
