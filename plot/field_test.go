package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// For z = x + 2y on a grid, the contour of every level is a straight line.
func TestContoursOfAPlane(t *testing.T) {
	f := Field{X: []float64{0, 1, 2, 3}, Y: []float64{0, 0.5, 1}, Levels: 5}
	for _, y := range f.Y {
		var row []float64
		for _, x := range f.X {
			row = append(row, x+2*y)
		}
		f.Z = append(f.Z, row)
	}
	limits := f.levels()
	if len(limits) != 4 || limits[0] != 1 || limits[3] != 4 {
		t.Fatalf("five bands of 0 to 5 have the limits %v, want 1 to 4", limits)
	}
	for _, level := range limits {
		n := 0
		for _, s := range f.contours([]float64{level}) {
			for _, p := range [][2]float64{{s.x0, s.y0}, {s.x1, s.y1}} {
				if got := p[0] + 2*p[1]; math.Abs(got-level) > 1e-12 {
					t.Errorf("a point of the contour of %g has the value %g", level, got)
				}
			}
			n++
		}
		if n < 1 {
			t.Errorf("the contour of %g has %d pieces, want at least 1", level, n)
		}
	}
}

func TestFieldShades(t *testing.T) {
	f := Field{X: []float64{0, 1}, Y: []float64{0}, Z: [][]float64{{1, 100}}, Log: true, Levels: 2}
	limits := f.levels()
	if len(limits) != 1 || limits[0] != 1 {
		t.Fatalf("two bands of 1 to 100 on a logarithmic scale have the limits %v, want 1, the logarithm of 10", limits)
	}
	low, _ := f.shade(9, limits)
	high, _ := f.shade(11, limits)
	if low != fieldLow || high != fieldHigh {
		t.Errorf("9 has the color %v and 11 has %v, want the lowest and the highest", low, high)
	}
	if _, ok := f.shade(0, limits); ok {
		t.Error("0 has a color on a logarithmic scale, want none")
	}
	svg := string(render(t, "svg", Field{
		X: []float64{0, 1}, Y: []float64{0, 1}, Z: [][]float64{{0, 1}, {1, 0}}, Classes: []string{"no", "yes"},
		Points: []FieldPoint{{X: 0.5, Y: 0.5, Z: 1}}, Paths: []Series{{Name: "sgd", X: []float64{0, 1}, Y: []float64{1, 1}}},
	}))
	for _, want := range []string{">no<", ">yes<", ">sgd<", fmt.Sprintf("#%02X%02X%02X", vermilion.R, vermilion.G, vermilion.B)} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture of two classes lacks %s", want)
		}
	}
}

func TestAnyField(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1)}))
	rapid.Check(t, func(t *rapid.T) {
		f := Field{Title: rapid.String().Draw(t, "title"), Log: rapid.Bool().Draw(t, "log")}
		nx, ny := rapid.IntRange(0, 5).Draw(t, "nx"), rapid.IntRange(0, 5).Draw(t, "ny")
		for i := range nx {
			f.X = append(f.X, float64(i))
		}
		for i := range ny {
			f.Y = append(f.Y, float64(i))
			f.Z = append(f.Z, rapid.SliceOfN(number, nx, nx).Draw(t, "z"))
		}
		if rapid.Bool().Draw(t, "classes") {
			f.Classes = []string{"a", "b", "c"}
		}
		f.Points = []FieldPoint{{X: number.Draw(t, "px"), Y: number.Draw(t, "py"), Z: number.Draw(t, "pz")}}
		checkFigure(t, f)
	})
}

// Places returns each weight's line where the SVG draws it, because a page lays click targets over the picture.
func TestPlacesAreWhereThePictureDraws(t *testing.T) {
	for _, bare := range []bool{false, true} {
		n := Net{
			Title: "three by two", Inputs: []string{"a", "b", "c"}, Bare: bare, Width: 640, Height: 420,
			Layers:    []Layer{{Weights: [][]float64{{1, 2}, {3, -4}, {5, 6}}, Bias: []float64{1, 2}}},
			Highlight: &Edge{0, 1, 1},
		}
		svg, p := string(render(t, "svg", n)), n.Places()
		if len(p.Edges) != 8 || len(p.Units) != 5 {
			t.Fatalf("got %d edges and %d units, want 8 and 5", len(p.Edges), len(p.Units))
		}
		for _, e := range p.Edges { // y goes up in the picture, from its lower left corner
			line := fmt.Sprintf(`d="M%.5g,%.5gL%.5g,%.5g"`, e.X1, 420-e.Y1, e.X2, 420-e.Y2)
			if !strings.Contains(svg, line) {
				t.Errorf("bare %v: the picture has no line %s for %v", bare, line, e.Edge)
			}
		}
		if last := p.Edges[len(p.Edges)-1]; last.Edge != *n.Highlight || last.Weight != -4 {
			t.Errorf("the topmost edge is %v, want the highlighted weight", last)
		}
	}
}
