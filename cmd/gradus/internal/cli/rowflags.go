package cli

import (
	"strings"

	"github.com/gradus-ml/gradus/model"
)

// rowFlags say what rows are worth, which stay together, and how predictions are scored.
type rowFlags struct {
	SampleWeight name     `placeholder:"COL" group:"rows" help:"A column of weights, one for each row; it is no input."`
	ClassWeight  names    `placeholder:"balanced|CLASS=X" group:"rows" help:"What rows of a class weigh: balanced for all classes the same together, or CLASS=X for some, with commas between them."`
	Split        string   `default:"random" placeholder:"random|time:COL" group:"rows" help:"Which rows are held out: of each class a share drawn by the seed, or the last by a column of numbers or dates."`
	Group        name     `placeholder:"COL" group:"rows" help:"Rows with the same cell in this column stay together when rows are held out; it is no input."`
	Metric       []string `placeholder:"NAME" group:"rows" help:"What to report, with commas between them; the first one chooses the epoch on the validation rows. Default: the usual ones, and the loss chooses."`
	Calibrate    bool     `group:"rows" help:"Of classes: divide the logits by the temperature that suits the validation rows, where that makes probabilities better."`
	Threshold    string   `placeholder:"X|auto:METRIC" group:"rows" help:"Above which probability the second of two classes is predicted: a number, or auto:f1 (accuracy, balanced_accuracy, f1_macro) for the best on the validation rows. Default: 0.5."`
}

// add puts the flags about rows into options.
func (f *rowFlags) add(o *model.Options) {
	o.SampleWeight, o.ClassWeight, o.Group = string(f.SampleWeight), f.ClassWeight, string(f.Group)
	o.Metrics, o.Threshold, o.Calibrate = f.Metric, f.Threshold, f.Calibrate
	if f.Split != "random" {
		o.Split = f.Split
		if col, ok := strings.CutPrefix(f.Split, "time:"); ok {
			o.Split = "time:" + unquoted(col)
		}
	}
}
