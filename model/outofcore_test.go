package model

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/train"
)

// blockTable returns a table of numbers and categories, in which some numbers are missing.
func blockTable(t *testing.T, rows int, target func(a, b float64, color string) string) *data.Table {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var cells [][]string
	for i := range rows {
		a, b, color := r.NormFloat64(), r.Float64(), []string{"red", "green", "blue"}[r.IntN(3)]
		row := []string{fmt.Sprintf("%.4f", a), fmt.Sprintf("%.4f", b), color, fmt.Sprint(1 + i%3), target(a, b, color)}
		if i%19 == 0 {
			row[1] = ""
		}
		cells = append(cells, row)
	}
	table, err := data.NewTable("blocks", []string{"a", "b", "color", "w", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func amount(a, b float64, color string) string {
	return fmt.Sprintf("%.4f", math.Sin(a)+b*float64(len(color)))
}

func class(a, b float64, color string) string {
	return []string{"no", "yes"}[map[bool]int{true: 1}[a+b > float64(len(color)-4)]]
}

func spillOf(t *testing.T) *data.Spill {
	t.Helper()
	s, err := data.NewSpill(t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// tight limits runs to that many bytes of memory until the test ends.
func tight(t *testing.T, bytes uint64) {
	was := available
	available = func() (memory.Limit, bool) { return memory.Limit{Bytes: bytes, Of: "this test"}, true }
	t.Cleanup(func() { available = was })
}

// trainTo prepares a run and trains it to its end.
func trainTo(t *testing.T, tables Tables, o Options) (*Model, *Fit) {
	t.Helper()
	f, err := Prepare(tables, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	for _, err := range f.Strides(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

// scoresOf returns all scores of a model as text.
func scoresOf(t *testing.T, m *Model) string {
	t.Helper()
	text, err := json.Marshal(m.Training.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOutOfCoreHasTheBitsOfMemory(t *testing.T) {
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
	}{
		{"regression", amount, Options{}},
		{"classes", class, Options{ClassWeight: []string{"balanced"}, Metrics: []string{"auc"}}},
		{"weights and test rows", amount, Options{SampleWeight: "w", Test: new(0.1)}},
		{"float64, batch norm", amount, Options{Precision: "float64", Norm: "batch"}},
		{"no shuffle", amount, Options{NoShuffle: true}},
		{"bounds", amount, Options{Interval: 0.9, SampleWeight: "w"}},
		{"label smoothing and dropout", class, Options{LabelSmoothing: 0.1, Dropout: 0.2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := blockTable(t, 8000, c.target)
			o := c.o
			o.Seed, o.Epochs, o.Hidden, o.BlockRows, o.BufferBlocks = 5, 3, []int{8}, 64, 7
			inMemory, f := trainTo(t, Tables{Train: table}, o)
			if f.spilled {
				t.Fatal("the rows do not fit in memory, want a run in memory")
			}
			tight(t, 230_000)
			if _, err := Prepare(Tables{Train: table}, o, nil); !errors.Is(err, ErrMemory) {
				t.Fatalf("without a disk: got %v, want ErrMemory", err)
			}
			onDisk, g := trainTo(t, Tables{Train: table, Spill: spillOf(t)}, o)
			if !g.spilled {
				t.Fatal("the rows fit in memory, want a run on the disk")
			}
			if a, b := inMemory.WeightsSHA256(), onDisk.WeightsSHA256(); a != b {
				t.Errorf("weights %s in memory, %s on the disk", a, b)
			}
			if a, b := scoresOf(t, inMemory), scoresOf(t, onDisk); a != b {
				t.Errorf("scores %s in memory, %s on the disk", a, b)
			}
			if a, b := f.Imputed(), g.Imputed(); !slices.Equal(a, b) {
				t.Errorf("imputed %v in memory, %v on the disk", a, b)
			}
			own := func(note data.Note) bool { return strings.HasPrefix(note.String(), "The encoded rows do not fit") }
			if a, b := f.Notes, slices.DeleteFunc(g.Notes, own); fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("notes %q in memory, %q on the disk", a, b)
			}
		})
	}
}

// A buffer that takes all rows shuffles them as a run without blocks does.
func TestOneBufferIsAnOrdinaryRun(t *testing.T) {
	table := blockTable(t, 1000, amount)
	o := Options{Seed: 5, Epochs: 4, Hidden: []int{8}}
	plain, _ := trainTo(t, Tables{Train: table}, o)
	o.BlockRows, o.BufferBlocks = 100, 10
	blocked, _ := trainTo(t, Tables{Train: table}, o)
	if a, b := plain.WeightsSHA256(), blocked.WeightsSHA256(); a != b {
		t.Errorf("weights %s without blocks, %s in one buffer", a, b)
	}
	o.BufferBlocks = 3
	if other, _ := trainTo(t, Tables{Train: table}, o); other.WeightsSHA256() == plain.WeightsSHA256() {
		t.Error("a small buffer changes nothing")
	}
}

func TestOutOfCoreByItself(t *testing.T) {
	table := blockTable(t, 3000, amount)
	tight(t, 150_000)
	_, err := Prepare(Tables{Train: table, Spill: spillOf(t)}, Options{Hidden: []int{8}}, nil)
	if !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "fewer blocks") {
		t.Fatalf("the default buffers do not fit either: got %v, want ErrMemory that asks for fewer blocks", err)
	}
	m, f := trainTo(t, Tables{Train: table, Spill: spillOf(t)}, Options{Hidden: []int{8}, Epochs: 2, BufferBlocks: 1, BlockRows: 128})
	if !f.spilled || m.Options.BlockRows != 128 {
		t.Errorf("spilled %v, options %+v", f.spilled, m.Options)
	}
}

func TestBlocksRefuseWhatNeedsAllRows(t *testing.T) {
	for _, c := range []struct {
		o      Options
		option string
	}{
		{Options{BlockRows: 10, Method: "batch", Norm: "batch"}, "Norm"},
		{Options{BlockRows: 10, Method: "per-sample"}, "Method"},
		{Options{BlockRows: 10, Tolerance: new(0.1)}, "Tolerance"},
		{Options{BlockRows: -1}, "BlockRows"},
		{Options{BufferBlocks: -1}, "BufferBlocks"},
	} {
		var e *OptionError
		if err := c.o.Validate(); !errors.As(err, &e) || e.Option != c.option {
			t.Errorf("%+v: got %v, want an OptionError about the option that needs all rows", c.o, err)
		}
	}
}

// Batch descent and solvers look at all rows. On the disk they have the bits of an ordinary run in memory, whatever the blocks.
func TestAllRowsOutOfCore(t *testing.T) {
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
	}{
		{"lbfgs", amount, Options{Optimizer: "lbfgs"}},
		{"cg, weights", amount, Options{Optimizer: "cg", SampleWeight: "w", L2: 0.01}},
		{"lbfgs, classes", class, Options{Optimizer: "lbfgs", ClassWeight: []string{"balanced"}, Metrics: []string{"auc"}, Precision: "float64"}},
		{"batch, label smoothing, a loss to reach", class, Options{Method: "batch", LabelSmoothing: 0.1, TargetLoss: new(0.5), Epochs: 40, LearningRate: new(0.05)}},
		{"batch, dropout, shards, threads", amount, Options{Method: "batch", Dropout: 0.2, Shards: 5, Threads: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := c.o
			o.Seed, o.Epochs, o.Hidden = 5, cmp.Or(o.Epochs, 6), []int{8}
			want, _ := trainTo(t, Tables{Train: blockTable(t, 8000, c.target)}, o)
			tight(t, 450_000)
			o.BlockRows, o.BufferBlocks = 100, 3
			got, g := trainTo(t, Tables{Train: onDisk(t, blockTable(t, 8000, c.target)), Spill: spillOf(t)}, o)
			if !g.spilled || !strings.Contains(fmt.Sprint(g.Notes), "read anew for every gradient") {
				t.Fatalf("the rows fit in memory, want a run on the disk; notes %q", g.Notes)
			}
			if a, b := want.WeightsSHA256(), got.WeightsSHA256(); a != b {
				t.Errorf("weights %s in memory, %s on the disk", a, b)
			}
			if a, b := scoresOf(t, want), scoresOf(t, got); a != b {
				t.Errorf("scores %s in memory, %s on the disk", a, b)
			}
			a, b := want.Training, got.Training
			if a.Loss != b.Loss || a.Reason != b.Reason || a.Epochs != b.Epochs || a.BestEpoch != b.BestEpoch {
				t.Errorf("in memory %v, %s, %d epochs, the best %d; on the disk %v, %s, %d, %d", a.Loss, a.Reason, a.Epochs, a.BestEpoch, b.Loss, b.Reason, b.Epochs, b.BestEpoch)
			}
		})
	}
}

func TestOutOfCoreRefusesMeans(t *testing.T) {
	spilling := Tables{Spill: spillOf(t)}
	var cells [][]string
	for i := range 4000 {
		cells = append(cells, []string{fmt.Sprintf("l%d", i%400), fmt.Sprint(i%400%7*10 + i%3)})
	}
	many, err := data.NewTable("many", []string{"l", "y"}, cells)
	if err != nil {
		t.Fatal(err)
	}
	spilling.Train = many
	tight(t, 1<<20)
	if _, err := Prepare(spilling, Options{Hidden: []int{8}, Task: data.Regression, BufferBlocks: 1, BlockRows: 16}, nil); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "256 levels") {
		t.Errorf("means: %v", err)
	}
}

func TestOutOfCoreResumes(t *testing.T) {
	table := blockTable(t, 3000, amount)
	t.Run("batches", func(t *testing.T) {
		resumes(t, table, Options{Seed: 5, Epochs: 3, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4, BatchSize: 50}, 77) // within the second epoch
	})
	t.Run("lbfgs", func(t *testing.T) {
		resumes(t, table, Options{Seed: 5, Epochs: 12, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4, Optimizer: "lbfgs"}, 7)
	})
}

// resumes checks that a run continues from a checkpoint after an update, on the disk and in memory.
func resumes(t *testing.T, table *data.Table, o Options, after int) {
	const little = 200_000 // bytes
	tight(t, little)
	whole, _ := trainTo(t, Tables{Train: table, Spill: spillOf(t)}, o)
	f, err := Prepare(Tables{Train: table, Spill: spillOf(t)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if !f.spilled {
		t.Fatal("the rows fit in memory, want a run on the disk")
	}
	var saved bytes.Buffer
	for s := range f.Steps(context.Background()) {
		if s.N == after {
			if err := f.Checkpoint(&saved); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for _, c := range []struct {
		name   string
		memory uint64
	}{{"on the disk", little}, {"in memory", 1 << 30}} {
		tight(t, c.memory)
		g, err := Prepare(Tables{Train: table, Spill: spillOf(t)}, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Release()
		check, err := train.ReadCheckpoint(bytes.NewReader(saved.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Restore(check); err != nil {
			t.Fatal(err)
		}
		for _, err := range g.Strides(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		m, err := g.Model()
		if err != nil {
			t.Fatal(err)
		}
		if m.WeightsSHA256() != whole.WeightsSHA256() {
			t.Errorf("%s: the resumed run has other weights", c.name)
		}
	}
}
