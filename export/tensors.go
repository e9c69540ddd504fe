package export

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/gradus-ml/gradus/internal/atomicfile"
	"github.com/gradus-ml/gradus/internal/npy"
	"github.com/gradus-ml/gradus/internal/safetensors"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// array is a named tensor to be written: little-endian numbers in row-major order.
type array struct {
	name   string
	shape  []int // two numbers for a matrix, one for a vector
	double bool
	raw    []byte
}

// arrays returns a model's tensors in a layout.
//
// gradus: layers.K.weight [in, out] and the other names of nn.Network's Tensors.
//
// torch: the names and shapes of a torch.nn.Sequential with the modules that Torch lists:
// K.weight [out, in], K.bias [out], and for norms K.weight, K.bias, K.running_mean, K.running_var.
func arrays(m *model.Model, layout string) ([]array, error) {
	if err := one(m); err != nil {
		return nil, err
	}
	if m.Network32() != nil {
		return arraysOf(m.Network32(), layout)
	}
	return arraysOf(m.Network64(), layout)
}

func arraysOf[T nn.Float](net *nn.Network[T], layout string) ([]array, error) {
	var torch map[string]string
	switch layout {
	case "", "gradus":
	case "torch":
		torch = torchNames(net.Layers())
	default:
		return nil, refuse(option("Layout"), fmt.Sprintf(" %q: give gradus or torch", layout))
	}
	var list []array
	for _, t := range net.Tensors() {
		a := array{name: t.Name, shape: []int{t.Cols}}
		_, a.double = any(t.Data).([]float64)
		values := t.Data
		if t.Rows > 0 {
			a.shape = []int{t.Rows, t.Cols}
		}
		if torch != nil {
			a.name = torch[t.Name]
			if t.Rows > 0 {
				a.shape = []int{t.Cols, t.Rows}
				values = make([]T, 0, len(t.Data))
				for j := range t.Cols {
					for i := range t.Rows {
						values = append(values, t.Data[i*t.Cols+j])
					}
				}
			}
		}
		raw, err := binary.Append(nil, binary.LittleEndian, values)
		if err != nil {
			panic("export: " + err.Error()) // floats always have a size
		}
		a.raw = raw
		list = append(list, a)
	}
	return list, nil
}

// torchModules returns a layer's modules after its Linear: a norm and an activation.
func torchModules(d nn.Dense) (norm, module string) {
	switch d.Norm {
	case nn.BatchNorm:
		norm = fmt.Sprintf("BatchNorm1d(%d)", d.Units)
	case nn.LayerNorm:
		norm = fmt.Sprintf("LayerNorm(%d)", d.Units)
	}
	name, parameter, _ := strings.Cut(d.Activation.String(), ":")
	module = find(func(a activation) bool { return a.name == name }).torch
	return norm, strings.Replace(module, "(p)", "("+parameter+")", 1)
}

// Torch returns the torch.nn.Sequential for tensors in the layout torch, as Python source. It
// leaves out Dropout, which only acts in training, and activations that are not modules of
// PyTorch: identity and exp.
func Torch(m *model.Model) string {
	net := m.Network64()
	in := net.Inputs()
	var modules []string
	for _, d := range net.Layers() {
		linear := fmt.Sprintf("Linear(%d, %d)", in, d.Units)
		if d.NoBias {
			linear = fmt.Sprintf("Linear(%d, %d, bias=False)", in, d.Units)
		}
		modules = append(modules, linear)
		norm, activation := torchModules(d)
		for _, module := range []string{norm, activation} {
			if module != "" {
				modules = append(modules, module)
			}
		}
		in = d.Units
	}
	return "Sequential(" + strings.Join(modules, ", ") + ")"
}

// torchNames maps names in gradus to names in a Sequential.
func torchNames(layers []nn.Dense) map[string]string {
	names := map[string]string{}
	place := 0
	for l, d := range layers {
		add := func(ours, theirs string) {
			names[fmt.Sprintf("layers.%d.%s", l, ours)] = fmt.Sprintf("%d.%s", place, theirs)
		}
		add("weight", "weight")
		add("bias", "bias")
		place++
		norm, activation := torchModules(d)
		if norm != "" {
			add("norm.weight", "weight")
			add("norm.bias", "bias")
			add("norm.mean", "running_mean")
			add("norm.var", "running_var")
			place++
		}
		if activation != "" {
			place++
		}
	}
	return names
}

// writeSafetensors writes only the tensors.
func writeSafetensors(m *model.Model, path string, o Options) error {
	list, err := arrays(m, o.Layout)
	if err != nil {
		return err
	}
	header := safetensors.Header{Metadata: map[string]string{"weights_sha256": m.WeightsSHA256()}}
	if o.Layout == "torch" {
		header.Metadata["format"], header.Metadata["modules"] = "pt", Torch(m)
	}
	for _, a := range list {
		kind := "F32"
		if a.double {
			kind = "F64"
		}
		var shape []uint64
		for _, n := range a.shape {
			shape = append(shape, uint64(n))
		}
		header.Add(a.name, kind, shape...)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		head, err := header.Append(nil)
		if err != nil {
			return err
		}
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, a := range list {
			if _, err := w.Write(a.raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeNPZ writes the tensors as numpy.savez does: a zip of .npy files.
func writeNPZ(m *model.Model, path string, o Options) error {
	list, err := arrays(m, o.Layout)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, a := range list {
			f, err := z.CreateHeader(&zip.FileHeader{Name: a.name + ".npy", Method: zip.Store})
			if err != nil {
				return err
			}
			kind := "<f4"
			if a.double {
				kind = "<f8"
			}
			if _, err := f.Write(append(npy.Append(nil, kind, a.shape...), a.raw...)); err != nil {
				return err
			}
		}
		return z.Close()
	})
}
