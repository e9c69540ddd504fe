package lesson_test

import (
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/nn"
)

// The example computes one weight's gradient by the chain rule, by backpropagation and by a difference.
func ExampleExplain() {
	net, err := nn.New[float64](3, nn.Seed(1), nn.Dense{Units: 2, Activation: nn.Sigmoid}, nn.Dense{Units: 1, Activation: nn.Sigmoid})
	if err != nil {
		log.Fatal(err)
	}
	e, err := lesson.Explain(net, lesson.ExplainOptions{}, []float64{1, 0, 1}, []float64{1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d path: %.4f, backpropagation %.4f, difference %.4f\n", e.PathCount, e.Sum, e.Gradient, e.Numeric)
	// Output: 1 path: -0.0157, backpropagation -0.0157, difference -0.0157
}
