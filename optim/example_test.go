package optim_test

import (
	"fmt"

	"github.com/gradus-ml/gradus/optim"
)

// An optimizer holds only its hyper-parameters. The caller holds its state in slots. Here it
// minimizes (w - 3)², whose gradient is 2·(w - 3), with a falling rate.
func ExampleUpdate() {
	rule := optim.NewAdam()
	w, grad := []float64{0}, []float64{0}
	var slots [][]float64
	for range rule.Slots() {
		slots = append(slots, make([]float64, len(w)))
	}
	for n := range 200 {
		grad[0] = 2 * (w[0] - 3)
		at := optim.Position{Step: n, StepsPerEpoch: 1, Epochs: 200}
		optim.Update(rule, optim.Step{N: n + 1, LearningRate: optim.RateAt(optim.Cosine{}, 0, 0.1, at)}, w, grad, slots)
	}
	fmt.Printf("%.2f\n", w[0])
	// Output: 3.00
}
