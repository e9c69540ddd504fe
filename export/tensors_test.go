package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// inputsAndOutputs returns encoded rows and the network's outputs for them, in float64.
func inputsAndOutputs(t testing.TB, m *model.Model) (x, y nn.Matrix[float64]) {
	t.Helper()
	p := predict(t, m, rowsFor(m))
	rows := len(p.outputs) / m.Outputs()
	x = nn.NewMatrix[float64](rows, m.Encoding.Width())
	if m.Network32() != nil {
		single := nn.NewMatrix[float32](rows, m.Encoding.Width())
		if _, err := binary.Decode(p.encoded, binary.LittleEndian, single.Data); err != nil {
			t.Fatal(err)
		}
		x = nn.Convert[float64](single)
	} else if _, err := binary.Decode(p.encoded, binary.LittleEndian, x.Data); err != nil {
		t.Fatal(err)
	}
	return x, m.Network64().Predict(x)
}

// TestTensors: numpy and PyTorch read the exported files and predict the same.
func TestTensors(t *testing.T) {
	dir := t.TempDir()
	type tensorsCase struct {
		File    string `json:"file"`
		Layout  string `json:"layout"`
		Modules string `json:"modules"`
		Rows    int    `json:"rows"`
		X       string `json:"x"`
		Y       string `json:"y"`
	}
	var cases []tensorsCase
	add := func(name, layout string, m *model.Model) {
		t.Helper()
		if err := Write(m, filepath.Join(dir, name), Options{Bare: true, Layout: layout}); err != nil {
			t.Fatal(err)
		}
		x, y := inputsAndOutputs(t, m)
		cases = append(cases, tensorsCase{name, layout, Torch(m), x.Rows, bytesOf(t, x.Data), bytesOf(t, y.Data)})
	}
	for _, precision := range []string{"float32", "float64"} {
		m := fit(t, data.Regression, model.Options{Activation: "relu", Precision: precision})
		for _, layout := range []string{"gradus", "torch"} {
			add(fmt.Sprintf("%s %s.npz", precision, layout), layout, m)
		}
	}
	for i, activation := range []string{"relu", "sigmoid", "tanh", "leaky-relu:0.2", "elu:0.5", "selu", "gelu", "silu", "mish", "softplus"} {
		for j, norm := range []string{"none", "batch", "layer"} {
			task := []data.Task{data.Regression, data.Binary, data.Multiclass, data.Multilabel}[(i+j)%4]
			add(fmt.Sprintf("%s %s.safetensors", strings.Split(activation, ":")[0], norm), "torch",
				fit(t, task, model.Options{Activation: activation, Norm: norm, NoBias: i == 3, Epochs: 2}))
		}
	}
	text, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cases.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	python := os.Getenv("GRADUS_TORCH_PYTHON") // with torch, safetensors and numpy
	if python == "" {
		python = pythons(t)[0] // which has numpy
		cases = slices.DeleteFunc(cases, func(c tensorsCase) bool { return strings.HasSuffix(c.File, ".safetensors") })
		t.Log("there is no PyTorch, so numpy alone reads the exported files; GRADUS_TORCH_PYTHON can name a Python that has PyTorch")
	}
	var errs bytes.Buffer
	cmd := exec.Command(python, filepath.Join("testdata", "tensors_proof.py"), dir)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	answers, worst := 0, 0.0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); answers++ {
		var a struct {
			Case, By string
			Worst    float64
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if !(a.Worst <= 1e-12) {
			t.Errorf("%s, %s: the outputs differ by %v, want at most 1e-12", a.Case, a.By, a.Worst)
		}
		worst = max(worst, a.Worst)
	}
	if answers != len(cases) {
		t.Errorf("got %d answers to %d cases", answers, len(cases))
	}
	t.Logf("%d files, outputs within %.2g", answers, worst)
}

