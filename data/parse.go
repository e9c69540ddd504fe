package data

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gradus-ml/gradus/internal/plural"
)

// A grammar is the way a text is divided into cells.
type grammar struct {
	name      string // of the file, in messages
	delimiter []byte // in UTF-8
	rawQuotes bool   // a " is a character like any other
	trailing  bool   // a row may end with an empty cell that belongs to no column
	foreign   bool   // the text was not in UTF-8
	mixed     bool   // the encoding was detected from the first chunk, so UTF-8 after it is an error
	comment   string // the prefix of lines to skip; "": none
	columns   []string
	headed    bool
	most      int       // the largest number of columns; 0: any number
	stops     [256]bool // bytes at which an unquoted cell may end
}

func (g *grammar) setDelimiter(r rune) {
	g.delimiter = utf8.AppendRune(nil, r)
	g.stops = [256]bool{'\n': true, '"': true}
	g.stops[g.delimiter[0]] = true
}

// A part holds the rows of one chunk of a text.
type part struct {
	columns []column
	rows    int
	lines   lineMap
	share   float64 // share of the file read up to here; 0: unknown
	read    int64   // bytes of text read up to here
	err     error

	cell []byte // of a quoted cell with doubled quotes
}

// A lineMap says on which line each row starts. It stores only jumps, because most rows
// follow the one before.
type lineMap []lineJump

type lineJump struct{ row, line int }

// put stores the line of the next row.
func (m *lineMap) put(row, line int) {
	if n := len(*m); n > 0 {
		if last := (*m)[n-1]; line-last.line == row-last.row {
			return
		}
	}
	*m = append(*m, lineJump{row, line})
}

func (m lineMap) at(row int) int {
	i, found := slices.BinarySearchFunc(m, row, func(j lineJump, row int) int { return j.row - row })
	if !found {
		i--
	}
	return m[i].line + row - m[i].row
}

// reset empties a part for the next chunk.
func (p *part) reset(columns int) {
	if len(p.columns) != columns {
		p.columns = make([]column, columns)
	}
	for i := range p.columns {
		p.columns[i].reset()
	}
	p.rows, p.lines, p.err = 0, p.lines[:0], nil
}

// fill reads the rows of a chunk that starts on that line and ends with a line end. It stops
// at the first error.
func (p *part) fill(g *grammar, chunk []byte, line int) {
	p.reset(len(g.columns))
	n, single, delimiter := len(p.columns), len(g.delimiter) == 1, g.delimiter[0]
	for i := 0; i < len(chunk); {
		if size := g.skipped(chunk[i:]); size > 0 {
			i += size
			line++
			continue
		}
		start, row := line, i
		var badText error // error in the text of this row, reported unless the row itself is wrong
		for col := 0; ; col++ {
			if col == n && g.trailing && chunk[i] != '"' {
				if f := g.field(chunk[i:], &p.cell); f.problem == nil && f.last && len(trim(f.text)) == 0 {
					i += f.size
					line++
					break
				}
			}
			if col == n {
				p.err = g.tooLong(chunk, i, line, start, col, chunk[row])
				return
			}
			c := &p.columns[col]
			if c.form == formNumbers {
				m, decimals, negative, size := scanDecimal(chunk[i:])
				if size > 0 {
					if b := chunk[i+size]; b == delimiter && single {
						c.addDecimal(m, decimals, negative)
						i += size + 1
						continue
					} else if size2 := lineEnd(chunk[i+size:]); size2 > 0 && col == n-1 {
						c.addDecimal(m, decimals, negative)
						i += size + size2
						line++
						break
					}
				}
			}
			f := g.field(chunk[i:], &p.cell)
			if f.problem != nil {
				p.err = g.quoteError(f, line, start)
				return
			}
			cell := trim(f.text)
			if !f.plain && badText == nil && !isText(cell) {
				badText = g.textError(cell, line, "column "+quote(g.columns[col]))
			}
			c.add(cell)
			i += f.size
			line += f.lines
			if f.last {
				line++
				if col < n-1 {
					p.err = g.raggedError(col+1, start, chunk[row])
					return
				}
				break
			}
		}
		if badText != nil {
			p.err = badText
			return
		}
		p.lines.put(p.rows, start)
		p.rows++
	}
}

// lineEnd returns the size of the line end that b starts with, or 0.
func lineEnd(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case b[0] == '\r' && len(b) > 1 && b[1] == '\n':
		return 2
	}
	return 0
}

// A field is a cell cut out of a text.
type field struct {
	text    []byte
	plain   bool // ASCII without NUL
	size    int  // with its delimiter or line end
	last    bool // it ends with a line end
	lines   int  // line ends inside it
	problem error
}

// field cuts out the cell that b starts with. b ends with a line end. A quoted cell may have
// blanks around its quotes.
func (g *grammar) field(b []byte, scratch *[]byte) field {
	i, bits, nul := 0, byte(0), false
	for {
		c := b[i]
		if !g.stops[c] {
			bits |= c
			nul = nul || c == 0
			i++
			continue
		}
		switch {
		case c == '\n':
			text := b[:i]
			if i > 0 && b[i-1] == '\r' {
				text = b[:i-1]
			}
			return field{text: text, plain: bits < 0x80 && !nul, size: i + 1, last: true}
		case c == '"' && g.rawQuotes:
			i++
		case c == '"':
			if len(bytes.TrimLeft(b[:i], " \t")) > 0 {
				return field{problem: errBareQuote}
			}
			f := g.quoted(b[i:], scratch)
			f.size += i
			return f
		case bytes.HasPrefix(b[i:], g.delimiter):
			return field{text: b[:i], plain: bits < 0x80 && !nul, size: i + len(g.delimiter)}
		default:
			bits |= c
			i++
		}
	}
}

