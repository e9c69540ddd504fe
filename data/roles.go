package data

import (
	"fmt"
	"math"

	"github.com/gradus-ml/gradus/internal/spill"
)

// Columns that describe rows instead of being learned from: their weight, their group,
// their place in time.

// Column returns the position of the column with that name. The error for a table without
// such a column says what it was wanted for, as in "which weighs the rows", and lists similar names.
func (t *Table) Column(name, what string) (int, error) {
	col := t.Index(name)
	switch {
	case col < 0:
		return -1, misfit(unknownColumn(t, ErrColumn, what, name))
	case t.cols[col].unread != nil:
		return -1, misfit(t.unreadError(ErrColumn, col, what))
	}
	return col, nil
}

// unreadError returns the error about a column whose values were not read but are needed. what says for what, as in
// "which weighs the rows".
func (t *Table) unreadError(kind error, col int, what string) *failure {
	return &failure{note: noteOf(fmt.Sprintf("%s: the column %s, %s, ", t.name, quote(t.columns[col]), what), t.cols[col].unread), kind: kind}
}

// Weights reads the rows' weights from a column of numbers. A weight that is missing,
// negative or not finite is an error that names its line.
func Weights(t *Table, name string, rows []int) (w []float64, err error) {
	defer spill.Guard(&err)()
	col, err := t.Column(name, "which weighs the rows")
	if err != nil {
		return nil, err
	}
	w = make([]float64, len(rows))
	for i, row := range rows {
		v, ok := t.Number(row, col)
		if !ok || v < 0 {
			return nil, t.Refuse(ErrNumber, row, col, "is not a weight: give every row a finite number of at least 0, 0 to leave it out")
		}
		w[i] = v
	}
	return w, nil
}

// Weighing lists the rows whose weight is not 0, and counts the others; nil means all rows. A cell
// that is not a weight is left for Weights to report.
func Weighing(t *Table, name string) (rows []int, weightless int, err error) {
	defer spill.Guard(&err)()
	col, err := t.Column(name, "which weighs the rows")
	if err != nil {
		return nil, 0, err
	}
	none := func(row int) bool {
		v, ok := t.Number(row, col)
		return ok && v == 0
	}
	for row := range t.rows {
		if none(row) {
			weightless++
		}
	}
	if weightless == 0 {
		return nil, 0, nil
	}
	rows = make([]int, 0, t.rows-weightless)
	for row := range t.rows {
		if !none(row) {
			rows = append(rows, row)
		}
	}
	return rows, weightless, nil
}

// Groups reads the group of each row from a column of any kind. Equal cells are one group.
// The groups are numbered by first appearance. A missing cell is an error that names its line.
func Groups(t *Table, name string, rows []int) (groups []int, err error) {
	defer spill.Guard(&err)()
	col, err := t.Column(name, "which groups the rows")
	if err != nil {
		return nil, err
	}
	view := t.cols[col].levels()
	group := make([]int, view.dict.len()) // plus 1
	many := 0
	groups = make([]int, len(rows))
	for i, row := range rows {
		code := view.codes.at(row)
		if view.means[code].c == missing {
			return nil, t.Refuse(ErrColumn, row, col, "is missing: every row needs a group")
		}
		if group[code] == 0 {
			many++
			group[code] = many
		}
		groups[i] = group[code] - 1
	}
	return groups, nil
}

// Times reads the rows' places in time from a column of numbers or of dates. Dates become
// days since 1970-01-01. A cell of another kind is an error that names its line.
func Times(t *Table, name string, rows []int) (times []float64, err error) {
	defer spill.Guard(&err)()
	col, err := t.Column(name, "which orders the rows in time")
	if err != nil {
		return nil, err
	}
	p := profileColumn(&t.cols[col], rows, false)
	kind := p.kind()
	times = make([]float64, len(rows))
	for i, row := range rows {
		v := math.NaN()
		switch kind {
		case KindNumber:
			if x, ok := t.Number(row, col); ok {
				v = x
			}
		case KindDate:
			if d, _, c := t.cols[col].value(row).date(nil, p.dates.dotted); c != missing && c != word {
				v = epochDays(d)
			}
		}
		if v != v {
			return nil, t.Refuse(ErrColumn, row, col, "is not a place in time: every row needs a number, or a date such as 1999-12-31")
		}
		times[i] = v
	}
	return times, nil
}
