package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A profile is what the cells of one column have in common.
type profile struct {
	missing, numbers, odd, words int
	firstOdd, firstWord          int // rows

	// of the numbers
	min, max float64
	whole    bool

	// of columns with words, or where they were asked for
	looked bool
	view   levelView
	levels []uint32 // the codes of those that are there, as they first come
	dates  dateProfile
	truth  truthProfile
}

// present is the number of cells that are not missing.
func (p *profile) present() int { return p.numbers + p.odd + p.words }

// cells is the number of all.
func (p *profile) cells() int { return p.missing + p.present() }

// numeric reports whether every cell is a number, be it an odd one.
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
	broke    int  // the row of the first cell that is no date
	dotted   bool // some cell is written 31.12.1999
	dayAbove bool // and in one of them the first number is above 12
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

// all reports whether all cells are dates beyond doubt.
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

// profileColumn looks at the cells of a column in the given rows; nil stands for all. Its
// levels are looked at where that is asked for, and where it has words.
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

// kind is what a column is taken for by its cells alone.
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

// constant returns the only value of a column without missing cells that has just one.
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

// tooManyLevels reports whether text looks like names, numbers of tickets or free text
// rather than like categories: more than 50 levels, and more than half of the cells differ;
// or 10 cells or more, and all of them differ.
func tooManyLevels(levels, cells int) bool {
	return levels > 50 && 2*levels > cells || levels >= 10 && levels == cells
}

// rowNumberNames are the names, in lower case, of columns that may just count the rows.
var rowNumberNames = []string{
	"id", "idx", "index", "no", "nr", "num", "number", "obs", "observation", "row", "row id",
	"row name", "row names", "row number", "rowid", "rowname", "rownames", "rownum", "#", "unnamed: 0",
}

// countsRows reports whether a column just numbers the rows: its name says so, and its
// cells are unique whole numbers without a gap. Of a first column without a name, which is how
// pandas writes an index, they may have gaps, and so may numbers that are too long to be told apart. There
// are several of these where a table was written and read more than once.
func (p *profile) countsRows(t *Table, col int, rows []int) bool {
	name := strings.ReplaceAll(strings.ToLower(t.columns[col]), "_", " ")
	index := true
	for i := range col + 1 {
		index = index && (t.unnamed[i] || strings.HasPrefix(strings.ToLower(t.columns[i]), "unnamed: "))
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
	if !index && p.max-p.min != float64(n-1) {
		return false
	}
	values, _, _ := t.cols[col].numbers(rows, make([]float64, 0, n))
	sortNumbers(values, nil)
	return len(slices.Compact(values)) == n
}

// long reports whether there are whole numbers that a float64 does not tell from their neighbors.
func (p *profile) long() bool { return max(-p.min, p.max) > 1<<53 }

// nearlyNumeric remarks on a column of text that was perhaps meant to be numeric.
func (p *profile) nearlyNumeric(t *Table, col int) Note {
	if p.words == 0 || p.numbers < 9*p.words {
		return nil
	}
	are := "are not numbers, the first"
	if p.words == 1 {
		are = "is not a number,"
	}
	return noteOf(fmt.Sprintf("%d of %d cells %s at %s: %s; correct it, or say ", p.words, p.present(), are, t.At(p.firstWord), quote(t.Cell(p.firstWord, col))),
		set("Missing", "WORD"), " if it stands for nothing")
}
