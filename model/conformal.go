package model

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/jsonfloat"
	"github.com/gradus-ml/gradus/internal/spill"
)

// Conformal holds the errors of the model on rows that did not train it. They limit the errors to
// expect on other rows: conformal prediction (Vovk, Gammerman and Shafer 2005). For n such rows with
// scores s_1 <= ... <= s_n, the limit for a level is
//
//	q = s_k with k = ceil((n+1)·level)
//
// A new row of the same distribution has a score of at most q with a probability of at least the level.
//
// The score of an amount is |y - prediction|. Its limit depends on the prediction: the rows are divided by
// prediction into up to five groups of about the same size, with at least some 100 rows each, and the limit
// is that of the group (Mondrian conformal prediction). The score of a class is 1 - its probability.
type Conformal struct {
	Rows    int           `json:"rows"`
	Targets []OffByTarget `json:"targets"` // one for each target; one for classes
}

// OffByTarget holds the scores of one target.
type OffByTarget struct {
	All    Scores    `json:"all"`
	Limits []float64 `json:"limits,omitempty"` // predictions that separate the groups
	Groups []Scores  `json:"groups,omitempty"` // one more than Limits
}

// MarshalJSON writes null for a number that is not finite.
func (o OffByTarget) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(o) }

// UnmarshalJSON reads null as NaN.
func (o *OffByTarget) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, o) }

// Scores are the sorted scores of rows, at most 200 of them. If scores are left out, the
// kept ones are denser at the upper end.
type Scores struct {
	Rows int       `json:"rows"`
	Kept []float64 `json:"kept"`
}

// MarshalJSON writes null for a number that is not finite.
func (s Scores) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(s) }

// UnmarshalJSON reads null as NaN.
func (s *Scores) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

const (
	keptScores = 200 // scores to keep if there are more rows
	groupRows  = 100 // least number of rows in a group
	mostGroups = 5
)

// keptRank returns the rank, starting at 1, of the i-th kept score of n.
func keptRank(i, n int) int {
	if n <= keptScores {
		return i + 1
	}
	left := 1 - float64(i+1)/keptScores
	return n - int(float64(n)*left*left)
}

// newScores keeps scores. It sorts its argument.
func newScores(all []float64) Scores {
	slices.Sort(all)
	s := Scores{Rows: len(all)}
	for i := range min(keptScores, len(all)) {
		s.Kept = append(s.Kept, all[keptRank(i, len(all))-1])
	}
	return s
}

// limit returns the least kept score that is at least the k-th, k = ceil((n+1)·level). ok is false
// if k is more than the number of scores.
func (s *Scores) limit(level float64) (q float64, ok bool) {
	k := int(math.Ceil(float64(s.Rows+1)*level - 1e-9))
	i := sort.Search(len(s.Kept), func(i int) bool { return keptRank(i, s.Rows) >= k })
	if i == len(s.Kept) {
		return math.Inf(1), false
	}
	return s.Kept[i], true
}

// newConformal makes a Conformal from predictions for rows that did not train the model, Outputs numbers per
// row, and from the rows' targets: the amounts of each row, or its class. The predictions may be out-of-fold:
// each row is predicted by a model that did not learn it (as in CV+ of Barber, Candès, Ramdas and Tibshirani
// 2021). It returns nil for several labels and for no rows.
func newConformal(disk *data.Spill, m *Model, predictions, truth []float64) *Conformal {
	width := m.Outputs()
	rows := len(predictions) / width
	if m.Task() == data.Multilabel || rows == 0 {
		return nil
	}
	c := &Conformal{Rows: rows}
	if m.Task() != data.Regression {
		scores := spill.Must[float64](disk, rows)
		defer spill.Free(disk, scores)
		for i := range scores {
			scores[i] = 1 - predictions[i*width+int(truth[i])]
		}
		c.Targets = []OffByTarget{{All: newScores(scores)}}
		return c
	}
	p, off := spill.Must[float64](disk, rows), spill.Must[float64](disk, rows)
	defer spill.Free(disk, p)
	defer spill.Free(disk, off)
	if m.ofBounds {
		for j := 0; j < width; j += 2 {
			for i := range p {
				off[i], p[i] = offBounds(predictions[i*width+j], predictions[i*width+j+1], truth[i*width+j])
			}
			c.Targets = append(c.Targets, newOff(disk, p, off))
		}
		return c
	}
	for j := range width {
		for i := range p {
			p[i], off[i] = predictions[i*width+j], math.Abs(truth[i*width+j]-predictions[i*width+j])
		}
		c.Targets = append(c.Targets, newOff(disk, p, off))
	}
	return c
}

// newOff keeps the scores of rows, for all of them and by groups of their predictions p. It sorts the scores.
func newOff(disk *data.Spill, p, scores []float64) (t OffByTarget) {
	rows := len(p)
	if n := min(mostGroups, rows/groupRows); n > 1 {
		sorted := spill.Must[float64](disk, rows)
		defer spill.Free(disk, sorted)
		copy(sorted, p)
		slices.Sort(sorted)
		for g := 1; g < n; g++ {
			if limit := sorted[g*rows/n]; len(t.Limits) == 0 || limit > t.Limits[len(t.Limits)-1] {
				t.Limits = append(t.Limits, limit)
			}
		}
		for g := range len(t.Limits) + 1 {
			own := sorted[:0]
			for i, v := range p {
				if t.group(v) == g {
					own = append(own, scores[i])
				}
			}
			t.Groups = append(t.Groups, newScores(own))
		}
	}
	t.All = newScores(scores)
	return t
}

