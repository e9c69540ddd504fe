package data

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// These functions find out from the first lines of a text how it is written.

// sample returns the rows of the first lines, limited to most rows. It leaves out a row in which
// the text was cut off.
func (g *grammar) sample(text []byte, most int) (rows [][]string, problem error) {
	end := bytes.LastIndexByte(text, '\n') + 1
	text = text[:end]
	for len(text) > 0 && len(rows) < most {
		if size := g.skipped(text); size > 0 {
			text = text[size:]
			continue
		}
		row, size, _, problem := g.record(text)
		if problem != nil {
			if problem == errOpenQuote && len(rows) > 1 {
				problem = nil // it may be closed later
			}
			return rows, problem
		}
		rows = append(rows, row)
		text = text[size:]
	}
	return rows, nil
}

// rawQuotesNote says that the quotes of a table with tabs are not those of RFC 4180.
const rawQuotesNote = "quotes are read as ordinary characters, because not all of them enclose whole cells"

// findRawQuotes decides from the first chunk of a text with tabs whether quotes are ordinary
// characters. They are if reading them as in RFC 4180 fails. whole says that the chunk is the whole text.
func (g *grammar) findRawQuotes(start []byte, whole bool) {
	if bytes.IndexByte(start, '"') < 0 {
		return
	}
	if whole && len(start) > 0 && start[len(start)-1] != '\n' {
		start = append(bytes.Clone(start), '\n')
	}
	_, problem := g.sample(start, math.MaxInt)
	g.rawQuotes = problem != nil
}

// skipped returns the size of the line that text starts with, if it holds no row: an empty line
// or a comment. Otherwise it returns 0.
func (g *grammar) skipped(text []byte) int {
	if size := lineEnd(text); size > 0 {
		return size
	}
	if g.comment != "" && bytes.HasPrefix(text, []byte(g.comment)) {
		return bytes.IndexByte(text, '\n') + 1
	}
	return 0
}

// isNumeral reports whether a cell is a number. A decimal comma is allowed if commas do not
// separate cells.
func (g *grammar) isNumeral(cell string) bool {
	cell = strings.TrimSpace(cell)
	if _, c := parseTrimmed(cell); c == number {
		return true
	}
	if g.delimiter[0] == ',' || cell == "" {
		return false
	}
	_, c := (&Spelling{Decimal: ","}).parseNumber(cell)
	return c == number
}

// findHeader decides whether the first row names the columns. A row without numbers is a header, unless it is just
// like the other rows. A row with numbers is a header if the numbers count the columns or are years, or if a column has
// numbers in all rows but the first. why explains a decision that is not obvious.
func (g *grammar) findHeader(rows [][]string) (headed bool, why Note) {
	first, others := rows[0], rows[1:]
	numerals := 0
	for _, cell := range first {
		if g.isNumeral(cell) {
			numerals++
		}
	}
	const say = "; if that is wrong, say "
	if numerals == 0 {
		if len(first) < 2 || len(others) < 4 {
			return true, nil
		}
		for col, cell := range first {
			if !slices.ContainsFunc(others, func(row []string) bool { return col < len(row) && row[col] == cell }) {
				return true, nil
			}
		}
		return false, noteOf("the first line is taken for a row like the others, not for the columns' names"+say, set("Header", "yes"))
	}
	if len(others) == 0 {
		return false, nil
	}
	are := fmt.Sprintf("%d of its cells are numbers", numerals)
	if numerals == 1 {
		are = "1 of its cells is a number"
	}
	numbered := noteOf("the first line names the columns, though "+are+say, set("Header", "no"))
	counting, years := true, numerals < len(first) || evenly(first)
	for col, cell := range first {
		if x, c := parseCell(cell); c == number {
			counting = counting && (x == float64(col) || col > 0 && !g.isNumeral(first[0]) && x == float64(col-1))
			years = years && x == float64(int(x)) && x >= 1900 && x <= 2100
		}
		if g.namesNumbers(col, cell, others) {
			return true, numbered
		}
	}
	alike := slices.ContainsFunc(others, func(row []string) bool { return slices.Equal(row, first) })
	unlike := false // the rows below have other numbers
	for col, cell := range first {
		if !g.isNumeral(cell) {
			continue
		}
		for _, row := range others {
			if col < len(row) {
				x, c := parseCell(row[col])
				unlike = unlike || c == number && (counting && x != float64(int(x)) || years && (x < 1900 || x > 2100 || x != float64(int(x))) || counting && numerals < len(first))
			}
		}
	}
	if !alike && unlike && (counting && len(first) >= 2 || years && numerals >= 2) {
		return true, numbered
	}
	return false, nil
}

