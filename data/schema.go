package data

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/spill"
)

// A Kind is how a column is interpreted.
type Kind string

// The kinds of columns. A column of kind "ignore" is left out.
const (
	KindNumber   Kind = "number"
	KindCategory Kind = "category"
	KindBoolean  Kind = "boolean"
	KindDate     Kind = "date"
	KindIgnore   Kind = "ignore"
)

// ParseKind reads the name of a kind.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case KindNumber, KindCategory, KindBoolean, KindDate, KindIgnore:
		return k, nil
	}
	return "", fail(ErrOption, "%s is not one of number, category, boolean, date and ignore", quote(s))
}

// SchemaOptions say what is known about a table in advance.
type SchemaOptions struct {
	Targets []string        // none: the last column that is not ignored; if rows have different columns, the last of the first row
	Task    Task            // "" is Auto
	Types   map[string]Kind // overrides what is inferred
	Ignore  []string        // columns that are left out

	Positive string // the positive one of two classes; "": the second in their order

	// Rows are the rows to look at, ascending; nil: all. All other rows are ignored.
	Rows []int

	// How cells are written. What is not given is detected.
	Missing    []string          // words that are missing besides the usual ones; "none": no word is missing
	Decimal    string            // "." or ","; "": detected
	DateFormat map[string]string // layouts of columns of dates, in strftime notation
}

// A Column is one column that the network sees, and its kind.
type Column struct {
	Name    string `json:"name"`
	Index   int    `json:"index"` // in the table
	Kind    Kind   `json:"kind"`
	Missing int    `json:"missing"`          // cells
	Note    Note   `json:"note,omitempty"`   // a remark for the report, or nil
	Smooth  bool   `json:"smooth,omitempty"` // a number that gets no pieces, because they are constant beyond the range of the training rows

	Spelling *Spelling `json:"spelling,omitempty"` // of its cells; nil: the usual one

	pixel    bool
	dayFirst bool
}

// A Drop is a column that the network does not see, and the reason.
type Drop struct {
	Name   string `json:"name"`
	Reason Note   `json:"reason"`
}

// asAsked is the reason for columns that an option ignores.
const asAsked = "ignored, as asked"

// A Schema is the interpretation of the columns of a table.
type Schema struct {
	Task          Task     `json:"task"`
	Columns       []Column `json:"columns"` // the inputs
	Dropped       []Drop   `json:"dropped"`
	Targets       []Target `json:"targets"`
	DefaultTarget bool     `json:"default_target"` // no target was named: see SchemaOptions.Targets
	Rows          []int    `json:"rows"`           // the rows in which no target is missing
	Unlabeled     int      `json:"unlabeled"`      // the number of other rows; they are left out of training

	table    *Table
	looked   []int     // the rows that were looked at; nil: all
	spelling *Spelling // of all columns; nil: the usual one
	null     bool      // null was found, so it is missing in spelling
}

// rowsOf iterates over some rows of a table, nil for all.
func (t *Table) rowsOf(rows []int) iter.Seq[int] {
	if rows != nil {
		return slices.Values(rows)
	}
	return func(yield func(int) bool) {
		for row := range t.rows {
			if !yield(row) {
				return
			}
		}
	}
}

// size returns the number of rows that were looked at.
func (s *Schema) size() int {
	if s.looked != nil {
		return len(s.looked)
	}
	return s.table.rows
}

// Infer decides the kind of each column of a table, and the task.
//
// A column whose cells are all numbers is a number. A column with two words out of
// true/false, yes/no, t/f and y/n is a boolean. A column of dates, or of dates with
// times, is a date (1999-12-31, 1999/12/31, 1999-12-31 23:59:59, RFC 3339, and
// 31.12.1999 if a day above 12 leaves no doubt). Any other column is a category. Missing
// cells do not count.
//
// Infer drops columns whose cells are all missing or all the same, text with nearly as
// many values as cells, and numbers that only count the rows. Types overrides all this;
// a cell of another type is then an error. A table of one row keeps every column that is
// not missing.
func Infer(t *Table, opt SchemaOptions) (s *Schema, err error) {
	defer spill.Guard(&err)()
	s, err = infer(t, opt)
	if t.title != nil && !errors.Is(err, ErrOption) {
		switch e := err.(type) {
		case *failure:
			e.note = noteOf(e.note, "; ", t.title)
		case *RowError:
			e.Reason = noteOf(e.Reason, "; ", t.title)
		}
	}
	return s, err
}

