package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// compareCmd is "gradus compare DATA".
type compareCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	Methods    []string `default:"batch,stochastic,mini-batch" help:"Which to race: batch, stochastic, mini-batch, per-sample."`
	Out        string   `short:"o" default:"compare.svg" placeholder:"FILE" help:"The picture: .svg or .png; none for no picture."`
	JSON       bool     `name:"json" help:"One JSON object on standard output."`
	Quiet      bool     `help:"No progress."`
}

func (c *compareCmd) Run(e *env) error {
	format := ""
	if c.Out != "none" {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return usage{err}
		}
		if err := checkOut(c.Out, kind(format), append(c.Data, c.From)...); err != nil {
			return err
		}
	}
	if len(c.Methods) == 0 {
		return usagef("--methods: name at least one of %s", strings.Join(train.Methods(), ", "))
	}
	for _, m := range c.Methods {
		if !slices.Contains(train.Methods(), m) {
			return usagef("--methods: %q is not known; choose from %s", m, strings.Join(train.Methods(), ", "))
		}
		if c.text("norm") == nn.BatchNorm.String() && train.Method(m).OneRow() {
			return usagef("--norm: batch normalization needs at least 2 rows in a batch, and with %s it has 1; give --methods batch,mini-batch, or --norm layer", m)
		}
	}
	f, err := c.prepare(e)
	if err != nil {
		return err
	}
	net, x, y, err := f.Sample(f.Rows.Train)
	if err != nil {
		return err
	}
	lanes := make([]lesson.Lane, len(c.Methods))
	for i, m := range c.Methods {
		config := f.Config()
		config.Method = train.Method(m)
		lanes[i] = lesson.Lane{Name: m, Config: config}
	}
	begun := false
	watch := func(lane int, p lesson.Point) {
		if !begun && !c.JSON {
			writeData(e.text(), f.Table(), f.Schema, f.Said())
		}
		begun = true
		if !c.Quiet && p.Epoch == f.Options.Epochs/2 {
			fmt.Fprintf(e.remarks(), "%s: epoch %d of %d, loss %s\n", c.Methods[lane], p.Epoch, f.Options.Epochs, short(p.Loss))
		}
	}
	e.watch()
	tracks, err := lesson.Race(e.ctx, net, train.Data[float64]{Train: train.Set[float64]{X: x, Y: y}}, lanes, watch)
	if err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			return status(statusInterrupted)
		}
		if errors.Is(err, train.ErrConfig) {
			err = usage{err}
		}
		return err
	}
	if format != "" {
		if err := e.writeFigure(c.Out, format, raceFigure(tracks)); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.writeJSON(struct {
			Rows    int                     `json:"rows"`
			Loss    string                  `json:"loss"`
			Tracks  []lesson.Track[float64] `json:"tracks"`
			Picture string                  `json:"picture"`
			saidJSON
		}{f.Rows.Train, f.Options.Loss, tracks, c.Out, said(f.Schema, f.Said())})
	}
	c.print(e, f, tracks)
	return nil
}

func (c *compareCmd) prepare(e *env) (*model.Fit, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	none := 0.0
	o.Precision, o.Validation = "float64", &none
	c.show(e, c.Quiet)
	t, err := c.readSilently(e, c.Data...)
	if err != nil {
		return nil, err
	}
	start, err := c.start()
	if err != nil {
		return nil, err
	}
	return c.tableFlags.prepare(model.Tables{Train: t}, o, start)
}

func (c *compareCmd) print(e *env, f *model.Fit, tracks []lesson.Track[float64]) {
	e.printf("\n%d rows, %s, loss %s; every method from the same weights (seed %d), %s at rate %g\n\n",
		f.Rows.Train, model.Describe(f.Encoding.Width(), f.Layers()), f.Options.Loss, f.Options.Seed, f.Options.Optimizer, *f.Options.LearningRate)
	e.printf("%-10s %6s %8s %9s %8s %10s %10s  %s\n", "method", "epochs", "updates", "gradients", "seconds", "first loss", "last loss", "ended by")
	for _, t := range tracks {
		first, last := t.Points[0], t.Points[len(t.Points)-1]
		e.printf("%-10s %6d %8d %9d %8.3f %10.5g %10.5g  %s\n",
			t.Name, last.Epoch, last.Updates, last.Rows, last.Seconds, first.Loss, last.Loss, t.Reason)
	}
	e.printf("\nEach row of an update counts as one gradient. The loss is the mean over all rows.\n")
	if c.Out != "none" {
		e.printf("Picture  %s\n", c.Out)
	}
}

// raceFigure draws the loss against four measures of work.
func raceFigure(tracks []lesson.Track[float64]) plot.Grid {
	chart := func(label string, x func(lesson.Point) float64) plot.Chart {
		c := plot.Chart{XLabel: label, YLabel: "loss", LogY: true, LogX: label != "epochs"}
		for _, t := range tracks {
			s := plot.Series{Name: t.Name}
			for _, p := range t.Points {
				s.X, s.Y = append(s.X, x(p)), append(s.Y, p.Loss)
			}
			c.Series = append(c.Series, s)
		}
		return c
	}
	return plot.Grid{
		Title: "One start, different methods: the loss over all rows",
		Charts: [][]plot.Chart{
			{chart("epochs", func(p lesson.Point) float64 { return float64(p.Epoch) }), chart("updates", func(p lesson.Point) float64 { return float64(p.Updates) })},
			{chart("gradient evaluations", func(p lesson.Point) float64 { return float64(p.Rows) }), chart("seconds", func(p lesson.Point) float64 { return p.Seconds })},
		},
	}
}
