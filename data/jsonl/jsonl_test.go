package jsonl

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/data/internal/written"
)

func readText(text string, opt data.ReadOptions) (*data.Table, error) {
	opt.Stdin = strings.NewReader(text)
	return data.Read(data.Stdin, opt)
}

func TestRows(t *testing.T) {
	for _, text := range []string{
		"{\"a\": 1.50, \"b\": \"x\", \"c\": true}\n{\"b\": null, \"d\": \"2024-01-01\", \"a\": -2e3, \"c\": false}\n",
		"\ufeff[{\"a\": 1.50, \"b\": \"x\", \"c\": true},\n {\"b\": null, \"d\": \"2024-01-01\", \"a\": -2e3, \"c\": false}]",
	} {
		table, err := readText(text, data.ReadOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		var cells []string
		for row := range table.Rows() {
			for col := range table.Columns() {
				cells = append(cells, table.Cell(row, col))
			}
		}
		if got := strings.Join(table.Columns(), "") + strings.Join(cells, "|"); got != "abcd1.50|x|true||-2e3||false|2024-01-01" {
			t.Errorf("got %q, want %q", got, "abcd1.50|x|true||-2e3||false|2024-01-01")
		}
	}
}

// A key that first appears in a later row is a column, but not the default target.
func TestLateKeys(t *testing.T) {
	for _, test := range []struct {
		text, target string
		unlabeled    int
		noted        bool
	}{
		{"{\"a\": 1, \"y\": 2.5}\n{\"a\": 2, \"y\": 3.5, \"late\": 1.5}\n{\"a\": 3, \"y\": 1}\n", "y", 0, true},
		{"{\"a\": 1, \"y\": 2.5}\n{\"y\": 3.5, \"a\": 2}\n{\"a\": 3, \"y\": 1}\n", "y", 0, false},
	} {
		table, err := readText(test.text, data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := data.Infer(table, data.SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Targets[0].Name; got != test.target || s.Unlabeled != test.unlabeled || !s.DefaultTarget {
			t.Errorf("%s: the target is %s, and %d rows are left out", test.text, got, s.Unlabeled)
		}
		if notes := table.Notes(); (len(notes) == 1 && strings.Contains(notes[0].String(), `"late"`)) != test.noted {
			t.Errorf("%s: the notes are %v", test.text, notes)
		}
	}
}

// TestUnread: keys with lists and objects are columns that are left out, and the others are read.
func TestUnread(t *testing.T) {
	table, err := readText(`{"x": 1, "tags": "a", "at": {"lat": [1, {"deep": 2}]}, "y": 2}
{"x": 2, "tags": ["a", []], "y": 3}
{"x": 3.5, "y": 1, "tags": "b", "late": []}
{"x": 3.5, "y": 1}`, data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written.Unread(t, table, map[string]string{"tags": "holds lists, as on line 2, which are not read: flatten", "at": "holds objects, as on line 1,", "late": "holds lists, as on line 3,"})
	if got := table.Cell(1, 0) + table.Cell(2, 0) + table.Cell(2, 3); table.Rows() != 4 || got != "23.51" {
		t.Errorf("got %d rows with the cells %q, want 4 rows with 23.51", table.Rows(), got)
	}
}

// Python's NaN is a missing cell, and its infinities are not numbers, as in a CSV file. Within a string they are text.
func TestPythonNumbers(t *testing.T) {
	rows := `{"a": NaN, "b": "NaN \" Infinity", "c": -1}` + "\n" + `{"a": -2, "b": "\\", "c": Infinity}` + "\n" + `{"a":NaN,"b":"-Infinity","c":-Infinity}` + "\n"
	for _, size := range []int{1, 2, 3, 7, 4096} {
		in := &python{in: bufio.NewReaderSize(strings.NewReader(rows), 16)}
		var got strings.Builder
		if _, err := io.CopyBuffer(&got, struct{ io.Reader }{in}, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		want := `{"a": null, "b": "NaN \" Infinity", "c": -1}` + "\n" + `{"a": -2, "b": "\\", "c": "Infinity"}` + "\n" + `{"a":null,"b":"-Infinity","c":"-Infinity"}` + "\n"
		if got.String() != want || in.nans != 2 || in.firstAt != 1 {
			t.Errorf("%d bytes at a time: got %s with %d NaN, the first on line %d, want 2 NaN, the first on line 1", size, got.String(), in.nans, in.firstAt)
		}
	}
	table, err := readText(rows+strings.Repeat(`{"a": 1, "b": "x", "c": 2}`+"\n", 5), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !table.Missing(0, 0) || !table.Missing(2, 0) || table.Cell(1, 0) != "-2" || table.Cell(1, 2) != "Infinity" || len(table.Notes()) != 1 ||
		!strings.Contains(table.Notes()[0].String(), "there are 2, the first on line 1") {
		t.Errorf("the cells are %q and %q and the notes are %v, want -2, Infinity and a note about 2 NaN", table.Cell(1, 0), table.Cell(1, 2), table.Notes())
	}
	if _, err := data.Infer(table, data.SchemaOptions{Targets: []string{"c"}}); !errors.Is(err, data.ErrNumber) || !strings.Contains(err.Error(), `"Infinity" is not a finite`) {
		t.Errorf("got %v, want an error that refuses the infinity", err)
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		kind error
		want string
	}{
		"cut short":        {"{\"a\": 1}\n{\"a\": ", data.ErrDamaged, "standard input:2: the file ends within an object"},
		"no JSON":          {"{\"a\": 1}\n{\"a\": oops}\n", data.ErrDamaged, "standard input:2: this is not JSON"},
		"a list in a cell": {"{\"a\": 1}\n{\"a\": [1, 2]}\n", data.ErrFormat, `no column can be read: column "a" holds lists, as on line 2, which are not read`},
		"a cut list":       {"{\"a\": 1}\n{\"a\": [1, 2", data.ErrDamaged, "standard input:2: the file ends within an object"},
		"no number":        {"{\"a\": Nan}\n", data.ErrDamaged, "standard input:1: this is not JSON"},
		"a number":         {"{\"a\": 1}\n7\n", data.ErrFormat, "standard input:2: the row is not an object"},
		"a list of lists":  {"[{\"a\": 1}, [1, 2]]", data.ErrFormat, "the row is not an object"},
		"an open list":     {"[{\"a\": 1}", data.ErrDamaged, "the file ends within"},
		"twice":            {"{\"a\": 1, \"a\": 2}", data.ErrDamaged, `the key "a" appears twice`},
		"behind":           {"[{\"a\": 1}] 7", data.ErrDamaged, "follows the list"},
		"nothing":          {"{}", data.ErrEmpty, "no columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readText(c.text, data.ReadOptions{})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got the error %v, want one that is %v and contains %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := readText("{\"a\": 1, \"b\": 2, \"c\": 3}", data.ReadOptions{MaxColumns: 2}); !errors.Is(err, data.ErrLarge) {
		t.Error(err)
	}
	if _, err := readText(strings.Repeat("{\"a\": 1}\n", 1000), data.ReadOptions{MaxBytes: 500}); !errors.Is(err, data.ErrLarge) {
		t.Error(err)
	}
}

// FuzzRead: no text makes the reader panic.
func FuzzRead(f *testing.F) {
	f.Add("{\"a\": 1.5, \"b\": \"x\"}\n{\"a\": null, \"c\": true}\n")
	f.Add("[{\"a\": 1}, {\"a\": [1]}]")
	f.Add("a\": NaN, \"b\": {\"c\": -Infinity}}\n{\"a\": 2, \"b\": null}")
	f.Fuzz(func(t *testing.T, text string) {
		if table, err := readText("{\""+text, data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100}); err == nil {
			table.Fingerprint()
		}
	})
}
