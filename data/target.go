package data

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/spill"
)

// A Task is what is learned about the targets.
type Task string

// The tasks. Auto lets Infer choose. A Schema and an Encoding have one of the others.
const (
	Auto       Task = "auto"
	Regression Task = "regression"
	Binary     Task = "binary"
	Multiclass Task = "multiclass"
	Multilabel Task = "multilabel"
)

// ParseTask reads the name of a task.
func ParseTask(s string) (Task, error) {
	switch t := Task(s); t {
	case Auto, Regression, Binary, Multiclass, Multilabel:
		return t, nil
	}
	return "", fail(ErrOption, "%s is not one of auto, regression, binary, multiclass and multilabel", quote(s))
}

// A Target is a column that is predicted.
//
// Classes are sorted: by value if all are numbers, else by their bytes. Of two classes
// the second is the positive one. In regression the network's output is
// (y - Center) / Scale.
type Target struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"` // number, boolean or category
	Classes []string `json:"classes,omitempty"`
	Center  float64  `json:"center"`
	Scale   float64  `json:"scale"`

	Spelling *Spelling `json:"spelling,omitempty"` // of its cells; nil: the usual one
	Note     Note      `json:"-"`                  // a remark for the report, or nil

	numbers map[float64]int // of the classes, if Kind is number
	words   map[string]int  // the classes of other kinds; in lower case if Kind is boolean
}

// prepare builds the maps from a class to its index.
func (y *Target) prepare() {
	y.numbers, y.words = nil, nil
	if y.Kind == KindNumber {
		y.numbers = make(map[float64]int, len(y.Classes))
	} else {
		y.words = make(map[string]int, len(y.Classes))
	}
	for i, class := range y.Classes {
		if y.Kind == KindNumber {
			x, _ := parseCell(class)
			y.numbers[x] = i
		} else {
			y.words[y.fold(class)] = i
		}
	}
	for i, class := range y.Classes {
		other := otherNotation(class)
		if _, taken := y.words[other]; y.Kind == KindCategory && other != "" && !taken {
			y.words[other] = i
		}
	}
}

// fold returns the form in which words are compared.
func (y *Target) fold(s string) string {
	if y.Kind == KindBoolean {
		return strings.ToLower(s)
	}
	return s
}

// class returns the index of the class in a cell, or -1 if it is none of them.
func (y *Target) class(s string) int {
	s = strings.TrimSpace(s)
	if y.Kind == KindNumber {
		if x, c := parseCell(s); c == number {
			if i, ok := y.numbers[x]; ok {
				return i
			}
		}
		return -1
	}
	if i, ok := y.words[y.fold(s)]; ok {
		return i
	}
	return -1
}

// Limits for whole numbers as classes.
const (
	mostNumericClasses = 10 // more different numbers are a quantity
	rowsPerClass       = 10 // on average; with fewer there is too little data to decide
)

