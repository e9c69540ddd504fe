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
	"os"
	"path/filepath"
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

// The members of an ensemble keep their rows on the disk, each in its own file, and have the bits of memory.
func TestMembersOutOfCoreHaveTheBitsOfMemory(t *testing.T) {
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
	}{
		{"regression", amount, Options{Members: 3, Shrink: true}},
		{"classes, balanced", class, Options{Members: 3, ClassWeight: []string{"balanced"}, Metrics: []string{"auc"}, Threshold: "auto:f1", Threads: 1}},
		{"noise, shrunk", func(a, b float64, color string) string {
			return fmt.Sprintf("%.3f", math.Mod(1e9*math.Abs(math.Sin(1e7*a)), 1))
		}, Options{Members: 2, Shrink: true, LearningRate: new(0.5)}},
		{"weights, groups, test rows", amount, Options{Members: 2, SampleWeight: "w", Group: "color", Test: new(0.1)}},
		{"more members than folds", amount, Options{Members: 9}},
		{"shared validation rows", amount, Options{Members: 2, Validation: new(0.2)}},
		{"bounds", amount, Options{Members: 2, Interval: 0.9}},
		{"the default", amount, Options{Members: AutoMembers}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const rows = 9000
			o := c.o
			o.Seed, o.Epochs, o.Hidden, o.BlockRows, o.BufferBlocks = 5, 2, []int{4}, 64, 7
			trained := func(tables Tables) (*Model, *Fit) {
				m, f := trainTo(t, tables, o)
				tight(t, 1<<40) // the linear model is in memory
				if err := f.CompareLinear(context.Background(), m); err != nil {
					t.Fatal(err)
				}
				return m, f
			}
			want, f := trained(Tables{Train: blockTable(t, rows, c.target)})
			if len(want.Members()) < 2 {
				t.Fatalf("got %d members, want an ensemble", len(want.Members()))
			}
			tight(t, 180_000)
			disk := spillOf(t)
			encoded := 0
			o.Encoded = func(rows, _ int) { encoded = max(encoded, rows) }
			got, g := trained(Tables{Train: onDisk(t, blockTable(t, rows, c.target)), Spill: disk})
			if encoded == 0 || !strings.Contains(fmt.Sprint(g.Notes), "The encoded rows do not fit") {
				t.Fatalf("the rows fit in memory, want them on the disk; notes %q", g.Notes)
			}
			for k, m := range want.Members() {
				if a, b := m.WeightsSHA256(), got.Members()[k].WeightsSHA256(); a != b {
					t.Errorf("member %d: weights %s in memory, %s on the disk", k, a, b)
				}
			}
			if a, b := scoresOf(t, want), scoresOf(t, got); a != b {
				t.Errorf("scores %s in memory, %s on the disk", a, b)
			}
			for _, pair := range [][2]any{
				{want.Conformal, got.Conformal}, {want.Shrinkage, got.Shrinkage}, {want.Threshold, got.Threshold},
				{f.Rows, g.Rows}, {f.Options.BlockRows, g.Options.BlockRows},
			} {
				if a, b := asJSON(t, pair[0]), asJSON(t, pair[1]); a != b {
					t.Errorf("in memory %.300s, on the disk %.300s", a, b)
				}
			}
			if c.name == "noise, shrunk" && want.Shrinkage == nil {
				t.Error("the model was not shrunk, so the test shows nothing")
			}
			g.Release()
			if left, _ := filepath.Glob(filepath.Join(disk.Dir(), "*")); len(left) > 0 {
				t.Errorf("the files %v are left on the disk", left)
			}
		})
	}
}

