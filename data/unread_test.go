package data

import (
	"errors"
	"strings"
	"testing"
)

// unreadTable returns a table with a column of numbers, a column of lists in the middle, and a target.
func unreadTable(t *testing.T, name string) *Table {
	t.Helper()
	x, tags, y := NewSeries("x"), NewSeries("tags"), NewSeries("y")
	for i := range 12 {
		x.Float(float64(i * i % 7))
		tags.Text("before")
		y.Float(float64(i) / 2)
	}
	tags.Unread("lists", "flatten it")
	tags.Unread("bytes", "a second reason does not count")
	table, err := TableOf(name, x, tags, y)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A column that was not read is left out with its reason, and listed by Describe.
func TestUnreadIsDropped(t *testing.T) {
	table := unreadTable(t, "a")
	s, err := Infer(table, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const why = "holds lists, which are not read: flatten it"
	if len(s.Dropped) != 1 || s.Dropped[0].Reason.String() != why || len(s.Columns) != 1 {
		t.Errorf("left out are %v, and the inputs are %v, want tags left out and the input x", s.Dropped, s.Columns)
	}
	if d := s.Describe(5)[1]; d.Role != "dropped" || d.Why.String() != why || !d.Unread || d.Missing != 0 {
		t.Errorf("the description is %+v, want a dropped column that was not read", d)
	}
	if s, err = Infer(table, SchemaOptions{Ignore: []string{"tags"}}); err != nil || s.Dropped[0].Reason.String() != asAsked {
		t.Errorf("got %v, %v, want the column ignored as asked", s, err)
	}
}

// A column that was not read causes an error where it is needed.
func TestUnreadIsNeeded(t *testing.T) {
	table := unreadTable(t, "a")
	infer := func(opt SchemaOptions) error {
		_, err := Infer(table, opt)
		return err
	}
	plain, err := NewTable("plain", []string{"x", "tags", "y"}, [][]string{{"1", "2", "3"}, {"2", "1", "4"}, {"3", "3", "5"}})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := fit(t, plain, SchemaOptions{}, ScaleAuto)
	_, bindErr := e.Bind(table)
	target, _ := fit(t, plain, SchemaOptions{Targets: []string{"tags"}}, ScaleAuto)
	bound, err := target.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	_, weightErr := Weights(table, "tags", []int{0})
	_, columnErr := table.Column("tags", "which --keep names")
	for name, c := range map[string]struct {
		err, kind error
		what      string
	}{
		"a target":         {infer(SchemaOptions{Targets: []string{"tags"}}), ErrTarget, "which is the target"},
		"a default target": {infer(SchemaOptions{Ignore: []string{"y"}}), ErrTarget, "which is the target if none is named"},
		"a type":           {infer(SchemaOptions{Types: map[string]Kind{"tags": KindNumber}}), ErrColumn, "which is given a type"},
		"a weight":         {weightErr, ErrColumn, "which weighs the rows"},
		"a kept column":    {columnErr, ErrColumn, "which --keep names"},
		"a model's input":  {bindErr, ErrColumn, "which the model needs"},
		"a model's target": {bound.CheckTargets(), ErrTarget, "which is the target"},
	} {
		want := `a: the column "tags", ` + c.what + ", holds lists, which are not read: flatten it"
		if c.err == nil || !errors.Is(c.err, c.kind) || !strings.HasPrefix(c.err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, c.err, want)
		}
	}
	if bound.Labeled() != nil {
		t.Error("rows count as labeled, but the target was not read")
	}
}

// A column that was not read in one of several files is left out in all of them.
func TestUnreadAcrossFiles(t *testing.T) {
	for _, unreadFirst := range []bool{true, false} {
		rows := [][]string{{"1", "2", "3"}, {"2", "1", "4"}, {"3", "3", "5"}}
		plain, err := NewTable("b", []string{"x", "tags", "y"}, rows)
		if err != nil {
			t.Fatal(err)
		}
		one, two := unreadTable(t, "a"), plain
		if !unreadFirst {
			one, two = two, one
		}
		if err := one.append(two, nil); err != nil {
			t.Fatal(err)
		}
		one.finish()
		s, err := Infer(one, SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := "holds lists, which are not read: flatten it"
		if !unreadFirst {
			want += " (so it is in a)"
		}
		if len(s.Dropped) != 1 || s.Dropped[0].Reason.String() != want || one.Rows() != 15 || !one.Missing(0, 1) || !one.Missing(14, 1) {
			t.Errorf("left out of %d rows are %v, want %q", one.Rows(), s.Dropped, want)
		}
	}
}

// Bytes are text if they are UTF-8.
func TestBlob(t *testing.T) {
	text, other, y := NewSeries("text"), NewSeries("other"), NewSeries("y")
	for i, b := range []string{"a", "bé", ""} {
		text.Blob([]byte(b))
		other.Blob([]byte{'a', 0xff}[:1+i%2])
		y.Int(int64(i))
	}
	table, err := TableOf("a", text, other, y)
	if err != nil {
		t.Fatal(err)
	}
	if table.Cell(1, 0) != "bé" || text.IsUnread() || !other.IsUnread() || !table.Missing(0, 1) {
		t.Errorf("the cells are %q and %q, want bé and a missing cell", table.Cell(1, 0), table.Cell(0, 1))
	}
}