// TestImportOwn: a network without norms is exported and imported as the same network, in both
// layouts and both formats.
func TestImportOwn(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		for task := range tasks {
			m := fit(t, task, model.Options{Activation: "tanh", Precision: precision})
			x, want := inputsAndOutputs(t, m)
			for _, file := range []string{"m.npz", "m.safetensors", "torch.npz", "torch.safetensors"} {
				path := filepath.Join(t.TempDir(), file)
				layout := "gradus"
				if strings.HasPrefix(file, "torch") {
					layout = "torch"
				}
				if err := Write(m, path, Options{Bare: true, Layout: layout}); err != nil {
					t.Fatal(err)
				}
				got, err := Import(path, ImportOptions{Activation: "tanh", Task: task})
				if err != nil {
					t.Fatal(err)
				}
				if got.WeightsSHA256() != m.WeightsSHA256() || got.Task() != task {
					t.Errorf("%s, %s, %s: got another network, %s %s, want %s", task, precision, file, got.Task(), got.DescribeNetwork(), m.DescribeNetwork())
				}
				for i, y := range got.Network64().Predict(x).Data {
					if y != want.Data[i] {
						t.Fatalf("%s, %s: output %d is %v, want %v", task, file, i, y, want.Data[i])
					}
				}
				again := filepath.Join(t.TempDir(), "again.safetensors")
				if err := got.Save(again); err != nil {
					t.Fatal(err)
				}
				if _, err := model.Load(again); err != nil {
					t.Errorf("%s: it cannot be loaded again: %v", file, err)
				}
			}
		}
	}
}

// TestImportONNXNet: the exported network of a classifier is refused, because its last step is no dense layer.
func TestImportONNXNet(t *testing.T) {
	m := fit(t, data.Multiclass, model.Options{Activation: "tanh"})
	x, _ := inputsAndOutputs(t, m)
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := Write(m, path, Options{Net: true}); err != nil {
		t.Fatal(err)
	}
	_, err := Import(path, ImportOptions{})
	if err == nil || !errors.Is(err, ErrImport) || !strings.Contains(err.Error(), "chain of dense layers") {
		t.Errorf("an output that is divided by its sum: got %v, want ErrImport", err) // the last step of --net is not a layer
	}
	_ = x
}

// TestImportRefuses: each file that cannot be imported is refused in one sentence that says why.
func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, raw []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m := fit(t, data.Regression, model.Options{})
	whole := filepath.Join(dir, "whole.safetensors")
	if err := m.Save(whole); err != nil {
		t.Fatal(err)
	}
	exported := func(name string, m *model.Model, o Options) string {
		path := filepath.Join(dir, name)
		o.Bare = strings.HasSuffix(name, ".npz") || strings.HasSuffix(name, ".safetensors")
		if err := Write(m, path, o); err != nil {
			t.Fatal(err)
		}
		return path
	}
	npz := exported("m.npz", m, Options{})
	raw, err := os.ReadFile(npz)
	if err != nil {
		t.Fatal(err)
	}
	norm := exported("norm.npz", fit(t, data.Regression, model.Options{Norm: "batch"}), Options{Layout: "torch"})
	onnxFile := exported("m.onnx", m, Options{})
	for _, c := range []struct {
		path string
		o    ImportOptions
		want string
	}{
		{"none.npz", ImportOptions{}, "no such file"},
		{"none.h5", ImportOptions{}, "none of the endings"},
		{whole, ImportOptions{}, "a model of gradus already"},
		{write("a.npz", []byte("no zip")), ImportOptions{}, "not an .npz file"},
		{write("b.npz", raw[:len(raw)/2]), ImportOptions{}, "not an .npz file"},
		{write("a.safetensors", []byte("no")), ImportOptions{}, "not a safetensors file"},
		{write("a.onnx", []byte("nothing")), ImportOptions{}, "not an ONNX file"},
		{norm, ImportOptions{}, "not a bias of a dense layer"},
		{onnxFile, ImportOptions{}, "inputs, and only one"},
		{npz, ImportOptions{Columns: []string{"a"}}, "Columns must have as many names as the network needs, "},
		{npz, ImportOptions{Task: data.Binary}, "outputs, its targets take 1"},
		{npz, ImportOptions{Activation: "nope"}, `"nope"`},
		{npz, ImportOptions{Layout: "torch"}, "do not follow each other"},
	} {
		if !filepath.IsAbs(c.path) {
			c.path = filepath.Join(dir, c.path)
		}
		_, err := Import(c.path, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Base(c.path)) {
			t.Errorf("%s %+v: got the error %v, want %q", filepath.Base(c.path), c.o, err, c.want)
		}
	}
}

