package model

import (
	"fmt"
	"slices"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/internal/spill"
)

// These functions decide which rows of the tables are used for what.

// parts are the rows of the tables by their use. Validation and test rows belong to
// their own table if there is one.
type parts struct{ train, validation, test []int }

// split decides the use of each row. Test rows are drawn first, so they do not depend on
// the options for validation.
func (f *Fit) split() error {
	part, err := f.holder()
	if err != nil {
		return asOption(err)
	}
	if f.tables.fold == nil {
		f.noteLonely(keptInTraining)
	}
	keep, _, err := f.holdTest(part)
	if err != nil {
		return err
	}
	if keep, _, err = f.holdValidation(part, keep); err != nil {
		return err
	}
	if f.recipe.thresholdBy != "" && len(f.parts.validation) == 0 {
		return refuse("Threshold", nil, "it is chosen on validation rows and there are none: hold out some for validation, or give a number as the threshold")
	}
	if keep, err = f.heavy(keep); err != nil {
		return err
	}
	f.parts.train = f.pick(f.Schema.Rows, keep)
	f.countRows()
	return nil
}

// holdTest holds out the test rows. It returns the indexes into the schema's rows of the others,
// and of the test rows if they are in the training table.
func (f *Fit) holdTest(part hold) (keep, held []int, err error) {
	all := f.Schema.Rows
	keep = spill.Must[int](f.tables.Train.Spilled(), len(all))
	for i := range keep {
		keep[i] = i
	}
	fold := f.tables.fold
	if fold != nil {
		keep = fold.train
	}
	switch {
	case f.tables.Test != nil:
		f.parts.test, err = f.labeled(f.tables.Test, "test")
		return keep, nil, err
	case fold != nil:
		held = fold.test
	case f.Options.Test != nil && *f.Options.Test > 0:
		if keep, held, err = part(keep, *f.Options.Test, rng.SplitTest); err != nil {
			return nil, nil, asOption(err)
		}
		f.noteNone("test", *f.Options.Test, held, len(all))
	}
	f.parts.test = f.pick(all, held)
	return keep, held, nil
}

// holdValidation holds out validation rows from the indexes to keep. It returns the indexes of
// the others, and of the validation rows if they are in the training table.
func (f *Fit) holdValidation(part hold, keep []int) (kept, held []int, err error) {
	n := len(keep)
	switch {
	case f.tables.Validation != nil:
		f.parts.validation, err = f.labeled(f.tables.Validation, "validation")
		return keep, nil, err
	case f.tables.fold != nil && f.tables.fold.validation != nil:
		kept, held = keep, f.tables.fold.validation
	case f.Options.Validation != nil:
		if kept, held, err = part(keep, *f.Options.Validation, rng.SplitValidation); err != nil {
			return nil, nil, asOption(err)
		}
		f.noteNone("validation", *f.Options.Validation, held, n)
	case f.Options.perSample():
		kept = keep
	case n >= FewRows:
		if kept, held, err = part(keep, DefaultValidation, rng.SplitValidation); err != nil {
			return nil, nil, asOption(err)
		}
	default:
		kept = keep
		f.note("With %s none is held out for validation by default.", plural.Of(n, "row"))
	}
	f.parts.validation = f.pick(f.Schema.Rows, held)
	return kept, held, nil
}

// labeled returns the rows of a separate table that have a target, as indexes into that table.
func (f *Fit) labeled(t *data.Table, what string) ([]int, error) {
	rows, err := f.Schema.Labeled(t)
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s: no row has a target, so there is nothing to use as %s rows", t.Name(), what)
	}
	if err != nil || f.Options.SampleWeight == "" {
		return rows, err
	}
	var left Left
	rows, _, err = left.weighed(t, f.Options.SampleWeight, rows)
	f.noteLeft(what, left)
	return rows, err
}

func (f *Fit) countRows() {
	f.Rows.Train, f.Rows.Validation, f.Rows.Test = len(f.parts.train), len(f.parts.validation), len(f.parts.test)
	f.Rows.Unlabeled = f.Schema.Unlabeled
}

