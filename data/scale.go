package data

import (
	"math"
	"slices"
)

// A Scaling is a way to bring numbers to a common scale.
type Scaling string

// The scalings. All statistics are taken from the training rows.
//
//	standard  (x - mean) / standard deviation (of the population)
//	min-max   (x - min) / (max - min)
//	robust    (x - median) / interquartile range; where that is 0, 2 (x - median) / (max - min)
//	none      x
//	pieces    auto, and in addition the value's place among knots at which the target changes: see Input
//	trees     pieces, with more knots where trees of all columns split: see Encoding.Leaves
//	waves     auto, and in addition cos and sin of the rank at two frequencies: see Input
//	auto      robust, then z / sqrt(1 + (z/3)^2), which keeps outliers within -3 and 3,
//	          and in addition the value's rank among the training rows, (2F(x) - 1) sqrt(3)
//	          (in tables of up to 256 such columns);
//	          x / 255 for the bytes of images; standard for targets
//
// A constant column becomes 0, except with none. The auto scaling is the one of RealMLP (Holzmüller,
// Grinsztajn, Steinwart, "Better by Default", arXiv 2407.04491).
const (
	ScaleAuto     Scaling = "auto"
	ScaleStandard Scaling = "standard"
	ScaleMinMax   Scaling = "min-max"
	ScaleRobust   Scaling = "robust"
	ScaleNone     Scaling = "none"
	ScalePieces   Scaling = "pieces"
	ScaleTrees    Scaling = "trees"
	ScaleWaves    Scaling = "waves"
)

// ParseScaling reads the name of a scaling.
func ParseScaling(s string) (Scaling, error) {
	switch sc := Scaling(s); sc {
	case ScaleAuto, ScaleStandard, ScaleMinMax, ScaleRobust, ScaleNone, ScalePieces, ScaleTrees, ScaleWaves:
		return sc, nil
	}
	return "", fail(ErrOption, "%s is not one of auto, pieces, trees, waves, standard, min-max, robust and none", quote(s))
}

// pieced reports whether numbers also have their place among knots.
func (s Scaling) pieced() bool { return s == ScalePieces || s == ScaleTrees }

// soft reports whether numbers have the soft clip and the rank of auto.
func (s Scaling) soft() bool { return s == ScaleAuto || s == ScaleWaves || s.pieced() }

// scaling finds center and scale of (x - center) / scale. If it needs quantiles, it sorts
// the values and uses scratch as a buffer. A constant column has the scale 0.
func scaling(values []float64, how Scaling, scratch *[]float64) (center, scale float64) {
	if how == ScaleNone {
		return 0, 1
	}
	if len(values) == 0 {
		return 0, 0
	}
	least, most := slices.Min(values), slices.Max(values)
	if least == most {
		return least, 0
	}
	switch how {
	case ScaleStandard:
		return meanAndDeviation(values)
	case ScaleMinMax:
		return least, most - least
	}
	*scratch = sortNumbers(values, *scratch)
	center = quantile(values, 0.5)
	scale = quantile(values, 0.75) - quantile(values, 0.25)
	if scale == 0 {
		scale = (most - least) / 2
	}
	return center, scale
}

// meanAndDeviation sums in the order of the values.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, x := range values {
		mean += x
	}
	mean /= n
	var sum float64
	for _, x := range values {
		d := x - mean
		sum += float64(d * d)
	}
	return mean, math.Sqrt(sum / n)
}

// softClip is z / sqrt(1 + (z/3)^2), which lies between -3 and 3.
func softClip(z float64) float64 {
	if z > 1e100 || z < -1e100 {
		return math.Copysign(3, z)
	}
	q := z / 3
	return z / math.Sqrt(1+float64(q*q))
}

const (
	mostRanks  = 128 // stored points of a column's distribution
	mostRanked = 256 // columns of numbers; a table with more has no ranks
)

// ranks returns points (at, of) of the distribution function of sorted values, with at increasing. of is the share of
// values below at, plus half of those equal to it. Between the points the function is linear. Fewer than 3 distinct
// values have no ranks, because a line through 2 points says no more than the scaled value.
func ranks(values []float64) (at, of []float64) {
	n, distinct := len(values), 0
	for i := range n {
		if i == 0 || values[i] != values[i-1] {
			distinct++
		}
	}
	if distinct < 3 {
		return nil, nil
	}
	for i := 0; i < n; { // keeps all points, or the first, the last, and each that is a step above the one kept before
		j := i
		for j < n && values[j] == values[i] {
			j++
		}
		share := float64(i+j) / float64(2*n)
		if distinct <= mostRanks || i == 0 || j == n || share-of[len(of)-1] >= 1.0/(mostRanks-2) {
			at, of = append(at, values[i]), append(of, share)
		}
		i = j
	}
	return at, of
}

// rankBuckets is the number of parts of equal width that a column's range is divided into.
const rankBuckets = 256

// A rankIndex quickly finds the position of a value among the increasing knots at. The knots of
// bucket b are those from first[b] to first[b+1].
type rankIndex struct {
	low, perUnit float64
	first        []int32
}

func newRankIndex(at []float64) rankIndex {
	x := rankIndex{low: at[0], perUnit: rankBuckets / (at[len(at)-1] - at[0]), first: make([]int32, rankBuckets+1)}
	for b := range x.first {
		for int(x.first[b]) < len(at) && x.bucket(at[x.first[b]]) < b {
			x.first[b]++
		}
		if b < rankBuckets {
			x.first[b+1] = x.first[b]
		}
	}
	return x
}

// bucket returns the bucket of a value. It never decreases as v increases.
func (x *rankIndex) bucket(v float64) int {
	b := (v - x.low) * x.perUnit
	switch {
	case b >= rankBuckets:
		return rankBuckets - 1
	case b > 0: // not NaN
		return int(b)
	}
	return 0
}

// rank returns (2F(x) - 1) sqrt(3), which has mean 0 and variance 1 over the training rows. Beyond their
// range F continues with its mean slope over the range.
func (in *Input) rank(x float64) float64 {
	const root3 = 1.7320508075688772
	at, of := in.RankAt, in.RankOf
	b := in.ranks.bucket(x)
	i, high := int(in.ranks.first[b]), int(in.ranks.first[b+1]) // i becomes the first knot that is not below x
	for i < high {
		half := int(uint(i+high) >> 1)
		if at[half] < x {
			i = half + 1
		} else {
			high = half
		}
	}
	var f float64
	switch {
	case i == len(at):
		f = 1
	case at[i] == x:
		f = of[i]
	case i == 0:
		f = 0
	default:
		part := (x - at[i-1]) / (at[i] - at[i-1])
		f = of[i-1] + float64((of[i]-of[i-1])*part)
	}
	if d := in.beyond(x); d != 0 {
		f += d / (in.High - in.Low)
	}
	return (2*f - 1) * root3
}
