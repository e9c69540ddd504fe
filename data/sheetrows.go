package data

import (
	"fmt"
	"slices"
	"strings"
)

// What readers of formats with rows of cells, such as spreadsheets, share with the reader of text.

// Headed decides whether the first of the given rows names the columns, as Read decides it for a text. why is nil
// if the decision is obvious or was the caller's, by ReadOptions.Header.
func Headed(opt ReadOptions, rows [][]string) (headed bool, why Note) {
	if opt.Header == "yes" || opt.Header == "no" {
		return opt.Header == "yes", nil
	}
	return (&grammar{delimiter: []byte{';'}}).findHeader(rows)
}

// NumberedColumns returns the names of n columns that no row names: c0, c1, ...
func NumberedColumns(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return names
}

// TotalNote returns the note that a table's last row, which is at that line, is left out because it starts with a
// word such as Total. It returns nil for any other row.
func TotalNote(line int, cells []string) Note {
	i := slices.IndexFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" })
	if i < 0 || len(cells) < 2 {
		return nil
	}
	first := strings.TrimSpace(cells[i])
	if !slices.Contains(totals, strings.ToLower(first)) {
		return nil
	}
	return noteOf(fmt.Sprintf("the last line, %d, starts with %s: it is left out; if it is a row like the others, say ", line, quote(first)), set("KeepTotal", "true"))
}

// AddNote adds one of the table's Notes.
func (t *Table) AddNote(n Note) { t.notes = append(t.notes, n) }

// FailNote returns an error about the file whose reason is a note.
func (f *File) FailNote(kind error, reason Note) error {
	return &failure{note: noteOf(f.Name+": ", reason), kind: kind}
}

// notFor returns the error for an option that has no effect on a format, and nil if there is none.
func (opt ReadOptions) notFor(f Format, name string) error {
	given := []struct {
		option string
		is     bool
	}{
		{"Delimiter", opt.Delimiter != 0},
		{"Encoding", opt.Encoding != "" && opt.Encoding != "auto"},
		{"Header", !f.Rows && opt.Header != "" && opt.Header != "auto"},
		{"SkipRows", !f.Rows && opt.SkipRows != 0},
		{"Comment", !f.Rows && opt.Comment != ""},
		{"KeepTotal", !f.Rows && opt.KeepTotal},
	}
	for _, o := range given {
		if o.is {
			return &failure{note: noteOf(name+": is "+f.Name+", on which ", named(o.option), " has no effect: leave it out"), kind: ErrOption}
		}
	}
	return nil
}
