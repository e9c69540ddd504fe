package metrics

import (
	"fmt"
	"math"
	"slices"
)

// A ranking sorts rows by their scores. It is memory that the scores of several classes use one after another, 4 bytes
// a row. Where many scores are close together, it takes up to as much again while it sorts.
type ranking struct {
	rows  []uint32
	parts []ranked // the rows of a small bucket
}

type ranked struct {
	p   float64
	row uint32
}

const (
	bucketRows  = 16      // that a bucket has if the scores are evenly spread
	mostBuckets = 1 << 16 // so that counting them stays in the cache
	mostParts   = 1 << 12 // rows of a bucket that is sorted, and not dealt into buckets of its own
)

// of returns the rows from the lowest score to the highest. The scores are column at of p, rows × cols. Equal scores are in
// the order of their rows, which fixes the order of sums over them. nan reports that a score is NaN; then no row is returned.
func (r *ranking) of(p []float64, cols, at int) (rows []uint32, nan bool) {
	n := len(p) / cols
	if uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("metrics: %d rows cannot be ranked: give at most %d", n, uint32(math.MaxUint32)))
	}
	for i := at; i < len(p); i += cols {
		if p[i] != p[i] {
			return nil, true
		}
	}
	r.rows = slices.Grow(r.rows[:0], n)[:n]
	r.deal(nil, r.rows, func(row uint32) float64 { return p[int(row)*cols+at] })
	return r.rows, false
}

// deal sorts the rows from, which are in ascending order, into to; nil means all rows. It deals them into buckets, each for a
// range of scores, and sorts each bucket.
func (r *ranking) deal(from, to []uint32, score func(row uint32) float64) {
	row := func(i int) uint32 {
		if from == nil {
			return uint32(i)
		}
		return from[i]
	}
	low, high := math.Inf(1), math.Inf(-1) // of the finite scores
	for i := range to {
		if v := score(row(i)); !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	unit := 1.0
	if math.IsInf(high-low, 1) {
		unit = 0.5
	}
	least, width := low*unit, float64(high*unit)-float64(low*unit)
	last := min(max(3, len(to)/bucketRows), mostBuckets-1)
	bucket := func(v float64) int { // ascends with v; the lowest and the highest finite score have different ones
		switch {
		case v < low: // -Inf
			return 0
		case v > high: // +Inf
			return last
		case low == high:
			return 1
		}
		return 1 + int((float64(v*unit)-least)/width*float64(last-2))
	}
	ends := make([]uint32, last+2)
	for i := range to {
		ends[bucket(score(row(i)))+1]++
	}
	for b := range last {
		ends[b+1] += ends[b]
	}
	for i := range to { // ends[b] moves from the start of bucket b to its end
		b := bucket(score(row(i)))
		to[ends[b]] = row(i)
		ends[b]++
	}
	start := uint32(0)
	for _, end := range ends[:last+1] {
		r.sort(to[start:end], score)
		start = end
	}
}

// sort sorts the rows of a bucket, which are in ascending order.
func (r *ranking) sort(rows []uint32, score func(row uint32) float64) {
	before := math.Inf(-1)
	falls := func(row uint32) bool {
		last := before
		before = score(row)
		return before < last
	}
	if !slices.ContainsFunc(rows, falls) { // as in a bucket of equal scores
		return
	}
	if len(rows) > mostParts {
		r.deal(slices.Clone(rows), rows, score)
		return
	}
	r.parts = r.parts[:0]
	for _, row := range rows {
		r.parts = append(r.parts, ranked{score(row), row})
	}
	slices.SortFunc(r.parts, func(a, b ranked) int {
		switch {
		case a.p < b.p:
			return -1
		case a.p > b.p:
			return 1
		case a.row < b.row:
			return -1
		}
		return 1
	})
	for i, of := range r.parts {
		rows[i] = of.row
	}
}
