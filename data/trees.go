package data

import (
	"slices"
	"sort"

	"github.com/gradus-ml/gradus/internal/kernel"
)

// Trees give knots and first weights of a network that follow how columns act together. A linear model of the columns
// of numbers comes first. Gradient boosting then grows small trees of all columns on the residuals of that model
// (Friedman, "Greedy Function Approximation", Annals of Statistics 29, 2001; with second derivatives as in Chen and
// Guestrin, "XGBoost", arXiv 1603.02754). Between the bins on both sides of a split, an input goes from 0 to 1. So a leaf
// is a unit of a first layer. Its sum is 1 if the row takes every split on the way to the leaf, and at most 0 if the row
// misses one. Training starts from there (Lutz, Arnould, Boyer, Scornet, "Sparse tree-based
// initialization for neural networks", arXiv 2209.15283).

const (
	mostTrees    = 16
	mostLeaves   = 8    // of a tree
	linearPasses = 10   // over the columns of numbers
	treeBins     = 64   // of a column of numbers
	treeRowsMin  = 16   // training rows on each side of a split
	treeGain     = 2    // a split must lower twice the loss by more than this; in a regression, the unit is the variance of the residuals
	leastShare   = 1e-3 // least share of a target's sum of squares that a split must explain
	treeRate     = 0.3  // share of a leaf's best step that is taken
	treePenalty  = 1    // added to the sum of second derivatives of a leaf
	treeCells    = 8e6  // rows x columns x outputs that the trees look at; of a larger table they look at evenly spaced rows
	leastForTree = 64   // training rows
	leastSlope   = 1e-6 // lower bound of a second derivative and of a target's deviation
)

// A Leaf is a region of the table that a tree found, as weights of the encoded inputs. Weights times inputs plus Bias
// is 1 in the region. It is 0 or less where one of the region's conditions does not hold, and in between near the
// region's border.
type Leaf struct {
	Inputs  []int
	Weights []float64
	Bias    float64
}

// Leaves returns the leaves of the trees that the encoding was fitted with, the most important trees first. There are none
// without ScaleTrees, or if the encoding was read from a file.
func (e *Encoding) Leaves() []Leaf { return e.leaves }

// A treeColumn is a column as the trees see it: the bin of each row.
type treeColumn struct {
	in     *Input
	bin    []uint16
	bins   int
	center []float64 // of each bin of numbers, in ascending order; nil: bins are levels
	smooth []float32 // the scaled values and then the ranks of numbers
}

// A condition says that a row's bin is at or above a bin of numbers, or that it is a certain level. If holds is false, it says
// the opposite.
type condition struct {
	column, at int
	holds      bool
}

// A branch is a leaf of a tree that is still growing.
type branch struct {
	rows  []int32
	path  []condition
	gain  float64
	split condition // the best split; valid if gain > 0
}

// forest grows trees.
type forest struct {
	columns   []treeColumn
	task      Task
	y         targetMatrix
	least     float64   // gain that a split must exceed
	f, g, h   []float64 // of each row and output: the prediction, and the loss's first (negative) and second derivative
	sums      []float64 // of g and then h, for each bin of the column being looked at
	counts    []int
	all, half treeSums
}

// treeSums are the sums over some rows: of g and h for each output.
type treeSums struct{ g, h []float64 }

// fitTrees grows trees on the rows, gives columns of numbers the knots of their splits, and stores the leaves. y
// has the targets of the rows.
func (e *Encoding) fitTrees(s *Schema, t *Table, rows []int, y targetMatrix) {
	if len(rows) < leastForTree {
		return
	}
	rows, y = thinned(rows, y, len(s.Columns))
	fo := forest{task: e.Task, y: y}
	for i := range s.Columns {
		if c, ok := e.Inputs[i].treeColumn(&s.Columns[i], t, rows); ok {
			fo.columns = append(fo.columns, c)
		}
	}
	paths := fo.grow(len(rows))
	for _, path := range paths {
		for _, c := range path {
			if k := &fo.columns[c.column]; k.center != nil {
				k.in.Pieces = append(k.in.Pieces, k.center[c.at-1], k.center[c.at])
			}
		}
	}
	for i := range e.Inputs {
		slices.Sort(e.Inputs[i].Pieces)
		e.Inputs[i].Pieces = slices.Compact(e.Inputs[i].Pieces)
	}
	e.prepare()
	for _, path := range paths {
		e.leaves = append(e.leaves, fo.leaf(path))
	}
}

