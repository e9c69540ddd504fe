// Package excel lets package data read Excel spreadsheets (.xlsx). Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/excel"
//
// The first row that is not empty names the columns, if it looks like it: as in a text, ReadOptions.Header, SkipRows,
// Comment and KeepTotal say what is so, and a last row that starts with Total is left out. Cells are read as they are stored: numbers with all their
// digits, booleans, texts, and dates where the cell's format is a date format. For a formula, the value that
// was last computed is read. Rows are read one by one, so a sheet takes little more memory than its table.
package excel

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

func init() {
	data.Register(data.Format{
		Name: "a spreadsheet", Package: "excel", Read: read, Rows: true,
		Detect: func(head []byte, name string) bool {
			return bytes.HasPrefix(head, []byte("PK\x03\x04")) &&
				(strings.HasSuffix(name, ".xlsx") || strings.HasSuffix(name, ".xlsm") || bytes.Contains(head, []byte("[Content_Types].xml")) || bytes.Contains(head, []byte("docProps/")) || bytes.Contains(head, []byte("xl/w")))
		},
	})
}

// A book is an open workbook.
type book struct {
	f        *data.File
	archive  *zip.Reader
	inflated int64 // bytes unpacked from all parts
	most     int64 // limit for inflated; 0: none
	shared   []string
	dates    []format // of each style
	since    int64    // seconds since 1970 at the serial number 0
}

// A format is how a cell's format displays its number.
type format uint8

const (
	isNumber format = iota
	isDate
	isClock // only a time of day
)

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	r, size, err := f.Bytes()
	if err != nil {
		return nil, err
	}
	b := &book{f: f, most: opt.MaxBytes}
	if b.archive, err = zip.NewReader(r, size); err != nil {
		return nil, b.damaged("it is no whole zip archive")
	}
	names, target, err := b.sheets(opt.Sheet)
	if err != nil {
		return nil, err
	}
	if err := b.readStyles(); err != nil {
		return nil, err
	}
	if err := b.readShared(); err != nil {
		return nil, err
	}
	s := &sheet{book: b, opt: opt}
	if err := b.parse(target, s.element); err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	if s.columns == nil {
		return nil, f.Fail(data.ErrEmpty, "the sheet %q is empty: it takes a row of names and at least one more", cmpName(opt.Sheet, names))
	}
	for _, c := range s.columns {
		for c.Len() < s.n {
			c.Null()
		}
	}
	if s.n == 0 {
		return nil, f.Fail(data.ErrEmpty, "the sheet %q has a row of names and no others: it takes at least one", cmpName(opt.Sheet, names))
	}
	t, err := data.TableOf(f.Name, s.columns...)
	if err != nil {
		return nil, err
	}
	for _, n := range s.notes {
		t.AddNote(n)
	}
	if opt.Sheet == "" && len(names) > 1 {
		t.AddNote(data.Note{{Words: fmt.Sprintf("of %d sheets the first is read, %q; another is read with, for example, ", len(names), names[0])}, {Option: "Sheet", Value: names[1]}})
	}
	return t.Formatted("Excel"), nil
}

func cmpName(asked string, names []string) string {
	if asked != "" {
		return asked
	}
	return names[0]
}

func (b *book) damaged(what string) error {
	return b.f.Fail(data.ErrDamaged, "the spreadsheet is cut short or damaged (%s): save it again", what)
}

// errStop ends the parsing of a part.
var errStop = errors.New("enough")

// metered counts the unpacked bytes, and checks the memory on the way.
type metered struct {
	r io.Reader
	b *book
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	before := m.b.inflated
	m.b.inflated += int64(n)
	if m.b.most > 0 && m.b.inflated > m.b.most {
		return n, m.b.f.Fail(data.ErrLarge, "holds more than the %d bytes that are taken, decompressed: use a part of it", m.b.most)
	}
	if before>>20 != m.b.inflated>>20 {
		if e := m.b.f.Need(m.b.inflated / 4); e != nil { // estimate of the table's size, from the size of its XML
			return n, e
		}
	}
	return n, err
}

