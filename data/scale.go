package data

import (
	"math"
	"slices"
)

// A Scaling is how numbers are brought to a common size.
type Scaling string

// The scalings. All statistics are those of the training rows.
//
//	standard  (x - mean) / standard deviation (of the population)
//	min-max   (x - min) / (max - min)
//	robust    (x - median) / interquartile range; where that is 0, 2 (x - median) / (max - min)
//	none      x
//	auto      robust, then z / sqrt(1 + (z/3)^2), which keeps outliers within -3 and 3;
//	          x / 255 for the bytes of images; standard for targets
//
// A column that is constant becomes 0, except with none. The auto scaling is that of RealMLP (Holzmüller,
// Grinsztajn, Steinwart, "Better by Default", arXiv 2407.04491).
const (
	ScaleAuto     Scaling = "auto"
	ScaleStandard Scaling = "standard"
	ScaleMinMax   Scaling = "min-max"
	ScaleRobust   Scaling = "robust"
	ScaleNone     Scaling = "none"
)

// ParseScaling reads the name of a scaling.
func ParseScaling(s string) (Scaling, error) {
	switch sc := Scaling(s); sc {
	case ScaleAuto, ScaleStandard, ScaleMinMax, ScaleRobust, ScaleNone:
		return sc, nil
	}
	return "", fail(ErrOption, "%s is not one of auto, standard, min-max, robust and none", quote(s))
}

// scaling finds center and scale of (x - center) / scale. It sorts the values when it
// needs their quantiles. A constant column has the scale 0.
func scaling(values []float64, how Scaling) (center, scale float64) {
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
	slices.Sort(values)
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

// quantile interpolates linearly between the sorted values, as numpy does.
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1)) // rounded, lest it be fused with what follows
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	a, b := sorted[i], sorted[i+1]
	return a + float64((b-a)*(at-float64(i)))
}

// softClip is z / sqrt(1 + (z/3)^2), which lies between -3 and 3.
func softClip(z float64) float64 {
	if math.Abs(z) > 1e100 {
		return math.Copysign(3, z)
	}
	q := z / 3
	return z / math.Sqrt(1+float64(q*q))
}
