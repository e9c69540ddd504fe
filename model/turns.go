package model

import (
	"math"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
)

// The members of an ensemble can take recipes in turn. With the recipe auto, neighboring members of an ensemble of at
// least 8 have different recipes, if each has its own fold. Networks with different inputs make different mistakes, so
// their mean is better than that of networks with one recipe (docs/recipe.md has the figures). If a recipe does not
// suit the table at all, its loss out of fold shows it, and its members are left out.

// leastInTurn is the least number of members that take turns. In a smaller ensemble, too few members would remain if one
// recipe were left out.
const leastInTurn = 8

// clearlyWorse is the number of standard errors by which a recipe's loss must exceed that of the best one for its
// members to be left out.
const clearlyWorse = 2

// Again returns the options that repeat the run. They are Options, except that the options that a recipe chooses stay as
// they were given if members take recipes in turn.
func (f *Fit) Again() Options {
	o := f.Options
	if f.bag != nil && len(f.bag.turns) > 1 {
		given := &f.bag.given
		o.Hidden, o.Activation, o.Scale, o.Optimizer = given.Hidden, given.Activation, given.Scale, given.Optimizer
	}
	return o
}

// A turn is one of the recipes, with the losses of its members for the rows of their folds.
type turn struct {
	recipe   string
	members  int
	mean     float64
	variance float64 // of mean
}

// keepBetter leaves out the members whose recipe is clearly worse than the best one. all are the members of m, in the
// order of m. It decides only when all members have ended. It keeps a reason for each recipe that it leaves out.
func (b *bag) keepBetter(m *Model, all []*member) (kept []*member, err error) {
	defer spill.Guard(&err)()
	b.worse = nil
	if len(b.turns) < 2 || len(all) < len(b.members) {
		return all, nil
	}
	turns := make([]turn, min(len(b.turns), len(all)))
	best := 0
	for i := range turns {
		if turns[i], err = b.turn(m, all, i); err != nil {
			return nil, err
		}
		if turns[i].mean < turns[best].mean {
			best = i
		}
	}
	out := make([]bool, len(turns))
	for i, t := range turns {
		margin := clearlyWorse * math.Sqrt(t.variance+turns[best].variance)
		if more := t.mean - turns[best].mean; more > margin {
			out[i] = true
			b.worse = append(b.worse, data.Notef("The members with the recipe %s, %d of %d, are left out: their loss out of fold is %.4g, and with the recipe %s it is %.4g.",
				t.recipe, t.members, len(all), t.mean, turns[best].recipe, turns[best].mean))
		}
	}
	for k, one := range all {
		if !out[k%len(b.turns)] {
			kept = append(kept, one)
		}
	}
	return kept, nil
}

// turn returns the losses of recipe i. Its members are those whose index has the remainder i when divided by the number
// of turns.
func (b *bag) turn(m *Model, all []*member, i int) (t turn, err error) {
	t.recipe = b.turns[i]
	table, width := b.fit.tables.Train, m.Encoding.Outputs()
	binding, err := m.Encoding.Bind(table)
	if err != nil {
		return t, err
	}
	n := 0
	for k := i; k < len(all); k += len(b.turns) {
		t.members++
		n += len(all[k].rows)
	}
	disk := table.Spilled()
	losses, weights := spill.Must[float64](disk, n)[:0], spill.Must[float64](disk, n)[:0]
	defer spill.Free(disk, losses)
	defer spill.Free(disk, weights)
	for k := i; k < len(all); k += len(b.turns) {
		one := all[k]
		targets := spill.Must[float64](disk, len(one.rows)*width)
		defer spill.Free(disk, targets)
		if err := data.Targets(binding, one.rows, targets); err != nil {
			return t, err
		}
		w, err := b.fit.sampleWeights(table, one.rows)
		if err != nil {
			return t, err
		}
		for r := range one.rows {
			weight := 1.0
			if w != nil {
				weight = w[r]
			}
			outputs := m.Outputs()
			losses = append(losses, m.meanLoss(one.predictions[r*outputs:][:outputs], targets[r*width:][:width], nil))
			weights = append(weights, weight)
		}
	}
	sum := 0.0
	for r, loss := range losses {
		t.mean += float64(weights[r] * loss)
		sum += weights[r]
	}
	t.mean /= sum
	for r, loss := range losses {
		d := weights[r] * (loss - t.mean) / sum
		t.variance += float64(d * d)
	}
	return t, nil
}
