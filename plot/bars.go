package plot

import (
	"cmp"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Bar is a named number and its spread to both sides.
type Bar struct {
	Name          string
	Value, Spread float64
}

// Bars shows numbers as bars below each other, from a common zero, with the number after each.
// A bar whose number is not finite is left out, but its name stays.
type Bars struct {
	Title, XLabel string
	Bars          []Bar

	Width, Height int // in pixels; 0 means 900, and the height that the bars need
}

func (b Bars) heading() string { return b.Title }

func (b Bars) size() (width, height int) {
	return cmp.Or(b.Width, 900), cmp.Or(b.Height, min(maxSide, 100+26*max(1, len(b.Bars))))
}

func (b Bars) draw(c draw.Canvas) {
	c = draw.Crop(c, 20, -20, 16, -16)
	c = drawTitle(c, b.Title)
	name, value, label := lettering{size: 14, color: ink}, lettering{size: 13, color: slate}, lettering{size: 13, color: slate}
	width := c.Max.X - c.Min.X
	label.write(c, c.Min.X+width/2, c.Min.Y+label.size/2, middle, label.fit(b.XLabel, width))
	c.Min.Y += label.size + 10
	if len(b.Bars) == 0 {
		label.write(c, c.Min.X+width/2, (c.Min.Y+c.Max.Y)/2, middle, "no values to show")
		return
	}
	// The largest number sets the scale, so that shares of it cannot overflow.
	most, lowest, highest := 0.0, 0.0, 0.0
	for _, bar := range b.Bars {
		if v := math.Abs(bar.Value); v <= math.MaxFloat64 {
			most = max(most, v)
		}
	}
	share := func(v float64) float64 {
		if most == 0 {
			return 0
		}
		return max(-2, min(v/most, 2))
	}
	names, numbers := vg.Length(0), vg.Length(0)
	for _, bar := range b.Bars {
		names = max(names, name.width(name.fit(bar.Name, width*0.35)))
		numbers = max(numbers, value.width(number(bar.Value)))
		if !float.Finite(bar.Value) {
			continue
		}
		spread := 0.0
		if float.Finite(bar.Spread) {
			spread = share(bar.Spread)
		}
		lowest, highest = min(lowest, share(bar.Value)-spread), max(highest, share(bar.Value)+spread)
	}
	if highest == lowest {
		highest = 1
	}
	from, to := c.Min.X+names+12, c.Max.X-numbers-12
	x := func(share float64) vg.Length { return from + (to-from)*vg.Length((share-lowest)/(highest-lowest)) }
	step := (c.Max.Y - c.Min.Y) / vg.Length(len(b.Bars))
	name.shrink(name.size, step)
	value.shrink(value.size, step)
	for i, bar := range b.Bars {
		y := c.Max.Y - step*(vg.Length(i)+0.5)
		name.write(c, from-12, y, right, name.fit(bar.Name, width*0.35))
		value.write(c, c.Max.X, y, right, number(bar.Value))
		if !float.Finite(bar.Value) {
			continue
		}
		a, e := x(0), x(share(bar.Value))
		c.SetColor(blue)
		if bar.Value < 0 {
			c.SetColor(vermilion)
		}
		half := step * 0.32
		c.Fill(rectangle(min(a, e), y-half, max(a, e), y+half))
		if float.Finite(bar.Spread) && bar.Spread > 0 {
			line := draw.LineStyle{Color: ink, Width: 1.2}
			l, r := x(share(bar.Value)-share(bar.Spread)), x(share(bar.Value)+share(bar.Spread))
			c.StrokeLine2(line, l, y, r, y)
			c.StrokeLine2(line, l, y-half/2, l, y+half/2)
			c.StrokeLine2(line, r, y-half/2, r, y+half/2)
		}
	}
	c.StrokeLine2(draw.LineStyle{Color: gray, Width: 1}, x(0), c.Min.Y, x(0), c.Max.Y)
}

func rectangle(x0, y0, x1, y1 vg.Length) vg.Path {
	return vg.Path{
		{Type: vg.MoveComp, Pos: vg.Point{X: x0, Y: y0}}, {Type: vg.LineComp, Pos: vg.Point{X: x1, Y: y0}},
		{Type: vg.LineComp, Pos: vg.Point{X: x1, Y: y1}}, {Type: vg.LineComp, Pos: vg.Point{X: x0, Y: y1}}, {Type: vg.CloseComp},
	}
}
