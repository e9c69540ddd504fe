package data

import (
	"bytes"
	"fmt"
	"io"

	"github.com/gradus-ml/gradus/internal/plural"
)

// An opening is the beginning of a text. It determines how the text is encoded and divided. Its methods
// are called in the order in which they are defined; each may rewrite the text that is still to be read.
type opening struct {
	src *source
	opt ReadOptions
	t   *Table
	g   *grammar

	begun *beginning
	c     *chunker
	start []byte // text that was read before any row was taken

	encoding  string
	marked    bool   // the text begins with the byte-order mark of UTF-8
	ends      string // the lines end with: "CR" or "CRLF"; "": LF
	delimiter rune
	tabs      bool // the delimiter in the file is a tab
}

func newOpening(src *source, opt ReadOptions) *opening {
	o := &opening{src: src, opt: opt, t: &Table{name: src.name}, delimiter: opt.Delimiter}
	o.g = &grammar{name: src.name, most: opt.MaxColumns, comment: opt.Comment}
	o.begun = &beginning{r: src.r, src: src, tell: opt.Progress}
	o.c = &chunker{g: o.g, r: o.begun, line: 1}
	return o
}

// begin reads the first bytes, and refuses a file that is empty or not text.
func (o *opening) begin() error {
	o.start = o.c.read(nil)
	if o.c.end != nil && o.c.end != io.EOF && len(o.start) == 0 {
		return o.src.readError(o.c.end, 1)
	}
	if len(bytes.TrimSpace(o.start)) == 0 && o.c.end == io.EOF {
		return fail(ErrEmpty, "%s: the file is empty: it takes a header and at least one row", o.src.name)
	}
	if what := binaryFormat(o.start); what != "" {
		return fail(ErrText, "%s: is %s, not delimited text: save the table as CSV in UTF-8", o.src.name, what)
	}
	return nil
}

// rewrite puts a rewriter in front of the text read so far and the text to come.
func (o *opening) rewrite(how func(dst, src []byte, end bool) (out, rest []byte)) {
	o.c.r = &rewriter{r: io.MultiReader(bytes.NewReader(o.start), &resumed{o.c.r, o.c.end}), rewrite: how}
	o.c.end = nil
	o.start = o.c.read(nil)
	o.src.rewritten = true
}

// decode detects the encoding and has the text rewritten in UTF-8, without a byte-order mark.
func (o *opening) decode() {
	asked := o.opt.Encoding != "" && o.opt.Encoding != "auto"
	encoding, mark := findEncoding(o.start)
	if asked {
		if mark == 0 || encoding != o.opt.Encoding {
			mark = 0
		}
		encoding = o.opt.Encoding
	} else if encoding == encodingLatin1 {
		line, word := firstForeign(o.start)
		o.t.notes = append(o.t.notes, noteOf(fmt.Sprintf("bytes that are not UTF-8 are read as Latin-1 (Windows-1252), the first on line %d, %s; if that is wrong, name the ", line, quote(word)),
			named("Encoding"), " or save the file in UTF-8"))
	}
	o.encoding, o.marked = encoding, mark == 3
	o.g.foreign = encoding != encodingUTF8
	switch first := o.start[0]; {
	case encoding == encodingUTF16:
		big := first == 0xfe || mark == 0 && first == 0
		o.start = o.start[mark:]
		o.rewrite(fromUTF16(big))
	case encoding == encodingLatin1 && !asked:
		o.g.mixed = true
		o.rewrite(fromLatin1Alone)
	case encoding == encodingLatin1 || encoding == encodingWindows:
		o.rewrite(fromWindows1252)
	default:
		o.start = o.start[mark:]
	}
}

// endLines detects the line ends, and has single carriage returns rewritten.
func (o *opening) endLines() {
	if bytes.IndexByte(o.start, '\n') < 0 && bytes.IndexByte(o.start, '\r') >= 0 {
		o.rewrite(fromCR)
		o.ends = "CR"
	} else if bytes.Contains(o.start[:min(len(o.start), peekSize)], []byte("\r\n")) {
		o.ends = "CRLF"
	}
}

// skip skips lines at the beginning.
func (o *opening) skip(lines int) error {
	for range lines {
		at := bytes.IndexByte(o.start, '\n')
		if at < 0 {
			return fail(ErrEmpty, "%s: holds no more than the %s that are skipped: skip fewer", o.src.name, plural.Of(lines, "line"))
		}
		o.start = o.start[at+1:]
		o.c.line++
	}
	return nil
}

// divide detects the delimiter and what quotes mean.
func (o *opening) divide() {
	if sep, ok := bytes.CutPrefix(o.start, []byte("sep=")); ok && len(sep) > 1 && (sep[1] == '\n' || sep[1] == '\r') {
		if o.delimiter == 0 {
			o.delimiter = rune(sep[0])
		}
		o.start = o.start[bytes.IndexByte(o.start, '\n')+1:]
		o.c.line++
	}
	if o.delimiter == 0 {
		head := o.start[:min(len(o.start), peekSize)]
		for o.opt.Comment != "" && bytes.HasPrefix(head, []byte(o.opt.Comment)) && bytes.IndexByte(head, '\n') >= 0 {
			head = head[bytes.IndexByte(head, '\n')+1:]
		}
		o.delimiter = detectDelimiter(head, o.src.name)
	}
	g := o.g
	if o.delimiter == ' ' {
		o.rewrite(fromBlanks())
		g.setDelimiter('\t')
	} else {
		g.setDelimiter(o.delimiter)
		o.tabs = o.delimiter == '\t'
	}
	if g.rawQuotes = o.tabs && o.opt.rawQuotes; o.tabs && !g.rawQuotes {
		g.findRawQuotes(o.start, o.c.end == io.EOF)
	}
	if g.rawQuotes {
		o.t.note(rawQuotesNote)
	}
	o.c.rest = o.start
	if o.marked && !o.src.rewritten {
		o.c.done = 3
	}
}

// format says how the text was read.
func (o *opening) format() []string {
	format := []string{fmt.Sprintf("delimiter %q", o.delimiter)}
	if word, ok := map[rune]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars", ' ': "blanks"}[o.delimiter]; ok {
		format[0] = word
	}
	if !o.g.headed {
		format = append(format, "no header")
	}
	if o.marked {
		format = append(format, "byte-order mark")
	}
	if o.ends != "" {
		format = append(format, o.ends)
	}
	if o.src.packed != "" {
		format = append(format, o.src.packed)
	}
	if o.encoding != encodingUTF8 {
		format = append(format, map[string]string{encodingUTF16: "UTF-16", encodingLatin1: "Latin-1", encodingWindows: "Windows-1252"}[o.encoding])
	}
	return format
}

// A beginning reports progress until the first rows are there. In a slow source they can come long
// after the first bytes.
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

// resumed continues reading, or returns the error that ended it.
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

// binaryFormat names a file format that is known not to be text, or returns "".
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
