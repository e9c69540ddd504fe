package cli

import (
	"errors"
	"fmt"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/optim"
	"github.com/gradus-ml/gradus/plot"
	"github.com/gradus-ml/gradus/train"
)

// lrCmd is "gradus lr DATA": the rate finder.
type lrCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	Low        float64 `default:"1e-6" placeholder:"X" help:"The rate of the first update."`
	High       float64 `default:"10" placeholder:"X" help:"The rate of the last update, unless the loss explodes before."`
	Updates    int     `default:"200" placeholder:"N" help:"How many updates to make while the rate rises."`
	Out        string  `short:"o" placeholder:"FILE" help:"The picture: .svg or .png. Default: none."`
	JSON       bool    `name:"json" help:"One JSON object on standard output."`
	Quiet      bool    `help:"No progress."`
}

type lrJSON struct {
	Suggestion *float64           `json:"suggestion"` // a tenth of Lowest; null if the loss never falls
	Steepest   *float64           `json:"steepest"`   // the rate at which the loss falls fastest; null if it never falls
	Lowest     *float64           `json:"lowest"`     // the rate with the lowest smoothed loss
	Default    float64            `json:"default"`    // the rate that train would use
	Optimizer  string             `json:"optimizer"`
	Points     []lesson.RatePoint `json:"points"`
	Picture    *string            `json:"picture"`
	saidJSON
}

