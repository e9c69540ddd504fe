package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// checkCmd is "gradus check DATA".
type checkCmd struct {
	Data       paths `arg:"" sep:"none" help:"A table."`
	tableFlags `embed:""`
	startFlag  `embed:""`
	Rows       int  `default:"50" help:"How many training rows the loss is summed over."`
	Most       int  `default:"2000" help:"Check at most this many parameters, drawn at random by the seed; 0 checks all."`
	JSON       bool `name:"json" help:"One JSON object on standard output."`
	Quiet      bool `help:"No progress."`
}

type checkJSON struct {
	Parameters int              `json:"parameters"`
	Checked    int              `json:"checked"`
	Kinks      int              `json:"kinks"`
	Rows       int              `json:"rows"`
	Worst      *float64         `json:"worst_relative_error"`
	Threshold  float64          `json:"threshold"`
	OK         bool             `json:"ok"`
	Groups     []checkGroupJSON `json:"groups"`
	saidJSON
}

type checkGroupJSON struct {
	Name     string   `json:"name"`
	Checked  int      `json:"checked"`
	Kinks    int      `json:"kinks"`
	Worst    *float64 `json:"worst_relative_error"`
	At       string   `json:"at"`
	Gradient *float64 `json:"gradient"`
	Numeric  *float64 `json:"numeric"`
}

func (c *checkCmd) Run(e *env) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.Rows < 1 || c.Most < 0 {
		return usagef("--rows and --most: give whole numbers, --rows at least 1 and --most at least 0")
	}
	none := 0.0
	o.Precision, o.Validation = "float64", &none
	c.show(e, c.Quiet)
	t, err := c.readSilently(e, c.Data...)
	if err != nil {
		return err
	}
	start, err := c.start()
	if err != nil {
		return err
	}
	f, err := c.prepare(model.Tables{Train: t}, o, start)
	if err != nil {
		return err
	}
	if !c.JSON {
		writeData(e.text(), t, f.Schema, f.Said())
	}
	net, x, y, err := f.Sample(c.Rows)
	if err != nil {
		return err
	}
	weights, err := f.SampleWeights(c.Rows)
	if err != nil {
		return err
	}
	if x.Rows < 2 && nn.StateCount(net.Layers()...) > 0 {
		return usagef("--rows %d: batch normalization needs at least 2 rows", c.Rows)
	}
	r := nn.CheckGradient(net, f.Config().Loss, x, y, nn.CheckOptions{
		Max: c.Most, Seed: o.Seed, Reduction: f.Config().Reduction, Weights: weights, Penalty: f.Config().Penalty,
	})
	out := checkJSON{
		Parameters: r.Parameters, Checked: r.Checked, Kinks: r.Kinks, Rows: x.Rows,
		Worst: finite(r.Worst.Error), Threshold: nn.CheckThreshold, OK: r.OK(), Groups: []checkGroupJSON{},
		saidJSON: said(f.Schema, f.Said()),
	}
	for _, g := range r.Groups {
		out.Groups = append(out.Groups, checkGroupJSON{
			Name: g.Tensor, Checked: g.Checked, Kinks: g.Kinks, Worst: finite(g.Worst.Error),
			At: parameterName(net, g.Worst.Index), Gradient: finite(g.Worst.Gradient), Numeric: finite(g.Worst.Numeric),
		})
	}
	if c.JSON {
		err = e.writeJSON(out)
	} else {
		c.print(e, f, net, out)
	}
	if err == nil && !out.OK {
		return status(statusFailed)
	}
	return err
}

func (c *checkCmd) print(e *env, f *model.Fit, net *nn.Network[float64], out checkJSON) {
	e.printf("Network  %s, loss %s (%s), float64, %d rows\n", model.Describe(net.Inputs(), net.Layers()), f.Config().Loss, f.Config().Reduction, out.Rows)
	e.printf("Checked  %d of %d parameters against (L(w+h) - L(w-h)) / 2h", out.Checked, out.Parameters)
	if out.Checked+out.Kinks < out.Parameters {
		e.printf(", a sample drawn by seed %d; --most 0 checks all", f.Options.Seed)
	}
	e.printf("\n")
	if out.Kinks > 0 {
		e.printf("Kinks    %d more could not be compared: the step carries a unit over a kink, where there is no derivative\n", out.Kinks)
	}
	table := grid{rows: [][]string{{"layers.", "checked", "kinks", "worst", "at", "gradient", "numeric"}}, align: "lrrrl"}
	for _, g := range out.Groups {
		if g.Checked == 0 {
			table.add(strings.TrimPrefix(g.Name, "layers."), "0", strconv.Itoa(g.Kinks))
			continue
		}
		table.add(strings.TrimPrefix(g.Name, "layers."), strconv.Itoa(g.Checked), strconv.Itoa(g.Kinks), numberText("%.2e", g.Worst), g.At,
			numberText("%.6g", g.Gradient), numberText("%.6g", g.Numeric))
	}
	e.printf("\n")
	e.writeGrid(table)
	verdict := "The gradients are right: every error is within %.0e, and the worst is %s.\n"
	if !out.OK {
		verdict = "A gradient is WRONG, or the loss is too rough for the step of the numeric derivative: every error should be within %.0e, and the worst is %s.\n"
	}
	e.printf("\n"+verdict, out.Threshold, numberText("%.2e", out.Worst))
}

// numberText formats a number that may not be finite.
func numberText(format string, x *float64) string {
	if x == nil {
		return "not finite"
	}
	return fmt.Sprintf(format, *x)
}

// parameterName returns a parameter's name in the syntax of --weight: L.I.J, or L.b.J for a bias. For a
// norm's gamma and beta it returns L.gamma.J and L.beta.J.
func parameterName(net *nn.Network[float64], index int) string {
	l, in, unit := net.Locate(index)
	switch in {
	case nn.OfBias:
		return fmt.Sprintf("%d.b.%d", l, unit)
	case nn.OfGamma:
		return fmt.Sprintf("%d.gamma.%d", l, unit)
	case nn.OfBeta:
		return fmt.Sprintf("%d.beta.%d", l, unit)
	}
	return fmt.Sprintf("%d.%d.%d", l, in, unit)
}
