package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

func fromText(t *testing.T, text string) *data.Table {
	t.Helper()
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// line returns a table of one number and a target that rises with it.
func line(t *testing.T, n int) *data.Table {
	var b strings.Builder
	b.WriteString("x,y\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%d\n", i, 2*i)
	}
	return fromText(t, b.String())
}

// A plain trend continues beyond the training rows. They have y = 2x for x from 0 to 499, and the model predicts at 750.
func TestTrendGoesOn(t *testing.T) {
	for _, recipe := range []string{RecipePlain, RecipeWide, RecipeTrees, RecipeWaves} {
		m, _, err := Train(context.Background(), line(t, 500), Options{Seed: 1, Recipe: recipe, Types: map[string]data.Kind{"x": data.KindNumber}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictRow(map[string]any{"x": 750})
		if err != nil || math.Abs(p.Values[0]-1500) > 45 {
			t.Errorf("%s: at 750 the model says %v, want 1500: %v", recipe, p.Values, err)
		}
	}
}

// Without a hidden layer, and with plain scaling, the network is linear regression. Its closed form,
// from the normal equations in x1, x2 and 1, is worked out here.
func TestLinearRegression(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("x1,x2,y\n")
	var a [3][4]float64
	for range 300 {
		x := [3]float64{math.Round(r.NormFloat64()*1000) / 1000, math.Round(r.Float64()*5000) / 1000, 1}
		y := math.Round((3*x[0]-2*x[1]+7+r.NormFloat64())*1000) / 1000
		fmt.Fprintf(&b, "%v,%v,%v\n", x[0], x[1], y)
		for i := range 3 {
			for j := range 3 {
				a[i][j] += x[i] * x[j]
			}
			a[i][3] += x[i] * y
		}
	}
	for i := range 3 {
		for j := range 3 {
			if j != i {
				f := a[j][i] / a[i][i]
				for k := range 4 {
					a[j][k] -= f * a[i][k]
				}
			}
		}
	}
	none := 0.0
	m, _, err := Train(context.Background(), fromText(t, b.String()), Options{
		Hidden: []int{}, Scale: data.ScaleStandard, Optimizer: "lbfgs", Epochs: 50, Precision: "float64", Validation: &none,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]float64{{0, 0}, {1, 2}, {-30, 70}} {
		want := a[0][3]/a[0][0]*x[0] + a[1][3]/a[1][1]*x[1] + a[2][3]/a[2][2]
		p, err := m.PredictRow(map[string]any{"x1": x[0], "x2": x[1]})
		if err != nil || math.Abs(p.Values[0]-want) > 1e-5*math.Max(1, math.Abs(want)) {
			t.Errorf("at %v the model says %v, want the %v of the closed form: %v", x, p.Values, want, err)
		}
	}
}

// The effects of 600 stores are found: rows that were not trained on are predicted as well as by the
// mean of each store's training rows.
func TestManyStores(t *testing.T) {
	const stores, rows = 600, 12000
	r := rand.New(rand.NewPCG(3, 4))
	effect := make([]float64, stores)
	for s := range effect {
		effect[s] = r.NormFloat64() * 3.4
	}
	var train, test strings.Builder
	sum, n := make([]float64, stores), make([]float64, stores)
	type row struct {
		store int
		y     float64
	}
	var held []row
	train.WriteString("store,y\n")
	test.WriteString("store,y\n")
	for i := range rows {
		s := r.IntN(stores)
		y := math.Round((effect[s]+r.NormFloat64())*1000) / 1000
		if i%5 == 0 {
			fmt.Fprintf(&test, "s%d,%v\n", s, y)
			held = append(held, row{s, y})
			continue
		}
		fmt.Fprintf(&train, "s%d,%v\n", s, y)
		sum[s] += y
		n[s]++
	}
	var mean, rest, whole float64
	for _, h := range held {
		mean += h.y / float64(len(held))
	}
	for _, h := range held {
		d := h.y - sum[h.store]/max(1, n[h.store])
		rest += d * d
		whole += (h.y - mean) * (h.y - mean)
	}
	m, f, err := Train(context.Background(), fromText(t, train.String()), Options{Seed: 1, Epochs: 6})
	if err != nil {
		t.Fatal(err)
	}
	report, err := m.Evaluate(fromText(t, test.String()))
	if err != nil {
		t.Fatal(err)
	}
	if r2, _ := report.Get("r2"); r2 < 1-rest/whole-0.01 || r2 < 0.9 {
		t.Errorf("R2 is %v, want about the %v of the mean of each store's rows", r2, 1-rest/whole)
	}
	if !slices.ContainsFunc(f.Notes, func(n data.Note) bool { return strings.Contains(n.String(), "store has 600 categories") }) {
		t.Errorf("the notes %q do not mention the stores", f.Notes)
	}
	p, err := m.PredictRow(map[string]any{"store": "never seen"})
	if err != nil || math.Abs(p.Values[0]-mean) > 1 {
		t.Errorf("for a store that was never seen the model says %v, and the mean is %v: %v", p.Values, mean, err)
	}
}
