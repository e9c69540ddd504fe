package model

import (
	"cmp"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/train"
)

// The defaults: a recipe found by experiments on some twenty tables of 300 to 50,000
// rows. bench/scores measures its quality.

// The recipes of Options.Recipe.
const (
	RecipeAuto  = "auto"
	RecipePlain = "plain"
	RecipeWide  = "wide"
	RecipeTrees = "trees"
	RecipeWaves = "waves"
)

// wideRows is the least number of rows for which one network gets the recipe trees by default. With fewer, knots and a
// wider network fit noise (docs/recipe.md has the figures).
const wideRows = 1200

// mostCells is the largest number of cells in number columns of a table that gets the recipe trees by
// default. Each cell becomes some 30 inputs of 4 bytes. With that many rows a plain network learns the
// same: on 2 million rows it reaches the same R2 after one epoch.
const mostCells = 2_000_000

// recipes returns what auto means, before the names are resolved. Each is one of
//
//	plain  smooth inputs, two layers of 64 relu: fast
//	wide   the same inputs and the place among knots that follow the target (data.ScalePieces), two layers of 128 silu
//	trees  wide, with more knots and with a first layer that starts as the leaves of boosted trees (data.ScaleTrees)
//	waves  the smooth inputs, and cos and sin of the rank (data.ScaleWaves), two layers of 128 silu
//
// The members of a large enough ensemble take several in turn (leastInTurn); others, and one network, take the first. For a table with 1 to 256 columns of
// numbers and at most 2 million cells in them, auto is trees and waves from 1,200 rows on, and plain and trees with
// fewer, if layers, activation, scaling and optimizer are not given. Otherwise it is plain.
func (o *Options) recipes(s *data.Schema) []string {
	if recipe := cmp.Or(o.Recipe, RecipeAuto); recipe != RecipeAuto {
		return []string{recipe}
	}
	numbers := 0
	for _, c := range s.Columns {
		if c.Kind == data.KindNumber {
			numbers++
		}
	}
	open := o.Hidden == nil && o.Activation == "" && cmp.Or(o.Scale, data.ScaleAuto) == data.ScaleAuto && cmp.Or(o.Optimizer, "auto") == "auto"
	switch {
	case !open || numbers == 0 || numbers > mostPieced || len(s.Rows)*numbers > mostCells:
		return []string{RecipePlain}
	case len(s.Rows) < wideRows:
		return []string{RecipePlain, RecipeTrees}
	}
	return []string{RecipeTrees, RecipeWaves}
}

// choose sets layers, activation and scaling by the recipe. Choices in the options are not changed.
func (o *Options) choose(s *data.Schema) {
	recipe := o.recipes(s)[0]
	if recipe != RecipePlain {
		if o.Hidden == nil {
			o.Hidden = []int{128, 128}
		}
		o.Activation = cmp.Or(o.Activation, nn.SiLU.String())
		if cmp.Or(o.Scale, data.ScaleAuto) == data.ScaleAuto {
			o.Scale = map[string]data.Scaling{RecipeWide: data.ScalePieces, RecipeTrees: data.ScaleTrees, RecipeWaves: data.ScaleWaves}[recipe]
		}
	}
}

// leafSlope is the sum of a unit of the first layer in its leaf. Its activation is then near the sum, and near 0
// outside of the leaf.
const leafSlope = 2

// startAtLeaves makes the first units of the network the leaves of the trees that the encoding was fitted with,
// unless the initial weights are given, or there are no hidden layers or biases. In a multiclass network, half of the units
// stay as they are, because smooth inputs tell many classes apart better (docs/recipe.md).
func startAtLeaves[T nn.Float](f *Fit, net *nn.Network[T]) {
	w, bias := net.Weights(0), net.Bias(0)
	if bias == nil || net.Depth() == 1 || cmp.Or(f.Options.Init, "auto") != "auto" {
		return
	}
	most := w.Cols
	if f.Encoding.Task == data.Multiclass {
		most /= 2
	}
	leaves := f.Encoding.Leaves()
	for unit, leaf := range leaves[:min(most, len(leaves))] {
		for i := range w.Rows {
			w.Row(i)[unit] = 0
		}
		for i, input := range leaf.Inputs {
			w.Row(input)[unit] += T(leafSlope * leaf.Weights[i])
		}
		bias[unit] = T(leafSlope * leaf.Bias)
	}
}

// mostPieced is the largest number of number columns of a table that gets pieces; see data.ScaleAuto.
const mostPieced = 256

// autoOptimizer is the optimizer auto: AdamW with a faster decay of squared gradients than
// usual, and a rate that suits networks on scaled columns. Values given in h are not changed.
func autoOptimizer(task data.Task, h *optim.Hyper) (name string, rate float64) {
	beta2, decay := 0.95, 0.1
	if h.Beta2 == nil {
		h.Beta2 = &beta2
	}
	if h.WeightDecay == nil {
		h.WeightDecay = &decay
	}
	if task == data.Regression {
		return "adamw", 0.01
	}
	return "adamw", 0.003
}

// autoBatch grows with the number of rows, so that an epoch has some hundred updates.
func autoBatch(rows int) int {
	size := 16
	for size < 256 && rows > 128*size {
		size *= 2
	}
	return size
}

// autoEpochs aims at 5,000 updates in 40 to 300 epochs. Full-batch descent makes one
// update per epoch and gets 1,000 epochs; per-sample descent gets 2,000 updates for each sample.
func autoEpochs(method train.Method, rows, batch int) int {
	switch method {
	case train.Batch:
		return 1000
	case train.PerSample:
		return 2000
	}
	updates := (rows + batch - 1) / batch
	return min(300, max(40, 5000/updates))
}
