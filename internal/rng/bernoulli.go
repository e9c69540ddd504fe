package rng

// Bernoulli returns 64 independent bits. Each is 1 with probability p, 0 <= p < 1. They belong
// to (seed, purpose, a, b). b must be a multiple of 32: Bernoulli may use the draws b .. b+31.
//
// Bit k is u < p for a uniform u. Word after word, bit k holds the next binary digit of u, from
// the first on. All bits are decided once no u agrees with p's digits so far, or the rest of
// these digits are 0: after 7 words on average, 1 for p = 1/2, instead of 64.
func Bernoulli(p float64, seed uint64, purpose Purpose, a, b uint64) (less uint64) {
	digits := uint64(p * 0x1p64) // exact for p >= 2^-11, else to 2^-64
	open := ^uint64(0)           // the u that agree with p so far
	for ; digits != 0 && open != 0; b += 2 {
		w0, w1, w2, w3 := blocks(seed, purpose, a, b)
		less, open = digit(less, open, w0, digits)
		less, open = digit(less, open, w1, digits<<1)
		less, open = digit(less, open, w2, digits<<2)
		less, open = digit(less, open, w3, digits<<3)
		digits <<= 4
	}
	return less
}

// blocks returns what block returns for b, which must be even, and for b+1. Two in one loop take
// little longer than one, because each step of one waits for the step before.
func blocks(seed uint64, p Purpose, a, b uint64) (lo, hi, lo1, hi1 uint64) {
	const (
		m0, m1 = 0xD2511F53, 0xCD9E8D57
		w0, w1 = 0x9E3779B9, 0xBB67AE85
	)
	a = a<<8>>8 | uint64(p)<<56
	c0, c1, c2, c3 := uint32(b), uint32(b>>32), uint32(a), uint32(a>>32)
	d0, d1, d2, d3 := c0|1, c1, c2, c3
	k0, k1 := uint32(seed), uint32(seed>>32)
	for range 10 {
		p0, p1 := uint64(m0)*uint64(c0), uint64(m1)*uint64(c2)
		q0, q1 := uint64(m0)*uint64(d0), uint64(m1)*uint64(d2)
		c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
		d0, d1, d2, d3 = uint32(q1>>32)^d1^k0, uint32(q1), uint32(q0>>32)^d3^k1, uint32(q0)
		k0 += w0
		k1 += w1
	}
	return uint64(c0) | uint64(c1)<<32, uint64(c2) | uint64(c3)<<32, uint64(d0) | uint64(d1)<<32, uint64(d2) | uint64(d3)<<32
}

// digit compares one more digit of every u, the bits of word, with the first of digits.
func digit(less, open, word, digits uint64) (uint64, uint64) {
	one := uint64(int64(digits) >> 63) // all ones if p's digit is 1
	return less | open&^word&one, open &^ (word ^ one)
}
