package plot

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// point is a position on both axes. A point that starts has a gap before it.
type point struct {
	x, y   float64
	starts bool
}

// points returns the positions of a series' values. A value that cannot be shown leaves a gap.
func (s Series) points(logX, logY bool) []point {
	var points []point
	gap := true
	for i := range min(len(s.X), len(s.Y)) {
		x, okX := position(s.X[i], logX)
		y, okY := position(s.Y[i], logY)
		if !okX || !okY {
			gap = true
			continue
		}
		points = append(points, point{x, y, gap})
		gap = false
	}
	return points
}

// mostPoints is the most points drawn per curve: about two for each dot of a picture's width.
const mostPoints = 2000

// thinned returns the points. If there are more than mostPoints, it returns the first, lowest,
// highest and last in each of mostPoints/4 columns between low and high. The drawn curve then
// covers the same dots, and no extreme value is lost.
func thinned(points []point, low, high float64) []point {
	if len(points) <= mostPoints {
		return points
	}
	const columns = mostPoints / 4
	column := func(i int) int { // by rank if the points' x values decrease somewhere
		return i * columns / len(points)
	}
	if ascending(points) && high > low {
		column = func(i int) int {
			return min(columns-1, int((points[i].x-low)/(high-low)*columns))
		}
	}

	kept := make([]point, 0, mostPoints)
	done := 0 // the points before this one are kept or dropped
	for begin := 0; begin < len(points); {
		end, lowest, highest := begin, begin, begin
		for ; end < len(points) && column(end) == column(begin); end++ {
			if points[end].y < points[lowest].y {
				lowest = end
			}
			if points[end].y > points[highest].y {
				highest = end
			}
		}
		for _, i := range []int{begin, min(lowest, highest), max(lowest, highest), end - 1} {
			if i < done {
				continue // the same point twice
			}
			p := points[i]
			for ; done <= i; done++ {
				p.starts = p.starts || points[done].starts
			}
			kept = append(kept, p)
		}
		begin = end
	}
	return kept
}

func ascending(points []point) bool {
	for i := 1; i < len(points); i++ {
		if points[i].x < points[i-1].x {
			return false
		}
	}
	return true
}

// curve draws points joined by a line. A point between two gaps is a dot.
type curve struct {
	points []point
	line   draw.LineStyle
	dots   bool
	faint  bool // of dots: they are small
	ends   bool // its first point is marked by a ring, its last by a filled circle
}

func (k curve) within(c draw.Canvas, f *frame) {
	x, y := f.transforms(c)
	c.SetLineStyle(k.line)
	if k.dots {
		c.SetColor(k.line.Color)
		radius := vg.Length(3)
		if k.faint {
			radius = 1.6
		}
		for _, pt := range k.points {
			c.Fill(circle(vg.Point{X: x(pt.x), Y: y(pt.y)}, radius))
		}
		return
	}
	dot := vg.Length(1.6)
	if len(k.points) == 1 {
		dot = 4
	}
	for len(k.points) > 0 {
		n := 1
		for n < len(k.points) && !k.points[n].starts {
			n++
		}
		var path vg.Path
		for i, pt := range k.points[:n] {
			at := vg.Point{X: x(pt.x), Y: y(pt.y)}
			if i == 0 {
				path.Move(at)
			} else {
				path.Line(at)
			}
		}
		if n > 1 {
			c.Stroke(path)
		} else {
			c.Fill(circle(path[0].Pos, dot))
		}
		if k.ends {
			k.drawEnds(c, path[0].Pos, path[len(path)-1].Pos)
		}
		k.points = k.points[n:]
	}
}

func (k curve) drawEnds(c draw.Canvas, first, last vg.Point) {
	ring := circle(first, 5)
	c.SetColor(white)
	c.Fill(ring)
	c.SetLineStyle(draw.LineStyle{Color: k.line.Color, Width: 2})
	c.Stroke(ring)
	c.SetColor(k.line.Color)
	c.Fill(circle(last, 5))
	c.SetLineStyle(k.line)
}

func circle(center vg.Point, radius vg.Length) vg.Path {
	var path vg.Path
	path.Move(vg.Point{X: center.X + radius, Y: center.Y})
	path.Arc(center, radius, 0, 2*math.Pi)
	path.Close()
	return path
}
