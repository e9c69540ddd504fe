package data

import (
	"fmt"
	"strings"
)

// A RowError says what is wrong with a row of a table, or with a row of values given to
// EncodeRow. Errors about a cell are RowErrors. So are errors about a line that is not a valid row.
type RowError struct {
	Table  string `json:"table,omitempty"` // the file; "" for a row of values
	Row    int    `json:"row"`             // the index among all given rows, from 0; -1 if only the line is known
	Line   int    `json:"line,omitempty"`  // of the file, from 1; 0 if the row did not come from text
	Column string `json:"column"`          // "" if the whole row is wrong
	Value  string `json:"value"`           // as it was given; "" if there is none
	Reason Note   `json:"reason"`          // what is wrong with it, and what to do
	Err    error  `json:"-"`               // what kind of error it is, such as ErrType

	file   string // the file and the row in it, if the table has no lines
	noCell bool   // the reason does not begin with the value
	bare   bool   // the value is shown without quotes
}

// Error says where the row is, and shows the value.
func (e *RowError) Error() string { return e.where() + e.Reason.String() }

// Text returns the same as Error, with options written by setting.
func (e *RowError) Text(setting func(option, value string) string) string {
	return e.where() + e.Reason.Text(setting)
}

// where returns the text before the reason.
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

// Refuse returns an error about a cell of the table, a *RowError. The reason continues the sentence
// after the cell: "is not a number: correct it". errors.Is finds kind in it.
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

// lineError returns the error about a line of a text, if only the line is known. The reason is built by noteOf.
func lineError(kind error, table string, line int, reason ...any) error {
	return &RowError{Table: table, Row: -1, Line: line, Reason: noteOf(reason...), Err: kind}
}
