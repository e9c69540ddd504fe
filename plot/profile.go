package plot

import (
	"cmp"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Profile shows the same things measured in several ways, such as the layers of a network by their
// gradients and by their weights. Each measure is a panel of horizontal bars with its own scale from
// 0, or with Log from a decade below the smallest value.
type Profile struct {
	Title    string
	Labels   []string // of the things, from the top
	Measures []Measure
	Log      bool

	Width, Height int // in pixels; 0 means 220 per measure and 34 per thing
}

// A Measure is one value for each label. A value that is not finite, or not positive if Log is
// set, has no bar.
type Measure struct {
	Name   string
	Values []float64
}

// heading returns the title, or one made from the measures.
func (p Profile) heading() string {
	if p.Title != "" {
		return p.Title
	}
	names := make([]string, len(p.Measures))
	for i, m := range p.Measures {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

func (p Profile) size() (width, height int) {
	return cmp.Or(p.Width, max(320, 120+220*len(p.Measures))), cmp.Or(p.Height, max(120, 70+34*len(p.Labels)))
}

func (p Profile) draw(c draw.Canvas) {
	c = draw.Crop(c, 16, -16, 10, -12)
	c = drawTitle(c, p.Title)
	text := lettering{size: 13, color: ink}
	room := vg.Length(0)
	for _, l := range p.Labels {
		room = max(room, text.width(text.fit(l, 140)))
	}
	if len(p.Labels) == 0 || len(p.Measures) == 0 {
		return
	}
	const gap, heading = 18, 24
	rowHeight := (c.Max.Y - c.Min.Y - heading) / vg.Length(len(p.Labels))
	middleOf := func(i int) vg.Length { return c.Max.Y - heading - (vg.Length(i)+0.5)*rowHeight }
	for i, l := range p.Labels {
		text.write(c, c.Min.X+room, middleOf(i), right, text.fit(l, 140))
	}
	panel := (c.Max.X-c.Min.X-room)/vg.Length(len(p.Measures)) - gap
	for k, m := range p.Measures {
		left0 := c.Min.X + room + gap + vg.Length(k)*(panel+gap)
		title := lettering{size: 13, color: slate, bold: true}
		title.write(c, left0, c.Max.Y-heading/2, left, title.fit(m.Name, panel))
		low, high := m.extent(p.Log)
		for i := range p.Labels {
			v, ok := at(m.Values, i)
			where, shown := position(v, p.Log)
			if !ok {
				continue
			}
			const number0 = 62 // space for the number after the bar
			long := vg.Length(0)
			if shown && high > low {
				long = max(2, (panel-number0)*vg.Length((where-low)/(high-low)))
				c.SetColor(blue)
				thick := min(16, 0.6*rowHeight)
				c.Fill(vg.Rectangle{
					Min: vg.Point{X: left0, Y: middleOf(i) - thick/2},
					Max: vg.Point{X: left0 + long, Y: middleOf(i) + thick/2},
				}.Path())
			}
			lettering{size: 12, color: ink}.write(c, left0+long+5, middleOf(i), left, number(v))
		}
	}
}

// extent returns the values of a bar with zero length and of one with full length.
func (m Measure) extent(log bool) (low, high float64) {
	s := emptySpan()
	for _, v := range m.Values {
		if p, ok := position(v, log); ok {
			s.add(p)
		}
	}
	if s.low > s.high {
		return 0, 0
	}
	if log {
		return math.Floor(s.low) - 1, s.high
	}
	return 0, math.Max(0, s.high)
}
