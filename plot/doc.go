// Package plot draws learning curves, networks and bars, as SVG or PNG.
//
// It takes only plain data: a [Chart] of [Series], a [Grid] of charts with one legend, a [Net] of
// layers with their weights, and [Bars] of named numbers. Each is a [Figure]. [Write] draws any of
// them in either format with the same code:
//
//	chart := plot.Chart{
//		Title:  "Learning curve",
//		XLabel: "epoch",
//		YLabel: "loss",
//		LogY:   true,
//		Series: []plot.Series{
//			{Name: "training", X: epochs, Y: training},
//			{Name: "validation", X: epochs, Y: validation, Dashed: true},
//		},
//		Mark: &plot.Mark{X: 41, Label: "best epoch 41"},
//	}
//	err := plot.Write(file, "svg", chart)
//
// A picture never fails because of its numbers. Values that are not finite, and values that a
// logarithmic axis cannot show, leave a gap in a curve. Weights that are not finite are drawn
// in their own style. The same figure always gives the same bytes.
package plot
