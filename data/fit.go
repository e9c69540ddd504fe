package data

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/spill"
)

// Limits for the levels of a category that have a place of their own.
const (
	mostLevels = 256 // such levels in a column
	leastRows  = 3   // training rows that such a level needs
	smallTable = 30  // rows; in a smaller table no level is rare
)

// Fit learns the encoding from the given rows only; nil means all rows that have targets. Targets of
// regression are scaled if scaleTargets is true.
//
// A number that is missing in a training row gets a second input that says so. Levels in fewer than 3
// training rows (in a table of 30 or more rows), and those beyond the 256 most frequent, share the
// level (rare). Missing cells are a level too. A column with more than 256 levels also has, for each
// level, the means of the targets in its rows: see OutOfFold.
func (s *Schema) Fit(t *Table, rows []int, scale Scaling, scaleTargets bool) (e *Encoding, err error) {
	defer spill.Guard(&err)()
	if scale == "" {
		scale = ScaleAuto
	}
	if _, err := ParseScaling(string(scale)); err != nil {
		return nil, err
	}
	if rows == nil {
		rows = s.Rows
	}
	if len(rows) == 0 {
		return nil, fail(ErrEmpty, "%s: there are no rows to train on", t.name)
	}
	e = &Encoding{Task: s.Task, Inputs: make([]Input, len(s.Columns)), Targets: slices.Clone(s.Targets)}
	numbers := 0
	for _, c := range s.Columns {
		if c.Kind == KindNumber {
			numbers++
		}
	}
	auto := scale.soft()
	ranked := auto && numbers <= mostRanked
	room := fitRoom{disk: t.disk}
	defer room.free()
	if e.Task == Regression && scaleTargets {
		for i := range e.Targets {
			if err := e.Targets[i].fit(t, rows, scale, &room); err != nil {
				return nil, err
			}
		}
	}
	var y targetMatrix
	if scale.pieced() || scale == ScaleWaves || slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Kind == KindCategory }) {
		var err error
		if y, err = e.targetMatrix(t, rows); err != nil {
			return nil, err
		}
		defer spill.Free(t.disk, y.y)
	}
	errs := make([]error, len(s.Columns))
	fit := func(i int, room *fitRoom) {
		c, in := &s.Columns[i], &e.Inputs[i]
		in.Name, in.Kind, in.Spelling = c.Name, c.Kind, c.Spelling
		cells := t.cols[c.Index].spelled(c.Spelling)
		switch {
		case c.pixel && auto:
			in.Scale = 255
		case c.Kind == KindNumber:
			errs[i] = in.fitNumber(t, cells, c.Index, rows, scale, ranked, room)
			if ranked && !c.Smooth && errs[i] == nil {
				in.fitMore(scale, cells, rows, room.values, y)
			}
		case c.Kind == KindDate:
			in.Dotted = c.dayFirst
			errs[i] = in.fitDate(t, cells, c.Index, rows, scale, room)
		case c.Kind == KindCategory:
			in.fitCategory(cells, rows)
			in.fitMeans(cells, rows, y)
		}
		if s.size() == 1 && in.Scale == 0 {
			in.Center, in.Scale = 0, 1 // one row says nothing about scale: its numbers are unchanged
		}
	}
	if t.disk == nil {
		parallelWith(len(s.Columns), fit)
	} else { // one after another, so that only one column's values are in memory at a time
		for i := range s.Columns {
			fit(i, &room)
		}
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	if ranked && scale == ScaleTrees {
		e.fitTrees(s, t, rows, y)
	}
	e.prepare()
	return e, nil
}

// fitMore gives a number the inputs that a scaling has besides the scaled value and the rank.
func (in *Input) fitMore(scale Scaling, c *column, rows []int, sorted []float64, y targetMatrix) {
	switch {
	case scale.pieced():
		in.fitPieces(c, rows, sorted, y)
	case scale == ScaleWaves:
		in.fitWaves(c, rows, y)
	}
}

// fitRoom is a buffer for the values of one column after another.
type fitRoom struct {
	values, scratch []float64
	disk            *Spill // where the table is stored; nil: in memory
}

// reserve makes room for the values of that many rows.
func (r *fitRoom) reserve(rows int) {
	if cap(r.values) < rows {
		spill.Free(r.disk, r.values)
		r.values = spill.Must[float64](r.disk, rows)
	}
	if r.disk != nil && cap(r.scratch) < rows {
		spill.Free(r.disk, r.scratch)
		r.scratch = spill.Must[float64](r.disk, rows)
	}
	r.values = r.values[:0]
}

func (r *fitRoom) free() {
	spill.Free(r.disk, r.values)
	spill.Free(r.disk, r.scratch)
}

