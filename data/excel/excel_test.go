package excel

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// changed returns a workbook with the text of one part replaced. The text "" leaves the part out.
func changed(t testing.TB, raw []byte, part, text string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	out := zip.NewWriter(&buf)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(r)
		if f.Name == part {
			if all = []byte(text); text == "" {
				continue
			}
		}
		w, _ := out.Create(f.Name)
		w.Write(all)
	}
	out.Close()
	return buf.Bytes()
}

// sheetOf returns a workbook with these rows.
func sheetOf(t testing.TB, rows string) []byte {
	return changed(t, written.File(t, "pandas.xlsx"), "xl/worksheets/sheet1.xml", "<worksheet><sheetData>"+rows+"</sheetData></worksheet>")
}

const named = `<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r><rPh><t>x</t></rPh></is></c></row>`

func TestCells(t *testing.T) {
	table, err := written.Read(sheetOf(t, named+`<row r="5"><c r="A5"><v>1.5</v></c><c r="B5" t="b"><v>1</v></c></row><row r="6"/><row><c r="B7" t="e"><v>#N/A</v></c></row>`), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table.Columns(), " ") + table.Cell(0, 0) + table.Cell(0, 1) + table.Cell(1, 0) + table.Cell(1, 1); got != "a bc1.5true#N/A" || table.Rows() != 2 {
		t.Errorf(`got %v %v, want got = "a bc1.5true#N/A" and table.Rows() = 2`, got, table.Rows())
	}
	several, err := written.Read(written.File(t, "openpyxl.xlsx"), data.ReadOptions{Sheet: "people"})
	if err != nil {
		t.Fatal(err)
	}
	if several.Rows() != 60 {
		t.Errorf("several.Rows() = %v, want 60", several.Rows())
	}
	for code, want := range map[string]format{
		"General": isNumber, "0.00": isNumber, "0.00E+00": isNumber, `0.0" days"`: isNumber, "#,##0.00 [$EUR]": isNumber, "[Red]0": isNumber,
		"yyyy-mm-dd": isDate, "mm-dd-yy": isDate, "d. mmm yyyy h:mm": isDate, "h:mm:ss": isClock, "[h]:mm": isClock, "YYYY\\-MM\\-DD\\ HH:MM:SS": isDate,
	} {
		if got := formatOf(code); got != want {
			t.Errorf("the format %s is %d, want %d", code, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	good := written.File(t, "pandas.xlsx")
	for name, c := range map[string]struct {
		raw  []byte
		opt  data.ReadOptions
		kind error
		want string
	}{
		"cut short":            {good[:len(good)-100], data.ReadOptions{}, data.ErrDamaged, "not a whole zip archive"},
		"no workbook":          {changed(t, good, "xl/workbook.xml", ""), data.ReadOptions{}, data.ErrDamaged, "xl/workbook.xml is missing"},
		"half a sheet":         {changed(t, good, "xl/worksheets/sheet1.xml", "<worksheet><row><c"), data.ReadOptions{}, data.ErrDamaged, "not well-formed XML"},
		"no such sheet":        {good, data.ReadOptions{Sheet: "other"}, data.ErrColumn, `there is no sheet "other": the sheets are ["people"]`},
		"an empty sheet":       {sheetOf(t, ""), data.ReadOptions{}, data.ErrEmpty, "is empty"},
		"names alone":          {sheetOf(t, named), data.ReadOptions{}, data.ErrEmpty, "no others"},
		"a ragged row":         {sheetOf(t, named+`<row r="2"><c r="C2"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrRagged, "the cell C2 is to the right of the last column"},
		"a text that is not":   {sheetOf(t, named+`<row r="2"><c r="A2" t="s"><v>99999</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "the cell A2 refers to a text that does not exist"},
		"a number that is not": {sheetOf(t, named+`<row r="2"><c r="A2"><v>oops</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, `the cell A2 should be a number and is "oops"`},
		"a far cell":           {sheetOf(t, `<row r="1"><c r="ZZZZ1"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "is where no cell can be"},
		"backwards":            {sheetOf(t, named+`<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "is where no cell can be"},
		"many columns":         {sheetOf(t, named), data.ReadOptions{MaxColumns: 1}, data.ErrLarge, "more than the 1 columns"},
		"a bomb":               {sheetOf(t, named+strings.Repeat(`<row><c><v>1</v></c></row>`, 1<<18)), data.ReadOptions{MaxBytes: 100000}, data.ErrLarge, "holds more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := written.Read(c.raw, c.opt)
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
}

// FuzzSheet: no sheet makes the reader panic.
func FuzzSheet(f *testing.F) {
	f.Add(named + `<row r="5"><c r="A5" s="1"><v>45000.5</v></c><c r="B5" t="s"><v>1</v></c></row>`)
	f.Fuzz(func(t *testing.T, rows string) {
		if table, err := written.Read(sheetOf(t, rows), data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100}); err == nil {
			table.Fingerprint()
		}
	})
}

// rowsOf returns rows of a sheet as XML. Cells that parse as numbers are numbers, and the others are text. The text ""
// leaves a cell out.
func rowsOf(rows ...string) string {
	var b strings.Builder
	for i, r := range rows {
		fmt.Fprintf(&b, `<row r="%d">`, i+1)
		for j, c := range strings.Split(r, ",") {
			ref := fmt.Sprintf("%s%d", letters(j+1), i+1)
			if _, err := strconv.ParseFloat(c, 64); err == nil {
				fmt.Fprintf(&b, `<c r="%s"><v>%s</v></c>`, ref, c)
			} else if c != "" {
				fmt.Fprintf(&b, `<c r="%s" t="inlineStr"><is><t>%s</t></is></c>`, ref, c)
			}
		}
		b.WriteString("</row>")
	}
	return b.String()
}

// The row of names and the rows to leave out are found as in a text file. Notes say which rows they are.
func TestRowsAsInAText(t *testing.T) {
	long := slices.Repeat([]string{"1,2.5,x"}, 150)
	for name, c := range map[string]struct {
		rows      []string
		opt       data.ReadOptions
		columns   string
		n         int
		said, err string
	}{
		"names":                {rows: []string{"a,b", "1,2", "3,4"}, columns: "a b", n: 2},
		"no names":             {rows: []string{"5.1,3.5", "4.9,3", "4.7,3.2"}, columns: "c0 c1", n: 3},
		"no names and long":    {rows: long, columns: "c0 c1 c2", n: 150},
		"names and long":       {rows: append([]string{"a,b,c"}, long...), columns: "a b c", n: 150},
		"names said not to be": {rows: []string{"a,b", "1,2"}, opt: data.ReadOptions{Header: "no"}, columns: "c0 c1", n: 2},
		"numbers are names":    {rows: []string{"1,2", "1,2"}, opt: data.ReadOptions{Header: "yes"}, columns: "1 2", n: 1},
		"years are names":      {rows: []string{"name,2019,2020", "a,1.5,2", "b,2.5,3"}, columns: "name 2019 2020", n: 2, said: "the first line names the columns, though 2 of its cells are numbers"},
		"a title":              {rows: []string{"Sales", "a,b,c", "1,2,3"}, err: "the row 1 names 1 of 3 columns: if it is a title, say SkipRows 1"},
		"a title skipped":      {rows: []string{"Sales", "", "a,b,c", "1,2,3"}, opt: data.ReadOptions{SkipRows: 2}, columns: "a b c", n: 1},
		"remarks":              {rows: []string{"# Sales", "a,b", "1,2", "#3,4"}, opt: data.ReadOptions{Comment: "#"}, columns: "a b", n: 1},
		"a total":              {rows: []string{"a,b", "x,2", "y,3", "Total,5"}, columns: "a b", n: 2, said: `the last line, 4, starts with "Total": it is left out; if it is a row like the others, say KeepTotal true`},
		"a total kept":         {rows: []string{"a,b", "x,2", "y,3", "Total,5"}, opt: data.ReadOptions{KeepTotal: true}, columns: "a b", n: 3},
		"a total within":       {rows: []string{"a,b", "x,2", "Total,5", "y,3"}, columns: "a b", n: 3},
		"a wide row":           {rows: append(append([]string{"a,b,c"}, long...), "1,2,x,4"), err: "the cell D152 is to the right of the last column that the first row names"},
		"a wide row, no names": {rows: append(slices.Clone(long), "1,2,x,4"), err: "the cell D151 is to the right of the last column that the first rows have"},
	} {
		table, err := written.Read(sheetOf(t, rowsOf(c.rows...)), c.opt)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: the error is %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(table.Columns(), " "); got != c.columns || table.Rows() != c.n {
			t.Errorf("%s: got %d rows of %q, want %d of %q", name, table.Rows(), got, c.n, c.columns)
		}
		said := ""
		for _, n := range table.Notes() {
			said += n.String() + "\n"
		}
		if !strings.HasPrefix(said, c.said) || (c.said == "") != (said == "") {
			t.Errorf("%s: the notes are %q, want %q", name, said, c.said)
		}
	}
}
