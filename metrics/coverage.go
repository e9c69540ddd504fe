package metrics

import (
	"cmp"
	"slices"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

// Coverage says how many targets lie in their intervals. Shares and means go by the rows' weights.
type Coverage struct {
	Level  float64    `json:"level"`  // the share of rows that should lie in their interval
	Share  float64    `json:"share"`  // the share of rows that does
	Fifths [5]float64 `json:"fifths"` // the same by fifths of the rows in the order of their predictions, the least first
	Width  float64    `json:"width"`  // the mean of upper - lower
	// Score is the mean interval score (Gneiting and Raftery 2007), in the target's unit; less is better:
	//
	//	upper - lower + 2/(1 - level)·(how far the target lies outside)
	Score float64 `json:"score"`
}

// MarshalJSON writes null for a number that is not finite.
func (c Coverage) MarshalJSON() ([]byte, error) { return jsonfloat.Marshal(c) }

// UnmarshalJSON reads null as NaN.
func (c *Coverage) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, c) }

// Cover compares intervals with the targets y. says are the predictions, which only order the rows, and w the rows'
// weights; nil: all equal. The lists have one number for each row, at least five of them.
func Cover(level float64, lower, upper, says, y, w []float64) Coverage {
	c := Coverage{Level: level}
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(says[a], says[b]) })
	total, rows := 0.0, [5]float64{}
	for at, i := range order {
		weight, fifth := 1.0, at*5/len(order)
		if w != nil {
			weight = w[i]
		}
		outside := max(lower[i]-y[i], y[i]-upper[i], 0)
		if outside == 0 {
			c.Share += weight
			c.Fifths[fifth] += weight
		}
		c.Width += float64(weight * (upper[i] - lower[i]))
		c.Score += float64(weight * (upper[i] - lower[i] + float64(2/(1-level)*outside)))
		total += weight
		rows[fifth] += weight
	}
	c.Share, c.Width, c.Score = c.Share/total, c.Width/total, c.Score/total
	for k := range c.Fifths {
		if rows[k] > 0 {
			c.Fifths[k] /= rows[k]
		}
	}
	return c
}
