package plot

import (
	"cmp"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Swarm shows many values for each of several names. Each name has a line with a dot for each value.
// Dots that would overlap are placed next to each other. A dot's color shows a second number. Values that are
// not finite, or too large for an axis, are left out.
type Swarm struct {
	Title, XLabel string
	Low, High     string // the meaning of the ends of the color scale, such as "low cell" and "high cell"
	Names         []string
	Values        [][]float64 // by name
	Shades        [][]float64 // by name, from 0 to 1; NaN is gray

	Width, Height int // in pixels; 0 means 900, and the height that the names need
}

// heading returns the title, or a description of the picture.
func (s Swarm) heading() string {
	if s.Title == "" {
		return "Values by name"
	}
	return s.Title
}

func (s Swarm) size() (width, height int) {
	return cmp.Or(s.Width, 900), cmp.Or(s.Height, min(maxSide, 130+36*max(1, len(s.Names))))
}

func (s Swarm) draw(c draw.Canvas) {
	c = draw.Crop(c, 20, -20, 16, -16)
	c = drawTitle(c, s.Title)
	s.drawScale(c)
	c.Max.Y -= 24
	name := lettering{size: 14, color: ink}
	label, tick := lettering{size: 13, color: slate}, lettering{size: 12, color: slate}
	width := c.Max.X - c.Min.X
	label.write(c, c.Min.X+width/2, c.Min.Y+label.size/2, middle, label.fit(s.XLabel, width))
	c.Min.Y += label.size + 8
	x := emptySpan()
	names := vg.Length(0)
	for i, n := range s.Names {
		names = max(names, name.width(name.fit(n, width*0.35)))
		for _, v := range s.Values[i] {
			if at, ok := position(v, false); ok {
				x.add(at)
			}
		}
	}
	if x.low > x.high {
		label.write(c, c.Min.X+width/2, (c.Min.Y+c.Max.Y)/2, middle, "no values to show")
		return
	}
	x.add(0)
	x = x.widened(false, 0.02)
	from, to := c.Min.X+names+16, c.Max.X-8
	at := func(v float64) vg.Length { return from + (to-from)*vg.Length(v/2-x.low/2)/vg.Length(x.high/2-x.low/2) }
	floor := c.Min.Y + tick.size + 6
	for _, t := range x.ticks(false, false, int((to-from)/110), to-from, 4*tick.size) {
		if t.label != "" && t.at >= x.low && t.at <= x.high {
			tick.write(c, at(t.at), c.Min.Y+tick.size/2, middle, t.label)
			c.StrokeLine2(draw.LineStyle{Color: pale, Width: 1}, at(t.at), floor, at(t.at), c.Max.Y)
		}
	}
	c.StrokeLine2(draw.LineStyle{Color: gray, Width: 1}, at(0), floor, at(0), c.Max.Y)
	step := (c.Max.Y - floor) / vg.Length(max(1, len(s.Names)))
	name.shrink(name.size, step)
	radius := min(2.6, step*0.12)
	for i, n := range s.Names {
		y := c.Max.Y - step*(vg.Length(i)+0.5)
		name.write(c, from-16, y, right, name.fit(n, width*0.35))
		beside := map[int]int{} // dots so far in each interval of a dot's width
		for j, v := range s.Values[i] {
			if _, ok := position(v, false); !ok {
				continue
			}
			place := int(math.Floor(float64((at(v) - from) / (1.6 * radius))))
			k := beside[place]
			beside[place]++
			most := int(step * 0.42 / radius) // dots that fit above and below the line
			up := vg.Length((k%(2*most+1)+1)/2) * radius
			if k%2 == 1 {
				up = -up
			}
			c.SetColor(s.shade(i, j))
			c.Fill(circle(vg.Point{X: at(v), Y: y + up}, radius))
		}
	}
}

// shade returns the color of a dot.
func (s Swarm) shade(name, dot int) color.NRGBA {
	if name >= len(s.Shades) || dot >= len(s.Shades[name]) || !(s.Shades[name][dot] >= 0 && s.Shades[name][dot] <= 1) {
		return gray
	}
	return mix(sky, rust, s.Shades[name][dot])
}

// drawScale draws the colors with their meaning at the top right.
func (s Swarm) drawScale(c draw.Canvas) {
	if s.Low == "" && s.High == "" {
		return
	}
	l := lettering{size: 12, color: slate}
	const length, height, pieces = 90, 8, 30
	y := c.Max.Y - l.size/2
	l.write(c, c.Max.X, y, right, s.High)
	end := c.Max.X - l.width(s.High) - 6
	for i := range pieces {
		c.SetColor(mix(sky, rust, float64(i)/(pieces-1)))
		left := end - length + length*vg.Length(i)/pieces
		c.Fill(rectangle(left, y-height/2, left+length/pieces+0.3, y+height/2))
	}
	l.write(c, end-length-6, y, right, s.Low)
}
