package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// waveTable returns a table with that many rows, two columns of numbers and a target that depends on both.
func waveTable(t *testing.T, rows int) *data.Table {
	t.Helper()
	cells := make([][]string, rows)
	for i := range cells {
		a, b := i*37%rows, i*101%997
		cells[i] = []string{fmt.Sprint(a), fmt.Sprintf("%.1f", float64(b)/10), fmt.Sprintf("%.2f", float64(a)/100+float64(b%7))}
	}
	table, err := data.NewTable("waves", []string{"a", "b", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// scales returns the scaling of each member.
func scales(m *Model) (all []data.Scaling) {
	for _, member := range m.Members() {
		all = append(all, member.Options.Scale)
	}
	return all
}

// Members with their own folds take the recipes of auto in turn. The first has the bits of one network.
func TestRecipesInTurn(t *testing.T) {
	auto, trees, waves := data.ScaleAuto, data.ScaleTrees, data.ScaleWaves
	share := 0.2
	for name, c := range map[string]struct {
		rows int
		o    Options
		want []data.Scaling // of the first two
	}{
		"few rows":           {300, Options{}, []data.Scaling{auto, trees}},
		"many rows":          {1300, Options{}, []data.Scaling{trees, waves}},
		"seven members":      {300, Options{Members: 7}, []data.Scaling{auto, auto}},
		"a recipe":           {300, Options{Recipe: RecipeTrees}, []data.Scaling{trees, trees}},
		"own layers":         {300, Options{Hidden: []int{5}}, []data.Scaling{auto, auto}},
		"shared rows":        {300, Options{Validation: &share}, []data.Scaling{auto, auto}},
		"shared, many of it": {1300, Options{Validation: &share}, []data.Scaling{trees, trees}},
	} {
		c.o.Members, c.o.Epochs, c.o.Seed = cmp.Or(c.o.Members, 8), 1, 1
		f, err := Prepare(Tables{Train: waveTable(t, c.rows)}, c.o, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range f.Steps(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		var got []data.Scaling
		for _, member := range f.bag.members { // some may be left out of the model
			got = append(got, member.model.Options.Scale)
		}
		for k, scale := range got {
			if scale != c.want[k%2] {
				t.Errorf("%s: member %d has the scaling %s, want %s", name, k, scale, c.want[k%2])
			}
		}
		if f.Options.Recipe != c.o.Recipe {
			t.Errorf("%s: the run has the recipe %q, want %q", name, f.Options.Recipe, c.o.Recipe)
		}
	}
}

// Members whose recipe predicts the rows out of fold clearly worse are left out of the model, and a note says so. A later
// run with the same options finds the rows of the others.
func TestWorseRecipeIsLeftOut(t *testing.T) {
	table := waveTable(t, 300)
	o := Options{Members: 8, Epochs: 2, Seed: 1}
	_, f, err := Train(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	says := map[*member][]float64{}
	for k, member := range f.bag.members {
		says[member] = member.says
		member.says = slices.Clone(member.says)
		for i := range member.says { // the same predictions, and so nearly the same losses
			member.says[i] = 3 + float64(k%2)*0.001
		}
	}
	if m := f.Unscored(); !slices.Equal(scales(m), slices.Repeat([]data.Scaling{data.ScaleAuto, data.ScaleTrees}, 4)) || len(f.bag.said()) > 0 {
		t.Fatalf("equal recipes: the members have the scalings %v, and the run says %v", scales(m), f.bag.said())
	}
	for k, member := range f.bag.members {
		for i := range member.says {
			member.says[i] = 3 + float64(k%2)*50
		}
	}
	m := f.Unscored()
	if want := slices.Repeat([]data.Scaling{data.ScaleAuto}, 4); !slices.Equal(scales(m), want) {
		t.Fatalf("the members have the scalings %v, want %v", scales(m), want)
	}
	said := fmt.Sprint(f.Said())
	if !strings.Contains(said, "The members with the recipe trees, 4 of 8, are left out") {
		t.Errorf("the run says %s", said)
	}
	for member, own := range says {
		member.says = own
	}
	j, err := f.OutOfFold(m)
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	for k := 0; k < 8; k += 2 {
		want = append(want, f.bag.members[k].rows...)
	}
	slices.Sort(want)
	if !slices.Equal(j.Rows, want) {
		t.Errorf("%d rows are out of fold, want the %d of members 0, 2, 4 and 6", len(j.Rows), len(want))
	}
	later, err := Prepare(Tables{Train: table}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := later.OutOfFold(m)
	if err != nil || again == nil || !slices.Equal(again.Rows, j.Rows) || again.CrossFitted || len(again.Says) != len(j.Says) {
		t.Fatalf("a later run has other rows out of fold: %v", err)
	}
	for i, own := range m.Members() { // its predictions are those of the networks as they are
		one := f.bag.members[2*i]
		want, err := own.predictOf(table, one.rows)
		if err != nil {
			t.Fatal(err)
		}
		for k, row := range one.rows {
			if at, _ := slices.BinarySearch(again.Rows, row); again.Says[at] != want[k] {
				t.Errorf("row %d: a later run predicts %v, want %v as member %d", row, again.Says[at], want[k], 2*i)
			}
		}
	}
}

// Training with the options of Again, which a run's folder keeps, repeats the run.
func TestAgainIsTheSameRun(t *testing.T) {
	table := waveTable(t, 300)
	m, f, err := Train(context.Background(), table, Options{Members: 8, Epochs: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := Train(context.Background(), table, f.Again())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(scales(again), scales(m)) || again.WeightsSHA256() != m.WeightsSHA256() {
		t.Errorf("again: the members have the scalings %v and the weights %s, want %v and %s", scales(again), again.WeightsSHA256(), scales(m), m.WeightsSHA256())
	}
}
