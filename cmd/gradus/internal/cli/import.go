package cli

import (
	"errors"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/export"
)

// importCmd is "gradus import FILE -o MODEL".
type importCmd struct {
	File             string   `arg:"" help:"A dense network made elsewhere: .safetensors or .npz (weights and biases, as PyTorch or Keras name them), or .onnx (as from scikit-learn or PyTorch)."`
	Out              string   `short:"o" required:"" placeholder:"MODEL.safetensors" help:"The model file to write."`
	Task             string   `default:"auto" placeholder:"auto|regression|..." help:"auto, regression, binary, multiclass or multilabel; auto goes by the output activation."`
	Activation       string   `placeholder:"NAME" help:"Of the hidden layers; an .onnx file says it. Default: relu."`
	OutputActivation string   `placeholder:"NAME" help:"Default: identity, or what the task needs."`
	Columns          []string `placeholder:"COL" help:"Names of the inputs, separated by commas. Default: x0, x1, ..."`
	Target           []string `placeholder:"COL" help:"Names of the targets. Default: y, or y0, y1, ..."`
	Classes          []string `placeholder:"CLASS" help:"The classes in the order of the outputs. Default: what the file says, or 0, 1, ..."`
	Layout           string   `placeholder:"gradus|torch" help:"Shape of the weights: gradus is [in, out], torch [out, in]. Default: the one that fits."`
}

func (c *importCmd) Run(e *env) error {
	task, err := data.ParseTask(c.Task)
	if err != nil {
		return usagef("--task: %w", err)
	}
	if c.Layout != "" && c.Layout != "gradus" && c.Layout != "torch" {
		return usagef("--layout %q: give gradus or torch", c.Layout)
	}
	if err := checkOut(c.Out, kindModel, c.File); err != nil {
		return err
	}
	m, err := export.Import(c.File, export.ImportOptions{
		Activation: c.Activation, OutputActivation: c.OutputActivation, Task: task,
		Columns: c.Columns, Targets: c.Target, Classes: c.Classes, Layout: c.Layout,
	})
	if errors.Is(err, export.ErrOption) {
		return usage{err}
	}
	if err != nil {
		return err
	}
	if err := e.saveModel(m, c.Out); err != nil {
		return err
	}
	e.printf("%s: %s, predicts %s (%s), %d parameters, %s\n", c.Out, m.DescribeNetwork(), list(m.Targets(), 8), m.Task(), m.Parameters(), m.Precision())
	return nil
}
