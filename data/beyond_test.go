package data

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Beyond the range of the training rows, an input continues in a straight line, for one width of the range.
func TestBeyondTheRange(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,y\n")
	for i := range 101 {
		fmt.Fprintf(&b, "%d,%d.5\n", i, i%7)
	}
	e, _ := fit(t, readText(t, b.String()), SchemaOptions{Types: map[string]Kind{"x": KindNumber}}, ScaleAuto)
	in := &e.Inputs[0]
	if in.Low != 0 || in.High != 100 || in.Center != 50 || in.Scale != 50 {
		t.Fatalf("got the range %v to %v, center %v, scale %v, want 0 to 100, center 50, scale 50", in.Low, in.High, in.Center, in.Scale)
	}
	at := func(x float64) [2]float64 {
		dst := make([]float64, e.Width())
		if err := EncodeRow(e, []Value{Number(x)}, dst); err != nil {
			t.Fatal(err)
		}
		return [2]float64{dst[0], dst[1]}
	}
	// By hand: at the edge z = 1, so z/sqrt(1+1/9) = 0.948683298. The slope is (1+1/9)^-1.5 = 0.853814968 per unit of z.
	edge, slope, root3 := 1/math.Sqrt(1+1./9), math.Pow(1+1./9, -1.5), math.Sqrt(3)
	for x, want := range map[float64][2]float64{
		150: {edge + slope, 2 * root3}, 125: {edge + slope/2, 1.5 * root3},
		200: {edge + 2*slope, 3 * root3}, 1e9: {edge + 2*slope, 3 * root3}, 1e300: {edge + 2*slope, 3 * root3},
		-50: {-edge - slope, -2 * root3}, -1e300: {-edge - 2*slope, -3 * root3},
	} {
		if got := at(x); math.Abs(got[0]-want[0]) > 1e-12 || math.Abs(got[1]-want[1]) > 1e-12 {
			t.Errorf("%v is encoded as %v, want %v", x, got, want)
		}
	}
	// If the range is not known, as in older files, nothing changes.
	in.Low, in.High = 0, 0
	if got, want := at(150), [2]float64{softClip(2), root3}; got != want {
		t.Errorf("without a range 150 is encoded as %v, want %v", got, want)
	}
}

func TestCellsBeyondTheRange(t *testing.T) {
	e, _ := fit(t, readText(t, "x,d,y\n1,2020-01-01,0.5\n9,2020-03-01,0\n5,2020-02-01,2\n"), SchemaOptions{}, ScaleStandard)
	_, counts := inputs(t, e, readText(t, "x,d\n1,2019-12-31\n9.5,2020-03-01\n0,2021-01-01\n,\n"))
	want := Counts{
		{Column: "x", Imputed: 1, Beyond: 2, Low: "1", High: "9"},
		{Column: "d", Imputed: 1, Beyond: 2, Low: "2020-01-01", High: "2020-03-01"},
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counts mismatch (-want +got):\n%s", diff)
	}
}
