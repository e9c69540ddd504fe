package model

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
)

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
