package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// readCSV reads delimited text as RFC 4180 has it, with any of the usual delimiters.
// Lines that are empty are skipped.
func readCSV(src *source, opt ReadOptions) (*Table, error) {
	head, err := src.r.Peek(peekSize)
	if err != nil && err != io.EOF {
		return nil, src.readError(err, 1)
	}
	marked := bytes.HasPrefix(head, []byte("\ufeff"))
	if marked {
		src.r.Discard(3)
		head = head[3:]
	}
	if len(bytes.TrimSpace(head)) == 0 && err == io.EOF {
		return nil, fail(ErrEmpty, "%s: the file is empty: it takes a header and at least one row", src.name)
	}
	if what := binaryFormat(head); what != "" {
		return nil, fail(ErrText, "%s: is %s, not delimited text: save the table as CSV in UTF-8", src.name, what)
	}

	crlf := bytes.Contains(head, []byte("\r\n"))

	r := csv.NewReader(src.r)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	r.Comma = opt.Delimiter
	if r.Comma == 0 {
		r.Comma = detectDelimiter(head, src.name)
	}

	t := &Table{name: src.name, lines: []int{}}
	if src.size > 0 && src.packed == "" {
		t.text = make([]byte, 0, src.size)
	}
	headed := false
	line := 0
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, csvError(src, err, line)
		}
		if most := opt.MaxColumns; most > 0 && len(row) > most {
			return nil, fail(ErrLarge, "%s: has %d columns and %d are taken: leave some out", src.name, len(row), most)
		}
		line, _ = r.FieldPos(0)
		switch {
		case t.columns != nil:
		case hasHeader(row, opt.Header):
			if i := slices.IndexFunc(row, func(s string) bool { return !isText(s) }); i >= 0 {
				return nil, textError(t, row[i], line, fmt.Sprintf("column %d of the header", i+1))
			}
			if err := t.setColumns(row, line); err != nil {
				return nil, err
			}
			headed = true
			continue
		default:
			names := make([]string, len(row))
			for i := range names {
				names[i] = fmt.Sprintf("c%d", i)
			}
			t.setColumns(names, line)
		}
		if len(row) != len(t.columns) {
			return nil, raggedError(t, len(row), line, headed)
		}
		if col := t.appendRow(row); col >= 0 {
			line, _ := r.FieldPos(col)
			return nil, textError(t, row[col], line, "column "+quote(t.columns[col]))
		}
		if uint64(len(t.text)-t.base[t.rows-1]) > math.MaxUint32 {
			return nil, fail(ErrText, "%s:%d: the row is longer than 4 GB: check the quotes around it", t.name, line)
		}
		t.lines = append(t.lines, line)
	}
	t.format = textFormat(r.Comma, headed, marked, crlf, src.packed)
	if t.rows == 0 {
		return nil, fail(ErrEmpty, "%s: the file has a header and no rows: it takes at least one row", t.name)
	}
	return t, nil
}

// textFormat says how a text was read.
func textFormat(delimiter rune, headed, marked, crlf bool, packed string) []string {
	format := []string{fmt.Sprintf("delimiter %q", delimiter)}
	if word, ok := map[rune]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}[delimiter]; ok {
		format[0] = word
	}
	if !headed {
		format = append(format, "no header")
	}
	if marked {
		format = append(format, "byte-order mark")
	}
	if crlf {
		format = append(format, "CRLF")
	}
	if packed != "" {
		format = append(format, packed)
	}
	return format
}

// hasHeader tells whether the first row names the columns: when asked, it does so unless
// one of its cells is a number.
func hasHeader(row []string, option string) bool {
	switch option {
	case "yes":
		return true
	case "no":
		return false
	}
	return !slices.ContainsFunc(row, func(cell string) bool {
		_, c := parseCell(cell)
		return c == number
	})
}

// detectDelimiter chooses among , ; tab and |. It takes the one that stands equally often
// (and at all) on the most of the first lines; among equals the one that stands there
// most often, then the first in that order. Quoted text is passed over.
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
	for _, c := range head {
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
		}
	}
	lines := max(line, 1) // the last line may be cut short, so it counts only where it is the first
	best, bestLines := 0, 0
	for i := range delimiters {
		first, agreeing := counts[0][i], 0
		for _, count := range counts[:lines] {
			if first > 0 && count[i] == first {
				agreeing++
			}
		}
		if agreeing > bestLines || agreeing == bestLines && first > counts[0][best] {
			best, bestLines = i, agreeing
		}
	}
	return rune(delimiters[best])
}

// binaryFormat names the format of a file that is known not to be text.
func binaryFormat(head []byte) string {
	for _, f := range []struct{ magic, name string }{
		{"PK\x03\x04", "a zip archive or a spreadsheet"},
		{"PAR1", "a Parquet file"},
		{"ARROW1", "an Arrow file"},
		{"\x93NUMPY", "a NumPy array"},
		{"\x89HDF", "an HDF5 file"},
		{"\xd0\xcf\x11\xe0", "an old spreadsheet"},
		{"BZh", "compressed with bzip2"},
		{"\xfd7zXZ", "compressed with xz"},
		{"\xff\xfe", "UTF-16 text"},
		{"\xfe\xff", "UTF-16 text"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.name
		}
	}
	return ""
}

// isText reports whether s is UTF-8 without a NUL byte.
func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// textError says what is wrong with a cell that is not text. The line is the one the cell
// starts on; the bad byte may stand on a later one.
func textError(t *Table, cell string, line int, where string) error {
	for i, c := range cell {
		switch {
		case c == '\n':
			line++
		case c == 0:
			return fail(ErrText, "%s:%d: %s holds a NUL byte: the file is not text, or is not in UTF-8", t.name, line, where)
		case c == utf8.RuneError && !strings.HasPrefix(cell[i:], "\ufffd"):
			return fail(ErrText, "%s:%d: %s holds the byte 0x%02x, which is not valid UTF-8: save the file in UTF-8", t.name, line, where, cell[i])
		}
	}
	return nil
}

func raggedError(t *Table, cells, line int, headed bool) error {
	expected := fmt.Sprintf("the header has %d", len(t.columns))
	if !headed {
		expected = fmt.Sprintf("the first row has %d", len(t.columns))
	}
	remedy := "quote cells that hold the delimiter"
	if cells < len(t.columns) {
		remedy = "leave a missing cell empty, but keep its delimiter"
	}
	return fail(ErrRagged, "%s:%d: row has %s, %s: %s", t.name, line, plural(cells, "cell"), expected, remedy)
}

// csvError is the sentence for an error of the CSV reader.
func csvError(src *source, err error, line int) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
		return src.readError(err, line)
	case parse.Err == csv.ErrBareQuote:
		return fail(ErrQuote, `%s:%d: there is a " inside a cell that does not start with one: write the cell as "..." with each " in it doubled`,
			src.name, parse.Line)
	}
	return fail(ErrQuote, `%s:%d: a cell starts with a " that is not closed, or not before the delimiter: close it, and double each " in it`,
		src.name, parse.StartLine)
}
