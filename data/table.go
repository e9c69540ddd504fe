package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/spill"
)

// A Table holds the values of a file, column by column, with a name for each column. It does
// not change after it is made, so many goroutines can read it.
type Table struct {
	name    string
	columns []string
	index   map[string]int
	rows    int
	cols    []column
	lines   lineMap // nil for a table that did not come from text
	disk    *Spill  // where the cells are stored; nil: in memory
	spans   []span  // of a table that came from several files

	unnamed map[int]bool // columns whose name in the header was empty
	format  []string     // see Format
	notes   []Note       // see Notes
	title   Note         // the note that a title may be above the header
	last    string       // the column that ends the first row, if later rows brought more; see EndsIn
}

// Notes returns the decisions made in reading that may be unexpected, one sentence each.
func (t *Table) Notes() []Note { return slices.Clone(t.notes) }

// AddNote adds a note to the table's Notes.
func (t *Table) AddNote(n Note) { t.notes = append(t.notes, n) }

func (t *Table) note(format string, args ...any) {
	t.notes = append(t.notes, Notef(format, args...))
}

// EndsIn says that the table's rows end in the given column, as the first one shows, although later rows have further
// columns. It is the default target. It is for readers of formats whose rows name their columns.
func (t *Table) EndsIn(column string) { t.last = column }

// Format returns how the file was read: "commas, byte-order mark, gzip".
func (t *Table) Format() string { return strings.Join(t.format, ", ") }

// NewTable makes a table from memory. The name is used for the file in messages.
func NewTable(name string, columns []string, rows [][]string) (*Table, error) {
	t := &Table{name: name, format: []string{"in memory"}}
	if err := t.setColumns(columns, 0); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fail(ErrEmpty, "%s: the table has no rows: it takes at least one", name)
	}
	for i, row := range rows {
		if len(row) != len(columns) {
			return nil, &RowError{Table: name, Row: i, Reason: Notef("it has %s, the table has %s: make them agree", plural.Of(len(row), "cell"), plural.Of(len(columns), "column")), Err: ErrRagged}
		}
		for col, cell := range row {
			if !isText([]byte(cell)) {
				return nil, &RowError{Table: name, Row: i, Column: t.columns[col], Value: cell, Reason: Notef("is not UTF-8 text"), Err: ErrText}
			}
			t.cols[col].add(trim([]byte(cell)))
		}
	}
	t.rows = len(rows)
	t.finish()
	return t, nil
}

// finish completes the columns of a text.
func (t *Table) finish() {
	parallel(len(t.cols), func(i int) { t.cols[i].finish() })
}

// setColumns sets the columns' names. An empty name becomes c and the column's index.
func (t *Table) setColumns(names []string, line int) error {
	t.columns = make([]string, len(names))
	t.cols = make([]column, len(names))
	t.index = make(map[string]int, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			name = fmt.Sprintf("c%d", i)
			if t.unnamed == nil {
				t.unnamed = make(map[int]bool)
			}
			t.unnamed[i] = true
		}
		if first, taken := t.index[name]; taken {
			where := t.name
			if line > 0 {
				where = fmt.Sprintf("%s:%d", t.name, line)
			}
			return fail(ErrDuplicateColumn, "%s: columns %d and %d are both named %s: give each column a name of its own",
				where, first+1, i+1, quote(name))
		}
		t.columns[i] = strings.Clone(name)
		t.index[t.columns[i]] = i
	}
	return nil
}

// Name returns the file's path, or "standard input".
func (t *Table) Name() string { return t.name }

// Named returns the table under another name.
func (t *Table) Named(name string) *Table {
	named := *t
	named.name = name
	return &named
}

// Rows returns the number of rows, without the header.
func (t *Table) Rows() int { return t.rows }

// Columns returns the columns' names in the order of the file.
func (t *Table) Columns() []string { return slices.Clone(t.columns) }

// Index returns the position of the column with that name, or -1.
func (t *Table) Index(name string) int {
	if i, ok := t.index[name]; ok {
		return i
	}
	return -1
}

// Target returns the position of the column with that name. The error for a table
// without such a column lists similar names.
func (t *Table) Target(name string) (int, error) {
	i, ok := t.index[name]
	switch {
	case !ok:
		return -1, unknownColumn(t, ErrTarget, "which is the target", name)
	case t.cols[i].unread != nil:
		return -1, t.unreadError(ErrTarget, i, "which is the target")
	}
	return i, nil
}

// Cell returns the text of a cell as it is in the file, without surrounding blanks. Of a table on a disk that cannot be
// read, Cell and the other methods that return no error panic with an error that wraps ErrSpill.
func (t *Table) Cell(row, col int) string {
	if t.disk != nil {
		defer spill.Raise()()
	}
	return t.cols[col].text(row)
}

// Number returns the number in a cell. ok is false if it is missing, text or not finite.
func (t *Table) Number(row, col int) (v float64, ok bool) {
	if t.disk != nil {
		defer spill.Raise()()
	}
	v, c := t.cols[col].number(row)
	return v, c == number
}

// Missing reports whether a cell is missing.
func (t *Table) Missing(row, col int) bool {
	if t.disk != nil {
		defer spill.Raise()()
	}
	return t.cols[col].missing(row)
}

// Line returns the line of the file that a row starts on, or 0 if it did not come from text.
func (t *Table) Line(row int) int {
	_, lines, at := t.where(row)
	if lines == nil {
		return 0
	}
	return lines.at(at)
}

// isPixel reports whether a column holds the bytes of an image.
func (t *Table) isPixel(col int) bool {
	c := &t.cols[col]
	return c.form == formPixels && c.pixels.element == idxUint8 && !c.label
}

// At identifies a row in messages: a.csv:12, or a.parquet: row 10 if it has no line.
func (t *Table) At(row int) string {
	name, lines, at := t.where(row)
	if lines == nil {
		return fmt.Sprintf("%s: row %d", name, at)
	}
	return fmt.Sprintf("%s:%d", name, lines.at(at))
}

// cellAt identifies a cell and shows it, in messages.
func (t *Table) cellAt(row, col int) string {
	return fmt.Sprintf("%s: column %s: the cell %s", t.At(row), quote(t.columns[col]), quote(t.Cell(row, col)))
}

// all returns the list of all rows.
func (t *Table) all() []int {
	rows := spill.Must[int](t.disk, t.rows)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
