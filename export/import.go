package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// ErrImport is wrapped by errors about a file that no dense network can be read from.
var ErrImport = errors.New("import")

// ImportOptions say what a file leaves open. The zero value takes what the file says, and
// names for what it does not say.
type ImportOptions struct {
	Activation       string    // of the hidden layers; files of tensors do not say it. Default: relu
	OutputActivation string    // Default: identity, or what the task needs
	Task             data.Task // default: by the output activation
	Columns          []string  // names of the inputs; default x0, x1, ...
	Targets          []string  // names of the targets; default y, or y0, y1, ...
	Classes          []string  // in the order of the outputs; default what the file says, or 0, 1, ...
	Layout           string    // of tensors: gradus [in, out] or torch [out, in]; default: what fits
}

// foreign is a dense network as a file has it.
type foreign struct {
	layers        []foreignLayer
	center, scale []float64 // of the inputs, (x - center) / scale; nil for none
	classes       []string
	said          bool // the file says the activations
}

type foreignLayer struct {
	name       string // of the weights
	in, out    int
	weights    []float64 // [in, out]
	bias       []float64 // nil for none
	activation string
}

// Import reads a dense network that another program made, as a model: from .safetensors or .npz
// its weights and biases, from .onnx its activations, the scaling of its inputs and its classes too.
// The inputs are columns of numbers; a missing one is taken for its center.
func Import(path string, o ImportOptions) (*model.Model, error) {
	readers := map[string]func(raw []byte, o ImportOptions) (*foreign, error){
		".safetensors": readSafetensors, ".npz": readNPZ, ".onnx": readONNX,
	}
	read, ok := readers[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return nil, fmt.Errorf("%w: %q has none of the endings .npz, .onnx, .safetensors, by which the format is known", ErrOption, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("%s: %w: %w", path, ErrImport, err)
	}
	f, err := read(raw, o)
	if err == nil {
		var m *model.Model
		if m, err = f.model(o); err == nil {
			return m, nil
		}
	}
	if errors.Is(err, ErrOption) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return nil, fmt.Errorf("%s: %w: %w", path, ErrImport, err)
}

// model makes a model of the network: in float32 if that holds every weight, else in float64.
func (f *foreign) model(o ImportOptions) (*model.Model, error) {
	last := len(f.layers) - 1
	if err := f.activations(o, last); err != nil {
		return nil, err
	}
	e, err := f.encoding(o, f.layers[last])
	if err != nil {
		return nil, err
	}
	for _, l := range f.layers {
		for i, w := range slices.Concat(l.weights, l.bias) {
			switch {
			case w-w != 0:
				return nil, fmt.Errorf("%s holds %v at place %d, not a finite number", l.name, w, i)
			case float64(float32(w)) != w:
				return assemble[float64](f, e)
			}
		}
	}
	return assemble[float32](f, e)
}

func assemble[T nn.Float](f *foreign, e *data.Encoding) (*model.Model, error) {
	var layers []nn.Dense
	for _, l := range f.layers {
		a, err := nn.ParseActivation(l.activation)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOption, err)
		}
		layers = append(layers, nn.Dense{Units: l.out, Activation: a, NoBias: l.bias == nil, Init: nn.Zeros})
	}
	net, err := nn.New[T](f.layers[0].in, nn.Seed(0), layers...)
	if err != nil {
		return nil, err
	}
	for i, l := range f.layers {
		for j, w := range l.weights {
			net.Weights(i).Data[j] = T(w)
		}
		for j, b := range l.bias {
			net.Bias(i)[j] = T(b)
		}
	}
	m, err := model.New(e, net)
	if errors.Is(err, model.ErrOptions) {
		return nil, fmt.Errorf("%w: %w", ErrOption, err)
	}
	return m, err
}

// activations fills in what the file does not say.
func (f *foreign) activations(o ImportOptions, last int) error {
	if f.said && (o.Activation != "" || o.OutputActivation != "") {
		return fmt.Errorf("%w: the file says what the activations are: leave out activation and output-activation", ErrOption)
	}
	for i := range f.layers {
		if a := &f.layers[i].activation; i < last && *a == "" {
			if *a = o.Activation; *a == "" {
				*a = "relu"
			}
		}
	}
	out := &f.layers[last].activation
	if *out == "" {
		*out = o.OutputActivation
	}
	if *out == "" {
		switch o.Task {
		case data.Binary, data.Multilabel:
			*out = "sigmoid"
		case data.Multiclass:
			*out = "softmax"
		default:
			*out = "identity"
		}
	}
	return nil
}

// encoding names columns and targets.
func (f *foreign) encoding(o ImportOptions, out foreignLayer) (*data.Encoding, error) {
	task := o.Task
	if task == "" || task == data.Auto {
		switch {
		case out.activation == "softmax":
			task = data.Multiclass
		case out.activation != "sigmoid":
			task = data.Regression
		case out.out == 1:
			task = data.Binary
		default:
			task = data.Multilabel
		}
	}
	wrong := func(what string, given, need int) error {
		return fmt.Errorf("%w: %s names %d, the network has %d", ErrOption, what, given, need)
	}
	in := f.layers[0].in
	inputs := make([]data.Input, in)
	for i := range inputs {
		inputs[i] = data.Input{Name: fmt.Sprint("x", i), Kind: data.KindNumber, Scale: 1}
		if f.scale != nil {
			inputs[i].Center, inputs[i].Scale, inputs[i].Median = f.center[i], f.scale[i], f.center[i]
		}
	}
	if o.Columns != nil {
		if len(o.Columns) != in {
			return nil, wrong("columns", len(o.Columns), in)
		}
		for i, name := range o.Columns {
			inputs[i].Name = name
		}
	}
	count, classes := 1, o.Classes
	if classes == nil {
		classes = f.classes
	}
	switch task {
	case data.Regression, data.Multilabel:
		count = out.out
	case data.Multiclass:
		if classes == nil {
			for i := range out.out {
				classes = append(classes, fmt.Sprint(i))
			}
		}
		if len(classes) != out.out {
			return nil, wrong("classes", len(classes), out.out)
		}
	}
	if task == data.Binary || task == data.Multilabel {
		if classes == nil {
			classes = []string{"0", "1"}
		}
		if len(classes) != 2 {
			return nil, wrong("classes", len(classes), 2)
		}
	}
	targets := make([]data.Target, count)
	for i := range targets {
		y := &targets[i]
		y.Name, y.Kind, y.Scale = "y", data.KindNumber, 1
		if count > 1 {
			y.Name = fmt.Sprint("y", i)
		}
		if task != data.Regression {
			y.Classes = classes
			if wholeClasses(classes) == nil {
				y.Kind = data.KindCategory
			}
		}
	}
	if o.Targets != nil {
		if len(o.Targets) != count {
			return nil, wrong("target", len(o.Targets), count)
		}
		for i, name := range o.Targets {
			targets[i].Name = name
		}
	}
	e, err := data.NewEncoding(task, inputs, targets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOption, err)
	}
	return e, nil
}
