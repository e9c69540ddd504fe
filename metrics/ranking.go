package metrics

import (
	"fmt"
	"math"
	"slices"
)

// A ranking sorts rows by their scores. It is memory that the scores of several classes use one after another: 4 bytes
// a row, and some for a small part of the rows.
type ranking struct {
	rows  []uint32
	ends  []uint32 // of the buckets
	parts []ranked // the rows of a bucket
}

type ranked struct {
	p   float64
	row uint32
}

const (
	bucketRows  = 16      // that a bucket has if the scores are evenly spread
	mostBuckets = 1 << 16 // so that counting them stays in the cache
)

// of returns the rows from the lowest score to the highest. The scores are column at of p, rows × cols. Equal scores are in
// the order of their rows, which fixes the order of sums over them. nan reports that a score is NaN; then no row is returned.
//
// It deals the rows into buckets by their scores, and sorts each bucket.
func (r *ranking) of(p []float64, cols, at int) (rows []uint32, nan bool) {
	n := len(p) / cols
	if uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("metrics: %d rows cannot be ranked: give at most %d", n, uint32(math.MaxUint32)))
	}
	low, high := math.Inf(1), math.Inf(-1) // of the finite scores
	for i := at; i < len(p); i += cols {
		v := p[i]
		if v != v {
			return nil, true
		}
		if !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	last := min(n/bucketRows, mostBuckets-1)
	scale := float64(last) / (high - low)
	bucket := func(v float64) int { // ascends with v
		switch x := (v - low) * scale; {
		case x >= float64(last):
			return last
		case x > 0:
			return int(x)
		}
		return 0 // also if all finite scores are equal, or too far apart
	}
	r.rows, r.ends = slices.Grow(r.rows[:0], n)[:n], slices.Grow(r.ends[:0], last+2)[:last+2]
	clear(r.ends)
	for i := range n {
		r.ends[bucket(p[i*cols+at])+1]++
	}
	for b := range last {
		r.ends[b+1] += r.ends[b]
	}
	for i := range n { // ends[b] moves from the start of bucket b to its end
		b := bucket(p[i*cols+at])
		r.rows[r.ends[b]] = uint32(i)
		r.ends[b]++
	}
	from := uint32(0)
	for _, end := range r.ends[:last+1] {
		r.sort(r.rows[from:end], p, cols, at)
		from = end
	}
	return r.rows, false
}

// sort sorts the rows of a bucket, which come in the order of the rows.
func (r *ranking) sort(rows []uint32, p []float64, cols, at int) {
	score := func(row uint32) float64 { return p[int(row)*cols+at] }
	before := math.Inf(-1)
	sorted := !slices.ContainsFunc(rows, func(row uint32) bool {
		v := score(row)
		falls := v < before
		before = v
		return falls
	})
	if sorted { // as in a bucket of equal scores, which may have all rows
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
