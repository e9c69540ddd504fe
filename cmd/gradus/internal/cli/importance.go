package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/journal"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

// importanceCmd is "gradus importance MODEL DATA".
type importanceCmd struct {
	Model        string `arg:"" help:"A model file."`
	Data         paths  `arg:"" sep:"none" help:"A table with the model's columns and its target, best of rows that trained nothing."`
	readFlags    `embed:""`
	Repeats      int     `default:"5" placeholder:"N" help:"How often each column is shuffled."`
	Metric       string  `placeholder:"NAME" help:"What gets worse, such as log_loss or rmse. Default: r2, or accuracy."`
	SampleWeight name    `placeholder:"COL" help:"A column of weights, one for each row. Default: every row counts the same."`
	Threshold    float64 `placeholder:"X" help:"Above which probability the second of two classes is predicted. Default: the model's."`
	Seed         uint64  `default:"1" help:"Decides how the columns are shuffled."`
	Threads      *int    `placeholder:"N" help:"Cores to use; it changes no bit of the result. Default: all."`
	RunDir       string  `name:"run" placeholder:"DIR" help:"Keep what was measured there, column by column; the same call continues it."`
	Out          string  `short:"o" placeholder:"FILE" help:"A picture: .svg or .png."`
	JSON         bool    `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet        bool    `help:"No progress."`
}

// measured is a column in the journal.
type measured struct {
	Column string    `json:"column"`
	Drops  []float64 `json:"drops"`
}

func (c *importanceCmd) Run(e *env) error {
	if c.Repeats < 1 {
		return usagef("--repeats %d: give a whole number of at least 1", c.Repeats)
	}
	o := model.ImportanceOptions{
		EvaluateOptions: model.EvaluateOptions{SampleWeight: string(c.SampleWeight), Threshold: c.Threshold}, Repeats: c.Repeats, Seed: c.Seed,
	}
	if c.Metric != "" {
		o.Metrics = []string{c.Metric}
	}
	if c.Threads != nil {
		if *c.Threads < 1 {
			return usagef("--threads %d: give a whole number of at least 1", *c.Threads)
		}
		o.Threads = *c.Threads
	}
	format := ""
	if c.Out != "" {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return usage{err}
		}
		if err := checkOut(c.Out, kind(format), append(c.Data, c.Model)...); err != nil {
			return err
		}
	}
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	c.show(e, c.Quiet)
	t, err := c.read(e, c.Data...)
	if err != nil {
		return err
	}
	keep := func(measured) error { return nil }
	if c.RunDir != "" {
		j, known, err := c.open(t)
		if err != nil {
			return err
		}
		defer j.Close()
		keep, o.Known = j.Add, map[string][]float64{}
		for _, m := range known {
			o.Known[m.Column] = m.Drops
		}
	}
	ended, all := len(o.Known), len(m.Columns())
	o.Done = func(column string, drops []float64) error {
		if ended++; !c.Quiet {
			fmt.Fprintf(e.Err, "column %d of %d: %s\n", ended, all, column)
		}
		return keep(measured{column, drops})
	}
	e.watch()
	found, err := m.Importance(e.ctx, t, o)
	if err != nil {
		if e.ctx.Err() != nil && errors.Is(err, e.ctx.Err()) {
			return e.interrupted(ended, all, "column", c.RunDir)
		}
		return asUsage(err)
	}
	e.sayAll(found.Notes)
	if format != "" {
		if err := writeFigure(c.Out, format, lab.ImportanceFigure(found)); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.writeJSON(found)
	}
	e.printf("%s is %s on %d rows of %s; by how much it is worse when a column is shuffled (%s, seed %d)\n\n",
		found.Metric, short(found.Score), found.Rows, t.Name(), counted(found.Repeats, "time"), c.Seed)
	w := tabwriter.NewWriter(e.Out, 0, 0, 2, ' ', 0)
	for _, col := range found.Columns {
		fmt.Fprintf(w, "%s\t%8.4f ± %.4f\t%s\n", cut(col.Name, 40), col.Mean, col.SD, bars(col.Mean, found.Columns[0].Mean))
	}
	return w.Flush()
}

// open opens the measurement's journal. What it is told of the measurement is all that its
// numbers depend on.
func (c *importanceCmd) open(t *data.Table) (*journal.Journal[measured], []measured, error) {
	sum, err := fileSum(c.Model)
	if err != nil {
		return nil, nil, err
	}
	j, known, err := journal.Open[measured](c.RunDir, "columns.jsonl", "measurement", struct {
		Model        string  `json:"model"`
		Data         string  `json:"data"`
		Metric       string  `json:"metric"`
		SampleWeight string  `json:"sample-weight"`
		Threshold    float64 `json:"threshold"`
		Repeats      int     `json:"repeats"`
		Seed         uint64  `json:"seed"`
	}{sum, t.Fingerprint(), c.Metric, string(c.SampleWeight), c.Threshold, c.Repeats, c.Seed})
	if err != nil {
		return nil, nil, fmt.Errorf("--run: %w", err)
	}
	return j, known, nil
}

// bars draws a share of the most in up to 30 characters.
func bars(value, most float64) string {
	if !(most > 0) || !(value > 0) {
		return ""
	}
	const full = 30
	text := ""
	for range int(value/most*full + 0.5) {
		text += "█"
	}
	return text
}
