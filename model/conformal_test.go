package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// The limit for a level is the k-th of n scores, k = ceil((n+1)·level). With many rows it is the next score that is kept.
func TestScoresLimit(t *testing.T) {
	for _, n := range []int{1, 9, 10, 99, 200, 201, 1000, 54321} {
		all := make([]float64, n)
		for i := range all {
			all[i] = float64(n - i) // 1 to n
		}
		s := newScores(all)
		if len(s.Kept) != min(n, keptScores) || s.Kept[len(s.Kept)-1] != float64(n) {
			t.Fatalf("of %d scores %d are kept, the last is %v", n, len(s.Kept), s.Kept[len(s.Kept)-1])
		}
		for _, level := range []float64{0.01, 0.5, 0.8, 0.9, 0.95, 0.99} {
			k := math.Ceil(float64(n+1)*level - 1e-9)
			q, ok := s.limit(level)
			if ok != (k <= float64(n)) {
				t.Errorf("%d scores, level %v: whether there is a limit is %v, want the opposite", n, level, ok)
			}
			if ok && (q < k || q > k+1+0.02*float64(n)) || ok && n <= keptScores && q != k {
				t.Errorf("%d scores, level %v: the limit is the %v-th, want the %v-th", n, level, q, k)
			}
		}
	}
}

// noisy returns a table with a target whose noise grows with x.
func noisy(t *testing.T, rows int) *data.Table {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(rows)))
	var cells [][]string
	for range rows {
		x := random.Float64() * 10
		cells = append(cells, []string{fmt.Sprint(x), fmt.Sprint(3*x + (0.2+x)*random.NormFloat64())})
	}
	table, err := data.NewTable("noisy", []string{"x", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestIntervalsOfNoNumber: a prediction that is not finite has no interval.
func TestIntervalsOfNoNumber(t *testing.T) {
	table := noise(t, 120, 2, func(r *rand.Rand) string { return fmt.Sprintf("%.4f", r.NormFloat64()) })
	m, _, err := Train(context.Background(), table, Options{Epochs: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := m.Intervals([]float64{0, v}, 0.5); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "prediction 1, counted from 0") {
			t.Errorf("the interval of %v: got %v, want an error that names prediction 1", v, err)
		}
	}
}

// The share of new rows within their intervals is the level. This holds in every fifth of the predictions, although the
// noise is much larger at one end.
func TestIntervalsCover(t *testing.T) {
	table, fresh := noisy(t, 16000), noisy(t, 10000)
	share := 0.3
	m, f, err := Train(context.Background(), table, Options{Epochs: 5, Hidden: []int{16}, Validation: &share})
	if err != nil {
		t.Fatal(err)
	}
	if m.Conformal == nil || m.Conformal.Rows != f.Rows.Validation || len(m.Conformal.Targets[0].Groups) != mostGroups {
		t.Fatalf("the conformal scores are %+v, want those of the validation rows in all groups", m.Conformal)
	}
	p, _, err := m.Predict(fresh)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []float64{0.8, 0.9, 0.95} {
		in, err := m.Intervals(p, level)
		if err != nil {
			t.Fatal(err)
		}
		order := make([]int, len(p))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, p[a]-p[b])) })
		var fifths [5]float64
		for at, i := range order {
			if y, _ := fresh.Number(i, 1); y >= in[i].Lower && y <= in[i].Upper {
				fifths[at*5/len(order)] += 5 / float64(len(order))
			}
		}
		for k, held := range fifths {
			if math.Abs(held-level) > 0.05 {
				t.Errorf("level %v: %.3f of fifth %d lie in their intervals, want the level", level, held, k)
			}
		}
		if low, high := in[order[0]], in[order[len(order)-1]]; high.Upper-high.Lower < 3*(low.Upper-low.Lower) {
			t.Errorf("the intervals are as wide at the end without noise (%v) as at the other (%v)", low, high)
		}
	}
	if _, err := m.Intervals(p, 0.99999); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "at least 99999 validation rows, and the model had 4800; give at most 0.9997,") {
		t.Errorf("a level that needs more rows: got %v, want an error that says how many", err)
	}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&file)
	if err != nil || !reflect.DeepEqual(back.Conformal, m.Conformal) {
		t.Errorf("the loaded model has other conformal scores (%v)", err)
	}
	none := 0.0
	bare, _, err := Train(context.Background(), table, Options{Epochs: 1, Validation: &none})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m     *Model
		level float64
	}{{m, 0}, {m, 1}, {m, math.NaN()}, {m, 0.9999}, {bare, 0.9}} {
		if _, err := c.m.Intervals(p, c.level); !errors.Is(err, ErrOptions) {
			t.Errorf("level %v: got %v, want ErrOptions", c.level, err)
		}
	}
	if _, err := m.Sets(p, 0.9); !errors.Is(err, ErrOptions) {
		t.Errorf("sets of amounts: got %v, want ErrOptions", err)
	}
}