// parse reads a part of the archive and calls f with its elements.
func (b *book) parse(name string, f func(d *xml.Decoder, e xml.StartElement) error) error {
	i := slices.IndexFunc(b.archive.File, func(z *zip.File) bool { return strings.EqualFold(z.Name, name) })
	if i < 0 {
		return b.damaged(name + " is missing")
	}
	z, err := b.archive.File[i].Open()
	if err != nil {
		return b.damaged(name + " cannot be unpacked")
	}
	defer z.Close()
	d := xml.NewDecoder(metered{z, b})
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			if e, ok := t.(xml.StartElement); ok {
				err = f(d, e)
			}
		}
		switch {
		case err == nil:
		case err == errStop:
			return nil
		case errors.Is(err, data.ErrLarge), errors.Is(err, data.ErrRagged), errors.Is(err, data.ErrFormat), errors.Is(err, data.ErrDamaged):
			return err
		default:
			return b.damaged(name + " is no whole XML")
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// sheets lists the sheets, and finds the file of the requested one.
func (b *book) sheets(asked string) (names []string, target string, err error) {
	ids := map[string]string{}
	b.since = -25569 * 86400
	err = b.parse("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attr(e, "date1904"); v == "1" || v == "true" {
				b.since += 1462 * 86400
			}
		case "sheet":
			name := attr(e, "name")
			names = append(names, name)
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" {
					ids[name] = a.Value
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if len(names) == 0 {
		return nil, "", b.damaged("it has no sheet")
	}
	name := cmpName(asked, names)
	if !slices.Contains(names, name) {
		return nil, "", b.f.Fail(data.ErrColumn, "there is no sheet %q: the sheets are %q", name, names[:min(len(names), 20)])
	}
	err = b.parse("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == ids[name] {
			if target = attr(e, "Target"); strings.HasPrefix(target, "/") {
				target = target[1:]
			} else {
				target = path.Join("xl", target)
			}
		}
		return nil
	})
	if err == nil && target == "" {
		err = b.damaged("the sheet's part is not named")
	}
	return names, target, err
}

// has reports whether the archive has a part.
func (b *book) has(name string) bool {
	return slices.ContainsFunc(b.archive.File, func(z *zip.File) bool { return strings.EqualFold(z.Name, name) })
}

// readStyles finds which styles show numbers as dates.
func (b *book) readStyles() error {
	if !b.has("xl/styles.xml") {
		return nil
	}
	codes := map[int]format{}
	inCells := false
	return b.parse("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		id, _ := strconv.Atoi(attr(e, "numFmtId"))
		switch e.Name.Local {
		case "numFmt":
			codes[id] = formatOf(attr(e, "formatCode"))
		case "cellXfs":
			inCells = true
		case "cellStyles", "dxfs":
			inCells = false
		case "xf":
			if !inCells || len(b.dates) > 1<<16 {
				return nil
			}
			kind, own := codes[id]
			switch {
			case own:
			case id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 58:
				kind = isDate
			case id >= 18 && id <= 21 || id >= 32 && id <= 35 || id >= 45 && id <= 47:
				kind = isClock
			}
			b.dates = append(b.dates, kind)
		}
		return nil
	})
}

// formatOf returns what a format such as yyyy-mm-dd displays.
func formatOf(code string) format {
	day, clock := false, false
	code, _, _ = strings.Cut(code, ";")
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '"':
			for i++; i < len(code) && code[i] != '"'; i++ {
			}
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case code[i] == '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return isNumber
			}
			if strings.Trim(strings.ToLower(code[i+1:i+end]), "hms") == "" { // a duration, which can be longer than a day
				clock = true
			}
			i += end
		case c == 'y' || c == 'd':
			day = true
		case c == 'h' || c == 's':
			clock = true
		case c == 'g' && strings.HasPrefix(strings.ToLower(code[i:]), "general"):
			i += len("general") - 1
		case c == 'e' && i+1 < len(code) && (code[i+1] == '+' || code[i+1] == '-'): // 1E+05
			return isNumber
		}
	}
	switch {
	case day:
		return isDate
	case clock:
		return isClock
	}
	return isNumber
}

// text collects the texts within an element, without its pronunciation.
func text(d *xml.Decoder, until string) (string, error) {
	var out strings.Builder
	in, silent := "", 0
	for {
		t, err := d.RawToken()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if in = t.Name.Local; in == "rPh" {
				silent++
			}
		case xml.EndElement:
			if in = ""; t.Name.Local == until {
				return out.String(), nil
			}
			if t.Name.Local == "rPh" {
				silent--
			}
		case xml.CharData:
			if in == "t" && silent == 0 {
				out.Write(t)
			}
		}
	}
}

func (b *book) readShared() error {
	if !b.has("xl/sharedStrings.xml") {
		return nil
	}
	return b.parse("xl/sharedStrings.xml", func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		s, err := text(d, "si")
		b.shared = append(b.shared, s)
		return err
	})
}