// thinned returns evenly spaced rows and their targets, no more than the trees look at.
func thinned(rows []int, y targetMatrix, columns int) ([]int, targetMatrix) {
	most := max(leastForTree, treeCells/(columns*y.width))
	if len(rows) <= most {
		return rows, y
	}
	some := targetMatrix{width: y.width}
	picked := make([]int, most)
	for i := range picked {
		at := i * len(rows) / most
		picked[i] = rows[at]
		some.y = append(some.y, y.y[at*y.width:(at+1)*y.width]...)
	}
	return picked, some
}

// treeColumn returns the bins of a column. ok is false if the column is a date or a pixel, may be used beyond its range
// (Column.Smooth), or has a single bin.
func (in *Input) treeColumn(s *Column, t *Table, rows []int) (k treeColumn, ok bool) {
	if in.Kind == KindDate || in.Kind == KindNumber && (s.pixel || s.Smooth) {
		return k, false
	}
	k = treeColumn{in: in, bin: make([]uint16, len(rows)), bins: 2}
	if in.Kind == KindNumber {
		k.numbers(t.cols[s.Index].spelled(s.Spelling), rows)
		return k, k.bins > 1
	}
	if in.Kind == KindCategory {
		in.index()
		k.bins = len(in.Levels) + 2 // levels, rare, missing
	}
	of := newCoder(in, &t.cols[s.Index])
	for i, row := range rows {
		k.bin[i] = uint16(of.treeBin(row, k.bins))
	}
	return k, true
}

// treeBin returns the bin of a cell that is not a number: whether it is true, or the place of its level.
func (k *coder) treeBin(row, bins int) int {
	if k.in.Kind == KindBoolean {
		truth := int8(0)
		if k.truths != nil {
			truth = k.truths[k.c.codes.at(row)]
		} else {
			truth = truthOf(k.c.value(row), k.in.Spelling)
		}
		if truth == 1 {
			return 1
		}
		return 0
	}
	place := int(k.places[k.view.codes.at(row)])
	if place < 0 {
		return bins - 1
	}
	return min(place, bins-2)
}

