package data

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/internal/rng"
)

// Means of levels: what a column with too many levels for a place each says about the targets.
//
// For each level and each encoded target, it is the mean in the level's n training rows,
// shrunk toward the mean of all rows,
//
//	m = (sum + s·mean) / (n + s)    s = variance within levels / variance between levels
//
// and then standardized over the training rows. s is estimated from the rows (analysis of variance with unequal n), so
// a column that says nothing becomes 0 everywhere. A level that was not in the training rows and a missing cell are 0,
// the mean of all rows. Source: Micci-Barreca, "A Preprocessing Scheme for High-Cardinality Categorical Attributes",
// 2001.
//
// A training row must not see its own target in its level's mean. So for training, the rows are dealt
// into ten folds, and a row gets the mean of its level's rows in the other nine. See OutOfFold.

const levelFolds = 10

// A levelStats has the statistics of the targets by the levels of a column.
type levelStats struct {
	width         int
	n             []float64 // rows per level
	sum           []float64 // of the targets, per level
	mean          []float64 // of each target over all rows
	shrink        []float64 // s of each target; +Inf: the levels do not differ
	center, scale []float64 // of m over the rows
}

// newLevelStats takes the level of each row, -1 for none, and the rows' targets.
func newLevelStats(level []int32, levels int, y targetMatrix) *levelStats {
	k := y.width
	s := &levelStats{width: k, n: make([]float64, levels), sum: make([]float64, levels*k), mean: make([]float64, k),
		shrink: make([]float64, k), center: make([]float64, k), scale: make([]float64, k)}
	total := make([]float64, k)
	known := 0.0
	for i, l := range level {
		row := y.y[i*k : (i+1)*k]
		for j, v := range row {
			total[j] += v
		}
		if l < 0 {
			continue
		}
		known++
		s.n[l]++
		for j, v := range row {
			s.sum[int(l)*k+j] += v
		}
	}
	for j := range total {
		s.mean[j] = total[j] / float64(len(level))
	}
	square := s.within(level, y)
	present, squares := 0.0, 0.0
	for _, n := range s.n {
		if n > 0 {
			present++
			squares += float64(n * n)
		}
	}
	for j := range k {
		s.shrink[j] = math.Inf(1)
		if known > present && present > 1 {
			within := square[j] / (known - present)
			levels := (s.between(j, known) - float64((present-1)*within)) / (known - squares/known)
			if levels > 0 {
				s.shrink[j] = within / levels
			}
		}
		s.standardize(j, known)
	}
	return s
}

// within returns, for each target, the sum of squares around the means of the rows' levels.
func (s *levelStats) within(level []int32, y targetMatrix) []float64 {
	k := s.width
	square := make([]float64, k)
	for i, l := range level {
		if l < 0 {
			continue
		}
		for j, v := range y.y[i*k : (i+1)*k] {
			d := v - s.sum[int(l)*k+j]/s.n[l]
			square[j] += float64(d * d)
		}
	}
	return square
}

// between returns the sum of squares of the levels' means of target j around the mean of all
// known rows.
func (s *levelStats) between(j int, known float64) (sum float64) {
	grand := 0.0
	for l, n := range s.n {
		if n > 0 {
			grand += s.sum[l*s.width+j]
		}
	}
	grand /= known
	for l, n := range s.n {
		if n > 0 {
			d := s.sum[l*s.width+j]/n - grand
			sum += float64(n * float64(d*d))
		}
	}
	return sum
}

// standardize sets the center and the scale of m for target j over the known rows. The scale is the
// standard deviation.
func (s *levelStats) standardize(j int, known float64) {
	mean := func(f func(m float64) float64) float64 {
		sum := 0.0
		for l, n := range s.n {
			sum += float64(n * f(s.m(s.sum[l*s.width+j], n, j)))
		}
		return sum / known
	}
	s.center[j] = mean(func(m float64) float64 { return m })
	s.scale[j] = math.Sqrt(mean(func(m float64) float64 {
		d := m - s.center[j]
		return float64(d * d)
	}))
}