// A sheet is a sheet being read.
type sheet struct {
	*book
	opt     data.ReadOptions
	columns []*data.Series // nil until the columns have names
	headed  bool           // a row names the columns
	top     []row          // the first rows, until the columns have names
	now     row            // the row being read
	before  row            // the row before, which is the last unless another follows
	number  int            // of the row being read, as the sheet counts
	at      int            // the column of the previous cell, starting at 1
	n       int            // rows in the columns
	notes   []data.Note
}

// A row is a row of the sheet that is not empty.
type row struct {
	number int // as the sheet counts
	cells  []cell
}

// A cell is a cell with a value, as it is in the file.
type cell struct {
	column             int // starting at 1
	kind, value, style string
}

// texts returns the row's values, with "" where there is none.
func (r row) texts() []string {
	if len(r.cells) == 0 {
		return nil
	}
	all := make([]string, r.cells[len(r.cells)-1].column)
	for _, c := range r.cells {
		all[c.column-1] = c.value
	}
	return all
}

// mostTop is the number of rows that are looked at to find out whether the first one names the columns.
const mostTop = 100

func (s *sheet) element(d *xml.Decoder, e xml.StartElement) error {
	switch e.Name.Local {
	case "row":
		if err := s.endRow(); err != nil {
			return err
		}
		s.number++
		if r, err := strconv.Atoi(attr(e, "r")); err == nil {
			s.number = r
		}
		s.at = 0
	case "c":
		return s.cell(d, e)
	case "mergeCells", "pageMargins", "conditionalFormatting", "extLst":
		return errStop
	}
	return nil
}

// endRow takes the row that was read, unless it is empty, one to skip or a comment.
func (s *sheet) endRow() error {
	r := s.now
	if len(r.cells) == 0 {
		return nil
	}
	r.number = s.number
	if r.number <= s.opt.SkipRows || s.opt.Comment != "" && strings.HasPrefix(r.cells[0].value, s.opt.Comment) {
		s.now.cells = r.cells[:0]
		return nil
	}
	if s.columns == nil {
		s.now = row{}
		if s.top = append(s.top, r); len(s.top) < mostTop {
			return nil
		}
		return s.begin()
	}
	s.now.cells = s.before.cells[:0]
	before := s.before
	s.before = r
	return s.put(before)
}

// begin names the columns by the first row or by numbers, and puts the rows below into them, except the last.
func (s *sheet) begin() error {
	if len(s.top) == 0 {
		return nil
	}
	first, texts, width := s.top[0], make([][]string, len(s.top)), 0
	for i, r := range s.top {
		texts[i] = r.texts()
		width = max(width, len(texts[i]))
	}
	var why data.Note
	if s.headed, why = data.Headed(s.opt, texts); why != nil {
		s.notes = append(s.notes, why)
	}
	names := texts[0]
	if s.headed {
		s.top = s.top[1:]
	} else {
		names = data.NumberedColumns(width)
	}
	if most := s.opt.MaxColumns; most > 0 && len(names) > most {
		return s.f.Fail(data.ErrLarge, "has more than the %d columns that are taken: leave some out", most)
	}
	if len(names) < width && 2*len(first.cells) <= width {
		return s.f.FailNote(data.ErrRagged, data.Note{
			{Words: fmt.Sprintf("the row %d names %d of %d columns: if it is a title, say ", first.number, len(first.cells), width)},
			{Option: "SkipRows", Value: strconv.Itoa(first.number)}, {Words: ", or else give each column a name"}})
	}
	for _, name := range names {
		s.columns = append(s.columns, data.NewSeries(name))
	}
	for _, r := range s.top {
		if err := s.put(s.before); err != nil {
			return err
		}
		s.before = r
	}
	s.top = nil
	return nil
}

// end takes the last row, unless it is a totals row.
func (s *sheet) end() error {
	if err := s.endRow(); err != nil {
		return err
	}
	if s.columns == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if !s.opt.KeepTotal && s.n > 0 {
		if left := data.TotalNote(s.before.number, s.before.texts()); left != nil {
			s.notes = append(s.notes, left)
			return nil
		}
	}
	return s.put(s.before)
}

// put appends a row to the columns.
func (s *sheet) put(r row) error {
	if len(r.cells) == 0 {
		return nil
	}
	for _, c := range r.cells {
		if err := s.putCell(r.number, c); err != nil {
			return err
		}
	}
	s.n++
	for _, c := range s.columns {
		if c.Len() < s.n {
			c.Null()
		}
	}
	if s.opt.Progress != nil && s.n%10000 == 0 {
		s.opt.Progress(data.Progress{Bytes: s.inflated, Rows: s.n})
	}
	return nil
}

