package model

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

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
