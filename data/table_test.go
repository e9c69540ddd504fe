package data

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/gradus-ml/gradus/internal/memory"
)

// asRead returns the kind of a column of cells and the values of its first rows, with ? for a missing one. It also
// returns the column's note.
func asRead(t *testing.T, cells []string, opt SchemaOptions) (what, note string) {
	t.Helper()
	rows := make([][]string, len(cells))
	for i, cell := range cells {
		rows[i] = []string{cell, fmt.Sprint(i*i%7 + i)}
	}
	table, err := NewTable("t", []string{"x", "y"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	opt.Targets, opt.Task = []string{"y"}, Regression
	s, err := Infer(table, opt)
	if err != nil {
		return err.Error(), ""
	}
	c := s.Columns[0]
	what = string(c.Kind)
	if c.Kind == KindNumber || c.Kind == KindDate {
		cells := table.cols[0].spelled(c.Spelling)
		date := cells.dates(c.Spelling, c.dayFirst)
		for row := range min(4, table.Rows()) {
			switch {
			case cells.missing(row):
				what += " ?"
			case c.Kind == KindDate:
				what += " " + date(row).t.Format("2006-01-02T15:04:05")
			default:
				x, _ := cells.number(row)
				what += " " + formatNumber(x)
			}
		}
		// A model reads the same cells in the same way, in a table and one by one.
		e, err := s.Fit(table, nil, ScaleNone, true)
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		all, one := make([]float64, table.Rows()*e.Width()), make([]float64, e.Width())
		if _, err := Inputs(b, nil, all); err != nil {
			t.Fatal(err)
		}
		for row := range cells.rows() {
			if err := EncodeRow(e, []Value{Text(table.Cell(row, 0))}, one); err != nil {
				t.Fatal(err)
			}
			for i, v := range one {
				if w := all[row*e.Width()+i]; math.Float64bits(v) != math.Float64bits(w) {
					t.Fatalf("the cell %q is %v by itself and %v in its table", table.Cell(row, 0), v, w)
				}
			}
		}
	}
	return what, c.Note.String()
}

// Cells are read as people write them. A note says what is not obvious.
func TestSpellings(t *testing.T) {
	for _, test := range []struct {
		name  string
		cells string // with | between them
		opt   SchemaOptions
		want  string
		note  string // a part of the note, or "" for none
	}{
		{"None", "1.5|None|3|4", SchemaOptions{}, "number 1.5 ? 3 4", `"None" in 1 cell taken for missing; if that is wrong, say Types x=category`},
		{"spreadsheet errors", "1|#DIV/0!|#N/A|4|#NULL!|#NUM!|#VALUE!", SchemaOptions{}, "number 1 ? ? 4", `2 other words taken for missing`},
		{"pandas", "1|<NA>|NaT|4", SchemaOptions{}, "number 1 ? ? 4", `"<NA>" in 1 cell`},
		{"dashes and points", "1|-|--|.|5", SchemaOptions{}, "number 1 ? ? ?", `"-" in 1 cell`},
		{"databases", `1|\N|nil|n.d.|unknown|none`, SchemaOptions{}, "number 1 ? ? ?", `"\N" in 1 cell`},
		{"a category keeps None", "red|None|blue|red", SchemaOptions{}, "category", ""},
		{"words with NA", "NA|EU|NA|AS", SchemaOptions{}, "category", `"NA" in 2 cells taken for missing; if that is a value like others, say Missing none`},
		{"NA among numbers where no word is missing", "1.5|NA|3|4", SchemaOptions{Missing: []string{"none"}}, "number 1.5 ? 3 4", `"NA" in 1 cell taken for missing; if that is wrong, say Types x=category`},
		{"a word that is named", "1|absent|3|4", SchemaOptions{Missing: []string{"absent"}}, "number 1 ? 3 4", ""},
		{"a number that is named", "1|-999|3|4", SchemaOptions{Missing: []string{"-999"}}, "number 1 ? 3 4", ""},
		{"no word", "NA|EU|NA|AS", SchemaOptions{Missing: []string{"none"}}, "category", ""},
		{"money", "$1,234.50|$5.00|-$3|$1", SchemaOptions{}, "number 1234.5 5 -3 1", `4 cells read as a number, "$1,234.50" as 1234.5; if that is wrong, say Types x=category`},
		{"euros", "1.234,50 €|5,00 €|3 €|1 €", SchemaOptions{}, "number 1234.5 5 3 1", `"1.234,50 €" as 1234.5`},
		{"percent", "12%|3.5%|100 %", SchemaOptions{}, "number 12 3.5 100", `"12%" as 12`},
		{"blanks between thousands", "1 234|12 345 678|5", SchemaOptions{}, "number 1234 12345678 5", `"1 234" as 1234`},
		{"narrow blanks", "1\u202f234,5|12\u202f345\u202f678|5", SchemaOptions{}, "number 1234.5 12345678 5", `as 1234.5`},
		{"apostrophes between thousands", "1'234.5|12'345|5", SchemaOptions{}, "number 1234.5 12345 5", `"1'234.5" as 1234.5`},
		{"parentheses", "(5)|(1,250.75)|7", SchemaOptions{}, "number -5 -1250.75 7", `"(5)" as -5`},
		{"a minus sign", "\u22125|\u22121.5|2", SchemaOptions{}, "number -5 -1.5 2", `as -5`},
		{"a unit", "5 kg|7.5 kg|3kg", SchemaOptions{}, "number 5 7.5 3", `"5 kg" as 5`},
		{"Fortran", "1.2D+04|5.0D-01|3", SchemaOptions{}, "number 12000 0.5 3", `"1.2D+04" as 12000`},
		{"Fortran in small letters", "1.2d+04|5.0d-01|3", SchemaOptions{}, "number 12000 0.5 3", `"1.2d+04" as 12000`},
		{"a zero has no thousands", "0,591|0,123|0,900", SchemaOptions{}, "number 0.591 0.123 0.9", `"0,591" as 0.591`},
		{"perhaps points between thousands", "3.481|1.021|1.002|1.003|1.004|1.005|1.006|1.007|1.008|1.009|892", SchemaOptions{}, "number 3.481 1.021 1.002 1.003",
			`"3.481" is read as 3.481; if the point separates thousands, say Decimal ,`},
		{"three decimals throughout", "3.481|1.021|1.002|1.003|1.004|1.005|1.006|1.007|1.008|1.009|892.5", SchemaOptions{}, "number 3.481 1.021 1.002 1.003", ""},
		{"decimal commas", "1,5|2,25|3", SchemaOptions{}, "number 1.5 2.25 3", `"1,5" as 1.5`},
		{"points between thousands", "1.234,5|1.234.567|3", SchemaOptions{}, "number 1234.5 1234567 3", `as 1234.5`},
		{"commas between thousands", "1,234,567|2,345|3", SchemaOptions{}, "number 1234567 2345 3", `"1,234,567" as 1234567`},
		{"doubtful commas", "1,234|2,345|9,876", SchemaOptions{}, "category", `"1,234" may be 1.234 or 1234: say Decimal , or Decimal .`},
		{"doubtful commas, decided", "1,234|2,345|9,876", SchemaOptions{Decimal: ","}, "number 1.234 2.345 9.876", `"1,234" as 1.234`},
		{"doubtful commas, decided otherwise", "1,234|2,345|9,876", SchemaOptions{Decimal: "."}, "number 1234 2345 9876", `"1,234" as 1234`},
		{"points between thousands, decided", "1.234|2.345|9.876", SchemaOptions{Decimal: ","}, "number 1234 2345 9876", ""},
		{"a mistake is no unit", "1|2|3|4|5|6|7|8|9|10|12abc", SchemaOptions{Types: map[string]Kind{"x": KindCategory}}, "category", ""},
		{"different units are text", "5 kg|300 g|2 kg", SchemaOptions{}, "category", `"kg" in 2 cells, "g" in 1 cell`},
		{"codes are text", "A1|A2|A3|A1", SchemaOptions{}, "category", ""},
		{"codes with zeros are text", "001a|002a|003a|001a", SchemaOptions{}, "category", ""},

		{"pandas with a zone", "2020-01-01 08:00:00+00:00|2020-01-02 09:30:00+00:00", SchemaOptions{}, "date 2020-01-01T08:00:00 2020-01-02T09:30:00", `2 cells read as a date, "2020-01-01 08:00:00+00:00" as 2020-01-01 08:00:00; if that is wrong`},
		{"PostgreSQL", "2020-01-01 08:00:00+00|2020-01-02 09:30:00.25+02", SchemaOptions{}, "date 2020-01-01T08:00:00 2020-01-02T07:30:00", "as a date"},
		{"ISO with an offset", "2020-01-01T08:00:00+02:00|2020-01-02T09:30:00+02:00", SchemaOptions{}, "date 2020-01-01T06:00:00 2020-01-02T07:30:00", `times are counted in UTC, "2020-01-01T08:00:00+02:00" as 2020-01-01 06:00:00`},
		{"ISO in UTC", "2020-01-01T08:00:00Z|2020-01-02T09:30:00+00:00", SchemaOptions{}, "date 2020-01-01T08:00:00 2020-01-02T09:30:00", ""},
		{"American", "1/13/2020|2/1/2020", SchemaOptions{}, "date 2020-01-13T00:00:00 2020-02-01T00:00:00", "as a date"},
		{"British", "13/1/2020|2/1/2020", SchemaOptions{}, "date 2020-01-13T00:00:00 2020-01-02T00:00:00", "as a date"},
		{"doubtful", "1/2/2020|3/4/2020|1/2/2020", SchemaOptions{}, "category", `"1/2/2020" may be 2020-02-01 or 2020-01-02: say DateFormat x=%d/%m/%Y or DateFormat x=%m/%d/%Y`},
		{"doubtful, the first not", "1.1.2020 11:41|2.1.2020 11:41", SchemaOptions{}, "category", `"2.1.2020 11:41" may be 2020-01-02 11:41:00 or 2020-02-01 11:41:00: say DateFormat`},
		{"doubtful, decided", "1/2/2020|3/4/2020|1/2/2020", SchemaOptions{DateFormat: map[string]string{"x": "%m/%d/%Y"}}, "date 2020-01-02T00:00:00 2020-03-04T00:00:00 2020-01-02T00:00:00", ""},
		{"d-m-y", "13-1-2020|2-1-2020", SchemaOptions{}, "date 2020-01-13T00:00:00 2020-01-02T00:00:00", "as a date"},
		{"a month's short name", "04-Jan-19|31-Dec-99", SchemaOptions{}, "date 2019-01-04T00:00:00 1999-12-31T00:00:00", "as a date"},
		{"a month's name", "March 5 2021|April 17, 2021", SchemaOptions{}, "category", ""},
		{"a month's name in front", "March 5 2021|May 17 2021", SchemaOptions{}, "date 2021-03-05T00:00:00 2021-05-17T00:00:00", "as a date"},
		{"a month's name, with a comma", "March 5, 2021|Sept. 17, 2021", SchemaOptions{}, "date 2021-03-05T00:00:00 2021-09-17T00:00:00", "as a date"},
		{"12 hours", "1/13/2020 12:05 AM|1/14/2020 1:30 PM|1/14/2020 12:00:30 pm", SchemaOptions{}, "date 2020-01-13T00:05:00 2020-01-14T13:30:00 2020-01-14T12:00:30", "as a date"},
		{"slashes and a clock", "2019/01/04 11:41:35|2019/01/05 00:00:00", SchemaOptions{}, "date 2019-01-04T11:41:35 2019-01-05T00:00:00", "as a date"},
		{"points and a clock", "04.01.2019 11:41|31.01.2019 09:00", SchemaOptions{}, "date 2019-01-04T11:41:00 2019-01-31T09:00:00", "as a date"},
		{"short", "2019-1-4|2019-11-23", SchemaOptions{}, "date 2019-01-04T00:00:00 2019-11-23T00:00:00", "as a date"},
		{"d-m-y of two digits", "13-1-20|2-1-20", SchemaOptions{}, "date 2020-01-13T00:00:00 2020-01-02T00:00:00", "as a date"},
		{"a zone's name", "2020-01-01 08:00:00 EST|2020-07-02 09:30:00 EDT", SchemaOptions{}, "date 2020-01-01T13:00:00 2020-07-02T13:30:00", `"2020-01-01 08:00:00 EST" as 2020-01-01 13:00:00`},
		{"mail", "Fri, 20 Sep 2019 22:49:53 +0000|Sat, 21 Sep 2019 02:49:53 +0200", SchemaOptions{}, "date 2019-09-20T22:49:53 2019-09-21T00:49:53", "as a date"},
		{"weekdays", "Monday, April 27, 2020|Tuesday, May 5, 2020", SchemaOptions{}, "date 2020-04-27T00:00:00 2020-05-05T00:00:00", "as a date"},
		{"C", "Fri Oct 16 15:04:28 2020|Sat Oct 17 00:00:00 2020", SchemaOptions{}, "date 2020-10-16T15:04:28 2020-10-17T00:00:00", "as a date"},
		{"digits alone", "20200104T131025|20201131T000000|20200104T131025", SchemaOptions{}, "category", ""},
		{"a clock alone", "08:15|23:59", SchemaOptions{}, "date 1970-01-01T08:15:00 1970-01-01T23:59:00", "as a date"},
		{"dates with a dash", "2019-01-04|-|2019-01-06", SchemaOptions{}, "date 2019-01-04T00:00:00 ? 2019-01-06T00:00:00", `"-" in 1 cell taken for missing; if that is wrong, say Types x=category`},
		{"ISO and points", "2020-01-13|31.12.1999|2020-01-14", SchemaOptions{}, "date 2020-01-13T00:00:00 1999-12-31T00:00:00 2020-01-14T00:00:00",
			`the dates are written in two ways, "2020-01-13" in 2 cells and "31.12.1999" in 1 cell; if that is wrong, say Types x=category`},
		{"ISO and slashes", "2020-01-13|31/12/1999|2020-01-14|1/2/1999", SchemaOptions{}, "date 2020-01-13T00:00:00 1999-12-31T00:00:00 2020-01-14T00:00:00 1999-02-01T00:00:00",
			`the dates are written in two ways, "2020-01-13" in 2 cells and "31/12/1999" in 2 cells; `},
		{"ISO and doubtful slashes", "2020-01-13|1/2/1999|3/4/1999|2020-01-14", SchemaOptions{}, "category", `"1/2/1999" may be 1999-02-01 or 1999-01-02: say DateFormat x=%d/%m/%Y or DateFormat x=%m/%d/%Y`},
		{"ISO and clocks", "2020-01-13|08:15|2020-01-14|08:15", SchemaOptions{}, "category", ""},
		{"31 February is no date", "31/02/2020|13/01/2020|31/02/2020", SchemaOptions{}, "category", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			what, note := asRead(t, strings.Split(test.cells, "|"), test.opt)
			if what != test.want {
				t.Errorf("read as %q, want %q", what, test.want)
			}
			if !strings.Contains(note, test.note) || test.note == "" && note != "" {
				t.Errorf("the note is %q, want %q", note, test.note)
			}
		})
	}
}

// utf16Of returns a text in UTF-16.
func utf16Of(s string, bigEndian bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// Files are read as other programs write them. A note says what is not obvious.
func TestForms(t *testing.T) {
	const ab = "a|b / 1|x / 2|y"
	for _, test := range []struct {
		name, text string
		opt        ReadOptions
		want       string // names and cells, rows with / between them
		note       string // a part of a note, or "" for none
	}{
		{"CR", "a,b\r1,x\r2,y\r", ReadOptions{}, ab, ""},
		{"CR, no end", "a,b\r1,x\r2,y", ReadOptions{}, ab, ""},
		{"UTF-16, little-endian", "\xff\xfe" + utf16Of("a,b\n1,x\n2,ÿ𝄞\n", false), ReadOptions{}, "a|b / 1|x / 2|ÿ𝄞", ""},
		{"UTF-16, big-endian", "\xfe\xff" + utf16Of("a,b\n1,x\n2,ÿ\n", true), ReadOptions{}, "a|b / 1|x / 2|ÿ", ""},
		{"UTF-16 without a mark", utf16Of("a\tb\r\n1\tx\r\n2\ty\r\n", false), ReadOptions{}, ab, ""},
		{"Latin-1", "a,b\n1,caf\xe9\n2,\x80\n", ReadOptions{}, "a|b / 1|café / 2|€", "bytes that are not UTF-8 are read as Latin-1 (Windows-1252), the first on line 2, \"café\"; if that is wrong, name the Encoding"},
		{"Latin-1, named", "a,b\n1,\xc3\xa9\n2,y\n", ReadOptions{Encoding: "latin-1"}, "a|b / 1|Ã© / 2|y", ""},
		{"sep", "sep=;\na;b\n1;x\n2;y\n", ReadOptions{}, ab, ""},
		{"lines above", "Report\nof today\na,b\n1,x\n2,y\n", ReadOptions{SkipRows: 2}, ab, ""},
		{"a title", "Sales,,\na,b,c\n1,x,2\n2,y,3\n", ReadOptions{}, "Sales|c1|c2 / a|b|c / 1|x|2 / 2|y|3", "line 1 has names for 1 of 3 columns; if it is a title, say SkipRows 1"},
		{"a title, skipped", "Sales,,\na,b\n1,x\n2,y\n", ReadOptions{SkipRows: 1}, ab, ""},
		{"comments", "# by me, \"him\na,b\n# and \"so\n1,x\n2,y\n#\n", ReadOptions{Comment: "#"}, ab, ""},
		{"delimiters at the end, header too", "a,b,\n1,x,\n2,y,\n", ReadOptions{}, "a|b|c2 / 1|x| / 2|y|", ""},
		{"delimiters at the end", "a,b\n1,x,\n2,y,\n", ReadOptions{}, ab, "the rows end with a delimiter that the header lacks"},
		{"names of the rows, from R", "a,b\nr1,1,x\nr2,2,y\n", ReadOptions{}, "c0|a|b / r1|1|x / r2|2|y", "taken for names of the rows"},
		{"pandas' numbers for names", "0,1,target\n5.1,3.5,u\n4.9,3,v\n", ReadOptions{}, "0|1|target / 5.1|3.5|u / 4.9|3|v", "the first line names the columns, though 2 of its cells are numbers; if that is wrong, say Header no"},
		{"years", "land,2019,2020\nA,1.5,2.5\nB,3,4\n", ReadOptions{}, "land|2019|2020 / A|1.5|2.5 / B|3|4", "though 2 of its cells are numbers"},
		{"years alone", "2018,2019,2020\n1.5,2,3\n3,4,5\n", ReadOptions{}, "2018|2019|2020 / 1.5|2|3 / 3|4|5", "though 3 of its cells are numbers"},
		{"years in cells", "2018,2019,2020\n2019,2020,2021\n", ReadOptions{}, "c0|c1|c2 / 2018|2019|2020 / 2019|2020|2021", ""},
		{"a number among names", "x,1.5,y\n1,2,3\n4,5,6\n", ReadOptions{}, "x|1.5|y / 1|2|3 / 4|5|6", "though 1 of its cells is a number"},
		{"no header", "5.1,3.5,u\n4.9,3,v\n", ReadOptions{}, "c0|c1|c2 / 5.1|3.5|u / 4.9|3|v", ""},
		{"no header, text", "p,x\ne,x\np,y\ne,y\np,x\n", ReadOptions{}, "c0|c1 / p|x / e|x / p|y / e|y / p|x", "not for the columns' names; if that is wrong, say Header yes"},
		{"decimal commas", "a;b\n9,16;1,33\n10,49;2\n", ReadOptions{}, "a|b / 9,16|1,33 / 10,49|2", ""},
		{"decimal commas without a header", "9,16;1,33;10,49\n1,2;3,4;5,6\n", ReadOptions{}, "c0|c1|c2 / 9,16|1,33|10,49 / 1,2|3,4|5,6", ""},
		{"a comma in a name", "len, cm;eur\n1,1;3\n2,2;4\n", ReadOptions{}, "len, cm|eur / 1,1|3 / 2,2|4", ""},
		{"blanks", "  a    b  \n 1  x\n2    y  \n", ReadOptions{}, ab, ""},
		{"blanks and quotes", "a b\n1 \"x  z\"\n2 y\n", ReadOptions{}, "a|b / 1|x  z / 2|y", ""},
		{"blanks in one column of text are none", "name\nA B\nC D\nE F\n", ReadOptions{}, "name / A B / C D / E F", ""},
		{"raw quotes", "a\tb\n1\t5\" pipe\n2\t\"y\n", ReadOptions{}, "a|b / 1|5\" pipe / 2|\"y", "quotes are read as ordinary characters"},
		{"a blank before a quote", "a, b\n1, \"x, z\"\n2 ,\"y\" \n", ReadOptions{}, "a|b / 1|x, z / 2|y", ""},
		{"a total", "a,b\nu,1\nv,2\nTotal,3\n", ReadOptions{}, "a|b / u|1 / v|2", `the last line, 4, starts with "Total": it is left out; if it is a row like the others, say KeepTotal true`},
		{"a total behind a blank", "a,b,c\nu,v,1\nv,w,2\n,Total,3\n", ReadOptions{}, "a|b|c / u|v|1 / v|w|2", `starts with "Total": it is left out`},
		{"a total that is kept", "a,b\nu,1\nTotal,3\n", ReadOptions{KeepTotal: true}, "a|b / u|1 / Total|3", ""},
		{"names that come twice", "a,b,a,a\n1,2,3,4\n", ReadOptions{}, "a|b|a.1|a.2 / 1|2|3|4", `line 1: columns 1 and 3 are both named "a": column 3 is called "a.1" here`},
	} {
		for _, size := range []int{1 << 20, 40} {
			t.Run(fmt.Sprintf("%s, chunks of %d", test.name, size), func(t *testing.T) {
				if size == 40 && len(test.text) > 60 {
					t.Skip("the result depends on what the first chunk shows")
				}
				was := chunkSize
				defer func() { chunkSize = was }()
				chunkSize = size
				test.opt.Stdin = strings.NewReader(test.text)
				table, err := Read(Stdin, test.opt)
				if err != nil {
					t.Fatal(err)
				}
				var rows []string
				for _, row := range cells(table) {
					rows = append(rows, strings.Join(row, "|"))
				}
				if got := strings.Join(rows, " / "); got != test.want {
					t.Errorf("read as %q, want %q", got, test.want)
				}
				notes := strings.Join(texts(table.Notes()), "\n")
				if !strings.Contains(notes, test.note) || test.note == "" && notes != "" {
					t.Errorf("the notes are %q, want %q", notes, test.note)
				}
			})
		}
	}
}

// An index that pandas wrote is not an input, even with gaps or shuffled.
func TestIndex(t *testing.T) {
	for _, test := range []struct{ name, text, dropped string }{
		{"gaps", ",x,y\n0,1.5,2\n2,2.5,3\n7,1,5\n", "an index: a first column without a name, of whole numbers that are all different, from 0 to 7; Types c0=number keeps it"},
		{"shuffled", "Unnamed: 0,x,y\n5,1.5,2\n0,2.5,3\n3,1,5\n", "an index: a first column without a name, of whole numbers that are all different, from 0 to 5; Types Unnamed: 0=number keeps it"},
		{"in order", ",x,y\n0,1.5,2\n1,2.5,3\n2,1,5\n", "counts the rows: whole numbers from 0 to 2; Types c0=number keeps it"},
		{"written twice", "Unnamed: 0.1,Unnamed: 0,x,y\n5,5,1.5,2\n0,0,2.5,3\n3,3,1,5\n", "an index: a first column without a name, of whole numbers that are all different, from 0 to 5; Types Unnamed: 0.1=number keeps it"},
		{"a value comes twice", ",x,y\n0,1.5,2\n0,2.5,3\n2,1,5\n", ""},
		{"with a name", "a,x,y\n0,1.5,2\n5,2.5,3\n2,1,5\n", ""},
		{"not the first", "x,,y\n1.5,0,2\n2.5,5,3\n1,2,5\n", ""},
	} {
		s, err := Infer(readText(t, test.text), SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		dropped := ""
		if len(s.Dropped) > 0 {
			dropped = s.Dropped[0].Reason.String()
		}
		if dropped != test.dropped {
			t.Errorf("%s: dropped because %q, want %q", test.name, dropped, test.dropped)
		}
	}
}

// Labels keep the spelling of the file.
func TestLabelsKeepTheirSpelling(t *testing.T) {
	rows := func(cells ...string) string {
		text := "x,y\n"
		for i := range 40 {
			text += fmt.Sprintf("%d.5,%s\n", i*i%11, cells[i%len(cells)])
		}
		return text
	}
	for _, test := range []struct {
		text string
		opt  SchemaOptions
		want string
	}{
		{rows("001", "002"), SchemaOptions{}, "binary [001 002]"},
		{rows("001", "002", "010"), SchemaOptions{}, "multiclass [001 002 010]"},
		{rows("9007199254740992", "9007199254740993"), SchemaOptions{}, "binary [9007199254740992 9007199254740993]"},
		{rows("1", "2"), SchemaOptions{}, "binary [1 2]"},
		{rows("001", "002"), SchemaOptions{Task: Regression}, "regression []"},
		{rows("NA", "EU"), SchemaOptions{Missing: []string{"none"}}, "binary [EU NA]"},
		{rows("$5", "$7.5", "\"$1,000.25\""), SchemaOptions{}, "regression []"},
		{rows("yes", "no"), SchemaOptions{Positive: "no"}, "binary [yes no]"},
		{rows("0", "1"), SchemaOptions{Positive: "0"}, "binary [1 0]"},
	} {
		table := readText(t, test.text)
		s, err := Infer(table, test.opt)
		if err != nil {
			t.Errorf("%.20q: %v", test.text, err)
			continue
		}
		if got := fmt.Sprint(s.Task, " ", s.Targets[0].Classes); got != test.want {
			t.Errorf("%.20q is %s, want %s", test.text, got, test.want)
		}
		e, err := s.Fit(table, nil, ScaleAuto, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
		b, err := e.Bind(table)
		if err != nil {
			t.Fatal(err)
		}
		y := make([]float64, table.Rows()*e.Outputs())
		if err := Targets(b, nil, y); err != nil {
			t.Fatal(err)
		}
		for row := range table.Rows() {
			if s.Task == Binary && s.Targets[0].Classes[int(y[row])] != table.Cell(row, 1) {
				t.Fatalf("the class %s is encoded as %v", table.Cell(row, 1), y[row])
			}
		}
	}
	_, err := Infer(readText(t, rows("a", "b")), SchemaOptions{Positive: "c"})
	refuses(t, err, ErrClass, `standard input: the target "y" has no class "c" that could be the positive one: it has "a", "b"`)
	_, err = Infer(readText(t, rows("a", "b", "c")), SchemaOptions{Positive: "c"})
	refuses(t, err, ErrTask, `standard input: the class "c" cannot be the positive one: the task is multiclass`)
}

// No message calls a column of different ids constant. A note says that codes are read as numbers.
func TestIds(t *testing.T) {
	text := "id,zip,y\n"
	for i := range 30 {
		text += fmt.Sprintf("74000000000000%04d,%05d,%d\n", i, i*37%11, i%7)
	}
	s, err := Infer(readText(t, text), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if note := s.Columns[len(s.Columns)-1].Note.String(); note != "zeros in front of whole numbers count for nothing; if the cells are codes, say Types zip=category" {
		t.Errorf("note = %q, want %q", note, "zeros in front of whole numbers count for nothing; if the cells are codes, say Types zip=category")
	}
	s, err = Infer(readText(t, "id,x,y\n740000000000000001,1,2\n740000000000000999,2,3\n740000000000000001,2.5,3\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if note := s.Columns[0].Note.String(); note != "whole numbers of more than 15 digits lose their last digits; if they are ids, say Types id=category or Ignore id" {
		t.Errorf("note = %q, want %q", note, "whole numbers of more than 15 digits lose their last digits; if they are ids, say Types id=category or Ignore id")
	}
	if s, err = Infer(readText(t, rowsOf("x,y", 60, func(r int) string { return fmt.Sprintf("%d.5,%03d", r, r%3) })), SchemaOptions{}); err != nil || s.Targets[0].Note != nil {
		t.Errorf("labels that keep their zeros: got the note %q and the error %v, want neither", s.Targets[0].Note, err)
	}
	s, err = Infer(readText(t, "id,x,y\n9007199254740992,1,2\n9007199254740993,2,3\n9007199254740992,2.5,3\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "whole numbers that are too long to be told apart as numbers, such as 9007199254740992; Types id=category takes them for words"
	if len(s.Dropped) != 1 || s.Dropped[0].Reason.String() != want {
		t.Errorf("the columns left out are %v, want %s", s.Dropped, want)
	}
}

// No category of the training rows is counted as unseen, and the categories that share an input are named.
func TestManyCategories(t *testing.T) {
	text := "x,y\n"
	for i := range 12000 {
		text += fmt.Sprintf("w%d,%d.5\n", i%3000, i%9)
	}
	table := readText(t, text)
	e, _ := fit(t, table, SchemaOptions{}, ScaleAuto)
	b, err := e.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := Inputs(b, nil, make([]float64, table.Rows()*e.Width()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.Example != "" {
			t.Errorf("%q is counted as unseen, but it was in the training rows", c.Example)
		}
	}
	want := `x has 3000 categories: the 256 most frequent have an input each, and the other 2744, such as "w1228", share one.`
	if said := e.Crowded(); len(said) != 1 || said[0] != want {
		t.Errorf("Crowded says %q, want %q", said, want)
	}
}

// The columns with a clear spelling decide for the others what a comma means.
func TestCommasAcrossColumns(t *testing.T) {
	for text, want := range map[string]string{
		"a;b;y\n1,5;1,234;1\n2,25;9,876;2\n":                  "1.5 1.234",
		"a\tb\ty\n1,234,567\t1,234\t1\n2,345,678\t9,876\t2\n": "1234567 1234",
		"a;b;y\n1.234,5;9,876;1\n2,25;1,234;2\n":              "1234.5 9.876",
		"a;b;y\n1,234;9,876;1,5\n2,345;1,234;2,25\n":          "1.234 9.876",
	} {
		table := readText(t, text)
		s, err := Infer(table, SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range s.Columns {
			x, _ := table.cols[c.Index].spelled(c.Spelling).number(0)
			got = append(got, formatNumber(x))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, want %s", text, got, want)
		}
	}
	// The same holds for a target.
	table := readText(t, "a;y\n1,5;1,234\n2,25;9,876\n")
	s, err := Infer(table, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := table.cols[1].spelled(s.Targets[0].Spelling).number(1); x != 9.876 {
		t.Errorf("the target is read as %v, want 9.876", x)
	}
}

// If a name differs only in the code points of its accents, the error says so.
func TestAccents(t *testing.T) {
	_, err := Infer(readText(t, "caf\u00e9,y\n1,2\n2,3\n"), SchemaOptions{Targets: []string{"cafe\u0301"}})
	refuses(t, err, ErrTarget, "standard input: there is no column \"cafe\u0301\" to take for the target: a column looks the same, but its accents are written in another way (Unicode's NFC and NFD): copy its name from the file, \"caf\\u00e9\"")
}

// A table that does not fit in memory is refused after its first chunk.
func TestMemory(t *testing.T) {
	was, size := available, chunkSize
	defer func() { available, chunkSize = was, size }()
	chunkSize = 1 << 12
	available = func() (memory.Limit, bool) { return memory.Limit{Bytes: 50000, Of: "this container"}, true }
	text := "a,b\n" + strings.Repeat("12345678901,2\n", 10000)
	path := file(t, "large.csv", []byte(text))
	rows := 0
	_, err := Read(path, ReadOptions{Progress: func(p Progress) { rows = p.Rows }})
	refuses(t, err, ErrLarge, path+": the table needs about 139.9 kB of memory and this container has 54.1 kB left: take a part of its rows")
	if err == nil || rows > 1000 {
		t.Errorf("after %d rows: got %v, want an error within 1000 rows", rows, err)
	}
	available = func() (memory.Limit, bool) { return memory.Limit{Bytes: 1 << 30}, true }
	if _, err := Read(path, ReadOptions{}); err != nil {
		t.Error(err)
	}
}
