package excel

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

// changed returns a workbook with another text in one part. "" leaves the part out.
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

// sheet is a workbook with these rows.
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
			t.Errorf("%s is %d, want %d", code, got, want)
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
		"cut short":            {good[:len(good)-100], data.ReadOptions{}, data.ErrDamaged, "no whole zip archive"},
		"no workbook":          {changed(t, good, "xl/workbook.xml", ""), data.ReadOptions{}, data.ErrDamaged, "xl/workbook.xml is missing"},
		"half a sheet":         {changed(t, good, "xl/worksheets/sheet1.xml", "<worksheet><row><c"), data.ReadOptions{}, data.ErrDamaged, "no whole XML"},
		"no such sheet":        {good, data.ReadOptions{Sheet: "other"}, data.ErrColumn, `there is no sheet "other": the sheets are ["people"]`},
		"an empty sheet":       {sheetOf(t, ""), data.ReadOptions{}, data.ErrEmpty, "is empty"},
		"names alone":          {sheetOf(t, named), data.ReadOptions{}, data.ErrEmpty, "no others"},
		"a ragged row":         {sheetOf(t, named+`<row r="2"><c r="C2"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrRagged, "the cell C2 stands right of the last column"},
		"a text that is not":   {sheetOf(t, named+`<row r="2"><c r="A2" t="s"><v>99999</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "the cell A2 has a text that is not there"},
		"a number that is not": {sheetOf(t, named+`<row r="2"><c r="A2"><v>oops</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, `the cell A2 is to be a number and is "oops"`},
		"a far cell":           {sheetOf(t, `<row r="1"><c r="ZZZZ1"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "stands where none can"},
		"backwards":            {sheetOf(t, named+`<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>`), data.ReadOptions{}, data.ErrDamaged, "stands where none can"},
		"many columns":         {sheetOf(t, named), data.ReadOptions{MaxColumns: 1}, data.ErrLarge, "more than the 1 columns"},
		"a bomb":               {sheetOf(t, named+strings.Repeat(`<row><c><v>1</v></c></row>`, 1<<18)), data.ReadOptions{MaxBytes: 100000}, data.ErrLarge, "holds more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := written.Read(c.raw, c.opt)
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%v is no %v with %q", err, c.kind, c.want)
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
