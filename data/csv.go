package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A beginning tells how far reading has come until the first rows are there, which of a slow source is
// long after its first bytes.
type beginning struct {
	r    io.Reader
	src  *source
	n    int64
	tell func(Progress) // nil: nothing is told
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.tell != nil && n > 0 {
		b.tell(Progress{Share: b.src.share(b.n), Bytes: b.n})
	}
	return n, err
}

// readCSV reads delimited text as RFC 4180 has it, with any of the usual delimiters, encodings
// and line ends. Lines that are empty are skipped.
func readCSV(src *source, opt ReadOptions) (*Table, error) {
	t := &Table{name: src.name}
	g := &grammar{name: src.name, most: opt.MaxColumns, words: &wordSet{}, comment: opt.Comment}
	begin := &beginning{r: src.r, src: src, tell: opt.Progress}
	c := &chunker{g: g, r: begin, line: 1}
	start := c.read(nil)
	if c.end != nil && c.end != io.EOF && len(start) == 0 {
		return nil, src.readError(c.end, 1)
	}
	if len(bytes.TrimSpace(start)) == 0 && c.end == io.EOF {
		return nil, fail(ErrEmpty, "%s: the file is empty: it takes a header and at least one row", src.name)
	}
	if what := binaryFormat(start); what != "" {
		return nil, fail(ErrText, "%s: is %s, not delimited text: save the table as CSV in UTF-8", src.name, what)
	}
	encoding, mark := findEncoding(start)
	if opt.Encoding != "" && opt.Encoding != "auto" {
		if mark == 0 || encoding != opt.Encoding {
			mark = 0
		}
		encoding = opt.Encoding
	} else if encoding == encodingLatin1 {
		line, word := firstForeign(start)
		t.note("bytes that are not UTF-8 are read as Latin-1 (Windows-1252), the first on line %d, %s; if that is wrong, name the --encoding or save the file in UTF-8", line, quote(word))
	}
	g.foreign = encoding != encodingUTF8
	marked := mark == 3
	// rewrite puts a rewriter in front of what was read and what follows.
	rewrite := func(how func(dst, src []byte, end bool) (out, rest []byte)) {
		c.r = &rewriter{r: io.MultiReader(bytes.NewReader(start), &resumed{c.r, c.end}), rewrite: how}
		c.end = nil
		start = c.read(nil)
		src.rewritten = true
	}
	switch first := start[0]; {
	case encoding == encodingUTF16:
		big := first == 0xfe || mark == 0 && first == 0
		start = start[mark:]
		rewrite(fromUTF16(big))
	case encoding == encodingLatin1 && (opt.Encoding == "" || opt.Encoding == "auto"):
		g.mixed = true
		rewrite(fromLatin1Alone)
	case encoding == encodingLatin1 || encoding == encodingWindows:
		rewrite(fromWindows1252)
	default:
		start = start[mark:]
	}
	ends := ""
	if bytes.IndexByte(start, '\n') < 0 && bytes.IndexByte(start, '\r') >= 0 {
		rewrite(fromCR)
		ends = "CR"
	} else if bytes.Contains(start[:min(len(start), peekSize)], []byte("\r\n")) {
		ends = "CRLF"
	}
	if opt.Skip > 0 {
		for range opt.Skip {
			at := bytes.IndexByte(start, '\n')
			if at < 0 {
				return nil, fail(ErrEmpty, "%s: holds no more than the %s that are skipped: skip fewer", src.name, plural(opt.Skip, "line"))
			}
			start = start[at+1:]
			c.line++
		}
	}
	delimiter := opt.Delimiter
	if sep, ok := bytes.CutPrefix(start, []byte("sep=")); ok && len(sep) > 1 && (sep[1] == '\n' || sep[1] == '\r') {
		if delimiter == 0 {
			delimiter = rune(sep[0])
		}
		start = start[bytes.IndexByte(start, '\n')+1:]
		c.line++
	}
	head := start[:min(len(start), peekSize)]
	for opt.Comment != "" && bytes.HasPrefix(head, []byte(opt.Comment)) && bytes.IndexByte(head, '\n') >= 0 {
		head = head[bytes.IndexByte(head, '\n')+1:]
	}
	if delimiter == 0 {
		delimiter = detectDelimiter(head, src.name)
	}
	blanks := delimiter == ' '
	if blanks {
		rewrite(fromBlanks())
		g.setDelimiter('\t')
	} else {
		g.setDelimiter(delimiter)
	}
	tabs := g.delimiter[0] == '\t' && !blanks
	if g.rawQuotes = tabs && opt.rawQuotes; tabs && !g.rawQuotes {
		g.findRawQuotes(start, c.end == io.EOF)
	}
	if g.rawQuotes {
		t.note(rawQuotesNote)
	}
	c.rest = start
	if marked && !src.rewritten {
		c.done = 3
	}

	rows, line, err := c.next(nil)
	if err == nil {
		rows, line, err = t.readHeader(g, opt, rows, line)
	}
	if err == nil {
		begin.tell = nil
		a := assembly{t: t, g: g, src: src, tell: opt.Progress, keepTotal: opt.KeepTotal, spill: opt.Spill}
		err = a.assemble(c, rows, line)
	}
	if err != nil && err == c.end {
		return nil, src.readError(err, max(1, c.line-1))
	}
	if err != nil {
		src.raw = tabs && !g.rawQuotes && errors.Is(err, ErrQuote)
		return nil, err
	}
	t.format = textFormat(delimiter, g.headed, marked, ends, src.packed)
	if encoding != encodingUTF8 {
		t.format = append(t.format, map[string]string{encodingUTF16: "UTF-16", encodingLatin1: "Latin-1", encodingWindows: "Windows-1252"}[encoding])
	}
	if t.rows == 0 {
		return nil, fail(ErrEmpty, "%s: the file has a header and no rows: it takes at least one row", t.name)
	}
	t.finish(g.words)
	return t, nil
}

