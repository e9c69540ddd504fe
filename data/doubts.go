package data

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/internal/plural"
)

// These remarks say what else the cells of a column could be, where nothing decides it.

// caseVariants says which levels differ only in the case of their letters; nil if none do.
func (l *inspection) caseVariants(t *Table) Note {
	p := &l.profile
	if p.look(l.c, l.rows); len(p.levels) < 2 {
		return nil
	}
	alike := map[string][]uint32{} // by their lower case
	var order []string
	for _, code := range p.levels {
		lower := strings.ToLower(p.view.dict.at(code))
		if alike[lower] = append(alike[lower], code); len(alike[lower]) == 2 {
			order = append(order, lower)
		}
	}
	if len(order) == 0 {
		return nil
	}
	first := alike[order[0]]
	cells := make(map[uint32]int, len(first))
	for _, code := range first {
		cells[code] = 0
	}
	for row := range t.rowsOf(l.rows) {
		code := p.view.codes.at(row)
		if n, ok := cells[code]; ok {
			cells[code] = n + 1
		}
	}
	var said []string
	for _, code := range first {
		said = append(said, fmt.Sprintf("%s in %s", quote(p.view.dict.at(code)), plural.Of(cells[code], "cell")))
	}
	more := ""
	if n := len(order) - 1; n > 0 {
		more = fmt.Sprintf(", and so are those of %d other words", n)
		if n == 1 {
			more = ", and so are those of another word"
		}
	}
	return Notef("%s are different levels although only upper and lower case differ%s; write them alike if they mean the same", strings.Join(said, ", "), more)
}

// The times that whole numbers could count, from 2001 to 2049: seconds and milliseconds since 1970.
const (
	earliest = 1e9
	latest   = 2.5e9
)

// wholeDoubts says what whole numbers could be that are read as amounts: times since 1970, or ids; nil if neither is likely.
func (l *inspection) wholeDoubts(t *Table, name string) Note {
	p := &l.profile
	if !p.whole || p.numbers < 10 || p.words > 0 || p.odd > 0 || p.min == p.max {
		return nil
	}
	for _, unit := range []struct {
		name string
		each float64
	}{{"milliseconds", 1000}, {"seconds", 1}} {
		if p.min >= earliest*unit.each && p.max <= latest*unit.each {
			day := time.Unix(int64(p.min/unit.each), 0).UTC()
			return noteOf(fmt.Sprintf("read as amounts, but they could be %s since 1970: %s would be %s; if they are times, write them as dates, or say ",
				unit.name, formatNumber(p.min), day.Format(layoutSecond)), set("Ignore", name), "; if they are amounts, say ", typed(name, KindNumber))
		}
	}
	lower := strings.ToLower(name)
	named := lower == "id" || strings.HasSuffix(lower, "_id") || strings.HasSuffix(lower, " id") || strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID")
	if p.missing > 0 || !named && p.max-p.min != float64(p.numbers-1) {
		return nil
	}
	values, _, _ := l.c.numbers(l.rows, make([]float64, 0, p.numbers))
	sorted := slices.IsSorted(values)
	first := values[0]
	if sortNumbers(values, nil); len(slices.Compact(values)) != p.numbers || sorted && !named { // ordered numbers count something, such as years
		return nil
	}
	return noteOf(fmt.Sprintf("read as amounts, but %s are whole numbers that are all different, such as %s; if they are ids, say ", plural.Of(p.numbers, "cell"), formatNumber(first)),
		set("Ignore", name), "; if they are amounts, say ", typed(name, KindNumber))
}

// unsigned says how many cells of a column of percentages have no percent sign and could be shares; "" if there are none.
func (sp *Spelling) unsigned(c *column, t *Table, rows []int) string {
	if sp.After != "%" && sp.Before != "%" {
		return ""
	}
	n, first := 0, ""
	for row := range t.rowsOf(rows) {
		if x, what := parseTrimmed(c.text(row)); what == number && x > 0 && x <= 1 {
			if n++; n == 1 {
				first = c.text(row)
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s of at most 1 without a percent sign, such as %s, taken for %s %%: write all in one way if they are shares", plural.Of(n, "cell"), quote(first), first)
}
