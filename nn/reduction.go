package nn

import "fmt"

// Reduction says how the losses of a batch's samples are reduced to one number.
type Reduction uint8

const (
	Mean Reduction = iota // divided by the batch's own number of rows (or sum of weights), also in a smaller last batch
	Sum                   // added
)

func (r Reduction) String() string {
	if r == Sum {
		return "sum"
	}
	return "mean"
}

// ParseReduction returns the reduction of that name, mean or sum.
func ParseReduction(name string) (Reduction, error) {
	switch name {
	case "mean":
		return Mean, nil
	case "sum":
		return Sum, nil
	}
	return 0, fmt.Errorf("reduction %q is not known; choose mean or sum", name)
}

// Scale returns the factor on a sample's gradient in a batch with that many rows and weights. If weights is
// nil, all weights are 1. A mean divides by the sum of the weights, as PyTorch's weighted cross-entropy does. If
// that sum is 0, so is the scale.
func (r Reduction) Scale(rows int, weights []float64) float64 {
	if r == Sum {
		return 1
	}
	if weights == nil {
		return 1 / float64(rows)
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	if sum == 0 {
		return 0
	}
	return 1 / sum
}
