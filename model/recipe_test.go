package model

import (
	"errors"
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
		"many rows":    {large, Options{}, []int{128, 128}, "silu, pieces"},
		"plain":        {large, Options{Recipe: "plain"}, []int{64, 64}, "relu, auto"},
		"wide":         {small, Options{Recipe: "wide"}, []int{128, 128}, "silu, pieces"},
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
			t.Errorf("%s: %v %s, want %v %s", name, f.Options.Hidden, got, c.hidden, c.by)
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
