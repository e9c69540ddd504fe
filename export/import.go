package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/float"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// ErrImport is wrapped by errors about a file from which no dense network can be read.
var ErrImport = errors.New("import")

// ImportOptions say what a file does not. The zero value uses the file's information, and
// default names for the rest.
type ImportOptions struct {
	Activation       string    // of the hidden layers; files of tensors do not have it. Default: relu
	OutputActivation string    // default: identity, or what the task needs
	Task             data.Task // default: by the output activation
	Columns          []string  // names of the inputs; default x0, x1, ...
	Targets          []string  // names of the targets; default y, or y0, y1, ...
	Classes          []string  // in the order of the outputs; default: those of the file, or 0, 1, ...
	Layout           string    // of tensors: gradus [in, out] or torch [out, in]; default: whichever fits
}

// foreign is a dense network as it is in a file.
type foreign struct {
	layers        []foreignLayer
	center, scale []float64 // of the inputs, (x - center) / scale; nil for none
	classes       []string
	said          bool // the file has the activations
}

type foreignLayer struct {
	name       string // of the weights
	in, out    int
	weights    []float64 // [in, out]
	bias       []float64 // nil for none
	activation string
}

// Import reads a dense network that another program made, as a model. From .safetensors or .npz it
// reads weights and biases; from .onnx also the activations, the scaling of the inputs and the
// classes. The inputs are columns of numbers; a missing one is replaced by its center.
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

// model makes a model of the network, in float32 if that holds every weight exactly,
// otherwise in float64.
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
			case !float.Finite(w):
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

// activations sets the activations that the file does not have.
func (f *foreign) activations(o ImportOptions, last int) error {
	if f.said && (o.Activation != "" || o.OutputActivation != "") {
		return refuse("the file says what the activations are: leave out ", option("Activation"), " and ", option("OutputActivation"))
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
		task := o.Task
		if (task == "" || task == data.Auto) && o.Classes != nil && !f.said { // the classes say what the output is
			if task = data.Multiclass; f.layers[last].out == 1 {
				task = data.Binary
			}
		}
		switch task {
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

// encoding makes the encoding, with names for columns and targets.
func (f *foreign) encoding(o ImportOptions, out foreignLayer) (*data.Encoding, error) {
	task := taskOf(o.Task, out)
	if task == data.Regression && o.Classes != nil {
		return nil, refuse(option("Classes"), fmt.Sprintf(" is for classes, and the output %s makes the task a regression: leave it out, or give binary, multiclass or multilabel with ", out.activation), option("Task"))
	}
	inputs, err := f.inputs(o.Columns)
	if err != nil {
		return nil, err
	}
	classes, err := f.classesOf(task, o.Classes, out.out)
	if err != nil {
		return nil, err
	}
	count := 1
	if task == data.Regression || task == data.Multilabel {
		count = out.out
	}
	targets, err := foreignTargets(count, task, classes, o.Targets)
	if err != nil {
		return nil, err
	}
	e, err := data.NewEncoding(task, inputs, targets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOption, err)
	}
	return e, nil
}

// misnamed returns the error for an option with too many or too few names.
func misnamed(field string, given, need int) error {
	return refuse(option(field), fmt.Sprintf(" must have as many names as the network needs, %d and not %d", need, given))
}

// taskOf returns the given task, or else the one that follows from the last layer.
func taskOf(asked data.Task, out foreignLayer) data.Task {
	switch {
	case asked != "" && asked != data.Auto:
		return asked
	case out.activation == "softmax":
		return data.Multiclass
	case out.activation != "sigmoid":
		return data.Regression
	case out.out == 1:
		return data.Binary
	}
	return data.Multilabel
}

// inputs returns columns of numbers, scaled as in the file.
func (f *foreign) inputs(columns []string) ([]data.Input, error) {
	inputs := make([]data.Input, f.layers[0].in)
	if columns != nil && len(columns) != len(inputs) {
		return nil, misnamed("Columns", len(columns), len(inputs))
	}
	for i := range inputs {
		inputs[i] = data.Input{Name: fmt.Sprint("x", i), Kind: data.KindNumber, Scale: 1}
		if f.scale != nil {
			inputs[i].Center, inputs[i].Scale, inputs[i].Median = f.center[i], f.scale[i], f.center[i]
		}
		if columns != nil {
			inputs[i].Name = columns[i]
		}
	}
	return inputs, nil
}

// classesOf returns the given classes, or else those of the file, or else numbers from 0.
func (f *foreign) classesOf(task data.Task, classes []string, outputs int) ([]string, error) {
	if classes == nil {
		classes = f.classes
	}
	count := 2
	switch task {
	case data.Multiclass:
		count = outputs
	case data.Binary, data.Multilabel:
	default:
		return classes, nil
	}
	if classes == nil {
		for i := range count {
			classes = append(classes, fmt.Sprint(i))
		}
	}
	if len(classes) != count {
		return nil, misnamed("Classes", len(classes), count)
	}
	return classes, nil
}

// foreignTargets returns count targets of the task. Without names they are y, or y0, y1, ...
func foreignTargets(count int, task data.Task, classes, names []string) ([]data.Target, error) {
	if names != nil && len(names) != count {
		return nil, misnamed("Targets", len(names), count)
	}
	targets := make([]data.Target, count)
	for i := range targets {
		y := &targets[i]
		y.Name, y.Kind, y.Scale = "y", data.KindNumber, 1
		switch {
		case names != nil:
			y.Name = names[i]
		case count > 1:
			y.Name = fmt.Sprint("y", i)
		}
		if task != data.Regression {
			y.Classes = classes
			if wholeClasses(classes) == nil {
				y.Kind = data.KindCategory
			}
		}
	}
	return targets, nil
}
