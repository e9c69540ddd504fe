package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Task is what is learned about the targets.
type Task string

// The tasks. Auto leaves the choice to Infer; a Schema and an Encoding have one of the
// others.
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
// Classes are sorted: by value where all are numbers, else by their bytes. Of two classes
// the second is the positive one. In regression the network's output is
// (y - Center) / Scale.
type Target struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"` // number, boolean or category
	Classes []string `json:"classes,omitempty"`
	Center  float64  `json:"center"`
	Scale   float64  `json:"scale"`

	numbers map[float64]int // of the classes, where Kind is number
	words   map[string]int  // else; in lower case where Kind is boolean
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
}

// fold is the form in which words are compared.
func (y *Target) fold(s string) string {
	if y.Kind == KindBoolean {
		return strings.ToLower(s)
	}
	return s
}

// class is the index of the class in a cell, or -1 where it is none of them.
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

// Classes that whole numbers may be.
const (
	mostNumericClasses = 10 // more different numbers are a quantity
	rowsPerClass       = 10 // on average; fewer are too few to tell
)

// inferTargets finds the rows with targets, the task, and the classes.
//
// The rule of Auto for one target: text is classes, and so are two different whole
// numbers. Three to ten different whole numbers are classes if they are dense (the largest
// less the smallest is below twice their count) and there are ten rows for each on
// average: digits and grades are, ages and counts are not. The labels of IDX images are
// always classes. All else is regression, and so is a target whose type was given as a
// number.
//
// The rule for several targets: if each has two values (0 and 1, or two words), they are
// labels; if all are numbers, it is regression with several outputs; a mixture is refused.
func (s *Schema) inferTargets(t *Table, cols []int, opt SchemaOptions) error {
	s.Rows = rowsWith(t, cols)
	s.Unlabelled = t.rows - len(s.Rows)
	if len(s.Rows) == 0 {
		return fail(ErrTarget, "%s: no row has a target: the cells of %s are missing", t.name, quote(t.columns[cols[0]]))
	}
	isTarget := func(int) bool { return true }
	profiles := profileColumns(t, cols, s.Rows, isTarget)
	s.Targets = make([]Target, len(cols))
	for i, col := range cols {
		y := &s.Targets[i]
		y.Name = t.columns[col]
		y.Kind = opt.Types[y.Name]
		if y.Kind == "" {
			y.Kind = profiles[i].kind()
		}
		if y.Kind == KindDate {
			err := fail(ErrTarget, "%s: the target %s holds dates, which cannot be predicted: give it the type category, or name another target",
				t.name, quote(y.Name))
			if opt.Types[y.Name] != "" {
				err = misfit(err)
			}
			return err
		}
		if err := profiles[i].checkKind(t, col, y.Kind); err != nil {
			if opt.Types[y.Name] != "" {
				err = misfit(err)
			}
			return err
		}
		if y.Kind == KindCategory && opt.Types[y.Name] == "" && len(profiles[i].levels) > mostNumericClasses {
			if why := profiles[i].nearlyNumeric(t, col); why != "" {
				return fail(ErrTarget, "%s: the target %s is text, but %s; with the type category its cells are classes", t.name, quote(y.Name), why)
			}
		}
		y.Classes = classes(y.Kind, profiles[i].levels)
	}
	task := opt.Task
	switch {
	case task != "" && task != Auto:
		if _, err := ParseTask(string(task)); err != nil {
			return fail(ErrOption, "the task %v", err)
		}
	case len(cols) == 1:
		task = autoTask(&s.Targets[0], &profiles[0], opt.Types, t.labels != nil && cols[0] == t.pixels.width)
	default:
		task = autoTasks(s.Targets, profiles)
		if task == "" {
			return misfit(s.mixtureError(t))
		}
	}
	s.Task = task
	err := s.checkTask(t)
	if opt.Task != "" && opt.Task != Auto {
		err = misfit(err)
	}
	return err
}

// classes are the different values of a target, sorted.
func classes(kind Kind, levels map[string]int) []string {
	if kind == KindNumber {
		seen := make(map[float64]bool)
		for level := range levels {
			x, _ := parseCell(level)
			seen[x] = true
		}
		numbers := make([]float64, 0, len(seen))
		for x := range seen {
			numbers = append(numbers, x)
		}
		slices.Sort(numbers)
		names := make([]string, len(numbers))
		for i, x := range numbers {
			names[i] = formatNumber(x)
		}
		return names
	}
	y := Target{Kind: kind}
	spelling := make(map[string]string) // of the spellings of a word, the first by its bytes
	numeric := true
	for level := range levels {
		_, c := parseCell(level)
		numeric = numeric && c == number
		word := y.fold(level)
		if s, ok := spelling[word]; !ok || level < s {
			spelling[word] = level
		}
	}
	words := make([]string, 0, len(spelling))
	for word := range spelling {
		words = append(words, word)
	}
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

func autoTask(y *Target, p *profile, types map[string]Kind, label bool) Task {
	n := len(y.Classes)
	if y.Kind == KindNumber && !label {
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

func autoTasks(targets []Target, profiles []profile) Task {
	labels, numbers := true, true
	for i := range targets {
		y, p := &targets[i], &profiles[i]
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

// checkTask refuses a task that the targets do not fit.
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
			return fail(ErrTarget, "%s: the target %s has a single class, %s: it takes two or more to tell apart",
				t.name, quote(y.Name), quote(y.Classes[0]))
		case n > 2 && s.Task != Multiclass:
			return fail(ErrTask, "%s: the target %s has %d classes (%s), the task %s takes two", t.name, quote(y.Name), n, list(y.Classes), s.Task)
		case n > 50 && 2*n > len(s.Rows):
			return fail(ErrTarget, "%s: the target %s has %d different values in %d rows, too many to be classes: name another target",
				t.name, quote(y.Name), n, len(s.Rows))
		}
		y.Scale = 1
		y.prepare()
	}
	return nil
}

// rowsWith lists the rows in which none of the columns is missing.
func rowsWith(t *Table, cols []int) []int {
	rows := make([]int, 0, t.rows)
	for row := range t.rows {
		if !slices.ContainsFunc(cols, func(col int) bool { return t.Missing(row, col) }) {
			rows = append(rows, row)
		}
	}
	return rows
}

// Strata gives the class of each of the schema's Rows, for Split. It is nil unless the
// task is binary or multiclass.
func (s *Schema) Strata() []int {
	if s.Task != Binary && s.Task != Multiclass {
		return nil
	}
	strata := make([]int, len(s.Rows))
	col := s.table.Index(s.Targets[0].Name)
	for i, row := range s.Rows {
		strata[i] = s.Targets[0].class(s.table.Cell(row, col))
	}
	return strata
}