// namesNumbers reports whether the cells of a column are numbers and the one above them is a word.
func (g *grammar) namesNumbers(col int, above string, rows [][]string) bool {
	if above = strings.TrimSpace(above); above == "" || g.isNumeral(above) || isLikelyMissing(above) {
		return false
	}
	return !slices.ContainsFunc(rows, func(row []string) bool { return col >= len(row) || !g.isNumeral(row[col]) })
}

// underTitle reports whether the first row below the first line names columns of numbers. The line above it
// then does not name them.
func (g *grammar) underTitle(rows [][]string) bool {
	if len(rows) < 2 {
		return false
	}
	for col, cell := range rows[0] {
		if g.namesNumbers(col, cell, rows[1:]) {
			return true
		}
	}
	return false
}

// evenly reports whether cells are numbers that increase in equal steps.
func evenly(cells []string) bool {
	before, step := 0.0, 0.0
	for i, cell := range cells {
		x, c := parseCell(cell)
		if c != number || i == 1 && x <= before || i > 1 && x-before != step {
			return false
		}
		before, step = x, x-before
	}
	return true
}

// blankColumns reports whether the lines are cells separated by blanks: at least two per
// line, the same number in all lines, and one column of numbers.
func blankColumns(head []byte) bool {
	tabbed, _ := fromBlanks()(nil, head, true)
	lines := strings.Split(string(tabbed), "\n")
	if len(lines) > 50 {
		lines = lines[:50]
	} else {
		lines = lines[:max(1, len(lines)-1)]
	}
	n, rows := 0, 0
	var numeric []bool
	for _, line := range lines {
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			continue
		}
		fields := strings.Split(line, "\t")
		if n == 0 {
			n = len(fields)
			numeric = slices.Repeat([]bool{true}, n)
		} else if len(fields) != n {
			return false
		}
		if rows++; rows > 1 {
			for i, f := range fields {
				_, c := parseCell(f)
				numeric[i] = numeric[i] && c == number
			}
		}
	}
	return n > 1 && rows > 1 && slices.Contains(numeric, true)
}

// detectDelimiter chooses among , ; tab and |. It takes the one that occurs equally often, and
// at least once, in the most of the first lines. Ties go to the one that occurs most often in a
// line, then to the first in that order. Quoted text is skipped. A semicolon has precedence over
// commas between digits. If there is none of these delimiters, blanks may be the delimiter.
func detectDelimiter(head []byte, name string) rune {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	if filepath.Ext(name) == ".tsv" {
		return '\t'
	}
	const delimiters = ",;\t|"
	const most = 50
	var counts [most][len(delimiters)]int
	line, quoted, blank := 0, false, true
	decimal := true // every comma below the first line is between digits
	digit := func(i int) bool { return i >= 0 && i < len(head) && head[i] >= '0' && head[i] <= '9' }
	for at, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if quoted {
			blank = false
			continue
		}
		if c == '\n' {
			if !blank {
				line++
			}
			if line == most {
				break
			}
			blank = true
			continue
		}
		if c != '\r' {
			blank = false
		}
		if i := strings.IndexByte(delimiters, c); i >= 0 {
			counts[line][i]++
			decimal = decimal && (c != ',' || line == 0 || digit(at-1) && digit(at+1))
		}
	}
	lines := max(line, 1) // the last line may be cut short, so it counts only if it is the first
	best, bestLines := 0, 0
	semicolons := 0
	for i := range delimiters {
		first, agreeing := counts[0][i], 0
		for _, count := range counts[:lines] {
			if first > 0 && count[i] == first {
				agreeing++
			}
		}
		if delimiters[i] == ';' {
			semicolons = agreeing
		}
		if agreeing > bestLines || agreeing == bestLines && first > counts[0][best] {
			best, bestLines = i, agreeing
		}
	}
	switch {
	case delimiters[best] == ',' && lines > 1 && semicolons == lines && decimal:
		return ';'
	case bestLines < lines && blankColumns(head):
		return ' '
	}
	return rune(delimiters[best])
}

// totals are the words, in lower case, that start a totals line. They are in its first cell that is
// not blank.
var totals = []string{"total", "totals", "total:", "grand total", "sum", "sum:", "gesamt", "summe"}

// cutTotal cuts a totals line from the end of a text whose first line has that number, and returns the note that it is left out.
func (g *grammar) cutTotal(text []byte, line int) (rows []byte, left Note) {
	end := len(bytes.TrimRight(text, "\r\n"))
	start := bytes.LastIndexByte(text[:end], '\n') + 1
	if start == 0 || bytes.Count(text[start:], []byte{'"'})%2 == 1 {
		return text, nil
	}
	cells, _, _, problem := g.record(text[start:])
	if problem != nil {
		return text, nil
	}
	if left = TotalNote(line+bytes.Count(text[:start], []byte{'\n'}), cells); left == nil {
		return text, nil
	}
	return text[:start], left
}
