package model

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
)

// These functions word what notes and errors say.

// CellNotes says in sentences which cells were not encoded as they are.
func CellNotes(counts data.Counts) []string {
	var notes []string
	note := func(column, format string, args ...any) {
		notes = append(notes, fmt.Sprintf("column %q: ", column)+fmt.Sprintf(format, args...))
	}
	for _, c := range counts {
		if c.Unseen > 0 {
			note(c.Column, "a category that was not in the training rows in %s, such as %q", plural.Of(c.Unseen, "cell"), c.Example)
		}
		if c.Beyond > 0 {
			note(c.Column, "%s beyond the range of the training rows, which is %s to %s", plural.Of(c.Beyond, "cell"), c.Low, c.High)
		}
		if c.Imputed > 0 {
			note(c.Column, "%s, encoded as in training", plural.Of(c.Imputed, "missing cell"))
		}
		if c.Bad > 0 {
			note(c.Column, "%s of another type than in training, taken for missing; the first is %s", plural.Of(c.Bad, "cell"), c.BadCell)
		}
	}
	return notes
}

// quoteList writes up to eight names, quoted, and the number of further names.
func quoteList(names []string) string {
	const most = 8
	q := make([]string, 0, most)
	for i, n := range names {
		if i == most {
			return strings.Join(q, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		q = append(q, strconv.Quote(n))
	}
	return strings.Join(q, ", ")
}

// thousands writes 1234567 as "1,234,567".
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
