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
	levels map[string]int // rows of each level, by its trimmed text
	dates  dateProfile
	truth  truthProfile
}

// present is the number of cells that are not missing.
func (p *profile) present() int { return p.numbers + p.odd + p.words }

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

// addLevel counts a cell that is not missing.
func (p *profile) addLevel(row int, s string) {
	if p.levels == nil {
		p.levels = make(map[string]int)
	}
	p.levels[s]++
	p.dates.add(row, s)
	p.truth.add(s)
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

// profileColumns reads the given columns in the given rows, row by row as they lie in
// memory. Levels are counted where levels says so, or, in a second pass, where a column
// has words and levels is nil.
func profileColumns(t *Table, cols, rows []int, levels func(col int) bool) []profile {
	profiles := make([]profile, len(cols))
	for _, row := range rows {
		for i, col := range cols {
			x, c := t.value(row, col).number()
			profiles[i].add(row, x, c)
		}
	}
	var second []int
	for i := range cols {
		if p := &profiles[i]; levels != nil && levels(cols[i]) || p.words > 0 || p.odd > 0 && p.numbers == 0 {
			second = append(second, i)
		}
	}
	if len(second) == 0 {
		return profiles
	}
	for _, row := range rows {
		for _, i := range second {
			if s := strings.TrimSpace(t.Cell(row, cols[i])); !isMissing(s) {
				profiles[i].addLevel(row, s)
			}
		}
	}
	return profiles
}

// kind is what a column is taken for by its cells alone.
func (p *profile) kind() Kind {
	switch {
	case p.numeric():
		return KindNumber
	case p.truth.both():
		return KindBoolean
	case p.levels != nil && p.dates.all():
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
		for level := range p.levels {
			return level, true
		}
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
// cells are unique whole numbers without a gap.
func (p *profile) countsRows(t *Table, col int) bool {
	name := strings.ReplaceAll(strings.ToLower(t.columns[col]), "_", " ")
	if !t.unnamed[col] && !slices.Contains(rowNumberNames, name) && !strings.HasSuffix(name, " id") {
		return false
	}
	n := p.numbers
	if n < 2 || n != t.rows || !p.whole || p.max-p.min != float64(n-1) {
		return false
	}
	seen := make([]bool, n)
	for row := range n {
		x, _ := t.Number(row, col)
		i := int(x - p.min)
		if seen[i] {
			return false
		}
		seen[i] = true
	}
	return true
}

// nearlyNumeric remarks on a column of text that was perhaps meant to be numeric.
func (p *profile) nearlyNumeric(t *Table, col int) string {
	switch {
	case p.words == 0:
		return ""
	case p.numbers >= 9*p.words:
		what := fmt.Sprintf("%d of %d cells are not numbers, the first", p.words, p.present())
		if p.words == 1 {
			what = fmt.Sprintf("1 of %d cells is not a number,", p.present())
		}
		return fmt.Sprintf("%s at %s: %s", what, t.at(p.firstWord), quote(strings.TrimSpace(t.Cell(p.firstWord, col))))
	}
	if p.numbers+p.words != p.present() {
		return ""
	}
	for level := range p.levels {
		_, decimal := parseCell(strings.Replace(level, ",", ".", 1))
		_, thousands := parseCell(strings.ReplaceAll(level, ",", ""))
		if decimal != number && thousands != number {
			return ""
		}
	}
	return "the cells look like numbers with a comma: write a decimal comma as a point, and leave out a comma between thousands"
}
