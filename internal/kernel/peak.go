package kernel

import (
	"math"
	"runtime"
	"time"
)

// PeakFMA measures how many GFLOP/s one core reaches with only independent multiply-adds in the
// instruction set in use: the best of many short runs within about the given time. A share of
// the peak refers to it. For generic kernels it measures math.FMA, one element at a time.
func PeakFMA[T Float](within time.Duration) float64 {
	best := 0.0
	x := T(0.75)
	for start := time.Now(); best == 0 || time.Since(start) < within; {
		const calls = 20 // of a few microseconds each
		flops := 0
		t := time.Now()
		for range calls {
			if active == generic {
				flops += peakGo(1000, float64(x))
			} else {
				flops += runPeak(active, 1000, &x)
			}
		}
		best = max(best, float64(flops)/float64(time.Since(t).Nanoseconds()))
	}
	return best
}

// peakGo does 10·n multiply-adds that do not depend on each other. It returns the number of operations.
func peakGo(n int, x float64) int {
	var s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 float64
	for range n {
		s0, s1 = math.FMA(x, x, s0), math.FMA(x, x, s1)
		s2, s3 = math.FMA(x, x, s2), math.FMA(x, x, s3)
		s4, s5 = math.FMA(x, x, s4), math.FMA(x, x, s5)
		s6, s7 = math.FMA(x, x, s6), math.FMA(x, x, s7)
		s8, s9 = math.FMA(x, x, s8), math.FMA(x, x, s9)
	}
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9)
	return 2 * 10 * n
}
