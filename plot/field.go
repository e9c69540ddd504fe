package plot

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Field is a quantity over a plane: the loss over two directions, or what a network predicts
// for two inputs. Colors go from pale to blue in Levels steps, or with Signed from vermilion
// through white to blue around 0. With Classes every value is a class and has its color.
// Points, in the color of their own value, and paths are drawn over it.
type Field struct {
	Title          string
	XLabel, YLabel string
	ZLabel         string // the meaning of the colors, for a scale at the right; "": no scale

	X, Y []float64   // ascending, equally spaced
	Z    [][]float64 // [y][x]; a value that is not finite is left white

	Log     bool     // logarithmic levels, for losses
	Classes []string // names of the values 0, 1, ...
	Bare    bool     // without a legend of the classes, if there is no space for one
	Levels  int      // default 14

	Points []FieldPoint
	Paths  []Series // the first and last point of each are marked

	Width, Height int // in pixels; 0 means 640 x 560
}

// FieldPoint is a sample on a [Field], with value Z. Off is how far the sample is, from 0 to 1,
// from the slice of inputs that the field shows. The farther off, the paler the point.
type FieldPoint struct {
	X, Y, Z float64
	Off     float64
	Said    *float64 // for classes, the prediction for this sample, drawn as a ring around the point
}

// heading returns the title, or one made from the axis labels.
func (f Field) heading() string {
	if f.Title == "" {
		return f.YLabel + " against " + f.XLabel
	}
	return f.Title
}

func (f Field) size() (width, height int) { return cmp.Or(f.Width, 640), cmp.Or(f.Height, 560) }

func (f Field) draw(c draw.Canvas) {
	key := newLegend(Chart{Series: f.Paths})
	for i, name := range f.Classes {
		if f.Bare {
			break
		}
		key.entries = append(key.entries, dotEntry(name, draw.LineStyle{Color: classColor(i)}))
	}
	if !f.Bare {
		if slices.ContainsFunc(f.Points, func(p FieldPoint) bool { return p.Said != nil }) {
			key.entries = append(key.entries, ringEntry("ring: predicted", draw.LineStyle{Color: slate, Width: 2}))
		}
		if slices.ContainsFunc(f.Points, func(p FieldPoint) bool { return p.Off > 0.3 }) {
			key.entries = append(key.entries, dotEntry("pale: far from this slice", draw.LineStyle{Color: mix(slate, white, 0.65)}))
		}
	}
	c = draw.Crop(c, 20, -26, 16, -16)
	c = drawTitle(c, f.Title)
	c = key.draw(c)
	c = f.drawScale(c)
	ch := Chart{XLabel: f.XLabel, YLabel: f.YLabel, Series: f.Paths}
	ch.drawOver(c, key, chartText, f)
}

// drawScale draws the colors with their values at the right and returns the canvas to the left
// of them.
func (f Field) drawScale(c draw.Canvas) draw.Canvas {
	limits, s := f.levels(), f.span()
	if f.ZLabel == "" || limits == nil {
		return c
	}
	const width, above, below = 14, 24, 44 // with below, the scale ends about where the field does
	tick := lettering{size: chartText.tick, color: slate}
	low, high := c.Min.Y+below, c.Max.Y-above
	ticks := s.ticks(f.Log, false, int((high-low)/60), high-low, 1.3*tick.size)
	room := vg.Length(0)
	for _, t := range ticks {
		room = max(room, tick.width(t.label))
	}
	label := lettering{size: chartText.tick, color: ink}
	name := label.fit(f.ZLabel, 90)
	room = max(room, label.width(name)-width-6)
	x := c.Max.X - room - width - 6

	label.write(c, c.Max.X, c.Max.Y-label.size/2, right, name)
	at := func(i int) vg.Length { return low + (high-low)*vg.Length(i)/vg.Length(len(limits)+1) }
	for i := range len(limits) + 1 {
		c.SetColor(mix(fieldLow, fieldHigh, float64(i)/math.Max(1, float64(len(limits)))))
		c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: at(i)}, Max: vg.Point{X: x + width, Y: min(high, at(i+1)+0.4)}}.Path())
	}
	c.SetLineStyle(draw.LineStyle{Color: gray, Width: 1})
	c.Stroke(vg.Rectangle{Min: vg.Point{X: x, Y: low}, Max: vg.Point{X: x + width, Y: high}}.Path())
	for _, t := range ticks {
		if t.label == "" || t.at < s.low || t.at > s.high {
			continue
		}
		y := low + (high-low)*vg.Length((t.at-s.low)/(s.high-s.low))
		c.StrokeLine2(draw.LineStyle{Color: gray, Width: 1}, x+width, y, x+width+4, y)
		tick.write(c, x+width+7, y, left, t.label)
	}
	c.Max.X = x - 14
	return c
}

// span returns the range of the values, on the scale of the colors.
func (f Field) span() span {
	s := emptySpan()
	for _, row := range f.Z {
		for _, z := range row {
			if v, ok := position(z, f.Log); ok {
				s.add(v)
			}
		}
	}
	return s
}

