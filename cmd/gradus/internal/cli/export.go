package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gradus-ml/gradus/export"
	"github.com/gradus-ml/gradus/model"
)

// exportCmd is "gradus export MODEL -o FILE".
type exportCmd struct {
	Model      string `arg:"" help:"A model file."`
	Out        string `short:"o" required:"" placeholder:"FILE" help:"What to write; the ending says in which format: .onnx, .go (and its _test.go), .c (and its .h), .npz, or with --bare .safetensors."`
	memberFlag `embed:""`
	Net        bool   `help:"ONNX: the network alone, on one input of encoded numbers, for runtimes without strings."`
	Bare       bool   `help:"Safetensors: the tensors alone."`
	Layout     string `placeholder:"gradus|torch" help:"Tensors: names and shapes of gradus, layers.K.weight [in, out], or those of a torch.nn.Sequential, K.weight [out, in]. Default: gradus."`
	Package    string `placeholder:"NAME" help:"Go: the name of the package; C: what names begin with. Default: made of the file's name."`
}

func (c *exportCmd) Run(e *env) error {
	o := export.Options{Net: c.Net, Bare: c.Bare, Layout: c.Layout, Package: c.Package, Version: version()}
	if err := export.Check(c.Out, o); err != nil {
		return usage{err}
	}
	for _, path := range export.Files(c.Out) {
		k := map[string]kind{".onnx": kindONNX, ".go": kindGo, ".c": kindC, ".h": kindC, ".npz": kindNPZ, ".safetensors": kindTensors}[strings.ToLower(filepath.Ext(path))]
		if err := checkOut(path, k, c.Model); err != nil {
			return err
		}
	}
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	note := ""
	if members := len(m.Members()); c.Member != nil {
		if m, note, err = c.of(c.Model, m); err != nil {
			return err
		}
	} else if members > 0 && (c.Net || strings.ToLower(filepath.Ext(c.Out)) == ".npz" || c.Bare) {
		return fmt.Errorf("%s is the mean of %d networks, and %s would hold one: --member N with N from 0 to %d exports that one, which is not as good as all; .onnx without --net, .go and .c hold the mean", c.Model, members, c.Out, members-1)
	}
	err = export.Write(m, c.Out, o)
	if errors.Is(err, export.ErrOption) {
		return usage{err}
	}
	if err != nil {
		return err
	}
	e.printf("%s\n", c.Out)
	if note != "" {
		e.printf("It holds %s.\n", note)
	}
	if c.Layout == "torch" {
		e.printf("It belongs to torch.nn: %s\n", export.Torch(m))
	}
	return nil
}
