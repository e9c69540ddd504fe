package data

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrittenByOthers: tables that pandas, LibreOffice, R and PostgreSQL wrote (testdata/real/make.sh)
// are read correctly. A note says what is not obvious.
func TestWrittenByOthers(t *testing.T) {
	for _, c := range []struct {
		file, format string
		rows         int
		columns      string // kind and missing cells of each input
		target       string
		said         []string
		missing      []string // words for missing
	}{
		{
			file: "pandas.csv", format: "commas", rows: 108, columns: "when date 0, load number 7, site category 0, flag boolean 0", target: "regression cost number",
			said: []string{
				"c0: an index: a first column without a name, of whole numbers that are all different, from 0 to 119; Types c0=number keeps it",
				"note: all cells are missing",
				`when: 108 cells read as a date, "2020-04-09 01:30:00+02:00" as 2020-04-08 23:30:00; if that is wrong, say Types when=category`,
			},
		},
		{
			file: "calc.csv", format: "semicolons, CRLF, Latin-1", rows: 60, columns: "Datum date 0, Größe number 5, Anteil number 0, Preis number 2, Straße category 0, Note number 0", target: "binary Käufer category",
			said: []string{
				`Größe: "#N/A" in 5 cells taken for missing; 55 cells read as a number, "2.522,31" as 2522.31; if that is wrong, say Types Größe=category`,
				`Anteil: 60 cells read as a number, "96%" as 96; if that is wrong, say Types Anteil=category`,
				`Preis: "#DIV/0!" in 2 cells taken for missing; 58 cells read as a number, "888,31 €" as 888.31; if that is wrong, say Types Preis=category`,
				`bytes that are not UTF-8 are read as Latin-1 (Windows-1252), the first on line 2, "Größe"; if that is wrong, name the Encoding or save the file in UTF-8`,
				`the last line, 63, starts with "Total": it is left out; if it is a row like the others, say KeepTotal true`,
			},
		},
		{
			file: "r.csv", format: "semicolons", rows: 60, columns: "when date 0, size number 2, weight number 0, kind category 23, ok boolean 0", target: "regression price number",
			said: []string{
				"c0: an index: a first column without a name, of whole numbers that are all different, from 1224 to 9971; Types c0=number keeps it",
				`size: 58 cells read as a number, "8,93" as 8.93; if that is wrong, say Types size=category`,
				`weight: 55 cells read as a number, "667,5" as 667.5; if that is wrong, say Types weight=category`,
				`kind: "NA" in 23 cells taken for missing; if that is a value like others, say Missing none`,
				`price: 60 cells read as a number, "146,79" as 146.79; if that is wrong, say Types price=category`,
			},
		},
		{
			file: "copy.csv", format: "commas", rows: 120, columns: "at date 0, stay date 0, ward category 0, fee number 10, insured boolean 6, remark category 80", target: "binary again boolean",
			said: []string{
				"id: an id: whole numbers that are all different and too long to be told apart as numbers, such as 9007199254740991; Types id=number keeps it",
				`at: 120 cells read as a date, "2022-03-27 04:13:00+00" as 2022-03-27 04:13:00; if that is wrong, say Types at=category`,
				`stay: 120 cells read as a date, "04:56:00" as 1970-01-01 04:56:00; if that is wrong, say Types stay=category`,
			},
		},
		{
			file: "copy.txt", format: "tabs", rows: 120, columns: "at date 0, stay date 0, ward category 0, fee number 10, insured boolean 6, remark category 80", target: "binary again boolean",
			said: []string{
				"id: an id: whole numbers that are all different and too long to be told apart as numbers, such as 9007199254740991; Types id=number keeps it",
				`at: 120 cells read as a date, "2022-03-27 04:13:00+00" as 2022-03-27 04:13:00; if that is wrong, say Types at=category`,
				`stay: 120 cells read as a date, "04:56:00" as 1970-01-01 04:56:00; if that is wrong, say Types stay=category`,
				`fee: "\N" in 10 cells taken for missing; if it is a word like others, say Missing NA`,
				`insured: "\N" in 6 cells taken for missing; if it is a word like others, say Missing NA`,
				`remark: "\N" in 40 cells taken for missing; if it is a word like others, say Missing NA`,
				rawQuotesNote,
			},
		},
		{
			file: "copy.txt", format: "tabs", rows: 120, missing: []string{"NA"},
			columns: "at date 0, stay date 0, ward category 0, fee number 10, insured category 0, remark category 40", target: "binary again boolean",
			said: []string{
				"id: an id: whole numbers that are all different and too long to be told apart as numbers, such as 9007199254740991; Types id=number keeps it",
				`at: 120 cells read as a date, "2022-03-27 04:13:00+00" as 2022-03-27 04:13:00; if that is wrong, say Types at=category`,
				`stay: 120 cells read as a date, "04:56:00" as 1970-01-01 04:56:00; if that is wrong, say Types stay=category`,
				`fee: "\N" in 10 cells taken for missing; if that is wrong, say Types fee=category`,
				rawQuotesNote,
			},
		},
	} {
		table, err := Read(filepath.Join("testdata", "real", c.file), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		s, err := Infer(table, SchemaOptions{Missing: c.missing})
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		var columns, said []string
		for _, d := range s.Dropped {
			said = append(said, d.Name+": "+d.Reason.String())
		}
		for _, col := range s.Columns {
			columns = append(columns, fmt.Sprintf("%s %s %d", col.Name, col.Kind, col.Missing))
			if col.Note != nil {
				said = append(said, col.Name+": "+col.Note.String())
			}
		}
		if y := s.Targets[0]; y.Note != nil {
			said = append(said, y.Name+": "+y.Note.String())
		}
		said = append(said, texts(table.Notes())...)
		if table.Format() != c.format || table.Rows() != c.rows {
			t.Errorf("%s: got %s, %d rows, want %s, %d rows", c.file, table.Format(), table.Rows(), c.format, c.rows)
		}
		if got := strings.Join(columns, ", "); got != c.columns {
			t.Errorf("%s: the columns are\n%s, want\n%s", c.file, got, c.columns)
		}
		if y := s.Targets[0]; fmt.Sprint(s.Task, " ", y.Name, " ", y.Kind) != c.target {
			t.Errorf("%s: got %s, %s, %s, want %s", c.file, s.Task, y.Name, y.Kind, c.target)
		}
		if got, want := strings.Join(said, "\n"), strings.Join(c.said, "\n"); got != want {
			t.Errorf("%s: the notes are\n%s\nwant\n%s", c.file, got, want)
		}
	}
}
