package rng

import (
	"math"
	"math/bits"
	"testing"
)

// Bit k is 1 if u < p, where the binary digits of u are bit k of successive words. The test follows
// this definition digit by digit and does not stop early.
func TestBernoulliIsAComparison(t *testing.T) {
	for _, p := range []float64{0, 0.5, 0.25, 0.1, 1. / 3, 0.999, 1e-3, math.Nextafter(1, 0), 0x1p-40} {
		for a := range uint64(50) {
			got := Bernoulli(p, 7, Dropout, a, 64)
			for k := range 64 {
				var u uint64 // the first 64 digits
				for i := range uint64(32) {
					lo, hi := block(7, Dropout, a, 64+i)
					u = u<<2 | lo>>k&1<<1 | hi>>k&1
				}
				if want := u < uint64(p*0x1p64); want != (got>>k&1 == 1) {
					t.Fatalf("p = %v, a = %d, bit %d: u is %#x, but the bit is %d", p, a, k, u, got>>k&1)
				}
			}
		}
	}
}

func TestBlocks(t *testing.T) {
	for i := range uint64(1000) {
		seed, a, b := i*0x9E3779B97F4A7C15, i*0xD1342543DE82EF95, i*0xA0761D6478BD642F&^1
		lo, hi, lo1, hi1 := blocks(seed, Dropout, a, b)
		l, h := block(seed, Dropout, a, b)
		l1, h1 := block(seed, Dropout, a, b+1)
		if lo != l || hi != h || lo1 != l1 || hi1 != h1 {
			t.Fatalf("blocks(%d, %d, %d) = %x %x %x %x, want %x %x %x %x", seed, a, b, lo, hi, lo1, hi1, l, h, l1, h1)
		}
	}
}

// The share of ones is p, overall and at every bit, within five standard deviations. The share of
// pairs of neighboring ones is p², within ten.
func TestBernoulliShare(t *testing.T) {
	const draws = 20000
	for _, p := range []float64{0.05, 0.1, 0.2, 0.5, 0.8} {
		ones, pairs := 0, 0
		var each [64]int
		for b := range uint64(draws) {
			w := Bernoulli(p, 3, Dropout, 1, 32*b)
			ones += bits.OnesCount64(w)
			pairs += bits.OnesCount64(w & bits.RotateLeft64(w, 1))
			for k := range each {
				each[k] += int(w >> k & 1)
			}
		}
		within := func(what string, count, n int, p, factor float64) {
			if d := math.Abs(float64(count)/float64(n) - p); d > factor*math.Sqrt(p*(1-p)/float64(n)) {
				t.Errorf("p = %v: the share of %s is off by %v", p, what, d)
			}
		}
		within("ones", ones, 64*draws, p, 5)
		within("pairs", pairs, 64*draws, p*p, 10) // pairs overlap, so they vary more
		for k := range each {
			within("ones of a bit", each[k], draws, p, 5)
		}
	}
}

// These numbers are part of every run's bits.
func TestBernoulliGolden(t *testing.T) {
	if got, want := Bernoulli(0.2, 42, Dropout, 1<<16|2, 96), uint64(0x7013130008600044); got != want {
		t.Errorf("Bernoulli(0.2, ...) = %#x, want %#x", got, want)
	}
}

func BenchmarkBernoulli(b *testing.B) {
	for _, p := range []float64{0.5, 0.2} {
		b.Run("", func(b *testing.B) {
			for i := uint64(0); b.Loop(); i++ {
				Bernoulli(p, 1, Dropout, 0, i*32)
			}
		})
	}
}
