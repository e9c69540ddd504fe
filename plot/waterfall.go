package plot

import (
	"cmp"
	"math"

	"github.com/gradus-ml/gradus/internal/float"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Waterfall shows how a number becomes another step by step. The first step begins at Base at the
// top, and each step begins where the one before ended. Steps that are not finite are left out, but
// their names stay.
type Waterfall struct {
	Title, XLabel string
	Base          float64
	From, To      string // labels of the two ends, such as "mean prediction" and "prediction"
	Steps         []Bar  // Spread is the uncertainty of a step

	Width, Height int // in pixels; 0 means 900, and the height that the steps need
}

// heading returns the title, or a description of the picture.
func (w Waterfall) heading() string {
	if w.Title == "" {
		return "Steps from one number to another"
	}
	return w.Title
}

func (w Waterfall) size() (width, height int) {
	return cmp.Or(w.Width, 900), cmp.Or(w.Height, min(maxSide, 100+30*(len(w.Steps)+2)))
}

func (w Waterfall) draw(c draw.Canvas) {
	c = draw.Crop(c, 20, -20, 16, -16)
	c = drawTitle(c, w.Title)
	name, value, label := lettering{size: 14, color: ink}, lettering{size: 13, color: slate}, lettering{size: 13, color: slate}
	width := c.Max.X - c.Min.X
	label.write(c, c.Min.X+width/2, c.Min.Y+label.size/2, middle, label.fit(w.XLabel, width))
	c.Min.Y += label.size + 10

	// Every number is taken relative to the base and to the largest step, so that nothing can
	// overflow a float64.
	most := 0.0
	for _, s := range w.Steps {
		if float.Finite(s.Value) {
			most = max(most, math.Abs(s.Value))
		}
	}
	if most == 0 {
		most = 1
	}
	at, lowest, highest := 0.0, 0.0, 0.0
	ends := make([]float64, len(w.Steps))
	for i, s := range w.Steps {
		if float.Finite(s.Value) {
			at += s.Value / most
		}
		ends[i], lowest, highest = at, min(lowest, at), max(highest, at)
	}
	if highest == lowest {
		lowest, highest = -0.5, 0.5
	}
	names, numbers := max(name.width(w.From), name.width(w.To)), max(value.width(number(w.Base)), value.width(number(w.Base+at*most)))
	for _, s := range w.Steps {
		names = max(names, name.width(name.fit(s.Name, width*0.4)))
		numbers = max(numbers, value.width(signed(s.Value)))
	}
	names = min(names, width*0.4)
	from, to := c.Min.X+names+16, c.Max.X-numbers-16
	x := func(v float64) vg.Length { return from + (to-from)*vg.Length((v-lowest)/(highest-lowest)) }
	step := (c.Max.Y - c.Min.Y) / vg.Length(len(w.Steps)+2)
	name.shrink(name.size, step)
	value.shrink(value.size, step)
	y := func(line int) vg.Length { return c.Max.Y - step*(vg.Length(line)+0.5) }
	half := step * 0.32
	dashed := draw.LineStyle{Color: gray, Width: 1, Dashes: []vg.Length{3, 3}}
	end := func(line int, text string, v, is float64) {
		bold := name
		bold.bold = true
		bold.write(c, from-16, y(line), right, bold.fit(text, names))
		bold.write(c, c.Max.X, y(line), right, number(is))
		c.SetColor(ink)
		c.Fill(circle(vg.Point{X: x(v), Y: y(line)}, min(5, half)))
	}
	before := 0.0
	for i, s := range w.Steps {
		line := i + 1
		name.write(c, from-16, y(line), right, name.fit(s.Name, names))
		value.write(c, c.Max.X, y(line), right, signed(s.Value))
		c.StrokeLine2(dashed, x(before), y(line-1), x(before), y(line))
		a, e := x(before), x(ends[i])
		c.SetColor(blue)
		if s.Value < 0 {
			c.SetColor(vermilion)
		}
		c.Fill(rectangle(min(a, e), y(line)-half, max(a, e), y(line)+half))
		if float.Finite(s.Spread) && s.Spread > 0 {
			spread := vg.Length(s.Spread/most/(highest-lowest)) * (to - from)
			c.StrokeLine2(draw.LineStyle{Color: ink, Width: 1.2}, max(from, e-spread), y(line), min(to, e+spread), y(line))
		}
		before = ends[i]
	}
	last := len(w.Steps) + 1
	c.StrokeLine2(dashed, x(before), y(last-1), x(before), y(last))
	end(0, w.From, 0, w.Base)
	end(last, w.To, before, w.Base+at*most)
}

// signed returns a number with its sign.
func signed(v float64) string {
	if v > 0 {
		return "+" + number(v)
	}
	return number(v)
}
