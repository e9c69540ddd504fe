package cli

import (
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
)

// evaluateCmd is "gradus evaluate MODEL DATA".
type evaluateCmd struct {
	Model        string `arg:"" help:"A model file."`
	Data         string `arg:"" help:"A table with the model's columns and its target."`
	readFlags    `embed:""`
	Metric       []string `placeholder:"NAME" help:"What to report, with commas between them. Default: as in training."`
	SampleWeight string   `placeholder:"COL" help:"A column of weights, one for each row. Default: every row counts the same."`
	Threshold    float64  `placeholder:"X" help:"Above which probability the second of two classes is predicted. Default: the model's."`
	JSON         bool     `name:"json" help:"One JSON object on standard output."`
}

func (c *evaluateCmd) Run(e *env) error {
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	t, err := c.read(e, c.Data)
	if err != nil {
		return err
	}
	report, rows, err := m.Evaluate(t, model.EvaluateOptions{Metrics: c.Metric, SampleWeight: c.SampleWeight, Threshold: c.Threshold})
	if err != nil {
		return asUsage(err)
	}
	if c.JSON {
		return e.writeJSON(struct {
			Rows    int            `json:"rows"`
			Metrics metrics.Report `json:"metrics"`
		}{rows, report})
	}
	e.printf("%d rows of %s\n", rows, t.Name())
	for _, s := range report.Scores {
		e.printf("%-18s %s\n", s.Name, short(s.Value))
	}
	return nil
}