func TestSquareNeedsLayout(t *testing.T) {
	square := []found{
		{"a.weight", []int{2, 2}, []float64{1, 2, 3, 4}},
		{"a.bias", []int{2}, []float64{5, 6}},
	}
	if _, err := dense(square, ImportOptions{}); !errors.Is(err, ErrOption) || !strings.HasSuffix(err.Error(), "say which with Layout gradus or Layout torch") {
		t.Errorf("a square matrix fits both layouts: got the error %v, want one that asks for Layout", err)
	}
	f, err := dense(square, ImportOptions{Layout: "torch"})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(f.layers[0].weights, f.layers[0].bias) != "[1 3 2 4] [5 6]" {
		t.Errorf(`got %+v, want fmt.Sprint(f.layers[0].weights, f.layers[0].bias) = "[1 3 2 4] [5 6]"`, f.layers)
	}
}

// FuzzImport: damaged files are refused and never cause a panic.
func FuzzImport(f *testing.F) {
	m := fit(f, data.Regression, model.Options{Hidden: []int{2}})
	for i, name := range []string{"m.npz", "m.safetensors", "m.onnx"} {
		path := filepath.Join(f.TempDir(), name)
		if err := Write(m, path, Options{Bare: i < 2, Net: i == 2}); err != nil {
			f.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, raw)
	}
	f.Fuzz(func(t *testing.T, format int, raw []byte) {
		read := []func([]byte, ImportOptions) (*foreign, error){readNPZ, readSafetensors, readONNX}[uint(format)%3]
		net, err := read(raw, ImportOptions{})
		if err != nil {
			return
		}
		for _, l := range net.layers {
			if len(l.weights) != l.in*l.out || l.bias != nil && len(l.bias) != l.out || math.MaxInt32 < len(l.weights) {
				t.Errorf("a layer of %d by %d has %d weights and %d biases", l.in, l.out, len(l.weights), len(l.bias))
			}
		}
	})
}

// TestImportForeign: networks of scikit-learn, PyTorch and Keras predict what they predicted there
// (testdata/foreign.py made the files).
func TestImportForeign(t *testing.T) {
	keras := ImportOptions{Activation: "tanh", Task: data.Multiclass}
	for _, c := range []struct {
		file, what string
		o          ImportOptions
	}{
		{"sklearn_three.onnx", "multiclass [a b c] 4 - 5 relu - 3 softmax", ImportOptions{}},
		{"sklearn_two.onnx", "binary [1 3] 4 - 4 tanh - 3 tanh - 1 sigmoid", ImportOptions{}},
		{"sklearn_number.onnx", "regression [] 4 - 6 sigmoid - 1 identity", ImportOptions{}},
		{"torch.onnx", "regression [] 4 - 6 leaky-relu:0.2 - 5 elu:1 - 2 identity", ImportOptions{}},
		{"keras.onnx", "multiclass [0 1 2] 4 - 5 tanh - 5 tanh - 3 softmax", ImportOptions{}},
		{"keras.npz", "multiclass [0 1 2] 4 - 5 tanh - 5 tanh - 3 softmax", keras},
		{"keras_named.npz", "multiclass [0 1 2] 4 - 5 tanh - 5 tanh - 3 softmax", keras},
		{"keras.safetensors", "multiclass [0 1 2] 4 - 5 tanh - 5 tanh - 3 softmax", keras},
	} {
		m, err := Import(filepath.Join("testdata", "foreign", c.file), c.o)
		if err != nil {
			t.Error(err)
			continue
		}
		if what := fmt.Sprintf("%s %v %s", m.Task(), m.Classes(), m.DescribeNetwork()); what != c.what {
			t.Errorf("%s: got %s, want %s", c.file, what, c.what)
		}
		raw, err := os.ReadFile(filepath.Join("testdata", "foreign", strings.TrimSuffix(c.file, filepath.Ext(c.file))+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Rows    [][]float64
			Outputs any
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		outputs := want.Outputs.([]any)
		for i, row := range want.Rows {
			values := make([]data.Value, len(row))
			for j, v := range row {
				values[j] = data.Number(v)
			}
			out := make([]float64, m.Outputs())
			if err := m.PredictValues(values, out); err != nil {
				t.Fatal(err)
			}
			list, several := outputs[i].([]any)
			if !several {
				list = outputs[i : i+1]
			}
			for j, y := range list {
				if math.Abs(out[j]-y.(float64)) > 1e-5 {
					t.Errorf("%s, row %d: output %d is %v, want %v", c.file, i, j, out[j], y)
				}
			}
		}
	}
}