// columnOf returns the number, starting at 1, of a cell's column in a reference such as
// BC12, or 0 if there is none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && n < 1<<20; i++ {
		n = 26*n + int(ref[i]-'A') + 1
	}
	return n
}

// mostColumns is the largest number of columns in an Excel sheet.
const mostColumns = 1 << 14

func (s *sheet) cell(d *xml.Decoder, e xml.StartElement) error {
	s.at++
	ref := attr(e, "r")
	if n := columnOf(ref); n > 0 {
		if n < s.at || n > mostColumns {
			return s.damaged(fmt.Sprintf("the cell %.10q stands where none can", ref))
		}
		s.at = n
	}
	kind := attr(e, "t")
	value, has, err := content(d, kind)
	if err != nil {
		return err
	}
	if kind == "s" && has {
		i, err := strconv.Atoi(value)
		if err != nil || i < 0 || i >= len(s.shared) {
			return s.damaged(fmt.Sprintf("the cell %s%d has a text that is not there", letters(s.at), s.number))
		}
		value = s.shared[i]
	}
	if !has || strings.TrimSpace(value) == "" {
		return nil
	}
	if n := len(s.now.cells); n > 0 && s.now.cells[n-1].column == s.at {
		return s.damaged(fmt.Sprintf("the cell %s%d comes twice", letters(s.at), s.number))
	}
	s.now.cells = append(s.now.cells, cell{s.at, kind, value, attr(e, "s")})
	return nil
}

// content reads a cell to its end, and returns the text of its value as it is in the file. has reports
// whether there is a value.
func content(d *xml.Decoder, kind string) (value string, has bool, err error) {
	for {
		t, err := d.RawToken()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", false, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				if value, err = characters(d); err != nil {
					return "", false, err
				}
				if has = true; kind != "str" {
					value = strings.TrimSpace(value)
				}
			case "is":
				if value, err = text(d, "is"); err != nil {
					return "", false, err
				}
				has = true
			}
		case xml.EndElement:
			if t.Name.Local == "c" {
				return value, has, nil
			}
		}
	}
}

// characters reads text up to the next token of another kind, and skips that token.
func characters(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for {
		t, err := d.RawToken()
		if err != nil {
			return "", io.ErrUnexpectedEOF
		}
		c, ok := t.(xml.CharData)
		if !ok {
			return b.String(), nil
		}
		b.Write(c)
	}
}

// putCell appends a cell's value to its column.
func (s *sheet) putCell(row int, cell cell) error {
	if cell.column > len(s.columns) {
		which := "first rows have"
		if s.headed {
			which = "first row names"
		}
		return s.f.Fail(data.ErrRagged, "the cell %s%d stands right of the last column that the %s: give it a name, or clear the cell", letters(cell.column), row, which)
	}
	c := s.columns[cell.column-1]
	kind, value := cell.kind, cell.value
	switch kind {
	case "b":
		c.Bool(value == "1" || value == "true")
	case "", "n":
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return s.damaged(fmt.Sprintf("the cell %s%d is to be a number and is %.20q", letters(cell.column), row, value))
		}
		s.putNumber(c, x, cell.style)
	default: // texts, errors such as #N/A, and dates in ISO 8601
		c.Text(value)
	}
	return nil
}

// putNumber appends a number in the form its style displays.
func (s *sheet) putNumber(c *data.Series, x float64, style string) {
	kind := isNumber
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.dates) {
		kind = s.dates[i]
	}
	seconds := math.Round(x * 86400)
	switch {
	case kind == isNumber || math.Abs(x) > 1e7:
		c.Float(x)
	case kind == isClock && x >= 0 && x < 1:
		t := int(seconds)
		c.Text(fmt.Sprintf("%02d:%02d:%02d", t/3600, t/60%60, t%60))
	default:
		if x < 60 && s.since < -25000*86400 { // Excel has a February 29, 1900
			seconds += 86400
		}
		c.Seconds(int64(seconds) + s.since)
	}
}

// letters returns the name of column n in letters.
func letters(n int) string {
	var b []byte
	for ; n > 0; n = (n - 1) / 26 {
		b = append(b, byte('A'+(n-1)%26))
	}
	slices.Reverse(b)
	return string(b)
}
