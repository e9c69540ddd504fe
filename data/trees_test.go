package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// interacting returns a table whose target depends on combinations of columns: on the sign of a product, and on a level
// together with a boolean. Its numbers have fewer values than a column has bins, so that each value is the center of a bin.
func interacting(t testing.TB, rows int, what string) *Table {
	t.Helper()
	var b strings.Builder
	b.WriteString("a,b,level,truth,y\n")
	for i := range rows {
		a, c, level, truth := i*7%23-11, i*i%19-9, i*5%7, i%3 == 0
		y := 0.0
		if a*c > 0 {
			y = 3
		}
		if level == 2 && truth {
			y += 2
		}
		name := fmt.Sprintf("l%d", level)
		if i%120 == 7 { // an informative level with too few rows for a leaf
			name, y = "few", y+40
		}
		switch text := fmt.Sprintf("%.3f", y+float64(i*31%17)/20); what {
		case "classes":
			text = []string{"low", "mid", "high"}[min(2, int(y/2))]
			fallthrough
		default:
			fmt.Fprintf(&b, "%d,%d,%s,%t,%s\n", a, c, name, truth, text)
		}
	}
	return readText(t, b.String())
}

// grown returns the forest that ScaleTrees grows on a table, after its linear part.
func grown(t *testing.T, table *Table) *forest {
	t.Helper()
	e, s := fit(t, table, SchemaOptions{Types: map[string]Kind{"a": KindNumber, "b": KindNumber}}, ScalePieces)
	rows := make([]int, table.Rows())
	for i := range rows {
		rows[i] = i
	}
	y, err := e.targetMatrix(table, rows)
	if err != nil {
		t.Fatal(err)
	}
	fo := &forest{task: e.Task, y: y}
	for i := range s.Columns {
		if c, ok := e.Inputs[i].treeColumn(&s.Columns[i], table, rows); ok {
			fo.columns = append(fo.columns, c)
		}
	}
	if len(fo.columns) != 4 {
		t.Fatalf("trees look at %d columns, want 4", len(fo.columns))
	}
	fo.grow(len(rows))
	return fo
}

// The leaves of a tree have each row once. Its best split is as good as the one that a search without histograms finds.
func TestTree(t *testing.T) {
	for _, what := range []string{"numbers", "classes"} {
		table := interacting(t, 600, what)
		fo := grown(t, table)
		n := table.Rows()
		clear(fo.f) // the first tree again
		fo.start(n)
		fo.derive(n)
		tree := fo.tree(n)
		if len(tree) < 3 {
			t.Fatalf("%s: got %d leaves, want at least 3", what, len(tree))
		}
		var all []int32
		for _, b := range tree {
			all = append(all, b.rows...)
			for _, r := range b.rows {
				for _, c := range b.path {
					if fo.columns[c.column].goes(r, c.at) != c.holds {
						t.Fatalf("%s: row %d is in a leaf with the condition %+v", what, r, c)
					}
				}
			}
		}
		slices.Sort(all)
		for i, r := range all {
			if int(r) != i {
				t.Fatalf("%s: the leaves have row %d where row %d is expected", what, r, i)
			}
		}
		if len(all) != n {
			t.Errorf("%s: the leaves have %d rows of %d", what, len(all), n)
		}
		root := branch{rows: all}
		fo.look(&root)
		if gain := naiveGain(fo, all); math.Abs(gain-root.gain) > 1e-9*gain {
			t.Errorf("%s: the best split gains %v, and the search without histograms finds %v", what, root.gain, gain)
		}
		if gain := splitGain(fo, all, root.split); math.Abs(gain-root.gain) > 1e-9*gain {
			t.Errorf("%s: the split %+v gains %v, and is said to gain %v", what, root.split, gain, root.gain)
		}
	}
}

// splitGain returns the gain of a split, computed from its rows. It is 0 if one side has too few rows.
func splitGain(fo *forest, rows []int32, c condition) float64 {
	var sides [2][]int32
	for _, r := range rows {
		side := 0
		if fo.columns[c.column].goes(r, c.at) {
			side = 1
		}
		sides[side] = append(sides[side], r)
	}
	if min(len(sides[0]), len(sides[1])) < treeRowsMin {
		return 0
	}
	explained := func(rows []int32) (total float64) {
		for j := range fo.y.width {
			g, h := 0.0, 0.0
			for _, r := range rows {
				g += fo.g[int(r)*fo.y.width+j]
				h += fo.h[int(r)*fo.y.width+j]
			}
			total += g * g / (h + treePenalty)
		}
		return total
	}
	return explained(sides[0]) + explained(sides[1]) - explained(rows)
}

// naiveGain returns the largest gain of all splits.
func naiveGain(fo *forest, rows []int32) (best float64) {
	for c, k := range fo.columns {
		for at := range k.bins {
			best = max(best, splitGain(fo, rows, condition{c, at, true}))
		}
	}
	return best
}

// If all values are centers of bins, a leaf's weights give 1 for the rows of its region and at most 0 for the others.
func TestLeaves(t *testing.T) {
	for _, what := range []string{"numbers", "classes"} {
		table := interacting(t, 600, what)
		e, _ := fit(t, table, SchemaOptions{Types: map[string]Kind{"a": KindNumber, "b": KindNumber}}, ScaleTrees)
		if len(e.Leaves()) < 8 {
			t.Fatalf("%s: got %d leaves, want at least 8", what, len(e.Leaves()))
		}
		x, _ := inputs(t, e, table)
		for k, leaf := range e.Leaves() {
			inside := 0
			for row := range table.Rows() {
				sum := leaf.Bias
				for i, input := range leaf.Inputs {
					sum += leaf.Weights[i] * x[row*e.Width()+input]
				}
				switch {
				case math.Abs(sum-1) < 1e-6:
					inside++
				case sum > 1e-6:
					t.Fatalf("%s: leaf %d is %v for row %d, want 1 or at most 0", what, k, sum, row)
				}
			}
			if inside < treeRowsMin {
				t.Errorf("%s: leaf %d has %d rows, want at least treeRowsMin", what, k, inside)
			}
		}
	}
}

// A trend that a line explains gets no leaves, so that a network continues it beyond the training rows.
func TestTrendGetsNoLeaves(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,z,y\n")
	for i := range 2000 {
		x, z, noise := i*7919%2000, i*31%101, float64(i*i%37-18)/18
		fmt.Fprintf(&b, "%d,%d,%.3f\n", x, z, float64(2*x+3*z)+noise)
	}
	e, _ := fit(t, readText(t, b.String()), SchemaOptions{Types: map[string]Kind{"x": KindNumber, "z": KindNumber}}, ScaleTrees)
	if n := len(e.Leaves()); n > 0 {
		t.Errorf("got %d leaves, want none", n)
	}
	for _, in := range e.Inputs {
		if in.Pieces != nil {
			t.Errorf("%s has the knots %v, want none", in.Name, in.Pieces)
		}
	}
}
