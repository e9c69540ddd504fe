package data

import (
	"fmt"
	"slices"
)

// strays are the few cells that keep a column from being read as numbers or as dates.
type strays struct {
	what  string   // what the other cells are: "number" or "date"
	cells int      // the number of strays
	of    int      // the number of cells that are not missing
	row   int      // of the first stray
	texts []string // the strays, each once
}

// tried is how many levels of a column are tried before all are, because most columns of text have no strays.
const tried = 50

// findStrays looks for a spelling that at least nine of ten cells have. It returns nil if there is none.
func (l *inspection) findStrays(t *Table, decimal string) *strays {
	p := &l.profile
	const date, empty, word = "date", "missing", ""
	forms := make([]string, p.view.dict.len()) // of each level: "number" with its unit, or one of these
	form := func(code uint32) string {
		s := p.view.dict.at(code)
		if isLikelyMissing(s) || p.view.means[code].c == missing {
			return empty
		}
		if _, _, _, ok := parseDate(s); ok {
			return date
		}
		if _, what := parseTrimmed(s); what == number {
			return "number"
		}
		sp := l.spelling.copy()
		if _, verdict := findSpelling([]string{s}, l.spelling, decimal); verdict != noNumbers && sp.around(s) {
			return "number" + sp.Before + sp.After
		}
		if sp, doubt := findLayout([]string{s}, l.spelling); sp != nil || doubt != nil {
			return date
		}
		return word
	}
	every, some := max(1, len(p.levels)/tried), map[string]int{}
	for i := 0; i < len(p.levels); i += every {
		some[form(p.levels[i])]++
	}
	if !slices.ContainsFunc(sortedKeys(some), func(f string) bool { return f != word && 2*some[f]*every >= len(p.levels) }) {
		return nil
	}
	for _, code := range p.levels {
		forms[code] = form(code)
	}
	cells, present := map[string]int{}, 0
	for row := range t.rowsOf(l.rows) {
		if f := forms[p.view.codes.at(row)]; f != empty {
			cells[f]++
			present++
		}
	}
	best := word
	for _, f := range sortedKeys(cells) {
		if f != word && (best == word || cells[f] > cells[best]) {
			best = f
		}
	}
	found := &strays{what: "number", of: present, cells: present - cells[best]}
	if best == word || found.cells == 0 || cells[best] < 9*found.cells {
		return nil
	}
	var others []string
	for _, code := range p.levels {
		switch s := p.view.dict.at(code); forms[code] {
		case best:
			others = append(others, s)
		case empty:
		default:
			found.texts = append(found.texts, s)
		}
	}
	if best == date {
		found.what = "date"
		sp, doubt := findLayout(others, l.spelling)
		if sp == nil && doubt == nil && slices.ContainsFunc(others, func(s string) bool { _, _, _, ok := parseDate(s); return !ok }) {
			return nil
		}
	} else if _, verdict := findSpelling(others, l.spelling, decimal); verdict == noNumbers {
		return nil
	}
	for row := range t.rowsOf(l.rows) {
		if f := forms[p.view.codes.at(row)]; f != empty && f != best {
			found.row = row
			break
		}
	}
	return found
}

// note says which cells they are, and what to do; nil if there are none.
func (s *strays) note(t *Table, col int) Note {
	if s == nil {
		return nil
	}
	are := "are not " + s.what + "s, the first"
	if s.cells == 1 {
		are = "is not a " + s.what + ","
	}
	word := "WORD"
	if len(s.texts) == 1 {
		word = s.texts[0]
	}
	return noteOf(fmt.Sprintf("%d of %d cells %s at %s: %s; correct it, or say ", s.cells, s.of, are, t.At(s.row), quote(t.Cell(s.row, col))),
		set("Missing", word), " if it means that the value is missing")
}
