package data

import (
	"math"
	"slices"
	"strings"
)

// A profile is what the cells of a column have in common.
type profile struct {
	missing, numbers, odd, words int
	firstOdd, firstWord          int // rows

	// of the numbers:
	min, max float64
	whole    bool

	// of columns with words, or on request:
	looked bool
	view   levelView
	levels []uint32 // codes of the levels that occur, in order of first appearance
	dates  dateProfile
	truth  truthProfile
}

// present returns the number of cells that are not missing.
func (p *profile) present() int { return p.numbers + p.odd + p.words }

// cells returns the number of all cells.
func (p *profile) cells() int { return p.missing + p.present() }

// numeric reports whether every present cell is a number, including odd ones.
func (p *profile) numeric() bool { return p.words == 0 && p.numbers > 0 }

func (p *profile) add(row int, x float64, c content) {
	switch c {
	case missing:
		p.missing++
	case number:
		if p.numbers == 0 {
			p.min, p.max, p.whole = x, x, true
		}
		p.numbers++
		p.min, p.max = min(p.min, x), max(p.max, x)
		p.whole = p.whole && x == math.Trunc(x)
	case oddity:
		if p.odd == 0 {
			p.firstOdd = row
		}
		p.odd++
	case word:
		if p.words == 0 {
			p.firstWord = row
		}
		p.words++
	}
}

// A dateProfile says whether all cells are dates.
type dateProfile struct {
	broken   bool
	broke    int  // the row of the first cell that is not a date
	dotted   bool // some cell is written 31.12.1999
	dayAbove bool // and in one such cell the first number is above 12
	clock    bool // some cell has a time of day
}

func (d *dateProfile) add(row int, s string) {
	if d.broken {
		return
	}
	t, dotted, clock, ok := parseDate(s)
	if !ok {
		d.broken, d.broke = true, row
		return
	}
	d.dotted = d.dotted || dotted
	d.dayAbove = d.dayAbove || dotted && t.Day() > 12
	d.clock = d.clock || clock
}

// all reports whether all cells are dates without any doubt.
func (d *dateProfile) all() bool { return !d.broken && (!d.dotted || d.dayAbove) }

// A truthProfile says whether all cells are words of one pair of truth values.
type truthProfile struct {
	broken   bool
	pair     int
	no, yes  bool
	anything bool
}

func (tp *truthProfile) add(s string) {
	value, pair, ok := parseTruth(s)
	if tp.broken || !ok || tp.anything && pair != tp.pair {
		tp.broken = true
		return
	}
	tp.anything, tp.pair = true, pair
	tp.yes = tp.yes || value
	tp.no = tp.no || !value
}

// both reports whether the cells are true and false, and nothing else.
func (tp *truthProfile) both() bool { return !tp.broken && tp.no && tp.yes }

// profileColumn profiles the cells of a column in the given rows; nil means all. It
// profiles the levels if asked to, and if the column has words.
func profileColumn(c *column, rows []int, levels bool) profile {
	var p profile
	if rows == nil {
		for row := range c.rows() {
			x, what := c.number(row)
			p.add(row, x, what)
		}
	} else {
		for _, row := range rows {
			x, what := c.number(row)
			p.add(row, x, what)
		}
	}
	if levels || p.words > 0 || p.odd > 0 && p.numbers == 0 {
		p.look(c, rows)
	}
	return p
}

// look finds the levels of the cells that are not missing.
func (p *profile) look(c *column, rows []int) {
	if p.looked {
		return
	}
	p.looked, p.view = true, c.levels()
	seen := make([]bool, p.view.dict.len())
	see := func(row int) {
		code := p.view.codes.at(row)
		if seen[code] {
			return
		}
		seen[code] = true
		if p.view.means[code].c == missing {
			return
		}
		s := p.view.dict.at(code)
		p.levels = append(p.levels, code)
		p.dates.add(row, s)
		p.truth.add(s)
	}
	if rows == nil {
		for row := range p.view.codes.len() {
			see(row)
		}
		return
	}
	for _, row := range rows {
		see(row)
	}
}

// kind returns the kind of a column, judged only by its cells.
func (p *profile) kind() Kind {
	switch {
	case p.numeric():
		return KindNumber
	case p.truth.both():
		return KindBoolean
	case p.looked && p.dates.all():
		return KindDate
	}
	return KindCategory
}

// constant returns the single value of a column that has no missing cells and only one value.
func (p *profile) constant() (string, bool) {
	switch {
	case p.missing > 0:
	case p.numeric() && p.odd == 0 && p.min == p.max:
		return formatNumber(p.min), true
	case len(p.levels) == 1:
		return p.view.dict.at(p.levels[0]), true
	}
	return "", false
}

// tooManyLevels reports whether text looks like names, ids or free text instead of
// categories. That is the case if there are more than 50 levels, and more than three for
// every four cells, or if there are 10 cells or more and all differ.
func tooManyLevels(levels, cells int) bool {
	return levels > 50 && 4*levels > 3*cells || levels >= 10 && levels == cells
}

// rowNumberNames are the names, in lower case, of columns that may only count the rows.
var rowNumberNames = []string{
	"id", "idx", "index", "no", "nr", "num", "number", "obs", "observation", "row", "row id",
	"row name", "row names", "row number", "rowid", "rowname", "rownames", "rownum", "#", "unnamed: 0",
}

// countsRows reports whether a column only numbers the rows: its name says so, and its cells are unique
// whole numbers without gaps. Gaps are allowed in an unnamed first column, which is how pandas writes an
// index, and in numbers that are too long to tell apart. There are several such columns if a table was
// written and read more than once. In a table of several files each file is numbered by itself.
func (p *profile) countsRows(t *Table, col int, rows []int) bool {
	name := strings.ReplaceAll(strings.ToLower(t.columns[col]), "_", " ")
	index := true
	for i := range col + 1 {
		index = index && t.lacksName(i)
	}
	if !t.unnamed[col] && !index && !slices.Contains(rowNumberNames, name) && !strings.HasSuffix(name, " id") {
		return false
	}
	n := p.numbers
	if n < 2 || n != p.cells() || !p.whole {
		return false
	}
	if p.long() {
		p.look(&t.cols[col], rows)
		return len(p.levels) == n
	}
	values, _, _ := t.cols[col].numbers(rows, make([]float64, 0, n))
	for _, own := range t.byFile(values, rows) {
		sortNumbers(own, nil)
		if len(own) == 0 {
			continue
		}
		low, high := own[0], own[len(own)-1]
		if len(slices.Compact(own)) != len(own) || !index && high-low != float64(len(own)-1) {
			return false
		}
	}
	return true
}

// lacksName reports whether a column has no name, or the one that pandas gives such a column.
func (t *Table) lacksName(col int) bool {
	return t.unnamed[col] || strings.HasPrefix(strings.ToLower(t.columns[col]), "unnamed: ")
}

// byFile divides the numbers of rows, nil for all rows, among the files that the table came from.
func (t *Table) byFile(values []float64, rows []int) [][]float64 {
	if len(t.spans) < 2 || len(values) < 2*len(t.spans) {
		return [][]float64{values}
	}
	files := make([][]float64, len(t.spans))
	for i, x := range values {
		row := i
		if rows != nil {
			row = rows[i]
		}
		file := t.fileOf(row)
		files[file] = append(files[file], x)
	}
	return files
}

// long reports whether there are whole numbers that a float64 cannot distinguish from their neighbors.
func (p *profile) long() bool { return max(-p.min, p.max) > 1<<53 }
