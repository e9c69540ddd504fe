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
	Out        string `short:"o" required:"" placeholder:"FILE" help:"The file to write. Its ending chooses the format: .onnx, .go (and its _test.go), .c (and its .h), .npz, or with --bare .safetensors."`
	memberFlag `embed:""`
	Net        bool   `help:"For .onnx: write the network alone, with one input of encoded numbers, for runtimes without strings."`
	Bare       bool   `help:"For .safetensors: write the tensors alone."`
	Layout     string `placeholder:"gradus|torch" help:"For .npz and .safetensors: gradus writes layers.K.weight of shape [in, out]; torch writes K.weight of shape [out, in], as torch.nn.Sequential names them. Default: gradus."`
	Package    string `placeholder:"NAME" help:"For .go, the name of the package; for .c, the prefix of all names. Default: from the file's name."`
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
		return fmt.Errorf("%s is the mean of %d networks, and %s can hold only one: choose it with --member N, where N is 0 to %d, or export the mean as .onnx without --net, .go or .c", c.Model, members, c.Out, members-1)
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
		e.printf("The module of torch.nn that loads it: %s\n", export.Torch(m))
	}
	return nil
}