// Where the first member is in memory, without blocks, no other member goes to the disk, because its rows would come in another
// order.
func TestMembersAreAlike(t *testing.T) {
	table := blockTable(t, 9000, amount)
	o := Options{Seed: 5, Hidden: []int{4}, Epochs: 1, Members: 3}
	want, _ := trainTo(t, Tables{Train: table}, o)
	f, err := Prepare(Tables{Train: table, Spill: spillOf(t)}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	tight(t, 450_000) // room for one member at a time
	for _, err := range f.Strides(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Model()
	if err != nil || got.WeightsSHA256() != want.WeightsSHA256() {
		t.Errorf("got the weights %s, %v, want %s", got.WeightsSHA256(), err, want.WeightsSHA256())
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

func TestCacheIsReused(t *testing.T) {
	table := blockTable(t, 3000, amount)
	o := Options{Seed: 5, Epochs: 2, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4}
	tight(t, 150_000)
	tables := Tables{Train: table, Spill: spillOf(t), Cache: t.TempDir()}
	encoded := 0
	o.Encoded = func(rows, of int) { encoded = rows }
	first, f := trainTo(t, tables, o)
	files, _ := filepath.Glob(filepath.Join(tables.Cache, "*"))
	if len(files) != 1 || encoded != f.Rows.Train {
		t.Fatalf("%d rows were encoded into %v, want the training rows in one file", encoded, files)
	}
	encoded = 0
	again, g := trainTo(t, tables, o)
	if encoded != 0 || again.WeightsSHA256() != first.WeightsSHA256() || !slices.Equal(f.Imputed(), g.Imputed()) {
		t.Errorf("%d rows were encoded anew, weights %s and %s", encoded, first.WeightsSHA256(), again.WeightsSHA256())
	}
	other := o
	other.Seed = 6 // other validation rows
	if trainTo(t, tables, other); encoded == 0 {
		t.Error("the rows of another seed were taken from the cache")
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{3, 40, 5000, len(raw) / 2, len(raw) - 1} {
		encoded = 0
		damaged := bytes.Clone(raw)
		damaged[at] ^= 4
		os.WriteFile(files[0], damaged, 0o644)
		m, f := trainTo(t, tables, o)
		if encoded == 0 || m.WeightsSHA256() != first.WeightsSHA256() || !strings.Contains(fmt.Sprint(f.Notes), "written anew") {
			t.Errorf("byte %d changed: %d rows were encoded, notes %q", at, encoded, f.Notes)
		}
	}
}

// If bytes on the disk change during a run, the run ends with an error. The model reached so far is available.
func TestDamageDuringTheRun(t *testing.T) {
	table := blockTable(t, 3000, amount)
	tight(t, 150_000)
	tables := Tables{Train: table, Spill: spillOf(t), Cache: t.TempDir()}
	f, err := Prepare(tables, Options{Seed: 5, Epochs: 5, Hidden: []int{8}, BlockRows: 64, BufferBlocks: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	files, _ := filepath.Glob(filepath.Join(tables.Cache, "*"))
	var failed error
	for s, err := range f.Steps(context.Background()) {
		if err != nil {
			failed = err
		}
		if s.N == 3 && err == nil {
			file, err := os.OpenFile(files[0], os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := file.Stat()
			b := make([]byte, 1)
			for at := int64(5000); at < info.Size()-1000; at += 1000 {
				file.ReadAt(b, at)
				b[0] ^= 1
				file.WriteAt(b, at)
			}
			file.Close()
		}
	}
	if !errors.Is(failed, train.ErrStream) || !strings.Contains(failed.Error(), "block") {
		t.Errorf("the run ended with %v, want ErrStream that names the block", failed)
	}
	if m, err := f.Model(); err != nil || m.Training.Steps < 3 {
		t.Errorf("the model reached so far is %+v, %v, want at least 3 updates", m, err)
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

// onDisk returns the table with its cells on the disk.
func onDisk(t *testing.T, table *data.Table) *data.Table {
	t.Helper()
	parts := data.NewParts(spillOf(t))
	if err := parts.Add(table); err != nil {
		t.Fatal(err)
	}
	if table = parts.Table(); table.Spilled() == nil {
		t.Fatal("the table is in memory")
	}
	return table
}

// asJSON returns a result as text, with every digit of its numbers.
func asJSON(t *testing.T, of any) string {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImportanceOutOfCoreHasTheBitsOfMemory(t *testing.T) {
	const rows = 9000
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
		with   ImportanceOptions
	}{
		{"regression", amount, Options{}, ImportanceOptions{}},
		{"loss, weights", amount, Options{}, ImportanceOptions{EvaluateOptions: EvaluateOptions{Metrics: []string{"loss"}, SampleWeight: "w"}}},
		{"classes, float64", class, Options{Precision: "float64"}, ImportanceOptions{EvaluateOptions: EvaluateOptions{Metrics: []string{"auc"}}}},
		{"some rows", class, Options{}, ImportanceOptions{EvaluateOptions: EvaluateOptions{Rows: []int{1, 3, 5, 700, 8000}}}},
		{"three classes", func(a, _ float64, color string) string { return fmt.Sprint(color, a > 0) }, Options{}, ImportanceOptions{EvaluateOptions: EvaluateOptions{Metrics: []string{"log_loss"}}}},
		{"an ensemble", class, Options{Members: 2}, ImportanceOptions{EvaluateOptions: EvaluateOptions{Metrics: []string{"loss"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := blockTable(t, rows, c.target)
			o := c.o
			o.Seed, o.Epochs, o.Hidden = 5, 1, []int{4}
			m, _ := trainTo(t, Tables{Train: blockTable(t, 500, c.target)}, o)
			c.with.Repeats, c.with.Seed = 2, 3
			measured := func(table *data.Table, threads int) string {
				t.Helper()
				o := c.with
				o.Threads = threads
				told, all := 0, 0
				o.Predicted = func(rows, of int) {
					if rows <= told || all != 0 && of != all {
						t.Errorf("the progress %d of %d rows came after %d of %d", rows, of, told, all)
					}
					told, all = rows, of
				}
				defer func() {
					if told != all || all == 0 {
						t.Errorf("the last progress was %d of %d rows, want all rows", told, all)
					}
				}()
				found, err := m.Importance(context.Background(), table, o)
				if err != nil {
					t.Fatal(err)
				}
				return asJSON(t, found)
			}
			want := measured(table, 2)
			tight(t, 10_000) // less than the encoded rows take, except where they are few
			if got := measured(table, 3); got != want {
				t.Errorf("without memory for the encoded rows %s\nwant %s", got, want)
			}
			if got := measured(onDisk(t, blockTable(t, rows, c.target)), 2); got != want {
				t.Errorf("on the disk %s\nwant %s", got, want)
			}
		})
	}
}

func TestFoldsOutOfCoreHaveTheBitsOfMemory(t *testing.T) {
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
	}{
		{"regression", amount, Options{}},
		{"classes, weights", class, Options{SampleWeight: "w", Metrics: []string{"auc"}}},
		{"groups", amount, Options{Group: "color"}},
		{"in time", amount, Options{Split: "time:a", Threads: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const rows, k = 9000, 3
			o := c.o
			o.Seed, o.Epochs, o.Hidden, o.BlockRows, o.BufferBlocks = 5, 2, []int{4}, 64, 7
			crossed := func(tables Tables) (*CV, []string) {
				t.Helper()
				cv, err := CrossValidate(context.Background(), tables, o, k, nil)
				if err != nil {
					t.Fatal(err)
				}
				var sums []string
				for _, m := range cv.Folds {
					m.Training.Metrics.Linear = nil // its network has no memory here: TestLinearOutOfCoreHasTheBitsOfMemory
					sums = append(sums, m.WeightsSHA256()+scoresOf(t, m))
				}
				cv.Linear = nil
				return cv, sums
			}
			want, sums := crossed(Tables{Train: blockTable(t, rows, c.target)})
			tight(t, 150_000)
			got, others := crossed(Tables{Train: onDisk(t, blockTable(t, rows, c.target)), Spill: spillOf(t)})
			if !slices.Equal(sums, others) {
				t.Errorf("weights and scores %s in memory, %s on the disk", sums, others)
			}
			if !strings.Contains(fmt.Sprint(got.Notes), "The encoded rows do not fit") {
				t.Errorf("no note says that the rows do not fit: %q", got.Notes)
			}
			got.Notes, want.Notes = nil, nil
			if a, b := asJSON(t, want), asJSON(t, got); a != b {
				t.Errorf("in memory %.300s\non the disk %.300s", a, b)
			}
		})
	}
}

// The encoded rows of each fold have their own file in the cache, and other files in it are removed.
func TestFoldsKeepTheirCache(t *testing.T) {
	o := Options{Seed: 5, Epochs: 1, Hidden: []int{4}, BlockRows: 64, BufferBlocks: 4}
	tight(t, 150_000)
	disk := spillOf(t)
	tables := Tables{Train: blockTable(t, 9000, amount), Spill: disk, Cache: t.TempDir()}
	var sums []string
	encoded := 0
	o.Threads, o.Encoded = 1, func(int, int) { encoded++ }
	for range 2 {
		cv, err := CrossValidate(context.Background(), tables, o, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cv.Folds {
			sums = append(sums, m.WeightsSHA256())
		}
		if files, _ := filepath.Glob(filepath.Join(tables.Cache, "*")); len(files) != 3 || len(sums) == 3 && encoded == 0 {
			t.Fatalf("files %v, %d blocks encoded", files, encoded)
		}
		if len(sums) == 6 && encoded > 0 {
			t.Errorf("%d blocks were encoded again", encoded)
		}
		encoded = 0
	}
	if !slices.Equal(sums[:3], sums[3:]) {
		t.Errorf("the weights of the two runs differ: %v", sums)
	}
	if left, _ := filepath.Glob(filepath.Join(disk.Dir(), "*")); len(left) > 0 {
		t.Errorf("the files %v are left on the disk", left)
	}
}

func TestLinearOutOfCoreHasTheBitsOfMemory(t *testing.T) {
	was := linearWork
	linearWork = 500_000 // enough for a part of the rows
	t.Cleanup(func() { linearWork = was })
	for _, c := range []struct {
		name   string
		target func(a, b float64, color string) string
		o      Options
	}{
		{"regression", amount, Options{}},
		{"classes, test rows", class, Options{Test: new(0.2), ClassWeight: []string{"balanced"}}},
		{"training rows", amount, Options{Validation: new(0.0), SampleWeight: "w"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := c.o
			o.Seed, o.Epochs, o.Hidden, o.BlockRows, o.BufferBlocks = 5, 1, []int{4}, 64, 7
			compared := func(table *data.Table, disk *data.Spill, memory uint64) string {
				tight(t, memory)
				m, f := trainTo(t, Tables{Train: table, Spill: disk}, o)
				if f.spilled != (disk != nil) {
					t.Fatalf("whether the rows are on the disk is %v, want the opposite", f.spilled)
				}
				tight(t, 1<<40)
				if err := f.CompareLinear(context.Background(), m); err != nil {
					t.Fatal(err)
				}
				if l := m.Training.Metrics.Linear; l.Lacking != "" || l.Trained >= l.Of {
					t.Errorf(`got %+v, want l.Lacking = "" and l.Trained < l.Of`, l)
				}
				return asJSON(t, m.Training.Metrics)
			}
			const rows = 15_000
			want := compared(blockTable(t, rows, c.target), nil, 1<<40)
			if got := compared(onDisk(t, blockTable(t, rows, c.target)), spillOf(t), 230_000); got != want {
				t.Errorf("on the disk %s\nwant %s", got, want)
			}
		})
	}
}
