package rng

// Bernoulli returns 64 bits, each 1 with probability p, 0 <= p < 1, and independent of the
// others. They belong to (seed, purpose, a, b), b a multiple of 32: the draws b .. b+31 may be
// made.
//
// Bit k is u < p for a uniform u of which word after word holds one more binary digit, from
// the first, at bit k. Once no u agrees any more with p's digits so far, or the rest of these
// are 0, all is decided: with 7 words on average, 1 for p = 1/2, instead of 64.
func Bernoulli(p float64, seed uint64, purpose Purpose, a, b uint64) (less uint64) {
	digits := uint64(p * 0x1p64) // exact for p >= 2^-11, else to 2^-64
	open := ^uint64(0)           // the u that agree with p so far
	for ; digits != 0 && open != 0; b++ {
		lo, hi := block(seed, purpose, a, b)
		less, open = digit(less, open, lo, digits)
		less, open = digit(less, open, hi, digits<<1)
		digits <<= 2
	}
	return less
}

// digit compares one more digit of every u, the bits of word, with the first of digits.
func digit(less, open, word, digits uint64) (uint64, uint64) {
	one := uint64(int64(digits) >> 63) // all ones if p's digit is 1
	return less | open&^word&one, open &^ (word ^ one)
}