// resumed goes on reading, or says how it ended.
type resumed struct {
	r   io.Reader
	end error
}

func (r *resumed) Read(p []byte) (int, error) {
	if r.end != nil {
		return 0, r.end
	}
	return r.r.Read(p)
}

// readHeader names the columns after the first row, or by number where that is one of the
// table's own. It returns what comes behind the header.
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
		why := ""
		if g.headed, why = g.findHeader(append([][]string{row}, rows[min(1, len(rows)):]...)); why != "" {
			t.note("%s", why)
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
			t.note("the rows have a cell more than the header, so their first cells, which all differ, are taken for names of the rows; if that is wrong, correct the header")
		}
		if named := len(row) - countBlank(row); 2*named < len(row) || named < len(row) && g.underTitle(rows[min(1, len(rows)):]) {
			t.title = fmt.Sprintf("line %d has names for %d of %d columns; if it is a title, say --skip-rows %d", at, named, len(row), at)
			t.note("%s", t.title)
		}
		names = t.number(names, at)
	} else {
		names = make([]string, len(row))
		for i := range names {
			names[i] = fmt.Sprintf("c%d", i)
		}
	}
	if err := t.setColumns(names, at); err != nil {
		return nil, line, err
	}
	g.columns = t.columns
	return text, line, nil
}

// countBlank returns how many of the cells hold nothing but blanks.
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

// number gives names that come twice a number, as pandas does, and says so.
func (t *Table) number(names []string, line int) []string {
	names = slices.Clone(names)
	taken := make(map[string]int) // its first column
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

// textFormat says how a text was read.
func textFormat(delimiter rune, headed, marked bool, ends, packed string) []string {
	format := []string{fmt.Sprintf("delimiter %q", delimiter)}
	if word, ok := map[rune]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars", ' ': "blanks"}[delimiter]; ok {
		format[0] = word
	}
	if !headed {
		format = append(format, "no header")
	}
	if marked {
		format = append(format, "byte-order mark")
	}
	if ends != "" {
		format = append(format, ends)
	}
	if packed != "" {
		format = append(format, packed)
	}
	return format
}

// binaryFormat names the format of a file that is known not to be text.
func binaryFormat(head []byte) string {
	for _, f := range []struct{ magic, name string }{
		{"PK\x03\x04", "a zip archive"},
		{"FEA1", "a Feather file of version 1"},
		{"\x89HDF", "an HDF5 file"},
		{"\xd0\xcf\x11\xe0", "an old spreadsheet"},
		{"BZh", "compressed with bzip2"},
		{"\xfd7zXZ", "compressed with xz"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.name
		}
	}
	return ""
}

// isText reports whether s is UTF-8 without a NUL byte.
func isText(s []byte) bool { return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0 }