func infer(t *Table, opt SchemaOptions) (*Schema, error) {
	s := &Schema{table: t, looked: opt.Rows}
	if err := s.readSpelling(t, opt); err != nil {
		return nil, err
	}
	if len(opt.Missing) == 0 && s.hasNull() {
		s.null, s.spelling = true, &Spelling{Missing: append(slices.Clone(usualMissing), null)}
	}
	ignored, err := ignoredColumns(t, opt)
	if err != nil {
		return nil, err
	}
	targets, err := s.targetColumns(t, opt, ignored)
	if err != nil {
		return nil, err
	}
	var cols []int
	for col, name := range t.columns {
		switch {
		case slices.Contains(targets, col):
		case ignored[col]:
			s.Dropped = append(s.Dropped, Drop{name, Notef(asAsked)})
		case t.cols[col].unread != nil:
			if opt.Types[name] != "" {
				return nil, misfit(t.unreadError(ErrColumn, col, "which is given a type"))
			}
			s.Dropped = append(s.Dropped, Drop{name, t.cols[col].unread})
		default:
			cols = append(cols, col)
		}
	}
	looks := make([]inspection, len(cols))
	parallel(len(cols), func(i int) {
		if kind := opt.Types[t.columns[cols[i]]]; !t.isPixel(cols[i]) || kind != "" {
			looks[i] = s.inspect(t, cols[i], opt.Rows, kind, opt.DateFormat[t.columns[cols[i]]], opt.Decimal)
		}
	})
	targetLooks := make([]inspection, len(targets))
	parallel(len(targets), func(i int) { targetLooks[i] = s.lookTarget(t, targets[i], opt, opt.Decimal) })
	if comma := commaIsDecimal(slices.Concat(looks, targetLooks)); comma != "" && opt.Decimal == "" { // the clear columns decide for the others
		for i := range looks {
			if looks[i].unclear {
				looks[i] = s.inspect(t, cols[i], opt.Rows, opt.Types[t.columns[cols[i]]], "", comma)
			}
		}
		for i := range targetLooks {
			if targetLooks[i].unclear {
				targetLooks[i] = s.lookTarget(t, targets[i], opt, comma)
			}
		}
	}
	for i, col := range cols {
		c := Column{Name: t.columns[col], Index: col, Kind: KindNumber, pixel: t.isPixel(col)}
		if c.pixel && opt.Types[c.Name] == "" {
			s.Columns = append(s.Columns, c)
			continue
		}
		c.pixel = false
		if err := s.addColumn(t, c, &looks[i], opt.Types[c.Name]); err != nil {
			return nil, err
		}
	}
	if len(s.Columns) == 0 {
		why := Notef("the table has no other column")
		if len(s.Dropped) > 0 {
			why = noteOf(s.Dropped[0].Name+": ", s.Dropped[0].Reason)
			if n := len(s.Dropped) - 1; n > 0 {
				why = noteOf(why, fmt.Sprintf("; and %d more", n))
			}
		}
		return nil, &failure{note: noteOf(t.name+": no column is left to learn from (", why, "): ", s.keeping()), kind: ErrColumn}
	}
	return s, s.inferTargets(t, targets, targetLooks, opt)
}

// keeping says how to keep a column that was dropped.
func (s *Schema) keeping() Note {
	asked := 0
	for _, d := range s.Dropped {
		if d.Reason.String() == asAsked {
			asked++
		}
	}
	switch {
	case len(s.Dropped) == 0:
		return Notef("add the columns to learn it from")
	case asked == len(s.Dropped):
		return Notef("ignore fewer")
	case asked > 0:
		return noteOf("ignore fewer, or keep a column by ", named("Types"))
	}
	return noteOf("keep a column by naming its type with ", named("Types"))
}

