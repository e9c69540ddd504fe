package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/need"
	"github.com/gradus-ml/gradus/internal/onnx"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
)

// everyKind returns a table with inputs of every kind, missing cells, rare levels, and targets of
// every task.
func everyKind(t testing.TB) *data.Table {
	t.Helper()
	columns := []string{"x", "z", "label", "flag", "day", "at", "same", "amount", "other", "yesno", "kind", "l1", "l2"}
	var cells [][]string
	for i := range 90 {
		x := float64(i*37%90)/10 - 3
		day := time.Date(1965, 1, 1+i*97, 0, 0, 0, 0, time.UTC)
		row := []string{
			fmt.Sprint(x), fmt.Sprint(i * 13 % 17), []string{"red", "green", "blue", "dark blue"}[i%4], []string{"yes", "no"}[i/3%2],
			day.Format(time.DateOnly), day.Add(time.Duration(i) * 1234 * time.Second).Format(time.DateTime), "7",
			fmt.Sprint(300*x - 1.5), fmt.Sprint(1000 - x*x), []string{"no", "yes"}[i%2], []string{"a", "b", "c"}[i*37%90/30],
			fmt.Sprint(i % 2), fmt.Sprint(i / 2 % 2),
		}
		if i%9 == 4 {
			row[1], row[2], row[3], row[4] = "", "NA", "?", "null"
		}
		if i%40 == 7 {
			row[2] = fmt.Sprint("seldom ", i)
		}
		cells = append(cells, row)
	}
	table, err := data.NewTable("every kind", columns, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var tasks = map[data.Task][]string{
	data.Regression: {"amount", "other"}, data.Binary: {"yesno"}, data.Multiclass: {"kind"}, data.Multilabel: {"l1", "l2"},
}

// fit trains a model on everyKind for a few epochs.
func fit(t testing.TB, task data.Task, o model.Options) *model.Model {
	t.Helper()
	for other, targets := range tasks {
		if other != task {
			o.Ignore = append(o.Ignore, targets...)
		}
	}
	o.Targets, o.Types = tasks[task], map[string]data.Kind{"same": data.KindNumber}
	if o.Epochs == 0 {
		o.Epochs = 4
	}
	if o.Hidden == nil {
		o.Hidden = []int{9, 6}
	}
	m, _, err := model.Train(context.Background(), everyKind(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shipped trains a model on one of the example tables.
func shipped(t testing.TB, name string, o model.Options) *model.Model {
	t.Helper()
	table, err := data.Read(filepath.Join("..", "examples", "data", name+".csv"), data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A cell holds one value, in the form that gradus takes and in the form that a graph takes.
type cell struct {
	value data.Value
	json  any
}

// probes returns values of a column that try every part of its encoding: usual values, knots and
// their neighbors, huge values, missing, rare and unseen levels, odd spellings, leap days.
func probes(in *data.Input) []cell {
	var list []cell
	number := func(x float64) { list = append(list, cell{data.Number(x), x}) }
	text := func(s string) { list = append(list, cell{data.Text(s), s}) }
	switch in.Kind {
	case data.KindNumber:
		list = append(list, cell{data.Missing(), nil})
		for _, x := range []float64{in.Median, in.Center, 0, 1, -1, in.Center + in.Scale, 1e9, -1e9, 1e30, -1e30, 1e101, -1e150, 1e300, -1e300, 5e-324} {
			number(x)
		}
		for _, x := range in.MissingNumbers() {
			number(x)
		}
		for _, x := range in.RankAt {
			number(x)
			number(math.Nextafter(x, math.Inf(1)))
			number(math.Nextafter(x, math.Inf(-1)))
			number(x + in.Scale/7)
		}
		for k, x := range in.Pieces {
			number(x)
			number(math.Nextafter(x, math.Inf(1)))
			number(x + (in.Pieces[max(k, 1)]-in.Pieces[max(k, 1)-1])/3)
		}
		for _, share := range []float64{0.01, 0.5, 0.99, 1, 1.01, 7} {
			number(in.High + share*(in.High-in.Low))
			number(in.Low - share*(in.High-in.Low))
		}
	case data.KindBoolean:
		for _, s := range []string{"yes", "No", "TRUE", "fAlse", "t", "F", "1", "0", "", "?", "nAn", "N/a"} {
			text(s)
		}
	case data.KindCategory:
		for _, s := range append(slices.Concat(in.Levels, in.RareOf), "", "NULL", "na", "n/A", "never seen", "RED", "1e5") {
			text(s)
		}
	case data.KindDate:
		list = append(list, cell{data.Missing(), int64(missingTime)})
		for _, s := range []string{"1970-01-01 00:00:00", "1969-12-31 23:59:59", "2000-02-29 12:34:56", "1900-03-01 00:00:59", "1600-02-29 23:59:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2024-12-31 00:01:00", "2023-03-01 06:00:00"} {
			at, err := time.Parse(time.DateTime, s)
			if err != nil {
				panic(err)
			}
			list = append(list, cell{data.Time(at), at.Unix()})
		}
		for i := range 24 {
			at := time.Date(1967+i*3, time.Month(i+1), i+4, i, i*2, i, 0, time.UTC)
			list = append(list, cell{data.Time(at), at.Unix()})
		}
	}
	return list
}

// rowsFor returns rows that go through the probes of every column. The columns have different strides.
func rowsFor(m *model.Model) [][]cell {
	columns := make([][]cell, len(m.Encoding.Inputs))
	most := 0
	for i := range columns {
		columns[i] = probes(&m.Encoding.Inputs[i])
		most = max(most, len(columns[i]))
	}
	var rows [][]cell
	out, x := make([]float64, m.Outputs()), make([]data.Value, len(columns))
	for r := range most + 40 {
		row := make([]cell, len(columns))
		for i, list := range columns {
			row[i] = list[(r*(1+i%3)+i)%len(list)]
			x[i] = row[i].value
		}
		if m.PredictValues(x, out) == nil { // gradus refuses what its precision cannot hold
			rows = append(rows, row)
		}
	}
	return rows
}

// predicted is what gradus predicts for rows.
type predicted struct {
	encoded []byte // in the model's precision, little-endian
	outputs []float64
	labels  []any // for each row a class, or a list of classes
}

func predict(t testing.TB, m *model.Model, rows [][]cell) predicted {
	t.Helper()
	var p predicted
	x := make([]data.Value, len(m.Encoding.Inputs))
	for _, row := range rows {
		for i, c := range row {
			x[i] = c.value
		}
		out := make([]float64, m.Outputs())
		if err := m.PredictValues(x, out); err != nil {
			t.Fatal(err)
		}
		for _, member := range networks(m) {
			if m.Network32() != nil {
				p.encoded = append(p.encoded, encodedBytes[float32](t, member, x)...)
			} else {
				p.encoded = append(p.encoded, encodedBytes[float64](t, member, x)...)
			}
		}
		p.outputs = append(p.outputs, out...)
		switch said := m.Describe(out); {
		case said.Labels != nil:
			p.labels = append(p.labels, said.Labels)
		case said.Class != "":
			p.labels = append(p.labels, said.Class)
		}
	}
	return p
}

func encodedBytes[T data.Float](t testing.TB, m *model.Model, row []data.Value) []byte {
	t.Helper()
	x := make([]T, m.Encoding.Width())
	if err := data.EncodeRow(m.Encoding, row, x); err != nil {
		t.Fatal(err)
	}
	b, err := binary.Append(nil, binary.LittleEndian, x)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bytesOf(t testing.TB, v any) string {
	t.Helper()
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// A proofCase is what onnx_proof.py reads.
type proofCase struct {
	Name      string           `json:"name"`
	File      string           `json:"file"`
	Net       bool             `json:"net"`
	Precision string           `json:"precision"`
	Rows      int              `json:"rows"`
	Columns   []map[string]any `json:"columns"`
	Named     []string         `json:"named"` // the outputs to ask for
	Roles     []string         `json:"roles"` // their meanings
	Encoded   string           `json:"encoded"`
	Output    string           `json:"output"`
	Outputs   string           `json:"outputs"`
	Units     []float64        `json:"units"`
	Labels    []any            `json:"labels"`
	Weights   string           `json:"weights_sha256"`
	Bound     float64          `json:"bound"` // how far off an output may be
	Near      float64          `json:"near"`  // how far off an encoded input may be, or 0 for the same bits
}

// boundOf returns how far off an output may be: 1e-5. For the numbers of a regression, it is four times the difference
// between float32 and float64 with the same weights, if that is more. The reason is that e^z makes a small difference
// large, and that the exp of runtimes is less exact than that of gradus.
func boundOf(m *model.Model, p predicted) float64 {
	const bound = 1e-5
	if m.Task() != data.Regression || m.Network32() == nil || m.Members() != nil {
		return bound
	}
	x := nn.NewMatrix[float32](len(p.outputs)/m.Outputs(), m.Encoding.Width())
	if _, err := binary.Decode(p.encoded, binary.LittleEndian, x.Data); err != nil {
		panic(err)
	}
	worst := bound
	for i, y := range m.Network64().Predict(nn.Convert[float64](x)).Data {
		of := m.Encoding.Targets[i%m.Outputs()]
		worst = max(worst, 4*math.Abs(y*of.Scale+of.Center-p.outputs[i])/(math.Abs(p.outputs[i])+of.Scale))
	}
	return worst
}

// inTurn returns an ensemble whose members have the recipes plain and trees in turn, and therefore different layers.
func inTurn(t testing.TB) *model.Model {
	t.Helper()
	m := shipped(t, "iris", model.Options{Members: 8, Epochs: 40})
	var all []data.Scaling
	for _, member := range m.Members() {
		all = append(all, member.Options.Scale)
	}
	if want := slices.Repeat([]data.Scaling{data.ScaleAuto, data.ScaleTrees}, 4); !slices.Equal(all, want) {
		t.Fatalf("the members have the scalings %v, want %v", all, want)
	}
	return m
}

// addCases writes a model's two files, the whole model and the net, and their expected outputs.
func addCases(t testing.TB, cases *[]proofCase, dir, name string, m *model.Model) {
	t.Helper()
	rows := rowsFor(m)
	if len(rows) < 20 {
		t.Fatalf("%s: got only %d rows, want at least 20", name, len(rows))
	}
	p := predict(t, m, rows)
	for _, net := range []bool{false, true} {
		if net && m.Members() != nil {
			continue // an ensemble has no single network
		}
		raw, err := ONNX(m, Options{Net: net, Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		file, err := onnx.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		c := proofCase{
			Name: name, File: fmt.Sprintf("%d.onnx", len(*cases)), Net: net, Precision: m.Precision(), Rows: len(rows),
			Encoded: base64.StdEncoding.EncodeToString(p.encoded), Outputs: bytesOf(t, p.outputs), Labels: p.labels, Weights: m.WeightsSHA256(), Bound: boundOf(m, p),
		}
		for _, o := range file.Graph.Outputs {
			c.Named, c.Roles = append(c.Named, o.Name), append(c.Roles, strings.TrimRight(o.Name, "_"))
		}
		c.Output = "probabilities"
		c.Units = slices.Repeat([]float64{1}, m.Outputs())
		if m.Task() == data.Regression {
			c.Output = "variable"
			for i, y := range m.Encoding.Targets {
				c.Units[i] = y.Scale
			}
		}
		if net {
			c.Name += ", net alone"
		} else { // the encoded inputs are compared too
			of := onnx.Float64
			if m.Network32() != nil {
				of = onnx.Float32
			}
			width := 0
			var own []string // of the members
			for k, member := range networks(m) {
				if of == onnx.Float64 && member.Options.Scale == data.ScaleWaves {
					c.Near = 4e-15 // the error of cos and sin
				}
				width += member.Encoding.Width()
				own = append(own, fmt.Sprintf("encoded.%d", k))
			}
			if m.Members() != nil {
				file.Graph.Nodes = append(file.Graph.Nodes, onnx.Node{Op: "Concat", Inputs: own, Outputs: []string{"encoded"}, Attributes: []onnx.Attribute{axis(1)}})
			}
			file.Graph.Outputs = append(file.Graph.Outputs, onnx.Value{Name: "encoded", Type: of, Shape: []onnx.Dim{{Name: "N"}, {Size: int64(width)}}})
			raw = onnx.Encode(file)
			c.Named, c.Roles = append(c.Named, "encoded"), append(c.Roles, "encoded")
			for i, in := range m.Encoding.Inputs {
				values := make([]any, len(rows))
				for r := range rows {
					values[r] = rows[r][i].json
				}
				c.Columns = append(c.Columns, map[string]any{"name": in.Name, "kind": in.Kind, "values": values})
			}
		}
		if err := os.WriteFile(filepath.Join(dir, c.File), raw, 0o666); err != nil {
			t.Fatal(err)
		}
		*cases = append(*cases, c)
	}
}

// pythons returns the Pythons of GRADUS_ONNX_PYTHON, a list like PATH, or the python3 on the PATH. Each
// has onnxruntime, and one of them has onnx too.
func pythons(t *testing.T) []string {
	t.Helper()
	list := filepath.SplitList(os.Getenv("GRADUS_ONNX_PYTHON"))
	if len(list) == 0 {
		list = []string{need.Tool(t, "python3")}
	}
	err := exec.Command(list[0], "-c", "import onnx, onnxruntime").Run()
	need.That(t, err == nil, "a python3 with the packages onnx and onnxruntime, or GRADUS_ONNX_PYTHON that names one")
	return list
}

// TestONNX checks exported models with onnx's checker and reference evaluator and with onnxruntime:
// every shipped table, task, activation, norm, scaling and precision.
func TestONNX(t *testing.T) {
	list := pythons(t)
	dir := t.TempDir()
	var cases []proofCase
	for _, name := range []string{"iris", "penguins", "wine", "breast_cancer", "diabetes", "digits", "notebook"} {
		addCases(t, &cases, dir, name, shipped(t, name, model.Options{Epochs: 20}))
		addCases(t, &cases, dir, name+" float64", shipped(t, name, model.Options{Epochs: 5, Precision: "float64"}))
	}
	activations := []string{"relu", "sigmoid", "tanh", "identity", "leaky-relu", "elu:0.7", "selu", "gelu", "silu", "mish", "softplus", "exp"}
	for task := range tasks {
		for i, activation := range activations {
			for j, norm := range []string{"none", "batch", "layer"} {
				if testing.Short() && (i+j)%3 != 0 {
					continue
				}
				for _, precision := range []string{"float32", "float64"} {
					name := fmt.Sprintf("%s, %s, norm %s, %s", task, activation, norm, precision)
					addCases(t, &cases, dir, name, fit(t, task, model.Options{Activation: activation, Norm: norm, Precision: precision}))
				}
			}
		}
		for _, scale := range []data.Scaling{data.ScaleStandard, data.ScaleMinMax, data.ScaleRobust, data.ScaleNone} {
			addCases(t, &cases, dir, fmt.Sprintf("%s, scale %s", task, scale), fit(t, task, model.Options{Scale: scale}))
		}
	}
	addCases(t, &cases, dir, "pieces", shipped(t, "breast_cancer", model.Options{Epochs: 5, Scale: data.ScalePieces}))
	addCases(t, &cases, dir, "trees", shipped(t, "breast_cancer", model.Options{Epochs: 5, Recipe: model.RecipeTrees}))
	addCases(t, &cases, dir, "waves", shipped(t, "penguins", model.Options{Epochs: 5, Recipe: model.RecipeWaves}))
	addCases(t, &cases, dir, "waves float64", shipped(t, "breast_cancer", model.Options{Epochs: 5, Recipe: model.RecipeWaves, Precision: "float64"}))
	addCases(t, &cases, dir, "pieces float64", shipped(t, "penguins", model.Options{Epochs: 5, Scale: data.ScalePieces, Precision: "float64"}))
	addCases(t, &cases, dir, "numbers that are missing", fit(t, data.Regression, model.Options{Missing: []string{"3", "-999"}}))
	addCases(t, &cases, dir, "no bias", fit(t, data.Binary, model.Options{NoBias: true}))
	addCases(t, &cases, dir, "hinge", fit(t, data.Binary, model.Options{Loss: "hinge"}))
	addCases(t, &cases, dir, "hinge of labels", fit(t, data.Multilabel, model.Options{Loss: "hinge"}))
	addCases(t, &cases, dir, "threshold", fit(t, data.Binary, model.Options{Threshold: "0.3"}))
	addCases(t, &cases, dir, "sigmoid outputs of classes", fit(t, data.Multiclass, model.Options{OutputActivation: "sigmoid", Loss: "binary-cross-entropy"}))
	addCases(t, &cases, dir, "amounts", fit(t, data.Regression, model.Options{OutputActivation: "softplus", Scale: data.ScaleNone, Loss: "squared"}))
	addCases(t, &cases, dir, "no hidden layer", fit(t, data.Multiclass, model.Options{Hidden: []int{}}))

	for task := range tasks {
		for _, precision := range []string{"float32", "float64"} {
			addCases(t, &cases, dir, fmt.Sprintf("ensemble, %s, %s", task, precision), fit(t, task, model.Options{Members: 3, Precision: precision}))
		}
	}
	addCases(t, &cases, dir, "ensemble, threshold", fit(t, data.Binary, model.Options{Members: 2, Threshold: "0.6"}))
	addCases(t, &cases, dir, "ensemble, plain and trees", inTurn(t))
	addCases(t, &cases, dir, "ensemble, pieces", shipped(t, "breast_cancer", model.Options{Members: 3, Epochs: 3, Scale: data.ScalePieces}))
	addCases(t, &cases, dir, "many levels, regression", manyLevels(t, data.Regression, model.Options{}))
	addCases(t, &cases, dir, "many levels, binary, float64", manyLevels(t, data.Binary, model.Options{Precision: "float64"}))
	addCases(t, &cases, dir, "many levels, multiclass, ensemble", manyLevels(t, data.Multiclass, model.Options{Members: 2}))

	text, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cases.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	type sum struct {
		cases, cells, labels int
		worst                float64
	}
	sums := map[string]*sum{}
	var order []string
	for _, python := range list {
		var errs bytes.Buffer
		cmd := exec.Command(python, filepath.Join("testdata", "onnx_proof.py"), dir)
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%s", python, err, errs.String(), out[max(0, len(out)-300):])
		}
		answers := 0
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); answers++ {
			var a struct {
				Case, Engine  string
				Cells, Labels int
				CellsDiffer   int `json:"cells_differ"`
				LabelsDiffer  int `json:"labels_differ"`
				Worst, Bound  float64
			}
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				t.Fatal(err)
			}
			if a.CellsDiffer > 0 || a.LabelsDiffer > 0 || !(a.Worst <= a.Bound) {
				t.Errorf("%s, %s: %d of %d encoded inputs differ, the outputs by %.3g at most (bound %.3g), %d of %d labels", a.Engine, a.Case, a.CellsDiffer, a.Cells, a.Worst, a.Bound, a.LabelsDiffer, a.Labels)
			}
			group, _, _ := strings.Cut(strings.TrimSuffix(a.Case, " float64"), ",") // a table, a task or a special case
			group += ", " + a.Engine
			s := sums[group]
			if s == nil {
				s = &sum{}
				sums[group], order = s, append(order, group)
			}
			s.cases++
			s.cells += a.Cells
			s.labels += a.Labels
			s.worst = max(s.worst, a.Worst)
		}
		if answers < len(cases) {
			t.Errorf("%s: got %d answers to %d cases", python, answers, len(cases))
		}
	}
	slices.Sort(order)
	for _, group := range order {
		s := sums[group]
		t.Logf("%s: %d files, %d encoded inputs, %d labels, outputs within %.2g", group, s.cases, s.cells, s.labels, s.worst)
	}
}
