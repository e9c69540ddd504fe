package data

import (
	"fmt"
	"slices"
	"strings"
)

// Readers of formats with rows of cells, such as spreadsheets, share these functions with the reader of text.

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