// addColumn puts a column among the inputs or among the dropped columns.
func (s *Schema) addColumn(t *Table, c Column, l *inspection, asked Kind) error {
	p := &l.profile
	c.Missing = p.missing
	c.Kind = asked
	c.Spelling = l.spelling
	c.Note = l.note
	if asked == "" {
		c.Kind = l.kind()
		if reason := l.dropReason(t, c.Index, c.Kind); reason != nil {
			if l.note != nil {
				reason = noteOf(reason, "; ", l.note)
			}
			s.Dropped = append(s.Dropped, Drop{c.Name, reason})
			return nil
		}
		switch _, long := l.c.codeLike(l.rows); {
		case c.Kind == KindCategory && c.Note == nil && l.strays != nil:
			c.Note = l.strays.note(t, c.Index)
		case c.Kind == KindCategory:
			l.remark(l.caseVariants(t))
			c.Note = l.note
		case c.Note != nil:
		case c.Kind == KindNumber && long:
			c.Note = noteOf("whole numbers of more than 15 digits lose their last digits; if they are ids, say ", typed(c.Name, KindCategory), " or ", set("Ignore", c.Name))
		case c.Kind == KindNumber:
			c.Note = l.wholeDoubts(t, c.Name)
		}
	}
	if err := l.checkKind(t, c.Index, c.Kind); err != nil {
		if asked != "" || l.given {
			err = misfit(err)
		}
		return err
	}
	c.dayFirst = c.Kind == KindDate && p.dates.dotted
	s.Columns = append(s.Columns, c)
	return nil
}

// dropReason returns the reason to drop a column; nil if it is useful.
func (l *inspection) dropReason(t *Table, col int, kind Kind) Note {
	p, name := &l.profile, t.columns[col]
	if p.present() == 0 {
		return Notef("all cells are missing")
	}
	if only, ok := p.constant(); ok && p.cells() > 1 {
		if len(t.cols[col].odd.rows) > 0 {
			if p.look(l.c, l.rows); len(p.levels) > 1 {
				return noteOf(fmt.Sprintf("whole numbers that are too long to be told apart as numbers, such as %s; ", p.view.dict.at(p.levels[0])),
					typed(name, KindCategory), " takes them for words")
			}
		}
		return Notef("constant: every cell is %s", quote(only))
	}
	switch {
	case kind == KindNumber && p.countsRows(t, col, l.rows):
		if p.long() {
			return noteOf(fmt.Sprintf("an id: whole numbers that are all different and too long to be told apart as numbers, such as %s; ", p.view.dict.at(p.levels[0])),
				typed(name, KindNumber), " keeps it")
		}
		if p.max-p.min != float64(p.numbers-1) && t.lacksName(col) {
			different := "all different"
			if len(t.spans) > 1 {
				different += " in each file"
			}
			return noteOf(fmt.Sprintf("an index: a first column without a name, of whole numbers that are %s, from %s to %s; ", different, formatNumber(p.min), formatNumber(p.max)),
				typed(name, KindNumber), " keeps it")
		}
		return noteOf(fmt.Sprintf("counts the rows: whole numbers from %s to %s; ", formatNumber(p.min), formatNumber(p.max)), typed(name, KindNumber), " keeps it")
	case kind == KindCategory && tooManyLevels(len(p.levels), p.present()):
		reason := noteOf(fmt.Sprintf("id-like text: %d different values in %d cells, such as %s; ", len(p.levels), p.present(), quote(p.view.dict.at(p.levels[0]))),
			typed(name, KindCategory), " keeps it")
		if note := l.strays.note(t, col); note != nil {
			reason = noteOf(reason, "; ", note)
		}
		return reason
	}
	return nil
}