// quoted cuts out a cell that starts with a quote. Line ends in it become \n.
func (g *grammar) quoted(b []byte, scratch *[]byte) field {
	f := field{}
	out, direct := (*scratch)[:0], true
	start := 1
	for i := 1; ; {
		at := bytes.IndexByte(b[i:], '"')
		if at < 0 {
			return field{problem: errOpenQuote}
		}
		i += at
		if b[i+1] == '"' { // b ends with a line end
			out = append(out, b[start:i+1]...)
			i += 2
			start, direct = i, false
			continue
		}
		if direct {
			f.text = b[1:i]
		} else {
			out = append(out, b[start:i]...)
			*scratch = out
			f.text = out
		}
		f.lines = bytes.Count(f.text, []byte{'\n'})
		if f.lines > 0 && bytes.Contains(f.text, []byte("\r\n")) {
			f.text = bytes.ReplaceAll(f.text, []byte("\r\n"), []byte{'\n'})
		}
		i++
		for b[i] == ' ' || b[i] == '\t' && g.delimiter[0] != '\t' {
			if bytes.HasPrefix(b[i:], g.delimiter) {
				break
			}
			i++
		}
		if size := lineEnd(b[i:]); size > 0 {
			f.size, f.last = i+size, true
			return f
		}
		if bytes.HasPrefix(b[i:], g.delimiter) {
			f.size = i + len(g.delimiter)
			return f
		}
		return field{problem: errQuote}
	}
}

// record cuts out the cells of the row that b starts with. It returns the bytes and line
// ends the row takes.
func (g *grammar) record(b []byte) (cells []string, size, lines int, problem error) {
	var scratch []byte
	for {
		f := g.field(b[size:], &scratch)
		if f.problem != nil {
			return nil, 0, lines, f.problem
		}
		cells = append(cells, string(f.text))
		size += f.size
		lines += f.lines
		if f.last {
			return cells, size, lines + 1, nil
		}
	}
}

// tooLong returns the error for a row with more cells than columns. cells is the number of cells read
// so far, and first the byte that the row starts with.
func (g *grammar) tooLong(chunk []byte, i, line, start, cells int, first byte) error {
	more, _, lines, problem := g.record(chunk[i:])
	if problem != nil {
		return g.quoteError(field{problem: problem}, line+lines, start)
	}
	return g.raggedError(cells+len(more), start, first)
}

func (g *grammar) tooManyColumns(n int) error {
	return fail(ErrLarge, "%s: has %d columns, and at most %d are allowed: leave some out", g.name, n, g.most)
}

func (g *grammar) raggedError(cells, line int, first byte) error {
	if g.most > 0 && cells > g.most {
		return g.tooManyColumns(cells)
	}
	expected := fmt.Sprintf("the header has %d", len(g.columns))
	if !g.headed {
		expected = fmt.Sprintf("the first row has %d", len(g.columns))
	}
	const comments = "#%;!"
	remedy := Notef("quote cells that hold the delimiter")
	switch {
	case cells > len(g.columns) && g.headed && len(g.columns) == 1 && strings.Contains(comments, g.columns[0][:1]):
		remedy = noteOf(remedy, ", or say ", set("Comment", g.columns[0][:1]), " if the lines above are remarks")
	case cells > len(g.columns) && g.headed && len(g.columns) == 1:
		remedy = noteOf(remedy, ", or say ", set("SkipRows", strconv.Itoa(line-1)), " if the lines above are not rows")
	case cells < len(g.columns) && strings.IndexByte(comments, first) >= 0:
		remedy = noteOf("say ", set("Comment", string(rune(first))), " if it is a remark")
	case cells < len(g.columns):
		remedy = Notef("leave a missing cell empty, but keep its delimiter")
	}
	return lineError(ErrRagged, g.name, line, fmt.Sprintf("row has %s, %s: ", plural.Of(cells, "cell"), expected), remedy)
}

// quoteError returns the error for a broken quote in a cell. The cell starts on line, and its
// row on start.
func (g *grammar) quoteError(f field, line, start int) error {
	if f.problem == errBareQuote {
		return lineError(ErrQuote, g.name, line, `there is a " inside a cell that does not start with one: write the cell as "..." with each " in it doubled`)
	}
	return lineError(ErrQuote, g.name, start, `a cell starts with a " that is not closed, or not before the delimiter: close it, and double each " in it`)
}

// textError says what is wrong with a cell that is not text. The line is the one the cell
// starts on; the bad byte may be on a later one.
func (g *grammar) textError(cell []byte, line int, where string) error {
	for len(cell) > 0 {
		r, size := utf8.DecodeRune(cell)
		switch {
		case r == '\n':
			line++
		case r == 0:
			return lineError(ErrText, g.name, line, where+" holds a NUL byte: the file is not text, or is not in UTF-8")
		case r == utf8.RuneError && size == 1 && g.mixed && cell[0] == 0xff:
			return lineError(ErrText, g.name, line, where+" holds text in UTF-8, and bytes above it are not: say ", set("Encoding", encodingLatin1), " if the whole file is that, or save it in one encoding")
		case r == utf8.RuneError && size == 1 && g.foreign:
			return lineError(ErrText, g.name, line, where+" holds bytes that are not text in the file's encoding: name another ", named("Encoding"), ", or save the file in UTF-8")
		case r == utf8.RuneError && size == 1:
			return lineError(ErrText, g.name, line, fmt.Sprintf("%s holds the byte 0x%02x, which is not valid UTF-8: save the file in UTF-8, or name its ", where, cell[0]), named("Encoding"), ", latin-1 for one")
		}
		cell = cell[size:]
	}
	return nil
}