// numbers stores the values of a column in the given rows, and counts the missing ones.
func (r *fitRoom) numbers(c *column, rows []int) (without, bad int) {
	r.reserve(len(rows))
	r.values, without, bad = c.numbers(rows, r.values[:0])
	return without, bad
}

func (in *Input) fitNumber(t *Table, c *column, col int, rows []int, scale Scaling, ranked bool, room *fitRoom) error {
	without, bad := room.numbers(c, rows)
	if bad >= 0 {
		if _, what := c.number(bad); what == oddity {
			return oddNumberError(t, bad, col)
		}
		return notNumberError(t, bad, col)
	}
	in.Missing = without > 0
	if err := in.fitScale(t, room, scale); err != nil {
		return err
	}
	if ranked {
		in.RankAt, in.RankOf = ranks(room.values)
	}
	return nil
}

func (in *Input) fitDate(t *Table, c *column, col int, rows []int, scale Scaling, room *fitRoom) error {
	date := c.dates(in.Spelling, in.Dotted)
	room.reserve(len(rows))
	for _, row := range rows {
		d := date(row)
		switch d.c {
		case number:
			room.values = append(room.values, epochDays(d.t))
			in.Clock = in.Clock || d.clock
		case missing:
			in.Missing = true
		default:
			return t.Refuse(ErrType, row, col, "is not a date")
		}
	}
	return in.fitScale(t, room, scale)
}

// fitScale finds the scaling before it sorts, because the mean is summed in the order of the
// rows. It leaves the values sorted.
func (in *Input) fitScale(t *Table, room *fitRoom, scale Scaling) error {
	in.Clip = scale.soft()
	in.Center, in.Scale = scaling(room.values, scale, &room.scratch)
	if len(room.values) > 0 {
		if !scale.soft() && scale != ScaleRobust {
			room.scratch = sortNumbers(room.values, room.scratch)
		}
		in.Median = quantile(room.values, 0.5)
		in.fitRange(room.values)
	}
	if !float.Finite(in.Center) || !float.Finite(in.Scale) || !float.Finite(in.Median) {
		return fail(ErrNumber, "%s: column %s holds numbers too large to scale: divide them, or ignore the column", t.name, quote(in.Name))
	}
	return nil
}

func (in *Input) fitCategory(c *column, rows []int) {
	view := c.levels()
	counts := make([]int, view.dict.len())
	for _, row := range rows {
		counts[view.codes.at(row)]++
	}
	least := leastRows
	if len(rows) < smallTable {
		least = 1
	}
	type level struct {
		name string
		rows int
	}
	var levels []level
	for code, n := range counts {
		switch {
		case n == 0:
		case view.means[code].c == missing:
			in.Missing = true
		default:
			levels = append(levels, level{view.dict.at(uint32(code)), n})
		}
	}
	slices.SortFunc(levels, func(a, b level) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.name, b.name))
	})
	for i, l := range levels {
		switch {
		case i < mostLevels && l.rows >= least:
			in.Levels = append(in.Levels, strings.Clone(l.name))
		default:
			in.RareOf = append(in.RareOf, strings.Clone(l.name))
		}
	}
	in.Rare = len(in.RareOf) > 0
	slices.Sort(in.Levels)
	slices.Sort(in.RareOf)
	if len(levels) == 0 {
		in.Missing = true // no training row has a level: one input, always 1 in training
	}
}

// fit scales a target of regression. A constant target keeps the scale 1, so that other
// values still differ from it.
func (y *Target) fit(t *Table, rows []int, scale Scaling, room *fitRoom) error {
	if scale.soft() {
		scale = ScaleStandard
	}
	col := t.Index(y.Name)
	c := t.cols[col].spelled(y.Spelling)
	_, bad := room.numbers(c, rows)
	if bad < 0 && len(room.values) < len(rows) {
		bad = rows[slices.IndexFunc(rows, func(row int) bool { return c.missing(row) })]
	}
	if bad >= 0 {
		return notNumberError(t, bad, col)
	}
	y.Center, y.Scale = scaling(room.values, scale, &room.scratch)
	if y.Scale == 0 {
		y.Scale = 1
	}
	if !float.Finite(y.Center) || !float.Finite(y.Scale) {
		return fail(ErrNumber, "%s: the target %s holds numbers too large to scale: divide them", t.name, quote(y.Name))
	}
	return nil
}

// targetMatrix encodes the targets of the rows.
func (e *Encoding) targetMatrix(t *Table, rows []int) (targetMatrix, error) {
	b := &Binding{e: e, t: t}
	for i := range e.Targets {
		e.Targets[i].prepare()
		b.targets = append(b.targets, t.Index(e.Targets[i].Name))
	}
	y := targetMatrix{spill.Must[float64](t.disk, len(rows)*e.Outputs()), e.Outputs()}
	return y, Targets(b, rows, y.y)
}
