package jsonl

import (
	"errors"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
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

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		kind error
		want string
	}{
		"cut short":        {"{\"a\": 1}\n{\"a\": ", data.ErrDamaged, "standard input:2: the file ends within an object"},
		"no JSON":          {"{\"a\": 1}\n{\"a\": oops}\n", data.ErrDamaged, "standard input:2: this is no JSON"},
		"a list in a cell": {"{\"a\": 1}\n{\"a\": [1, 2]}\n", data.ErrFormat, `standard input:2: column "a" holds a list`},
		"an object":        {"{\"a\": {\"x\": 1}}\n", data.ErrFormat, `column "a" holds an object`},
		"a number":         {"{\"a\": 1}\n7\n", data.ErrFormat, "standard input:2: the row is no object"},
		"a list of lists":  {"[{\"a\": 1}, [1, 2]]", data.ErrFormat, "the row is no object"},
		"an open list":     {"[{\"a\": 1}", data.ErrDamaged, "the file ends within"},
		"twice":            {"{\"a\": 1, \"a\": 2}", data.ErrDamaged, `the key "a" comes twice`},
		"behind":           {"[{\"a\": 1}] 7", data.ErrDamaged, "behind the list"},
		"nothing":          {"{}", data.ErrEmpty, "no columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readText(c.text, data.ReadOptions{})
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%v is no %v with %q", err, c.kind, c.want)
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
	f.Fuzz(func(t *testing.T, text string) {
		if table, err := readText("{\""+text, data.ReadOptions{MaxBytes: 1 << 17, MaxColumns: 100}); err == nil {
			table.Fingerprint()
		}
	})
}
