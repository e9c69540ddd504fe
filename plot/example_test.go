package plot_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/gradus-ml/gradus/plot"
)

// The example draws a learning curve as SVG.
func ExampleWrite() {
	chart := plot.Chart{
		Title: "Learning curve", XLabel: "epoch", YLabel: "loss", LogY: true,
		Series: []plot.Series{{Name: "training", X: []float64{1, 2, 3}, Y: []float64{1, 0.1, 0.03}}},
	}
	var svg bytes.Buffer
	if err := plot.Write(&svg, "svg", chart); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(svg.Bytes(), []byte("<svg")), bytes.Contains(svg.Bytes(), []byte("Learning curve")))
	// Output: true true
}