// checkKind refuses the first cell that does not fit the column's kind.
func (l *inspection) checkKind(t *Table, col int, kind Kind) error {
	p := &l.profile
	switch kind {
	case KindNumber:
		if p.words > 0 {
			row := p.firstWord
			if l.strays != nil && l.strays.what == "number" {
				row = l.strays.row
			}
			return t.Refuse(ErrType, row, col, "is not a number: correct it, or give the column another type")
		}
		if p.odd > 0 {
			return oddNumberError(t, p.firstOdd, col)
		}
	case KindBoolean:
		for row := range t.rowsOf(l.rows) {
			if _, c := l.c.value(row).truth(l.spelling); c != number && c != missing {
				return t.Refuse(ErrType, row, col, "is not a boolean: expected true/false, yes/no, t/f, y/n or 1/0")
			}
		}
	case KindDate:
		if l.spelling != nil && l.spelling.Layout != "" {
			date := l.c.dates(l.spelling, false)
			for row := range t.rowsOf(l.rows) {
				if date(row).c == word {
					return t.refuse(ErrType, row, col, noteOf(fmt.Sprintf("is not a date as %s has it: correct it, or give another ", quote(l.spelling.Layout)), named("DateFormat")))
				}
			}
		} else if p.dates.broken {
			return t.refuse(ErrType, p.dates.broke, col, noteOf("is not a date: expected 1999-12-31, 1999-12-31 23:59:59 or the like; ",
				set("DateFormat", t.columns[col]+"=%d/%m/%Y"), " names another way to write them"))
		}
	}
	return nil
}

func oddNumberError(t *Table, row, col int) error {
	return t.refuse(ErrNumber, row, col, noteOf("is not a finite decimal number: correct it, or say ", set("Missing", t.Cell(row, col)), " if it means that the value is missing"))
}

// ignoredColumns checks the names in the options and marks the columns to leave out.
func ignoredColumns(t *Table, opt SchemaOptions) (map[int]bool, error) {
	ignored := make(map[int]bool)
	for _, name := range opt.Ignore {
		col := t.Index(name)
		if col < 0 {
			return nil, misfit(unlisted(t, ErrColumn, "Ignore", "to ignore", name, opt.Ignore))
		}
		ignored[col] = true
	}
	names := make([]string, 0, len(opt.Types))
	for name := range opt.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		col := t.Index(name)
		if col < 0 {
			return nil, misfit(unknownColumn(t, ErrColumn, "to give a type", name, names...))
		}
		if _, err := ParseKind(string(opt.Types[name])); err != nil {
			return nil, fail(ErrOption, "the type of column %s: %v", quote(name), err)
		}
		if opt.Types[name] == KindIgnore {
			ignored[col] = true
		}
	}
	return ignored, nil
}

// targetColumns finds the targets. If none is named, the target is the last column of the first row. Columns that have
// neither a name nor a cell are skipped: they appear if all lines end with a delimiter.
func (s *Schema) targetColumns(t *Table, opt SchemaOptions, ignored map[int]bool) ([]int, error) {
	var cols []int
	for _, name := range opt.Targets {
		name = strings.TrimSpace(name)
		col := t.Index(name)
		switch {
		case col < 0:
			return nil, misfit(unlisted(t, ErrTarget, "Targets", "to take for the target", name, opt.Targets))
		case slices.Contains(cols, col):
			return nil, misfit(fail(ErrTarget, "%s: the target %s is named twice: name it once", t.name, quote(name)))
		case ignored[col]:
			return nil, misfit(fail(ErrTarget, "%s: the target %s is to be ignored as well: choose one", t.name, quote(name)))
		case t.cols[col].unread != nil:
			return nil, misfit(t.unreadError(ErrTarget, col, "which is the target"))
		}
		cols = append(cols, col)
	}
	if len(cols) > 0 {
		return cols, nil
	}
	s.DefaultTarget = true
	last := func(col int) ([]int, error) {
		if t.cols[col].unread != nil {
			return nil, &failure{note: noteOf(t.unreadError(ErrTarget, col, "which is the target if none is named").note, "; or name another column with ", named("Targets")), kind: ErrTarget}
		}
		return []int{col}, nil
	}
	if col := t.Index(t.last); t.last != "" && !ignored[col] {
		return last(col)
	}
	for col := len(t.columns) - 1; col >= 0; col-- {
		blank := t.columns[col] == fmt.Sprintf("c%d", col) && t.cols[col].empty() && t.cols[col].unread == nil
		if !ignored[col] && !blank {
			return last(col)
		}
	}
	return nil, misfit(fail(ErrTarget, "%s: every column is to be ignored: leave one for the target", t.name))
}
