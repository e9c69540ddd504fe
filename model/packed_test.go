package model

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

// letters returns a table of that many columns of single letters, two numbers and a target.
func letters(t *testing.T, rows, columns int) *data.Table {
	t.Helper()
	var b strings.Builder
	for c := range columns {
		fmt.Fprintf(&b, "c%d,", c)
	}
	b.WriteString("x,z,y\n")
	r := rand.New(rand.NewPCG(4, 4))
	for range rows {
		sum := 0
		for c := range columns {
			l := r.IntN(21)
			if l < 20 {
				b.WriteByte(byte('a' + l))
			}
			if b.WriteByte(','); c < 3 {
				sum += l
			}
		}
		fmt.Fprintf(&b, "%d,%.2f,%s\n", r.IntN(3), r.NormFloat64(), []string{"no", "yes"}[min(1, sum/30)])
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(b.String())})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// pack makes rows of at least that many bytes packed, until the test ends.
func pack(t *testing.T, bytes int) {
	was := packedLeast
	packedLeast = bytes
	t.Cleanup(func() { packedLeast = was })
}

// Packed rows give the same model as a matrix: the same weights, scores, threshold and ensemble.
func TestPackedRows(t *testing.T) {
	table := letters(t, 700, 12)
	for name, o := range map[string]Options{
		"one network":     {Members: 1, Test: new(0.2), Seed: 3, Epochs: 4},
		"an ensemble":     {Members: 3, Seed: 3, Epochs: 4},
		"double, a score": {Members: 1, Precision: "float64", Metrics: []string{"auc"}, Threshold: "auto:f1", Seed: 3, Epochs: 4},
		"a solver":        {Members: 1, Hidden: []int{}, Recipe: RecipePlain, Optimizer: "lbfgs", Epochs: 5},
	} {
		run := func(least int) (*Model, bool) {
			pack(t, least)
			f, err := Prepare(Tables{Train: table}, o, nil)
			if err != nil {
				t.Fatal(name, err)
			}
			_, packed := f.rowSize(f.Rows.Train)
			for _, err := range f.Strides(t.Context()) {
				if err != nil {
					t.Fatal(name, err)
				}
			}
			m, err := f.Model()
			if err != nil {
				t.Fatal(name, err)
			}
			return m, packed
		}
		one, no := run(1 << 30)
		two, yes := run(0)
		if no || !yes {
			t.Fatalf("%s: packed is %v and %v, want false and true", name, no, yes)
		}
		a, b := one.Training, two.Training
		if one.WeightsSHA256() != two.WeightsSHA256() || !reflect.DeepEqual(a.Metrics, b.Metrics) || !reflect.DeepEqual(a.Diagnosis, b.Diagnosis) {
			t.Errorf("%s: packed rows give another model:\n%+v\n%+v", name, a.Metrics, b.Metrics)
		}
	}
}

// Preparing a run takes few bytes per cell of a category with few levels, even in a process that has done other work
// before. A matrix alone would take 84 bytes.
func TestPackedMemory(t *testing.T) {
	const rows, columns = 60000, 30
	table := letters(t, rows, columns)
	pack(t, 0)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, err := Prepare(Tables{Train: table}, Options{Members: 1, Hidden: []int{8}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := float64(after.HeapAlloc-before.HeapAlloc) / (rows * columns)
	taken := float64(after.TotalAlloc-before.TotalAlloc) / (rows * columns)
	t.Logf("%.1f bytes per cell are kept, %.1f are allocated", kept, taken)
	if kept > 20 || taken > 40 {
		t.Errorf("%.1f bytes per cell are kept and %.1f allocated, want at most 20 and 40", kept, taken)
	}
	runtime.KeepAlive(f)
}
