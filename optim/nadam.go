package optim

import "github.com/gradus-ml/gradus/internal/kernel"

// NAdam is Adam with Nesterov's look-ahead and a momentum mu that warms up from about beta1/2
// to beta1 (Dozat 2016). At update n, with Πmu the product of mu_1 to mu_n:
//
//	mu_n = beta1·(1 - 0.5·0.96^(0.004·n))
//	m, v as in Adam,  d = √v/√(1-beta2ⁿ) + epsilon
//	w = w - rate·(1-mu_n)/(1-Πmu) · g/d - rate·mu_(n+1)/(1-Πmu·mu_(n+1)) · m/d
//
// This is the form of PyTorch and Keras. 0.004 is their constant momentum_decay.
type NAdam struct{ Adam }

// NewNAdam returns NAdam with Adam's defaults.
func NewNAdam() NAdam { return NAdam{NewAdam()} }

func (NAdam) String() string { return "nadam" }

func (a NAdam) Update32(s Step, w, g []float32, slots [][]float32) { nadam(a, s, w, g, slots) }
func (a NAdam) Update64(s Step, w, g []float64, slots [][]float64) { nadam(a, s, w, g, slots) }

func nadam[T Float](a NAdam, s Step, w, g []T, slots [][]T) {
	mu, next, product := a.Momenta(s.N)
	k := adamStep[T](a.Adam, s)
	k.Ahead = T(float64(-s.LearningRate*(1-mu)) / (1 - product))
	k.Rate = T(float64(-s.LearningRate*next) / (1 - float64(product*next)))
	kernel.NAdam(w, g, slots[0], slots[1], k)
}

// Momenta returns mu_n, mu_(n+1) and the product of the first n. It computes the product from
// scratch in every update, so that an optimizer keeps only its slots. After about
// log(2^-64)/log(beta1) updates (440 with a beta1 of 0.9, 44,000 with 0.999) the product is 0 to
// any precision and is no longer computed.
func (a NAdam) Momenta(n int) (mu, next, product float64) {
	const root = 0.99983672535267527842 // 0.96^0.004
	const none = 1.0 / (1 << 62) / 4
	at := func(power float64) float64 { return float64(a.Beta1 * (1 - float64(0.5*power))) }
	power := kernel.Powi(root, n)
	mu, next = at(power), at(power*root)
	if kernel.Powi(a.Beta1, n) < none { // every mu is at most beta1
		return mu, next, 0
	}
	product, power = 1, 1
	for range n {
		power *= root
		if product *= at(power); product < none {
			return mu, next, 0
		}
	}
	return mu, next, product
}
