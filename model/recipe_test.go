package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

func TestRecipe(t *testing.T) {
	number := map[string]data.Kind{"x": data.KindNumber}
	small, large := line(t, 1199), line(t, 1200)
	for name, c := range map[string]struct {
		table  *data.Table
		o      Options
		hidden []int
		by     string
	}{
		"few rows":     {small, Options{}, []int{64, 64}, "relu, auto"},
		"many rows":    {large, Options{}, []int{128, 128}, "silu, trees"},
		"plain":        {large, Options{Recipe: "plain"}, []int{64, 64}, "relu, auto"},
		"wide":         {small, Options{Recipe: "wide"}, []int{128, 128}, "silu, pieces"},
		"trees":        {small, Options{Recipe: "trees"}, []int{128, 128}, "silu, trees"},
		"waves":        {small, Options{Recipe: "waves"}, []int{128, 128}, "silu, waves"},
		"own layers":   {large, Options{Hidden: []int{9}}, []int{9}, "relu, auto"},
		"own rule":     {large, Options{Optimizer: "sgd"}, []int{64, 64}, "relu, auto"},
		"own scaling":  {large, Options{Scale: data.ScaleStandard}, []int{64, 64}, "relu, standard"},
		"wide, layers": {large, Options{Recipe: "wide", Hidden: []int{9}}, []int{9}, "silu, pieces"},
	} {
		c.o.Types = number
		f, err := Prepare(Tables{Train: c.table}, c.o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Options.Activation + ", " + string(f.Options.Scale); got != c.by || !slices.Equal(f.Options.Hidden, c.hidden) {
			t.Errorf("%s: got %v %s, want %v %s", name, f.Options.Hidden, got, c.hidden, c.by)
		}
	}
	for rows, want := range map[int][]int{100_000: {128, 128}, 100_001: nil} { // of 20 columns
		o := Options{}
		o.choose(&data.Schema{Columns: slices.Repeat([]data.Column{{Kind: data.KindNumber}}, 20), Rows: make([]int, rows)})
		if !slices.Equal(o.Hidden, want) {
			t.Errorf("%d rows of 20 numbers: %v", rows, o.Hidden)
		}
	}
	if _, err := Prepare(Tables{Train: small}, Options{Recipe: "best", Types: number}, nil); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "Recipe best: ") {
		t.Error(err)
	}
}

// The first units of the first layer start as the leaves of the trees, unless other initial weights are asked for.
func TestStartAtLeaves(t *testing.T) {
	number := map[string]data.Kind{"x": data.KindNumber}
	var rows [][]string
	for x := range 400 {
		rows = append(rows, []string{fmt.Sprint(x), fmt.Sprintf("%.1f", float64(x/50%2)*3+float64(x%7)/10)})
	}
	table, err := data.NewTable("steps", []string{"x", "y"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    Options
		want bool
	}{
		"trees":       {Options{Recipe: "trees"}, true},
		"few units":   {Options{Recipe: "trees", Hidden: []int{3}}, true},
		"wide":        {Options{Recipe: "wide"}, false},
		"given":       {Options{Recipe: "trees", Init: "he"}, false},
		"no bias":     {Options{Recipe: "trees", NoBias: true}, false},
		"no layers":   {Options{Recipe: "trees", Hidden: []int{}}, false},
		"in float64":  {Options{Recipe: "trees", Precision: "float64"}, true},
		"some layers": {Options{Recipe: "trees", Hidden: []int{9, 9, 9}}, true},
	} {
		c.o.Types = number
		f, err := Prepare(Tables{Train: table}, c.o, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Model()
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, f.Encoding.Width())
		if err := data.EncodeRow(f.Encoding, []data.Value{data.Number(100)}, x); err != nil {
			t.Fatal(err)
		}
		leaves := f.Encoding.Leaves()
		if starts := c.o.Recipe == "trees" && len(leaves) > 0; starts != (c.o.Recipe == "trees") {
			t.Fatalf("%s: got %d leaves, want some", name, len(leaves))
		}
		if !c.want {
			leaves = nil
		}
		w, bias := firstLayer(m)
		for unit, leaf := range leaves {
			if unit == len(bias) {
				break
			}
			z, want := bias[unit], leaf.Bias
			for i := range x {
				z += w(i, unit) * x[i]
			}
			for i, input := range leaf.Inputs {
				want += leaf.Weights[i] * x[input]
			}
			if math.Abs(z-leafSlope*want) > 1e-5 {
				t.Errorf("%s: unit %d has the sum %v, and its leaf %v", name, unit, z, want)
			}
		}
		if !c.want && slices.ContainsFunc(bias, func(b float64) bool { return b != 0 }) {
			t.Errorf("%s: the biases are %v, want zeros", name, bias)
		}
	}
}

// firstLayer returns the weights and the biases of a model's first layer.
func firstLayer(m *Model) (w func(i, j int) float64, bias []float64) {
	if net := m.Network64(); net != nil {
		return net.Weights(0).At, net.Bias(0)
	}
	net := m.Network32()
	for _, b := range net.Bias(0) {
		bias = append(bias, float64(b))
	}
	return func(i, j int) float64 { return float64(net.Weights(0).At(i, j)) }, bias
}

// In a multiclass network, the second half of the first layer starts as it does without trees.
func TestHalfOfManyClasses(t *testing.T) {
	var rows [][]string
	for i := range 2000 {
		a, b := i*7%23, i*i%19
		rows = append(rows, []string{fmt.Sprint(a), fmt.Sprint(b), fmt.Sprintf("c%d", (a/6+b/5)%4)})
	}
	table, err := data.NewTable("classes", []string{"a", "b", "y"}, rows)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Prepare(Tables{Train: table}, Options{Recipe: RecipeTrees, Types: map[string]data.Kind{"a": data.KindNumber, "b": data.KindNumber}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	_, bias := firstLayer(m)
	half := len(bias) / 2
	if n := len(f.Encoding.Leaves()); n <= half {
		t.Fatalf("%d leaves do not fill half of %d units", n, len(bias))
	}
	for unit, b := range bias {
		if want := unit < half && f.Encoding.Leaves()[unit].Bias != 0; (b != 0) != want {
			t.Errorf("unit %d of %d has the bias %v", unit, len(bias), b)
		}
	}
}