// levels returns the limits between the colors, ascending.
func (f Field) levels() []float64 {
	s, n := f.span(), cmp.Or(f.Levels, 14)
	if len(f.Classes) > 0 || !(s.low < s.high) {
		return nil
	}
	limits := make([]float64, n-1)
	for i := range limits {
		limits[i] = s.low + (s.high-s.low)*float64(i+1)/float64(n)
	}
	return limits
}

// shade returns the color of the band between two levels.
func (f Field) shade(z float64, limits []float64) (color.NRGBA, bool) {
	if len(f.Classes) > 0 {
		if !(z >= 0 && z < float64(len(f.Classes))) {
			return white, false
		}
		return mix(white, classColor(int(z)), 0.32), true
	}
	v, ok := position(z, f.Log)
	if !ok {
		return white, false
	}
	band, _ := slices.BinarySearch(limits, v)
	return mix(fieldLow, fieldHigh, float64(band)/math.Max(1, float64(len(limits)))), true
}

// Low values are pale, high ones dark: a loss is a bright valley.
var (
	fieldLow  = color.NRGBA{R: 0xF4, G: 0xF8, B: 0xFB, A: 255}
	fieldHigh = color.NRGBA{R: 0x3B, G: 0x7F, B: 0xB0, A: 255}
)

func classColor(i int) color.NRGBA { return classColors[i%len(classColors)] }

// mix returns a color between two, at the given share of the way to b.
func mix(a, b color.NRGBA, share float64) color.NRGBA {
	at := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + share*(float64(y)-float64(x)))) }
	return color.NRGBA{R: at(a.R, b.R), G: at(a.G, b.G), B: at(a.B, b.B), A: 255}
}

// within draws the field's cells, joined along rows where they have
// the same color, the contours, and the points.
func (f Field) within(c draw.Canvas, p *frame) {
	x, y := p.transforms(c)
	limits := f.levels()
	fine := f.finer()
	fine.fill(c, x, y, limits)
	c.SetLineStyle(draw.LineStyle{Color: contourColor, Width: 0.7})
	var lines vg.Path // all in one path: a browser shows a few large paths faster than many small ones
	for _, s := range fine.contours(limits) {
		lines.Move(vg.Point{X: x(s.x0), Y: y(s.y0)})
		lines.Line(vg.Point{X: x(s.x1), Y: y(s.y1)})
	}
	if lines != nil {
		c.Stroke(lines)
	}
	f.dots(c, p, x, y, limits)
}

// finer returns the field with twice as many values along both axes. New values are
// interpolated linearly between two neighbors. Classes are not interpolated.
func (f Field) finer() Field {
	if len(f.Classes) > 0 || len(f.Z) < 2 || len(f.X) < 2 {
		return f
	}
	half := func(v []float64) []float64 {
		out := make([]float64, 0, 2*len(v))
		for i, a := range v {
			if i > 0 {
				out = append(out, v[i-1]+(a-v[i-1])/2)
			}
			out = append(out, a)
		}
		return out
	}
	between := func(a, b float64) float64 {
		if f.Log {
			return math.Sqrt(a) * math.Sqrt(b)
		}
		return a/2 + b/2
	}
	fine := f
	fine.X, fine.Y, fine.Z = half(f.X), half(f.Y), nil
	for i, row := range f.Z {
		wide := make([]float64, 0, 2*len(row))
		for j, z := range row {
			if j > 0 {
				wide = append(wide, between(row[j-1], z))
			}
			wide = append(wide, z)
		}
		if i > 0 {
			above := fine.Z[len(fine.Z)-1]
			mean := make([]float64, len(wide))
			for j := range mean {
				mean[j] = between(above[j], wide[j])
			}
			fine.Z = append(fine.Z, mean)
		}
		fine.Z = append(fine.Z, wide)
	}
	return fine
}

// fills collects one path per color, in the order in which the colors came.
type fills struct {
	colors []color.NRGBA
	paths  map[color.NRGBA]vg.Path
}

func (s *fills) add(c color.NRGBA, path vg.Path) {
	if s.paths == nil {
		s.paths = map[color.NRGBA]vg.Path{}
	}
	if s.paths[c] == nil {
		s.colors = append(s.colors, c)
	}
	s.paths[c] = append(s.paths[c], path...)
}