// group returns the index of a prediction's group.
func (o *OffByTarget) group(predictions float64) int {
	return sort.Search(len(o.Limits), func(i int) bool { return predictions < o.Limits[i] })
}

// limit returns the limit of the prediction's group, or of all rows if the group has too few rows
// for the level.
func (o *OffByTarget) limit(predictions, level float64) (q float64, ok bool) {
	if o.Groups != nil {
		if q, ok := o.Groups[o.group(predictions)].limit(level); ok {
			return q, true
		}
	}
	return o.All.limit(level)
}

// checkLevel refuses a level that is not possible.
func (m *Model) checkLevel(option string, level float64) error {
	switch {
	case !(level > 0 && level < 1):
		return refuse(option, level, "give a share between 0 and 1, such as 0.9")
	case m.Conformal == nil:
		return refuse(option, nil, "the model's file does not say how far it was off on rows that did not train it: train it with validation rows")
	}
	if _, ok := m.Conformal.Targets[0].All.limit(level); !ok {
		return refuse(option, level, "it takes at least %d validation rows, and the model had %d; give at most %v, or train with more",
			int(math.Ceil(level/(1-level)*(1-1e-9))), m.Conformal.Rows, math.Floor(1e4*float64(m.Conformal.Rows)/float64(m.Conformal.Rows+1))/1e4)
	}
	return nil
}

// Interval is a range for a target.
type Interval struct {
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// MarshalJSON writes null for a number that is not finite.
func (i Interval) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(i) }

// UnmarshalJSON reads null as NaN.
func (i *Interval) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, i) }

// Intervals returns, for each target of a regression, an interval that contains the target with probability level,
// such as 0.9. predictions are those of Predict or PredictValues, of one or many rows. The probability is a mean over
// rows that are like the model's validation rows. An error wraps ErrOptions.
func (m *Model) Intervals(predictions []float64, level float64) ([]Interval, error) {
	if m.Task() != data.Regression {
		return nil, refuse("Interval", nil, "it is for amounts, and the task is %s; for two and more classes there are sets", m.Task())
	}
	if err := m.checkLevel("Interval", level); err != nil {
		return nil, err
	}
	for i, v := range predictions {
		if v-v != 0 {
			return nil, refuse("Interval", nil, "prediction %d, counted from 0, is %v, and only a finite number has an interval: take predictions from Predict", i, v)
		}
	}
	if m.ofBounds {
		return m.boundIntervals(predictions, level), nil
	}
	out := make([]Interval, len(predictions))
	for i, v := range predictions {
		q, _ := m.Conformal.Targets[i%m.Outputs()].limit(v, level)
		out[i] = Interval{v - q, v + q}
	}
	return out, nil
}

// Sets returns, for each row of predictions, a set of classes that contains the row's class with a probability of at
// least level, the most probable class first. The most probable class is always in the set, so no set is empty. The
// sets of a model that is right more often than the level are therefore larger than necessary. An error wraps
// ErrOptions.
func (m *Model) Sets(predictions []float64, level float64) ([][]string, error) {
	if m.Task() != data.Binary && m.Task() != data.Multiclass {
		return nil, refuse("Sets", nil, "they are for classes, and the task is %s; for amounts there are intervals", m.Task())
	}
	if err := m.checkLevel("Sets", level); err != nil {
		return nil, err
	}
	q, _ := m.Conformal.Targets[0].All.limit(level)
	width, classes := m.Outputs(), m.Classes()
	out := make([][]string, len(predictions)/width)
	for i := range out {
		p := predictions[i*width:][:width]
		order := make([]int, width)
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if p[a] > p[b] {
				return -1
			}
			if p[a] < p[b] {
				return 1
			}
			return 0
		})
		for n, k := range order {
			if n == 0 || 1-p[k] <= q {
				out[i] = append(out[i], classes[k])
			}
		}
	}
	return out, nil
}

// Limit returns the score that the given share of rows does not exceed, for the first target. It is an error if
// there are too few rows for the level.
func (c *Conformal) Limit(level float64) (float64, error) {
	q, ok := c.Targets[0].All.limit(level)
	if !ok {
		return 0, refuse("Level", level, "it takes more rows than %d", c.Rows)
	}
	return q, nil
}

// validate refuses scores that are impossible.
func (c *Conformal) validate(m *Model) error {
	targets := 1
	if m.Task() == data.Regression {
		targets = m.Outputs()
	}
	least := 0.0
	if m.ofBounds { // a target inside of its bounds has a score below 0
		targets, least = targets/2, math.Inf(-1)
	}
	if m.Task() == data.Multilabel || len(c.Targets) != targets {
		return fmt.Errorf("it says how far it was off for %d targets, and it has %d", len(c.Targets), targets)
	}
	for _, t := range c.Targets {
		ordered := slices.IsSorted(t.Limits) && (len(t.Groups) == 0 && len(t.Limits) == 0 || len(t.Groups) == len(t.Limits)+1)
		for _, s := range append([]Scores{t.All}, t.Groups...) {
			ordered = ordered && len(s.Kept) == min(keptScores, s.Rows) && slices.IsSorted(s.Kept) && !slices.ContainsFunc(s.Kept, func(v float64) bool { return !(v >= least) })
		}
		if !ordered {
			return fmt.Errorf("the scores of its validation rows are not in order")
		}
	}
	return nil
}
