// Package excel lets package data read Excel spreadsheets (.xlsx). Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/excel"
//
// The first row that is not empty names the columns, if it looks like a header. A last row that starts with Total is left out.
// The options Header, SkipRows, Comment and KeepTotal of ReadOptions apply as in a text. Cells are read as they are stored:
// numbers with all their digits, booleans, texts, and dates where the cell's format is a date format. For a formula, the value
// that was last computed is read. Rows are read one by one, so a sheet takes little more memory than its table, and a table that does not
// fit goes to the disk. Only the texts that cells share stay in memory.
package excel

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
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
	grows    bool     // the rows of the sheet are read, and the table checks the free memory itself
}

// A format says how a cell shows its number.
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
		return nil, b.damaged("it is not a whole zip archive")
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
	b.grows = true
	if err := b.parse(target, s.element); err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	if s.table == nil {
		return nil, f.Fail(data.ErrEmpty, "the sheet %q is empty: it takes a row of names and at least one more", sheetName(opt.Sheet, names))
	}
	if s.rows() == 0 {
		return nil, f.Fail(data.ErrEmpty, "the sheet %q has a row of names and no others: it takes at least one", sheetName(opt.Sheet, names))
	}
	t, err := s.table.Table()
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

// sheetName returns the requested name, or else the name of the first sheet.
func sheetName(asked string, names []string) string {
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

// metered counts the unpacked bytes, and checks the free memory as they come.
type metered struct {
	r io.Reader
	b *book
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	before := m.b.inflated
	m.b.inflated += int64(n)
	if m.b.most > 0 && m.b.inflated > m.b.most {
		return n, m.b.f.Fail(data.ErrLarge, "holds more than the %d bytes that are allowed, after decompression: use a part of it", m.b.most)
	}
	if before>>20 != m.b.inflated>>20 && !m.b.grows {
		if e := m.b.f.Need(m.b.inflated / 4); e != nil { // estimate of the texts' size, from the size of their XML
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
		case errors.Is(err, data.ErrLarge), errors.Is(err, data.ErrRagged), errors.Is(err, data.ErrFormat), errors.Is(err, data.ErrDamaged), errors.Is(err, data.ErrSpill), errors.Is(err, data.ErrText):
			return err
		default:
			return b.damaged(name + " is not well-formed XML")
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
	name := sheetName(asked, names)
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

// text collects the texts within an element, without their pronunciation (rPh).
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
