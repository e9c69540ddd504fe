package cli

import (
	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// curves draws a run's loss and validation score against epochs.
func curves(title string, h train.History, best int) plot.Chart {
	c := lab.LossCurve(h, best)
	c.Title = title
	return c
}
