package plot

import (
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Places has the positions of the units and weights in a [Net]'s picture, so that a page can
// react to a pointer over them. They are in the picture's pixels, from its top left. Places
// does not include what the picture leaves out. The highlighted weight comes last, on top.
type Places struct {
	Radius float64 // of a unit
	Units  []UnitPlace
	Edges  []EdgePlace

	Details bool // z and delta are written beside the units
	Shaded  bool // the units are too small for numbers, and shaded by their values
}

// UnitPlace is a unit's center. Column 0 has the inputs, column l+1 has layer l.
type UnitPlace struct {
	Column, Unit int
	X, Y         float64
}

// EdgePlace is a weight's line between two units.
type EdgePlace struct {
	Edge
	Weight         float64
	X1, Y1, X2, Y2 float64
}

// Places returns the positions in the picture.
func (n Net) Places() Places {
	width, height := n.size()
	lay, _ := n.placed(vg.Rectangle{Max: vg.Point{X: vg.Length(width), Y: vg.Length(height)}})
	down := func(y vg.Length) float64 { return float64(height) - float64(y) }
	p := Places{Radius: float64(lay.radius), Details: lay.details, Shaded: lay.shaded}
	for _, col := range lay.columns {
		for k, s := range col.slots {
			if s.omitted == 0 && col.omitted == 0 {
				p.Units = append(p.Units, UnitPlace{col.index, s.index, float64(col.x), down(col.y[k])})
			}
		}
	}
	for _, e := range lay.edges() {
		p.Edges = append(p.Edges, EdgePlace{e.Edge, e.weight, float64(e.from.X), down(e.from.Y), float64(e.to.X), down(e.to.Y)})
	}
	if n.Highlight != nil {
		slices.SortStableFunc(p.Edges, func(a, b EdgePlace) int {
			switch {
			case a.Edge == *n.Highlight:
				return 1
			case b.Edge == *n.Highlight:
				return -1
			}
			return 0
		})
	}
	return p
}

// ChartPlaces has the position of a [Chart]'s horizontal axis, so that a page can tell the
// value under a pointer. In the picture's pixels the axis goes from Left to Right, and its
// values from Low to High.
type ChartPlaces struct{ Left, Right, Low, High float64 }

// Places returns the position of the chart's horizontal axis.
func (ch Chart) Places() ChartPlaces {
	width, height := ch.size()
	key := newLegend(ch)
	c := ch.margins(draw.New(vgsvg.New(vg.Length(width), vg.Length(height))))
	c = key.draw(drawTitle(c, ch.Title))
	_, x, y, whole := ch.curves(key)
	var p placer
	ch.drawFrame(c, chartText, nil, x, y, whole, &p)
	return p.places
}

// placer is drawn to find the position of the axes.
type placer struct{ places ChartPlaces }

func (p *placer) within(c draw.Canvas, f *frame) {
	x, _ := f.transforms(c)
	p.places = ChartPlaces{float64(x(f.x.low)), float64(x(f.x.high)), f.x.low, f.x.high}
}
