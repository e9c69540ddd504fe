package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/journal"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/plot"
)

// importanceCmd is "gradus importance MODEL DATA".
type importanceCmd struct {
	Model        string `arg:"" help:"A model file."`
	Data         paths  `arg:"" sep:"none" help:"A table with the model's columns and its target, ideally of rows that were not used in training."`
	readFlags    `embed:""`
	queueFlags   `embed:""`
	diskFlags    `embed:""`
	Repeats      int         `default:"5" placeholder:"N" help:"How often each column is shuffled."`
	Metric       string      `placeholder:"NAME" help:"The score to measure, such as log_loss or rmse. Default: r2, or accuracy."`
	SampleWeight name        `placeholder:"COL" help:"A column of weights, one for each row. Default: every row counts the same."`
	Threshold    probability `placeholder:"X" help:"The probability of the second class above which it is predicted. Default: the model's."`
	Seed         uint64      `default:"1" help:"Decides how the columns are shuffled."`
	Threads      *int        `placeholder:"N" help:"How many cores to use; the result has the same bits. Default: all."`
	RunDir       string      `name:"run" placeholder:"DIR" help:"Keep the measurement in this folder, column by column; the same call continues it."`
	Out          string      `short:"o" placeholder:"FILE" help:"A picture: .svg or .png."`
	JSON         bool        `name:"json" help:"One JSON object on standard output, and nothing else there."`
	Quiet        bool        `help:"No progress."`
}

// measured is a column in the journal.
type measured struct {
	Column string    `json:"column"`
	Drops  []float64 `json:"drops"`
}

// options reads the flags.
func (c *importanceCmd) options() (model.ImportanceOptions, error) {
	o := model.ImportanceOptions{
		EvaluateOptions: model.EvaluateOptions{SampleWeight: string(c.SampleWeight), Threshold: float64(c.Threshold)}, Repeats: c.Repeats, Seed: c.Seed,
	}
	if c.Metric != "" {
		o.Metrics = []string{c.Metric}
	}
	switch {
	case c.Repeats < 1:
		return o, usagef("--repeats %d: give a whole number of at least 1", c.Repeats)
	case c.Threads != nil && *c.Threads < 1:
		return o, usagef("--threads %d: give a whole number of at least 1", *c.Threads)
	case c.Threads != nil:
		o.Threads = *c.Threads
	}
	return o, nil
}

func (c *importanceCmd) Run(e *env) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.Queue != "" && c.Data.isStdin() {
		return usagef("--queue: other machines cannot read this standard input; name a file")
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
	c.show(e, c.Quiet)
	measuring, err := c.begin(e, o)
	if err != nil {
		return err
	}
	defer measuring.close()
	m, t := measuring.m, measuring.t
	keep := func(measured) error { return nil }
	if c.RunDir != "" {
		j, known, err := measuring.open()
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
			c.shown.done()
			fmt.Fprintf(e.remarks(), "column %d of %d: %s\n", ended, all, column)
		}
		return keep(measured{column, drops})
	}
	if c.Queue != "" {
		err = measuring.elsewhere(e, &o)
	}
	o.Predicted = c.shown.rows("shuffling columns and predicting")
	defer c.shown.done()
	e.watch()
	var found *model.Importance
	if err == nil {
		found, err = m.Importance(e.ctx, t, o)
	}
	if err != nil {
		if e.ctx.Err() != nil && errors.Is(err, e.ctx.Err()) {
			return e.interrupted(ended, all, "column", c.RunDir)
		}
		return asUsage(err)
	}
	e.sayAll(found.Notes)
	if format != "" {
		if err := e.writeFigure(c.Out, format, lab.ImportanceFigure(found)); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.writeJSON(found)
	}
	e.printf("%s is %s on %d rows of %s. How much worse it gets when a column is shuffled (%s, seed %d):\n\n",
		found.Metric, short(found.Score), found.Rows, t.Name(), plural.Of(found.Repeats, "time"), c.Seed)
	g, means := grid{rows: [][]string{nil}, align: "lr"}, []float64{}
	for _, col := range found.Columns {
		g.add(cut(col.Name, 40), fmt.Sprintf("%.4f ± %.4f", col.Mean, col.SD))
		means = append(means, col.Mean)
	}
	e.writeBars(g, means, found.Columns[0].Mean)
	return nil
}