func (c *lrCmd) Run(e *env) error {
	if !(c.Low > 0 && c.Low < c.High) || finite(c.High) == nil {
		return usagef("--low %v --high %v: give two rates greater than 0, the higher one second", c.Low, c.High)
	}
	if c.Updates < 10 {
		return usagef("--updates %d: give a whole number of at least 10", c.Updates)
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	if o.LearningRate != nil || o.Schedule != "auto" || o.Warmup != 0 {
		return usagef("lr tries rates from --low to --high: it takes no --lr, --schedule or --warmup")
	}
	if o.Method == string(train.PerSample) {
		return usagef("--method per-sample: lr follows one loss, and per-sample has one for each sample; use another method")
	}
	format := ""
	if c.Out != "" {
		var err error
		if format, err = plot.FormatOf(c.Out); err != nil {
			return usage{err}
		}
		if err := checkOut(c.Out, kind(format), append(c.Data, c.text("test"), c.From)...); err != nil {
			return err
		}
	}
	f, usual, err := c.prepare(e, o)
	if err != nil {
		return err
	}
	if !c.JSON {
		writeData(e.text(), f.Table(), f.Schema, f.Said())
	}
	sweep, err := c.sweep(e, f)
	if err != nil {
		return err
	}
	out := lrJSON{Default: usual, Optimizer: f.Options.Optimizer, Points: sweep.Points, saidJSON: said(f.Schema, f.Said())}
	if len(sweep.Points) > 0 {
		out.Lowest = &sweep.Points[sweep.Lowest()].Rate
	}
	if i, ok := sweep.Steepest(); ok {
		out.Steepest = &sweep.Points[i].Rate
	}
	if rate, ok := sweep.Suggest(); ok {
		out.Suggestion = &rate
	}
	if format != "" {
		if err := e.writeFigure(c.Out, format, sweepFigure(out)); err != nil {
			return err
		}
		out.Picture = &c.Out
	}
	if c.JSON {
		return e.writeJSON(out)
	}
	c.print(e, f, out)
	return nil
}

// prepare returns the run of the sweep, and the rate that train would use.
func (c *lrCmd) prepare(e *env, o model.Options) (f *model.Fit, usual float64, err error) {
	c.show(e, c.Quiet)
	tables, err := c.tables(e, c.Data, &o)
	if err != nil {
		return nil, 0, err
	}
	start, err := c.start()
	if err != nil {
		return nil, 0, err
	}
	// The options that would end a run early do not apply here.
	none, off := 0.0, 0
	o.Validation, tables.Validation, o.Patience, o.Tolerance, o.TargetLoss, o.MaxTime = &none, nil, &off, nil, nil, 0
	o.Epochs = c.Updates
	sweep := optim.Sweep{From: c.Low, To: c.High, Steps: c.Updates}
	o.Schedule, o.Custom.Schedules = sweep.String(), []optim.Schedule{sweep}
	if f, err = c.tableFlags.prepare(tables, o, start); err != nil {
		return nil, 0, err
	}
	return f, *f.Options.LearningRate, nil
}

// sweep trains while the rate rises.
func (c *lrCmd) sweep(e *env, f *model.Fit) (lesson.RateSweep, error) {
	var sweep lesson.RateSweep
	e.watch()
	for step, err := range f.Steps(e.ctx) {
		var diverged *train.DivergedError
		if errors.As(err, &diverged) {
			break
		}
		if errors.Is(err, train.ErrInterrupted) {
			return sweep, status(statusInterrupted)
		}
		if err != nil {
			return sweep, err
		}
		if !sweep.Add(step.LearningRate, step.Loss) || step.N == c.Updates {
			break
		}
	}
	return sweep, nil
}

func (c *lrCmd) print(e *env, f *model.Fit, out lrJSON) {
	e.printf("Rows     %d training\n", f.Rows.Train)
	e.printf("Network  %s, loss %s (%s)\n", model.Describe(f.Encoding.Width(), f.Layers()), f.Options.Loss, f.Options.Reduction)
	if n := len(out.Points); n > 0 {
		end := "up to --high"
		if n < c.Updates {
			end = "until the loss exploded"
		}
		e.printf("Sweep    %s, %s, rates from %s to %s, %s\n", plural.Of(n, "update"), out.Optimizer, short(out.Points[0].Rate), short(out.Points[n-1].Rate), end)
		e.printf("\n%10s %14s %14s\n", "rate", "loss", "smoothed")
		const lines = 16
		for i := range min(lines, n) {
			p := out.Points[i*(n-1)/max(1, min(lines, n)-1)]
			e.printf("%10.3g %14.6g %14.6g\n", p.Rate, p.Loss, p.Smooth)
		}
	}
	e.printf("\n")
	if out.Suggestion == nil {
		e.printf("The loss never falls: no rate can be suggested. Raise --high, or look at the data and the loss.\n")
	} else {
		e.printf("The loss falls fastest at a rate of %.2g and is lowest at %.2g; a tenth of that is suggested. The default of train is %g.\n", *out.Steepest, *out.Lowest, out.Default)
		e.printf("Next     gradus train %s --lr %.2g%s\n", c.Data.shown(), *out.Suggestion, c.optimizerFlag())
	}
	if out.Picture != nil {
		e.printf("Picture  %s\n", *out.Picture)
	}
}

func (c *lrCmd) optimizerFlag() string {
	name := c.text("optimizer")
	if name == "" || name == "auto" {
		return ""
	}
	return fmt.Sprintf(" --optimizer %s", shellWord(name))
}

// sweepFigure draws the loss against the rate.
func sweepFigure(out lrJSON) plot.Chart {
	loss, smooth := plot.Series{Name: "loss of the batch", Dashed: true}, plot.Series{Name: "smoothed"}
	positive := true
	for _, p := range out.Points {
		loss.X, loss.Y = append(loss.X, p.Rate), append(loss.Y, p.Loss)
		smooth.X, smooth.Y = append(smooth.X, p.Rate), append(smooth.Y, p.Smooth)
		positive = positive && p.Loss > 0
	}
	c := plot.Chart{
		Title: "Loss against the learning rate, " + out.Optimizer, XLabel: "rate", YLabel: "loss",
		LogX: true, LogY: positive, Series: []plot.Series{smooth, loss},
	}
	if out.Suggestion != nil {
		c.Mark = &plot.Mark{X: *out.Suggestion, Label: fmt.Sprintf("suggested: %.2g", *out.Suggestion)}
	}
	return c
}