// heavy leaves out training rows, given by their indexes into the schema's rows, of classes with
// weight 0.
func (f *Fit) heavy(places []int) ([]int, error) {
	weight := f.recipe.classWeight
	if !slices.Contains(weight, 0) {
		return places, nil
	}
	strata := f.Schema.Strata()
	kept := slices.DeleteFunc(slices.Clone(places), func(place int) bool { return weight[strata[place]] == 0 })
	if len(kept) == 0 {
		return nil, refuse("ClassWeight", nil, "the weights of all classes in the training rows are 0: there is no row left")
	}
	f.Rows.Weightless += len(places) - len(kept)
	return kept, nil
}

// noteNone notes that a share of few rows gives no rows.
func (f *Fit) noteNone(what string, part float64, held []int, of int) {
	if part > 0 && len(held) == 0 {
		f.noteOf(what, " %g of %s leaves no row.", part, plural.Of(of, "row"))
	}
}

// noteLonely notes the classes with a single row, and what becomes of it, where rows are held out by class.
func (f *Fit) noteLonely(what string) {
	strata := f.Schema.Strata()
	if strata == nil || f.Options.Group != "" || f.Options.timeColumn() != "" {
		return
	}
	classes := f.Schema.Targets[0].Classes
	rows := make([]int, len(classes))
	for _, class := range strata {
		rows[class]++
	}
	var lonely []string
	for class, n := range rows {
		if n == 1 {
			lonely = append(lonely, classes[class])
		}
	}
	switch len(lonely) {
	case 0:
	case 1:
		f.note("The class %q has a single row, which %s.", lonely[0], what)
	default:
		f.note("%d classes have a single row each, which %s: %s.", len(lonely), what, quoteList(lonely))
	}
}

// keptInTraining is what becomes of the single row of a class that no part is held out of.
const keptInTraining = "is kept in training"

// pick is the function pick with a list stored where the table's cells are.
func (f *Fit) pick(from, at []int) []int { return pickIn(f.tables.Train, from, at) }

// pickIn is the function pick with a list stored where a table's cells are.
func pickIn(t *data.Table, from, at []int) []int {
	out := spill.Must[int](t.Spilled(), len(at))
	for i, a := range at {
		out[i] = from[a]
	}
	return out
}

func pick[E any](from []E, at []int) []E {
	out := make([]E, len(at))
	for i, a := range at {
		out[i] = from[a]
	}
	return out
}

// hold divides some of the schema's rows, given by their indexes, into those to keep and
// those to hold out.
type hold func(places []int, fraction float64, p rng.Purpose) (keep, held []int, err error)

// holder decides how rows are held out: the last in time, whole groups, or a share of every
// class.
func (f *Fit) holder() (hold, error) {
	rows, t := f.Schema.Rows, f.tables.Train
	on := func(places []int, keep, held []int, err error) ([]int, []int, error) {
		return f.pick(places, keep), f.pick(places, held), err
	}
	switch col := f.Options.timeColumn(); {
	case col != "":
		times, err := data.Times(t, col, rows)
		return func(places []int, fraction float64, _ rng.Purpose) ([]int, []int, error) {
			keep, held, err := data.SplitLast(pick(times, places), fraction)
			return on(places, keep, held, err)
		}, err
	case f.Options.Group != "":
		groups, err := data.Groups(t, f.Options.Group, rows)
		return func(places []int, fraction float64, p rng.Purpose) ([]int, []int, error) {
			keep, held, err := data.SplitGroups(pick(groups, places), fraction, f.Options.Seed, uint8(p))
			return on(places, keep, held, err)
		}, err
	}
	strata := f.Schema.Strata()
	return func(places []int, fraction float64, p rng.Purpose) ([]int, []int, error) {
		var classes []int
		if strata != nil {
			classes = f.pick(strata, places)
		}
		keep, held, err := t.Split(len(places), classes, fraction, f.Options.Seed, uint8(p))
		return on(places, keep, held, err)
	}, nil
}