// m returns the shrunken mean of target j in n rows.
func (s *levelStats) m(sum, n float64, j int) float64 {
	if math.IsInf(s.shrink[j], 1) || n == 0 {
		return s.mean[j]
	}
	return (sum + float64(s.shrink[j]*s.mean[j])) / (n + s.shrink[j])
}

// standard returns m standardized.
func (s *levelStats) standard(m float64, j int) float64 {
	if !(s.scale[j] > 1e-12) {
		return 0
	}
	return (m - s.center[j]) / s.scale[j]
}

// means returns the standardized means of all levels.
func (s *levelStats) means() []float64 {
	out := make([]float64, len(s.sum))
	for l, n := range s.n {
		for j := range s.width {
			out[l*s.width+j] = s.standard(s.m(s.sum[l*s.width+j], n, j), j)
		}
	}
	return out
}

// fitMeans fits the means of levels, if the column has too many levels for a place each.
func (in *Input) fitMeans(c *column, rows []int, y targetMatrix) {
	if len(in.Levels)+len(in.RareOf) <= mostLevels {
		return
	}
	in.index()
	k := newCoder(in, c)
	stats := newLevelStats(k.levelsOf(rows), len(in.Levels)+len(in.RareOf), y)
	for _, s := range stats.shrink {
		if !math.IsInf(s, 1) {
			in.Means = stats.means()
			return
		}
	}
}

// levelsOf returns the level of each row, -1 if it has none.
func (k *coder) levelsOf(rows []int) []int32 {
	level := make([]int32, len(rows))
	for i, row := range rows {
		level[i] = max(-1, k.places[k.view.codes.at(row)])
	}
	return level
}

// OutOfFold replaces the means of levels in encoded inputs by means that leave out a row's own target. rows are the
// rows that the encoding was fitted on, and x holds their inputs as Inputs wrote them. Other inputs do not
// change. If no column has many levels, it does nothing.
func OutOfFold[T Float](b *Binding, rows []int, x []T) error {
	var y targetMatrix
	for i := range b.e.Inputs {
		in := &b.e.Inputs[i]
		if in.Means == nil {
			continue
		}
		if y.y == nil {
			y = targetMatrix{make([]float64, len(rows)*b.e.Outputs()), b.e.Outputs()}
			if err := Targets(b, rows, y.y); err != nil {
				return err
			}
		}
		level := b.coders[i].levelsOf(rows)
		s := newLevelStats(level, len(in.Levels)+len(in.RareOf), y)
		k := s.width
		place := in.offset + in.layout.Means.From
		fold := make([]uint8, len(rows))
		for r := range rows {
			fold[r] = uint8(rng.Uint64(0, rng.LevelFold, 0, uint64(r)) % levelFolds)
		}
		n, sum := make([]float64, len(s.n)), make([]float64, len(s.sum))
		for f := range uint8(levelFolds) {
			clear(n)
			clear(sum)
			for r, l := range level {
				if l >= 0 && fold[r] == f {
					n[l]++
					for j, v := range y.y[r*k : (r+1)*k] {
						sum[int(l)*k+j] += v
					}
				}
			}
			for r, l := range level {
				if l < 0 || fold[r] != f {
					continue
				}
				for j := range k {
					at := int(l)*k + j
					x[r*b.e.width+place+j] = T(s.standard(s.m(s.sum[at]-sum[at], s.n[l]-n[l], j), j))
				}
			}
		}
	}
	return nil
}

// HasMeans reports whether a column has means of levels.
func (e *Encoding) HasMeans() bool {
	return slices.ContainsFunc(e.Inputs, func(in Input) bool { return in.Means != nil })
}

// meansProblem reports means that do not match the levels and the number of encoded targets.
func (in *Input) meansProblem(outputs int) string {
	if in.Means == nil {
		return ""
	}
	if in.Kind != KindCategory || len(in.Means) != (len(in.Levels)+len(in.RareOf))*outputs {
		return "has means that do not belong to its levels"
	}
	for _, m := range in.Means {
		if !float.Finite(m) {
			return "has a mean that is not a finite number"
		}
	}
	return ""
}
