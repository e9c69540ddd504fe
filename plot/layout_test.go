package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// narrow returns a network with the given numbers of units. It is as wide as a phone, and has all numbers and a chosen weight.
func narrow(units ...int) Net {
	n := Net{Bare: true, Width: 370, Height: 400, InputValues: make([]float64, units[0]), Highlight: &Edge{0, 0, 0}}
	for l, u := range units[1:] {
		layer := Layer{Z: make([]float64, u), A: make([]float64, u), Delta: make([]float64, u)}
		for range units[l] {
			layer.Weights = append(layer.Weights, slices.Repeat([]float64{0.5}, u))
		}
		n.Layers = append(n.Layers, layer)
	}
	return n
}

// Even if columns are close together, no unit touches another and no number covers a unit.
func TestColumnsKeepApart(t *testing.T) {
	for _, c := range []struct {
		units          []int
		details, named bool
	}{{[]int{2, 2}, true, true}, {[]int{3, 4, 1}, true, false}, {[]int{3, 4, 4, 2}, false, false}, {[]int{2, 6, 6, 6, 6, 6, 6, 1}, false, false}} {
		n := narrow(c.units...)
		p := n.Places()
		if p.Details != c.details {
			t.Errorf("%v: z and δ are shown: %v, want the opposite", c.units, p.Details)
		}
		var x []float64
		for _, u := range p.Units {
			x = append(x, u.X)
		}
		slices.Sort(x)
		x = slices.Compact(x)
		for i := range x[1:] {
			if gap := x[i+1] - x[i]; gap < 2*p.Radius+4 {
				t.Errorf("%v: columns are %.0f apart, with units of radius %.0f", c.units, gap, p.Radius)
			}
		}
		got := texts(parse(t, render(t, "svg", n)))
		if named := slices.Contains(got, "w 0.0.0 = 0.5"); named != c.named || !named && !slices.Contains(got, "0.5") {
			t.Errorf("%v: the chosen weight is shown with its name: %v; %q", c.units, named, got)
		}
	}
}

// Even in a low picture, the δ below a unit does not touch the z above the next unit.
func TestRowsKeepApart(t *testing.T) {
	shown := 0
	for height := 200; height <= 900; height += 10 {
		n := narrow(3, 5, 2)
		n.Width, n.Height = 900, height
		lay := arrange(n)
		lay.place(vg.Rectangle{Max: vg.Point{X: 900, Y: vg.Length(height)}})
		if !lay.details {
			continue
		}
		shown++
		y := lay.columns[1].y
		if free := y[0] - y[1] - 2*lay.radius; free < 2*(lay.number+3) {
			t.Errorf("%d high: two numbers of height %.1f have only %.1f between two units", height, lay.number, free)
		}
		if lay.radius < leastRadius {
			t.Errorf("%d high: units have a radius of %.1f, which is too small", height, lay.radius)
		}
	}
	if shown == 0 {
		t.Error("z and δ are never shown")
	}
}

// Every text can be read on white: its contrast is at least 4.5, as level AA of WCAG 2.1 requires.
func TestTextContrast(t *testing.T) {
	luminance := func(hex string) float64 {
		sum := 0.0
		for i, share := range []float64{0.2126, 0.7152, 0.0722} {
			v, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(v) / 255
			if c <= 0.04045 {
				sum += share * c / 12.92
			} else {
				sum += share * math.Pow((c+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	figures := gallery()
	figures["signs"] = Net{Layers: []Layer{{Weights: [][]float64{{1, -1, 0}}}}}
	for name, fig := range figures {
		for _, e := range parse(t, render(t, "svg", fig)) {
			if e.name != "text" {
				continue
			}
			if contrast := 1.05 / (luminance(e.attr["fill"]) + 0.05); contrast < 4.5 {
				t.Errorf("%s: %q is written in %s, with a contrast of %.1f, want at least 4.5", name, e.text, e.attr["fill"], contrast)
			}
		}
	}
}

// The label of an axis is no longer than the axis, even if a small picture's legend makes the axis short.
func TestLongAxisLabels(t *testing.T) {
	long := strings.Repeat("temperature_", 5)
	for _, text := range texts(parse(t, render(t, "svg", Field{X: []float64{0, 1}, Y: []float64{0, 1}, Z: [][]float64{{0, 1}, {1, 0}}, Classes: []string{"a", "b"}, XLabel: long, YLabel: long, Width: 280, Height: 200}))) {
		if w := chartText.label; strings.HasPrefix(text, "temp") && (lettering{size: w}).width(text) > 190 {
			t.Errorf("%q is longer than its axis", text)
		}
	}
}

// Ten classes have ten colors.
func TestClassColors(t *testing.T) {
	f := Field{X: []float64{0, 1}, Y: []float64{0, 1}, Z: [][]float64{{0, 1}, {2, 3}}}
	for i := range 10 {
		f.Classes = append(f.Classes, fmt.Sprint("class ", i))
		for j := range i {
			if classColor(i) == classColor(j) {
				t.Errorf("the classes %d and %d have the same color", j, i)
			}
		}
	}
	legend := func() bool { return slices.Contains(texts(parse(t, render(t, "svg", f))), "class 9") }
	if !legend() {
		t.Error("the classes have no legend")
	}
	if f.Bare = true; legend() {
		t.Error("the classes have a legend in a bare picture")
	}
}
