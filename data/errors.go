package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Errors of reading a file.
var (
	ErrNoFile          = errors.New("no such file")
	ErrUnreadable      = errors.New("a file that cannot be read") // the file exists: no permission, or a broken disk
	ErrFolder          = errors.New("a folder, not a file")
	ErrEmpty           = errors.New("no rows")
	ErrRagged          = errors.New("rows of different lengths")
	ErrQuote           = errors.New("broken quotes")
	ErrText            = errors.New("not UTF-8 text")
	ErrDuplicateColumn = errors.New("two columns with one name")
	ErrLarge           = errors.New("larger than allowed")
	ErrCompressed      = errors.New("damaged compressed data")
	ErrDamaged         = errors.New("a damaged file")
	ErrChanged         = errors.New("a file that changed while it was read")
	ErrFormat          = errors.New("a format, or a part of one, that is not read")
	ErrIDX             = errors.New("damaged IDX file")
	ErrOption          = errors.New("an option that makes no sense") // in general, or for this table; then another sentinel says why
)

// Errors about the contents of a table.
var (
	ErrColumn = errors.New("no such column")                               // or a column that cannot be used
	ErrNumber = errors.New("not a finite number")                          // infinities, 1e400, 0x1p3, 1_000
	ErrType   = errors.New("a cell of another type")                       // text in a column of numbers
	ErrTarget = errors.New("a target that cannot be used")                 // missing, constant, too many classes
	ErrTask   = errors.New("a task that does not fit")                     // such as regression on text
	ErrUnseen = errors.New("a category that was not in the training rows") // refused by a strict prediction
	ErrClass  = errors.New("a class that was not in the training rows")    // of labeled data
)

// ErrEncoding is the error of an Encoding that contradicts itself.
var ErrEncoding = errors.New("invalid encoding")

// A failure is a sentence with a sentinel error and an optional cause.
type failure struct {
	note  Note
	kind  error
	cause error
}

func (f *failure) Error() string { return f.note.String() }

// Text returns the error's sentence, with options written by setting.
func (f *failure) Text(setting func(option, value string) string) string { return f.note.Text(setting) }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

func fail(kind error, format string, args ...any) error {
	return &failure{note: Notef(format, args...), kind: kind}
}

func failBecause(cause, kind error, format string, args ...any) error {
	return &failure{note: Notef(format, args...), kind: kind, cause: cause}
}

// misfit marks a failure as one of an option: the option does not fit the table.
func misfit(err error) error {
	switch e := err.(type) {
	case *failure:
		if e.cause == nil {
			e.cause = ErrOption
		}
	case *RowError:
		e.Err = &failure{note: Notef("%v", e.Err), kind: e.Err, cause: ErrOption}
	}
	return err
}

// quote shows a cell or a name in a message, shortened.
func quote(s string) string {
	const most = 40
	n, more, plain := 0, "", true
	for i, r := range s {
		if n == most {
			s, more = s[:i], "..."
			break
		}
		n++
		plain = plain && r != '"' && r != utf8.RuneError && strconv.IsPrint(r)
	}
	if plain { // backslashes are kept as they are
		return `"` + s + `"` + more
	}
	return fmt.Sprintf("%q", s) + more
}

// list joins names for a message; beyond ten, the rest are counted.
func list(names []string) string {
	const most = 10
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(name))
	}
	return b.String()
}

// unknownColumn says that the table has no such column, and lists similar names. Names already
// in use are not suggested. Whatever its kind, the error wraps ErrColumn too.
func unknownColumn(t *Table, kind error, what, name string, used ...string) error {
	if kind != ErrColumn {
		kind = fmt.Errorf("%w: %w", kind, ErrColumn)
	}
	for _, other := range t.columns {
		if norm.NFC.String(other) == norm.NFC.String(name) {
			return fail(kind, "%s: there is no column %s %s: a column looks the same, but its accents are written in another way (Unicode's NFC and NFD): copy its name from the file, %+q",
				t.name, quote(name), what, other)
		}
	}
	free := slices.DeleteFunc(slices.Clone(t.columns), func(c string) bool { return slices.Contains(used, c) })
	if near := nearNames(name, free); len(near) > 0 {
		return fail(kind, "%s: there is no column %s %s: did you mean %s?", t.name, quote(name), what, list(near))
	}
	return fail(kind, "%s: there is no column %s %s: the columns are %s", t.name, quote(name), what, list(t.columns))
}

// unlisted is unknownColumn for a name in an option that lists columns. If the list was cut at the commas of a
// column's name, it says how to give that column.
func unlisted(t *Table, kind error, option, what, name string, list []string) error {
	for _, other := range t.columns {
		if strings.HasPrefix(other, name+",") {
			return &failure{note: noteOf(fmt.Sprintf("%s: there is no column %s %s; the column %s has commas in its name: say ", t.name, quote(name), what, quote(other)),
				set(option, other)), kind: fmt.Errorf("%w: %w", kind, ErrColumn)}
		}
	}
	return unknownColumn(t, kind, what, name, list...)
}

// nearNames returns up to three names within an edit distance of two, or of a third of
// the wanted name's length. The nearest comes first.
func nearNames(name string, names []string) []string {
	var near [3][]string
	limit := min(max(1, len(name)/3), len(near)-1)
	want := strings.ToLower(name)
	for _, n := range names {
		if abs(len(n)-len(name)) > limit {
			continue
		}
		if d := editDistance(want, strings.ToLower(n)); d <= limit {
			near[d] = append(near[d], n)
		}
	}
	var out []string
	for _, group := range near {
		out = append(out, group...)
	}
	return out[:min(len(out), 3)]
}

// editDistance returns the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
