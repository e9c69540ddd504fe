package optim

import "fmt"

// AdamW is Adam with weight decay separate from the gradient (Loshchilov and Hutter 2017):
//
//	w = w·(1 - rate·decay), then Adam's update
//
// Decay applies to every parameter, biases too, as in PyTorch. PyTorch's default decay is
// 0.01, Keras's 0.004; here it is 0.01.
type AdamW struct {
	Adam
	WeightDecay float64
}

// NewAdamW returns AdamW with Adam's defaults and a decay of 0.01.
func NewAdamW() AdamW { return AdamW{Adam: NewAdam(), WeightDecay: 0.01} }

func (AdamW) String() string { return "adamw" }

func (a AdamW) Validate() error {
	if !(a.WeightDecay >= 0) {
		return fmt.Errorf("weight-decay is %v; it must be at least 0", a.WeightDecay)
	}
	return a.Adam.Validate()
}

func (a AdamW) Update32(s Step, w, g []float32, slots [][]float32) {
	adam(a.Adam, 1-float64(s.LearningRate*a.WeightDecay), s, w, g, slots)
}

func (a AdamW) Update64(s Step, w, g []float64, slots [][]float64) {
	adam(a.Adam, 1-float64(s.LearningRate*a.WeightDecay), s, w, g, slots)
}
