package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A step in the target gets a knot. A column without influence gets none, nor does a linear one.
func TestPieces(t *testing.T) {
	var b strings.Builder
	b.WriteString("step,noise,line,y\n")
	for i := range 400 {
		step := i * 7 % 100
		y := float64(i) / 100
		if step >= 50 {
			y += 3
		}
		fmt.Fprintf(&b, "%d,%d,%d,%.3f\n", step, i*37%101, i, y)
	}
	table := readText(t, b.String())
	numbers := map[string]Kind{"step": KindNumber, "noise": KindNumber, "line": KindNumber}
	e, _ := fit(t, table, SchemaOptions{Types: numbers}, ScalePieces)
	if diff := cmp.Diff([]float64{0, 49.5, 99}, e.Inputs[0].Pieces); diff != "" {
		t.Errorf("e.Inputs[0].Pieces mismatch (-want +got):\n%s", diff)
	}
	for _, i := range []int{1, 2} {
		if p := e.Inputs[i].Pieces; p != nil {
			t.Errorf("%s has the knots %v, want none", e.Inputs[i].Name, p)
		}
	}
	want := []string{"step", "step (rank)", "step (0 to 49.5)", "step (49.5 to 99)", "noise", "noise (rank)", "line", "line (rank)"}
	if diff := cmp.Diff(want, e.InputNames()); diff != "" {
		t.Errorf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	for x, want := range map[float64][]float64{0: {0, 0}, 33: {33 / 49.5, 0}, 49.5: {1, 0}, 74.25: {1, 0.5}, 99: {1, 1}, 500: {1, 1}, -9: {0, 0}} {
		dst := make([]float64, e.Width())
		if err := EncodeRow(e, []Value{Number(x), Number(0), Number(0)}, dst); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(dst[2:4], want) {
			t.Errorf("%v has the pieces %v, want %v", x, dst[2:4], want)
		}
	}
	x, _ := inputs(t, e, table)
	row := make([]float64, e.Width())
	for r := range table.Rows() {
		var values []Value
		for c := range 3 {
			values = append(values, Text(table.Cell(r, c)))
		}
		if err := EncodeRow(e, values, row); err != nil || !slices.Equal(row, x[r*e.Width():(r+1)*e.Width()]) {
			t.Fatalf("row %d is %v by itself and %v in the table: %v", r, row, x[r*e.Width():(r+1)*e.Width()], err)
		}
	}
}
