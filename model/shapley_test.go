package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// headOf returns a table of the first rows of another.
func headOf(t *testing.T, table *data.Table, rows int) *data.Table {
	t.Helper()
	cells := make([][]string, rows)
	for r := range cells {
		for c := range table.Columns() {
			cells[r] = append(cells[r], table.Cell(r, c))
		}
	}
	head, err := data.NewTable("head", table.Columns(), cells)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func readExample(t *testing.T, name string) *data.Table {
	t.Helper()
	table, err := data.Read("../examples/data/"+name+".csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// checkAdditive checks that the base and the values of every row add up to the prediction.
func checkAdditive(t *testing.T, s *Shapley) {
	t.Helper()
	for _, r := range s.Rows {
		for k, p := range r.Prediction {
			sum := s.Base[k]
			for _, v := range r.Values[k] {
				sum += v
			}
			if !(math.Abs(sum-p) <= 1e-6) {
				t.Errorf("row %d, %s: the base and the values add up to %v, want the prediction %v", r.Row, s.Outputs[k], sum, p)
			}
		}
	}
}

// The values agree with those of the explainers of shap on the same models (testdata/shapley.py). Exact values agree to
// the precision of float32, and sampled ones within the standard errors of both.
func TestShapleyAgainstShap(t *testing.T) {
	raw, err := os.ReadFile("testdata/shapley.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle map[string]struct {
		Background int
		Rows       []int
		Base       []float64
		Values     [][][]float64
		Errors     [][][]float64
	}
	if err := json.Unmarshal(raw, &oracle); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"penguins", "diabetes", "breast_cancer"} {
		t.Run(name, func(t *testing.T) {
			want, table := oracle[name], readExample(t, name)
			m, err := Load("testdata/shapley_" + name + ".safetensors")
			if err != nil {
				t.Fatal(err)
			}
			o := ShapleyOptions{Rows: want.Rows, Background: headOf(t, table, want.Background), Pairs: 20, Seed: 1}
			got, err := m.Shapley(context.Background(), table, o)
			if err != nil {
				t.Fatal(err)
			}
			checkAdditive(t, got)
			worst, apart := 0.0, 0.0
			for i, r := range got.Rows {
				for k := range r.Values {
					scale := math.Max(1, math.Abs(want.Base[k]))
					if d := math.Abs(got.Base[k] - want.Base[k]); !(d < 1e-6*scale) {
						t.Errorf("base %v, shap has %v", got.Base[k], want.Base[k])
					}
					for c, v := range r.Values[k] {
						d := math.Abs(v - want.Values[i][k][c])
						worst = max(worst, d/scale)
						if want.Errors == nil {
							if !(d < 1e-6*scale) {
								t.Errorf("row %d, output %d, %s: %v, shap has %v", r.Row, k, got.Columns[c], v, want.Values[i][k][c])
							}
							continue
						}
						apart = max(apart, d/math.Hypot(r.Errors[k][c], want.Errors[i][k][c]))
					}
				}
			}
			t.Logf("%s: the largest difference from shap is %.2g, %.2g standard errors", got.Method, worst, apart)
			if apart > 4 { // the largest of 60 values
				t.Errorf("a value is %.2g standard errors from that of shap, want at most 4", apart)
			}
			if want.Errors != nil && (got.Method != "permutation" || apart == 0) {
				t.Errorf("%s values, %.2g standard errors apart: nothing was sampled", got.Method, apart)
			}
		})
	}
}

// Sampled values are as far from exact ones as their standard errors say.
func TestShapleyErrors(t *testing.T) {
	m, err := Load("testdata/shapley_diabetes.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	table := readExample(t, "diabetes")
	o := ShapleyOptions{Rows: []int{0, 5, 100, 200, 300, 400}, BackgroundRows: 30, Seed: 3}
	exact, err := m.Shapley(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	checkAdditive(t, exact)
	o.Method, o.Pairs = "permutation", 4
	sampled, err := m.Shapley(context.Background(), table, o)
	if err != nil {
		t.Fatal(err)
	}
	checkAdditive(t, sampled)
	squares, n := 0.0, 0.0
	for i, r := range sampled.Rows {
		for c, v := range r.Values[0] {
			if e := r.Errors[0][c]; e > 0 {
				z := (v - exact.Rows[i].Values[0][c]) / e
				squares += z * z
				n++
			}
		}
	}
	if ratio := math.Sqrt(squares / n); n < 50 || ratio < 0.7 || ratio > 1.4 {
		t.Errorf("%.0f sampled values are %.2f of their standard errors from the exact ones", n, ratio)
	}
}

// For a linear model, the value of a column is its weight times the difference between the cell and the mean of the
// background.
func TestShapleyOfALinearModel(t *testing.T) {
	var cells [][]string
	for i := range 60 {
		a, b, c := i%7, (i*i)%11, (3*i)%5
		cells = append(cells, []string{fmt.Sprint(a), fmt.Sprint(b), fmt.Sprint(c), fmt.Sprint(2*a - 3*b + 10)})
	}
	table, err := data.NewTable("linear", []string{"a", "b", "c", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	no := 0.0
	m, _, err := Train(context.Background(), table, Options{Task: data.Regression, Hidden: []int{}, Scale: data.ScaleStandard, Precision: "float64", Optimizer: "lbfgs", Epochs: 200, Validation: &no})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"exact", "permutation"} {
		s, err := m.Shapley(context.Background(), table, ShapleyOptions{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		checkAdditive(t, s)
		mean := func(col int) (sum float64) {
			for r := range table.Rows() {
				v, _ := table.Number(r, col)
				sum += v / float64(table.Rows())
			}
			return sum
		}
		for _, r := range s.Rows {
			for c, weight := range []float64{2, -3, 0} {
				v, _ := table.Number(r.Row, c)
				if want := weight * (v - mean(c)); !(math.Abs(r.Values[0][c]-want) < 1e-3) {
					t.Fatalf("%s: row %d, column %s: %v, want %v", method, r.Row, s.Columns[c], r.Values[0][c], want)
				}
			}
		}
	}
}

// The values have the same bits on any number of cores, and follow from the seed. Those of a row do not depend on the
// rows that are explained with it.
func TestShapleyBits(t *testing.T) {
	m, err := Load("testdata/shapley_breast_cancer.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	table := readExample(t, "breast_cancer")
	say := func(seed uint64, threads int, rows ...int) *Shapley {
		s, err := m.Shapley(context.Background(), table, ShapleyOptions{Rows: rows, BackgroundRows: 15, Seed: seed, Threads: threads, LogOdds: true})
		if err != nil {
			t.Fatal(err)
		}
		checkAdditive(t, s)
		return s
	}
	one := say(1, 1, 4, 9, 77)
	for _, threads := range []int{2, 5} {
		if got := say(1, threads, 4, 9, 77); !reflect.DeepEqual(one, got) {
			t.Errorf("with %d threads the values differ", threads)
		}
	}
	if alone := say(1, 3, 9); !reflect.DeepEqual(alone.Rows[0].Values, one.Rows[1].Values) {
		t.Error("a row by itself has other values than among others")
	}
	if other := say(2, 1, 4, 9, 77); reflect.DeepEqual(other.Rows, one.Rows) {
		t.Error("another seed gives the same values")
	}
}

func TestShapleyRefuses(t *testing.T) {
	m, err := Load("testdata/shapley_breast_cancer.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	table := readExample(t, "breast_cancer")
	for _, o := range []ShapleyOptions{
		{Method: "exact"}, {Method: "tree"}, {Pairs: -1}, {BackgroundRows: -1}, {Rows: []int{-1}}, {Rows: []int{569}}, {Rows: []int{}},
	} {
		if s, err := m.Shapley(context.Background(), table, o); !errors.Is(err, ErrOptions) || s != nil {
			t.Errorf("%+v: got %v, want an error that wraps ErrOptions and s = nil", o, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := m.Shapley(ctx, table, ShapleyOptions{}); !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("with a canceled context: got %v, want context.Canceled", err)
	}
}
