package plot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// legend gives every series its line. Series with the same name in several charts share one
// line and one entry.
type legend struct {
	lineOf  map[identity]draw.LineStyle
	entries []entry
}

// identity distinguishes series: by name, by kind, and if both are equal in one chart, by their order.
type identity struct {
	name   string
	dashed bool
	nth    int
}

// entry is a name with a sample of what it names. sample draws it from x to x + width, with its middle at y.
type entry struct {
	name   string
	width  vg.Length
	sample func(c draw.Canvas, x, y vg.Length)
}

const sampleWidth = 42 // of a piece of line

// lineEntry shows a piece of line, thick enough to be distinguished from others.
func lineEntry(name string, line draw.LineStyle) entry {
	line.Width = max(line.Width, 2.5)
	return entry{name, sampleWidth, func(c draw.Canvas, x, y vg.Length) {
		c.StrokeLine2(line, x, y, x+sampleWidth, y)
	}}
}

// dotEntry shows a dot.
func dotEntry(name string, line draw.LineStyle) entry {
	return entry{name, 14, func(c draw.Canvas, x, y vg.Length) {
		c.SetColor(line.Color)
		c.Fill(circle(vg.Point{X: x + 7, Y: y}, 4))
	}}
}

// ringEntry shows a circle in a line's color.
func ringEntry(name string, line draw.LineStyle) entry {
	return entry{name, 14, func(c draw.Canvas, x, y vg.Length) {
		c.SetLineStyle(line)
		c.Stroke(circle(vg.Point{X: x + 7, Y: y}, 5))
	}}
}

func newLegend(charts ...Chart) *legend {
	key := &legend{lineOf: map[identity]draw.LineStyle{}}
	var next strokes
	for _, ch := range charts {
		for i, id := range ch.identities() {
			if _, known := key.lineOf[id]; known {
				continue
			}
			if ch.Series[i].Faint {
				key.lineOf[id] = faint
				switch {
				case id.name == "" || id.nth > 1:
				case ch.Series[i].Dots:
					key.entries = append(key.entries, dotEntry(id.name, faint))
				default:
					key.entries = append(key.entries, lineEntry(id.name, faint))
				}
				continue
			}
			line := next.next(id.dashed)
			key.lineOf[id] = line
			switch {
			case id.name == "":
			case ch.Series[i].Dots:
				key.entries = append(key.entries, dotEntry(id.name, line))
			default:
				key.entries = append(key.entries, lineEntry(id.name, line))
			}
		}
	}
	return key
}

// faint is the line of a series that is one of many in the background.
var faint = draw.LineStyle{Color: color.NRGBA{R: 0x8A, G: 0x90, B: 0x99, A: 110}, Width: 0.8}

func (ch Chart) identities() []identity {
	ids := make([]identity, len(ch.Series))
	seen := map[identity]int{}
	for i, s := range ch.Series {
		id := identity{name: s.Name, dashed: s.Dashed}
		seen[id]++
		id.nth = seen[id]
		ids[i] = id
	}
	return ids
}

// lines returns the line of each of the chart's series.
func (key *legend) lines(ch Chart) []draw.LineStyle {
	lines := make([]draw.LineStyle, len(ch.Series))
	for i, id := range ch.identities() {
		lines[i] = key.lineOf[id]
	}
	return lines
}

func (key *legend) draw(c draw.Canvas) draw.Canvas {
	const most = 24 // nobody reads a longer legend
	entries := key.entries
	if n := len(entries); n > most {
		entries = append(entries[:most-1:most-1], entry{name: fmt.Sprintf("… %d more", n-most+1)})
	}
	return drawEntries(c, entries)
}

// drawEntries writes entries in rows at the top of the canvas and returns the
// canvas below them.
func drawEntries(c draw.Canvas, entries []entry) draw.Canvas {
	const (
		space   = 8  // between sample and name
		between = 26 // between two entries
		row     = 24
	)
	if len(entries) == 0 {
		return c
	}
	text := lettering{size: 14, color: ink}
	x, y := c.Min.X, c.Max.Y-row/2
	for _, e := range entries {
		name := text.fit(e.name, 340)
		indent := vg.Length(0)
		if e.sample != nil {
			indent = e.width + space
		}
		width := indent + text.width(name)
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-row
		}
		if e.sample != nil {
			e.sample(c, x, y)
		}
		text.write(c, x+indent, y, left, name)
		x += width + between
	}
	c.Max.Y = y - row/2 - 8
	return c
}
