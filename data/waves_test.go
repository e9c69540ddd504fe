package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A number has two waves after its rank, whether a row or a table is encoded. They stay constant beyond the training
// rows, and a missing cell has those of the median.
func TestWaves(t *testing.T) {
	var b strings.Builder
	b.WriteString("a,same,y\n")
	for i := range 101 {
		a := fmt.Sprint(i)
		if i == 7 {
			a = ""
		}
		fmt.Fprintf(&b, "%s,3,%d\n", a, i%5)
	}
	table := readText(t, b.String())
	e, _ := fit(t, table, SchemaOptions{Types: map[string]Kind{"a": KindNumber, "same": KindNumber}}, ScaleWaves)
	want := []string{"a", "a (rank)", "a (cos 1)", "a (sin 1)", "a (cos 2)", "a (sin 2)", "a (missing)", "same"}
	if diff := cmp.Diff(want, e.InputNames()); diff != "" {
		t.Errorf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	encoded := func(v Value) []float64 {
		x := make([]float64, e.Width())
		if err := EncodeRow(e, []Value{v, Number(3)}, x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, x := range []float64{0, 20, 33.3, 51, 100} {
		row := encoded(Number(x))
		for k := range 2 {
			angle := 2 * math.Pi * 0.5 * math.Pow(2, float64(k)) * row[1]
			if got := row[2+2*k:][:2]; math.Abs(got[0]-math.Cos(angle)) > 1e-12 || math.Abs(got[1]-math.Sin(angle)) > 1e-12 {
				t.Errorf("wave %d of %v is %v, want cos and sin of %v", k+1, x, got, angle)
			}
		}
	}
	for beyond, edge := range map[float64]float64{-40: 0, 170: 100} {
		if got, want := encoded(Number(beyond))[2:6], encoded(Number(edge))[2:6]; !slices.Equal(got, want) {
			t.Errorf("%v has the waves %v, want those of %v: %v", beyond, got, edge, want)
		}
	}
	if got, want := encoded(Text(""))[:6], encoded(Number(e.Inputs[0].Median))[:6]; !slices.Equal(got, want) {
		t.Errorf("a missing cell is %v, want the median's %v", got, want)
	}
	x, _ := inputs(t, e, table)
	for r := range table.Rows() {
		if row := encoded(Text(table.Cell(r, 0))); !slices.Equal(row, x[r*e.Width():][:e.Width()]) {
			t.Fatalf("row %d is %v alone and %v in the table", r, row, x[r*e.Width():][:e.Width()])
		}
	}
	e.Inputs[0].RankAt, e.Inputs[0].RankOf = nil, nil
	if err := e.Validate(); err == nil || !strings.Contains(err.Error(), "has waves, but no ranks") {
		t.Errorf("waves without ranks: got %v, want an error that says so", err)
	}
}

// A column has no waves if a straight line in it explains nearly all of the target. A trend then continues beyond the
// training rows.
func TestNoWavesOfATrend(t *testing.T) {
	text := rowsOf("trend,other,y", 200, func(r int) string { return fmt.Sprintf("%d,%d,%.2f", r, r*37%101, float64(2*r)+float64(r%7)) })
	e, _ := fit(t, readText(t, text), SchemaOptions{Types: map[string]Kind{"trend": KindNumber, "other": KindNumber}}, ScaleWaves)
	for i, want := range []int{0, 2} {
		if got := e.Inputs[i].Waves; got != want {
			t.Errorf("%s has %d waves, want %d", e.Inputs[i].Name, got, want)
		}
	}
}
