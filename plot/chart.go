package plot

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Series is one curve: a value of Y for each of X. If one is longer, its surplus is ignored.
// Thousands of points are fine: the curve is thinned for drawing but keeps every minimum and maximum.
type Series struct {
	Name   string // for the legend; a series without a name has no entry
	X, Y   []float64
	Dashed bool // a companion, such as the validation loss
	Dots   bool // a dot for each value instead of a line
	Faint  bool // a thin gray line or small gray dots, one of many series behind the others
}

// A Mark is a vertical line with a label, such as "best epoch 41".
type Mark struct {
	X     float64
	Label string
}

// A Chart shows series over a common pair of axes. A logarithmic axis leaves
// out values that are not positive.
type Chart struct {
	Title          string
	XLabel, YLabel string
	LogX, LogY     bool
	Series         []Series
	Mark           *Mark
	XTicks         []Mark // labels instead of numbers: names, dates; those without enough space are left out

	Width, Height int // in pixels; 0 means 900 x 560
}

// heading returns the title, or one made from the axis labels.
func (ch Chart) heading() string {
	if ch.Title == "" && ch.YLabel != "" && ch.XLabel != "" {
		return ch.YLabel + " against " + ch.XLabel
	}
	return ch.Title
}

func (ch Chart) size() (width, height int) {
	return cmp.Or(ch.Width, 900), cmp.Or(ch.Height, 560)
}

func (ch Chart) draw(c draw.Canvas) {
	key := newLegend(ch)
	c = ch.margins(c)
	c = drawTitle(c, ch.Title)
	c = key.draw(c)
	ch.drawAxes(c, key, chartText)
}

// margins returns the canvas within the margins, which are narrower if there is little space.
func (ch Chart) margins(c draw.Canvas) draw.Canvas {
	const scarce = 240
	if c.Max.Y-c.Min.Y < scarce {
		return draw.Crop(c, 8, -16, 6, -2)
	}
	return draw.Crop(c, 20, -26, 16, -16)
}

// textSizes are the sizes of a chart's letters, for a single chart or for one panel among several.
type textSizes struct{ label, tick vg.Length }

var (
	chartText = textSizes{label: 15, tick: 14}
	panelText = textSizes{label: 13, tick: 12}
)

// titleHeight is the height of a title.
const titleHeight = 31

// drawTitle writes a figure's title at the top left and returns the canvas below
// it.
func drawTitle(c draw.Canvas, title string) draw.Canvas {
	if title == "" {
		return c
	}
	l := lettering{size: 19, color: ink, bold: true}
	l.write(c, c.Min.X, c.Max.Y-l.size/2, left, l.fit(title, c.Max.X-c.Min.X))
	c.Max.Y -= titleHeight
	return c
}

// drawAxes draws the axes, the curves and the mark, without title and legend.
func (ch Chart) drawAxes(c draw.Canvas, key *legend, text textSizes) {
	curves, x, y, whole := ch.curves(key)
	x = ch.besideNames(x)
	ch.drawFrame(c, text, curves, x, y, whole, rules{})
}

// besideNames returns the x axis of a chart of dots with names below them, with half a place to the left of the first and to the right of the
// last name.
func (ch Chart) besideNames(x span) span {
	dots := slices.ContainsFunc(ch.Series, func(s Series) bool { return s.Dots })
	half := (x.high/2 - x.low/2) / float64(max(1, len(ch.XTicks)-1))
	if wide := (span{x.low - half, x.high + half}); dots && len(ch.XTicks) > 0 && !ch.LogX && !math.IsInf(wide.high-wide.low, 0) {
		return wide
	}
	return x
}

// drawOver draws the axes of a field with the field below the curves.
func (ch Chart) drawOver(c draw.Canvas, key *legend, text textSizes, f Field) {
	curves, _, _, _ := ch.curves(key)
	x, y := emptySpan(), emptySpan()
	for _, v := range f.X {
		x.add(v)
	}
	for _, v := range f.Y {
		y.add(v)
	}
	if x.low > x.high || y.low > y.high {
		x, y = span{0, 1}, span{0, 1}
	}
	for i := range curves {
		curves[i].ends = true
	}
	ch.drawFrame(c, text, curves, x, y, false, f)
}

