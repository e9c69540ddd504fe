package plot

import (
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/float"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Net is a picture of a network: its inputs at the left, a column of units per layer, and an
// edge for every weight. An edge's color shows the sign of its weight and its width the size,
// relative to the largest in the same layer, including biases. A bias is an edge from a square
// below the column. Columns with many units, and networks with many layers, are shown in part.
//
// Units are numbered from 0, as in the names of weights elsewhere: x₀ is the first input.
type Net struct {
	Title       string
	Inputs      []string  // names; optional
	Outputs     []string  // names; optional
	InputValues []float64 // one sample, optional
	Layers      []Layer
	Highlight   *Edge // a weight to emphasize
	Bare        bool  // without captions and legend, for a page that has them around the picture

	Width, Height int // in pixels; 0 means as large as the units need, at least 900 x 560
}

// A Layer is one dense layer: z = x·W + b, a = f(z).
type Layer struct {
	Weights     [][]float64 // [in][out]
	Bias        []float64   // nil without bias
	Activation  string
	Z, A, Delta []float64 // of one sample, optional
	Signs       []Sign    // of each unit, optional
}

// A Sign marks a problem with a unit by a small disc at its upper right. A cross marks a dead unit: no gradient passes through
// it on any row. A bar marks a saturated unit: hardly any gradient passes through it on most rows.
type Sign byte

// The signs.
const (
	NoSign Sign = iota
	Saturated
	Dead
)

// An Edge names one weight. Layer, In and Out count from 0.
type Edge struct {
	Layer, In, Out int
}

// Bias, as an [Edge]'s In, stands for the bias of its Out unit.
const Bias = -1

func (n Net) heading() string { return n.Title }

// units returns the number of units in each column: the inputs, then the layers. If the parts
// of a network disagree, the largest number counts. Missing parts are not drawn.
func (n Net) units() []int {
	units := make([]int, len(n.Layers)+1)
	units[0] = max(len(n.Inputs), len(n.InputValues))
	for l, layer := range n.Layers {
		units[l] = max(units[l], len(layer.Weights))
		units[l+1] = max(len(layer.Bias), len(layer.Z), len(layer.A), len(layer.Delta))
		for _, row := range layer.Weights {
			units[l+1] = max(units[l+1], len(row))
		}
	}
	last := len(n.Layers)
	units[last] = max(units[last], len(n.Outputs))
	return units
}

// weight returns the weight of an edge, and whether there is one.
func (n Net) weight(e Edge) (float64, bool) {
	if e.Layer < 0 || e.Layer >= len(n.Layers) {
		return 0, false
	}
	layer := n.Layers[e.Layer]
	if e.In == Bias {
		return at(layer.Bias, e.Out)
	}
	if e.In < 0 || e.In >= len(layer.Weights) {
		return 0, false
	}
	return at(layer.Weights[e.In], e.Out)
}

func at[T any](list []T, i int) (v T, ok bool) {
	if i < 0 || i >= len(list) {
		return v, false
	}
	return list[i], true
}

// largest returns the largest finite |w| of a layer, biases included.
func (l Layer) largest() float64 {
	return largest(append(l.Weights[:len(l.Weights):len(l.Weights)], l.Bias)...)
}

// largest returns the largest finite absolute value.
func largest(rows ...[]float64) float64 {
	largest := 0.0
	for _, row := range rows {
		for _, w := range row {
			if a := math.Abs(w); float.Finite(w) && a > largest {
				largest = a
			}
		}
	}
	return largest
}

// The margins of a net's picture.
const netLeft, netRight, netBottom, netTop = 24, -24, 12, -16

// placed returns the layout of a picture of that size, and the part of the picture that
// contains the units.
func (n Net) placed(picture vg.Rectangle) (*layout, vg.Rectangle) {
	area := vg.Rectangle{
		Min: vg.Point{X: picture.Min.X + netLeft, Y: picture.Min.Y + netBottom},
		Max: vg.Point{X: picture.Max.X + netRight, Y: picture.Max.Y + netTop},
	}
	if n.Title != "" {
		area.Max.Y -= titleHeight
	}
	if !n.Bare {
		area.Min.Y += footer
	}
	lay := arrange(n)
	lay.place(area)
	return lay, area
}

func (n Net) draw(c draw.Canvas) {
	lay, area := n.placed(c.Rectangle)
	c = draw.Crop(c, netLeft, netRight, netBottom, netTop)
	c = drawTitle(c, n.Title)

	edges := lay.edges()
	drawEdges(c, edges)
	lay.drawUnits(c)
	lay.drawNames(c)
	lay.drawWeights(c, edges)
	if n.Bare {
		return
	}
	lay.drawCaptions(c, area.Min.Y-14)
	c.Max.Y = c.Min.Y + 50
	drawEntries(c, lay.entries(edges))
}

// entries returns the legend entries for the signs that occur in the picture.
func (lay *layout) entries(edges []edge) []entry {
	entries := []entry{
		lineEntry("positive weight", draw.LineStyle{Color: blue, Width: 4}),
		lineEntry("negative weight", draw.LineStyle{Color: vermilion, Width: 4}),
		{"width: |weight|, relative to the layer's largest", sampleWidth, wedge},
	}
	for _, e := range edges {
		if !float.Finite(e.weight) {
			entries = append(entries, lineEntry("not a finite number", e.line()))
			break
		}
	}
	for _, col := range lay.columns {
		if col.bias {
			entries = append(entries, entry{"bias", 18, biasSample})
			break
		}
	}
	for _, sign := range []Sign{Saturated, Dead} {
		if lay.net.signed(sign) {
			entries = append(entries, entry{[...]string{"", "saturated unit", "dead unit"}[sign], 18, func(c draw.Canvas, x, y vg.Length) {
				drawSign(c, vg.Point{X: x + 9, Y: y}, 7, sign)
			}})
		}
	}
	switch {
	case lay.details:
		entries = append(entries, entry{name: "in a unit a, above it z, below it δ = ∂L/∂z"})
	case lay.shaded:
		entries = append(entries, entry{name: "a unit's shade: its output a, relative to the column's largest"})
	case lay.net.valued():
		entries = append(entries, entry{name: "in a unit its output a"})
	}
	return entries
}

// signed reports whether any unit has that sign.
func (n Net) signed(sign Sign) bool {
	for _, l := range n.Layers {
		if slices.Contains(l.Signs, sign) {
			return true
		}
	}
	return false
}

// wedge draws a line that widens.
func wedge(c draw.Canvas, x, y vg.Length) {
	var path vg.Path
	path.Move(vg.Point{X: x, Y: y})
	path.Line(vg.Point{X: x + sampleWidth, Y: y + 4})
	path.Line(vg.Point{X: x + sampleWidth, Y: y - 4})
	path.Close()
	c.SetColor(gray)
	c.Fill(path)
}

func biasSample(c draw.Canvas, x, y vg.Length) {
	drawSquare(c, vg.Point{X: x + 9, Y: y}, 9)
}

// shown returns the slots for a row of n things: all of them up to 12, otherwise the first 6
// and the last 3, plus those in keep. A slot is one thing, or stands for several that are left out.
func shown(n int, keep ...int) []slot {
	const most, head, tail = 12, 6, 3
	var slots []slot
	for i := range n {
		wanted := n <= most || i < head || i >= n-tail
		for _, k := range keep {
			wanted = wanted || i == k
		}
		switch last := len(slots) - 1; {
		case wanted:
			slots = append(slots, slot{index: i})
		case slots[last].omitted > 0:
			slots[last].omitted++
		default:
			slots = append(slots, slot{index: i, omitted: 1})
		}
	}
	for i, s := range slots {
		if s.omitted == 1 { // a stand-in for one thing takes as much space as the thing itself
			slots[i].omitted = 0
		}
	}
	return slots
}

// slot is one thing in a row, or, if omitted > 0, that many things starting at index.
type slot struct{ index, omitted int }
