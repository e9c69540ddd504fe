package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/plot"
)

// plotCmd is "gradus plot RUN_DIR|MODEL -o FILE", and "gradus plot MODEL DATA --column C -o FILE".
type plotCmd struct {
	From       string `arg:"" name:"run-or-model" help:"A run's folder, or a model file."`
	Data       string `arg:"" optional:"" help:"With --column: a table with the model's columns."`
	readFlags  `embed:""`
	memberFlag `embed:""`
	Out        string `short:"o" required:"" placeholder:"FILE" help:"The picture: .svg or .png."`
	What       string `default:"auto" enum:"auto,curves,network" help:"curves or network; auto is curves for a run's folder and the network for a model."`
	Column     name   `placeholder:"COL" help:"Show how predictions for the rows of the table depend on this column: the mean, and lines of single rows."`
	Class      string `placeholder:"CLASS" help:"With --column and several classes, labels or targets: the one whose single rows are drawn. Default: the means of all."`
}

func (c *plotCmd) Run(e *env) error {
	switch {
	case (c.Column == "") != (c.Data == ""):
		return usagef("a table and --column go together: gradus plot MODEL DATA --column COL -o FILE")
	case c.Column != "" && c.What != "auto":
		return usagef("--what %s and --column are two pictures; give one of them", c.What)
	case c.Class != "" && c.Column == "":
		return usagef("--class is for --column; give that too, or leave it out")
	}
	format, err := plot.FormatOf(c.Out)
	if err != nil {
		return usage{err}
	}
	if err := checkOut(c.Out, kind(format), c.inputs()...); err != nil {
		return err
	}
	fig, err := c.figure(e)
	if err != nil {
		return err
	}
	if err := e.writeFigure(c.Out, format, fig); err != nil {
		return err
	}
	e.printf("%s\n", c.Out)
	return nil
}

// inputs returns the files that the picture is made from.
func (c *plotCmd) inputs() []string {
	if c.Data == "" {
		return []string{c.From}
	}
	return []string{c.From, c.Data}
}

// partial draws how predictions depend on a column.
func (c *plotCmd) partial(e *env) (plot.Figure, error) {
	m, err := model.Load(c.From)
	if err == nil {
		m, err = c.named(e, c.From, m)
	}
	if err != nil {
		return nil, err
	}
	t, err := c.read(e, c.Data)
	if err != nil {
		return nil, err
	}
	p, err := m.Partial(e.ctx, t, string(c.Column), model.PartialOptions{})
	if err != nil {
		return nil, asUsage(err)
	}
	output := -1
	if c.Class != "" {
		if output = slices.Index(p.Outputs, c.Class); output < 0 {
			return nil, usagef("--class %s: the model has no such output; choose from %s", c.Class, list(p.Outputs, 12))
		}
	}
	fig := lab.PartialFigure(m, p, output)
	fig.Title, fig.Width, fig.Height = "How predictions depend on "+string(c.Column), 0, 0
	return fig, nil
}

func (c *plotCmd) figure(e *env) (plot.Figure, error) {
	if c.Column != "" {
		return c.partial(e)
	}
	info, err := os.Stat(c.From)
	if err == nil && info.IsDir() {
		if c.What == "network" {
			return nil, fmt.Errorf("%s is a run's folder, which has no network; name the model file", c.From)
		}
		if c.Member != nil {
			return nil, usagef("--member %d is for a model file, and %s is a run's folder", *c.Member, c.From)
		}
		if all, err := memberHistories(c.From); all != nil || err != nil {
			return memberCurves(membersTitle(len(all)), all), err
		}
		h, err := readHistory(filepath.Join(c.From, "history.csv"))
		if err != nil {
			return nil, err
		}
		best, err := readBestEpoch(filepath.Join(c.From, "result.json"))
		if err != nil {
			return nil, err
		}
		return curves("Learning curves", h, best), nil
	}
	m, err := model.Load(c.From)
	if err != nil {
		return nil, err
	}
	if m.Training.Reason == model.Imported && c.What == "curves" {
		return nil, usagef("--what curves: %s does not say how its network was trained, so there are no curves; --what network draws the network", c.From)
	}
	if c.What == "curves" && c.Member == nil {
		return modelCurves(m), nil
	}
	one, note, err := c.of(c.From, m)
	if err != nil {
		return nil, err
	}
	if c.What == "curves" {
		return modelCurves(one), nil
	}
	fig := networkFigure(one)
	if note != "" {
		fig.Title = strings.ToUpper(note[:1]) + note[1:]
	}
	return fig, nil
}

func (e *env) writeFigure(path, format string, fig plot.Figure) error {
	return atomicfile.Write(path, func(w io.Writer) error { return plot.Write(w, format, fig) })
}

// networkFigure draws a model's network with the names of its columns.
func networkFigure(m *model.Model) plot.Net {
	net := m.Network64()
	fig := plot.Net{Inputs: m.Encoding.InputNames(), Outputs: m.Encoding.OutputNames()}
	if m.Task() == data.Binary { // one output: the probability of the second class
		fig.Outputs = []string{m.Targets()[0] + " = " + m.Classes()[1]}
	}
	fig.Layers = plotLayers(net)
	return fig
}

func plotLayers(net *nn.Network[float64]) []plot.Layer {
	var layers []plot.Layer
	for l := range net.Depth() {
		w := net.Weights(l)
		layer := plot.Layer{Bias: net.Bias(l), Activation: net.Layer(l).Activation.String()}
		if norm := net.Layer(l).Norm; norm != nn.NoNorm {
			layer.Activation = fmt.Sprintf("%s norm, %s", norm, layer.Activation)
		}
		for i := range w.Rows {
			layer.Weights = append(layer.Weights, w.Row(i))
		}
		layers = append(layers, layer)
	}
	return layers
}
