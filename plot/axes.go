package plot

import (
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The axes are drawn here, and not by gonum's package plot, since that embeds twelve fonts: 4.4 MB of a program's file.
// Its packages vg, draw and text draw everything.

// tick is a mark on an axis. Without a label it is short.
type tick struct {
	at    float64 // a position
	label string
}

// axis is one of the two axes of a frame.
type axis struct {
	span
	label string
	ticks []tick
}

// open widens an axis whose values are all equal.
func (a *axis) open() {
	if a.low == a.high {
		a.low, a.high = a.low-1, a.high+1
	}
}

// norm returns where a position is on the axis, as a share of its length.
func (a axis) norm(at float64) float64 { return (at - a.low) / (a.high - a.low) }

// frame is the axes of a chart, with the layers inside.
type frame struct {
	x, y   axis
	label  text.Style // of the labels of the axes
	xTick  text.Style
	yTick  text.Style
	layers []layer
}

// layer is a part of a chart that is drawn inside its axes. The canvas is the area between them.
type layer interface {
	within(c draw.Canvas, f *frame)
}

const (
	tickLength   = 5 // pixels
	labelPadding = 6 // pixels between an axis's label and its ticks
)

var axisLine = draw.LineStyle{Color: gray, Width: 1}

// transforms returns the place on the canvas of a position on each axis.
func (f *frame) transforms(c draw.Canvas) (x, y func(float64) vg.Length) {
	return func(at float64) vg.Length { return c.X(f.x.norm(at)) }, func(at float64) vg.Length { return c.Y(f.y.norm(at)) }
}

// draw draws the axes and then the layers.
func (f *frame) draw(c draw.Canvas) {
	f.x.open()
	f.y.open()
	width, height := f.yWidth(), f.xHeight()
	f.drawX(f.padX(draw.Crop(c, width, 0, 0, 0)))
	f.drawY(f.padY(draw.Crop(c, 0, 0, height, 0)))
	inside := f.padY(f.padX(draw.Crop(c, width, 0, height, 0)))
	for _, l := range f.layers {
		l.within(inside, f)
	}
}

// largest returns the size of the box that holds any tick's label.
func (a axis) largest(style text.Style) (size vg.Point) {
	for _, t := range a.ticks {
		if t.label != "" {
			box := style.Rectangle(t.label).Size()
			size = vg.Point{X: max(size.X, box.X), Y: max(size.Y, box.Y)}
		}
	}
	return size
}

// xHeight returns the height of the x axis with its labels.
func (f *frame) xHeight() vg.Length {
	h := axisLine.Width / 2
	if f.x.label != "" {
		h += f.label.Height(f.x.label) + labelPadding
	}
	if len(f.x.ticks) > 0 {
		h += tickLength + f.x.largest(f.xTick).Y
	}
	return h
}

// yWidth returns the width of the y axis with its labels.
func (f *frame) yWidth() vg.Length {
	w := axisLine.Width / 2
	if f.y.label != "" {
		w += f.label.FontExtents().Descent + f.label.Height(f.y.label) + labelPadding
	}
	if len(f.y.ticks) > 0 {
		w += tickLength
		if widest := f.y.largest(f.yTick).X; widest > 0 {
			w += widest + f.label.Width(" ")
		}
	}
	return w
}

// padX moves the right edge so far to the left that no label of the x axis is cut.
func (f *frame) padX(c draw.Canvas) draw.Canvas {
	edge, beyond := c.Max.X, c.Max.X
	over := func(share float64, box vg.Rectangle) {
		if end := c.X(share) + box.Max.X; end > beyond && share <= 1 {
			beyond = end
			edge = c.Min.X + (c.Max.X-box.Max.X-c.Min.X)/vg.Length(share)
		}
	}
	if f.x.label != "" {
		over(0.5, f.label.Rectangle(f.x.label))
	}
	for _, t := range f.x.ticks {
		if t.label != "" {
			over(f.x.norm(t.at), f.xTick.Rectangle(t.label))
		}
	}
	c.Max.X = edge
	return c
}

// padY moves the upper edge so far down that no label of the y axis is cut.
func (f *frame) padY(c draw.Canvas) draw.Canvas {
	edge, beyond := c.Max.Y, c.Max.Y
	over := func(share float64, up vg.Length) {
		if end := c.Y(share) + up; end > beyond && share <= 1 {
			beyond = end
			edge = c.Min.Y + (c.Max.Y-up-c.Min.Y)/vg.Length(share)
		}
	}
	if f.y.label != "" {
		turned := f.label
		turned.Rotation += math.Pi / 2
		over(0.5, turned.Rectangle(f.y.label).Max.Y)
	}
	ext := f.yTick.FontExtents()
	for _, t := range f.y.ticks {
		if t.label != "" {
			over(f.y.norm(t.at), f.yTick.Rectangle(t.label).Max.Y+ext.Height-ext.Ascent)
		}
	}
	c.Max.Y = edge
	return c
}

// drawX draws the x axis along the lower edge: from bottom to top its label, the ticks' labels, the ticks and the line.
func (f *frame) drawX(c draw.Canvas) {
	y := c.Min.Y
	if f.x.label != "" {
		c.FillText(f.label, vg.Point{X: c.Center().X, Y: y + f.label.FontExtents().Descent}, f.x.label)
		y += f.label.Height(f.x.label) + labelPadding
	}
	if len(f.x.ticks) == 0 {
		y += axisLine.Width / 2
	} else {
		y += f.x.largest(f.xTick).Y
	}
	for _, t := range f.x.ticks {
		if x := c.X(f.x.norm(t.at)); t.label != "" && c.ContainsX(x) {
			c.FillText(f.xTick, vg.Point{X: x, Y: y + f.xTick.FontExtents().Descent}, t.label)
		}
	}
	for _, t := range f.x.ticks {
		if x := c.X(f.x.norm(t.at)); c.ContainsX(x) {
			c.StrokeLine2(axisLine, x, y+t.start(), x, y+tickLength)
		}
	}
	if len(f.x.ticks) > 0 {
		y += tickLength
	}
	c.StrokeLine2(axisLine, c.Min.X, y, c.Max.X, y)
}

// drawY draws the y axis along the left edge.
func (f *frame) drawY(c draw.Canvas) {
	x := c.Min.X
	if f.y.label != "" {
		turned := f.label
		turned.Rotation += math.Pi / 2
		descent := f.label.FontExtents().Descent
		x += f.label.Height(f.y.label)
		c.FillText(turned, vg.Point{X: x - descent, Y: c.Center().Y}, f.y.label)
		x += descent + labelPadding
	}
	x += f.y.largest(f.yTick).X
	labeled := false
	for _, t := range f.y.ticks {
		if y := c.Y(f.y.norm(t.at)); t.label != "" && c.ContainsY(y) {
			c.FillText(f.yTick, vg.Point{X: x, Y: y + f.yTick.FontExtents().Descent}, t.label)
			labeled = true
		}
	}
	if labeled {
		x += f.yTick.Width(" ")
	}
	for _, t := range f.y.ticks {
		if y := c.Y(f.y.norm(t.at)); c.ContainsY(y) {
			c.StrokeLine2(axisLine, x+t.start(), y, x+tickLength, y)
		}
	}
	if len(f.y.ticks) > 0 {
		x += tickLength
	}
	c.StrokeLine2(axisLine, x, c.Min.Y, x, c.Max.Y)
}

// start returns how far from the outer end a tick begins.
func (t tick) start() vg.Length {
	if t.label == "" {
		return tickLength / 2.0
	}
	return 0
}
