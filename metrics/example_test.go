package metrics_test

import (
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/metrics"
)

// The example scores predictions and a baseline that always predicts the mean of the targets.
func ExampleRegression() {
	y, yhat := []float64{1, 2, 3, 4}, []float64{1.5, 2, 2.5, 4}
	report, err := metrics.Regression(y, yhat, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	guess, err := metrics.MeanBaseline(y, []float64{2.5}, nil)
	if err != nil {
		log.Fatal(err)
	}
	r2, _ := report.Get("r2")
	base, _ := guess.Get("r2")
	fmt.Printf("R2 %.2f, of the mean %.2f\n", r2, base)
	// Output: R2 0.90, of the mean 0.00
}
