package excel

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// A sheet is a sheet being read.
type sheet struct {
	*book
	opt    data.ReadOptions
	table  *data.Growing // nil until the columns have names
	headed bool          // a row names the columns
	top    []row         // the first rows, until the columns have names
	now    row           // the row being read
	before row           // the row before, which is the last unless another follows
	number int           // of the row being read, as the sheet counts
	at     int           // the column of the previous cell, starting at 1
	notes  []data.Note
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
	if s.table == nil {
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
		return s.f.Fail(data.ErrLarge, "has more than the %d columns that are allowed: leave some out", most)
	}
	if len(names) < width && 2*len(first.cells) <= width {
		return s.f.FailNote(data.ErrRagged, data.Note{
			{Words: fmt.Sprintf("the row %d names %d of %d columns: if it is a title, say ", first.number, len(first.cells), width)},
			{Option: "SkipRows", Value: strconv.Itoa(first.number)}, {Words: ", or else give each column a name"}})
	}
	s.table = data.NewGrowing(s.f, s.opt)
	for _, name := range names {
		s.table.Columns = append(s.table.Columns, data.NewSeries(name))
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
	if s.table == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if !s.opt.KeepTotal && s.rows() > 0 {
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
	if err := s.table.EndRow(); err != nil {
		return err
	}
	if s.opt.Progress != nil && s.rows()%10000 == 0 {
		s.opt.Progress(data.Progress{Bytes: s.inflated, Rows: s.rows()})
	}
	return nil
}

// rows returns the number of rows in the table so far.
func (s *sheet) rows() int {
	if s.table == nil {
		return 0
	}
	return s.table.Rows()
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
			return s.damaged(fmt.Sprintf("the cell %.10q is where no cell can be", ref))
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
			return s.damaged(fmt.Sprintf("the cell %s%d refers to a text that does not exist", letters(s.at), s.number))
		}
		value = s.shared[i]
	}
	if !has || strings.TrimSpace(value) == "" {
		return nil
	}
	if n := len(s.now.cells); n > 0 && s.now.cells[n-1].column == s.at {
		return s.damaged(fmt.Sprintf("the cell %s%d appears twice", letters(s.at), s.number))
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
	if cell.column > len(s.table.Columns) {
		which := "first rows have"
		if s.headed {
			which = "first row names"
		}
		return s.f.Fail(data.ErrRagged, "the cell %s%d is to the right of the last column that the %s: give it a name, or clear the cell", letters(cell.column), row, which)
	}
	c := s.table.Columns[cell.column-1]
	kind, value := cell.kind, cell.value
	switch kind {
	case "b":
		c.Bool(value == "1" || value == "true")
	case "", "n":
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return s.damaged(fmt.Sprintf("the cell %s%d should be a number and is %.20q", letters(cell.column), row, value))
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
		c.Clock(int64(seconds))
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
