package cli

import (
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
)

// evaluateCmd is "gradus evaluate MODEL DATA".
type evaluateCmd struct {
	Model        string `arg:"" help:"A model file."`
	Data         paths  `arg:"" sep:"none" help:"A table with the model's columns and its target."`
	readFlags    `embed:""`
	diskFlags    `embed:""`
	Metric       []string    `placeholder:"NAME" help:"The metrics to report, separated by commas. Default: as in training."`
	SampleWeight name        `placeholder:"COL" help:"A column of weights, one for each row. Default: every row counts the same."`
	Threshold    probability `placeholder:"X" help:"The probability of the second class above which it is predicted. Default: the model's."`
	Interval     probability `placeholder:"X" help:"For regression: also report how often intervals of this probability, such as 0.9, hold the target, and how wide they are."`
	JSON         bool        `name:"json" help:"One JSON object on standard output."`
}

func (c *evaluateCmd) Run(e *env) error {
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	disk, closeDisk, err := c.diskFlags.open(c.Model)
	if err != nil {
		return err
	}
	defer closeDisk()
	c.disk = disk
	t, err := c.read(e, c.Data...)
	if err != nil {
		return err
	}
	found, err := m.Evaluate(t, model.EvaluateOptions{
		Metrics: c.Metric, SampleWeight: string(c.SampleWeight), Threshold: float64(c.Threshold), Interval: float64(c.Interval),
	})
	if err != nil {
		return asUsage(err)
	}
	e.sayAll(found.Notes())
	if c.JSON {
		return e.writeJSON(evaluateResult(m, found))
	}
	e.printf("%s of %s\n\n", plural.Of(found.Rows, "row"), t.Name())
	writeScoreTable(e, m, []scoreLine{{"score", &found.Report}}, guessLine{guessName(m), found.Guess})
	if found.Compared != "" {
		e.printf("\n%s\n", e.wrap(found.Compared, "Compared "))
	}
	writeClasses(e, m, &found.Report, "")
	writeCover(e, m, found.Cover)
	return nil
}

// writeCover writes how often intervals hold.
func writeCover(e *env, m *model.Model, all []metrics.Coverage) {
	for i, c := range all {
		of := ""
		if len(all) > 1 {
			of = " of " + m.Targets()[i]
		}
		e.printf("\nIntervals%s for %v: %.3f of the rows lie within theirs; mean width %s, interval score %s\n", of, c.Level, c.Share, short(c.Width), short(c.Score))
		e.printf("by fifths of the prediction, lowest first: %.2f %.2f %.2f %.2f %.2f\n", c.Fifths[0], c.Fifths[1], c.Fifths[2], c.Fifths[3], c.Fifths[4])
	}
}

// evaluateJSON is what evaluate --json prints.
type evaluateJSON struct {
	Rows    int                  `json:"rows"`
	Left    model.Left           `json:"left_out"`
	Metrics metrics.Report       `json:"metrics"`
	Guess   metrics.Scores       `json:"guess"` // of always guessing the training mean or the commonest training class
	Compare string               `json:"compared,omitempty"`
	Classes []string             `json:"classes,omitempty"` // in the order of the confusion matrix
	ByClass []metrics.ClassScore `json:"by_class,omitempty"`
	Cover   []metrics.Coverage   `json:"intervals,omitempty"` // of each target, with --interval
	Notes   []string             `json:"notes"`
}

func evaluateResult(m *model.Model, found *model.Evaluation) evaluateJSON {
	out := evaluateJSON{
		Rows: found.Rows, Left: found.Left, Metrics: found.Report, Guess: found.Guess, Compare: found.Compared, Cover: found.Cover, Notes: append([]string{}, found.Notes()...),
	}
	if found.Confusion != nil && m.Classes() != nil {
		out.Classes, out.ByClass = m.Classes(), metrics.ByClass(found.Confusion)
		for i := range out.ByClass {
			out.ByClass[i].Class = out.Classes[i]
		}
	}
	return out
}
