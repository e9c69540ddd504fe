package data

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readCSV reads delimited text as in RFC 4180, with any of the usual delimiters, encodings and
// line ends. Empty lines are skipped.
func readCSV(src *source, opt ReadOptions) (*Table, error) {
	o := newOpening(src, opt)
	if err := o.begin(); err != nil {
		return nil, err
	}
	o.decode()
	o.endLines()
	if err := o.skip(opt.SkipRows); err != nil {
		return nil, err
	}
	o.divide()
	t, g, c := o.t, o.g, o.c
	rows, line, err := c.next(nil)
	if err == nil {
		rows, line, err = t.readHeader(g, opt, rows, line)
	}
	if err == nil {
		o.begun.tell = nil
		a := assembly{t: t, g: g, src: src, tell: opt.Progress, keepTotal: opt.KeepTotal, spill: opt.Spill}
		err = a.assemble(c, rows, line)
	}
	if err != nil && err == c.end {
		return nil, src.readError(err, max(1, c.line-1))
	}
	if err != nil {
		src.raw = o.tabs && !g.rawQuotes && errors.Is(err, ErrQuote)
		return nil, err
	}
	t.format = o.format()
	if t.rows == 0 {
		return nil, fail(ErrEmpty, "%s: the file has a header and no rows: it takes at least one row", t.name)
	}
	t.finish()
	return t, nil
}

// readHeader takes the columns' names from the first row, or numbers the columns if that
// row belongs to the data. It returns what follows the header.
func (t *Table) readHeader(g *grammar, opt ReadOptions, text []byte, line int) ([]byte, int, error) {
	for len(text) > 0 {
		size := g.skipped(text)
		if size == 0 {
			break
		}
		text, line = text[size:], line+1
	}
	if len(text) == 0 {
		return text, line, nil
	}
	const most = 100
	rows, _ := g.sample(text, most)
	row, size, lines, problem := g.record(text)
	if problem != nil {
		return nil, line, g.quoteError(field{problem: problem}, line+lines, line)
	}
	if g.most > 0 && len(row) > g.most {
		return nil, line, g.tooManyColumns(len(row))
	}
	if g.headed = opt.Header == "yes"; opt.Header == "" || opt.Header == "auto" {
		var why Note
		if g.headed, why = g.findHeader(append([][]string{row}, rows[min(1, len(rows)):]...)); why != nil {
			t.notes = append(t.notes, why)
		}
	}
	names := row
	at := 0
	if g.headed {
		if i := slices.IndexFunc(row, func(s string) bool { return !isText([]byte(s)) }); i >= 0 {
			return nil, line, g.textError([]byte(row[i]), line, fmt.Sprintf("column %d of the header", i+1))
		}
		at = line
		text, line = text[size:], line+lines
		switch rows := rows[min(1, len(rows)):]; {
		case len(rows) < 2 || slices.ContainsFunc(rows, func(r []string) bool { return len(r) != len(row)+1 }):
		case !slices.ContainsFunc(rows, func(r []string) bool { return strings.TrimSpace(r[len(row)]) != "" }):
			g.trailing = true
			t.note("the rows end with a delimiter that the header lacks: it is passed over")
		case allDiffer(rows) && !g.underTitle(rows):
			names = append([]string{""}, row...)
			t.note("the rows have one cell more than the header, so their first cells, which all differ, are taken for names of the rows; if that is wrong, correct the header")
		}
		if named := len(row) - countBlank(row); 2*named < len(row) || named < len(row) && g.underTitle(rows[min(1, len(rows)):]) {
			t.title = noteOf(fmt.Sprintf("line %d has names for %d of %d columns; if it is a title, say ", at, named, len(row)), set("SkipRows", strconv.Itoa(at)))
			t.notes = append(t.notes, t.title)
		}
		names = t.number(names, at)
	} else {
		names = NumberedColumns(len(row))
	}
	if err := t.setColumns(names, at); err != nil {
		return nil, line, err
	}
	g.columns = t.columns
	return text, line, nil
}

// countBlank returns how many of the cells are blank.
func countBlank(cells []string) int {
	n := 0
	for _, c := range cells {
		if strings.TrimSpace(c) == "" {
			n++
		}
	}
	return n
}

// allDiffer reports whether the first cells of rows are all different.
func allDiffer(rows [][]string) bool {
	seen := make(map[string]bool)
	for _, row := range rows {
		seen[row[0]] = true
	}
	return len(seen) == len(rows)
}

// number adds a number to repeated names, as pandas does, and notes it.
func (t *Table) number(names []string, line int) []string {
	names = slices.Clone(names)
	taken := make(map[string]int) // name to first column
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if _, ok := taken[names[i]]; !ok && names[i] != "" {
			taken[names[i]] = i
		}
	}
	for i, name := range names {
		first, ok := taken[name]
		if !ok || first == i {
			continue
		}
		for n := 1; ; n++ {
			other := fmt.Sprintf("%s.%d", name, n)
			if _, ok := taken[other]; !ok {
				names[i] = other
				taken[other] = i
				break
			}
		}
		t.note("line %d: columns %d and %d are both named %s: column %d is called %s here", line, first+1, i+1, quote(name), i+1, quote(names[i]))
	}
	return names
}

// isText reports whether s is UTF-8 without a NUL byte.
func isText(s []byte) bool { return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0 }