// Intervals from out-of-fold predictions, which an ensemble has, hold as often as they say.
func TestConformalOutOfFold(t *testing.T) {
	table := noisy(t, 1500)
	rows := table.Rows()
	predictions, truth := make([]float64, rows), make([]float64, rows)
	var last *Model
	for fold := range 3 {
		var cells [][]string
		for r := range rows {
			if r%3 != fold {
				cells = append(cells, []string{table.Cell(r, 0), table.Cell(r, 1)})
			}
		}
		part, err := data.NewTable("part", table.Columns(), cells)
		if err != nil {
			t.Fatal(err)
		}
		if last, _, err = Train(context.Background(), part, Options{Epochs: 15}); err != nil {
			t.Fatal(err)
		}
		p, _, err := last.Predict(table)
		if err != nil {
			t.Fatal(err)
		}
		for r := fold; r < rows; r += 3 {
			predictions[r] = p[r]
			truth[r], _ = table.Number(r, 1)
		}
	}
	last.Conformal = newConformal(nil, last, predictions, truth)
	fresh := noisy(t, 3000)
	p, _, err := last.Predict(fresh)
	if err != nil {
		t.Fatal(err)
	}
	in, err := last.Intervals(p, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	held := 0.0
	for i := range in {
		if y, _ := fresh.Number(i, 1); y >= in[i].Lower && y <= in[i].Upper {
			held += 1 / float64(len(in))
		}
	}
	if math.Abs(held-0.9) > 0.03 {
		t.Errorf("%.3f of new rows lie in their intervals, want 0.9", held)
	}
}

// Sets contain the row's class as often as they say. The most probable class is first, and no set is empty.
func TestSetsCover(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	draw := func(rows int) *data.Table {
		var cells [][]string
		for range rows {
			x, y := random.NormFloat64(), random.NormFloat64()
			class := []string{"a", "b", "c"}[min(2, max(0, int(x+y+0.8*random.NormFloat64()+1.5)))]
			cells = append(cells, []string{fmt.Sprint(x), fmt.Sprint(y), class})
		}
		table, err := data.NewTable("classes", []string{"x", "y", "class"}, cells)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	table, fresh := draw(3000), draw(4000)
	share := 0.3
	m, _, err := Train(context.Background(), table, Options{Epochs: 15, Validation: &share, Calibrate: true})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := m.Predict(fresh)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []float64{0.8, 0.9, 0.95} {
		sets, err := m.Sets(p, level)
		if err != nil {
			t.Fatal(err)
		}
		held := 0.0
		for i, set := range sets {
			if len(set) == 0 || set[0] != m.Describe(p[3*i:][:3]).Class {
				t.Fatalf("row %d: the set is %q, want the most probable class first", i, set)
			}
			if slices.Contains(set, fresh.Cell(i, 2)) {
				held += 1 / float64(len(sets))
			}
		}
		if math.Abs(held-level) > 0.03 {
			t.Errorf("level %v: %.3f of the sets contain the row's class, want the level", level, held)
		}
	}
	if _, err := m.Intervals(p, 0.9); !errors.Is(err, ErrOptions) {
		t.Errorf("intervals of classes: got %v, want ErrOptions", err)
	}
}

// A file with impossible scores is refused.
func TestOddConformal(t *testing.T) {
	share := 0.3
	for i, spoil := range []func(c *Conformal){
		func(c *Conformal) { c.Targets = nil },
		func(c *Conformal) { c.Targets[0].All.Kept[0] = -1 },
		func(c *Conformal) { slices.Reverse(c.Targets[0].All.Kept) },
		func(c *Conformal) { c.Targets[0].All.Rows++ },
		func(c *Conformal) { c.Targets[0].Limits = []float64{1} },
		func(c *Conformal) { c.Targets[0].All.Kept[3] = math.NaN() },
	} {
		m, _, err := Train(context.Background(), noisy(t, 100), Options{Epochs: 1, Validation: &share})
		if err != nil {
			t.Fatal(err)
		}
		spoil(m.Conformal)
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&file); !errors.Is(err, ErrFile) {
			t.Errorf("case %d: got %v, want ErrFile", i, err)
		}
	}
}
