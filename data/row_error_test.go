package data

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// rowError returns the fields of the RowError that an error wraps.
func rowError(t *testing.T, err error) RowError {
	t.Helper()
	var e *RowError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a RowError", err)
	}
	return RowError{Table: e.Table, Row: e.Row, Line: e.Line, Column: e.Column, Value: e.Value, Reason: e.Reason, Err: e.Err}
}

// TestRowErrors: a RowError has the parts of its sentence as fields.
func TestRowErrors(t *testing.T) {
	read := func(text string) (*Table, error) { return Read(Stdin, ReadOptions{Stdin: strings.NewReader(text)}) }
	types := func(text string, kind Kind) error {
		table, err := read(text)
		if err != nil {
			return err
		}
		_, err = Infer(table, SchemaOptions{Types: map[string]Kind{"a": kind}})
		return err
	}
	_, ragged := read("a,b\n1,2\n3\n")
	_, quoted := read("a,b\n1,2\n3,x\"y\n")
	_, memory := NewTable("m", []string{"a", "b"}, [][]string{{"1", "2"}, {"1"}})
	_, records := FromRecords("m", []struct{ A any }{{1}, {[]int{1}}})
	_, columns := FromColumns("m", "a", []any{1, 2, struct{}{}})
	weighed, err := read("a,w\n1,2\n2,-1\n")
	if err != nil {
		t.Fatal(err)
	}
	_, weight := Weights(weighed, "w", []int{0, 1})
	for name, c := range map[string]struct {
		err  error
		kind error
		want RowError
	}{
		"a type":    {types("a,y\n1,2\n\"x, y\",3\n", KindNumber), ErrType, RowError{Table: StdinName, Row: 1, Line: 3, Column: "a", Value: "x, y"}},
		"an option": {types("a,y\n1,2\nx,3\n", KindNumber), ErrOption, RowError{Table: StdinName, Row: 1, Line: 3, Column: "a", Value: "x"}},
		"a number":  {types("a,y\n1,2\n1e999,3\n", KindNumber), ErrNumber, RowError{Table: StdinName, Row: 1, Line: 3, Column: "a", Value: "1e999"}},
		"ragged":    {ragged, ErrRagged, RowError{Table: StdinName, Row: -1, Line: 3}},
		"quotes":    {quoted, ErrQuote, RowError{Table: StdinName, Row: -1, Line: 3}},
		"memory":    {memory, ErrRagged, RowError{Table: "m", Row: 1}},
		"a record":  {records, ErrOption, RowError{Table: "m", Row: 1, Column: "A"}},
		"a slice":   {columns, ErrOption, RowError{Table: "m", Row: 2, Column: "a"}},
		"a weight":  {weight, ErrNumber, RowError{Table: StdinName, Row: 1, Line: 3, Column: "w", Value: "-1"}},
	} {
		got := rowError(t, c.err)
		if !errors.Is(c.err, c.kind) || got.Reason == nil || !strings.Contains(c.err.Error(), got.Reason.String()) {
			t.Errorf("%s: got %v, want c.err to wrap c.kind and got.Reason != nil and got.Reason.String() in c.err.Error()", name, c.err)
		}
		c.want.Reason, c.want.Err = got.Reason, got.Err
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestRowErrorSentences(t *testing.T) {
	for want, e := range map[string]RowError{
		`f.csv:3: column "a": the cell "x" is no number`:  {Table: "f.csv", Row: 1, Line: 3, Column: "a", Value: "x", Reason: Notef("is no number")},
		`rows: row 1: column "a": the cell "" is missing`: {Table: "rows", Row: 1, Column: "a", Reason: Notef("is missing")},
		`column "a": the value "x" is no number`:          {Column: "a", Value: "x", Reason: Notef("is no number")},
		`column "a": no value for it`:                     {Column: "a", Reason: Notef("no value for it")},
		`f.csv:3: row has 1 cell`:                         {Table: "f.csv", Row: -1, Line: 3, Reason: Notef("row has 1 cell")},
	} {
		if e.Error() != want {
			t.Errorf("got %s, want %s", e.Error(), want)
		}
	}
	text, err := json.Marshal(RowError{Row: 1, Column: "a", Value: "x", Reason: Notef("is no number"), Err: ErrType})
	if want := `{"row":1,"column":"a","value":"x","reason":"is no number"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want its JSON and no error", text, err)
	}
}
