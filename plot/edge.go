package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"github.com/gradus-ml/gradus/internal/float"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// edge is one weight between two visible units.
type edge struct {
	Edge
	from, to  vg.Point
	weight    float64
	share     float64   // |weight| relative to the layer's largest, 0 to 1
	thickest  vg.Length // the width of a share of 1
	highlight bool
}

// edges returns the weights to draw, ordered by layer, source unit and target unit, with biases
// after the weights.
func (lay *layout) edges() []edge {
	var edges []edge
	for i := range lay.columns {
		from := &lay.columns[i]
		to := lay.find(from.index + 1)
		if from.omitted > 0 || to == nil {
			continue
		}
		largest := lay.net.Layers[from.index].largest()
		sources := from.slots
		if from.bias {
			sources = append(slices.Clip(sources), slot{index: Bias})
		}
		for _, source := range sources {
			for _, target := range to.slots {
				e := edge{Edge: Edge{from.index, source.index, target.index}, thickest: lay.thickest}
				w, ok := lay.net.weight(e.Edge)
				if !ok || source.omitted+target.omitted > 0 {
					continue
				}
				e.weight = w
				e.from, _ = from.unit(source.index)
				e.to, _ = to.unit(target.index)
				if float.Finite(w) && largest > 0 {
					e.share = math.Abs(w) / largest
				}
				e.highlight = lay.net.Highlight != nil && *lay.net.Highlight == e.Edge
				edges = append(edges, e)
			}
		}
	}
	return edges
}

// color shows the sign.
func (e edge) color() color.NRGBA {
	switch {
	case !float.Finite(e.weight):
		return ink
	case e.weight > 0:
		return blue
	case e.weight < 0:
		return vermilion
	}
	return gray
}

// ink returns the color for the weight's number, darker if the line's color would be hard to read.
func (e edge) ink() color.NRGBA {
	switch c := e.color(); c {
	case vermilion:
		return rust
	case gray:
		return slate
	default:
		return c
	}
}

// line shows the size. The thinnest line is still visible.
func (e edge) line() draw.LineStyle {
	if !float.Finite(e.weight) {
		return draw.LineStyle{Color: e.color(), Width: 1.5, Dashes: []vg.Length{2, 3}}
	}
	return draw.LineStyle{Color: e.color(), Width: max(0.4, e.thickest*vg.Length(e.share))}
}

// drawEdges draws wide edges over narrow ones, those that are not finite over these, and the
// highlighted one on top.
func drawEdges(c draw.Canvas, edges []edge) {
	rank := func(e edge) float64 {
		switch {
		case e.highlight:
			return 3
		case !float.Finite(e.weight):
			return 2
		}
		return e.share
	}
	edges = slices.Clone(edges)
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(rank(a), rank(b)) })
	for _, e := range edges {
		line := e.line()
		if e.highlight {
			c.StrokeLine2(draw.LineStyle{Color: yellow, Width: line.Width + 10}, e.from.X, e.from.Y, e.to.X, e.to.Y)
		}
		c.StrokeLine2(line, e.from.X, e.from.Y, e.to.X, e.to.Y)
	}
}

// drawWeights prints the weights on their edges if there are few. It always prints the
// highlighted one, with its name if there is enough space.
func (lay *layout) drawWeights(c draw.Canvas, edges []edge) {
	taken := lay.obstacles()
	edges = slices.Clone(edges)
	slices.SortStableFunc(edges, func(a, b edge) int { // the highlighted one chooses first
		switch {
		case a.highlight:
			return -1
		case b.highlight:
			return 1
		}
		return 0
	})
	for _, e := range edges {
		if !lay.labels && !e.highlight {
			continue
		}
		text := lettering{size: lay.number, color: e.ink()}
		label := number(e.weight)
		if e.highlight {
			text = lettering{size: lay.number, color: ink, bold: true}
			if named := e.name() + " = " + label; text.width(named)+6 <= e.to.X-e.from.X-2*lay.radius {
				label = named // it covers neither unit
			}
		}
		box := e.place(text.width(label)+6, text.size+3, taken)
		taken = append(taken, box)
		if e.highlight {
			c.SetColor(yellow)
		} else {
			c.SetColor(halo)
		}
		c.Fill(box.Path())
		text.write(c, (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2, middle, label)
	}
}

// name returns the weight's name as used elsewhere: w LAYER.INPUT.UNIT, with b as the input of a bias.
func (e Edge) name() string {
	if e.In == Bias {
		return fmt.Sprintf("w %d.b.%d", e.Layer, e.Out)
	}
	return fmt.Sprintf("w %d.%d.%d", e.Layer, e.In, e.Out)
}

// place returns a box of that size on the edge, near its source, that overlaps the taken boxes
// as little as possible.
func (e edge) place(width, height vg.Length, taken []vg.Rectangle) (best vg.Rectangle) {
	least := vg.Length(math.Inf(1))
	for _, t := range []vg.Length{0.30, 0.26, 0.34, 0.38, 0.22, 0.42, 0.46, 0.50, 0.55, 0.60, 0.65, 0.70} {
		x := e.from.X + t*(e.to.X-e.from.X)
		y := e.from.Y + t*(e.to.Y-e.from.Y)
		box := vg.Rectangle{
			Min: vg.Point{X: x - width/2, Y: y - height/2},
			Max: vg.Point{X: x + width/2, Y: y + height/2},
		}
		covered := vg.Length(0)
		for _, r := range taken {
			covered += overlap(box, r)
		}
		if covered < least {
			best, least = box, covered
		}
	}
	return best
}

// overlap returns the area of the intersection of two rectangles.
func overlap(a, b vg.Rectangle) vg.Length {
	width := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	height := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	return max(0, width) * max(0, height)
}
