package plot

import (
	"fmt"
	"image/color"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var outline = draw.LineStyle{Color: slate, Width: 1.5}

// drawUnits draws the columns: units, stand-ins for those left out, and the squares of the biases.
func (lay *layout) drawUnits(c draw.Canvas) {
	for i, col := range lay.columns {
		if col.omitted > 0 {
			y := c.Center().Y
			if len(lay.columns) > i+1 && len(lay.columns[i+1].y) > 0 {
				next := lay.columns[i+1].y
				y = (next[0] + next[len(next)-1]) / 2
			}
			captionText.write(c, col.x, y+9, middle, fmt.Sprintf("… %d more", col.omitted))
			captionText.write(c, col.x, y-9, middle, "layers …")
			continue
		}
		for k, s := range col.slots {
			center := vg.Point{X: col.x, Y: col.y[k]}
			if s.omitted > 0 {
				drawLabel(c, captionText, center, omittedLabel(s.omitted))
				continue
			}
			lay.drawUnit(c, center, col.index, s.index)
		}
		if col.bias {
			drawSquare(c, vg.Point{X: col.x, Y: col.biasY}, 0.62*lay.radius)
		}
	}
}

// drawSquare draws a bias: a unit that is always 1.
func drawSquare(c draw.Canvas, center vg.Point, half vg.Length) {
	square := vg.Rectangle{
		Min: vg.Point{X: center.X - half, Y: center.Y - half},
		Max: vg.Point{X: center.X + half, Y: center.Y + half},
	}.Path()
	fillAndStroke(c, square, pale)
	lettering{size: min(15, 1.3*half), color: ink}.write(c, center.X, center.Y, middle, "1")
}

func fillAndStroke(c draw.Canvas, path vg.Path, fill color.Color) {
	c.SetColor(fill)
	c.Fill(path)
	c.SetLineStyle(outline)
	c.Stroke(path)
}

// drawUnit draws one circle. It shows the unit's value, or if that is unknown its symbol, with
// z above it and delta below it if they are known.
func (lay *layout) drawUnit(c draw.Canvas, center vg.Point, column, i int) {
	n, letter, fill := lay.net, "a", white
	values := n.InputValues
	switch column {
	case 0:
		letter, fill = "x", pale
	case len(n.Layers):
		letter, fill = "ŷ", pale
	}
	if column > 0 {
		values = n.Layers[column-1].A
	}
	v, valued := at(values, i)
	if valued && lay.shaded {
		fill = shade(v, largest(values))
	}
	if e := n.Highlight; e != nil && (column == e.Layer && i == e.In || column == e.Layer+1 && i == e.Out) {
		fill = yellow
	}
	fillAndStroke(c, circle(center, lay.radius), fill)

	if column > 0 {
		layer := n.Layers[column-1]
		beside := lay.radius + lay.number/2 + 3
		if z, ok := at(layer.Z, i); ok && lay.details {
			drawSymbol(c, lettering{size: lay.number, color: slate}, center.X, center.Y+beside, symbol{"z", i, "= " + number(z)})
		}
		if delta, ok := at(layer.Delta, i); ok && lay.details {
			drawSymbol(c, lettering{size: lay.number, color: ink}, center.X, center.Y-beside, symbol{"δ", i, "= " + number(delta)})
		}
	}

	if column > 0 {
		if sign, ok := at(n.Layers[column-1].Signs, i); ok && sign != NoSign {
			size := min(8, max(3.5, 0.4*lay.radius))
			defer drawSign(c, vg.Point{X: center.X + 0.78*lay.radius, Y: center.Y + 0.78*lay.radius}, size, sign) // on top
		}
	}

	if lay.shaded {
		return
	}
	text := lettering{size: min(17, 0.75*lay.radius), color: ink}
	room := 1.75 * lay.radius
	if valued {
		label := number(v)
		if text.size*room/text.width(label) < leastNumber {
			label = rounded(v)
		}
		text.shrink(text.width(label), room)
		text.write(c, center.X, center.Y, middle, label)
		return
	}
	s := symbol{letter: letter, index: i}
	text.shrink(s.width(text), room)
	s.write(c, text, center.X, center.Y)
}

// leastNumber is the smallest size of a number in a unit. Below it the number is rounded.
const leastNumber = 11

// leastRadius is the smallest radius of a unit in which a rounded number can be read. Smaller
// units are shaded by their values instead.
const leastRadius = 11

// shade returns the fill of a unit too small for its value: blue if the value is positive,
// vermilion if negative, and darker the larger it is relative to the column's largest.
func shade(v, largest float64) color.NRGBA {
	if !float.Finite(v) || largest == 0 {
		return white
	}
	return mix(white, edge{weight: v}.color(), 0.08+0.72*math.Abs(v)/largest)
}

// drawSign draws the disc of a sign.
func drawSign(c draw.Canvas, center vg.Point, radius vg.Length, sign Sign) {
	disc := circle(center, radius)
	c.SetColor(yellow)
	c.Fill(disc)
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: 1.2})
	c.Stroke(disc)
	line := func(x1, y1, x2, y2 vg.Length) {
		var path vg.Path
		path.Move(vg.Point{X: center.X + x1*radius, Y: center.Y + y1*radius})
		path.Line(vg.Point{X: center.X + x2*radius, Y: center.Y + y2*radius})
		c.Stroke(path)
	}
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: 1.8})
	if sign == Dead {
		line(-0.5, -0.5, 0.5, 0.5)
		line(-0.5, 0.5, 0.5, -0.5)
	} else {
		line(-0.6, 0, 0.6, 0)
	}
}