// inferTargets finds the rows with targets, the task, and the classes.
//
// The rule of Auto for one target: Text is classes, and so are two different whole
// numbers. Three to ten different whole numbers are classes if they are dense (the largest
// less the smallest is below twice their count) and there are ten rows for each on
// average. Digits and grades meet this rule; ages and counts do not. The labels of IDX
// images are always classes. Everything else is regression, and so is a target that was
// given the type number.
//
// The rule for several targets: If each has two values (0 and 1, or two words), they are
// labels. If all are numbers, it is regression with several outputs. A mixture is refused.
func (s *Schema) inferTargets(t *Table, cols []int, looks []inspection, opt SchemaOptions) error {
	s.Targets = make([]Target, len(cols))
	s.Rows = rowsWith(looks, s.looked)
	s.Unlabeled = s.size() - len(s.Rows)
	if len(s.Rows) == 0 {
		return fail(ErrTarget, "%s: no row has a target: the cells of %s are missing", t.name, quote(t.columns[cols[0]]))
	}
	parallel(len(cols), func(i int) {
		kind := cmp.Or(opt.Types[t.columns[cols[i]]], looks[i].fixed)
		looks[i].profile = profileColumn(looks[i].c, s.Rows, looks[i].codes || kind != "" && kind != KindNumber)
	})
	for i, col := range cols {
		y := &s.Targets[i]
		y.Name = t.columns[col]
		y.Kind = opt.Types[y.Name]
		y.Spelling, y.Note = looks[i].spelling, looks[i].note
		if y.Kind == "" {
			y.Kind = looks[i].kind()
			if looks[i].codes {
				y.Kind = KindCategory
			}
		}
		if y.Kind == KindDate {
			var err error = &failure{kind: ErrTarget, note: noteOf(fmt.Sprintf("%s: the target %s holds dates, which cannot be predicted: say ", t.name, quote(y.Name)),
				typed(y.Name, KindCategory), " to predict each as a class, or name another target")}
			if opt.Types[y.Name] != "" {
				err = misfit(err)
			}
			return err
		}
		if err := looks[i].checkKind(t, col, y.Kind); err != nil {
			if opt.Types[y.Name] != "" || looks[i].given {
				err = misfit(err)
			}
			return err
		}
		if y.Kind == KindCategory && opt.Types[y.Name] == "" && !looks[i].codes && len(looks[i].profile.levels) > mostNumericClasses {
			why := looks[i].note
			if why == nil {
				why = looks[i].strays.note(t, col)
			}
			if why != nil {
				return &failure{note: noteOf(fmt.Sprintf("%s: the target %s is text, but ", t.name, quote(y.Name)), why, "; with the type category its cells are classes"), kind: ErrTarget}
			}
		}
		if y.Kind == KindCategory && opt.Task != Regression { // only now: such a remark is no reason to refuse the target
			looks[i].remark(looks[i].caseVariants(t))
			y.Note = looks[i].note
		}
		if y.Kind != KindNumber {
			y.Classes = classes(y.Kind, &looks[i].profile)
		}
	}
	if err := s.inferTask(t, looks, opt); err != nil {
		return err
	}
	for i := range cols {
		if y := &s.Targets[i]; y.Kind == KindNumber && s.Task != Regression {
			y.Classes = numericClasses(looks[i].c, s.Rows, len(s.Rows))
		}
	}
	err := s.checkTask(t)
	if opt.Task != "" && opt.Task != Auto {
		err = misfit(err)
	}
	if err != nil {
		return err
	}
	return misfit(s.setPositive(t, opt.Positive))
}

// inferTask finds the task of the targets.
func (s *Schema) inferTask(t *Table, looks []inspection, opt SchemaOptions) error {
	switch s.Task = opt.Task; {
	case s.Task != "" && s.Task != Auto:
		if _, err := ParseTask(string(s.Task)); err != nil {
			return fail(ErrOption, "the task %v", err)
		}
	case len(looks) == 1:
		s.Task = autoTask(&s.Targets[0], looks[0].c, s.Rows, &looks[0].profile, opt.Types)
	default:
		if s.Task = autoTasks(s.Targets, looks); s.Task == "" {
			return misfit(s.mixtureError(t))
		}
	}
	return nil
}

// setPositive puts the positive class second.
func (s *Schema) setPositive(t *Table, class string) error {
	if class == "" {
		return nil
	}
	if s.Task != Binary {
		return fail(ErrTask, "%s: the class %s cannot be the positive one: the task is %s, and only one of two classes is positive", t.name, quote(class), s.Task)
	}
	y := &s.Targets[0]
	switch y.class(class) {
	case 0:
		y.Classes[0], y.Classes[1] = y.Classes[1], y.Classes[0]
		y.prepare()
	case -1:
		return fail(ErrClass, "%s: the target %s has no class %s that could be the positive one: it has %s", t.name, quote(y.Name), quote(class), list(y.Classes))
	}
	return nil
}

// Amounts reports whether every target is a column of numbers that are not the labels of images.
func (s *Schema) Amounts() bool {
	return !slices.ContainsFunc(s.Targets, func(y Target) bool {
		return y.Kind != KindNumber || s.table.cols[s.table.Index(y.Name)].label
	})
}

// Few reports whether there is a single target of numbers with so few different values that
// the default would be classes.
func (s *Schema) Few(t *Table) bool {
	if len(s.Targets) != 1 {
		return false
	}
	y := s.Targets[0]
	c := t.cols[t.Index(y.Name)].spelled(y.Spelling)
	p := profileColumn(c, s.Rows, false)
	return autoTask(&Target{Name: y.Name, Kind: KindNumber}, c, s.Rows, &p, nil) != Regression
}