// numbers puts the cells into bins. A bin takes an equal share of the cells left, and all cells equal to its last. A
// missing cell has the bin of the median.
func (k *treeColumn) numbers(c *column, rows []int) {
	x := make([]float64, len(rows))
	for i, row := range rows {
		v, what := c.number(row)
		if what != number {
			v = k.in.Median
		}
		x[i] = v
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	var ends []float64
	for from := 0; from < len(sorted); {
		to := from + max(1, (len(sorted)-from)/max(1, treeBins-len(ends)))
		for to < len(sorted) && sorted[to] == sorted[to-1] {
			to++
		}
		low, high := sorted[from], sorted[to-1]
		k.center, ends = append(k.center, low+(high-low)/2), append(ends, high)
		from = to
	}
	k.bins = len(ends)
	k.smooth = make([]float32, 0, 2*len(x))
	for i, v := range x {
		k.bin[i] = uint16(sort.SearchFloat64s(ends, v))
		k.smooth = append(k.smooth, float32(k.in.scaled(v)))
	}
	if k.in.RankAt != nil {
		k.in.ranks = newRankIndex(k.in.RankAt)
		for _, v := range x {
			k.smooth = append(k.smooth, float32(k.in.rank(v)))
		}
	}
}

// grow returns the path to each leaf of each tree.
func (fo *forest) grow(n int) (paths [][]condition) {
	w, most := fo.y.width, 0
	fo.f, fo.g, fo.h = make([]float64, n*w), make([]float64, n*w), make([]float64, n*w)
	for _, c := range fo.columns {
		most = max(most, c.bins)
	}
	fo.sums, fo.counts = make([]float64, 2*most*w), make([]int, most)
	fo.all, fo.half = newTreeSums(w), newTreeSums(w)
	fo.start(n)
	for range linearPasses {
		fo.derive(n)
		for c := range fo.columns {
			for z := fo.columns[c].smooth; len(z) > 0; z = z[n:] {
				fo.line(z[:n])
			}
		}
	}
	fo.least = treeGain
	if fo.task == Regression {
		fo.leave(n)
	}
	for range mostTrees {
		fo.derive(n)
		tree := fo.tree(n)
		if len(tree) == 1 {
			break
		}
		for i := range tree {
			fo.step(&tree[i])
			paths = append(paths, tree[i].path)
		}
	}
	return paths
}

func newTreeSums(w int) treeSums { return treeSums{make([]float64, w), make([]float64, w)} }

// start sets f to the prediction of a model without inputs: the log-odds, or the logarithm of each share. For a regression it
// standardizes the targets and leaves f at 0.
func (fo *forest) start(n int) {
	w, column := fo.y.width, make([]float64, n)
	own := make([]float64, len(fo.y.y))
	for j := range w {
		for i := range column {
			column[i] = fo.y.y[i*w+j]
		}
		mean, deviation := meanAndDeviation(column)
		if fo.task == Regression {
			for i, y := range column {
				own[i*w+j] = (y - mean) / max(deviation, leastSlope)
			}
			continue
		}
		sum := mean * float64(n)
		v := kernel.Log((sum + 0.5) / float64(n))
		if fo.task != Multiclass {
			v -= kernel.Log((float64(n) - sum + 0.5) / float64(n))
		}
		for i, y := range column {
			own[i*w+j], fo.f[i*w+j] = y, v
		}
	}
	fo.y.y = own
}

// leave replaces the targets of a regression by the residuals of f, standardized again. If f nearly explains a trend, the
// residuals still follow the trend's column. Such residuals must get no leaves, which would keep the network from continuing
// the trend. That is why a split must explain leastShare.
func (fo *forest) leave(n int) {
	left := 0.0
	for i, f := range fo.f {
		fo.y.y[i] -= f
		left += float64(fo.y.y[i] * fo.y.y[i])
	}
	all := float64(len(fo.f)) // the sum of squares of the standardized targets
	fo.least = max(treeGain, leastShare*all*all/max(left, leastSlope))
	clear(fo.f)
	fo.start(n)
}

// derive sets g and h to the derivatives, at f, of half the squared error or of the cross-entropy.
func (fo *forest) derive(n int) {
	w := fo.y.width
	switch fo.task {
	case Regression:
		for i, y := range fo.y.y {
			fo.g[i], fo.h[i] = y-fo.f[i], 1
		}
		return
	case Multiclass:
		kernel.Softmax(fo.h, fo.f, w)
	default:
		for i, f := range fo.f {
			fo.h[i] = kernel.Sigmoid(f)
		}
	}
	for i, p := range fo.h {
		fo.g[i], fo.h[i] = fo.y.y[i]-p, max(p*(1-p), leastSlope)
	}
}

// line adds to f the best multiple of an input for each output, and updates g by the second derivatives.
func (fo *forest) line(z []float32) {
	w := fo.y.width
	clear(fo.all.g)
	clear(fo.all.h)
	for i, z := range z {
		for j := range w {
			fo.all.g[j] += float64(fo.g[i*w+j] * float64(z))
			fo.all.h[j] += float64(fo.h[i*w+j] * float64(z*z))
		}
	}
	for j := range w {
		fo.all.g[j] /= fo.all.h[j] + treePenalty
	}
	for i, z := range z {
		for j, v := range fo.all.g {
			v *= float64(z)
			fo.f[i*w+j] += float64(v)
			fo.g[i*w+j] -= float64(fo.h[i*w+j] * v)
		}
	}
}

// tree grows one tree, the branch with the largest gain first.
func (fo *forest) tree(n int) []branch {
	root := branch{rows: make([]int32, n)}
	for i := range root.rows {
		root.rows[i] = int32(i)
	}
	fo.look(&root)
	tree := []branch{root}
	for len(tree) < mostLeaves {
		best := 0
		for i, b := range tree {
			if b.gain > tree[best].gain {
				best = i
			}
		}
		b := tree[best]
		if b.gain <= fo.least {
			break
		}
		opposite := b.split
		opposite.holds = false
		yes := branch{path: append(slices.Clone(b.path), b.split)}
		no := branch{path: append(slices.Clone(b.path), opposite)}
		for _, r := range b.rows {
			if fo.columns[b.split.column].goes(r, b.split.at) {
				yes.rows = append(yes.rows, r)
			} else {
				no.rows = append(no.rows, r)
			}
		}
		fo.look(&yes)
		fo.look(&no)
		tree[best] = yes
		tree = append(tree, no)
	}
	return tree
}

// goes reports whether a row's bin is at or above a bin of numbers, or is that level.
func (k *treeColumn) goes(row int32, at int) bool {
	if k.center != nil {
		return int(k.bin[row]) >= at
	}
	return int(k.bin[row]) == at
}

// look finds the best split of a branch.
func (fo *forest) look(b *branch) {
	if len(b.rows) < 2*treeRowsMin {
		return
	}
	fo.sum(b.rows, fo.all)
	whole := fo.all.explained()
	for c := range fo.columns {
		k, w := &fo.columns[c], fo.y.width
		fo.histogram(k, b.rows)
		clear(fo.half.g)
		clear(fo.half.h)
		n, last := 0, 0
		if k.center == nil && k.in.Kind == KindCategory {
			last = 1 // not the missing cells
		}
		for at := k.bins - 1 - last; at >= 0; at-- {
			if k.center == nil { // one level against the others
				clear(fo.half.g)
				clear(fo.half.h)
				n = 0
			}
			n += fo.counts[at]
			for j := range w {
				fo.half.g[j] += fo.sums[(2*at)*w+j]
				fo.half.h[j] += fo.sums[(2*at+1)*w+j]
			}
			if n < treeRowsMin || len(b.rows)-n < treeRowsMin {
				continue
			}
			if gain := fo.half.explained() + fo.half.rest(fo.all) - whole; gain > b.gain {
				b.gain, b.split = gain, condition{c, at, true}
			}
		}
	}
}

// histogram sums g and h of the rows for each bin of a column.
func (fo *forest) histogram(k *treeColumn, rows []int32) {
	w := fo.y.width
	clear(fo.counts[:k.bins])
	clear(fo.sums[:2*k.bins*w])
	for _, r := range rows {
		b := int(k.bin[r])
		fo.counts[b]++
		g, h := fo.g[int(r)*w:][:w], fo.h[int(r)*w:][:w]
		to := fo.sums[2*b*w:][:2*w]
		for j := range w {
			to[j] += g[j]
			to[w+j] += h[j]
		}
	}
}

// sum sets s to the sums over the rows.
func (fo *forest) sum(rows []int32, s treeSums) {
	w := fo.y.width
	clear(s.g)
	clear(s.h)
	for _, r := range rows {
		for j := range w {
			s.g[j] += fo.g[int(r)*w+j]
			s.h[j] += fo.h[int(r)*w+j]
		}
	}
}

// explained returns twice by how much the best step of a leaf lowers the loss.
func (s treeSums) explained() float64 {
	total := 0.0
	for j, g := range s.g {
		total += float64(g*g) / (s.h[j] + treePenalty)
	}
	return total
}

// rest returns what explained returns for the rows of all that are not in s.
func (s treeSums) rest(all treeSums) float64 {
	total := 0.0
	for j := range s.g {
		g := all.g[j] - s.g[j]
		total += float64(g*g) / (all.h[j] - s.h[j] + treePenalty)
	}
	return total
}

// step adds a leaf's prediction to f in the rows of the leaf.
func (fo *forest) step(b *branch) {
	w := fo.y.width
	fo.sum(b.rows, fo.all)
	for j := range w {
		v := treeRate * fo.all.g[j] / (fo.all.h[j] + treePenalty)
		for _, r := range b.rows {
			fo.f[int(r)*w+j] += v
		}
	}
}

// leaf returns the weights of a leaf. Each condition is a number that is 1 if it holds and 0 if not: an input, a sum of
// pieces, or 1 minus that. The leaf is their sum, less their number and plus 1.
func (fo *forest) leaf(path []condition) Leaf {
	l := Leaf{Bias: 1}
	for _, c := range path {
		k := &fo.columns[c.column]
		in, sign := k.in, 1.0
		if c.holds {
			l.Bias--
		} else {
			sign = -1
		}
		switch {
		case k.center != nil:
			low, high := k.center[c.at-1], k.center[c.at]
			for j := 1; j < len(in.Pieces); j++ {
				if in.Pieces[j-1] >= low && in.Pieces[j] <= high {
					l.add(in.offset+in.layout.Pieces.From+j-1, sign*(in.Pieces[j]-in.Pieces[j-1])/(high-low))
				}
			}
		case in.Kind == KindBoolean: // -1 or 1
			if c.at == 0 {
				l.add(in.offset, -sign/2)
			} else {
				l.add(in.offset, sign/2)
			}
			l.Bias += sign / 2
		default:
			l.add(in.offset+c.at, sign)
		}
	}
	return l
}

func (l *Leaf) add(input int, weight float64) {
	l.Inputs, l.Weights = append(l.Inputs, input), append(l.Weights, weight)
}
