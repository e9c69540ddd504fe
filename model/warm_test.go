package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// animals returns a table with these columns and classes, in their order. from is added to its number.
func animals(t *testing.T, columns []string, classes []string, rows int, from float64) *data.Table {
	t.Helper()
	var cells [][]string
	for i := range rows {
		class := classes[i%len(classes)]
		cell := map[string]string{
			"size":  fmt.Sprint(from + float64(len(class)*10+int(class[0])%7) + float64(i*37%11)/4),
			"color": []string{"red", "green", "blue"}[(i/3+int(class[1]))%3],
			"fast":  []string{"yes", "no"}[(i/2+int(class[2]))%2],
			"zip":   fmt.Sprint(1000 + i*7%5),
			"kind":  class, "extra": fmt.Sprint(i * 13 % 17),
		}
		var row []string
		for _, c := range columns {
			row = append(row, cell[c])
		}
		cells = append(cells, row)
	}
	table, err := data.NewTable("animals", columns, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A run that starts from a model keeps the meaning of its weights. Before the first step, it predicts what the model
// predicts, even if the table has its columns in another order, fewer classes or shifted numbers.
func TestStartKeepsTheModel(t *testing.T) {
	columns := []string{"size", "color", "fast", "zip", "kind"}
	backwards := slices.Clone(columns)
	slices.Reverse(backwards)
	classes := []string{"cat", "dog", "eel"}
	whole := animals(t, columns, classes, 120, 0)
	m, _ := mustTrain(t, whole, Options{Targets: []string{"kind"}, Types: map[string]data.Kind{"zip": data.KindCategory}, Hidden: []int{6}, Activation: "tanh", Epochs: 30, Ignore: []string{"nothing"}[:0]})
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	want, _, err := m.Predict(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		table *data.Table
		o     Options
	}{
		"the same table":         {whole, Options{}},
		"columns backwards":      {animals(t, backwards, classes, 120, 0), Options{Targets: []string{"kind"}}},
		"two of three classes":   {animals(t, columns, []string{"eel", "cat"}, 60, 0), Options{}},
		"a shifted column":       {animals(t, columns, classes, 120, 50), Options{}},
		"few rows, one color":    {animals(t, columns, classes, 6, 0), Options{}},
		"everything named":       {whole, Options{Targets: []string{"kind"}, Task: data.Multiclass, Hidden: []int{6}, Activation: "tanh", OutputActivation: "softmax", Norm: "none", Scale: data.ScaleAuto}},
		"in the other precision": {whole, Options{Precision: "float64"}},
	} {
		start, err := LoadWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		c.o.Epochs = 3
		f, err := Prepare(Tables{Train: c.table}, c.o, start)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := f.Unscored()
		got, _, err := n.Predict(whole)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if diff := got[i] - want[i]; diff > 1e-6 || diff < -1e-6 {
				t.Errorf("%s: before the first step prediction %d is %v, want the model's %v", name, i, got[i], want[i])
				break
			}
		}
		if !slices.Equal(n.Classes(), classes) || n.DescribeNetwork() != m.DescribeNetwork() {
			t.Errorf("%s: classes %q, network %s", name, n.Classes(), n.DescribeNetwork())
		}
		beyond := fmt.Sprintf("The column \"size\" has %d cells of the training rows beyond the range that the model whose weights are given was trained on", f.Rows.Train)
		if said := strings.Contains(fmt.Sprint(f.Notes), beyond); said != (name == "a shifted column") {
			t.Errorf("%s: the notes are %q", name, f.Notes)
		}
		for _, err := range f.Strides(t.Context()) { // and it can be trained
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Model(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, c := range map[string]struct {
		table *data.Table
		o     Options
	}{
		`the target of animals has the class "emu", and the model only "cat", "dog", "eel"`: {animals(t, columns, []string{"cat", "emu"}, 60, 0), Options{}},
		`animals lacks the columns "fast", "zip" of the model`:                              {animals(t, []string{"size", "color", "kind"}, classes, 60, 0), Options{}},
		`animals has the column "extra", which the model does not know`:                     {animals(t, append([]string{"extra"}, columns...), classes, 60, 0), Options{Targets: []string{"kind"}}},
		`the model predicts "kind", and the call "size"`:                                    {whole, Options{Targets: []string{"size"}}},
		`Hidden 7: the model has the hidden layers 6`:                                       {whole, Options{Hidden: []int{7}}},
		`Activation relu: the model has the activation tanh`:                                {whole, Options{Activation: "relu"}},
		`the task of the model is multiclass, and that of the call binary`:                  {whole, Options{Task: data.Binary}},
	} {
		start, err := LoadWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Prepare(Tables{Train: c.table}, c.o, start)
		if err == nil || !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("refused with %v, want %q", err, want)
		}
	}
}

// Amounts keep the scale that their outputs were trained in, and columns that were left out are left out again.
func TestStartKeepsTheScaleOfTargets(t *testing.T) {
	cells := func(shift float64) *data.Table {
		var rows [][]string
		for i := range 80 {
			x := float64(i * 29 % 41)
			rows = append(rows, []string{fmt.Sprint("r", i%50), fmt.Sprint(x), fmt.Sprint(3*x + shift), fmt.Sprint(1 + i%2)})
		}
		table, err := data.NewTable("t", []string{"who", "x", "y", "w"}, rows)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	m, _ := mustTrain(t, cells(0), Options{Targets: []string{"y"}, Ignore: []string{"who"}, SampleWeight: "w", Hidden: []int{4}, Epochs: 20})
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	start, err := LoadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Prepare(Tables{Train: cells(1000)}, Options{}, start)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := m.Predict(cells(0))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := f.Unscored().Predict(cells(0)); err != nil || !slices.Equal(got, want) {
		t.Errorf("before the first step the run predicts %v, want the %v of the model: %v", got[:3], want[:3], err)
	}
}