// drawFrame draws the axes, what is under the curves, the curves and the mark.
func (ch Chart) drawFrame(c draw.Canvas, text textSizes, curves []curve, x, y span, whole bool, under layer) {
	label := lettering{size: text.label, color: ink}
	letters := lettering{size: text.tick, color: slate}
	width, height := c.Max.X-c.Min.X, c.Max.Y-c.Min.Y
	p := &frame{
		x: axis{
			span:  x,
			label: label.fit(ch.XLabel, width-60), // leaves space for the ticks and the other label
			ticks: x.ticks(ch.LogX, whole, int(width/90), width-60, 3.2*text.tick),
		},
		y: axis{
			span:  y,
			label: label.fit(ch.YLabel, height-50),
			ticks: y.ticks(ch.LogY, false, int(height/60), height-60, 1.3*text.tick),
		},
		label:  label.style(draw.XCenter, draw.YBottom),
		xTick:  letters.style(draw.XCenter, draw.YTop),
		yTick:  letters.style(draw.XRight, draw.YCenter),
		layers: []layer{under},
	}
	if ch.XTicks != nil {
		p.x.ticks = ch.namedTicks(x, letters, width-60)
	}
	if at, ok := ch.markAt(); ok {
		c.Max.Y -= text.tick + 6 // space for the label above the frame
		p.layers = append(p.layers, mark{at, ch.Mark.Label, text.tick})
	}
	for _, k := range curves {
		p.layers = append(p.layers, k)
	}
	if _, empty := under.(rules); empty && len(curves) == 0 {
		p.x.ticks, p.y.ticks = nil, nil
		p.layers = append(p.layers, note{"no values to show", text.label})
	}
	p.draw(c)
}

// namedTicks returns those of XTicks that fit next to each other on an axis of that length.
func (ch Chart) namedTicks(x span, l lettering, length vg.Length) []tick {
	var ticks []tick
	each := length / vg.Length(max(1, len(ch.XTicks)))
	end := math.Inf(-1)
	for _, t := range ch.XTicks {
		at, ok := position(t.X, ch.LogX)
		if !ok || at < x.low || at > x.high {
			continue
		}
		label := l.fit(t.Label, max(each-8, 70))
		middle := float64(length) * (at - x.low) / (x.high - x.low)
		half := float64(l.width(label)) / 2
		if middle-half < end {
			label = ""
		} else {
			end = middle + half + 8
		}
		ticks = append(ticks, tick{at, label})
	}
	return ticks
}

// curves returns the curves of the series and the spans of both axes, and reports whether every
// x is an integer.
func (ch Chart) curves(key *legend) (curves []curve, x, y span, whole bool) {
	x, y, whole = emptySpan(), emptySpan(), true
	lines := key.lines(ch)
	for i, s := range ch.Series {
		k := curve{points: s.points(ch.LogX, ch.LogY), line: lines[i], dots: s.Dots, faint: s.Faint}
		if len(k.points) == 0 {
			continue
		}
		curves = append(curves, k)
		for _, p := range k.points {
			x.add(p.x)
			y.add(p.y)
			whole = whole && p.x == math.Trunc(p.x)
		}
	}
	if at, ok := ch.markAt(); ok {
		x.add(at)
	}
	if !ch.LogX && whole && x.low == 0 && x.high == 0 {
		x.high = 1 // only x = 0 so far
	}
	if !ch.LogY && y.low >= 0 && y.low < 0.3*y.high {
		y.low = 0 // a falling loss is best seen relative to zero
	}
	x, y = x.widened(ch.LogX, 0.02), y.widened(ch.LogY, 0.04)
	for i := range curves {
		if curves[i].dots {
			continue
		}
		curves[i].points = thinned(curves[i].points, x.low, x.high)
	}
	return curves, x, y, whole
}

func (ch Chart) markAt() (at float64, ok bool) {
	if ch.Mark == nil {
		return 0, false
	}
	return position(ch.Mark.X, ch.LogX)
}

// rules are pale lines across the chart at the labeled ticks.
type rules struct{}

func (rules) within(c draw.Canvas, f *frame) {
	x, y := f.transforms(c)
	c.SetLineStyle(draw.LineStyle{Color: pale, Width: 1})
	line := func(x0, y0, x1, y1 vg.Length) {
		c.Stroke(vg.Path{{Type: vg.MoveComp, Pos: vg.Point{X: x0, Y: y0}}, {Type: vg.LineComp, Pos: vg.Point{X: x1, Y: y1}}})
	}
	for _, t := range f.x.ticks {
		if t.label != "" {
			line(x(t.at), c.Min.Y, x(t.at), c.Max.Y)
		}
	}
	for _, t := range f.y.ticks {
		if t.label != "" {
			line(c.Min.X, y(t.at), c.Max.X, y(t.at))
		}
	}
}

// mark draws a [Mark]: its line, and its label above the frame.
type mark struct {
	at    float64
	label string
	size  vg.Length
}

func (m mark) within(c draw.Canvas, f *frame) {
	toX, _ := f.transforms(c)
	x := toX(m.at)
	c.StrokeLine2(draw.LineStyle{Color: slate, Width: 1.2, Dashes: []vg.Length{3, 3}}, x, c.Min.Y, x, c.Max.Y+2)

	l := lettering{size: m.size, color: slate, bold: true}
	label := l.fit(m.label, c.Max.X-c.Min.X)
	half := l.width(label) / 2
	l.write(c, max(c.Min.X+half, min(x, c.Max.X-half)), c.Max.Y+m.size/2+5, middle, label)
}

// note is a sentence in the middle of an empty chart.
type note struct {
	text string
	size vg.Length
}

func (n note) within(c draw.Canvas, _ *frame) {
	lettering{size: n.size, color: slate}.write(c, c.Center().X, c.Center().Y, middle, n.text)
}
