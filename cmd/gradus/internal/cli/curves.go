package cli

import (
	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// curves is the picture of a run: loss and validation score against epochs.
func curves(title string, h train.History, best int) plot.Chart {
	c := lab.LossCurve(h, best)
	c.Title = title
	return c
}
