package data

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// TestFromColumns: Go values give the same cells as their text, and keep their types.
func TestFromColumns(t *testing.T) {
	half := 0.5
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	table, err := FromColumns("people",
		"float", []float64{1, 0.1, math.NaN(), -1e300},
		"single", []float32{0.1, 16777217, 1e-7, float32(math.NaN())},
		"whole", []int64{1, -1 << 40, math.MaxInt64, math.MinInt64},
		"unsigned", []uint64{math.MaxUint64, 0, 1, 2},
		"flag", []bool{true, false, true, true},
		"text", []string{"a", " b ", "NA", "1"},
		"day", []time.Time{noon.Truncate(24 * time.Hour), noon.AddDate(1, 0, 0).Truncate(24 * time.Hour), noon.Truncate(24 * time.Hour), noon.Truncate(24 * time.Hour)},
		"moment", []*time.Time{&noon, nil, &noon, &noon},
		"maybe", []*float64{&half, nil, &half, nil},
		"any", []any{1, nil, "x", 2.5},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1 0.1  -1e+300", "0.1 16777216 1e-07 ", "1 -1099511627776 9223372036854775807 -9223372036854775808", "18446744073709551615 0 1 2",
		"true false true true", "a b NA 1", "2024-02-29 2025-03-01 2024-02-29 2024-02-29", "2024-02-29 12:00:00  2024-02-29 12:00:00 2024-02-29 12:00:00",
		"0.5  0.5 ", "1  x 2.5",
	}
	for col, cells := range want {
		var got []string
		for row := range table.Rows() {
			got = append(got, table.Cell(row, col))
		}
		if s := strings.Join(got, " "); s != cells {
			t.Errorf("%s: %q, want %q", table.Columns()[col], s, cells)
		}
	}
	for col, kind := range []Kind{KindNumber, KindNumber, KindNumber, KindNumber, KindBoolean, "", KindDate, KindDate, KindNumber, ""} {
		if got := table.cols[col].fixed; got != kind {
			t.Errorf("%s is fixed as %q, want %q", table.Columns()[col], got, kind)
		}
	}
}

func TestFromRecords(t *testing.T) {
	type person struct {
		Height float64 `gradus:"height"`
		Smokes *bool
		Secret string `gradus:"-"`
	}
	yes := true
	table, err := FromRecords("people", []*person{{1.75, &yes, "s"}, {1.5, nil, ""}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table.Columns(), " ") + table.Cell(1, 0) + table.Cell(0, 1); got != "height Smokes1.5true" || !table.Missing(1, 1) {
		t.Errorf(`got %v, want "height Smokes1.5true" and a missing cell in row 1`, got)
	}
	_, err = FromRecords("people", []struct{ A []int }{{}})
	refuses(t, err, ErrOption, `people: row 0: column "A": a []int cannot be the value of a cell: give a number, string, bool, time.Time or nil`)
	_, err = FromRecords("people", []int{1})
	refuses(t, err, ErrOption, "people: a record is a int: it takes a struct")
	_, err = FromColumns("people", "a", []int{1}, "b", []int{1, 2})
	refuses(t, err, ErrRagged, `people: column "a" has 1 row, column "b" has 2: make them agree`)
	_, err = FromColumns("people", "a", 1)
	refuses(t, err, ErrOption, `people: column "a": a int is not a slice`)
	if _, err = FromColumns("people", "a", []string{"\xff"}); !errors.Is(err, ErrText) {
		t.Error(err)
	}
}

// TestPasswords: an address is shown without its password.
func TestPasswords(t *testing.T) {
	for path, want := range map[string]string{
		"postgres://ann:pa:ss@host/db":           "postgres://ann@host/db",
		"postgres://ann@host/db":                 "postgres://ann@host/db",
		"postgresql://ann:a@b@host/db":           "postgresql://ann@host/db",
		"postgres://host/db?password=secret&x=1": "postgres://host/db?password=&x=1",
		"postgres://ann:secret@host":             "postgres://ann@host",
		"sqlite:ann:secret@host":                 "sqlite:ann:secret@host",
		"/home/ann:x@y/a.csv":                    "/home/ann:x@y/a.csv",
	} {
		if got := WithoutPassword(path); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
}

// TestNotLinked: if no linked package reads a format, the error names the package that does.
func TestNotLinked(t *testing.T) {
	for head, pkg := range map[string]string{"PAR1....": "parquet", "ARROW1\x00\x00": "arrow", "\x93NUMPY\x01": "npy", `{"a": 1}`: "jsonl", "SQLite format 3\x00": "sqlite"} {
		_, err := Read(Stdin, ReadOptions{Stdin: strings.NewReader(head)})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `import _ "github.com/gradus-ml/gradus/data/`+pkg+`"`) {
			t.Errorf("%q: got %v, want an error that names the package", head, err)
		}
	}
	_, err := Read("postgres://ann:secret@host/db", ReadOptions{})
	refuses(t, err, ErrFormat, `postgres://ann@host/db: is a PostgreSQL database, which is not read here: import _ "github.com/gradus-ml/gradus/data/postgres"`)
}

// TestFromColumnsTwice: a name that comes twice is refused, because the caller would not find the second column under it.
func TestFromColumnsTwice(t *testing.T) {
	_, err := FromColumns("t", "a", []float64{1}, "b", []float64{2}, "a ", []float64{3})
	if want := `t: argument 4 names the column "a " a second time: give each column its own name`; err == nil || err.Error() != want || !errors.Is(err, ErrOption) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestUnknownTargetIsAColumn: an unknown target is an unknown column, and an option that does not fit the table.
func TestUnknownTargetIsAColumn(t *testing.T) {
	table, err := FromColumns("t", "a,b", []float64{1, 2}, "y", []float64{3, 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"z", "a"} {
		if _, err := Infer(table, SchemaOptions{Targets: []string{name}}); !errors.Is(err, ErrColumn) || !errors.Is(err, ErrTarget) || !errors.Is(err, ErrOption) {
			t.Errorf("the target %s: %v wraps ErrColumn: %v, ErrTarget: %v, ErrOption: %v, want all", name, err, errors.Is(err, ErrColumn), errors.Is(err, ErrTarget), errors.Is(err, ErrOption))
		}
	}
}
