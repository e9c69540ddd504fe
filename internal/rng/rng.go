package rng

import "math/bits"

// Purpose keeps the draws of one use separate from those of every other.
type Purpose uint8

// The purposes are part of a run's bits: never renumber them.
const (
	Init            Purpose = 1  // a: layer, b: parameter within it
	Shuffle         Purpose = 2  // a: epoch, b: position
	SplitTest       Purpose = 3  // a: class, b: position
	SplitValidation Purpose = 4  // a: class, b: position
	Sample          Purpose = 5  // a: any, b: position; which parameters to check, which rows to show
	Dropout         Purpose = 6  // a: step, layer; b: row, unit; see Bernoulli
	Search          Purpose = 15 // a: trial, b: dimension
	Fold            Purpose = 20 // a: class, b: position; which fold a row is in
	Permute         Purpose = 21 // a: column << 24 | repeat, b: position; importance; with bit 63 set, the orders of Shapley values
	Member          Purpose = 22 // a: member, b: 0 for its seed, 1 for the seed of a repeat's folds
	LevelFold       Purpose = 30 // a: 0, b: position; the fold that the mean of a training row's level leaves out
	Blocks          Purpose = 31 // a: epoch, b: position; the order of blocks of rows
	Buffer          Purpose = 32 // a: epoch << 32 | buffer, b: position; the order of the rows of some blocks
)

// philox is Philox4x32 with ten rounds.
func philox(ctr [4]uint32, key [2]uint32) [4]uint32 {
	const (
		m0, m1 = 0xD2511F53, 0xCD9E8D57
		w0, w1 = 0x9E3779B9, 0xBB67AE85
	)
	for range 10 {
		p0 := uint64(m0) * uint64(ctr[0])
		p1 := uint64(m1) * uint64(ctr[2])
		ctr = [4]uint32{
			uint32(p1>>32) ^ ctr[1] ^ key[0], uint32(p1),
			uint32(p0>>32) ^ ctr[3] ^ key[1], uint32(p0),
		}
		key[0] += w0
		key[1] += w1
	}
	return ctr
}

// block returns the 128 bits that belong to (seed, p, a, b). Only the low 56 bits of a count.
func block(seed uint64, p Purpose, a, b uint64) (lo, hi uint64) {
	a = a<<8>>8 | uint64(p)<<56
	out := philox(
		[4]uint32{uint32(b), uint32(b >> 32), uint32(a), uint32(a >> 32)},
		[2]uint32{uint32(seed), uint32(seed >> 32)},
	)
	return uint64(out[0]) | uint64(out[1])<<32, uint64(out[2]) | uint64(out[3])<<32
}

// Uint64 returns 64 uniform bits.
func Uint64(seed uint64, p Purpose, a, b uint64) uint64 {
	lo, _ := block(seed, p, a, b)
	return lo
}

// Float64 returns a uniform number in [0, 1), a multiple of 2^-53.
func Float64(seed uint64, p Purpose, a, b uint64) float64 {
	return float64(Uint64(seed, p, a, b)>>11) * 0x1p-53
}

// Perm fills dst with a permutation of 0 .. len(dst)-1 that depends only on (seed, p, a)
// (Fisher and Yates, from the end).
func Perm[I int | int32](dst []I, seed uint64, p Purpose, a uint64) {
	for i := range dst {
		dst[i] = I(i)
	}
	// One block serves the draws of two neighboring positions: an odd i takes its high word.
	var lo, hi uint64
	for i := len(dst) - 1; i > 0; i-- {
		if i&1 == 1 || i == len(dst)-1 {
			lo, hi = block(seed, p, a, uint64(i>>1))
		}
		word := lo
		if i&1 == 1 {
			word = hi
		}
		j, _ := bits.Mul64(word, uint64(i)+1)
		dst[i], dst[j] = dst[j], dst[i]
	}
}
