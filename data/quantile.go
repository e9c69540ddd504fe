package data

import (
	"math"
	"slices"
	"unsafe"
)

// quantile interpolates linearly between sorted values, as NumPy does.
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1)) // rounded, so that it is not fused with what follows
	i := int(at)
	a := sorted[i]
	if i+1 >= len(sorted) {
		return a
	}
	return a + float64((sorted[i+1]-a)*(at-float64(i)))
}

const (
	digitBits  = 11 // per pass of sortNumbers
	digits     = 1 << digitBits
	fewToSort  = 1 << 11 // below this many numbers, slices.Sort is as fast
	sortPasses = (64 + digitBits - 1) / digitBits
)

// sortNumbers sorts numbers by a radix sort on their bits. None may be NaN. scratch is a
// buffer that it may use, and returns for the next call.
func sortNumbers(values, scratch []float64) []float64 {
	if len(values) < fewToSort {
		slices.Sort(values)
		return scratch
	}
	if cap(scratch) < len(values) {
		scratch = make([]float64, len(values))
	}
	scratch = scratch[:len(values)]
	from := unsafe.Slice((*uint64)(unsafe.Pointer(&values[0])), len(values))
	to := unsafe.Slice((*uint64)(unsafe.Pointer(&scratch[0])), len(values))
	var counts [sortPasses][digits]uint32
	for i, b := range from {
		b ^= uint64(int64(b)>>63) | 1<<63 // in the same order as the numbers
		from[i] = b
		for pass := range sortPasses {
			counts[pass][b>>(digitBits*pass)&(digits-1)]++
		}
	}
	for pass := range sortPasses {
		shift := digitBits * pass
		count := &counts[pass]
		if count[from[0]>>shift&(digits-1)] == uint32(len(from)) {
			continue // all have the same value in this digit
		}
		sum := uint32(0)
		for d, n := range count {
			count[d] = sum
			sum += n
		}
		for _, b := range from {
			d := b >> shift & (digits - 1)
			to[count[d]] = b
			count[d]++
		}
		from, to = to, from
	}
	for i, b := range from {
		values[i] = math.Float64frombits(b ^ (uint64(int64(^b)>>63) | 1<<63))
	}
	return scratch
}