// drawLabel writes s on a light background, so that edges below do not interfere with it.
func drawLabel(c draw.Canvas, text lettering, center vg.Point, s string) {
	drawGround(c, text, center.X, center.Y, text.width(s))
	text.write(c, center.X, center.Y, middle, s)
}

func drawSymbol(c draw.Canvas, text lettering, x, y vg.Length, s symbol) {
	drawGround(c, text, x, y, s.width(text))
	s.write(c, text, x, y)
}

func drawGround(c draw.Canvas, text lettering, x, y, width vg.Length) {
	half := vg.Point{X: width/2 + 3, Y: text.size/2 + 2}
	c.SetColor(halo)
	c.Fill(vg.Rectangle{
		Min: vg.Point{X: x - half.X, Y: y - half.Y},
		Max: vg.Point{X: x + half.X, Y: y + half.Y},
	}.Path())
}

// obstacles returns the areas where no weight should be printed.
func (lay *layout) obstacles() []vg.Rectangle {
	wide, high := lay.radius, lay.radius
	if lay.details {
		wide, high = max(wide, 48), high+19
	}
	var taken []vg.Rectangle
	for _, col := range lay.columns {
		for _, y := range col.y {
			taken = append(taken, vg.Rectangle{
				Min: vg.Point{X: col.x - wide, Y: y - high},
				Max: vg.Point{X: col.x + wide, Y: y + high},
			})
		}
	}
	return taken
}

var (
	nameText    = lettering{size: 14, color: ink}
	headingText = lettering{size: 13, color: ink, bold: true}
	captionText = lettering{size: 13, color: slate}
)

func omittedLabel(n int) string { return fmt.Sprintf("… %d more …", n) }

// room returns the distance of an outer column from its side of the picture, for its names and
// for anything else wider than a unit.
func (lay *layout) room(col column, names []string) vg.Length {
	room := lay.radius
	room = max(room, captionText.width(lay.caption(col))/2)
	if lay.net.detailed() {
		room = max(room, 48)
	}
	for _, s := range col.slots {
		if s.omitted > 0 {
			room = max(room, captionText.width(omittedLabel(s.omitted))/2)
		} else if name, ok := at(names, s.index); ok {
			room = max(room, lay.radius+10+nameText.width(nameText.fit(name, lay.names)))
		}
	}
	return room
}

// drawNames writes the names of inputs to the left of them and the names of outputs to the right.
func (lay *layout) drawNames(c draw.Canvas) {
	write := func(col column, names []string, side, align vg.Length) {
		for k, s := range col.slots {
			if name, ok := at(names, s.index); ok && s.omitted == 0 {
				nameText.write(c, col.x+side*(lay.radius+10), col.y[k], align, nameText.fit(name, lay.names))
			}
		}
	}
	write(lay.columns[0], lay.net.Inputs, -1, right)
	write(lay.columns[len(lay.columns)-1], lay.net.Outputs, 1, left)
}

// caption returns the number and kind of a column's units.
func (lay *layout) caption(col column) string {
	if col.index == 0 {
		return fmt.Sprintf("%d values", col.units)
	}
	if f := lay.net.Layers[col.index-1].Activation; f != "" {
		return fmt.Sprintf("%d × %s", col.units, captionText.fit(f, 100))
	}
	return fmt.Sprintf("%d units", col.units)
}

// drawCaptions writes a description below each column and, between columns, the weight that the
// edges' widths are relative to.
func (lay *layout) drawCaptions(c draw.Canvas, y vg.Length) {
	const line = 17
	for i, col := range lay.columns {
		if col.omitted > 0 {
			continue
		}
		captionText.write(c, col.x, y-line, middle, lay.caption(col))
		if col.index == 0 {
			headingText.write(c, col.x, y, middle, "inputs")
			continue
		}
		headingText.write(c, col.x, y, middle, fmt.Sprintf("layers.%d", col.index-1))
		if before := lay.columns[i-1]; before.omitted == 0 && col.x-before.x > 190 {
			largest := number(lay.net.Layers[col.index-1].largest())
			captionText.write(c, (before.x+col.x)/2, y, middle, "max |w| "+largest)
		}
	}
}
