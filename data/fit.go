package data

import (
	"cmp"
	"slices"
	"strings"
)

// Levels of a category that have a place of their own.
const (
	mostLevels = 256
	leastRows  = 3    // that such a level takes
	smallTable = 30   // rows; in a smaller table no level is rare
	mostRare   = 1024 // rare levels whose names are kept
)

// Fit learns the encoding from the given rows, and from no others; nil stands for all
// rows that have targets. Targets of regression are scaled if scaleTargets says so.
//
// A number that is missing in a training row has a second input that says so. Levels
// that fewer than 3 training rows have (in a table of 30 or more), and those beyond the
// 256 most frequent, share the level (rare); missing cells are a level too.
func (s *Schema) Fit(t *Table, rows []int, scale Scaling, scaleTargets bool) (*Encoding, error) {
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
	e := &Encoding{Task: s.Task, Inputs: make([]Input, len(s.Columns)), Targets: slices.Clone(s.Targets)}
	values := make([]float64, 0, len(rows))
	numbers := 0
	for _, c := range s.Columns {
		if c.Kind == KindNumber {
			numbers++
		}
	}
	ranked := scale == ScaleAuto && numbers <= mostRanked
	for i, c := range s.Columns {
		in := &e.Inputs[i]
		in.Name, in.Kind = c.Name, c.Kind
		var err error
		switch {
		case c.pixel && scale == ScaleAuto:
			in.Scale = 255
		case c.Kind == KindNumber:
			err = in.fitNumber(t, c.Index, rows, scale, ranked, values)
		case c.Kind == KindDate:
			in.Dotted = c.dayFirst
			err = in.fitDate(t, c.Index, rows, scale, values)
		case c.Kind == KindCategory:
			in.fitCategory(t, c.Index, rows)
		}
		if err != nil {
			return nil, err
		}
		if t.rows == 1 && in.Scale == 0 {
			in.Center, in.Scale = 0, 1 // one row says nothing about sizes: its numbers stay as they are
		}
	}
	if e.Task == Regression && scaleTargets {
		for i := range e.Targets {
			if err := e.Targets[i].fit(t, rows, scale, values); err != nil {
				return nil, err
			}
		}
	}
	e.prepare()
	return e, nil
}

func (in *Input) fitNumber(t *Table, col int, rows []int, scale Scaling, ranked bool, values []float64) error {
	for _, row := range rows {
		x, c := t.value(row, col).number()
		switch c {
		case number:
			values = append(values, x)
		case missing:
			in.Missing = true
		case oddity:
			return oddNumberError(t, row, col)
		default:
			return notNumberError(t, row, col)
		}
	}
	if err := in.fitScale(t, values, scale); err != nil {
		return err
	}
	if ranked {
		in.RankAt, in.RankOf = ranks(values)
	}
	return nil
}

func (in *Input) fitDate(t *Table, col int, rows []int, scale Scaling, values []float64) error {
	for _, row := range rows {
		d, clock, c := t.value(row, col).date(in.Dotted)
		switch c {
		case number:
			values = append(values, epochDays(d))
			in.Clock = in.Clock || clock
		case missing:
			in.Missing = true
		default:
			return fail(ErrType, "%s is not a date", t.cellAt(row, col))
		}
	}
	return in.fitScale(t, values, scale)
}

// fitScale finds the scaling first, for the mean is summed in the order of the rows.
func (in *Input) fitScale(t *Table, values []float64, scale Scaling) error {
	in.Clip = scale == ScaleAuto
	in.Center, in.Scale = scaling(values, scale)
	if len(values) > 0 {
		in.Median = quantile(values, 0.5)
	}
	if !isFinite(in.Center) || !isFinite(in.Scale) || !isFinite(in.Median) {
		return fail(ErrNumber, "%s: column %s holds numbers too large to scale: divide them, or ignore the column", t.name, quote(in.Name))
	}
	return nil
}

func (in *Input) fitCategory(t *Table, col int, rows []int) {
	counts := make(map[string]int)
	for _, row := range rows {
		if s := strings.TrimSpace(t.Cell(row, col)); isMissing(s) {
			in.Missing = true
		} else {
			counts[s]++
		}
	}
	least := leastRows
	if len(rows) < smallTable {
		least = 1
	}
	type level struct {
		name string
		rows int
	}
	levels := make([]level, 0, len(counts))
	for name, n := range counts {
		levels = append(levels, level{name, n})
	}
	slices.SortFunc(levels, func(a, b level) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.name, b.name))
	})
	for i, l := range levels {
		switch {
		case i < mostLevels && l.rows >= least:
			in.Levels = append(in.Levels, strings.Clone(l.name))
		case len(in.RareOf) < mostRare:
			in.RareOf = append(in.RareOf, strings.Clone(l.name))
		}
	}
	in.Rare = len(in.RareOf) > 0
	slices.Sort(in.Levels)
	slices.Sort(in.RareOf)
	if len(counts) == 0 {
		in.Missing = true // no training row has a level: one place, always 1 there
	}
}

// fit scales a target of regression. A constant one keeps the scale 1, so that other
// values can still be told from it.
func (y *Target) fit(t *Table, rows []int, scale Scaling, values []float64) error {
	if scale == ScaleAuto {
		scale = ScaleStandard
	}
	col := t.Index(y.Name)
	for _, row := range rows {
		x, ok := t.Number(row, col)
		if !ok {
			return notNumberError(t, row, col)
		}
		values = append(values, x)
	}
	y.Center, y.Scale = scaling(values, scale)
	if y.Scale == 0 {
		y.Scale = 1
	}
	if !isFinite(y.Center) || !isFinite(y.Scale) {
		return fail(ErrNumber, "%s: the target %s holds numbers too large to scale: divide them", t.name, quote(y.Name))
	}
	return nil
}
