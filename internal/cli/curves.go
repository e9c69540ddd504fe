package cli

import (
	"fmt"

	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// curves is the picture of a run: loss and validation score against epochs.
func curves(title string, h train.History, best int) plot.Chart {
	training := plot.Series{Name: "training"}
	validation := plot.Series{Name: "validation", Dashed: true}
	positive := true
	for _, p := range h {
		x := float64(p.Epoch)
		training.X, training.Y = append(training.X, x), append(training.Y, p.Loss)
		positive = positive && p.Loss > 0
		if p.Validation == p.Validation {
			validation.X, validation.Y = append(validation.X, x), append(validation.Y, p.Validation)
		}
	}
	c := plot.Chart{Title: title, XLabel: "epoch", YLabel: "loss", LogY: positive, Series: []plot.Series{training}}
	if len(validation.X) > 0 {
		c.Series = append(c.Series, validation)
	}
	if best > 0 {
		c.Mark = &plot.Mark{X: float64(best), Label: fmt.Sprintf("best epoch %d", best)}
	}
	return c
}
