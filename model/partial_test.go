package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// Partial dependence and the lines of single rows equal those of scikit-learn (testdata/partial.py).
func TestPartialAgainstSklearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/partial.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle map[string]struct {
		Columns []string
		Rows    [][]string
		Cells   []string
		At      []float64
		Mean    [][]float64
		Lines   [][][]float64
	}
	if err := json.Unmarshal(raw, &oracle); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"penguins island", "penguins bill_length_mm", "diabetes bmi"} {
		table, column, _ := strings.Cut(name, " ")
		want := oracle[name]
		m, err := Load("testdata/shapley_" + table + ".safetensors")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := data.NewTable(table, want.Columns, want.Rows)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Partial(context.Background(), rows, column, PartialOptions{Points: 9})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.At) != len(want.At) || p.Rows != len(want.Rows) || len(p.LineOf) != len(want.Rows) {
			t.Fatalf("%s: %d cells, %d rows, %d lines; want %d, %d", name, len(p.At), p.Rows, len(p.LineOf), len(want.At), len(want.Rows))
		}
		for i, at := range want.At {
			place := i
			if cell := want.Cells[i]; cell != "" {
				place = slices.Index(p.Cells, cell)
			} else if math.Abs(p.At[i]-at) > 1e-9 {
				t.Errorf("%s: asked at %v, want %v", name, p.At[i], at)
			}
			for k := range p.Outputs {
				near := func(what string, got, want float64) {
					if !(math.Abs(got-want) <= 2e-6*math.Max(1, math.Abs(want))) {
						t.Errorf("%s, %s, output %d at %v: %v, scikit-learn has %v", name, what, k, at, got, want)
					}
				}
				near("mean", p.Mean[k][place], want.Mean[k][i])
				for line := range p.LineOf {
					near(fmt.Sprint("row ", line), p.Lines[k][line][place], want.Lines[k][line][i])
				}
			}
		}
	}
}

// A column of each kind is asked at its own cells. Those of a category start with the most frequent one, and a missing
// cell is last.
func TestPartialCells(t *testing.T) {
	var cells [][]string
	for i := range 80 {
		day := fmt.Sprintf("2024-%02d-%02d", 1+i%12, 1+i%28)
		yes, color := []string{"yes", "no"}[i%2], []string{"red", "red", "blue", ""}[i%4]
		cells = append(cells, []string{fmt.Sprint(i % 3), day, yes, color, fmt.Sprint(i%3 + i%2)})
	}
	table, err := data.NewTable("kinds", []string{"n", "day", "yes", "color", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := Train(context.Background(), table, Options{Task: data.Regression, Epochs: 3, Types: map[string]data.Kind{"n": data.KindNumber}})
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string][]string{
		"n": {"0", "1", "2"}, "yes": {"false", "true"}, "color": {"red", "blue", "(missing)"},
	} {
		one, err := m.Partial(context.Background(), table, column, PartialOptions{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one.Cells, want) {
			t.Errorf("%s is asked at %q, want %q", column, one.Cells, want)
		}
		more, err := m.Partial(context.Background(), table, column, PartialOptions{Threads: 3})
		if err != nil || !reflect.DeepEqual(one, more) {
			t.Errorf("%s: three threads give another result than one (%v)", column, err)
		}
	}
	p, err := m.Partial(context.Background(), table, "day", PartialOptions{Points: 5})
	if err != nil || len(p.Cells) != 5 || !strings.HasPrefix(p.Cells[0], "2024-01-") || !strings.HasPrefix(p.Cells[4], "2024-12-") {
		t.Errorf("got the days %q, %v, want 5 from January to December", p.Cells, err)
	}
	for _, o := range []PartialOptions{{Points: 1}, {Lines: -1}, {Rows: []int{80}}, {Rows: []int{}}} {
		if _, err := m.Partial(context.Background(), table, "n", o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: got %v, want an error that wraps ErrOptions", o, err)
		}
	}
	if _, err := m.Partial(context.Background(), table, "m", PartialOptions{}); !errors.Is(err, ErrOptions) {
		t.Errorf("an unknown column: got %v, want ErrOptions", err)
	}
}