// fill paints the cells. Those of one color are one path.
func (f Field) fill(c draw.Canvas, x, y func(float64) vg.Length, limits []float64) {
	halfX, halfY := halfStep(f.X), halfStep(f.Y)
	var cells fills
	for i, row := range f.Z {
		for j := 0; j < len(row); {
			fill, ok := f.shade(row[j], limits)
			end := j + 1
			for ; end < len(row); end++ {
				if next, _ := f.shade(row[end], limits); next != fill {
					break
				}
			}
			if ok {
				const bleed = 0.4 // into the neighbors, so that no seam is visible between cells
				cells.add(fill, vg.Rectangle{
					Min: vg.Point{X: max(c.Min.X, x(f.X[j]-halfX)-bleed), Y: max(c.Min.Y, y(f.Y[i]-halfY)-bleed)},
					Max: vg.Point{X: min(c.Max.X, x(f.X[end-1]+halfX)+bleed), Y: min(c.Max.Y, y(f.Y[i]+halfY)+bleed)},
				}.Path())
			}
			j = end
		}
	}
	for _, fill := range cells.colors {
		c.SetColor(fill)
		c.Fill(cells.paths[fill])
	}
}

// together is the number of points drawn at once. Among these, points of the same look are one
// path. The number is small, so that no class hides the others where points overlap.
const together = 50

// look is the style of a point.
type look struct {
	dot, edge, ring color.NRGBA // no ring: the zero color
	width           vg.Length   // of the edge
}

// dots draws the points.
func (f Field) dots(c draw.Canvas, p *frame, x, y func(float64) vg.Length, limits []float64) {
	for from := 0; from < len(f.Points); from += together {
		var looks []look
		dots, rings := map[look]vg.Path{}, map[look]vg.Path{}
		for _, pt := range f.Points[from:min(from+together, len(f.Points))] {
			if inside := pt.X >= p.x.low && pt.X <= p.x.high && pt.Y >= p.y.low && pt.Y <= p.y.high; !inside {
				continue
			}
			l, center := f.look(pt, limits), vg.Point{X: x(pt.X), Y: y(pt.Y)}
			if dots[l] == nil {
				looks = append(looks, l)
			}
			dots[l] = append(dots[l], circle(center, 3.6)...)
			if l.ring.A > 0 {
				rings[l] = append(rings[l], circle(center, 5)...)
			}
		}
		for _, l := range looks {
			c.SetColor(l.dot)
			c.Fill(dots[l])
			c.SetLineStyle(draw.LineStyle{Color: l.edge, Width: l.width})
			c.Stroke(dots[l])
			if rings[l] != nil {
				c.SetLineStyle(draw.LineStyle{Color: l.ring, Width: 1.8})
				c.Stroke(rings[l])
			}
		}
	}
}

// look returns the style of a point: its value's color, paler the farther it is off, in eight
// steps.
func (f Field) look(pt FieldPoint, limits []float64) look {
	const steps = 8
	off := math.Round(steps*math.Min(1, math.Max(0, pt.Off))) / steps
	pale := func(c color.NRGBA) color.NRGBA { return mix(c, white, 0.75*off) }
	dot := ink
	if pt.Z >= 0 && pt.Z < float64(len(f.Classes)) {
		dot = classColor(int(pt.Z))
	} else if shade, ok := f.shade(pt.Z, limits); ok {
		dot = shade
	}
	l := look{dot: pale(dot), edge: white, width: 1}
	switch {
	case pt.Said != nil && *pt.Said >= 0 && *pt.Said < float64(len(f.Classes)):
		l.ring = pale(classColor(int(*pt.Said)))
	case len(f.Classes) == 0:
		l.edge, l.width = ink, 0.8
	}
	return l
}

var contourColor = color.NRGBA{R: 0x2B, G: 0x5D, B: 0x82, A: 120}

func halfStep(v []float64) float64 {
	if len(v) < 2 {
		return 0.5
	}
	return (v[1] - v[0]) / 2
}

// segment is a piece of a contour line.
type segment struct{ x0, y0, x1, y1 float64 }

// contours returns the lines on which the field has one of the levels, piece by piece (marching
// squares: in every cell of four neighbors the level crosses an even number of sides).
func (f Field) contours(limits []float64) []segment {
	var out []segment
	for _, level := range limits {
		for i := 0; i+1 < len(f.Z); i++ {
			for j := 0; j+1 < len(f.Z[i]); j++ {
				out = f.cell(out, i, j, level)
			}
		}
	}
	return out
}

func (f Field) cell(out []segment, i, j int, level float64) []segment {
	var v [4]float64
	corners := [4][2]int{{i, j}, {i, j + 1}, {i + 1, j + 1}, {i + 1, j}}
	for k, at := range corners {
		z, ok := position(f.Z[at[0]][at[1]], f.Log)
		if !ok {
			return out
		}
		v[k] = z - level
	}
	var cross [][2]float64
	for k := range 4 {
		a, b := v[k], v[(k+1)%4]
		if a < 0 == (b < 0) {
			continue
		}
		t := a / (a - b)
		from, to := corners[k], corners[(k+1)%4]
		cross = append(cross, [2]float64{
			f.X[from[1]] + t*(f.X[to[1]]-f.X[from[1]]),
			f.Y[from[0]] + t*(f.Y[to[0]]-f.Y[from[0]]),
		})
	}
	for k := 0; k+1 < len(cross); k += 2 {
		out = append(out, segment{cross[k][0], cross[k][1], cross[k+1][0], cross[k+1][1]})
	}
	return out
}