// measuring is a measurement whose model and table were read.
type measuring struct {
	*importanceCmd
	m *model.Model
	t *data.Table
	o model.ImportanceOptions

	closeDisk func()
}

// begin reads the model and the table.
func (c *importanceCmd) begin(e *env, o model.ImportanceOptions) (*measuring, error) {
	m, err := model.Load(c.Model)
	if err != nil {
		return nil, err
	}
	disk, closeDisk, err := c.diskFlags.open(c.Model)
	if err != nil {
		return nil, err
	}
	c.disk = disk
	t, err := c.read(e, c.Data...)
	if err != nil {
		closeDisk()
		return nil, err
	}
	return &measuring{c, m, t, o, closeDisk}, nil
}

// share reads the model and the table of another process's measurement.
func (c *importanceCmd) share(e *env, find func(path string) string) (pieces, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	c.Model, c.diskFlags = find(c.Model), diskFlags{}
	for i, path := range c.Data {
		c.Data[i] = find(path)
	}
	return c.begin(e, o)
}

// head returns all that the numbers depend on.
func (c *measuring) head() (any, error) {
	sum, err := fileSum(c.Model)
	return struct {
		Model        string  `json:"model"`
		Data         string  `json:"data"`
		Metric       string  `json:"metric"`
		SampleWeight string  `json:"sample-weight"`
		Threshold    float64 `json:"threshold"`
		Repeats      int     `json:"repeats"`
		Seed         uint64  `json:"seed"`
	}{sum, c.t.Fingerprint(), c.Metric, string(c.SampleWeight), float64(c.Threshold), c.Repeats, c.Seed}, err
}

// open opens the measurement's journal.
func (c *measuring) open() (*journal.Journal[measured], []measured, error) {
	head, err := c.head()
	if err != nil {
		return nil, nil, err
	}
	j, known, err := journal.Open[measured](c.RunDir, "columns.jsonl", "measurement", head)
	if err != nil {
		return nil, nil, fmt.Errorf("--run: %w", err)
	}
	return j, known, nil
}

// but returns placeholders for all columns but the given ones. As known results they keep Importance from
// measuring those columns.
func (c *measuring) but(columns ...string) map[string][]float64 {
	known := map[string][]float64{}
	for _, column := range c.m.Columns() {
		if !slices.Contains(columns, column) {
			known[column] = make([]float64, c.Repeats)
		}
	}
	return known
}

// piece measures a column.
func (c *measuring) piece(ctx context.Context, work []byte) (any, string, error) {
	came := measured{}
	if err := json.Unmarshal(work, &came.Column); err != nil {
		return nil, "", err
	}
	o := c.o
	o.Threads, o.Known = 1, c.but(came.Column)
	o.Done = func(_ string, drops []float64) error { came.Drops = drops; return nil }
	if _, err := c.m.Importance(ctx, c.t, o); err != nil {
		return nil, "", asUsage(err)
	}
	return came, fmt.Sprint(came.Drops), nil
}

func (c *measuring) close() { c.closeDisk() }

// elsewhere has workers measure the columns, and puts all results into the options.
func (c *measuring) elsewhere(e *env, o *model.ImportanceOptions) error {
	check := c.o
	check.Known = c.but() // measures nothing, but returns what is wrong
	if _, err := c.m.Importance(e.ctx, c.t, check); err != nil {
		return err
	}
	if o.Known == nil {
		o.Known = map[string][]float64{}
	}
	todo := slices.DeleteFunc(slices.Clone(c.m.Columns()), func(column string) bool { return len(o.Known[column]) == c.Repeats })
	work, err := c.send(e, c, blocks{})
	if err != nil {
		return err
	}
	var mutex sync.Mutex
	err = each(e.ctx, len(todo), func(ctx context.Context, i int) error {
		var came measured
		if _, err := work.do(ctx, todo[i], &came); err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		o.Known[came.Column] = came.Drops
		return o.Done(came.Column, came.Drops)
	})
	work.end(err)
	return err
}