// numericClasses returns the different numbers in a column, ascending. It stops when there are
// more than most.
func numericClasses(c *column, rows []int, most int) []string {
	seen := make(map[float64]bool)
	for _, row := range rows {
		x, _ := c.number(row)
		if !seen[x] {
			seen[x] = true
			if len(seen) > most {
				break
			}
		}
	}
	numbers := slices.Sorted(maps.Keys(seen))
	names := make([]string, len(numbers))
	for i, x := range numbers {
		names[i] = formatNumber(x)
	}
	return names
}

// classes returns the different values of a target that is not a number, sorted.
func classes(kind Kind, p *profile) []string {
	y := Target{Kind: kind}
	spelling := make(map[string]string) // for each word its first spelling in byte order
	numeric := true
	for _, code := range p.levels {
		level := p.view.dict.at(code)
		numeric = numeric && p.view.means[code].c == number
		word := y.fold(level)
		if s, ok := spelling[word]; !ok || level < s {
			spelling[word] = level
		}
	}
	words := slices.Collect(maps.Keys(spelling))
	slices.SortFunc(words, func(a, b string) int {
		if numeric {
			x, _ := parseCell(a)
			y, _ := parseCell(b)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	for i, word := range words {
		words[i] = strings.Clone(spelling[word])
	}
	return words
}

func autoTask(y *Target, c *column, rows []int, p *profile, types map[string]Kind) Task {
	n := len(y.Classes)
	if y.Kind == KindNumber {
		n = len(numericClasses(c, rows, mostNumericClasses))
	}
	if y.Kind == KindNumber && !c.label {
		switch {
		case types[y.Name] == KindNumber, !p.whole, n < 2, n > mostNumericClasses:
			return Regression
		case n > 2 && (p.max-p.min >= float64(2*n) || p.numbers < rowsPerClass*n):
			return Regression
		}
	}
	if n == 2 {
		return Binary
	}
	return Multiclass
}

func autoTasks(targets []Target, looks []inspection) Task {
	labels, numbers := true, true
	for i := range targets {
		y, p := &targets[i], &looks[i].profile
		zeroOne := p.numeric() && p.whole && p.min >= 0 && p.max <= 1
		labels = labels && (zeroOne || y.Kind != KindNumber && len(y.Classes) == 2)
		numbers = numbers && y.Kind == KindNumber
	}
	switch {
	case labels:
		return Multilabel
	case numbers:
		return Regression
	}
	return ""
}

func (s *Schema) mixtureError(t *Table) error {
	var parts []string
	for _, y := range s.Targets {
		what := fmt.Sprintf("%d classes", len(y.Classes))
		if y.Kind == KindNumber {
			what = "numbers"
		}
		parts = append(parts, fmt.Sprintf("%s holds %s", quote(y.Name), what))
		if len(parts) == 4 {
			break
		}
	}
	return fail(ErrTask, "%s: these targets cannot be learned together (%s): take targets that are all numbers, or that all have two values",
		t.name, strings.Join(parts, ", "))
}

// checkTask refuses a task that does not fit the targets.
func (s *Schema) checkTask(t *Table) error {
	if len(s.Targets) > 1 && (s.Task == Binary || s.Task == Multiclass) {
		return fail(ErrTask, "%s: the task %s takes one target, here are %d: take multilabel or regression, or one target", t.name, s.Task, len(s.Targets))
	}
	for i := range s.Targets {
		y := &s.Targets[i]
		n := len(y.Classes)
		switch {
		case s.Task == Regression && y.Kind != KindNumber:
			return fail(ErrTask, "%s: the target %s holds text (%s), regression takes numbers: take the task binary or multiclass",
				t.name, quote(y.Name), list(y.Classes[:min(n, 3)]))
		case s.Task == Regression:
			y.Classes = nil
		case n == 1:
			why := Notef("%s: the target %s has a single class, %s: it takes two or more to tell apart, so name another target", t.name, quote(y.Name), quote(y.Classes[0]))
			if y.Note != nil {
				why = noteOf(why, "; ", y.Note)
			}
			return &failure{note: why, kind: ErrTarget}
		case n > 2 && s.Task != Multiclass:
			return fail(ErrTask, "%s: the target %s has %d classes (%s), the task %s takes two", t.name, quote(y.Name), n, list(y.Classes), s.Task)
		case n > 50 && 2*n > len(s.Rows):
			what := "too many to be classes: name another target"
			if c := y.Classes[0]; c != "" && c[0] >= '0' && c[0] <= '9' {
				what = "too many to be classes, and not numbers as they are written: write them as plain numbers, or name another target"
			}
			return fail(ErrTarget, "%s: the target %s has %d different values in %d rows, such as %s, %s", t.name, quote(y.Name), n, len(s.Rows), quote(y.Classes[0]), what)
		}
		y.Scale = 1
		y.prepare()
	}
	return nil
}

// lookTarget looks at a target in all rows. decimal is the decimal sign, if it is known. Whole numbers with leading
// zeros are codes. So are whole numbers too long for a float64, if there are few different ones.
func (s *Schema) lookTarget(t *Table, col int, opt SchemaOptions, decimal string) inspection {
	name := t.columns[col]
	kind := opt.Types[name]
	l := s.inspect(t, col, s.looked, kind, opt.DateFormat[name], decimal)
	if kind == "" && opt.Task != Regression && l.profile.numeric() && l.profile.whole {
		zeros, long := l.c.codeLike(s.looked)
		if l.codes = zeros || long && len(numericClasses(l.c, rowsWith([]inspection{l}, s.looked), mostNumericClasses)) <= mostNumericClasses; l.codes {
			l.note = nil
		}
	}
	return l
}

// codeLike reports whether some cells of the rows, nil for all, are whole numbers with leading
// zeros, and whether some have more digits than a float64 holds.
func (c *column) codeLike(rows []int) (zeros, long bool) {
	see := func(s string) {
		if s = strings.TrimPrefix(s, "-"); allDigits(s) {
			zeros = zeros || len(s) > 1 && s[0] == '0'
			long = long || len(s) > 15
		}
	}
	switch c.form {
	case formNumbers:
		for _, row := range c.odd.rows {
			if rows != nil {
				if _, there := slices.BinarySearch(rows, int(row)); !there {
					continue
				}
			}
			see(c.odd.at(int(row)))
		}
	case formLevels:
		var there []bool
		if rows != nil {
			there = make([]bool, len(c.means))
			for _, row := range rows {
				there[c.codes.at(row)] = true
			}
		}
		for i := range c.means {
			if c.means[i].c == number && (there == nil || there[i]) {
				see(c.dict.at(uint32(i)))
			}
		}
	}
	return zeros, long
}

// rowsWith lists the rows in of, nil for all, in which no column is missing.
func rowsWith(looks []inspection, of []int) []int {
	n := len(of)
	if of == nil {
		n = looks[0].c.rows()
	}
	rows := spill.Must[int](looks[0].c.disk, n)[:0]
	for i := range n {
		row := i
		if of != nil {
			row = of[i]
		}
		if !slices.ContainsFunc(looks, func(l inspection) bool { return l.c.missing(row) }) {
			rows = append(rows, row)
		}
	}
	return rows
}

// Labeled lists the rows of a table in which no target is missing.
func (s *Schema) Labeled(t *Table) (rows []int, err error) {
	defer spill.Guard(&err)()
	looks := make([]inspection, len(s.Targets))
	for i, y := range s.Targets {
		col, err := t.target(y.Name)
		if err != nil {
			return nil, err
		}
		looks[i].c = t.cols[col].spelled(y.Spelling)
	}
	return rowsWith(looks, nil), nil
}

// classOf returns a function from a row of a column to the index of its class, or -1.
func (y *Target) classOf(c *column) func(row int) int {
	c = c.spelled(y.Spelling)
	if y.Kind == KindNumber && c.form != formLevels {
		return func(row int) int {
			if x, what := c.number(row); what == number {
				if i, ok := y.numbers[x]; ok {
					return i
				}
			}
			return -1
		}
	}
	view := c.levels()
	class := make([]int, view.dict.len())
	for code := range class {
		class[code] = -1
		if m := view.means[code]; y.Kind != KindNumber {
			class[code] = y.class(view.dict.at(uint32(code)))
		} else if i, ok := y.numbers[m.x]; ok && m.c == number {
			class[code] = i
		}
	}
	return func(row int) int { return class[view.codes.at(row)] }
}

// Strata returns the class of each of the schema's Rows, for Split. It is nil unless
// the task is binary or multiclass.
func (s *Schema) Strata() []int {
	if s.Task != Binary && s.Task != Multiclass {
		return nil
	}
	strata := spill.Must[int](s.table.disk, len(s.Rows))
	class := s.Targets[0].classOf(&s.table.cols[s.table.Index(s.Targets[0].Name)])
	for i, row := range s.Rows {
		strata[i] = class(row)
	}
	return strata
}
