package data

import (
	"fmt"
	"strings"
)

// A RowError says what is wrong with a row of a table, or with a row of values that was given to
// EncodeRow. Errors about a cell are RowErrors, and so are those about a line that is no row.
type RowError struct {
	Table  string `json:"table,omitempty"` // the file; "" of a row of values
	Row    int    `json:"row"`             // from 0, of all that were given; -1 where only the line is known
	Line   int    `json:"line,omitempty"`  // of the file, from 1; 0: the row came from no text
	Column string `json:"column"`          // "" where the whole row is wrong
	Value  string `json:"value"`           // as it was given; "" where there is none
	Reason Note   `json:"reason"`          // what is wrong with it, and what to do
	Err    error  `json:"-"`               // what kind of error it is, such as ErrType

	file   string // with the row in it, where the table came from several files without lines
	noCell bool   // the reason does not begin with the value
	bare   bool   // the value is shown without quotes
}

// Error says where the row stands, and shows the value.
func (e *RowError) Error() string { return e.where() + e.Reason.String() }

// Text is Error with options as setting writes them.
func (e *RowError) Text(setting func(option, value string) string) string {
	return e.where() + e.Reason.Text(setting)
}

// where is what stands before the reason.
func (e *RowError) where() string {
	var b strings.Builder
	switch {
	case e.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", e.Table, e.Line)
	case e.file != "":
		b.WriteString(e.file + ": ")
	case e.Table != "":
		fmt.Fprintf(&b, "%s: row %d: ", e.Table, e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %s: ", quote(e.Column))
		what := "the value"
		if e.Table != "" {
			what = "the cell"
		}
		switch {
		case e.noCell || e.Table == "" && e.Value == "":
		case e.bare:
			fmt.Fprintf(&b, "%s %s ", what, e.Value)
		default:
			fmt.Fprintf(&b, "%s %s ", what, quote(e.Value))
		}
	}
	return b.String()
}

// Unwrap returns Err.
func (e *RowError) Unwrap() error { return e.Err }

// Refuse is the error, a *RowError, that a cell of the table is what the reason says of it, which goes
// on from the cell: "is not a number: correct it". kind is what errors.Is tells of it.
func (t *Table) Refuse(kind error, row, col int, reason string, args ...any) error {
	return t.refuse(kind, row, col, Notef(reason, args...))
}

// refuse is Refuse with a reason that may recommend options.
func (t *Table) refuse(kind error, row, col int, reason Note) error {
	name, lines, at := t.where(row)
	e := &RowError{Table: name, Row: row, Column: t.columns[col], Value: t.Cell(row, col), Reason: reason, Err: kind}
	if lines != nil {
		e.Line = lines.at(at)
	} else {
		e.file = t.At(row)
	}
	return e
}

// refuseMissing is Refuse for a cell that is missing.
func (t *Table) refuseMissing(row, col int, reason string, args ...any) error {
	e := t.Refuse(ErrTarget, row, col, reason, args...).(*RowError)
	e.Value, e.noCell = "", true
	return e
}

// lineError is the error about a line of a text, of which no more is known. The reason is put together by noteOf.
func lineError(kind error, table string, line int, reason ...any) error {
	return &RowError{Table: table, Row: -1, Line: line, Reason: noteOf(reason...), Err: kind}
}
