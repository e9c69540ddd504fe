package data

import (
	"slices"
	"sort"

	"github.com/gradus-ml/gradus/internal/float"
)

// Pieces: a number's place among knots at which the target changes. A regression tree of this single
// column on the targets splits its values, best split first. The knots are the thresholds, and the
// least and the greatest value. Input k is 0 below the knot k, 1 above the knot k+1, and linear
// between them (Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features", arXiv
// 2203.05556, target-aware bins). A first layer can then form any continuous function that is linear
// between the knots.

const (
	mostPieces   = 32   // per column
	pieceBins    = 1024 // places considered for a split
	pieceRowsMin = 16   // training rows on each side of a split
	pieceGain    = 10   // least reduction of the sum of squares by a split, in variances of what is split
)

// targetMatrix holds the training rows' encoded targets, row by row.
type targetMatrix struct {
	y     []float64
	width int
}

// fitPieces finds the knots of a column. sorted holds its values without the missing ones, in
// ascending order.
func (in *Input) fitPieces(c *column, rows []int, sorted []float64, y targetMatrix) {
	starts, ends := bins(sorted)
	if len(starts) < 3 {
		return
	}
	t := newPieceTree(c, rows, ends, y)
	leaves := t.grow()
	steps := 0.0 // part of the sum of squares around the mean that the leaves explain
	for _, l := range leaves {
		steps += t.explained(l.from, l.to)
	}
	bins := len(starts)
	whole := t.explained(0, bins)
	variance := (t.square[bins] - steps) / t.n[bins]
	if len(leaves) == 1 || steps-whole-in.lines(c, rows, y) < float64(pieceGain*variance) {
		return
	}
	slices.SortFunc(leaves, func(a, b pieceLeaf) int { return a.from - b.from })
	in.Pieces = append(in.Pieces, sorted[0])
	for _, l := range leaves[1:] {
		a, b := ends[l.from-1], starts[l.from]
		at := a + (b-a)/2
		if at > in.Pieces[len(in.Pieces)-1] {
			in.Pieces = append(in.Pieces, at)
		}
	}
	if last := sorted[len(sorted)-1]; last > in.Pieces[len(in.Pieces)-1] {
		in.Pieces = append(in.Pieces, last)
	}
}

// A pieceTree splits the bins of a column where the means of the targets differ most.
type pieceTree struct {
	width          int
	n, square, sum []float64 // before each bin: the number of rows, the sum of their targets' squares, and the sum of each target
}

// A pieceLeaf is the range of bins [from, to).
type pieceLeaf struct {
	from, to, at int // at: the best place to split it; 0: none
	gain         float64
}

func newPieceTree(c *column, rows []int, ends []float64, y targetMatrix) *pieceTree {
	k, bins := y.width, len(ends)
	t := &pieceTree{k, make([]float64, bins+1), make([]float64, bins+1), make([]float64, (bins+1)*k)}
	for i, row := range rows {
		x, what := c.number(row)
		if what != number {
			continue
		}
		bin := sort.SearchFloat64s(ends, x) + 1
		t.n[bin]++
		for j, v := range y.y[i*k : (i+1)*k] {
			t.sum[bin*k+j] += v
			t.square[bin] += float64(v * v)
		}
	}
	for b := 1; b < len(t.n); b++ {
		t.n[b] += t.n[b-1]
		t.square[b] += t.square[b-1]
		for j := range k {
			t.sum[b*k+j] += t.sum[(b-1)*k+j]
		}
	}
	return t
}

// explained returns the part of the sum of squares that the means of bins [from, to) explain.
func (t *pieceTree) explained(from, to int) float64 {
	total := 0.0
	for j := range t.width {
		d := t.sum[to*t.width+j] - t.sum[from*t.width+j]
		total += float64(d * d)
	}
	return total / (t.n[to] - t.n[from])
}

// leaf finds the best split of the bins [from, to).
func (t *pieceTree) leaf(from, to int) pieceLeaf {
	l := pieceLeaf{from: from, to: to}
	whole := t.explained(from, to)
	variance := (t.square[to] - t.square[from] - whole) / (t.n[to] - t.n[from])
	for at := from + 1; at < to; at++ {
		if t.n[at]-t.n[from] < pieceRowsMin || t.n[to]-t.n[at] < pieceRowsMin {
			continue
		}
		if gain := t.explained(from, at) + t.explained(at, to) - whole; gain > l.gain && gain > float64(pieceGain*variance) {
			l.at, l.gain = at, gain
		}
	}
	return l
}

// grow splits the leaf with the largest gain, until no split gains or there are enough leaves.
func (t *pieceTree) grow() []pieceLeaf {
	leaves := []pieceLeaf{t.leaf(0, len(t.n)-1)}
	for len(leaves) < mostPieces {
		best := 0
		for i, l := range leaves {
			if l.gain > leaves[best].gain {
				best = i
			}
		}
		l := leaves[best]
		if l.at == 0 {
			break
		}
		leaves[best] = t.leaf(l.from, l.at)
		leaves = append(leaves, t.leaf(l.at, l.to))
	}
	return leaves
}

// lines returns the part of the targets' sum of squares that a straight line explains. The line is
// in the scaled value or in the rank, whichever explains more.
func (in *Input) lines(c *column, rows []int, y targetMatrix) float64 {
	best := 0.0
	inputs := []func(float64) float64{in.scaled}
	if in.RankAt != nil {
		in.ranks = newRankIndex(in.RankAt)
		inputs = append(inputs, in.rank)
	}
	for _, input := range inputs {
		k := y.width
		n, x, xx := 0.0, 0.0, 0.0
		ys, xy := make([]float64, k), make([]float64, k)
		for i, row := range rows {
			v, what := c.number(row)
			if what != number {
				continue
			}
			z := input(v)
			n++
			x += z
			xx += float64(z * z)
			for j, t := range y.y[i*k : (i+1)*k] {
				ys[j] += t
				xy[j] += float64(z * t)
			}
		}
		sxx := xx - float64(x*x)/n
		if !(sxx > 0) {
			continue
		}
		total := 0.0
		for j := range k {
			sxy := xy[j] - float64(x*ys[j])/n
			total += float64(sxy*sxy) / sxx
		}
		best = max(best, total)
	}
	return best
}

// bins divides sorted values into runs of nearly equal size, without separating equal values. It
// returns the least and the greatest value of each run.
func bins(sorted []float64) (starts, ends []float64) {
	least := len(sorted) / pieceBins
	size := 0
	for i, x := range sorted {
		if i == 0 || x != sorted[i-1] && size >= least {
			starts, ends = append(starts, x), append(ends, x)
			size = 0
		}
		ends[len(ends)-1] = x
		size++
	}
	return starts, ends
}

// writePieces writes a number's place among the knots.
func writePieces[T Float](knots []float64, x float64, dst []T) {
	for k := range len(knots) - 1 {
		switch {
		case x >= knots[k+1]:
			dst[k] = 1
		case x <= knots[k]:
			dst[k] = 0
		default:
			dst[k] = T((x - knots[k]) / (knots[k+1] - knots[k]))
		}
	}
}

// piecesProblem reports knots that do not increase.
func (in *Input) piecesProblem() string {
	if len(in.Pieces) == 1 {
		return "has a single knot, but a piece lies between two"
	}
	for i, x := range in.Pieces {
		if !float.Finite(x) || i > 0 && x <= in.Pieces[i-1] {
			return "has knots of pieces that are not finite, or do not rise"
		}
	}
	return ""
}
